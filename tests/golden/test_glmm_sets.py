"""One-step models of the count data sets of metadat against metafor, brglm2 and VGAM.

How the values were made: tests/golden/data/README.md (metafor 3.8-1 and lme4 1.1-31 with tight
tolerances, brglm2 0.9, VGAM 1.1-7).
"""

from __future__ import annotations

import gzip
import json
import math
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
from golden_data import DATA
from scipy import special, stats

import comorbid as cb

CLOSE = 1e-4
GOLDEN: dict[str, Any] = json.loads(gzip.decompress((DATA / "glmm.json.gz").read_bytes()))
TWO = ("UM.FS", "UM.RS", "CM.AL", "CM.EL")
ALL = ("beta", "se", "tau2", "sigma2", "I2", "H2", "QE.Wld", "QE.LRT", "ci.lb", "ci.ub", "pi.lb")
# lme4's second derivatives are numerical, and where it is given rounded densities, metafor's; in
# UM.RS infinite effects of single tables end anywhere, and with them Wald's statistic.
FIELDS: dict[str, tuple[str, ...]] = {
    "UM.FS": ALL,
    "CM.AL": ALL,
    "UM.RS": ("beta", "se", "tau2", "sigma2", "I2", "QE.LRT", "ci.lb", "ci.ub", "pi.lb"),
    "CM.EL": ("beta", "QE.LRT"),
}
# Where lme4 converged only with looser tolerances: test_the_standard_error_that_differs.
NUMERICAL = {"graves2010 UM.RS ML", "bcg_2 PLO ML z", "bcg_2 PLO ML t"}
RESTS_ON_SE = ("se", "ci.lb", "ci.ub", "pi.lb")

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.ComorbidWarning")


def fit_of(case: str) -> cb.OneStep:
    """Fit what the golden case is of, with the settings that it names."""
    name, model, *how = case.split()
    method, test = (*how, "z")[:2]
    settings: dict[str, Any] = {"method": method, "test": test}
    if model in ("PLO", "IRLN"):
        table = GOLDEN["proportions" if model == "PLO" else "incidences"][name]
        return cb.glmm(table, measure=model, **settings)
    settings |= {"model": model, "drop00": "yes"}
    if name in GOLDEN["rates"]:
        return cb.glmm(GOLDEN["rates"][name], measure="IRR", **settings)
    return cb.glmm(GOLDEN["tables"][name], **settings)


def found_in(fit: cb.OneStep) -> dict[str, float]:
    names = ("estimate", "se", "tau2", "sigma2", "i2", "h2", "qe_wld", "qe_lrt")
    return {
        **dict(zip(ALL, (getattr(fit, name) for name in names), strict=False)),
        **dict(zip(("ci.lb", "ci.ub", "pi.lb"), (*fit.ci, fit.pi[0]), strict=True)),
    }


def is_exact(case: str) -> bool:
    """Whether metafor, and not lme4, has the likelihood: the hypergeometric one."""
    name, model, *_ = case.split()
    return model == "CM.EL" and name in GOLDEN["tables"]


def fields_of(case: str, expected: dict[str, float]) -> Iterator[str]:
    model = case.split()[1]
    for key in FIELDS[model] if is_exact(case) or model == "UM.RS" else ALL:
        absent = "EE" in case and key in ("tau2", "I2", "H2", "pi.lb")
        if key in expected and not absent and not (case in NUMERICAL and key in RESTS_ON_SE):
            yield key


@pytest.mark.parametrize("case", GOLDEN["fits"])
def test_metafor(case: str) -> None:
    expected, fit = GOLDEN["fits"][case], fit_of(case)
    found = found_in(fit)
    for key in fields_of(case, expected):
        if key == "QE.Wld" and math.isnan(found[key]):
            # of one finite effect, whose distance from the infinite ones metafor gives
            assert expected[key] < 1e-3
            continue
        assert found[key] == pytest.approx(expected[key], rel=CLOSE, abs=CLOSE / 10), key
    assert fit.k == expected["k"]
    assert fit.agreed == fit.starts
    if "UM.RS ML" in case or is_exact(case):
        assert fit.log_likelihood >= expected["ll"] - 1e-6
        assert fit.log_likelihood == pytest.approx(expected["ll"], abs=2e-3)
    if "CM.EL ML" in case:
        assert fit.tau2 == pytest.approx(expected["tau2"], rel=1e-3, abs=1e-4)


def test_the_standard_error_that_differs() -> None:
    """By differences of Laplace's approximation, with modes by Newton's method, written anew.

    lme4 has 0.08813 for dat.graves2010, from differences of deviances that it rounds.
    """
    columns = np.array(list(GOLDEN["tables"]["graves2010"].values()), dtype=np.float64)
    events, people = columns[[0, 2]], columns[[1, 3]]

    def height(theta: Any) -> float:
        alpha, beta, sigma, tau = theta.tolist()
        half = tau / 2
        u = np.zeros((events.shape[1], 2))
        for _ in range(40):
            p = special.expit([alpha + beta + u @ [sigma, half], alpha + u @ [sigma, -half]])
            off, weight = events - people * p, people * p * (1 - p)
            score = np.stack([sigma * off.sum(0), half * (off[0] - off[1])], axis=1) - u
            cross = sigma * half * (weight[0] - weight[1])
            first, last = (1 + x**2 * weight.sum(0) for x in (sigma, half))
            curvature = np.stack([np.stack([first, cross]), np.stack([cross, last])]).T
            u = u + np.linalg.solve(curvature, score[:, :, None])[:, :, 0]
        density = stats.binom.logpmf(events, people, p).sum(0) - (u**2).sum(1) / 2
        return float((density - np.log(np.linalg.det(curvature)) / 2).sum())

    fit = fit_of("graves2010 UM.RS ML")
    assert fit.solution is not None
    at = fit.solution.maximum.common
    assert fit.log_likelihood == pytest.approx(height(at), abs=1e-9)
    second, h = np.zeros((4, 4)), 2e-3 * np.eye(4)
    for i, j in np.ndindex(4, 4):
        same, other = (height(at + h[i] + s * h[j]) + height(at - h[i] - s * h[j]) for s in (1, -1))
        second[i, j] = (same - other) / (4 * 2e-3**2)
    assert fit.se == pytest.approx(math.sqrt(np.linalg.inv(-second)[1, 1]), rel=1e-4)
    assert fit.se == pytest.approx(GOLDEN["fits"]["graves2010 UM.RS ML"]["se"], rel=6e-3)


@pytest.mark.parametrize("name", ["laopaiboon2015", "collins1985a_b", "collins1985b_ned"])
def test_standard_errors_given_the_margins(name: str) -> None:
    """1 / sqrt(sum of the variances of SciPy's distribution); metafor differs by up to 2e-3."""
    fit = fit_of(f"{name} CM.EL EE")
    a, n1, c, n2 = (np.array(x) for x in GOLDEN["tables"][name].values())
    odds = math.exp(fit.estimate)
    variances = stats.nchypergeom_fisher.var(n1 + n2, n1, a + c, odds)
    means = stats.nchypergeom_fisher.mean(n1 + n2, n1, a + c, odds)
    assert means.sum() == pytest.approx(a.sum(), rel=1e-7)
    assert fit.se == pytest.approx(1 / math.sqrt(variances.sum()), rel=1e-6)
    assert fit.se == pytest.approx(GOLDEN["fits"][f"{name} CM.EL EE"]["se"], rel=2e-3)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("hahn2001", 10.79942), ("yusuf1985_9", 16.2732), ("laopaiboon2015", 46.72745)],
)
def test_wald_without_infinite_effects(name: str, expected: float) -> None:
    """lme4 1.1-31 with an effect for each table, but for group 1 where it has no events.

    glmer(cbind(y, m) ~ X + (1 | study)), X one column a table that has events in group 1, the
    others' group 1 left out, tolPwrss=1e-12; then (b - mean)' V^-1 (b - mean) at the weighted mean.
    metafor's infinite effects end anywhere: it has 12.12, 18.55 and 55.86 here, and 47.00 with
    lme4's default tolerance for the last.
    """
    assert fit_of(f"{name} UM.RS ML").qe_wld == pytest.approx(expected, rel=1e-6)


@pytest.mark.parametrize("name", GOLDEN["firth"])
def test_brglm2(name: str) -> None:
    expected, fit = GOLDEN["firth"][name], cb.penalised_logistic(GOLDEN["tables"][name])
    assert fit.estimate == pytest.approx(expected["beta"], abs=1e-8)
    assert fit.se == pytest.approx(expected["se"], rel=1e-8)


@pytest.mark.parametrize("case", GOLDEN["betabinomial"])
def test_vgam(case: str) -> None:
    """Not its standard errors, which are of the expected information; ours of the observed."""
    (name, measure), expected = case.split(), GOLDEN["betabinomial"][case]
    table = GOLDEN["tables" if measure == "OR" else "proportions"][name]
    fit = cb.beta_binomial(table, measure=measure)  # type: ignore[arg-type]
    assert fit.estimate == pytest.approx(expected["beta"], abs=1e-5)
    assert fit.rho == pytest.approx(special.expit(expected["logit.rho"]), rel=1e-5)
    assert fit.log_likelihood == pytest.approx(expected["ll"], abs=1e-7)
    assert fit.agreed == fit.starts == 3


def test_every_count_data_set_has_every_model() -> None:
    for name in GOLDEN["tables"]:
        models = {case.split()[1] for case in GOLDEN["fits"] if case.split()[0] == name}
        # metafor's sums of the exact likelihood take too long for large tables
        assert set(TWO) - {"CM.EL"} <= models
