"""Sterne JAC, Bradburn MJ, Egger M (2001). Meta-analysis in Stata.

Egger M, Davey Smith G, Altman DG (eds), Systematic reviews in health care, 2nd edition, 347-369,
Table 18.2: magnesium after a heart attack, 16 trials, counts as in metadat's dat.egger2001.
Read: not the chapter, whose own figures are not here. Two reanalyses of its table:
Beath KJ (2016). metaplus: an R package for the analysis of robust meta-analysis and
meta-regression. The R Journal 8(1):5-16, doi:10.32614/RJ-2016-001, the section on magnesium, read
in the journal's web version, which has no pages; and what Stata 16's meta command prints in
teaching notes on these trials (github.com/olaTechie/metaprac, c_binary.markdown).
"""

from __future__ import annotations

import numpy as np
from printed import as_printed
from scipy import stats

import comorbid as cb

MAGNESIUM = {
    "ai": [1, 9, 2, 1, 10, 1, 1, 0, 6, 1, 2, 5, 4, 90, 4, 2216],
    "n1i": [40, 135, 200, 48, 150, 59, 25, 22, 76, 27, 89, 23, 130, 1159, 107, 29011],
    "ci": [2, 23, 7, 1, 8, 9, 3, 1, 11, 7, 12, 13, 8, 118, 17, 2103],
    "n2i": [36, 135, 200, 46, 148, 56, 23, 21, 75, 27, 80, 33, 122, 1157, 108, 29039],
}
# Trials of 1,000 people and more, LIMIT-2 and ISIS-4.
LARGE = {"large": [0] * 13 + [1, 0, 1]}


def test_beath_maximum_likelihood() -> None:
    """Log odds ratio, tau2, log-likelihood, AIC and BIC, and the likelihood ratio test."""
    fit = cb.pool(cb.escalc("OR", **MAGNESIUM), method="ML", test="z")
    assert (fit.estimate, fit.tau2) == as_printed("-0.7463 0.2540")
    assert (fit.log_likelihood, fit.aic, fit.bic) == as_printed("-19.68459 43.36918 44.91436")


def test_beath_likelihood_ratio() -> None:
    """With p = 0.000501: twice the log-likelihood lost if the mean is 0 and tau2 is chosen anew."""
    effects = cb.escalc("OR", **MAGNESIUM)
    fit = cb.pool(effects, method="ML", test="z")
    tau2 = np.linspace(0.5, 1.5, 100_001)[:, None]
    total = effects.vi + tau2
    at_zero = -0.5 * (np.log(2 * np.pi * total) + effects.yi**2 / total).sum(axis=1)
    ratio = 2 * (fit.log_likelihood - at_zero.max())
    assert 0 < at_zero.argmax() < tau2.size - 1
    assert stats.chi2.sf(ratio, 1) == as_printed("0.000501")


def test_stata_mantel_haenszel() -> None:
    """Log risk ratio. Stata adds 0.5 to the trial without deaths before it pools, too."""
    fit = cb.mantel_haenszel(MAGNESIUM, measure="RR", pooled_zeros=cb.Zeros())
    assert (fit.estimate, *fit.ci) == as_printed("0.006 -0.049 0.061")
    assert (fit.statistic, fit.p_value) == as_printed("0.20 0.8414")
    assert fit.q == as_printed("45.17")


def test_stata_random_effects() -> None:
    """Risk ratio by REML, and the regression on the size of the trial.

    Stata has 0.2517851 for the slope's standard error; ours is 0.25178517.
    """
    effects = cb.escalc("RR", moderators=LARGE, **MAGNESIUM)
    risk = cb.pool(effects, test="z").on_scale()
    assert (risk.estimate, *risk.ci) == as_printed("0.511 0.352 0.742")
    result = cb.regress(effects, "~ large", test="z")
    assert (result.tau2, result.i2, result.h2) == as_printed("0.0501 33.01 1.49")
    assert (result.r2, result.qm, result.qm_p) == as_printed("77.92 9.66 0.0019")
    assert (result.qe, result.qe_p) == as_printed("18.42 0.1882")
    assert result.estimate == as_printed("-0.868714 0.7823604")
    assert result.se == as_printed("0.185131 0.251785")
    assert result.se[1] != as_printed("0.2517851")


def test_stata_small_study_effects() -> None:
    """Egger's test in the random-effects model, and trim and fill with REML."""
    fit = cb.pool(cb.escalc("RR", **MAGNESIUM), test="z")
    found = cb.asymmetry(fit, model="rma")
    assert (found.slope, found.slope_se, found.statistic) == as_printed("-1.45 0.317 -4.59")
    filled = cb.trim_and_fill(fit)
    assert (filled.k0, filled.side) == (7, "right")
    risk = filled.fit.on_scale()
    assert (risk.estimate, *risk.ci) == as_printed("0.709 0.485 1.037")
