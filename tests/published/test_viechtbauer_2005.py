"""Viechtbauer W (2005). Bias and efficiency of meta-analytic variance estimators.

Journal of Educational and Behavioral Statistics 30:261-293, doi:10.3102/10769986030003261, pages
271 and 272: seven estimators of tau2 on two sets of standardised mean differences between open
and traditional education. The second is that of test_hedges_olkin_1985.py.
Read: metafor's test of this analysis, which names the pages and compares tau2, I2 and H2.
"""

from __future__ import annotations

import pytest
from printed import as_printed

import comorbid as cb

FIRST = cb.Effects(
    yi=[-0.581, 0.530, 0.771, 1.031, 0.553, 0.295, 0.078, 0.573, -0.176, -0.232],
    vi=[0.023, 0.052, 0.060, 0.115, 0.095, 0.203, 0.200, 0.211, 0.051, 0.040],
)
SECOND = cb.Effects(
    yi=[
        *(0.100, -0.162, -0.090, -0.049, -0.046, -0.010, -0.431, -0.261, 0.134),
        *(0.019, 0.175, 0.056, 0.045, 0.103, 0.121, -0.482, 0.290, 0.342),
    ],
    vi=[
        *(0.016, 0.015, 0.050, 0.050, 0.032, 0.052, 0.036, 0.024, 0.034),
        *(0.033, 0.031, 0.034, 0.039, 0.167, 0.134, 0.096, 0.016, 0.035),
    ],
)


@pytest.mark.parametrize(
    ("method", "first", "second"),
    [
        ("HS", "0.228 77.23 4.39", "0.010 22.93 1.30"),
        ("HE", "0.148 68.80 3.21", "0.000 0.00 1.00"),
        ("DL", "0.277 80.44 5.11", "0.013 27.53 1.38"),
        ("ML", "0.197 74.51 3.92", "0.013 28.45 1.40"),
        ("REML", "0.223 76.84 4.32", "0.016 32.02 1.47"),
        ("EB", "0.192 74.05 3.85", "0.010 23.72 1.31"),
        ("SJ", "0.199 74.75 3.96", "0.025 42.67 1.74"),
    ],
)
def test_estimators(method: str, first: str, second: str) -> None:
    """Page 271 for the first set, page 272 for the second: tau2, I2, H2."""
    for effects, printed in ((FIRST, first), (SECOND, second)):
        fit = cb.pool(effects, method=method, test="z")
        assert (fit.tau2, fit.i2, fit.h2) == as_printed(printed)
