"""Viechtbauer W (2007). Accounting for heterogeneity via random-effects models.

Zeitschrift fuer Psychologie / Journal of Psychology 215:104-121, doi:10.1027/0044-3409.215.2.104.
Response to St John's wort and placebo, 17 trials of Linde K, Berner M, Egger M, Mulrow C (2005),
British Journal of Psychiatry 186:99-107, doi:10.1192/bjp.186.2.99, as in metadat's dat.linde2005,
rows 7 to 10 and 13 to 25; pages at each test.
Read: metafor's test of this analysis, which names the pages and where the article differs.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed
from scipy import special

import comorbid as cb

# Responders and number of patients with hypericum, the same with placebo, daily dose in mg, weeks.
TRIALS = np.array(
    [
        *[(20, 25, 11, 25, 380, 8), (14, 20, 9, 20, 900, 4), (4, 25, 2, 25, 900, 4)],
        *[(20, 32, 6, 33, 900, 6), (28, 50, 13, 55, 900, 4), (34, 48, 25, 49, 240, 6)],
        *[(35, 53, 12, 54, 900, 4), (24, 49, 16, 49, 900, 6), (45, 80, 12, 79, 500, 6)],
        *[(67, 106, 22, 47, 1050, 6), (34, 60, 17, 59, 900, 6), (46, 70, 34, 70, 500, 6)],
        *[(55, 123, 57, 124, 900, 6), (23, 37, 15, 35, 900, 6), (26, 98, 19, 102, 1050, 8)],
        *[(46, 113, 56, 116, 1200, 8), (98, 186, 80, 189, 900, 6)],
    ],
    dtype=np.float64,
).T
# Depression score at baseline.
BASELINE = [
    *(19.5, 12.5, 22.7, 16.5, 15.8, 23.6, 20.7, 21.1, 19.4),
    *(22.7, 16.7, 20.9, 21.5, 19.9, 22.5, 22.9, 21.9),
]


def st_johns_wort() -> cb.Effects:
    ai, n1i, ci, n2i, dose, weeks = TRIALS
    grams = (dose * 7 / 1000 * weeks).tolist()
    moderators = {"dosage": grams, "baseline": BASELINE}
    return cb.escalc("RR", ai=ai, n1i=n1i, ci=ci, n2i=n2i, moderators=moderators)


def test_single_trials() -> None:
    """Page 106: intervals of the 13th and the last. The article has 1.01 for ours of 1.0039."""
    effects = st_johns_wort()
    half = special.ndtri(0.975) * np.sqrt(effects.vi)
    low, high = np.exp(effects.yi - half), np.exp(effects.yi + half)
    assert (low[12], high[12], high[16]) == as_printed("0.74 1.28 1.54")
    assert low[16] == as_printed("1.00")
    assert low[16] != as_printed("1.01")


def test_common_effect() -> None:
    """Page 107. The article has 1.39, ours is 1.3840, and 55.54 for Q, ours is 51.5454."""
    fit = cb.pool(st_johns_wort(), method="EE", test="z")
    rate = fit.on_scale()
    assert rate.ci == as_printed("1.26 1.52")
    assert rate.estimate == as_printed("1.38")
    assert rate.estimate != as_printed("1.39")
    assert fit.q == as_printed("51.55")
    assert fit.q != as_printed("55.54")


def test_random_effects() -> None:
    """Page 109. The article has 0.091 for tau2 and 1.90 for the upper end; ours are 0.0903, 1.886.

    Its range of true rates, 0.87 to 2.83, leaves out that the mean is estimated; ours without that
    is 0.87 to 2.83 as well, from the article's tau2.
    """
    fit = cb.pool(st_johns_wort(), method="DL", test="z")
    rate = fit.on_scale()
    assert (rate.estimate, rate.ci[0]) == as_printed("1.57 1.31")
    assert rate.ci[1] == as_printed("1.89")
    assert rate.ci[1] != as_printed("1.90")
    assert fit.tau2 == as_printed("0.090")
    assert fit.tau2 != as_printed("0.091")
    spread = np.array([-1, 1]) * special.ndtri(0.975)
    assert np.exp(fit.estimate + spread * fit.tau2**0.5) == as_printed("0.87 2.83")


def test_dose_and_baseline() -> None:
    """Pages 112 and 113, Table II. The article has 48 % for R2, ours is 47.38 %.

    For the rates at baselines of 12.5 and 23.6 it has 2.66, 1.46 to 4.90, and 1.26, to 1.61; ours
    are 2.6657, 1.4560 to 4.8806, and 1.2639, 0.9923 to 1.6099.
    """
    result = cb.regress(
        st_johns_wort(), "~ I(dosage - 34) * I(baseline - 20)", method="DL", test="z"
    )
    assert result.estimate == as_printed("0.476 -0.006 -0.067 -0.002")
    assert result.se == as_printed("0.088 0.010 0.035 0.003")
    assert result.statistic == as_printed("5.434 -0.585 -1.909 -0.456")
    assert result.p_value == as_printed("0.000 0.559 0.056 0.649")
    assert result.tau2 == as_printed("0.047")
    assert result.r2 == as_printed("47.38")
    assert result.r2 != as_printed("48")
    mild, severe = result.predict({"dosage": 34, "baseline": [12.5, 23.6]}).on_scale()
    assert (mild.estimate, *mild.ci) == as_printed("2.67 1.46 4.88")
    assert mild.estimate != as_printed("2.66")
    assert mild.ci[1] != as_printed("4.90")
    assert (severe.estimate, *severe.ci) == as_printed("1.26 0.99 1.61")
