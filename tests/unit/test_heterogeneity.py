from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
from scipy import special, stats

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.heterogeneity import heterogeneity
from comorbid.models.intercept import Intercept
from comorbid.models.profiles import profile

# Invented to be easy to follow.
FOUR = cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05])
TWO = cb.Effects(yi=[0.1, 1.4], vi=[0.03, 0.08])
ALIKE = cb.Effects(yi=[0.50, 0.51, 0.49, 0.50, 0.51], vi=[0.1, 0.2, 0.3, 0.1, 0.2])
ONLY = np.zeros(1, dtype=np.intp)


def form_of(yi: Array, vi: Array, weights: Array) -> GeneralisedQ:
    data = Intercept(yi[:, None], vi[:, None], weights[:, None])
    assert data.weights is not None
    return GeneralisedQ(data, data.weights)


def weighted_q(effects: cb.Effects, tau2: float) -> float:
    w = 1 / (effects.vi + tau2)
    mean = (w * effects.yi).sum() / w.sum()
    return float((w * (effects.yi - mean) ** 2).sum())


def test_q_profile_ends_where_q_is_a_quantile() -> None:
    """The definition in Viechtbauer 2007, doi:10.1002/sim.2514."""
    low, high = cb.pool(FOUR).tau2_ci()
    assert weighted_q(FOUR, low) == pytest.approx(stats.chi2.ppf(0.975, 3), rel=1e-10)
    assert weighted_q(FOUR, high) == pytest.approx(stats.chi2.ppf(0.025, 3), rel=1e-10)


@pytest.mark.parametrize("method", ["QP", "GENQ"])
def test_two_studies_have_a_closed_form(method: str) -> None:
    """The difference d is normal with variance v1 + v2 + 2 tau2: d^2 / that is chi-squared."""
    low, high = cb.pool(TWO, method="DL").tau2_ci(method, 0.9)
    expected = [max(0.0, (1.3**2 / stats.chi2.ppf(p, 1) - 0.11) / 2) for p in (0.95, 0.05)]
    assert [low, high] == pytest.approx(expected, rel=1e-9)


def test_profile_likelihood_ends_where_the_likelihood_has_fallen() -> None:
    """Hardy and Thompson 1996: by half the chi-squared quantile on one degree of freedom."""
    for method in ("ML", "REML"):
        fit = cb.pool(FOUR, method=method)
        ends = fit.tau2_ci("PL", 0.6)
        heights = profile(fit, tau2=[fit.tau2, *ends]).log_likelihood
        assert (heights[0] - heights[1:]).tolist() == pytest.approx(
            [stats.chi2.ppf(0.6, 1) / 2] * 2, rel=1e-9
        )


def test_profile_likelihood_spans_a_gap_between_two_maxima() -> None:
    """Two precise pairs far apart, each pair alike: tau2 is near 0 or large, not between."""
    gap = cb.Effects(yi=[0.0, 0.001, 0.6, 1.3, -0.9, 0.5], vi=[1e-6, 1e-6, 0.05, 0.1, 0.1, 0.2])
    fit = cb.pool(gap, method="REML")
    low, high = fit.tau2_ci("PL")
    grid = np.concatenate([[0.0], np.geomspace(1e-9, 100, 20_000)])
    found = profile(fit, tau2=grid.tolist())
    likely = found.tau2[found.log_likelihood >= found.cut]
    assert likely.min() == pytest.approx(low, rel=2e-3)
    assert likely.max() == pytest.approx(high, rel=2e-3)


def test_views_of_one_interval() -> None:
    result = cb.pool(FOUR).heterogeneity()
    assert result.tau_ci == pytest.approx(np.sqrt(result.tau2_ci).tolist())
    for h2, i2 in zip(result.h2_ci, result.i2_ci, strict=True):
        assert i2 == pytest.approx(100 * (1 - 1 / h2))
    fit = cb.pool(FOUR)
    assert (result.tau2, result.i2, result.h2) == pytest.approx((fit.tau2, fit.i2, fit.h2))
    table = result.to_frame()
    assert list(table.index) == ["tau2", "tau", "i2", "h2"]
    assert list(table.columns) == ["estimate", "ci_low", "ci_high"]
    assert tuple(table.loc["i2", ["ci_low", "ci_high"]]) == result.i2_ci
    assert result.to_dict()["tau2_ci"] == list(result.tau2_ci)
    assert "95% intervals by Q-profile" in repr(result)
    assert result._repr_html_().startswith("<pre>")


def test_empty_interval_says_so() -> None:
    """Q is 0.001 on 4 degrees of freedom: even tau2 = 0 is too much."""
    for method in ("QP", "GENQ"):
        result = cb.pool(ALIKE, method="DL").heterogeneity(method)
        assert result.tau2_ci == (0.0, 0.0)
        assert result.h2_ci == (1.0, 1.0)
        assert "no tau2 agrees with the data" in result.warnings[0]
        assert "Note: no tau2 agrees" in result.summary()
    assert not cb.pool(FOUR).heterogeneity().warnings


def test_a_higher_level_is_wider() -> None:
    fit = cb.pool(FOUR, method="DL")
    for method in ("QP", "GENQ"):
        intervals = [fit.tau2_ci(method, level) for level in (0.5, 0.9, 0.99)]
        for inner, outer in pairwise(intervals):
            assert outer[0] <= inner[0] < inner[1] < outer[1]


@pytest.mark.parametrize(
    ("settings", "method", "message"),
    [
        ({"method": "EE"}, "QP", "the equal-effects model has no tau2"),
        ({"tau2": 0.1}, "QP", "tau2 was fixed"),
        ({}, "HT", "use one of QP, GENQ, PL"),
        ({"method": "DL"}, "PL", "belongs to ML and REML, not DL"),
        ({"method": "REML"}, "GENQ", "needs a method with fixed weights"),
    ],
)
def test_intervals_that_do_not_exist(
    settings: dict[str, object], method: str, message: str
) -> None:
    fit = cb.pool(FOUR, **settings)  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match=message):
        heterogeneity(fit, method=method)


def test_one_study_has_no_interval() -> None:
    with pytest.raises(cb.ModelError, match="one study: there is no tau2"):
        cb.pool(FOUR.take([0])).tau2_ci()


def test_level_must_be_a_proportion() -> None:
    with pytest.raises(cb.ModelError, match="give a proportion"):
        cb.pool(FOUR).tau2_ci(level=95)


@pytest.mark.parametrize("k", [2, 3, 14, 200, 1000])
def test_distribution_of_q_with_exact_weights_is_chi_squared(k: int) -> None:
    """With weights 1 / v, Q is chi-squared on k - 1 degrees of freedom at tau2 = 0."""
    rng = np.random.default_rng(k)
    vi = 10 ** rng.uniform(-6, 6, k)
    for share in (1e-6, 0.025, 0.5, 0.975, 1 - 1e-6):
        quantile = stats.chi2.ppf(share, k - 1)
        # Two studies apart, and the others at their mean, give Q the value wanted.
        yi = np.zeros(k)
        yi[:2] = np.array([vi[0], -vi[1]]) * math.sqrt(quantile / (vi[0] + vi[1]))
        form = form_of(yi, vi, 1 / vi)
        below = form.below(np.zeros(1), ONLY)[0][0]
        assert below == pytest.approx(special.chdtr(k - 1, quantile), abs=1e-12)


def test_distribution_of_q_by_angles() -> None:
    """Any weights: the four eigenvalues by matrices, their distribution by an independent way."""
    rng = np.random.default_rng(7)
    for _ in range(5):
        vi, weights = 10 ** rng.uniform(-1, 1, (2, 5))
        yi = rng.normal(0, np.sqrt(vi))
        form = form_of(yi, vi, weights)
        tau2 = np.array([0.3])
        a = weights / weights.max()
        matrix = np.diag(a) - np.outer(a, a) / a.sum()
        root = np.sqrt(np.diag(vi + tau2))
        eigenvalues = np.linalg.eigvalsh(root @ matrix @ root)[1:]
        assert form.q[0] == pytest.approx(yi @ matrix @ yi, rel=1e-12)
        assert form.expectation(tau2)[0] == pytest.approx(eigenvalues.sum(), rel=1e-12)
        spread = math.sqrt(2 * (eigenvalues**2).sum())
        assert form.spread(tau2)[0] == pytest.approx(spread, rel=1e-12)
        below = form.below(tau2, ONLY)[0][0]
        assert below == pytest.approx(by_angles(eigenvalues, float(form.q[0])), abs=1e-10)


@pytest.mark.parametrize("columns", [1, 2, 3])
def test_distribution_of_q_with_moderators_by_angles(columns: int) -> None:
    """The four eigenvalues that moderators leave, by matrices, and what follows from them."""
    k = columns + 5
    rng = np.random.default_rng(columns)
    x = rng.normal(size=(k, columns))
    vi, weights = 10 ** rng.uniform(-1, 0.5, (2, k))
    yi = rng.normal(0, np.sqrt(vi + 0.5))
    effects = cb.Effects(
        yi=yi, vi=vi, moderators={f"x{j}": x[:, j].tolist() for j in range(columns)}
    )
    formula = "~ " + " + ".join(f"x{j}" for j in range(columns))
    fit = cb.regress(effects, formula, method="GENQ", weights=weights)
    a = weights / weights.max()
    design = np.column_stack([np.ones(k), x])
    weighted = np.linalg.qr(np.sqrt(a)[:, None] * design)[0]
    matrix = np.sqrt(a)[:, None] * (np.eye(k) - weighted @ weighted.T) * np.sqrt(a)
    data = fit.projection
    assert data.weights is not None
    form = GeneralisedQ(data, data.weights)

    def eigenvalues(tau2: float) -> Array:
        root = np.sqrt(vi + tau2)
        return np.linalg.eigvalsh(root[:, None] * matrix * root)[-4:]

    q = float(yi @ matrix @ yi)
    assert form.q[0] == pytest.approx(q, rel=1e-12)
    assert fit.tau2 == pytest.approx(
        max(0.0, (q - eigenvalues(0.0).sum()) / np.trace(matrix)), rel=1e-10
    )
    spread = math.sqrt(2 * (eigenvalues(fit.tau2) ** 2).sum()) / np.trace(matrix)
    assert fit.se_tau2 == pytest.approx(spread, rel=1e-10)
    for tau2 in (0.0, 0.4):
        expected = by_angles(eigenvalues(tau2), q)
        assert form.below(np.array([tau2]), ONLY)[0][0] == pytest.approx(expected, abs=1e-10)
        step = 1e-5
        ends = [by_angles(eigenvalues(tau2 + h), q) for h in (0.0, step)]
        slope = form.below(np.array([tau2 + step / 2]), ONLY)[1][0]
        assert slope == pytest.approx((ends[1] - ends[0]) / step, rel=1e-4)
    median = cb.regress(effects, formula, method="GENQM", weights=weights).tau2
    low, high = fit.tau2_ci("GENQ")
    assert high > 0
    for tau2, share in ((median, 0.5), (low, 0.975), (high, 0.025)):
        below = by_angles(eigenvalues(tau2), q)
        assert below == pytest.approx(share, abs=1e-9) or (tau2 == 0 and below < share)


def by_angles(eigenvalues: Array, q: float) -> float:
    """P(sum of four eigenvalues times squared standard normals <= q), in polar coordinates.

    Two normals are a radius, whose square is exponential, and an angle: given both angles the sum
    is one of two exponentials, with a closed form; over angles the midpoint rule is exact.
    """
    angle = (np.arange(600) + 0.5) / 600 * math.pi
    cos2, sin2 = np.cos(angle) ** 2, np.sin(angle) ** 2
    one = 2 * (eigenvalues[0] * cos2 + eigenvalues[1] * sin2)[:, None]
    other = 2 * (eigenvalues[2] * cos2 + eigenvalues[3] * sin2)[None, :]
    above = (one * np.exp(-q / one) - other * np.exp(-q / other)) / (one - other)
    return float(1 - above.mean())


def test_generalised_q_where_it_says() -> None:
    fit = cb.pool(FOUR, method="GENQ", weights=[1, 2, 3, 4])
    form = form_of(FOUR.yi, FOUR.vi, np.array([1.0, 2, 3, 4]))
    for end, share in zip(fit.tau2_ci("GENQ"), (0.975, 0.025), strict=True):
        assert form.below(np.array([end]), ONLY)[0][0] == pytest.approx(share, rel=1e-10)
    median = cb.pool(FOUR, method="GENQM", weights=[1, 2, 3, 4])
    assert form.below(np.array([median.tau2]), ONLY)[0][0] == pytest.approx(0.5, rel=1e-10)


def test_profile_is_highest_at_the_estimate() -> None:
    fit = cb.pool(FOUR)
    found = profile(fit, points=9)
    assert found.best == pytest.approx(fit.tau2, rel=1e-9)
    assert found.maximum == pytest.approx(fit.log_likelihood, rel=1e-12)
    assert found.log_likelihood.max() == pytest.approx(found.maximum, rel=1e-12)
    row = found.tau2.tolist().index(found.best)
    assert (found.estimate[row], found.se[row]) == pytest.approx((fit.estimate, fit.se), rel=1e-9)
    assert list(found.to_frame().columns) == [
        *("tau2", "log_likelihood", "estimate", "se", "ci_low", "ci_high")
    ]
    assert found.to_dict()["kind"] == "REML"
    assert "restricted log-likelihood at most" in found.summary()
    assert "<td>" in found._repr_html_()


def test_profile_by_the_full_likelihood_of_any_method() -> None:
    fit = cb.pool(FOUR, method="DL")
    found = profile(fit, tau2=[fit.tau2])
    assert found.kind == "ML"
    assert found.log_likelihood[0] == pytest.approx(fit.log_likelihood, rel=1e-12)


@pytest.mark.parametrize(
    ("fit", "tau2", "message"),
    [
        (cb.pool(FOUR, method="EE"), None, "no tau2 to profile"),
        (cb.pool(FOUR, weights=[1, 2, 3, 4]), None, "fit without weights"),
        (cb.pool(FOUR), [-1.0], "a list of variances from 0 to 1e"),
    ],
)
def test_profiles_that_do_not_exist(fit: cb.Fit, tau2: list[float] | None, message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        profile(fit, tau2=tau2)
