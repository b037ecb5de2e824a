"""What holds for every data set: seeded simulation of effects and variances."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import comorbid as cb

Array = NDArray[np.float64]
METHODS = ("EE", "DL", "PM", "REML")
ITERATIVE = ("PM", "REML")
# Refits of shifted or scaled data round differently; tau2 of a flat likelihood magnifies that.
CLOSE = 1e-6


@st.composite
def data_sets(draw: st.DrawFn) -> tuple[Array, Array]:
    """Effects and variances: homogeneous to hugely different, weights over 12 orders."""
    k = draw(st.integers(2, 15))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    orders = draw(st.sampled_from([0.0, 1.0, 3.0, 12.0]))
    tau = draw(st.sampled_from([0.0, 1e-8, 0.1, 1.0, 100.0]))
    vi = 10 ** (rng.uniform(-orders / 2, orders / 2, k) - 2)
    return rng.normal(0.3, np.sqrt(vi + tau**2)), vi


def restricted_log_likelihood(yi: Array, vi: Array, tau2: Array) -> Array:
    """Written out from Viechtbauer 2005, doi:10.3102/10769986030003261, without constants."""
    w = 1 / (vi[:, None] + tau2)
    mean = (w * yi[:, None]).sum(axis=0) / w.sum(axis=0)
    q = (w * (yi[:, None] - mean) ** 2).sum(axis=0)
    return np.asarray(0.5 * np.log(w).sum(axis=0) - 0.5 * np.log(w.sum(axis=0)) - 0.5 * q)


@settings(max_examples=1500)
@given(data_sets())
def test_every_method_returns_finite_values(data: tuple[Array, Array]) -> None:
    effects = cb.Effects(yi=data[0], vi=data[1])
    for method in METHODS:
        fit = cb.pool(effects, method=method)
        values = [fit.estimate, fit.se, *fit.ci, fit.tau2, fit.i2, fit.q, fit.q_p]
        assert np.isfinite(values).all()
        assert fit.tau2 >= 0
        assert 0 <= fit.i2 <= 100
        assert fit.weights.sum() == pytest.approx(100)


@settings(max_examples=1500)
@given(data_sets())
def test_reml_is_at_the_global_maximum(data: tuple[Array, Array]) -> None:
    yi, vi = data
    found = np.array([cb.pool(cb.Effects(yi=yi, vi=vi)).tau2])
    top = max(float(np.ptp(yi)) ** 2, float(vi.max())) * 10
    grid = np.concatenate([[0.0], np.geomspace(vi.min() / 1000, top, 5000)])
    best = restricted_log_likelihood(yi, vi, grid).max()
    # The likelihood is known to rounding of its largest term.
    assert restricted_log_likelihood(yi, vi, found)[0] >= best - 1e-9 * max(1.0, abs(best))


@settings(max_examples=500)
@given(data_sets(), st.randoms(use_true_random=False))
def test_order_of_studies_does_not_matter(data: tuple[Array, Array], random: object) -> None:
    order = np.arange(data[0].size)
    random.shuffle(order)  # type: ignore[attr-defined]
    for method in METHODS:
        one = cb.pool(cb.Effects(yi=data[0], vi=data[1]), method=method)
        other = cb.pool(cb.Effects(yi=data[0][order], vi=data[1][order]), method=method)
        assert other.estimate == pytest.approx(one.estimate, rel=CLOSE, abs=CLOSE * one.se)
        assert other.se == pytest.approx(one.se, rel=CLOSE)


@settings(max_examples=500)
@given(data_sets())
def test_inverse_ratio_flips_the_sign(data: tuple[Array, Array]) -> None:
    for method in METHODS:
        one = cb.pool(cb.Effects(yi=data[0], vi=data[1]), method=method)
        other = cb.pool(cb.Effects(yi=-data[0], vi=data[1]), method=method)
        assert other.estimate == -one.estimate
        assert other.ci == (-one.ci[1], -one.ci[0])
        assert other.tau2 == one.tau2


@settings(max_examples=500)
@given(data_sets(), st.sampled_from([1e-4, 0.5, 3.0, 1e5]))
def test_scaling_effects_scales_everything(data: tuple[Array, Array], factor: float) -> None:
    for method in METHODS:
        one = cb.pool(cb.Effects(yi=data[0], vi=data[1]), method=method)
        other = cb.pool(cb.Effects(yi=factor * data[0], vi=factor**2 * data[1]), method=method)
        near = CLOSE * one.se * factor
        assert other.estimate == pytest.approx(factor * one.estimate, rel=CLOSE, abs=near)
        assert other.se == pytest.approx(factor * one.se, rel=CLOSE)
        assert other.tau2 == pytest.approx(
            factor**2 * one.tau2, rel=CLOSE, abs=CLOSE * factor**2 * data[1].min()
        )


@settings(max_examples=300)
@given(data_sets(), st.sampled_from([-2.0, 0.7]))
def test_a_shift_moves_only_the_estimate(data: tuple[Array, Array], shift: float) -> None:
    for method in METHODS:
        one = cb.pool(cb.Effects(yi=data[0], vi=data[1]), method=method)
        other = cb.pool(cb.Effects(yi=data[0] + shift, vi=data[1]), method=method)
        assert other.estimate == pytest.approx(one.estimate + shift, rel=CLOSE, abs=CLOSE * one.se)
        assert other.tau2 == pytest.approx(one.tau2, rel=CLOSE, abs=CLOSE * data[1].min())


@settings(max_examples=300)
@given(data_sets())
def test_leave_one_out_is_the_fit_of_the_others(data: tuple[Array, Array]) -> None:
    yi, vi = data
    for method in METHODS:
        table = cb.leave_one_out(cb.pool(cb.Effects(yi=yi, vi=vi), method=method)).to_frame()
        for row in range(yi.size):
            rest = np.delete(yi, row), np.delete(vi, row)
            alone = cb.pool(cb.Effects(yi=rest[0], vi=rest[1]), method=method)
            assert table["estimate"].iloc[row] == pytest.approx(alone.estimate, rel=1e-12)
            assert table["se"].iloc[row] == pytest.approx(alone.se, rel=1e-9)


@settings(max_examples=200)
@given(data_sets())
def test_each_study_twice_leaves_the_common_effect(data: tuple[Array, Array]) -> None:
    """Closed form: twice the weight at the same mean, so the variance is halved."""
    one = cb.pool(cb.Effects(yi=data[0], vi=data[1]), method="EE", test="z")
    twice = cb.Effects(yi=np.tile(data[0], 2), vi=np.tile(data[1], 2))
    other = cb.pool(twice, method="EE", test="z")
    assert other.estimate == pytest.approx(one.estimate, rel=1e-9, abs=1e-9 * one.se)
    assert other.se == pytest.approx(one.se / np.sqrt(2), rel=1e-12)
