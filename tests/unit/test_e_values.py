"""E-values, against the closed form r + sqrt(r (r - 1)) of VanderWeele and Ding (2017).

Annals of Internal Medicine 167:268-274, doi:10.7326/M16-2607; its conversions are those that the
documentation of the R package EValue 4.1.3 states (evalues.OR, evalues.HR, evalues.MD).
"""

from __future__ import annotations

import math

import pytest

import comorbid as cb


def fit(estimate: float, low: float, high: float, measure: str = "RR") -> cb.Fit:
    """One published ratio with its 95 % interval; its centre is the estimate."""
    se = math.log(high / low) / (2 * 1.959963984540054)
    return cb.pool(cb.Effects(yi=[math.log(estimate)], vi=[se**2], measure=measure))


def test_a_harmful_and_a_protective_ratio() -> None:
    """0.80 (0.71 to 0.91): the example of `evalues.RR`, breastfeeding and leukaemia."""
    harmful = cb.e_value(fit(3.9, 1.8, 8.7))
    assert harmful.estimate == pytest.approx(3.9 + math.sqrt(3.9 * 2.9), rel=1e-12)
    protective = cb.e_value(fit(0.80, 0.71, 0.91))
    assert protective.estimate == pytest.approx(1.25 + math.sqrt(1.25 * 0.25), rel=1e-12)


def test_limit_is_that_of_the_nearer_end() -> None:
    """The middle of the log interval 1.8 to 8.7, so that the fit's interval has these ends."""
    high = cb.e_value(fit(math.sqrt(1.8 * 8.7), 1.8, 8.7))
    assert high.limit == pytest.approx(1.8 + math.sqrt(1.8 * 0.8), rel=1e-9)
    low = cb.e_value(fit(math.sqrt(0.71 * 0.91), 0.71, 0.91))
    assert low.limit == pytest.approx(1 / 0.91 + math.sqrt((1 / 0.91) * (1 / 0.91 - 1)), rel=1e-9)


@pytest.mark.parametrize(
    ("measure", "outcome", "ratio"),
    [
        ("OR", "rare", 4.0),
        ("OR", "common", 2.0),
        ("HR", "rare", 4.0),
        ("HR", "common", (1 - 0.5**2) / (1 - 0.5**0.5)),
        ("IRR", "common", 4.0),
        ("PETO", "common", 2.0),
    ],
)
def test_conversions(measure: str, outcome: str, ratio: float) -> None:
    """Of a ratio of 4; sqrt(OR) and the formula for hazard ratios where the outcome is common."""
    found = cb.e_value(fit(4.0, 2.0, 8.0, measure), outcome=outcome)  # type: ignore[arg-type]
    assert found.risk_ratio == pytest.approx(ratio, rel=1e-12)
    assert found.estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-12)


def test_standardised_difference() -> None:
    """RR = exp(0.91 d)."""
    found = cb.e_value(cb.pool(cb.Effects(yi=[0.5], vi=[0.01], measure="SMD")))
    assert found.risk_ratio == pytest.approx(math.exp(0.91 * 0.5), rel=1e-12)


def test_interval_that_includes_the_null_has_1() -> None:
    found = cb.e_value(fit(1.3, 0.9, 1.9))
    assert found.limit == 1.0
    assert found.estimate > 1


def test_away_from_another_value_than_1() -> None:
    """Bringing 3.9 to 1.5 takes what bringing 2.6 to 1 takes; the limit is 2 / 1.5."""
    found = cb.e_value(fit(3.9, 2.0, 7.605), true=1.5)
    assert found.estimate == pytest.approx(2.6 + math.sqrt(2.6 * 1.6), rel=1e-12)
    assert found.limit == pytest.approx(4 / 3 + math.sqrt((4 / 3) * (1 / 3)), rel=1e-9)
    assert found.to_frame().loc["limit", "e_value"] == found.limit


def test_turning_the_ratio_over_changes_nothing() -> None:
    for outcome in ("common", "rare"):
        one = cb.e_value(fit(2.5, 1.5, 25 / 6, "HR"), outcome=outcome)  # type: ignore[arg-type]
        other = cb.e_value(fit(0.4, 0.24, 2 / 3, "HR"), outcome=outcome)  # type: ignore[arg-type]
        assert one.estimate == pytest.approx(other.estimate, rel=1e-9)
        assert one.limit == pytest.approx(other.limit, rel=1e-9)


def test_unknown_settings_are_named() -> None:
    with pytest.raises(cb.ModelError, match="use one of common, rare"):
        cb.e_value(fit(2, 1.5, 2.7), outcome="usual")  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="true is 0"):
        cb.e_value(fit(2, 1.5, 2.7), true=0)
    with pytest.raises(cb.ModelError, match="no risk ratio stands for MD; use a fit of RD or of"):
        cb.e_value(cb.pool(cb.Effects(yi=[0.2], vi=[0.01], measure="MD")))
    with pytest.raises(cb.ModelError, match="OR has no use for a baseline_risk"):
        cb.e_value(fit(2, 1.5, 2.7, "OR"), baseline_risk=0.1)


def difference(low: float, high: float) -> cb.Fit:
    se = (high - low) / (2 * 1.959963984540054)
    return cb.pool(cb.Effects(yi=[(low + high) / 2], vi=[se**2], measure="RD"))


def test_a_risk_difference_has_that_of_its_risk_ratio() -> None:
    """Risks of 100/300 and 50/250: to bring their difference to 0 is to bring their ratio to 1.

    Ding and VanderWeele (2016), Epidemiology 27:368-377, p. 376.
    """
    found = cb.e_value(difference(1 / 3 - 0.2 - 0.1, 1 / 3 - 0.2 + 0.1), baseline_risk=0.2)
    ratio = (100 / 300) / (50 / 250)
    assert found.risk_ratio == pytest.approx(ratio, rel=1e-9)
    assert found.estimate == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-9)
    near = (0.2 + 1 / 30) / 0.2
    assert found.limit == pytest.approx(near + math.sqrt(near * (near - 1)), rel=1e-9)
    assert any("taken as known" in note for note in found.warnings)


def test_a_risk_difference_may_have_an_end_beyond_a_risk_but_no_estimate_there() -> None:
    found = cb.e_value(difference(-0.2, 0.3), baseline_risk=0.1)
    assert found.limit == 1.0
    assert found.risk_ratio_ci[0] == 0.0
    with pytest.raises(cb.ModelError, match="make no risk between 0 and 1"):
        cb.e_value(difference(-0.3, -0.2), baseline_risk=0.1)
    with pytest.raises(cb.ModelError, match="needs a baseline_risk"):
        cb.e_value(difference(0.1, 0.2))
    with pytest.raises(cb.ModelError, match="that of bringing it to 0"):
        cb.e_value(difference(0.1, 0.2), baseline_risk=0.1, true=0.05)


def test_a_true_value_is_of_the_measure_itself() -> None:
    """A common odds ratio of 5 to 2, lower end 3: sqrt(5/2) and sqrt(3/2); an SMD of 0.5 to 0.1."""
    found = cb.e_value(fit(5, 3, 25 / 3, "OR"), true=2)
    for value, ratio in ((found.estimate, math.sqrt(5 / 2)), (found.limit, math.sqrt(3 / 2))):
        assert value == pytest.approx(ratio + math.sqrt(ratio * (ratio - 1)), rel=1e-9)
    assert (found.true, found.true_risk_ratio) == (2.0, pytest.approx(math.sqrt(2)))
    smd = cb.pool(cb.Effects(yi=[0.5], vi=[0.04], measure="SMD"))
    ratio = math.exp(0.91 * 0.4)
    assert cb.e_value(smd, true=0.1).estimate == pytest.approx(
        ratio + math.sqrt(ratio * (ratio - 1))
    )
    assert cb.e_value(smd, true=-0.5).true == -0.5
    with pytest.raises(cb.ModelError, match="true is inf; give a number, such as 0"):
        cb.e_value(smd, true=math.inf)


def test_says_what_it_rests_on() -> None:
    assert "approximation" in cb.e_value(fit(2, 1.5, 2.7, "OR")).summary()
    assert "approximation" not in cb.e_value(fit(2, 1.5, 2.7, "RR")).summary()
