"""What holds of sensitivity analyses for any data."""

from __future__ import annotations

import math

import numpy as np
from hypothesis import given, settings, strategies as st

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.models.mantel_haenszel import mantel_haenszel
from comorbid.models.peto import peto
from comorbid.sensitivity.baujat import baujat
from comorbid.sensitivity.bootstrap import bootstrap
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.influence import influence
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.mean_bounds import mean_bounds
from comorbid.sensitivity.multiverse import multiverse
from comorbid.sensitivity.shares import variance_shares
from comorbid.sensitivity.subsets import subsets

METHODS = ("EE", "DL", "REML", "PM")
method = st.sampled_from(METHODS)
test = st.sampled_from(("z", "knha"))


@st.composite
def data(draw: st.DrawFn, least: int = 3, most: int = 7) -> cb.Effects:
    """Return effects from nearly equal to far apart, with variances of very different sizes."""
    k = draw(st.integers(least, most))
    spread = draw(st.sampled_from((1e-6, 0.1, 1.0, 50.0)))
    orders = draw(st.sampled_from((0.0, 1.0, 4.0)))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    vi = 0.05 * 10 ** rng.uniform(-orders, orders, k)
    return cb.Effects(yi=rng.normal(0.2, spread, k), vi=vi)


def close(found: Array, expected: Array) -> bool:
    return bool(np.allclose(found, expected, rtol=1e-6, atol=1e-9, equal_nan=True))


@given(effects=data(), method=method, test=test)
@settings(max_examples=200)
def test_last_cumulative_row_is_the_fit_in_every_order(
    effects: cb.Effects, method: str, test: str
) -> None:
    fit = cb.pool(effects, method=method, test=test)  # type: ignore[arg-type]
    for order in (None, list(range(fit.k))[::-1], "precision"):
        last = cumulative(fit, by=order).to_frame().iloc[-1]
        for name in ("estimate", "se", "q"):
            assert math.isclose(last[name], getattr(fit, name), rel_tol=1e-7, abs_tol=1e-9)


@given(effects=data(), method=method, test=test, seed=st.integers(0, 99))
@settings(max_examples=200)
def test_influence_does_not_depend_on_the_order_of_studies(
    effects: cb.Effects, method: str, test: str, seed: int
) -> None:
    order = np.random.default_rng(seed).permutation(effects.k)
    straight = influence(cb.pool(effects, method=method, test=test))  # type: ignore[arg-type]
    shuffled = influence(cb.pool(effects.take(order), method=method, test=test))  # type: ignore[arg-type]
    for name in ("cook_d", "cov_r", "hat", "q_del"):
        assert close(getattr(shuffled, name), getattr(straight, name)[order]), name


@given(effects=data(), method=method, test=test)
@settings(max_examples=200)
def test_a_flipped_sign_flips_residuals_and_nothing_else(
    effects: cb.Effects, method: str, test: str
) -> None:
    other = cb.Effects(yi=-effects.yi, vi=effects.vi)
    one, two = (influence(cb.pool(x, method=method, test=test)) for x in (effects, other))  # type: ignore[arg-type]
    assert close(one.rstudent, -two.rstudent)
    assert close(one.dffits, -two.dffits)
    assert close(one.cook_d, two.cook_d)
    assert close(one.hat, two.hat)


@given(effects=data(), method=method, factor=st.sampled_from((1e-3, 10.0, 1e4)))
@settings(max_examples=200)
def test_influence_has_no_unit(effects: cb.Effects, method: str, factor: float) -> None:
    other = cb.Effects(yi=factor * effects.yi, vi=factor**2 * effects.vi)
    one, two = (influence(cb.pool(x, method=method, test="z")) for x in (effects, other))
    for name in ("cook_d", "cov_r", "hat", "q_del"):
        assert close(getattr(one, name), getattr(two, name)), name


@given(effects=data())
@settings(max_examples=200)
def test_baujat_contributions_sum_to_q(effects: cb.Effects) -> None:
    fit = cb.pool(effects, method="EE")
    assert math.isclose(baujat(fit).x.sum(), fit.q, rel_tol=1e-9, abs_tol=1e-12)


@given(effects=data(most=6), method=method)
@settings(max_examples=100)
def test_subsets_hold_the_fit_the_studies_and_leave_one_out(
    effects: cb.Effects, method: str
) -> None:
    fit = cb.pool(effects, method=method, test="z")
    result = subsets(fit)
    assert math.isclose(result.estimate[-1], fit.estimate, rel_tol=1e-7, abs_tol=1e-9)
    without = [2**fit.k - 1 - 2**i - 1 for i in range(fit.k)]
    batch = leave_one_out(fit).batch
    assert close(result.estimate[without], batch.estimate)
    assert close(result.tau2[without], batch.tau2)
    assert (result.tau2[result.k > 1] >= 0).all()
    assert ((result.i2[result.k > 1] >= 0) & (result.i2[result.k > 1] <= 100)).all()


@given(effects=data(), method=method, kind=st.sampled_from(("parametric", "nonparametric")))
@settings(max_examples=60)
def test_bootstrap_always_returns_and_stays_within_bounds(
    effects: cb.Effects, method: str, kind: str
) -> None:
    fit = cb.pool(effects, method=method)
    result = bootstrap(fit, n=60, seed=1, kind=kind)  # type: ignore[arg-type]
    assert result.estimate.ci[0] <= result.estimate.ci[1]
    assert 0 <= result.tau2.ci[0] <= result.tau2.ci[1]
    assert 0 <= result.i2.ci[0] <= result.i2.ci[1] <= 100
    assert result.warnings == fit.warnings


cell = st.integers(0, 30)


@given(rows=st.lists(st.tuples(cell, cell, cell, cell), min_size=1, max_size=6))
@settings(max_examples=300)
def test_tables_always_give_a_value_or_say_that_there_is_none(
    rows: list[tuple[int, int, int, int]],
) -> None:
    table = dict(zip(("ai", "bi", "ci", "di"), np.array(rows, dtype=float).T, strict=True))
    for fit in (
        *(mantel_haenszel(table, measure=measure) for measure in ("OR", "RR", "RD")),
        peto(table),
    ):
        assert math.isnan(fit.estimate) == math.isnan(fit.se)
        assert math.isnan(fit.estimate) or fit.se > 0
        assert fit.k_yi <= fit.k == len(rows)
        refits = leave_one_out(fit)
        undefined = np.isnan(refits.batch.estimate)
        assert all(reason for reason, flag in zip(refits.reasons, undefined, strict=True) if flag)
        for test in ("cmh", "cochran", "breslow_day", "tarone"):
            found = getattr(fit, test, None)
            assert found is None or math.isnan(found.statistic) or found.statistic > -1e-9


@given(rows=st.lists(st.tuples(*[st.integers(1, 40)] * 4), min_size=2, max_size=6))
@settings(max_examples=200)
def test_swapped_outcomes_turn_the_odds_ratio_over(rows: list[tuple[int, int, int, int]]) -> None:
    a, b, c, d = np.array(rows, dtype=float).T
    one = mantel_haenszel({"ai": a, "bi": b, "ci": c, "di": d})
    two = mantel_haenszel({"ai": b, "bi": a, "ci": d, "di": c})
    assert math.isclose(one.estimate, -two.estimate, rel_tol=1e-9, abs_tol=1e-12)
    assert math.isclose(one.se, two.se, rel_tol=1e-9)
    assert one.tarone is not None
    assert two.tarone is not None
    assert math.isclose(one.tarone.statistic, two.tarone.statistic, rel_tol=1e-6, abs_tol=1e-9)


@given(effects=data(), seed=st.integers(0, 99))
@settings(max_examples=50)
def test_a_multiverse_holds_leave_one_out_in_every_order(effects: cb.Effects, seed: int) -> None:
    order = np.random.default_rng(seed).permutation(effects.k)
    straight, shuffled = multiverse(effects), multiverse(effects.take(order))
    assert straight.spread()[4:] == shuffled.spread()[4:]
    assert close(np.sort(straight.batch.tau2), np.sort(shuffled.batch.tau2))
    frame = straight.to_frame()
    own = frame[(frame["estimator"] == "REML") & (frame["interval"] == "knha")]
    without = leave_one_out(cb.pool(effects)).batch
    for name in ("estimate", "ci_low", "tau2", "i2"):
        assert close(own[name].to_numpy()[1:], getattr(without, name))


@given(
    seed=st.integers(0, 2**32 - 1),
    sizes=st.lists(st.integers(1, 4), min_size=1, max_size=4),
    missing=st.floats(0, 0.6),
)
def test_shapley_shares_sum_to_the_whole_and_are_not_negative(
    seed: int, sizes: list[int], missing: float
) -> None:
    rng = np.random.default_rng(seed)
    values, weights = rng.normal(size=(2, *sizes)), rng.uniform(size=sizes)
    weights.flat[1:][rng.uniform(size=weights.size - 1) < missing] = 0.0
    first, shapley = variance_shares(values, weights)
    if np.count_nonzero(weights) == 1:
        assert np.isnan(shapley).all()
        return
    assert close(shapley.sum(axis=1), np.ones(2))
    assert (shapley >= 0).all()
    assert (first <= 1 + 1e-9).all()


@given(seed=st.integers(0, 2**32 - 1), k=st.integers(1, 6))
def test_no_weights_give_a_mean_beyond_its_bounds(seed: int, k: int) -> None:
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=k), rng.uniform(0.1, 1, k)
    effects, weights = (y, y + rng.uniform(size=k)), (w, w + rng.exponential(3, k))
    least, most = mean_bounds(effects, weights)
    for _ in range(20):
        mean = np.average(rng.uniform(*effects), weights=rng.uniform(*weights))
        assert least - 1e-12 <= mean <= most + 1e-12
