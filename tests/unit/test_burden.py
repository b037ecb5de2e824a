"""Burden: from an odds or risk ratio and two prevalences to people."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, strategies as st

import comorbid as cb
from comorbid.effects.co_occurrence import joint_prevalence, quantities

SHARES = st.floats(0.001, 0.999)


def one(ratio: float, measure: str = "OR", vi: float = 0.01) -> cb.Fit:
    """A fit whose estimate is this ratio: one made-up study."""
    return cb.pool(cb.Effects(yi=[math.log(ratio)], vi=[vi], measure=measure))


def several(measure: str = "OR") -> cb.Fit:
    """Three made-up studies, so that there is a prediction interval."""
    return cb.pool(cb.Effects(yi=[0.5, 0.9, 0.8], vi=[0.02, 0.03, 0.02], measure=measure))


def test_press_statements_on_headache_and_back_pain() -> None:
    """University of Warwick, 22 September 2019: 1 in 5, 1 in 30, "just over one in 100" have both.

    Closed form: with p = P(back pain | headache) and q = P(back pain | no headache),
    p/30 + 29q/30 = 1/5 and p(1 - q) = 2q(1 - p) have the root q = 0.19555, p = 0.32714.
    """
    found = cb.burden(one(2.0), p1=1 / 5, p2=1 / 30, population=66_000_000)
    assert 100 * found.expected.estimate == pytest.approx(0.67, abs=0.005)
    assert 100 * found.both.estimate == pytest.approx(1.09, abs=0.005)
    assert found.risk_ratio_1.estimate == pytest.approx(1.67, abs=0.005)
    p, q = 30 * found.both.estimate, (1 / 5 - found.both.estimate) * 30 / 29
    assert p * (1 - q) == pytest.approx(2 * q * (1 - p), rel=1e-12)
    assert found.people().loc["both", "estimate"] > 500_000, "well over half a million"
    assert found.people(1000).loc["extra", "estimate"] == pytest.approx(4.24, abs=0.005)


@given(st.floats(-8, 8), SHARES, SHARES)
def test_the_table_has_the_odds_ratio_and_the_margins(y: float, p1: float, p2: float) -> None:
    both = float(joint_prevalence("OR", np.array(y), np.array(p1), np.array(p2)))
    assert max(0, p1 + p2 - 1) - 1e-15 <= both <= min(p1, p2) + 1e-15
    assert both * (1 - p1 - p2 + both) == pytest.approx(
        math.exp(y) * (p1 - both) * (p2 - both), rel=1e-6, abs=1e-13
    )
    swapped = float(joint_prevalence("OR", np.array(y), np.array(p2), np.array(p1)))
    assert both == pytest.approx(swapped, rel=1e-9, abs=1e-15)


@given(SHARES, SHARES)
def test_no_association_is_independence(p1: float, p2: float) -> None:
    found = cb.burden(one(1.0), p1=p1, p2=p2)
    assert found.both.estimate == pytest.approx(p1 * p2, rel=1e-12)
    assert found.risk_ratio_1.estimate == pytest.approx(1, rel=1e-9)
    assert found.phi.estimate == pytest.approx(0, abs=1e-12)
    assert found.attributable_fraction_2.estimate == pytest.approx(0, abs=1e-9)


def test_risk_ratio_is_that_of_condition_2_with_condition_1() -> None:
    """Levin's formula: p1 (RR - 1) / (1 + p1 (RR - 1)); P(2 | not 1) = p2 / (1 - p1 + RR p1)."""
    found = cb.burden(one(3.0, "RR"), p1=0.1, p2=0.2)
    assert found.risk_ratio_2.estimate == pytest.approx(3, rel=1e-12)
    assert found.attributable_fraction_2.estimate == pytest.approx(0.2 / 1.2, rel=1e-12)
    assert found.both.estimate == pytest.approx(3 * 0.1 * 0.2 / 1.2, rel=1e-12)


@pytest.mark.parametrize("measure", ["OR", "RR", "RD", "PHI"])
@given(*[st.integers(1, 10_000)] * 4)
def test_every_measure_gives_back_the_counts_that_it_is_of(
    measure: str, a: int, b: int, c: int, d: int
) -> None:
    """One table of people, headed both, 1 only, 2 only, neither, has its own share with both."""
    counts = cb.escalc(measure, ai=[a], bi=[b], ci=[c], di=[d])
    n = a + b + c + d
    found = cb.burden(cb.pool(counts), p1=(a + b) / n, p2=(a + c) / n)
    assert found.both.estimate == pytest.approx(a / n, rel=1e-7)
    assert found.risk_ratio_1.estimate == pytest.approx(a / (a + c) * (b + d) / b, rel=1e-5)
    assert found.risk_ratio_2.estimate == pytest.approx(a / (a + b) * (c + d) / c, rel=1e-5)
    cross = (a * d - b * c) / math.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    assert found.phi.estimate == pytest.approx(cross, abs=1e-7)


@pytest.mark.parametrize(("measure", "top"), [("OR", 9.0), ("RR", 1.0), ("RD", 0.1), ("PHI", 0.3)])
def test_every_quantity_rises_with_the_effect(measure: str, top: float) -> None:
    effects = np.linspace(-0.05 if measure in ("RD", "PHI") else -top, top, 400)
    found = quantities(measure, effects, np.array(0.2), np.array(0.1))
    assert np.ptp(found.pop("expected")) == 0
    for name, values in found.items():
        assert (np.diff(values) > 0).all(), name


def test_intervals_are_those_of_the_ratio() -> None:
    """Each quantity rises with the ratio: the ends are its values at the ends of the interval."""
    fit = several()
    found = cb.burden(fit, p1=0.2, p2=0.1)
    low, high = (cb.burden(one(math.exp(end)), p1=0.2, p2=0.1) for end in fit.ci)
    far = cb.burden(one(math.exp(fit.pi[1])), p1=0.2, p2=0.1)
    for name in found.to_frame().index[1:]:
        quantity = getattr(found, name)
        assert quantity.ci[0] == pytest.approx(getattr(low, name).estimate, rel=1e-12)
        assert quantity.ci[1] == pytest.approx(getattr(high, name).estimate, rel=1e-12)
        assert quantity.pi[1] == pytest.approx(getattr(far, name).estimate, rel=1e-12)


def test_intervals_of_prevalences_are_carried_by_simulation() -> None:
    """A ratio without error leaves the prevalence's own interval; nothing narrows by adding it."""
    sure = cb.burden(one(2.0, vi=1e-12), p1=(0.2, 0.15, 0.26), p2=0.1)
    ends = [cb.burden(one(2.0), p1=p, p2=0.1).both.estimate for p in (0.15, 0.26)]
    assert sure.both.ci == pytest.approx(ends, rel=0.01)
    alone = cb.burden(several(), p1=0.2, p2=0.1).both
    wide = cb.burden(several(), p1=(0.2, 0.15, 0.26), p2=(0.1, 0.09, 0.11))
    assert wide.both.ci[0] < alone.ci[0]
    assert wide.both.ci[1] > alone.ci[1]
    assert wide.both.estimate == alone.estimate
    assert any("seed 1" in warning for warning in wide.warnings)
    again = cb.burden(several(), p1=(0.2, 0.15, 0.26), p2=(0.1, 0.09, 0.11))
    assert again.to_dict() == wide.to_dict()


def test_an_interval_that_is_lopsided_on_the_logit_scale_is_carried_as_it_is() -> None:
    """A Wald interval, 0.02 +- 0.019: its ends are those of the expected share, times 0.1."""
    found = cb.burden(one(2.0), p1=(0.02, 0.001, 0.039), p2=0.1)
    assert found.expected.ci == pytest.approx((0.0001, 0.0039), rel=0.05)


def test_intervals_of_two_prevalences_add_as_independent_ones_do() -> None:
    """Of rare conditions log odds are logs, and the log of a product has the sum of variances."""
    p1, p2 = (0.001, 0.0008, 0.00125), (0.002, 0.0015, 0.002 / 0.75)
    half = math.hypot(math.log(1.25), math.log(4 / 3))
    found = cb.burden(one(2.0), p1=p1, p2=p2).expected
    assert found.ci == pytest.approx([2e-6 * math.exp(end) for end in (-half, half)], rel=0.01)


def test_equal_effects_has_no_prediction() -> None:
    effects = cb.Effects(yi=[0.5, 0.9], vi=[0.02, 0.03], measure="OR")
    found = cb.burden(cb.pool(effects, method="EE"), p1=0.2, p2=0.1)
    assert math.isnan(found.both.pi[0])
    assert not math.isnan(found.both.ci[0])


@pytest.mark.parametrize(
    ("measure", "effect", "p1", "p2", "said"),
    [
        ("RR", math.log(5.0), 0.2, 0.6, "RR 5 .* 0.333 of all .* lies between 0 and 0.2"),
        ("RR", math.log(0.5), 0.5, 0.9, "RR 0.5 .* 0.3 of all .* lies between 0.4 and 0.5"),
        ("RD", 0.6, 0.2, 0.1, "RD 0.6 .* 0.116 of all .* lies between 0 and 0.1"),
        ("RD", -0.5, 0.5, 0.2, r"RD -0.5 .* -0.025 of all .* lies between 0 and 0.2"),
        ("PHI", 0.9, 0.5, 0.05, "PHI 0.9 .* 0.123 of all .* lies between 0 and 0.05"),
        ("PHI", -0.9, 0.2, 0.3, "PHI -0.9 .* -0.105 of all .* lies between 0 and 0.2"),
    ],
)
def test_an_effect_beyond_the_frechet_bounds_is_refused_with_the_bounds(
    measure: str, effect: float, p1: float, p2: float, said: str
) -> None:
    """The shares are closed forms: for RR 5, p1 0.2, p2 0.6 it is 5 * 0.12 / (0.8 + 1)."""
    fit = cb.pool(cb.Effects(yi=[effect], vi=[0.0001], measure=measure))
    with pytest.raises(cb.DataError, match=said):
        cb.burden(fit, p1=p1, p2=p2)


def test_an_interval_beyond_the_bounds_is_cut_and_says_so() -> None:
    found = cb.burden(one(1.5, "RR", vi=0.25), p1=0.05, p2=0.5)
    assert found.both.ci[1] == 0.05
    assert any("confidence interval is cut" in warning for warning in found.warnings)
    low = cb.burden(one(0.8, "RR", vi=0.25), p1=0.5, p2=0.8)
    assert low.both.ci[0] == pytest.approx(0.3)
    assert any("confidence interval is cut" in warning for warning in low.warnings)


def test_draws_beyond_the_bounds_are_counted() -> None:
    found = cb.burden(one(1.5, "RR", vi=0.25), p1=(0.05, 0.04, 0.06), p2=0.5)
    assert any("draws are cut" in warning for warning in found.warnings)
    never = cb.burden(one(1.5, vi=0.25), p1=(0.05, 0.04, 0.06), p2=0.5)
    assert not any("draws are cut" in warning for warning in never.warnings)


def test_all_problems_at_once() -> None:
    with pytest.raises(cb.DataError) as caught:
        cb.burden(one(2.0), p1=20, p2=(0.3, 0.4, 0.5), population=0)
    assert len(caught.value.problems) == 3


@pytest.mark.parametrize("measure", ["SMD", "HR", "GEN", "RTET"])
def test_other_measures_are_refused(measure: str) -> None:
    with pytest.raises(cb.ModelError, match="pool one of OR, RR, RD, PHI"):
        cb.burden(cb.pool(cb.Effects(yi=[0.2], vi=[0.01], measure=measure)), p1=0.2, p2=0.1)


def test_people_need_a_number() -> None:
    with pytest.raises(cb.ModelError, match="how many people"):
        cb.burden(one(2.0), p1=0.2, p2=0.1).people()


def test_prints_like_the_others() -> None:
    found = cb.burden(several(), p1=0.2, p2=0.1, population=1000)
    text = found.summary()
    assert "both beyond chance" in text
    assert f"people: both{'':>1}" in text
    assert found._repr_html_().startswith("<pre>")
    assert found.to_dict()["both"]["estimate"] == found.both.estimate
