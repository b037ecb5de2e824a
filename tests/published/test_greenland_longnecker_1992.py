"""Greenland S, Longnecker MP (1992). Trend estimation from summarized dose-response data.

American Journal of Epidemiology 135:1301-1309. doi:10.1093/oxfordjournals.aje.a116237, whose
example is a case-control study of alcohol and breast cancer (Rohan and McMichael 1988): odds
ratios of three levels against one reference.
Read: the data set (cc_ex) and the numbers on the help pages of dosresmeta 2.1.1 (dosresmeta, grl,
covar.logrr), which uses the paper's method; not the article.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed

import comorbid as cb

DOSES = np.array([2.0, 6.0, 11.0])
RATIOS, LOW, HIGH = np.log([[0.80, 1.16, 1.57], [0.51, 0.73, 0.99], [1.27, 1.85, 2.51]])
COUNTS = {"ai": [74, 90, 122], "bi": [93, 96, 90], "ci": 165, "di": 172}


def trend(v: np.ndarray) -> tuple[float, float]:
    """The slope through the reference by generalised least squares, and its standard error."""
    precision = DOSES @ np.linalg.solve(v, DOSES)
    return float(DOSES @ np.linalg.solve(v, RATIOS) / precision), float(precision**-0.5)


def test_the_trend_over_alcohol() -> None:
    """Slope 0.0454 (0.0207), chi-squared 4.8333; as if independent 0.0334 (0.0187)."""
    vi = ((HIGH - LOW) / (2 * 1.959963984540054)) ** 2
    effects = cb.Effects(yi=RATIOS, vi=vi, studies=["Rohan"] * 3, measure="OR")
    v = cb.covariance(effects, reference=COUNTS).matrix
    assert trend(v) == (as_printed("0.0454"), as_printed("0.0207"))
    assert (trend(v)[0] / trend(v)[1]) ** 2 == pytest.approx(4.8333, abs=5e-5)
    assert trend(np.diag(vi)) == (as_printed("0.0334"), as_printed("0.0187"))


def test_covariances_of_a_case_control_study() -> None:
    """The first study of alcohol_cvd, on the help page of covar.logrr; reference level first."""
    cases, people = np.array([126, 61, 69, 22, 19]), np.array([414, 261, 228, 44, 34])
    yi = [-0.22314350307, -0.000099999997474, 0.53062832355, 0.87546867132]
    se = np.array([0.22333797812, 0.23375192285, 0.37651365995, 0.44400462508])
    effects = cb.Effects(yi=yi, vi=se**2, studies=["1"] * 4, measure="OR")
    a, b = cases, people - cases
    counts = {"ai": a[1:], "bi": b[1:], "ci": a[0], "di": b[0]}
    found = cb.covariance(effects, reference=counts).matrix
    printed = "0.01875906 0.01678737 0.01780975 0.01736485 0.01842239 0.01648609"
    assert found[np.triu_indices(4, 1)] == pytest.approx(as_printed(printed).figures, abs=5e-8)
