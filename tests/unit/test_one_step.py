"""One-step models of counts: closed forms, other software, quadrature, and what cannot be given."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings, strategies as st
from scipy import integrate as scipy_integrate, optimize, special, stats
from scipy.stats import contingency

import comorbid as cb
from comorbid.models import cumulants
from comorbid.models.cumulants import binomial, hypergeometric, poisson
from comorbid.models.jets import Jet, parameters
from comorbid.models.quadrature import Arm, grid, integrate

Table = dict[str, list[float]]

# dat.nielweise2007, dat.laopaiboon2015 and dat.nielweise2008 of metadat 1.2-0
CATHETERS: Table = {
    "ai": [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
    "n1i": [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
    "ci": [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
    "n2i": [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69],
}
AZITHROMYCIN: Table = {
    "ai": [4, 22, 53, 5, 5, 6, 11, 4, 3, 1, 5, 0, 1, 8, 12],
    "n1i": [48, 69, 497, 121, 55, 34, 125, 48, 62, 25, 25, 29, 39, 173, 38],
    "ci": [7, 2, 53, 10, 7, 2, 4, 4, 5, 5, 2, 2, 2, 7, 2],
    "n2i": [56, 73, 257, 120, 53, 33, 63, 51, 61, 25, 25, 27, 49, 173, 42],
}
INFECTIONS: Table = {
    "x1i": [7, 8, 3, 6, 1, 1, 17, 3, 2],
    "t1i": [1344, 1600, 12012, 1536, 370, 729, 6760, 1107, 320],
    "x2i": [11, 8, 14, 10, 1, 8, 15, 7, 3],
    "t2i": [1988, 1461, 10962, 1503, 483, 913, 6840, 1015, 440],
}
ONE: Table = {"ai": [4], "n1i": [20], "ci": [9], "n2i": [25]}
SMALL: Table = {
    "ai": [0, 2, 9, 1],
    "n1i": [12, 15, 20, 9],
    "ci": [6, 5, 2, 1],
    "n2i": [11, 17, 18, 10],
}
TWO = ("UM.FS", "UM.RS", "CM.EL", "CM.AL")


def flipped(table: Table) -> Table:
    """Return the tables with events and others exchanged."""
    return {
        **table,
        "ai": [n - y for y, n in zip(table["ai"], table["n1i"], strict=True)],
        "ci": [n - y for y, n in zip(table["ci"], table["n2i"], strict=True)],
    }


def exchanged(table: Table) -> Table:
    """Return the tables with the two groups exchanged."""
    return dict(
        zip(("ai", "n1i", "ci", "n2i"), (table[x] for x in ("ci", "n2i", "ai", "n1i")), strict=True)
    )


def arrays(table: Table) -> list[Any]:
    return [np.array(table[name], dtype=np.float64) for name in ("ai", "n1i", "ci", "n2i")]


# rma.glmm() of metafor 3.8-1 with lme4 1.1-31, control = list(glmerCtrl = list(tolPwrss = 1e-12 or
# 1e-13, optimizer = "bobyqa", optCtrl = list(maxfun = 2e5, rhoend = 1e-9))).
TIGHT: list[tuple[str, Table, dict[str, Any], dict[str, float]]] = [
    (
        "UM.FS of odds ratios",
        CATHETERS,
        {"model": "UM.FS"},
        {"estimate": -1.236493499, "se": 0.2803373856, "tau2": 0.3195129421},
    ),
    (
        "UM.RS without empty tables",
        CATHETERS,
        {"model": "UM.RS", "drop00": "yes"},
        {
            "estimate": -1.281228066,
            "se": 0.3296548998,
            "tau2": 0.7258457933,
            "sigma2": 0.5211803999,
            "log_likelihood": -74.85771419,
        },
    ),
    (
        "CM.AL",
        CATHETERS,
        {"model": "CM.AL"},
        {"estimate": -1.302648523, "se": 0.3386399662, "tau2": 0.6006838476},
    ),
    (
        "UM.RS with correlated effects",
        AZITHROMYCIN,
        {"model": "UM.RS", "cor": "yes"},
        {
            "estimate": 0.113565198346,
            "se": 0.332945609799,
            "tau2": 1.09515238607,
            "sigma2": 0.172911755447,
            "rho": 0.377258810378,
            "log_likelihood": -79.9781508348,
        },
    ),
    (
        "UM.FS of rates",
        INFECTIONS,
        {"model": "UM.FS", "measure": "IRR"},
        {"estimate": -0.458707823497, "se": 0.224827332893, "tau2": 0.0956472647565},
    ),
    (
        "UM.RS of rates",
        INFECTIONS,
        {"model": "UM.RS", "measure": "IRR"},
        {
            "estimate": -0.467759740091,
            "se": 0.226348944316,
            "tau2": 0.091346504282,
            "sigma2": 0.381763098703,
            "qe_lrt": 13.1447422929,
            "qe_wld": 10.5490056444,
        },
    ),
    (
        "UM.RS of rates, some without events",
        {
            **INFECTIONS,
            "x1i": [7, 8, 3, 6, 0, 1, 17, 0, 2],
            "x2i": [11, 8, 14, 10, 1, 8, 15, 7, 0],
        },
        {"model": "UM.RS", "measure": "IRR"},
        {
            "estimate": -0.5979203843,
            "se": 0.3101334467,
            "tau2": 0.3638279460,
            "sigma2": 0.4033541219,
            "qe_lrt": 22.3085848997,
            "log_likelihood": -49.2718488618,
        },
    ),
    (
        "rates of one group",
        {"xi": INFECTIONS["x1i"], "ti": INFECTIONS["t1i"]},
        {"measure": "IRLN"},
        {
            "estimate": -6.05835088813,
            "se": 0.330265727448,
            "tau2": 0.654297850706,
            "qe_wld": 25.4270274169,
            "qe_lrt": 44.4877956741,
        },
    ),
]


@pytest.mark.parametrize(
    ("table", "how", "expected"), [row[1:] for row in TIGHT], ids=[r[0] for r in TIGHT]
)
def test_lme4_with_tight_tolerances(
    table: Table, how: dict[str, Any], expected: dict[str, float]
) -> None:
    fit = cb.glmm(table, **how)
    for name, value in expected.items():
        assert getattr(fit, name) == pytest.approx(value, rel=2e-5), name
    assert fit.agreed == 3
    assert abs(fit.gradient) < 1e-12


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS"])
def test_one_table_gives_its_own_odds_ratio(model: Any) -> None:
    fit = cb.glmm(ONE, model=model)
    # log (4 x 16) / (16 x 9), and Woolf's standard error
    assert fit.estimate == pytest.approx(math.log(4 * 16 / (16 * 9)), abs=1e-9)
    assert fit.se == pytest.approx(math.sqrt(1 / 4 + 1 / 16 + 1 / 9 + 1 / 16), rel=1e-6)
    assert "one table" in fit.warnings[0]
    assert math.isnan(fit.pi[0])
    assert math.isnan(fit.qe_wld)


def test_one_table_given_its_margins() -> None:
    exact = contingency.odds_ratio([[4, 16], [9, 16]], kind="conditional")
    assert cb.glmm(ONE, model="CM.EL").estimate == pytest.approx(
        math.log(exact.statistic), abs=1e-6
    )
    # binomial: the odds of being in group 1, 4 / 9, over those of people, 20 / 25
    near = cb.glmm(ONE, model="CM.AL")
    assert near.estimate == pytest.approx(math.log(4 / 9 * 25 / 20), abs=1e-9)
    assert near.se == pytest.approx(math.sqrt(1 / 4 + 1 / 9), rel=1e-9)


def test_one_group() -> None:
    proportion = cb.glmm({"xi": [4], "ni": [20]}, measure="PLO")
    assert proportion.estimate == pytest.approx(math.log(4 / 16), abs=1e-9)
    assert proportion.on_scale().estimate == pytest.approx(0.2, abs=1e-9)
    assert proportion.se == pytest.approx(math.sqrt(1 / 4 + 1 / 16), rel=1e-9)
    rate = cb.glmm({"xi": [4, 2], "ti": [20.5, 11.0]}, measure="IRLN", method="EE")
    assert rate.estimate == pytest.approx(math.log(6 / 31.5), abs=1e-9)
    assert rate.se == pytest.approx(math.sqrt(1 / 6), rel=1e-9)


def test_equal_effects_with_fixed_studies_is_logistic_regression() -> None:
    a, n1, c, n2 = arrays(AZITHROMYCIN)
    k = a.size
    x = np.vstack([np.hstack([np.eye(k), np.ones((k, 1))]), np.eye(k, k + 1)])
    y, n = np.concatenate([a, c]), np.concatenate([n1, n2])
    beta = np.zeros(k + 1)
    for _ in range(30):
        p = special.expit(x @ beta)
        information = x.T @ ((n * p * (1 - p))[:, None] * x)
        beta = beta + np.linalg.solve(information, x.T @ (y - n * p))
    fit = cb.glmm(AZITHROMYCIN, model="UM.FS", method="EE")
    assert fit.estimate == pytest.approx(beta[-1], abs=1e-9)
    assert fit.se == pytest.approx(math.sqrt(np.linalg.inv(information)[-1, -1]), rel=1e-8)
    height = stats.binom.logpmf(y, n, special.expit(x @ beta)).sum()
    assert fit.log_likelihood == pytest.approx(height, abs=1e-8)
    assert fit.qe_lrt == pytest.approx(
        2 * (stats.binom.logpmf(y, n, y / n).sum() - height), rel=1e-8
    )


def test_without_heterogeneity_both_methods_are_the_same() -> None:
    # dat.hine1989, whose tau2 is 0
    table: Table = {
        "ai": [2, 4, 6, 7, 7, 11],
        "n1i": [39, 44, 107, 103, 110, 154],
        "ci": [1, 4, 4, 5, 3, 4],
        "n2i": [43, 44, 110, 100, 106, 146],
    }
    for model in TWO:
        fit = cb.glmm(table, model=model)
        equal = cb.glmm(table, model=model, method="EE", nodes=fit.nodes or None)
        assert fit.tau2 == 0
        assert fit.i2 == 0
        assert math.isnan(fit.se_tau2)
        assert fit.estimate == pytest.approx(equal.estimate, abs=1e-9)
        assert fit.se == pytest.approx(equal.se, rel=1e-7)
        assert fit.pi == pytest.approx(fit.ci)
        assert math.isnan(equal.pi[0])


def plain_hypergeometric(a: float, n1: float, n2: float, m: float, eta: float) -> float:
    """Return the probability of a by summing over the support."""
    low, high = int(max(0, m - n2)), int(min(n1, m))
    terms = {
        s: math.comb(int(n1), s) * math.comb(int(n2), int(m) - s) * math.exp(s * eta)
        for s in range(low, high + 1)
    }
    return terms[int(a)] / sum(terms.values())


def by_quadrature(table: Table, beta: float, tau: float) -> float:
    """Return the log-likelihood of CM.EL by adaptive quadrature of plain sums."""
    total = 0.0
    for a, n1, c, n2 in zip(*arrays(table), strict=True):
        value, _ = scipy_integrate.quad(
            lambda u, a=a, n1=n1, n2=n2, m=a + c: (
                plain_hypergeometric(a, n1, n2, m, beta + tau * u) * stats.norm.pdf(u)
            ),
            *(-9, 9),
            epsabs=1e-13,
            epsrel=1e-12,
            limit=200,
        )
        total += math.log(value)
    return total


def test_the_exact_conditional_likelihood_and_its_curvature() -> None:
    fit = cb.glmm(SMALL, model="CM.EL", nodes=40)
    at = np.array([fit.estimate, math.sqrt(fit.tau2)])
    assert fit.tau2 > 0
    assert fit.log_likelihood == pytest.approx(by_quadrature(SMALL, *at), abs=1e-9)
    assert cb.glmm(SMALL, model="CM.EL").log_likelihood == pytest.approx(
        fit.log_likelihood, abs=1e-6
    )
    h = 1e-2
    around = {
        (i, j): by_quadrature(SMALL, *(at + h * np.array([i, j])))
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    }
    assert all(value <= fit.log_likelihood + 1e-7 for value in around.values())
    second = np.array(
        [
            [around[1, 0] - 2 * around[0, 0] + around[-1, 0], 0],
            [0, around[0, 1] - 2 * around[0, 0] + around[0, -1]],
        ]
    )
    second[0, 1] = second[1, 0] = (
        around[1, 1] - around[1, -1] - around[-1, 1] + around[-1, -1]
    ) / 4
    covariance = np.linalg.inv(-second / h**2)
    assert fit.se == pytest.approx(math.sqrt(covariance[0, 0]), rel=1e-4)
    assert fit.se_tau2 == pytest.approx(2 * at[1] * math.sqrt(covariance[1, 1]), rel=1e-3)


def test_tests_of_heterogeneity_given_the_margins() -> None:
    """From conditional estimates and variances of single tables, as SciPy has them."""
    fit = cb.glmm(AZITHROMYCIN, model="CM.EL", method="EE")
    eta, weight, height = [], [], 0.0
    for a, n1, c, n2 in zip(*arrays(AZITHROMYCIN), strict=True):
        if a == 0:
            continue  # its own estimate is infinite, its likelihood there is 1
        table = [[int(a), int(n1 - a)], [int(c), int(n2 - c)]]
        odds = contingency.odds_ratio(table, kind="conditional").statistic
        own = stats.nchypergeom_fisher(int(n1 + n2), int(n1), int(a + c), odds)
        eta.append(math.log(odds))
        weight.append(own.var())
        height += math.log(own.pmf(a))
    w, y = np.array(weight), np.array(eta)
    assert fit.qe_wld == pytest.approx((w * (y - (w * y).sum() / w.sum()) ** 2).sum(), rel=1e-6)
    assert fit.qe_lrt == pytest.approx(2 * (height - fit.log_likelihood), rel=1e-7)
    assert fit.qe_df == 14
    assert fit.qe_lrt_p == pytest.approx(stats.chi2.sf(fit.qe_lrt, 14), rel=1e-9)


def test_two_random_effects_by_more_nodes() -> None:
    """Laplace's approximation is not the integral; 20 and 25 nodes agree on it."""
    fit = cb.glmm(SMALL, model="UM.RS", nodes=25)
    laplace = cb.glmm(SMALL, model="UM.RS")
    assert laplace.nodes == 1
    assert abs(laplace.log_likelihood - fit.log_likelihood) > 1e-3
    again = cb.glmm(SMALL, model="UM.RS", nodes=20)
    assert again.estimate == pytest.approx(fit.estimate, abs=1e-5)
    assert again.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-6)


def test_nodes_of_two_effects_against_scipy() -> None:
    y, n = np.array([[2.0], [5.0]]), np.array([[15.0], [17.0]])
    alpha, beta, sigma, tau = -1.0, -0.4, 0.8, 0.6
    loads = (0.5, -0.5)
    arms = [
        Arm(
            binomial(y[g], n[g]),
            np.array([1.0, 1.0 - g, 0.0, 0.0]),
            np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.0, loads[g]]]),
            np.zeros(1),
        )
        for g in (0, 1)
    ]
    found = integrate(arms, np.array([[alpha], [beta], [sigma], [tau]]), 25)

    def density(u: float, w: float) -> float:
        eta = [alpha + beta * (1 - g) + sigma * u + tau * loads[g] * w for g in (0, 1)]
        p = special.expit(eta)
        return float(
            np.prod(stats.binom.pmf(y[:, 0], n[:, 0], p)) * stats.norm.pdf(u) * stats.norm.pdf(w)
        )

    value, _ = scipy_integrate.dblquad(density, -7, 7, -7, 7, epsabs=1e-9, epsrel=1e-9)
    assert found.value[0] == pytest.approx(math.log(value), abs=1e-6)


def test_derivatives_of_the_quadrature() -> None:
    """Exact first and second derivatives, of few nodes too, against differences."""
    rng = np.random.default_rng(8)
    y = rng.integers(0, 6, (2, 3)).astype(np.float64)
    arms = [
        Arm(
            poisson(y[g], np.array([2.0, 3.5, 1.0])),
            np.array([1.0, 1.0 - g, 0.0, 0.0]),
            np.array([[0.0, 0.0, 1.0, 0.0], [0.0, 0.0, 0.3, 0.5 - g]]),
            np.zeros(3),
        )
        for g in (0, 1)
    ]
    theta = rng.normal(0.3, 0.4, (4, 3))
    for nodes in (1, 3):
        jet, h = integrate(arms, theta, nodes), 1e-4
        for i in range(4):
            step = np.zeros((4, 1))
            step[i] = h
            up, down = integrate(arms, theta + step, nodes), integrate(arms, theta - step, nodes)
            assert (up.value - down.value) / (2 * h) == pytest.approx(jet.first[i], abs=1e-6)
            assert (up.first - down.first) / (2 * h) == pytest.approx(jet.second[i], abs=1e-6)


def test_arithmetic_of_jets() -> None:
    x, y = parameters(np.array([[0.7], [1.3]]))
    jet = ((x * y + 2.0).log() - y.power(-0.5)) * x
    # f = x (log(x y + 2) - y^(-1/2)) at (0.7, 1.3)
    at = 0.7 * 1.3 + 2
    gap = math.log(at) - 1.3**-0.5
    assert jet.value.item() == pytest.approx(0.7 * gap)
    slope_x, slope_y = gap + 0.7 * 1.3 / at, 0.7 * (0.7 / at + 0.5 * 1.3**-1.5)
    assert jet.first.ravel() == pytest.approx([slope_x, slope_y])
    mixed = 0.7 / at + 0.5 * 1.3**-1.5 + 0.7 * (1 / at - 0.7 * 1.3 / at**2)
    assert jet.second[0, 1].item() == pytest.approx(mixed)
    assert jet.second[1, 1].item() == pytest.approx(0.7 * (-((0.7 / at) ** 2) - 0.75 * 1.3**-2.5))


def test_log_sum_exp_of_jets() -> None:
    (x,) = parameters(np.array([[0.4]]))
    terms = Jet(np.concatenate([x.terms, (x * 2.0).terms], axis=1))
    found, p = terms.log_sum_exp(), special.expit(0.4)
    # log(e^x + e^2x) = x + log(1 + e^x)
    assert found.value.item() == pytest.approx(0.4 + math.log1p(math.exp(0.4)))
    assert found.first.item() == pytest.approx(1 + p)
    assert found.second.item() == pytest.approx(p * (1 - p))


def test_the_grid_integrates_polynomials_of_a_normal_variable() -> None:
    points, log_weights = grid(5, 2)
    weights = np.exp(log_weights - (points**2).sum(axis=0) / 2)
    assert weights.sum() == pytest.approx(1)
    assert (weights * points[0] ** 8).sum() == pytest.approx(105)
    assert (weights * points[0] ** 2 * points[1] ** 4).sum() == pytest.approx(3)


@pytest.mark.parametrize("largest", [8, 70, 4_000])
def test_cumulants_of_the_hypergeometric_distribution(largest: int) -> None:
    rng = np.random.default_rng(largest)
    n1, n2 = rng.integers(1, largest, (2, 40))
    events = rng.integers(1, n1 + n2)
    count = np.maximum(0, events - n2)
    eta = rng.normal(0, 2, 40)
    seen = hypergeometric(*(x.astype(np.float64) for x in (count, n1, n2, events)))
    total, mean, variance = (x[0] for x in seen.cumulants(eta[None], seen.size, 0))
    third, fourth = (x[0] for x in seen.cumulants(eta[None], seen.size, 2)[1:])
    for i in range(40):
        own = stats.nchypergeom_fisher(n1[i] + n2[i], n1[i], events[i], math.exp(eta[i]))
        s = np.arange(count[i], min(n1[i], events[i]) + 1)
        p = own.pmf(s)
        away = s - (p * s).sum()
        assert mean[i] == pytest.approx((p * s).sum(), rel=1e-7, abs=1e-9)
        assert variance[i] == pytest.approx((p * away**2).sum(), rel=1e-6, abs=1e-9)
        assert third[i] == pytest.approx((p * away**3).sum(), rel=1e-5, abs=1e-6)
        excess = (p * away**4).sum() - 3 * (p * away**2).sum() ** 2
        assert fourth[i] == pytest.approx(excess, rel=1e-4, abs=1e-5 * (1 + variance[i] ** 2))
        middle = float(s[p.argmax()])
        there = hypergeometric(*(np.array([x]) for x in (middle, *seen.size[:, i])))
        height = there.constant[0] + middle * eta[i] - total[i]
        assert height == pytest.approx(math.log(p.max()), abs=1e-7)


def test_sums_over_every_hth_value_are_those_over_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of large tables only some values are summed; here all of them, each from the one before."""
    rng = np.random.default_rng(3)
    n1, n2 = rng.integers(10, [[500], [5_000], [100_000], [1_000_000]], (2, 4, 12)).reshape(2, -1)
    share = rng.choice([0.001, 0.1, 0.5, 0.9, 0.999], n1.size)
    margins = np.array([n1, n2, np.floor(share * (n1 + n2))])
    seen = hypergeometric(np.maximum(0, margins[2] - n2), *margins)
    eta = rng.normal(0, 1.5, (3, n1.size))
    few = [seen.cumulants(eta, seen.size, lowest) for lowest in (0, 2)]
    monkeypatch.setattr(cumulants, "_WIDE", math.inf)
    every = [seen.cumulants(eta, seen.size, lowest) for lowest in (0, 2)]
    spread = np.sqrt(every[1][0])
    assert (spread > 200).any()
    # of the total, the mean and powers of the spread; a mean of a million rounds to 1e-10
    scales = 1 + np.abs(every[0][0]), 1 + every[0][1], 1 + spread**2, 1 + spread**3, 1 + spread**4
    found, expected = (
        (*first, *last[1:]) for first, last in ((few[0], few[1]), (every[0], every[1]))
    )
    for ours, theirs, scale in zip(found, expected, scales, strict=True):
        assert (np.abs(ours - theirs) < 1e-11 * scale).all()


@pytest.mark.parametrize("size", [10**5, 10**8])
def test_large_tables_take_no_longer_than_the_logistic_model_needs_it_for(size: int) -> None:
    """Simulated. With many events all models have one likelihood, but for little over them."""
    rng = np.random.default_rng(12)
    risk = special.expit(rng.normal(-1, 0.5, (1, 10)) + rng.normal(0.2, 0.1, (2, 10)))
    a, c = rng.binomial(size, risk)
    table: Table = {
        "ai": a.tolist(), "n1i": [size] * 10, "ci": c.tolist(), "n2i": [size] * 10
    }  # fmt: skip
    fit, other = (cb.glmm(table, model=model) for model in ("CM.EL", "UM.FS"))
    assert fit.estimate == pytest.approx(other.estimate, abs=20 / size)
    assert fit.tau2 == pytest.approx(other.tau2, rel=100 / size + 1e-6)
    assert fit.agreed == fit.starts == 3


@pytest.mark.parametrize(("size", "seed"), [(10**7, 1), (10**8, 4), (10**8, 23)])
def test_counts_of_many_millions(size: int, seed: int) -> None:
    """Simulated. Logs of odds are then normal, with variances known, as two steps have them."""
    rng = np.random.default_rng(seed)
    k = 30
    n1, n2 = rng.integers(size // 2, size, (2, k))
    base, away = rng.normal([[-0.5], [0.0]], [[0.5], [0.15]], (2, k))
    table: Table = {
        "ai": rng.binomial(n1, special.expit(base + away)).tolist(),
        "n1i": n1.tolist(),
        "ci": rng.binomial(n2, special.expit(base - away)).tolist(),
        "n2i": n2.tolist(),
    }
    two = cb.pool(cb.escalc("OR", **table), method="ML", test="z")
    models: tuple[Any, ...] = ("UM.FS", "UM.RS", "CM.EL")
    for model in models:
        fit = cb.glmm(table, model=model)
        assert fit.estimate == pytest.approx(two.estimate, abs=1e-4)
        assert fit.se == pytest.approx(two.se, rel=1e-3)
        assert fit.tau2 == pytest.approx(two.tau2, rel=2e-3)
        assert fit.agreed >= 2
        low, high = fit.tau2_ci()
        assert low < fit.tau2 < high
    # with so many people the penalty moves nothing
    equal = cb.glmm(table, method="EE")
    penalised = cb.penalised_logistic(table, interval="profile")
    assert penalised.estimate == pytest.approx(equal.estimate, abs=1e-6)
    assert penalised.ci == pytest.approx(equal.ci, abs=1e-6)


def test_modes_are_found_where_likelihoods_round() -> None:
    """Simulated: 1 event in 80 people beside thousands in 80,000, given all events of a table.

    With tau2 0 the odds of being in group 1 are common: 1 / 27,710 over 80 / 80,000 people.
    """
    table: Table = {
        "ai": [1, 0, 0, 0, 0, 0],
        "n1i": [17, 11, 11, 17, 14, 10],
        "ci": [7541, 3374, 1749, 9141, 3642, 2263],
        "n2i": [17000, 11000, 11000, 17000, 14000, 10000],
    }
    for change, sign in ((table, 1), (exchanged(table), -1)):
        fit = cb.glmm(change, model="CM.AL")
        assert fit.tau2 == 0
        assert fit.estimate == pytest.approx(sign * math.log(1 / 27_710 * 1000), abs=1e-6)
        assert fit.se == pytest.approx(math.sqrt(1 + 1 / 27_710), rel=1e-6)


def test_large_margins_need_little_memory() -> None:
    """A support of 400,000: only where there is weight is summed."""
    table: Table = {"ai": [200_000], "n1i": [10**6], "ci": [250_000], "n2i": [10**6]}
    fit = cb.glmm(table, model="CM.EL")
    woolf = math.sqrt(1 / 200_000 + 1 / 800_000 + 1 / 250_000 + 1 / 750_000)
    assert fit.estimate == pytest.approx(math.log(0.25 / (1 / 3)), abs=1e-6)
    assert fit.se == pytest.approx(woolf, rel=1e-5)


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL"])
def test_exchanging_events_and_others_turns_the_sign(model: Any) -> None:
    fit, other = cb.glmm(AZITHROMYCIN, model=model), cb.glmm(flipped(AZITHROMYCIN), model=model)
    assert other.estimate == pytest.approx(-fit.estimate, abs=1e-8)
    assert other.se == pytest.approx(fit.se, rel=1e-7)
    assert other.tau2 == pytest.approx(fit.tau2, rel=1e-7)


@pytest.mark.parametrize("model", TWO)
def test_exchanging_the_groups_turns_the_sign(model: Any) -> None:
    fit, other = cb.glmm(AZITHROMYCIN, model=model), cb.glmm(exchanged(AZITHROMYCIN), model=model)
    assert other.estimate == pytest.approx(-fit.estimate, abs=1e-8)
    assert other.tau2 == pytest.approx(fit.tau2, rel=1e-7)
    assert other.log_likelihood == pytest.approx(fit.log_likelihood, abs=1e-8)


@pytest.mark.parametrize("model", TWO)
def test_every_table_twice(model: Any) -> None:
    fit = cb.glmm(CATHETERS, model=model)
    twice = cb.glmm({name: [*values, *values] for name, values in CATHETERS.items()}, model=model)
    assert twice.estimate == pytest.approx(fit.estimate, abs=1e-7)
    assert twice.tau2 == pytest.approx(fit.tau2, rel=1e-6)
    assert twice.se == pytest.approx(fit.se / math.sqrt(2), rel=1e-6)
    assert twice.log_likelihood == pytest.approx(2 * fit.log_likelihood, abs=1e-7)


TABLES = st.lists(
    st.tuples(st.integers(0, 6), st.integers(8, 60), st.integers(1, 9), st.integers(10, 60)),
    min_size=3,
    max_size=7,
)


@settings(max_examples=25, deadline=None)
@given(TABLES, st.sampled_from(["UM.FS", "CM.EL", "CM.AL"]), st.randoms())
def test_the_order_of_tables_does_not_matter(rows: list[Any], model: Any, order: Any) -> None:
    rows = [*rows, (3, 30, 4, 28)]
    mixed = rows.copy()
    order.shuffle(mixed)

    def fit(some: list[Any]) -> cb.OneStep:
        columns = zip(*some, strict=True)
        return cb.glmm(
            dict(zip(("ai", "n1i", "ci", "n2i"), map(list, columns), strict=True)), model=model
        )

    one, other = fit(rows), fit(mixed)
    assert other.log_likelihood == pytest.approx(one.log_likelihood, abs=1e-7)
    assert other.estimate == pytest.approx(one.estimate, abs=1e-5)
    equal = cb.glmm(
        dict(zip(("ai", "n1i", "ci", "n2i"), map(list, zip(*rows, strict=True)), strict=True)),
        model=model,
        method="EE",
    )
    assert one.log_likelihood >= equal.log_likelihood - 1e-8


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL"])
def test_tables_without_events_say_nothing(model: Any) -> None:
    fit = cb.glmm(CATHETERS, model=model)
    assert (fit.k, fit.k_yi, fit.informative.tolist().index(False)) == (17, 17, 14)
    assert "say nothing in this model: Study 15" in fit.warnings[0]
    without = {name: values[:14] + values[15:] for name, values in CATHETERS.items()}
    other = cb.glmm(without, model=model)
    assert other.estimate == fit.estimate
    assert other.log_likelihood == fit.log_likelihood


@pytest.mark.parametrize("model", ["UM.FS", "CM.EL", "CM.AL"])
def test_tables_with_an_empty_group_say_nothing(model: Any) -> None:
    table = {
        name: [*values, extra]
        for (name, values), extra in zip(SMALL.items(), (0, 0, 3, 9), strict=True)
    }
    fit = cb.glmm(table, model=model)
    assert fit.k == 4
    assert fit.estimate == cb.glmm(SMALL, model=model).estimate
    assert cb.glmm(table, model="UM.RS").k == 5


def test_tables_without_events_stay_where_study_effects_are_random() -> None:
    fit = cb.glmm(CATHETERS, model="UM.RS")
    assert fit.k == 18
    assert fit.informative.all()
    assert "kept, as they say what risks there are: Study 15" in fit.warnings[0]
    dropped = cb.glmm(CATHETERS, model="UM.RS", drop00="yes")
    assert dropped.k == 17
    assert "drop00" in dropped.warnings[0]
    assert fit.sigma2 > dropped.sigma2


def test_intervals_of_t_and_prediction() -> None:
    fit = cb.glmm(AZITHROMYCIN, model="CM.EL", test="t", level=0.9)
    quantile = stats.t.ppf(0.95, 14)
    assert fit.df == 14
    assert fit.ci[1] == pytest.approx(fit.estimate + quantile * fit.se, rel=1e-12)
    spread = math.sqrt(fit.se**2 + fit.tau2)
    assert fit.pi[0] == pytest.approx(fit.estimate - quantile * spread, rel=1e-12)
    assert fit.p_value == pytest.approx(2 * stats.t.sf(abs(fit.estimate / fit.se), 14), rel=1e-9)
    alone = cb.glmm(ONE, model="CM.EL", test="t")
    assert math.isnan(alone.p_value)
    assert math.isnan(alone.ci[0])


@pytest.mark.parametrize("model", TWO)
def test_the_profile_interval_of_tau2(model: Any) -> None:
    """At its ends, twice the fall of the log-likelihood is the quantile of chi-squared."""
    fit = cb.glmm(AZITHROMYCIN, model=model)
    low, high = fit.tau2_ci()
    assert 0 < low < fit.tau2 < high < math.inf
    assert fit.tau2_ci(0.5)[0] > low
    assert fit.solution is not None
    place = fit.solution.model.scales[-1]
    for end in (low, high):
        fixed = fit.solution.model
        common = fit.solution.maximum.common.copy()
        common[place] = math.sqrt(end)

        def height(rest: Any, common: Any = common, fixed: Any = fixed) -> float:
            own = fit.solution.maximum.own.size  # type: ignore[union-attr]
            at = np.insert(rest[own:], place, common[place])
            theta = np.repeat(at[:, None], 15, axis=1)
            theta = np.vstack([rest[:own], theta]) if own else theta
            return float(-integrate(fixed.arms, theta, fit.nodes).value.sum())

        start = np.concatenate([fit.solution.maximum.own, np.delete(common, place)])
        found = optimize.minimize(height, start, method="BFGS", options={"gtol": 1e-4})
        fall = 2 * (fit.log_likelihood + found.fun)
        assert fall == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)


def test_an_interval_of_tau2_from_0() -> None:
    assert cb.glmm(CATHETERS, model="CM.EL").tau2_ci(0.999)[0] == 0
    with pytest.raises(cb.ModelError, match="no tau2 of its own"):
        cb.glmm(CATHETERS, method="EE").tau2_ci()


def test_the_profile_leaves_a_variance_of_0() -> None:
    """Simulated: sigma is 0 at the maximum, and not where tau is 0, which is equal effects."""
    table: Table = {
        "ai": [5, 5, 10, 10, 6, 4, 4, 5],
        "n1i": [255, 260, 280, 277, 231, 237, 165, 264],
        "ci": [19, 17, 4, 8, 3, 19, 8, 12],
        "n2i": [255, 260, 280, 277, 231, 237, 165, 264],
    }
    fit = cb.glmm(table, model="UM.RS")
    equal = cb.glmm(table, model="UM.RS", method="EE", nodes=1)
    assert fit.sigma2 == 0
    assert equal.sigma2 > 0.02
    fall = 2 * (fit.log_likelihood - equal.log_likelihood)
    # at the level at which equal effects are just not rejected, the interval begins at 0
    level = float(stats.chi2.cdf(fall, 1))
    assert fit.tau2_ci(level + 1e-5)[0] == 0
    assert fit.tau2_ci(level - 1e-5)[0] > 0


def test_too_few_nodes_are_said() -> None:
    """Invented, with a tau of about 6, where 7 nodes are not enough."""
    table: Table = {
        "ai": [0, 9, 0, 25, 0, 3, 14, 0, 1, 0],
        "n1i": [60] * 10,
        "ci": [1, 0, 2, 1, 1, 0, 0, 3, 1, 1],
        "n2i": [60] * 10,
    }
    few, more = (cb.glmm(table, model="CM.AL", nodes=nodes) for nodes in (7, 31))
    moved = abs(few.estimate - more.estimate) / few.se
    assert moved > 0.05
    assert any(note.startswith("7 nodes are too few for the integrals") for note in few.warnings)
    assert not any("nodes" in note for note in more.warnings)
    for model in TWO:
        assert not any("node" in note for note in cb.glmm(AZITHROMYCIN, model=model).warnings)


def test_information_criteria_count_the_parameters() -> None:
    """metafor's: p + k + 1 and 2k for UM.FS; 1 + 1 and k for CM.EL."""
    fit = cb.glmm(AZITHROMYCIN, model="UM.FS")
    assert (fit.parameters, fit.observations) == (17, 30)
    assert fit.aic == pytest.approx(-2 * fit.log_likelihood + 34)
    assert fit.bic == pytest.approx(-2 * fit.log_likelihood + 17 * math.log(30))
    assert fit.aicc == pytest.approx(-2 * fit.log_likelihood + 34 * 30 / 12)
    fit = cb.glmm(AZITHROMYCIN, model="CM.EL")
    assert (fit.parameters, fit.observations) == (2, 15)
    assert cb.glmm(AZITHROMYCIN, model="UM.RS", cor="yes").parameters == 5


def test_for_rates_both_conditional_models_are_one() -> None:
    one, other = (cb.glmm(INFECTIONS, measure="IRR", model=m) for m in ("CM.EL", "CM.AL"))
    assert one.to_dict() == other.to_dict()
    assert one.model == "CM.EL"


def test_of_one_finite_effect_there_is_no_wald_test_of_heterogeneity() -> None:
    """In the other tables one group has no events, so that their own odds ratios are infinite."""
    table: Table = {"ai": [0, 0, 2], "n1i": [20, 30, 25], "ci": [2, 3, 4], "n2i": [22, 31, 24]}
    for model in TWO:
        fit = cb.glmm(table, model=model, method="EE")
        assert math.isnan(fit.qe_wld)
        assert math.isnan(fit.qe_wld_p)
        assert fit.qe_lrt > 0
        assert "Wald(" not in fit.summary()


ZERO: Table = {"ai": [0, 0, 0], "n1i": [20, 30, 25], "ci": [2, 3, 1], "n2i": [22, 31, 24]}


@pytest.mark.parametrize("model", ["UM.FS", "UM.RS", "CM.EL"])
@pytest.mark.parametrize("change", [ZERO, flipped(ZERO), exchanged(ZERO), exchanged(flipped(ZERO))])
def test_an_infinite_estimate_is_an_error(model: Any, change: Table) -> None:
    with pytest.raises(cb.DataError, match="infinite"):
        cb.glmm(change, model=model)


@pytest.mark.parametrize("change", [ZERO, exchanged(ZERO)])
def test_an_infinite_estimate_of_the_approximation_is_an_error(change: Table) -> None:
    with pytest.raises(cb.DataError, match="infinite"):
        cb.glmm(change, model="CM.AL")


def test_effects_that_lie_ever_further_apart_are_an_error() -> None:
    """Everybody in one group has the event, nobody in the other: this way, then that way."""
    table: Table = {"ai": [9, 0, 9, 0], "n1i": [9] * 4, "ci": [0, 9, 0, 9], "n2i": [9] * 4}
    for model in ("UM.FS", "CM.EL"):
        with pytest.raises(cb.ModelError, match="method 'EE'"):
            cb.glmm(table, model=model)
    assert cb.glmm(table, model="CM.EL", method="EE").estimate == pytest.approx(0, abs=1e-9)


def test_counts_must_be_whole() -> None:
    with pytest.raises(cb.DataError, match=r"Study 2: ai is 1\.5; counts must be whole"):
        cb.glmm({**SMALL, "ai": [0, 1.5, 9, 1]})
    rates = cb.glmm({**INFECTIONS, "t1i": [t + 0.5 for t in INFECTIONS["t1i"]]}, measure="IRR")
    assert rates.k == 9


def test_random_study_effects_have_an_estimate_where_fixed_ones_have_none() -> None:
    """In each table group 1 has no events or group 2 nothing else."""
    table: Table = {"ai": [0, 4, 0], "n1i": [20, 20, 15], "ci": [3, 22, 2], "n2i": [22, 22, 16]}
    with pytest.raises(cb.DataError, match="infinite"):
        cb.glmm(table, model="UM.FS")
    fit = cb.glmm(table, model="UM.RS", method="EE", nodes=30)
    assert -20 < fit.estimate < 0
    assert 0 < fit.sigma2 < 100


def test_study_effects_that_vary_only_beside_random_effects() -> None:
    """Simulated: sigma is 0 under equal effects, but not where tau is at its best."""
    table: Table = {
        "ai": [5, 4, 0, 2, 1, 3, 0, 2, 6, 3, 6, 1, 0, 1, 2],
        "n1i": [367, 183, 128, 318, 369, 229, 326, 197, 315, 248, 456, 255, 111, 133, 178],
        "ci": [0, 3, 5, 3, 3, 3, 3, 2, 2, 2, 2, 4, 4, 2, 1],
        "n2i": [322, 233, 109, 272, 245, 262, 468, 195, 176, 110, 147, 218, 243, 116, 288],
    }
    assert cb.glmm(table, model="UM.RS", method="EE").sigma2 == 0
    fit = cb.glmm(table, model="UM.RS")
    assert fit.sigma2 > 0
    assert fit.tau2 > 0.1
    # with sigma at 0, tau is 0.59155, and the likelihood curves up
    assert fit.log_likelihood > -56.64965
    assert fit.agreed == 3


def test_settings_that_do_not_exist() -> None:
    with pytest.raises(cb.ModelError, match=r"model is 'UM'; use one of UM\.FS"):
        cb.glmm(SMALL, model="UM")  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match=r"cor='yes' belongs to model 'UM\.RS'"):
        cb.glmm(SMALL, cor="yes")
    with pytest.raises(cb.ModelError, match="nodes is 0; give a whole number from 1 to 100"):
        cb.glmm(SMALL, nodes=0)
    with pytest.raises(cb.DataError, match="IRR needs the columns x1i t1i x2i t2i"):
        cb.glmm(SMALL, measure="IRR")


def test_what_a_result_says() -> None:
    fit = cb.glmm(CATHETERS, model="UM.RS")
    summary = fit.summary()
    assert (
        "Unconditional model with random study effects, random effects (k = 18; test: z)" in summary
    )
    assert "sigma^2 (studies) 0.6428" in summary
    assert "As OR: 0.28 (95% CI 0.15 to 0.53" in summary
    kept = json.loads(json.dumps(fit.to_dict()))
    assert kept["estimate"] == fit.estimate
    assert kept["agreed"] == kept["starts"] == 3
    frame = fit.to_frame()
    assert frame.columns.tolist() == ["estimate", "se", "ci_low", "ci_high", "informative"]
    assert math.isnan(frame.loc["Study 15", "estimate"])


def test_tables_without_any_event_leave_the_penalty_alone() -> None:
    # All of the likelihood of such tables is 1 at a risk of 0: what is left is the penalty, which
    # is the same with the groups exchanged.
    none = {"ai": [0, 0], "n1i": [50, 50], "ci": [0, 0], "n2i": [50, 50]}
    found = cb.penalised_logistic(none)
    assert found.estimate == pytest.approx(0, abs=1e-9)
    assert any("say nothing of the association" in note for note in found.warnings)
    some = cb.penalised_logistic(none | {"ai": [1, 0]})
    assert not any("say nothing of the association" in note for note in some.warnings)


def test_common_events_are_said_where_the_model_takes_them_to_be_rare() -> None:
    common = {"ai": [20, 30], "n1i": [50, 90], "ci": [10, 15], "n2i": [52, 88]}
    found = cb.glmm(common, model="CM.AL", method="EE")
    assert any(note.startswith("events are not rare (36 % of a group)") for note in found.warnings)
    # All of a group in one table: log(20 / 10) is the risk ratio of groups of one size.
    one = {"ai": [20], "n1i": [50], "ci": [10], "n2i": [50]}
    assert cb.glmm(one, model="CM.AL", method="EE").estimate == pytest.approx(math.log(2))
    rare = common | {"n1i": [500, 900], "n2i": [520, 880]}
    assert not any("rare" in n for n in cb.glmm(rare, model="CM.AL", method="EE").warnings)
    assert not any("rare" in n for n in cb.glmm(common, model="CM.EL", method="EE").warnings)


def test_one_table_with_a_comparison_gives_no_prediction_interval() -> None:
    # The other table has no events: it says what risks there are, and nothing of tau2.
    tables = {"ai": [3, 0], "n1i": [50, 50], "ci": [6, 0], "n2i": [50, 50]}
    found = cb.glmm(tables, model="UM.RS")
    assert np.isnan(found.pi).all()
    assert np.isfinite(found.ci).all()
    assert any("one table alone holds a comparison" in note for note in found.warnings)
    more = {"ai": [3, 0, 4], "n1i": [50, 50, 60], "ci": [6, 0, 4], "n2i": [50, 50, 60]}
    two = cb.glmm(more, model="UM.RS")
    assert np.isfinite(two.pi).all()
