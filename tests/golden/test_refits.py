"""Global maxima of the restricted likelihood.

The values and how they were made: tests/golden/data/README.md.
"""

from __future__ import annotations

import json
import math

import numpy as np
from golden_data import DATA

import comorbid as cb


def _global_maxima() -> list[dict[str, object]]:
    return list(json.loads((DATA / "reml-global-maximum.json").read_text()))


def test_reml_is_at_the_global_maximum() -> None:
    """426 data sets, some with two maxima; the source gives tau2 to about 1e-8, ll to 1e-10."""
    wrong = []
    for number, case in enumerate(_global_maxima()):
        yi, vi = np.array(case["yi"]), np.array(case["vi"])
        tau2 = cb.pool(cb.Effects(yi=yi, vi=vi)).tau2
        if not math.isclose(tau2, case["tau2"], rel_tol=1e-6, abs_tol=2e-8):  # type: ignore[arg-type]
            wrong.append((number, tau2, case["tau2"]))
    assert not wrong
    assert len(_global_maxima()) == 426
