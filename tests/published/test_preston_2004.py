"""Preston C, Ashby D, Smyth R (2004). Adjusting for publication bias.

Journal of Evaluation in Clinical Practice 10:313-322, doi:10.1111/j.1365-2753.2003.00457.x, the
example: 12 trials of Hahn S, Kim Y, Garner P (2001). BMJ 323:81-85, doi:10.1136/bmj.323.7304.81.
Read: not the article; the figures are those of metafor's own test of this example.
"""

from __future__ import annotations

import pytest

import comorbid as cb


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
def test_weight_functions() -> None:
    effects = cb.escalc(
        "OR",
        ai=[4, 0, 34, 7, 6, 1, 0, 11, 2, 0, 0, 33],
        n1i=[19, 18, 341, 71, 45, 94, 22, 88, 82, 33, 15, 221],
        ci=[5, 0, 50, 16, 5, 8, 0, 12, 7, 0, 1, 43],
        n2i=[19, 18, 334, 69, 44, 96, 22, 82, 84, 30, 20, 218],
        drop00="yes",
    )
    fit = cb.pool(effects, method="EE")
    deltas = {"halfnorm": 3.162948, "negexp": 2.656714, "logistic": 3.339338, "power": 1.458923}
    errors = {"halfnorm": 2.988922, "negexp": 2.347468, "logistic": 2.388776}
    for kind, delta in deltas.items():
        found = cb.selection_model(fit, kind=kind, alternative="less")  # type: ignore[arg-type]
        assert found.delta[0] == pytest.approx(delta, abs=2e-5)
        assert found.delta_se[0] == pytest.approx(errors.get(kind, found.delta_se[0]), rel=1e-4)
        assert (found.method, found.tau2) == ("EE", 0.0)
