"""BCG vaccine against tuberculosis, 13 trials: the tables that textbooks of the field print.

Viechtbauer W (2010). Conducting meta-analyses in R with the metafor package. Journal of
Statistical Software 36(3), doi:10.18637/jss.v036.i03, the running example: log relative
risks, REML, estimate -0.7145 (SE 0.1798), tau2 0.3132, I2 92.22 %, H2 12.86, Q(12) 152.2330.
van Houwelingen HC, Arends LR, Stijnen T (2002). Statistics in Medicine 21:589-624,
doi:10.1002/sim.1040, the fixed-effects analysis: log odds ratios, -0.436 (SE 0.042).
"""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import comorbid as cb

_FILE = Path(__file__).parents[1] / "golden" / "data" / "dat.bcg.json.gz"


def trials(measure: str) -> cb.Effects:
    with gzip.open(_FILE, "rt", encoding="utf-8") as file:
        analysis = json.load(file)["analyses"][measure]
    return cb.Effects(yi=analysis["yi"], vi=analysis["vi"], labels=analysis["slab"])


def test_viechtbauer_2010_random_effects() -> None:
    fit = cb.pool(trials("RR"), method="REML", test="z")
    assert round(fit.estimate, 4) == -0.7145
    assert round(fit.se, 4) == 0.1798
    assert round(fit.tau2, 4) == 0.3132
    assert round(fit.i2, 2) == 92.22
    assert round(fit.h2, 2) == 12.86
    assert round(fit.q, 4) == 152.2330
    assert tuple(round(end, 4) for end in fit.ci) == (-1.0669, -0.3622)


def test_van_houwelingen_2002_common_effect() -> None:
    fit = cb.pool(trials("OR"), method="EE", test="z")
    assert round(fit.estimate, 3) == -0.436
    assert round(fit.se, 3) == 0.042
