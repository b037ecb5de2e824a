"""S-values, true effects under confounding and tipping points: closed forms and edges.

The numbers of their papers stand in tests/published.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from scipy import special

import comorbid as cb
from comorbid.models.crossings import first_crossings
from comorbid.models.risk_ratios import as_risk_ratio

YI = [0.9, 0.7, 0.5, 0.1, -0.2]
VI = [0.04, 0.03, 0.02, 0.03, 0.05]


def fit(yi: list[float], vi: list[float], measure: str = "OR", **settings: Any) -> cb.Fit:
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure=measure), **settings)


def test_order_and_unit_of_the_studies_do_not_matter() -> None:
    """Another order changes nothing, another unit of a difference nothing that has no unit."""
    order = [3, 0, 4, 1, 2]
    one = fit(YI, VI, "MD")
    others = (
        fit([YI[i] for i in order], [VI[i] for i in order], "MD"),
        fit([100 * y for y in YI], [1e4 * v for v in VI], "MD"),
    )
    for other in others:
        mine, theirs = cb.s_value(one), cb.s_value(other)
        assert theirs.estimate == pytest.approx(mine.estimate, rel=1e-7)
        assert theirs.limit == pytest.approx(mine.limit, rel=1e-7)
    strong = [y + 1 for y in YI]
    mine = cb.tipping_point(fit(strong, VI, "MD"))
    theirs = cb.tipping_point(fit([strong[i] for i in order], [VI[i] for i in order], "MD"))
    scaled = cb.tipping_point(fit([100 * y for y in strong], [1e4 * v for v in VI], "MD"))
    assert mine.typical.k == theirs.typical.k == scaled.typical.k > 1
    assert scaled.typical.weight == pytest.approx(mine.typical.weight, rel=1e-6)
    moved = [cb.tipping_studies(fit(strong, VI, "MD")).moved[i] for i in order]
    again = cb.tipping_studies(fit([strong[i] for i in order], [VI[i] for i in order], "MD"))
    assert again.moved == pytest.approx(moved, rel=1e-6)


# Crossings


def test_crossings_are_the_first_ones_and_exact() -> None:
    points = np.linspace(0.0, 10.0, 11)[:, None] * np.ones(4)
    limits = np.array([0.0, math.pi, 9.99, 11.0])
    found = first_crossings(lambda x: x >= limits, points)
    assert found[:3] == pytest.approx(limits[:3], rel=1e-9)
    assert np.isnan(found[3])
    # sin is above 0.5 from 0.5236 on, and again later.
    again = first_crossings(lambda x: np.sin(x) >= 0.5, np.linspace(0.0, 10.0, 41)[:, None])
    assert again[0] == pytest.approx(math.pi / 6, rel=1e-9)


# Risk ratios


@pytest.mark.parametrize("measure", ["RR", "IRR", "OR", "PETO", "HR", "SMD", "OR2D", "RD"])
@pytest.mark.parametrize("outcome", ["common", "rare"])
def test_the_slope_of_a_risk_ratio_is_its_derivative(measure: str, outcome: str) -> None:
    risk = 0.2 if measure == "RD" else None
    reading = as_risk_ratio(
        fit([0.1], [0.01], measure),
        outcome=outcome,  # type: ignore[arg-type]
        baseline_risk=risk,
    )
    at = np.array([-0.1, 0.05, 0.4])
    numeric = (reading.log_ratio(at + 1e-6) - reading.log_ratio(at - 1e-6)) / 2e-6
    assert reading.slope(at) == pytest.approx(numeric, rel=1e-6)


# S-values


def test_common_effect_s_values_are_the_closed_forms() -> None:
    """Weighted sums of the affirmative, 22.5 + 23.3333 + 25, over those of the others, 3.333 - 4.

    The limit solves (A + r B)^2 = t^2 (C + r^2 D), with A and B these sums, C and D the sums of the
    weights, and t on 4 degrees of freedom.
    """
    found = cb.s_value(fit(YI, VI), model="fixed")
    a, b = sum(y / v for y, v in zip(YI[:3], VI[:3], strict=True)), 0.1 / 0.03 - 0.2 / 0.05
    assert found.estimate == pytest.approx(-a / b, rel=1e-8)
    c, d = sum(1 / v for v in VI[:3]), 1 / 0.03 + 1 / 0.05
    t2 = special.stdtrit(4, 0.975) ** 2
    roots = np.roots([b**2 - t2 * d, 2 * a * b, a**2 - t2 * c])
    assert found.limit == pytest.approx(max(roots), rel=1e-8)
    worst, ci = found.worst
    assert worst == pytest.approx(b / d, rel=1e-12)
    assert ci[1] - worst == pytest.approx(special.stdtrit(1, 0.975) / math.sqrt(d), rel=1e-9)


def test_turning_all_effects_turns_nothing_of_the_s_value() -> None:
    one = cb.s_value(fit(YI, VI), selection_ratio=[2, 3], q=0.05)
    other = cb.s_value(fit([-y for y in YI], VI), selection_ratio=[2, 3], q=-0.05)
    assert (other.favor, one.favor) == ("negative", "positive")
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9)
    assert other.limit == pytest.approx(one.limit, rel=1e-9)
    assert other.corrected == pytest.approx(-one.corrected, rel=1e-9)


def test_at_the_s_value_the_pool_is_at_the_value() -> None:
    pooled = fit(YI, VI)
    ratio = cb.s_value(pooled).estimate
    row = cb.s_value(pooled, selection_ratio=ratio).to_frame().loc[ratio]
    assert row["corrected"] == pytest.approx(0, abs=1e-7)
    assert row["p_value"] == pytest.approx(1, abs=1e-6)


def test_without_selection_and_heterogeneity_it_is_the_pool() -> None:
    pooled = fit(YI, VI, method="EE")
    for model in ("fixed", "robust"):
        found = cb.s_value(pooled, model=model)  # type: ignore[arg-type]
        assert found.corrected[0] == pytest.approx(pooled.estimate, rel=1e-12)


@pytest.mark.parametrize(("yi", "which"), [([0.9, 0.8, 0.7], "every"), ([0.1, 0.2, 0.1], "no")])
def test_a_selection_that_cannot_be_seen_has_no_s_value(yi: list[float], which: str) -> None:
    found = cb.s_value(fit(yi, [0.02] * 3))
    assert math.isnan(found.estimate)
    assert math.isnan(found.limit)
    assert any(f"{which} study is affirmative" in note for note in found.warnings)
    assert "S-value" in found.summary()


def test_one_study_that_is_not_affirmative_is_the_worst_case_and_has_no_interval() -> None:
    found = cb.s_value(fit([0.9, 0.8, 0.7, 0.1], [0.02] * 4))
    worst, ci = found.worst
    assert worst == pytest.approx(0.1)
    assert np.isnan(ci).all()
    assert any("one study is not affirmative" in note for note in found.warnings)


def test_few_degrees_of_freedom_are_a_caution() -> None:
    """Tipton (2015): below 4 the interval is not to be relied on; five equal studies have 4."""
    few, enough = (cb.s_value(fit(([0.9, 0.8, 0.7] + [0.0] * 6)[:k], [0.02] * k)) for k in (4, 9))
    assert few.df[0] == pytest.approx(3)
    assert any("fewer than 4 degrees of freedom" in note for note in few.warnings)
    assert enough.df[0] == pytest.approx(8)
    assert any("fewer than 4" in note for note in enough.warnings) is bool(enough.df.min() < 4)


def test_a_pool_that_is_at_the_value_needs_no_selection() -> None:
    """The value 1 is above all effects."""
    found = cb.s_value(fit(YI, VI), q=1.0)
    assert (found.estimate, found.limit) == (1.0, 1.0)


def test_s_value_settings_that_do_not_go_together() -> None:
    with pytest.raises(cb.ModelError, match="the model 'fixed' knows no dependent effects"):
        cb.s_value(fit(YI, VI), model="fixed", by="study_id")
    with pytest.raises(cb.ModelError, match="PLO has no value of no association; give q"):
        cb.s_value(fit(YI, VI, "PLO"))
    with pytest.raises(cb.ModelError, match=r"selection_ratio is 0\.5; give numbers of 1 or more"):
        cb.s_value(fit(YI, VI), selection_ratio=0.5)


# True effects under confounding


def test_shares_of_a_normal_distribution() -> None:
    """P = 1 - Phi((q + bias - mean) / tau) on the scale of the square root of the odds ratio."""
    pooled = fit(YI, VI)
    found = cb.confounded_meta(pooled, q=0.2, r=0.1, mub=math.log(1.2), kind="parametric")
    mean, tau = pooled.estimate / 2, math.sqrt(pooled.tau2) / 2
    distance = (0.1 + math.log(1.2) - mean) / tau
    assert found.prop.estimate == pytest.approx(special.ndtr(-distance), rel=1e-12)
    t = math.exp(special.ndtri(0.9) * tau - 0.1 + mean)
    assert found.tmin.estimate == pytest.approx(t, rel=1e-12)
    assert found.gmin.estimate == pytest.approx(t + math.sqrt(t * (t - 1)), rel=1e-12)
    at = cb.confounded_meta(pooled, q=0.2, mub=math.log(t), kind="parametric")
    assert at.prop.estimate == pytest.approx(0.1, rel=1e-9)
    assert math.isnan(at.tmin.estimate)


@pytest.mark.parametrize("kind", ["calibrated", "parametric"])
def test_turning_all_effects_turns_the_tail(kind: str) -> None:
    settings: dict[str, Any] = {"r": 0.2, "mub": 0.1, "kind": kind, "n": 200}
    one = cb.confounded_meta(fit(YI, VI), q=0.05, **settings)
    other = cb.confounded_meta(fit([-y for y in YI], VI), q=-0.05, **settings)
    assert (one.tail, other.tail) == ("above", "below")
    for name in ("prop", "tmin", "gmin"):
        mine, theirs = getattr(one, name), getattr(other, name)
        assert theirs.estimate == pytest.approx(mine.estimate, rel=1e-9)
        assert theirs.ci == pytest.approx(mine.ci, rel=1e-9, nan_ok=True)


@pytest.mark.parametrize("kind", ["calibrated", "parametric"])
def test_more_bias_leaves_less_and_bias_towards_the_null_adds(kind: str) -> None:
    pooled = fit(YI, VI)
    shares = [
        cb.confounded_meta(pooled, q=0.1, mub=mub, kind=kind, n=100).prop.estimate  # type: ignore[arg-type]
        for mub in (-0.2, 0.0, 0.1, 0.3)
    ]
    assert shares == sorted(shares, reverse=True)
    assert shares[0] > shares[-1]
    # The other tail gains what this one loses.
    below = cb.confounded_meta(pooled, q=0.1, mub=0.1, tail="below", kind=kind, n=100)  # type: ignore[arg-type]
    assert below.prop.estimate == pytest.approx(1 - shares[2])


def test_calibrated_factor_leaves_just_the_share() -> None:
    pooled = fit(YI, VI)
    t = cb.confounded_meta(pooled, q=0.1, r=0.2, n=100).tmin.estimate
    for step, left in ((1e-9, 0.2), (-1e-9, 0.4)):
        found = cb.confounded_meta(pooled, q=0.1, mub=math.log(t) + step, n=100)
        assert found.prop.estimate == pytest.approx(left)


def test_a_seed_gives_the_same_interval_and_few_studies_a_caution() -> None:
    found = [cb.confounded_meta(fit(YI, VI), r=0.2, seed=seed, n=300) for seed in (1, 1, 2)]
    assert found[0].prop.ci == found[1].prop.ci
    assert found[0].tmin.se != found[2].tmin.se
    assert any("fewer than 10 studies" in note for note in found[0].warnings)


def test_a_share_that_never_varies_has_no_interval() -> None:
    """All effects are far above 0, in every data set drawn."""
    found = cb.confounded_meta(fit([2.0, 2.5, 3.0, 2.2], [0.01] * 4), n=200)
    assert found.prop.estimate == 1.0
    assert np.isnan(found.prop.ci).all()
    assert any("the same in all data sets" in note for note in found.warnings)


def test_there_must_be_differences_between_true_effects() -> None:
    for pooled in (fit([0.5, 0.5, 0.5], [0.1] * 3), fit(YI, VI, method="EE"), fit([0.5], [0.1])):
        with pytest.raises(cb.ModelError, match="tau2 is 0 or not estimated"):
            cb.confounded_meta(pooled)
    with pytest.raises(cb.ModelError, match="sigb is 9, and the true risk ratios have a standard"):
        cb.confounded_meta(fit(YI, VI), sigb=9, kind="parametric")
    with pytest.raises(cb.ModelError, match="has the same bias in all studies; use 'parametric'"):
        cb.confounded_meta(fit(YI, VI), sigb=0.1)
    with pytest.raises(cb.ModelError, match="the model's own weights"):
        cb.confounded_meta(fit(YI, VI, weights=[1] * 5))
    fixed = cb.confounded_meta(fit(YI, VI, tau2=0.1), r=0.1, kind="parametric")
    assert any("no intervals" in note for note in fixed.warnings)
    assert np.isnan(fixed.tmin.ci).all()


def test_the_figure_marks_the_factor_that_leaves_the_share() -> None:
    pooled = fit(YI, VI, "RR")
    found = cb.confounded_meta(pooled, q=0.1, r=0.25, kind="parametric")
    drawn = cb.figures.confounding(pooled, q=0.1, r=0.25)
    assert f"25 % are left by a bias factor of {found.tmin.estimate:.2f}." in drawn.alt
    assert "a risk ratio above 1.11 falls from" in drawn.alt
    assert 'id="band"' in drawn.svg
    # A fixed tau2 has no standard error, and the shares no interval.
    fixed = cb.figures.confounding(fit(YI, VI, "RR", tau2=0.2))
    assert 'id="band"' not in fixed.svg
    assert "interval" not in fixed.caption
    few = cb.figures.confounding(pooled, q=2.0)
    assert "No more than 10 % without any bias." in few.alt
    with pytest.raises(cb.ModelError, match="tau2 is 0"):
        cb.figures.confounding(fit([0.5, 0.5], [0.1, 0.1]))


# Tipping points


def test_one_null_study_in_the_equal_effects_model_is_the_closed_form() -> None:
    """sum(w y) / sqrt(sum(w) + w0) = z for the weight w0 of one study at 0."""
    found = cb.tipping_point(fit(YI, VI, method="EE", test="z"))
    w = 1 / np.array(VI)
    z = special.ndtri(0.975)
    weight = ((w * YI).sum() / z) ** 2 - w.sum()
    assert found.one.variance == pytest.approx(1 / weight, rel=1e-8)
    assert found.one.weight == pytest.approx(100 * weight / (weight + w.sum()), rel=1e-8)
    assert found.one.ci_low == pytest.approx(0, abs=1e-9)


def test_a_number_of_null_studies_is_the_least() -> None:
    """Pooled by hand with as many, and with one fewer, at the normal scores."""
    pooled = fit([0.5, 0.9, 0.7, 0.6], [0.03, 0.08, 0.02, 0.05])
    found = cb.tipping_point(pooled)
    number, variance = int(found.typical.k), float(np.median(pooled.effects.vi))
    assert found.typical.variance == variance
    for n, includes in ((number, True), (number - 1, False)):
        score = special.ndtri((np.arange(n) + 0.5) / n)
        score *= math.sqrt(n * (variance + pooled.tau2) / (score**2).sum())
        more = fit([*pooled.effects.yi, *score], [*pooled.effects.vi, *[variance] * n])
        assert (more.ci[0] <= 0) is includes
        if includes:
            assert found.typical.ci_low == pytest.approx(more.ci[0], rel=1e-9)
            weight = more.weights[4:].sum()
            assert found.typical.weight == pytest.approx(weight, rel=1e-9)


def test_no_single_null_study_may_suffice() -> None:
    found = cb.tipping_point(fit([0.5, 0.9, 0.7, 0.6], [0.03, 0.08, 0.02, 0.05]))
    assert np.isnan([found.one.variance, found.one.weight, found.one.estimate]).all()
    assert "none suffices, however large" in found.summary()


def test_many_null_studies_and_more_than_ten_thousand() -> None:
    """The closed form of the equal-effects model, N w0 = (sum(w y) / z)^2 - sum(w)."""
    yi, vi = [0.3] * 20, [0.001] * 20
    found = cb.tipping_point(fit(yi, vi, method="EE", test="z"))
    weight = (20 * 0.3 / 0.001 / special.ndtri(0.975)) ** 2 - 20 / 0.001
    assert found.typical.k == math.ceil(weight * 0.001)
    more = cb.tipping_point(fit([0.5] * 20, [0.001] * 20, method="EE", test="z"))
    assert math.isinf(more.typical.k)
    assert "more than 10,000" in more.summary()


def test_what_includes_the_null_needs_nothing() -> None:
    pooled = fit([0.1, -0.2, 0.3], [0.05] * 3)
    found = cb.tipping_point(pooled)
    assert found.includes
    assert (found.one.k, found.one.weight, found.typical.k) == (1, 0, 0)
    assert found.one.ci_low == found.typical.ci_low == found.ci[0] == pooled.ci[0]
    assert "null study" not in found.summary()
    assert cb.tipping_studies(pooled).moved.tolist() == [0, 0, 0]


@pytest.mark.parametrize("method", ["REML", "DL", "EE"])
@pytest.mark.parametrize("test", ["z", "knha"])
def test_a_study_moved_to_its_tipping_value_tips(method: str, test: str) -> None:
    yi, vi = [0.5, 0.9, 0.7, 0.6], [0.03, 0.08, 0.02, 0.05]
    for sign in (1, -1):
        pooled = fit([sign * y for y in yi], vi, method=method, test=test)
        found = cb.tipping_studies(pooled)
        for i in range(4):
            moved = [sign * y for y in yi]
            moved[i] = float(found.tipping[i])
            low, high = sorted(sign * end for end in fit(moved, vi, method=method, test=test).ci)
            assert low == pytest.approx(0, abs=1e-6)
            assert high > 0
            assert found.moved[i] == pytest.approx(
                sign * (pooled.effects.yi[i] - moved[i]) / math.sqrt(vi[i])
            )


def test_size_of_a_study_follows_from_those_known() -> None:
    effects = cb.Effects(yi=YI, vi=VI, measure="OR", ni=[100, 200, math.nan, 400, 50])
    found = cb.tipping_point(cb.pool(effects))
    people = np.median([4.0, 6.0, 12.0, 2.5])
    assert found.typical.people == pytest.approx(people / 0.03)
    assert math.isnan(cb.tipping_point(fit(YI, VI)).typical.people)


def test_tipping_points_need_a_null_and_no_weights() -> None:
    with pytest.raises(cb.ModelError, match="added studies have no weights"):
        cb.tipping_point(fit(YI, VI, weights=[1] * 5))
    assert np.isfinite(cb.tipping_studies(fit(YI, VI, weights=[1] * 5)).tipping).all()
    with pytest.raises(cb.ModelError, match="PLO has no value of no association; give null"):
        cb.tipping_point(fit(YI, VI, "PLO"))
    assert cb.tipping_point(fit(YI, VI, "PLO"), null=0.2).null == 0.2


def test_one_study() -> None:
    pooled = fit([0.9], [0.04])
    assert math.isnan(cb.s_value(pooled).estimate)
    found = cb.tipping_point(pooled)
    assert found.k == 1
    assert found.typical.k >= 1
    assert cb.tipping_studies(pooled).tipping[0] == pytest.approx(0.2 * special.ndtri(0.975))
