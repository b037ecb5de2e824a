"""Beta-binomial, penalised logistic regression, and how sparse tables are."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from scipy import optimize, special, stats

import comorbid as cb

Table = dict[str, list[float]]

# dat.nielweise2007 of metadat 1.2-0: catheters, infections of the blood
CATHETERS: Table = {
    "ai": [0, 1, 2, 0, 5, 1, 1, 1, 1, 1, 0, 0, 3, 6, 0, 0, 1, 4],
    "n1i": [116, 44, 208, 130, 151, 98, 174, 74, 97, 113, 66, 70, 188, 187, 118, 252, 345, 64],
    "ci": [3, 3, 9, 7, 6, 4, 3, 2, 19, 2, 7, 1, 5, 11, 0, 1, 3, 1],
    "n2i": [117, 35, 195, 136, 157, 139, 177, 39, 103, 122, 64, 58, 175, 180, 105, 262, 362, 69],
}
NONE: Table = {"ai": [0, 0, 0], "n1i": [20, 30, 25], "ci": [2, 3, 1], "n2i": [22, 31, 24]}


def arrays(table: Table) -> list[Any]:
    return [np.array(table[name], dtype=np.float64) for name in ("ai", "n1i", "ci", "n2i")]


def exchanged(table: Table) -> Table:
    columns = (table[name] for name in ("ci", "n2i", "ai", "n1i"))
    return dict(zip(("ai", "n1i", "ci", "n2i"), columns, strict=True))


def test_beta_binomial_is_the_maximum_of_its_likelihood() -> None:
    a, n1, c, n2 = arrays(CATHETERS)
    y, n = np.concatenate([a, c]), np.concatenate([n1, n2])
    x = np.repeat([1.0, 0.0], a.size)

    def height(theta: Any) -> float:
        p, size = special.expit(theta[1] + theta[0] * x), math.exp(-theta[2])
        return float(stats.betabinom.logpmf(y, n, p * size, (1 - p) * size).sum())

    fit = cb.beta_binomial(CATHETERS)
    found = optimize.minimize(
        lambda theta: -height(theta),
        [0.0, -3.0, -3.0],
        method="Nelder-Mead",
        options={"xatol": 1e-9, "fatol": 1e-12, "maxiter": 5_000},
    )
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-8)
    assert fit.estimate == pytest.approx(found.x[0], abs=1e-5)
    assert fit.rho == pytest.approx(special.expit(found.x[2]), rel=1e-5)
    h = 1e-3
    hessian = np.zeros((3, 3))
    for i, j in np.ndindex(3, 3):
        first, second = h * np.eye(3)[i], h * np.eye(3)[j]
        hessian[i, j] = (
            height(found.x + first + second)
            - height(found.x + first - second)
            - height(found.x - first + second)
            + height(found.x - first - second)
        ) / (4 * h**2)
    assert fit.se == pytest.approx(math.sqrt(np.linalg.inv(-hessian)[0, 0]), rel=1e-4)
    assert (fit.k, fit.agreed, fit.starts) == (18, 3, 3)
    assert math.isnan(fit.tau2)
    assert math.isnan(fit.pi[0])


def test_beta_binomial_without_overdispersion_is_binomial() -> None:
    even: Table = {"ai": [5, 6, 5], "n1i": [50, 60, 50], "ci": [10, 12, 10], "n2i": [50, 60, 50]}
    fit = cb.beta_binomial(even)
    assert fit.rho == 0
    assert fit.estimate == pytest.approx(math.log(16 / 144 / (32 / 128)), abs=1e-9)
    assert fit.se == pytest.approx(math.sqrt(1 / 16 + 1 / 144 + 1 / 32 + 1 / 128), rel=1e-9)
    assert fit.warnings[-1] == "the counts vary no more than binomially: rho is 0"
    turned = cb.beta_binomial(exchanged(CATHETERS))
    assert turned.estimate == pytest.approx(-cb.beta_binomial(CATHETERS).estimate, abs=1e-7)


def test_beta_binomial_of_large_arms() -> None:
    """Simulated, a million people an arm: a correlation of 5e-6 makes the variance sixfold."""
    n, rho, k = 10**6, 5e-6, 20
    rng = np.random.default_rng(5)
    y = rng.binomial(n, rng.beta(0.1 * (1 - rho) / rho, 0.9 * (1 - rho) / rho, k))
    fit = cb.beta_binomial({"xi": y.tolist(), "ni": [n] * k}, measure="PLO")

    def height(theta: Any) -> float:
        p, size = special.expit(theta[0]), math.exp(-theta[1])
        return float(stats.betabinom.logpmf(y, n, p * size, (1 - p) * size).sum())

    found = optimize.minimize(
        lambda theta: -height(theta), [-2.2, math.log(rho)], method="Nelder-Mead"
    )
    assert fit.rho == pytest.approx(special.expit(found.x[1]), rel=1e-3)
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-5)
    assert fit.log_likelihood > stats.binom.logpmf(y, n, y.mean() / n).sum() + 10
    # all arms are of one size, so that the mean of their risks is the estimate
    risk = y.mean() / n
    inflated = (1 + (n - 1) * fit.rho) / (k * n * risk * (1 - risk))
    assert fit.estimate == pytest.approx(special.logit(risk), abs=1e-5)
    assert fit.se == pytest.approx(math.sqrt(inflated), rel=1e-3)


def test_beta_binomial_of_arms_with_all_events_or_none() -> None:
    """Each arm is then one event or none: rho is 1, and five arms are five people."""
    fit = cb.beta_binomial({"xi": [0, 10, 0, 10, 10], "ni": [10] * 5}, measure="PLO")
    assert fit.rho == pytest.approx(1, abs=1e-6)
    assert fit.estimate == pytest.approx(math.log(3 / 2), abs=1e-6)
    assert fit.se == pytest.approx(math.sqrt(1 / 3 + 1 / 2), rel=1e-6)


def test_beta_binomial_of_proportions() -> None:
    table = {"xi": CATHETERS["ci"], "ni": CATHETERS["n2i"]}
    fit = cb.beta_binomial(table, measure="PLO")
    y, n = (np.array(values, dtype=np.float64) for values in table.values())
    p, size = special.expit(fit.estimate), 1 / fit.rho - 1
    at = stats.betabinom.logpmf(y, n, p * size, (1 - p) * size).sum()
    assert fit.log_likelihood == pytest.approx(at, abs=1e-8)
    for shift in (-0.02, 0.02):
        moved = special.expit(fit.estimate + shift)
        assert stats.betabinom.logpmf(y, n, moved * size, (1 - moved) * size).sum() < at
    assert fit.on_scale().estimate == pytest.approx(p)


def test_beta_binomial_needs_events_and_others_in_each_group() -> None:
    with pytest.raises(cb.DataError, match="no table has events in group 1: the pooled OR"):
        cb.beta_binomial(NONE)
    full = {**NONE, "ai": NONE["n1i"]}
    with pytest.raises(cb.DataError, match="no table has people without the event in group 1"):
        cb.beta_binomial(full)
    with pytest.raises(cb.ModelError, match="measure is 'RR'"):
        cb.beta_binomial(NONE, measure="RR")  # type: ignore[arg-type]


def test_the_penalty_adds_one_half_to_a_single_table() -> None:
    """Firth 1993, section 3.3: the penalty of a saturated logit is half an event and non-event."""
    fit = cb.penalised_logistic({"ai": [0], "n1i": [50], "ci": [3], "n2i": [52]})
    assert fit.estimate == pytest.approx(math.log(0.5 * 49.5 / (50.5 * 3.5)), abs=1e-9)
    # the information is that of the counts at the fitted risks 0.5 / 51 and 3.5 / 53
    w1, w2 = 50 * 0.5 * 50.5 / 51**2, 52 * 3.5 * 49.5 / 53**2
    assert fit.se == pytest.approx(math.sqrt(1 / w1 + 1 / w2), rel=1e-8)


def penalised(table: Table, theta: Any) -> float:
    """Return the penalised log-likelihood from the whole design."""
    a, n1, c, n2 = arrays(table)
    k = a.size
    x = np.vstack([np.hstack([np.eye(k), np.ones((k, 1))]), np.eye(k, k + 1)])
    y, n = np.concatenate([a, c]), np.concatenate([n1, n2])
    p = special.expit(x @ theta)
    information = x.T @ ((n * p * (1 - p))[:, None] * x)
    return float(stats.binom.logpmf(y, n, p).sum() + np.linalg.slogdet(information)[1] / 2)


@pytest.mark.parametrize("table", [CATHETERS, NONE])
def test_penalised_logistic_is_the_maximum(table: Table) -> None:
    fit = cb.penalised_logistic(table)
    k = len(table["ai"])
    found = optimize.minimize(
        lambda theta: -penalised(table, theta),
        np.append(np.full(k, -3.0), -0.5),
        method="BFGS",
        options={"gtol": 1e-6},
    )
    assert fit.estimate == pytest.approx(found.x[-1], abs=1e-5)
    assert fit.log_likelihood == pytest.approx(-found.fun, abs=1e-8)
    assert fit.k == k
    turned = cb.penalised_logistic(exchanged(table))
    assert turned.estimate == pytest.approx(-fit.estimate, abs=1e-9)
    assert turned.se == pytest.approx(fit.se, rel=1e-9)


def test_the_profile_of_the_penalised_likelihood() -> None:
    """Heinze and Schemper 2002: where twice the fall is the quantile of chi-squared."""
    fit = cb.penalised_logistic(NONE, interval="profile")

    def fall(effect: float) -> float:
        found = optimize.minimize(
            lambda studies: -penalised(NONE, np.append(studies, effect)), np.full(3, -3.0)
        )
        return 2 * (fit.log_likelihood + found.fun)

    for end in fit.ci:
        assert fall(end) == pytest.approx(stats.chi2.ppf(0.95, 1), abs=1e-4)
    assert fit.p_value == pytest.approx(stats.chi2.sf(fall(0.0), 1), abs=1e-5)
    assert fit.statistic == pytest.approx(-math.sqrt(fall(0.0)), abs=1e-5)
    assert fit.ci[0] < cb.penalised_logistic(NONE).ci[0]


def test_tables_without_events_in_penalised_logistic() -> None:
    fit = cb.penalised_logistic(CATHETERS)
    assert "kept, as the penalty gives them a little weight: Study 15" in fit.warnings[1]
    dropped = cb.penalised_logistic(CATHETERS, drop00="yes")
    assert (fit.k, dropped.k) == (18, 17)
    assert abs(fit.estimate - dropped.estimate) < 0.01
    assert fit.estimate != dropped.estimate
    assert math.isnan(fit.aic)
    with pytest.raises(cb.DataError, match="nothing to pool"):
        cb.penalised_logistic({"ai": [0], "n1i": [5], "ci": [0], "n2i": [5]}, drop00="yes")


def test_expected_cells() -> None:
    a, n1, c, n2 = arrays(CATHETERS)
    expected = np.array(
        [size * m / (n1 + n2) for size in (n1, n2) for m in (a + c, n1 - a + n2 - c)]
    )
    found = cb.sparse(CATHETERS)
    assert found.smallest == pytest.approx(expected.min(axis=0))
    assert found.below_5 == int((expected.min(axis=0) < 5).sum())
    assert found.below_1 == int((expected.min(axis=0) < 1).sum())
    assert found.with_zero == 6
    assert found.zeros.sum() == 7
    assert found.double_zero.sum() == 1
    assert found.risk1 == pytest.approx(a.sum() / n1.sum())
    assert found.imbalance == pytest.approx(74 / 39)
    assert found.doubtful
    assert json.loads(json.dumps(found.to_dict()))["below_5"] == found.below_5
    assert "tables with an observed 0    6" in found.summary()


def test_large_tables_are_not_sparse() -> None:
    many: Table = {"ai": [40] * 5, "n1i": [100] * 5, "ci": [30] * 5, "n2i": [100] * 5}
    assert not cb.sparse(many).doubtful
    # one in five with an expected cell below 5 is the most that Cochran's rule allows
    one = {**many, "ai": [4, *[40] * 4], "ci": [4, *[30] * 4]}
    assert cb.sparse(one).below_5 == 1
    assert not cb.sparse(one).doubtful
    two = {**one, "ai": [4, 4, 40, 40, 40], "ci": [4, 4, 30, 30, 30]}
    assert cb.sparse(two).doubtful


def test_a_table_with_an_empty_group_is_sparse() -> None:
    found = cb.sparse({"ai": [0, 4], "n1i": [0, 9], "ci": [3, 4], "n2i": [9, 9]})
    assert found.smallest.tolist() == [0.0, 4.0]
    assert found.doubtful
    assert found.imbalance == math.inf
    assert found.warnings == ()
    with pytest.raises(cb.DataError, match="no table has people in both groups"):
        cb.sparse({"ai": [0], "n1i": [0], "ci": [3], "n2i": [9]})


def test_tables_without_any_event_are_said_to_say_nothing() -> None:
    found = cb.sparse({"ai": [0, 0], "n1i": [5, 6], "ci": [0, 0], "n2i": [9, 9]})
    assert found.doubtful
    assert found.warnings == (
        "no table has both events and people without: they say nothing of the association",
    )


def test_arms_of_all_or_nothing_are_said() -> None:
    """Each arm counts as one person: the odds of 1 in 3 to those of 2 in 3, and its error."""
    table: Table = {"ai": [0, 0, 60], "n1i": [50, 60, 60], "ci": [52, 61, 0], "n2i": [52, 61, 71]}
    fit = cb.beta_binomial(table)
    assert fit.estimate == pytest.approx(math.log((1 / 2) / (2 / 1)), abs=1e-3)
    assert fit.se == pytest.approx(math.sqrt(1 + 1 / 2 + 1 / 2 + 1), abs=1e-3)
    assert "rho is 1 but for rounding" in fit.warnings[-1]
