"""Lipsey MW, Wilson DB (2001). Practical meta-analysis. Sage.

Chapter 7, data of Table 7.1 (page 130): challenge programmes for juvenile delinquents, 10 studies.
Exhibits and pages at each test.
Read: metafor's test of this analysis, which names exhibits and pages and where the chapter
differs; all differences are of 0.0001 or 0.0002. Its R2 is defined in another way.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed

import comorbid as cb

PROGRAMMES = cb.Effects(
    yi=[-0.33, 0.32, 0.39, 0.31, 0.17, 0.64, -0.33, 0.15, -0.02, 0.00],
    vi=[0.084, 0.035, 0.017, 0.034, 0.072, 0.117, 0.102, 0.093, 0.012, 0.067],
    moderators={
        "random": [0, 0, 0, 0, 0, 0, 1, 1, 1, 1],
        "intensity": [7, 3, 7, 5, 7, 7, 4, 4, 5, 6],
    },
)


def test_common_effect() -> None:
    """Exhibit 7.3, page 133."""
    fit = cb.pool(PROGRAMMES, method="EE", test="z")
    assert (fit.estimate, fit.se, fit.statistic) == as_printed("0.1549 0.0609 2.5450")
    assert (fit.p_value, *fit.ci) == as_printed("0.0109 0.0356 0.2742")
    assert (fit.q, fit.q_p) == as_printed("14.7640 0.0976")


def test_random_effects() -> None:
    """Exhibit 7.3, page 133."""
    fit = cb.pool(PROGRAMMES, method="DL", test="z")
    assert (fit.estimate, fit.se, fit.statistic) == as_printed("0.1534 0.0858 1.7893")
    assert (fit.p_value, *fit.ci) == as_printed("0.0736 -0.0146 0.3215")
    assert fit.tau2 == as_printed("0.025955")


def test_random_assignment() -> None:
    """Exhibit 7.4, page 138. The chapter has 7.0738, 7.6902 and 6.4383 for QM and two Q."""
    result = cb.regress(PROGRAMMES, "~ random", method="EE", test="z")
    rows = result.predict({"random": [0, 1]}).to_frame()
    columns = ["estimate", "se", "ci_low", "ci_high"]
    assert rows[columns].to_numpy() == as_printed(
        "0.2984 0.0813 0.1390 0.4578 -0.0277 0.0917 -0.2075 0.1521"
    )
    assert (result.qm, result.qm_p) == as_printed("7.0739 0.0078")
    assert (result.qe, result.qe_p) == as_printed("7.6901 0.4643")
    groups = cb.subgroups(PROGRAMMES, by="random", method="EE", test="z").to_frame()
    assert groups["q"].to_numpy() == as_printed("6.4382 1.2519")
    assert groups["q_p"].to_numpy() == as_printed("0.2659 0.7406")
    chapter = np.array([7.0738, 7.6902, 6.4383])
    ours = np.array([result.qm, result.qe, groups["q"].iloc[0]])
    assert ours != as_printed("7.0738 7.6902 6.4383")
    assert np.allclose(ours, chapter, rtol=0, atol=1.6e-4)


def test_weighted_regression() -> None:
    """Exhibit 7.6, page 141. The chapter has 7.6833 and 0.3613 for QE and its p-value."""
    result = cb.regress(PROGRAMMES, "~ random + intensity", method="EE", test="z")
    assert result.estimate == as_printed("0.3223 -0.3298 -0.0041")
    assert result.se == as_printed("0.2998 0.1304 0.0493")
    assert result.statistic == as_printed("1.0752 -2.5286 -0.0829")
    assert result.p_value == as_printed("0.2823 0.0115 0.9339")
    assert result.ci_low == as_printed("-0.2652 -0.5854 -0.1007")
    assert result.ci_high == as_printed("0.9099 -0.0742 0.0925")
    assert (result.qm, result.qm_p) == as_printed("7.0807 0.0290")
    assert (result.qe, result.qe_p) == as_printed("7.6832 0.3614")
    assert (result.qe, result.qe_p) != as_printed("7.6833 0.3613")


def test_mixed_effects() -> None:
    """Exhibit 7.7, page 141. The chapter has 5.5709 for QM."""
    result = cb.regress(PROGRAMMES, "~ random + intensity", method="DL", test="z")
    assert result.estimate == as_printed("0.3311 -0.3269 -0.0068")
    assert result.se == as_printed("0.3198 0.1439 0.0528")
    assert result.statistic == as_printed("1.0351 -2.2712 -0.1292")
    assert result.p_value == as_printed("0.3006 0.0231 0.8972")
    assert result.ci_low == as_printed("-0.2958 -0.6090 -0.1103")
    assert result.ci_high == as_printed("0.9579 -0.0448 0.0967")
    assert (result.qm, result.qm_p) == as_printed("5.5711 0.0617")
    assert result.qm != as_printed("5.5709")
    assert result.tau2 == as_printed("0.00488")
