"""What holds for every meta-regression: seeded simulation of effects, variances and designs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from numpy.typing import NDArray

import comorbid as cb
from comorbid.models.kernel import DesignFits, fit_designs
from comorbid.models.regression import regress
from comorbid.models.settings import find_estimator

Array = NDArray[np.float64]
Case = tuple[Array, Array, Array]
METHODS = ("EE", "DL", "HE", "HS", "HSk", "SJ", "ML", "REML", "EB", "PM", "PMM")
WEIGHTED = (*METHODS, "GENQ", "GENQM")
# Designs of other scale or order round differently; tau2 of a flat likelihood magnifies that.
CLOSE = 1e-6


@st.composite
def cases(draw: st.DrawFn, orders: tuple[float, ...] = (0.0, 1.0, 3.0, 12.0)) -> Case:
    """Effects, variances and a design of 1 to 4 columns: weights over up to 12 orders."""
    p = draw(st.integers(1, 4))
    k = draw(st.integers(p + 1, 14))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    spread = draw(st.sampled_from(orders))
    tau = draw(st.sampled_from([0.0, 1e-8, 0.1, 1.0, 100.0]))
    vi = 10 ** (rng.uniform(-spread / 2, spread / 2, k) - 2)
    x = np.column_stack([np.ones(k), rng.normal(size=(k, p - 1))])
    return x @ rng.normal(size=p) + rng.normal(0, np.sqrt(vi + tau**2)), vi, x


def fit(case: Case, method: str = "REML", test: Any = "knha") -> DesignFits:
    yi, vi, x = case
    return fit_designs(
        yi[:, None], vi[:, None], x, estimator=find_estimator(method), test=test, level=0.95
    )


def restricted_log_likelihood(case: Case, tau2: Array) -> Array:
    """Written out from Viechtbauer 2005, doi:10.3102/10769986030003261, without constants.

    By the QR decomposition of the weighted design, which does not square its condition.
    """
    yi, vi, x = case
    heights = []
    for value in tau2:
        root = 1 / np.sqrt(vi + value)
        q, r = np.linalg.qr(root[:, None] * x)
        rest = root * yi
        for _ in range(2):
            rest = rest - q @ (q.T @ rest)
        log_det = np.log(np.abs(np.diag(r))).sum()
        heights.append(np.log(root).sum() - log_det - rest @ rest / 2)
    return np.array(heights)


@settings(max_examples=300, deadline=None)
@given(cases())
def test_every_method_returns_finite_values(case: Case) -> None:
    for method in METHODS:
        found = fit(case, method)
        for name in ("coefficients", "se", "ci_low", "ci_high", "tau2", "i2", "h2", "qe", "qe_p"):
            assert np.isfinite(getattr(found, name)).all(), (method, name)
        assert found.tau2[0] >= 0
        assert 0 <= found.i2[0] <= 100


@settings(max_examples=300, deadline=None)
@given(cases())
def test_reml_is_at_the_global_maximum(case: Case) -> None:
    yi, vi, _ = case
    found = fit(case).tau2
    top = max(float(np.ptp(yi)) ** 2, float(vi.max())) * 10
    grid = np.concatenate([[0.0], np.geomspace(vi.min() / 1000, top, 400)])
    best = restricted_log_likelihood(case, grid).max()
    # The likelihood is known to rounding of its largest term.
    assert restricted_log_likelihood(case, found)[0] >= best - 1e-9 * max(1.0, abs(best))


@settings(max_examples=200, deadline=None)
@given(cases(), st.sampled_from([1e-6, 1e-2, 7.0, 1e5]), st.sampled_from([0.0, -3.0, 2000.0]))
def test_scale_and_origin_of_a_moderator(case: Case, factor: float, shift: float) -> None:
    yi, vi, x = case
    moved = x.copy()
    moved[:, 1:] = factor * x[:, 1:] + shift * factor
    for method in ("EE", "DL", "REML"):
        before, after = fit(case, method), fit((yi, vi, moved), method)
        assert after.tau2 == pytest.approx(before.tau2, rel=CLOSE, abs=CLOSE * vi.min())
        assert after.coefficients[1:, 0] * factor == pytest.approx(
            before.coefficients[1:, 0], rel=CLOSE, abs=CLOSE * float(before.se.max())
        )
        assert after.se[1:, 0] * factor == pytest.approx(before.se[1:, 0], rel=CLOSE)


@settings(max_examples=200, deadline=None)
@given(cases(), st.integers(0, 2**32 - 1))
def test_order_of_studies_changes_nothing(case: Case, seed: int) -> None:
    yi, vi, x = case
    order = np.random.default_rng(seed).permutation(yi.size)
    for method in ("DL", "REML", "PM"):
        before, after = fit(case, method), fit((yi[order], vi[order], x[order]), method)
        assert after.tau2 == pytest.approx(before.tau2, rel=CLOSE, abs=CLOSE * vi.min())
        assert after.se == pytest.approx(before.se, rel=CLOSE)
        assert after.coefficients == pytest.approx(
            before.coefficients, rel=CLOSE, abs=CLOSE * float(before.se.max())
        )


@settings(max_examples=100, deadline=None)
@given(cases(orders=(0.0, 1.0, 3.0)), st.sampled_from([1e-3, 10.0]))
def test_scale_of_the_effects(case: Case, factor: float) -> None:
    yi, vi, x = case
    for method in ("DL", "ML", "REML", "SJ"):
        before, after = fit(case, method), fit((factor * yi, factor**2 * vi, x), method)
        floor = CLOSE * factor**2 * vi.min()
        assert after.tau2 == pytest.approx(factor**2 * before.tau2, rel=CLOSE, abs=floor)
        assert after.se == pytest.approx(factor * before.se, rel=CLOSE)


@settings(max_examples=100, deadline=None)
@given(cases(orders=(0.0, 1.0)))
def test_a_multiple_of_the_effects_columns_moves_only_the_coefficients(case: Case) -> None:
    yi, vi, x = case
    added = np.arange(1.0, x.shape[1] + 1)
    before, after = fit(case), fit((yi + x @ added, vi, x))
    assert after.tau2 == pytest.approx(before.tau2, rel=CLOSE, abs=CLOSE * vi.min())
    assert after.coefficients[:, 0] - added == pytest.approx(
        before.coefficients[:, 0], rel=CLOSE, abs=CLOSE * float(before.se.max())
    )


@settings(max_examples=100, deadline=None)
@given(cases())
def test_intercept_alone_equals_pool(case: Case) -> None:
    effects = cb.Effects(yi=case[0], vi=case[1])
    for method in ("EE", "DL", "REML"):
        found, pooled = regress(effects, "~ 1", method=method), cb.pool(effects, method=method)
        assert found.estimate[0] == pytest.approx(pooled.estimate, rel=1e-10, abs=1e-10)
        assert found.se[0] == pytest.approx(pooled.se, rel=1e-8)
        assert found.tau2 == pytest.approx(pooled.tau2, rel=1e-8, abs=1e-8 * case[1].min())


@settings(max_examples=100, deadline=None)
@given(cases(), st.floats(-5, 5), st.floats(0.1, 5))
def test_what_follows_from_other_columns_is_collinear(
    case: Case, constant: float, factor: float
) -> None:
    yi, vi, x = case
    moderators = {f"x{j}": x[:, j].tolist() for j in range(1, x.shape[1])}
    if not moderators or yi.size < x.shape[1] + 2:
        return
    moderators["other"] = (constant + factor * x[:, 1:].sum(axis=1)).tolist()
    effects = cb.Effects(yi=yi, vi=vi, moderators=moderators)
    with pytest.raises(cb.ModelError, match="other is collinear with"):
        regress(effects, "~ " + " + ".join(moderators))


@st.composite
def weights_for(draw: st.DrawFn, k: int) -> Array:
    """Weights over up to four orders, some of them 0."""
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    weights = 10 ** rng.uniform(-2, 2, k)
    weights[rng.random(k) < draw(st.sampled_from([0.0, 0.0, 0.3]))] = 0.0
    weights[rng.permutation(k)[:2]] = 1.0
    return np.asarray(weights)


@settings(max_examples=200, deadline=None)
@given(cases(), st.data(), st.sampled_from(["z", "t", "knha", "adhoc"]))
def test_a_mean_alone_is_the_pooled_effect(case: Case, data: st.DataObject, test: Any) -> None:
    """By `pool`, by a formula, and by the kernel with a column of ones as the design."""
    yi, vi, _ = case
    effects = cb.Effects(yi=yi, vi=vi)
    given_ = data.draw(st.one_of(st.none(), weights_for(yi.size)))
    tau2 = data.draw(st.sampled_from([None, None, 0.0, 0.3]))
    for method in WEIGHTED if given_ is not None else METHODS:
        fixed = None if method == "EE" else tau2
        chosen: dict[str, Any] = {"method": method, "test": test, "tau2": fixed, "weights": given_}
        fit = cb.pool(effects, **chosen)
        found = regress(effects, "~ 1", **chosen)
        assert (found.estimate[0], found.se[0]) == (fit.estimate, fit.se)
        assert (found.ci_low[0], found.ci_high[0]) == fit.ci
        assert (found.tau2, found.i2, found.h2, found.qe) == (fit.tau2, fit.i2, fit.h2, fit.q)
        assert found.predict().se[0] == pytest.approx(fit.se, rel=1e-12)
        assert found.log_likelihood == pytest.approx(fit.log_likelihood, rel=1e-9, abs=1e-9)
        assert found.se_tau2 == pytest.approx(fit.se_tau2, rel=1e-9, nan_ok=True)
        general = fit_designs(
            yi[:, None],
            vi[:, None],
            np.ones((yi.size, 1)),
            estimator=fit.estimator,
            test=test,
            level=0.95,
            weights=None if given_ is None else given_[:, None],
        )
        near = CLOSE * fit.se + 1e-9 * abs(fit.estimate)
        assert general.coefficients[0, 0] == pytest.approx(fit.estimate, rel=CLOSE, abs=near)
        assert general.se[0, 0] == pytest.approx(fit.se, rel=CLOSE)
        assert general.tau2[0] == pytest.approx(fit.tau2, rel=CLOSE, abs=CLOSE * vi.min())


@settings(max_examples=200, deadline=None)
@given(cases(orders=(0.0, 1.0, 3.0)), st.data())
def test_weighted_coefficients_solve_the_normal_equations(case: Case, data: st.DataObject) -> None:
    """X'A(y - X beta) = 0, and the sandwich by matrices."""
    yi, vi, x = case
    a = 10 ** np.random.default_rng(data.draw(st.integers(0, 2**32 - 1))).uniform(-1, 1, yi.size)
    for method in ("EE", "DL", "GENQ", "REML"):
        found = fit_designs(
            yi[:, None],
            vi[:, None],
            x,
            estimator=find_estimator(method),
            test="z",
            level=0.95,
            weights=a[:, None],
        )
        beta, spread = found.coefficients[:, 0], found.unit_vcov[:, :, 0]
        bread = np.linalg.pinv(x.T @ (a[:, None] * x))
        meat = x.T @ ((a**2 * (vi + found.tau2[0]))[:, None] * x)
        size = np.sqrt(np.diag(spread))
        condition = np.linalg.cond(x.T @ (a[:, None] * x))
        assert beta == pytest.approx(
            bread @ x.T @ (a * yi), rel=1e-12 * condition, abs=1e-12 * condition * size.max()
        )
        assert spread == pytest.approx(
            bread @ meat @ bread, rel=1e-12 * condition, abs=1e-12 * condition * size.max() ** 2
        )
