"""VanderWeele TJ, Ding P (2017). Sensitivity analysis in observational research: the E-value.

Annals of Internal Medicine 167:268-274, doi:10.7326/M16-2607; the pages are not known. Its examples
and those of Ding and VanderWeele (2016), Epidemiology 27:368-377.
Read: the documentation of the R package EValue 2.0.0 with its output for them (article
"unmeasured-confounding", help pages of evalues.OR, evalues.HR and evalues.MD).
"""

from __future__ import annotations

import math

import pytest
from printed import as_printed

import comorbid as cb


def published(ratio: float, low: float, high: float, measure: str = "RR") -> cb.Fit:
    """A published ratio with its interval as the pool of one study, whose interval has these ends.

    The interval of a pool is symmetric on the log scale; a printed one only nearly.
    """
    fit = cb.pool(
        cb.Effects(
            yi=[math.log(low * high) / 2],
            vi=[(math.log(high / low) / (2 * 1.959963984540054)) ** 2],
            measure=measure,
        )
    )
    assert fit.on_scale().ci == pytest.approx((low, high), rel=1e-9)
    assert fit.on_scale().estimate == pytest.approx(ratio, rel=0.02)
    return fit


def exactly(ratio: float, measure: str = "RR") -> cb.Fit:
    return cb.pool(cb.Effects(yi=[math.log(ratio)], vi=[0.001], measure=measure))


@pytest.mark.parametrize(
    ("ratio", "low", "high", "of_estimate", "of_limit"),
    [
        (10.73, 8.02, 14.36, "20.94777", "15.52336"),  # smoking and lung cancer, Hammond and Horn
        (3.9, 1.8, 8.7, "7.263034", "3.0"),  # formula feeding and respiratory death, Victora
        (0.80, 0.71, 0.91, "1.809017", "1.428571"),  # breastfeeding and leukaemia
    ],
)
def test_risk_ratios(
    ratio: float, low: float, high: float, of_estimate: str, of_limit: str
) -> None:
    assert cb.e_value(exactly(ratio)).estimate == as_printed(of_estimate)
    assert cb.e_value(published(ratio, low, high)).limit == as_printed(of_limit)


def test_away_from_a_ratio_of_one_and_a_half() -> None:
    assert cb.e_value(exactly(2.5), true=1.5).estimate == as_printed("2.720759")


def test_a_common_odds_ratio() -> None:
    """The help page of evalues.OR: 0.86 (0.75 to 0.99), rare = FALSE."""
    found = cb.e_value(exactly(0.86, "OR"))
    assert found.risk_ratio == as_printed("0.9273618")
    assert found.estimate == as_printed("1.3689529")
    limit = cb.e_value(published(0.86, 0.75, 0.99, "OR"))
    assert limit.risk_ratio_ci[0] == as_printed("0.8660254")
    assert limit.risk_ratio_ci[1] == as_printed("0.9949874")
    assert limit.limit == as_printed("1.0761939")


def test_the_rare_odds_ratio_of_the_paper_is_taken_for_a_risk_ratio() -> None:
    found = cb.e_value(exactly(3.9, "OR"), outcome="rare")
    assert found.estimate == as_printed("7.263034")


def test_a_common_hazard_ratio() -> None:
    """The help page of evalues.HR: 0.56 (0.46 to 0.69), rare = FALSE."""
    found = cb.e_value(exactly(0.56, "HR"))
    assert found.risk_ratio == as_printed("0.670084")
    assert found.estimate == as_printed("2.349531")
    limit = cb.e_value(published(0.56, 0.46, 0.69, "HR"))
    assert limit.risk_ratio_ci == as_printed("0.585935 0.7735267")
    assert limit.limit == as_printed("1.9080039")


def test_a_standardised_difference() -> None:
    """The help page of evalues.MD: 0.5 with standard error 0.25.

    It rounds 0.91 times 1.96 to 1.78, which moves the ends of its interval in the third decimal.
    """
    found = cb.e_value(cb.pool(cb.Effects(yi=[0.5], vi=[0.25**2], measure="SMD")))
    assert found.risk_ratio == as_printed("1.576173")
    assert found.estimate == as_printed("2.529142")
    assert found.risk_ratio_ci != as_printed("1.010050 2.459603")
    assert found.risk_ratio_ci == pytest.approx(
        [math.exp(0.91 * (0.5 + z * 0.25)) for z in (-1.959963984540054, 1.959963984540054)]
    )
    assert found.limit == pytest.approx(1.110803, abs=0.006)
