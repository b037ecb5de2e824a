"""Raudenbush SW (2009). Analyzing effect sizes: random-effects models.

Cooper H, Hedges LV, Valentine JC (eds), The handbook of research synthesis and meta-analysis,
2nd edition, 295-315, Tables 16.2 (page 301) and 16.3 (page 309). Teachers' expectations and
pupils' IQ, 19 experiments.
Read: metafor's test of this analysis, which names tables, pages, and where the chapter differs.
The last rows of Table 16.3, Huber-White standard errors, are not reproduced here.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed, expectancy

import comorbid as cb

# Rows of Table 16.3: tau2, mean, standard error, ratio of the two, ends of the interval.
CONVENTIONAL = {
    "EE": "0.000 0.060 0.036 1.655 -0.011 0.132",
    "ML": "0.013 0.078 0.047 1.637 -0.015 0.171",
    "REML": "0.019 0.084 0.052 1.621 -0.018 0.185",
    "DL": "0.026 0.089 0.056 1.601 -0.020 0.199",
    "HE": "0.080 0.114 0.079 1.443 -0.041 0.270",
}
KNAPP_HARTUNG = {
    "EE": "0.000 0.060 0.051 1.173 -0.048 0.168",
    "ML": "0.013 0.078 0.059 1.311 -0.047 0.202",
    "REML": "0.019 0.084 0.062 1.359 -0.046 0.213",
    "DL": "0.026 0.089 0.064 1.405 -0.044 0.223",
    "HE": "0.080 0.114 0.071 1.608 -0.035 0.264",
}


@pytest.mark.parametrize("method", CONVENTIONAL)
def test_table_16_3_conventional(method: str) -> None:
    fit = cb.pool(expectancy(), method=method, test="z")
    found = (fit.tau2, fit.estimate, fit.se, fit.statistic, *fit.ci)
    assert found == as_printed(CONVENTIONAL[method])


@pytest.mark.parametrize("method", KNAPP_HARTUNG)
def test_table_16_3_knapp_hartung(method: str) -> None:
    fit = cb.pool(expectancy(), method=method, test="knha")
    found = (fit.tau2, fit.estimate, fit.se, fit.statistic, *fit.ci)
    assert found == as_printed(KNAPP_HARTUNG[method])


def test_table_16_2_common_effect() -> None:
    """Also page 302. The chapter cuts the ratio off where Table 16.3 has 1.655: 1.65."""
    fit = cb.pool(expectancy(), method="EE", test="z")
    assert fit.estimate == as_printed("0.060")
    assert fit.q == as_printed("35.83")
    assert fit.statistic != as_printed("1.65")
    assert np.floor(fit.statistic * 100) / 100 == as_printed("1.65")


def test_table_16_2_random_effects() -> None:
    """Also page 302. The mean is 0.083 there and 0.084 in Table 16.3; ours is 0.0837.

    The chapter's range of plausible values is the mean and 1.96 standard deviations between
    experiments.
    """
    fit = cb.pool(expectancy(), method="REML", test="z")
    assert fit.estimate == as_printed("0.084")
    assert fit.estimate != as_printed("0.083")
    assert (fit.statistic, fit.tau2) == as_printed("1.62 0.019")
    spread = 1.96 * fit.tau2**0.5
    assert (fit.estimate - spread, fit.estimate + spread) == as_printed("-0.19 0.35")
    found = cb.blup(fit).pred
    assert (found.min(), found.max()) == as_printed("-0.03 0.25")


def test_table_16_2_weeks_of_contact() -> None:
    """The chapter's range of predictions starts at -0.07, rounded twice: ours is -0.0645."""
    result = cb.regress(expectancy(), "~ weeks", test="z")
    assert result.estimate == as_printed("0.407 -0.157")
    assert result.statistic == as_printed("4.68 -4.39")
    assert (result.tau2, result.qe) == as_printed("0.000 16.57")
    means = [row.estimate for row in result.predict().on_scale()]
    assert (min(means), max(means)) == as_printed("-0.06 0.41")
    assert min(means) != as_printed("-0.07")
