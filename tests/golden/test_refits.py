"""Global maxima of the restricted likelihood.

The values and how they were made: tests/golden/data/README.md.
"""

from __future__ import annotations

import json
import math
from typing import Any

from golden_data import DATA

import comorbid as cb
from comorbid.models.likelihood import REML
from comorbid.models.maxima import all_maxima


def _global_maxima() -> list[dict[str, Any]]:
    return list(json.loads((DATA / "reml-global-maximum.json").read_text()))


def test_reml_is_at_the_global_maximum() -> None:
    """426 data sets, some with two maxima; the source gives tau2 to about 1e-8, ll to 1e-10.

    Its log-likelihoods are without the constant that does not depend on tau2.
    """
    wrong = []
    for number, case in enumerate(_global_maxima()):
        effects = cb.Effects(yi=case["yi"], vi=case["vi"])
        fit, zero = (cb.pool(effects, tau2=tau2) for tau2 in (None, 0.0))
        data = fit.projection
        constant = (math.log(fit.k) - (fit.k - 1) * math.log(2 * math.pi)) / 2
        found = {
            "tau2": (fit.tau2, math.isclose(fit.tau2, case["tau2"], rel_tol=1e-6, abs_tol=2e-8)),
            **{
                name: (height, math.isclose(height - constant, case[name], abs_tol=1e-9))
                for name, height in (
                    ("ll", fit.reml.log_likelihood),
                    ("ll_at_zero", zero.reml.log_likelihood),
                )
            },
        }
        maxima = all_maxima(data, REML).tau2.size
        found["maxima"] = (maxima, maxima == case["maxima"])
        assert case.keys() == {"yi", "vi", *found}
        wrong += [(number, name, value) for name, (value, near) in found.items() if not near]
    assert not wrong
    assert len(_global_maxima()) == 426
