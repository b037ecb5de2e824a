"""What holds for every data set: seeded simulation of effects and variances."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import comorbid as cb

Array = NDArray[np.float64]
Data = tuple[Array, Array]
METHODS = (
    *("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM", "GENQ", "GENQM"),
    *("DLIT", "SJIT"),
)
SOME = ("EE", "DL", "PM", "REML", "GENQM")
# Refits of shifted or scaled data round differently; tau2 of a flat likelihood magnifies that.
CLOSE = 1e-6


@st.composite
def data_sets(draw: st.DrawFn) -> Data:
    """Effects and variances: homogeneous to hugely different, weights over 14 orders.

    Also such as make likelihoods hard: identical and rounded effects, precise studies in clusters
    far apart, and, with ``near``, a likelihood that is all but flat at tau2 = 0.
    """
    k = draw(st.integers(2, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    orders = draw(st.sampled_from([0.0, 1.0, 3.0, 12.0, 14.0]))
    tau = draw(st.sampled_from([0.0, 1e-8, 0.1, 1.0, 100.0]))
    vi = 10 ** (rng.uniform(-orders / 2, orders / 2, k) - 2)
    kind = draw(st.sampled_from(["plain", "plain", "identical", "rounded", "clusters", "near"]))
    if kind == "clusters":
        precise = rng.random(k) < 0.4
        vi = np.where(precise, 10 ** rng.uniform(-8, -4, k), 10 ** rng.uniform(-2, 1, k))
        return rng.choice([0.0, 0.1, 10.0], k) + rng.normal(0, np.sqrt(vi)), vi
    yi = rng.normal(0.3, np.sqrt(vi + tau**2))
    if kind == "identical":
        yi = np.full(k, 0.7)
    if kind == "rounded":
        yi = np.round(yi, 1)
    if kind == "near":
        w = 1 / vi
        residual = yi - (w * yi).sum() / w.sum()
        slope = (w.sum() - (w**2).sum() / w.sum()) / ((w * residual) ** 2).sum()
        yi = yi * np.sqrt(slope) * (1 + draw(st.sampled_from([-1e-12, 1e-15, 1e-12, 1e-6])))
    return yi, vi


def pooled(data: Data, method: str, **settings_: object) -> cb.Fit:
    effects = cb.Effects(yi=data[0], vi=data[1])
    weights = np.sqrt(1 / data[1]) if method.startswith("GENQ") else None
    return cb.pool(effects, method=method, weights=weights, **settings_)  # type: ignore[arg-type]


def log_likelihood(data: Data, tau2: Array, *, restricted: bool) -> Array:
    """Written out from Viechtbauer 2005, doi:10.3102/10769986030003261, without constants.

    In extended precision, and with effects counted from the most precise study's.
    """
    yi, vi = (x.astype(np.longdouble)[:, None] for x in data)
    yi = yi - yi[vi.argmin()]
    w = 1 / (vi + tau2.astype(np.longdouble))
    mean = (w * yi).sum(axis=0) / w.sum(axis=0)
    height = (np.log(w).sum(axis=0) - (w * (yi - mean) ** 2).sum(axis=0)) / 2
    return np.asarray(height - np.log(w.sum(axis=0)) / 2 if restricted else height)


def weighted_q(data: Data, tau2: float) -> float:
    w = 1 / (data[1] + tau2)
    centred = data[0] - data[0][data[1].argmin()]
    return float((w * (centred - (w * centred).sum() / w.sum()) ** 2).sum())


@settings(max_examples=2000)
@given(data_sets(), st.sampled_from(["z", "t", "knha", "adhoc"]))
def test_every_method_returns_finite_values(data: Data, test: str) -> None:
    for method in METHODS:
        fit = pooled(data, method, test=test)
        values = [fit.estimate, fit.se, *fit.ci, fit.tau2, fit.i2, fit.h2, fit.q, fit.q_p]
        assert np.isfinite([*values, fit.log_likelihood, fit.aic, fit.bic, fit.aicc]).all()
        assert np.isfinite(fit.pi).all() != (method == "EE")
        assert fit.tau2 >= 0
        assert 0 <= fit.i2 <= 100
        assert fit.weights.sum() == pytest.approx(100)
        assert method == "EE" or (np.isfinite(fit.se_tau2) and fit.se_tau2 >= 0)


@settings(max_examples=1000)
@given(data_sets())
def test_likelihoods_are_at_their_global_maximum(data: Data) -> None:
    """Against a grid of 3,000 values, refined three times around the best of them."""
    top = max(float(np.ptp(data[0])) ** 2 * 2 * data[0].size, float(data[1].max())) * 10
    for method in ("REML", "ML"):
        restricted = method == "REML"
        found = np.array([pooled(data, method).tau2])
        grid = np.concatenate([[0.0], np.geomspace(data[1].min() / 1e6, top, 3000)])
        best = -np.inf
        for _ in range(4):
            heights = log_likelihood(data, grid, restricted=restricted)
            at = int(heights.argmax())
            best = max(best, float(heights[at]))
            grid = np.linspace(grid[max(at - 1, 0)], grid[min(at + 1, grid.size - 1)], 101)
        height = float(log_likelihood(data, found, restricted=restricted)[0])
        assert height >= best - 1e-11 * max(1.0, abs(best))


@settings(max_examples=300)
@given(st.integers(0, 2**32 - 1), st.sampled_from([0.1, 1.0, 3.0]))
def test_two_studies_have_a_closed_form(seed: int, distance: float) -> None:
    """Their difference d has the variance v1 + v2 + 2 tau2, which all but ML and SJ set to d^2."""
    rng = np.random.default_rng(seed)
    vi = 10 ** rng.uniform(-4, 1, 2)
    yi = np.array([0.0, distance * np.sqrt(vi.sum()) * rng.uniform(0.5, 2)])
    expected = max(0.0, (yi[1] ** 2 - vi.sum()) / 2)
    for method in ("DL", "HE", "REML", "EB", "PM", "GENQ", "DLIT", "SJIT"):
        assert pooled((yi, vi), method).tau2 == pytest.approx(expected, rel=1e-9, abs=1e-12)


@settings(max_examples=300)
@given(data_sets(), st.sampled_from([0.5, 0.95, 0.999]))
def test_intervals_of_tau2_solve_their_equations(data: Data, level: float) -> None:
    """Q-profile: Q at each end is a quantile. Both: an end at 0 only where 0 is not excluded."""
    from scipy import stats

    freedom = data[0].size - 1
    fit = pooled(data, "REML")
    for end, share in zip(fit.tau2_ci("QP", level), (1 + level, 1 - level), strict=True):
        quantile = stats.chi2.ppf(share / 2, freedom)
        if end > 0:
            assert weighted_q(data, end) == pytest.approx(quantile, rel=1e-6)
        else:
            assert weighted_q(data, 0.0) <= quantile * (1 + 1e-6)
    for method in ("ML", "REML"):
        fit = pooled(data, method)
        low, high = fit.tau2_ci("PL", level)
        assert low * (1 - 1e-9) <= fit.tau2 <= high * (1 + 1e-9)
    low, high = pooled(data, "GENQ").tau2_ci("GENQ", level)
    assert 0 <= low <= high < math.inf


@settings(max_examples=200)
@given(data_sets())
def test_every_prediction_is_around_the_estimate(data: Data) -> None:
    fit = pooled(data, "REML")
    for rule in ("default", "simple", "normal", "t", "riley", "HTS", "HK", "KR"):
        found = fit.predict(method=rule)
        low, high = found.pi
        assert low <= fit.estimate <= high or found.warnings


@settings(max_examples=300)
@given(data_sets(), st.randoms(use_true_random=False))
def test_order_of_studies_does_not_matter(data: Data, random: object) -> None:
    order = np.arange(data[0].size)
    random.shuffle(order)  # type: ignore[attr-defined]
    for method in SOME:
        one, other = pooled(data, method), pooled((data[0][order], data[1][order]), method)
        assert other.estimate == pytest.approx(one.estimate, rel=CLOSE, abs=CLOSE * one.se)
        assert other.se == pytest.approx(one.se, rel=CLOSE)


@settings(max_examples=300)
@given(data_sets())
def test_inverse_ratio_flips_the_sign(data: Data) -> None:
    for method in SOME:
        one, other = pooled(data, method), pooled((-data[0], data[1]), method)
        assert other.estimate == -one.estimate
        assert other.ci == (-one.ci[1], -one.ci[0])
        assert other.tau2 == one.tau2


@settings(max_examples=300)
@given(data_sets(), st.sampled_from([1e-30, 1e-4, 3.0, 1e5, 1e30]))
def test_scaling_effects_scales_everything(data: Data, factor: float) -> None:
    for method in SOME:
        one, other = pooled(data, method), pooled((factor * data[0], factor**2 * data[1]), method)
        near = CLOSE * one.se * factor
        assert other.estimate == pytest.approx(factor * one.estimate, rel=CLOSE, abs=near)
        assert other.se == pytest.approx(factor * one.se, rel=CLOSE)
        assert other.tau2 == pytest.approx(
            factor**2 * one.tau2, rel=CLOSE, abs=CLOSE * factor**2 * data[1].min()
        )


@settings(max_examples=300)
@given(data_sets())
def test_scaling_by_a_power_of_two_scales_to_the_last_bit(data: Data) -> None:
    factor = 2.0**-60
    for method in METHODS:
        one, other = pooled(data, method), pooled((factor * data[0], factor**2 * data[1]), method)
        assert other.tau2 == factor**2 * one.tau2
        assert other.estimate == factor * one.estimate


@settings(max_examples=300)
@given(data_sets(), st.sampled_from([-2.0, 0.7]))
def test_a_shift_moves_only_the_estimate(data: Data, shift: float) -> None:
    # What the shift itself rounds off an effect counts as much as the effect is precise.
    rounding = 1e-15 / np.sqrt(data[1].min())
    for method in SOME:
        one, other = pooled(data, method), pooled((data[0] + shift, data[1]), method)
        near = CLOSE + rounding
        assert other.estimate == pytest.approx(one.estimate + shift, rel=near, abs=near * one.se)
        assert other.tau2 == pytest.approx(one.tau2, rel=near, abs=near * data[1].min())


@settings(max_examples=200)
@given(data_sets())
def test_leave_one_out_is_the_fit_of_the_others(data: Data) -> None:
    yi, vi = data
    for method in SOME:
        table = cb.leave_one_out(pooled(data, method)).to_frame()
        for row in range(yi.size):
            alone = pooled((np.delete(yi, row), np.delete(vi, row)), method)
            assert table["estimate"].iloc[row] == pytest.approx(alone.estimate, rel=1e-12)
            assert table["se"].iloc[row] == pytest.approx(alone.se, rel=1e-9)


@settings(max_examples=200)
@given(data_sets())
def test_each_study_twice_leaves_the_common_effect(data: Data) -> None:
    """Closed form: twice the weight at the same mean, so the variance is halved."""
    one = pooled(data, "EE", test="z")
    other = pooled((np.tile(data[0], 2), np.tile(data[1], 2)), "EE", test="z")
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9, abs=1e-9 * one.se)
    assert other.se == pytest.approx(one.se / np.sqrt(2), rel=1e-12)
