"""van Houwelingen HC, Arends LR, Stijnen T (2002). Advanced methods in meta-analysis.

Statistics in Medicine 21:589-624, doi:10.1002/sim.1040. Odds ratios of tuberculosis with and
without BCG vaccine, 13 trials; pages at each test.
Read: metafor's test of this analysis, which names the pages and where the article differs. Its
bivariate models (pages 604 to 613) are not reproduced: comorbid pools one effect a study.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed, bcg

import comorbid as cb


def test_common_effect() -> None:
    """Page 596.

    The article has 0.703 for the upper end, the exponential of its log as rounded, -0.353.
    """
    fit = cb.pool(bcg("OR"), method="EE", test="z")
    odds = fit.on_scale()
    assert (odds.estimate, odds.ci[0]) == as_printed("0.647 0.595")
    assert odds.ci[1] != as_printed("0.703")
    assert np.exp(round(fit.ci[1], 3)) == as_printed("0.703")


def test_random_effects() -> None:
    """Page 597, maximum likelihood."""
    fit = cb.pool(bcg("OR"), method="ML", test="z")
    odds = fit.on_scale()
    assert (odds.estimate, *odds.ci) == as_printed("0.476 0.336 0.675")
    assert fit.tau2 == as_printed("0.302")


def test_profile_likelihood_of_tau2() -> None:
    """The profile likelihood of tau2 meets its 95 % line at 0.12 and 0.89.

    So metafor's test draws the article's figure; its page is not known.
    """
    fit = cb.pool(bcg("OR"), method="ML", test="z")
    assert fit.tau2_ci("PL") == as_printed("0.12 0.89")


def test_range_of_true_effects() -> None:
    """Page 599: the mean and 1.96 standard deviations between trials."""
    fit = cb.pool(bcg("OR"), method="ML", test="z")
    spread = 1.96 * fit.tau2**0.5
    assert (fit.estimate - spread, fit.estimate + spread) == as_printed("-1.820 0.336")


def test_latitude() -> None:
    """Pages 608 and 609."""
    result = cb.regress(bcg("OR"), "~ ablat", method="ML", test="z")
    assert result.estimate == as_printed("0.371 -0.033")
    assert result.se == as_printed("0.106 0.003")
    assert result.tau2 == as_printed("0.004")
    assert result.r2 == as_printed("98.7")
