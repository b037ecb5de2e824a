"""Raudenbush SW, Bryk AS (1985). Empirical Bayes meta-analysis.

Journal of Educational Statistics 10:75-98, doi:10.3102/10769986010002075. Teachers'
expectations and pupils' IQ, 19 experiments; pages at each test.
Read: metafor's test of this analysis, which names the pages and where the article differs.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed, expectancy

import comorbid as cb


def test_random_effects() -> None:
    """Pages 83, 85 and 86. The article has 35.85 for Q, from less rounded variances perhaps."""
    fit = cb.pool(expectancy(), method="REML", test="z")
    assert (fit.tau2, fit.estimate) == as_printed("0.019 0.084")
    assert fit.statistic == as_printed("1.62")
    assert fit.q == as_printed("35.83")
    assert fit.q != as_printed("35.85")


def test_empirical_bayes_estimates() -> None:
    """Figure 2: estimates and intervals, with the four decimals of metafor's test.

    metafor's tau2 is where its iterations stop, within 0.00001 of the maximum, which moves some of
    these by 0.0001.
    """
    found = cb.blup(cb.pool(expectancy(), method="REML", test="z"))
    metafor = {
        "pred": "0.0543 0.1006 -0.0064 0.2144 0.1051 -0.0082 0.0174 -0.0293 0.1604 0.2485 0.1618 "
        "0.1102 0.0646 0.1105 -0.0288 0.0258 0.1905 0.0744 0.0248",
        "pi_low": "-0.1324 -0.1033 -0.2228 -0.0533 -0.1622 -0.1737 -0.1481 -0.2689 -0.0543 0.0000 "
        "-0.0970 -0.1303 -0.1920 -0.1463 -0.2405 -0.1906 -0.0076 -0.0808 -0.1954",
        "pi_high": "0.2411 0.3045 0.2100 0.4821 0.3724 0.1572 0.1828 0.2102 0.3751 0.4970 0.4206 "
        "0.3507 0.3212 0.3672 0.1829 0.2422 0.3886 0.2295 0.2450",
    }
    for name, text in metafor.items():
        assert np.allclose(getattr(found, name), as_printed(text).figures, rtol=0, atol=1.5e-4)


def test_weeks_of_contact() -> None:
    """Pages 90 and 92. The article has 16.58 for Q, one unit of its last digit off."""
    result = cb.regress(expectancy(), "~ weeks", test="z")
    assert result.tau2 == as_printed("0.000")
    assert result.estimate == as_printed("0.407 -0.157")
    assert result.statistic == as_printed("4.68 -4.39")
    assert result.qe == as_printed("16.57")
    assert result.qe != as_printed("16.58")
    assert np.isclose(result.qe, 16.58, rtol=0, atol=0.01)
