"""The verbs for single studies, of multilevel fits: what they say of dependent rows."""

from __future__ import annotations

import math
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb

SEED = 20261126


def rows(m: int = 8, seed: int = SEED) -> cb.Effects:
    """Simulated log odds ratios, two or three of each study, with a moderator."""
    rng = np.random.default_rng(seed)
    sizes = [2 + i % 2 for i in range(m)]
    studies = [f"S{i}" for i, size in enumerate(sizes) for _ in range(size)]
    k = len(studies)
    own = dict(zip(sorted(set(studies)), rng.normal(0, 0.4, m), strict=True))
    vi = rng.uniform(0.01, 0.06, k)
    x = rng.normal(size=k)
    yi = 0.5 + 0.2 * x + [own[s] for s in studies] + rng.normal(0, 0.2, k)
    yi = yi + rng.normal(size=k) * np.sqrt(vi)
    table = {"x": x.tolist(), "outcome": [["pain", "days", "use"][i % 3] for i in range(k)]}
    return cb.Effects(yi=yi, vi=vi, studies=studies, measure="OR", moderators=table)


EFFECTS = rows()
V = cb.covariance(EFFECTS, rho=0.5)
FIT = cb.multilevel(EFFECTS, "~ x", V=V, test="t", dfs="contain")
MEAN = cb.multilevel(EFFECTS, V=V)


@pytest.mark.parametrize(("fit", "formula"), [(FIT, "~ x"), (MEAN, "~ 1")])
def test_a_row_is_the_fit_of_the_other_studies(fit: cb.Multilevel, formula: str) -> None:
    found = cb.leave_one_out(fit)
    assert (found.by, found.labels) == ("study_id", tuple(dict.fromkeys(EFFECTS.studies)))
    kept = [i for i, study in enumerate(EFFECTS.studies) if study != "S3"]
    taken = EFFECTS.take(kept)
    v = V.matrix[np.ix_(kept, kept)]
    again = cb.multilevel(taken, formula, V=v, test=fit.test, dfs=fit.dfs)
    i = found.labels.index("S3")
    for name in ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high"):
        assert getattr(found, name)[:, i] == pytest.approx(getattr(again, name), rel=1e-9)
    assert found.variances[:, i] == pytest.approx([c.value for c in again.components], rel=1e-7)
    assert found.i2[i] == pytest.approx(again.heterogeneity.total, rel=1e-9)
    assert (found.q[i], found.k[i]) == (pytest.approx(again.qe), again.k)
    if formula == "~ 1":
        assert found.pi_low[i] == pytest.approx(again.predict().pi_low[0], rel=1e-7)
    else:
        assert np.isnan(found.pi_low).all()


def test_with_one_row_a_study_it_is_that_of_a_pool() -> None:
    effects = cb.Effects(yi=EFFECTS.yi[:7], vi=EFFECTS.vi[:7])
    fit, pooled = cb.multilevel(effects, random="study_id"), cb.pool(effects, test="z")
    found, expected = cb.leave_one_out(fit).to_frame(), cb.leave_one_out(pooled).to_frame()
    shared = ["estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "q", "q_p", "k"]
    assert found[shared].to_numpy() == pytest.approx(expected[shared].to_numpy(), rel=1e-6)
    assert found["sigma2[study_id]"].to_numpy() == pytest.approx(
        expected["tau2"].to_numpy(), rel=1e-6
    )
    ours, theirs = cb.influence(fit).to_frame(), cb.influence(pooled).to_frame()
    shared = ["cook_d", "cov_r", "q_del", "hat", "dfbs"]
    assert ours[shared].to_numpy() == pytest.approx(theirs[shared].to_numpy(), rel=1e-5)
    assert ours["x2"].to_numpy() == pytest.approx(theirs["rstudent"].to_numpy() ** 2, rel=1e-5)
    for verb in (cb.rstandard, cb.rstudent, cb.blup):
        one, other = verb(fit).to_frame(), verb(pooled).to_frame()
        assert one.to_numpy() == pytest.approx(other.to_numpy(), rel=1e-5)


def full_covariances(fit: cb.Multilevel) -> np.ndarray:
    m = np.zeros((fit.k, fit.k))
    for block in fit.blocks:
        m[np.ix_(block.rows, block.rows)] = block.variance
    return m


def test_deleted_residuals_of_groups_that_depend_on_others() -> None:
    """Residuals of a row are linear in y: their variance is that of the combination, L M L'."""
    found = cb.rstudent(FIT, by="label")
    assert found.groups == EFFECTS.labels
    for i in (0, 7):
        kept = np.delete(np.arange(EFFECTS.k), i)
        v = V.matrix[np.ix_(kept, kept)]
        without = cb.multilevel(EFFECTS.take(kept), "~ x", V=v)
        sigma2 = without.sigma2
        same = np.equal.outer(np.array(EFFECTS.studies), np.array(EFFECTS.studies))
        m = V.matrix + sigma2[0] * same + sigma2[1] * np.eye(EFFECTS.k)
        x = FIT.x[kept]
        w = np.linalg.inv(m[np.ix_(kept, kept)])
        line = np.zeros(EFFECTS.k)
        line[i] = 1
        line[kept] = -FIT.x[i] @ np.linalg.solve(x.T @ w @ x, x.T @ w)
        assert found.resid[i] == pytest.approx(line @ EFFECTS.yi, rel=1e-6)
        assert found.se[i] == pytest.approx(math.sqrt(line @ m @ line), rel=1e-6)
        assert found.x2[i] == pytest.approx(found.z[i] ** 2)


def test_internal_residuals_have_the_covariances_of_the_projection() -> None:
    found, m, x = cb.rstandard(FIT), full_covariances(FIT), FIT.x
    w = np.linalg.inv(m)
    left = np.eye(FIT.k) - x @ np.linalg.solve(x.T @ w @ x, x.T @ w)
    s = left @ m @ left.T
    assert found.se == pytest.approx(np.sqrt(np.diagonal(s)), rel=1e-9)
    own = found.group == 2
    expected = found.resid[own] @ np.linalg.solve(s[np.ix_(own, own)], found.resid[own])
    assert found.x2[2] == pytest.approx(expected, rel=1e-8)


def test_a_group_that_alone_has_a_level_says_so() -> None:
    table = {"arm": ["a", "a", "b", "b", "a", "a", "a", "a"]}
    effects = cb.Effects(
        yi=[0.1, 0.4, 0.5, 0.9, 0.2, 0.3, 0.6, 0.8],
        vi=[0.02] * 8,
        studies=list("AABBCCDD"),
        moderators=table,
    )
    fit = cb.multilevel(effects, "~ arm", random="study_id")
    found = cb.leave_one_out(fit)
    assert [bool(reason) for reason in found.reasons] == [False, True, False, False]
    assert "arm[T.b] is the same" in found.reasons[1] or "arm[T.b] is 0" in found.reasons[1]
    assert np.isnan(found.estimate[:, 1]).all()
    assert np.isfinite(found.estimate[:, 0]).all()
    assert "reason" in found.to_frame()
    assert "Note: B" in found.summary()
    influence = cb.influence(fit)
    assert np.isnan(influence.cook_d[1])
    assert not influence.flagged[1]
    assert np.isnan(cb.rstudent(fit).z[2:4]).all()


def test_a_level_of_one_study_has_no_covariances() -> None:
    table = {"outcome": ["p", "d", "p", "d", "p", "d", "p", "d", "u"]}
    effects = cb.Effects(
        yi=[0.1, 0.4, 0.5, 0.9, 0.2, 0.3, 0.6, 0.8, 0.7],
        vi=[0.02] * 9,
        studies=list("AABBCCDDD"),
        moderators=table,
    )
    fit = cb.multilevel(effects, random="outcome | study_id", struct="DIAG")
    found = cb.rstudent(fit)
    assert np.isnan(found.se[6:]).all()
    assert np.isfinite(found.se[:6]).all()
    assert "no other group has" in found.reasons[8]
    refits = cb.leave_one_out(fit)
    assert np.isnan(refits.variances[:, 3]).tolist() == [False, False, True]
    assert np.isfinite(refits.estimate).all()


def test_two_studies_leave_one_another() -> None:
    effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9], vi=[0.02] * 4, studies=list("AABB"))
    found = cb.leave_one_out(cb.multilevel(effects, random="study_id"))
    assert np.isnan(found.estimate).all()
    assert all("one group" in reason for reason in found.reasons)


def test_robust_refits_without_enough_clusters_keep_the_estimate() -> None:
    effects = EFFECTS.take([i for i, s in enumerate(EFFECTS.studies) if s in ("S0", "S1", "S2")])
    found = cb.leave_one_out(cb.robust(cb.multilevel(effects, "~ x", random="study_id")))
    assert np.isfinite(found.estimate).all()
    assert np.isnan(found.se).all()
    assert all("more clusters than coefficients" in reason for reason in found.reasons)


def test_verbs_are_the_methods() -> None:
    assert cb.blup(FIT).to_dict() == FIT.blup().to_dict()
    assert cb.ranef(FIT, level=0.9).to_dict() == FIT.ranef(0.9).to_dict()
    one = cb.profile(FIT, component="study_id", points=5, level=0.9)
    assert one.level == 0.9
    assert (one.ci_low, one.ci_high) == pytest.approx(
        FIT.confint(0.9).to_frame().loc["study_id", ["ci_low", "ci_high"]].tolist(), rel=1e-6
    )
    single = cb.multilevel(EFFECTS, random="study_id")
    assert cb.profile(single, points=3).component == "study_id"


def test_a_robust_mean_predicts_by_its_own_freedom() -> None:
    found = cb.robust(MEAN)
    at = found.predict()
    assert (at.ci_low[0], at.ci_high[0]) == pytest.approx(tuple(found.ci[0]))
    assert at.pi_low[0] < at.ci_low[0]
    fit = cb.pool(EFFECTS.take(range(6)), method="EE", test="z")
    assert math.isnan(cb.robust(fit).predict().pi_low[0])
    regression = cb.robust(cb.regress(EFFECTS, "~ x"), vcov="CR1p")
    at = regression.predict({"x": [0.0]})
    assert (at.ci_low[0], at.ci_high[0]) == pytest.approx(tuple(regression.ci[0]))


def test_a_quantile_plot_says_that_residuals_depend_on_each_other() -> None:
    figure = cb.figures.qqnorm(cb.rstudent(FIT))
    assert figure.caption.startswith("Standardised deleted residuals against")
    assert figure.caption.endswith("Residuals of one study depend on each other.")
    assert "depend on" not in cb.figures.qqnorm(cb.rstudent(cb.regress(EFFECTS, "~ x"))).caption


def test_what_errors_advise_works() -> None:
    assert cb.multilevel(EFFECTS, "~ sqrt(vi)").names == ("Intercept", "sqrt(vi)")
    pooled = cb.pool(cb.aggregate(EFFECTS, rho=0.6))
    assert cb.cumulative(pooled).to_frame()["k"].tolist() == list(range(1, 9))


def test_the_example_of_the_readme_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")
    first, *others = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    (example,) = (block for block in others if "cb.che(" in block)
    kept = re.compile("import|studies|reason|counts")
    start = "\n".join(line for line in first.splitlines() if kept.match(line))
    names: dict[str, Any] = {}
    monkeypatch.chdir(tmp_path)
    exec(start + "\n" + example, names)
    found = names["found"]
    assert (found.k, found.m, round(float(found.df[0]), 1)) == (10, 6, 3.8)
    without = cb.leave_one_out(found)
    assert round(math.exp(found.estimate[0]), 2) == 3.16
    assert round(math.exp(without.estimate[0, without.labels.index("yoon2013")]), 2) == 2.34
    rows = names["rows"]
    others = [math.exp(cb.che(rows, rho=rho).estimate[0]) for rho in (0.0, 0.5)]
    assert [round(other, 2) for other in others] == [3.17, 3.15]
    yoon = [v for v, study in zip(rows.vi, rows.studies, strict=True) if study == "yoon2013"]
    assert round(math.sqrt(min(yoon) / max(yoon)), 2) == 0.27
    assert (tmp_path / "rows.svg").is_file()


MISUSED = {
    "profile of several components": (lambda: cb.profile(FIT), "component=, one of study_id"),
    "tau2 of a multilevel fit": (lambda: cb.profile(MEAN, tau2=[0.1]), "give values= of comp"),
    "component of a pool": (lambda: cb.profile(cb.pool(EFFECTS), component="a"), "use tau2"),
    "by of a pool": (lambda: cb.influence(cb.pool(EFFECTS), by="x"), "taken as independent"),
    "no such column": (lambda: cb.rstudent(FIT, by="year"), "by: there is no column year"),
    "robust of a pool": (
        lambda: cb.leave_one_out(cb.robust(cb.pool(EFFECTS))),
        r"leave_one_out\(found.fit, by=",
    ),
    "one step": (
        lambda: cb.blup(cb.glmm({"ai": [1, 2], "n1i": [9, 9], "ci": [3, 4], "n2i": [9, 9]})),
        r"pool\(fit.effects\)",
    ),
    "bootstrap": (lambda: cb.bootstrap(FIT), r"pool\(aggregate\(effects, rho=0.6\)\)"),
    "cumulative": (lambda: cb.cumulative(FIT), r"pool\(aggregate\(effects, rho=0.6\)\)"),
    "Egger": (lambda: cb.asymmetry(MEAN), r"multilevel\(effects, '~ sqrt\(vi\)'\)"),
    "funnel": (lambda: cb.figures.funnel(MEAN), r"pool\(aggregate\(effects, rho=0.6\)\)"),
    "influence plot": (
        lambda: cb.figures.influence_plot(cb.influence(MEAN)),
        r"figures.leave_one_out\(leave_one_out\(fit\)",
    ),
    "baujat plot": (lambda: cb.baujat(MEAN), r"pool\(aggregate\(effects, rho=0.6\)\)"),
    "permutation": (lambda: cb.permutation_test(FIT), r"wild_bootstrap\(fit\)"),
    "notices": (lambda: cb.notices(MEAN), "fit.warnings"),
    "influence of robust tests": (lambda: cb.influence(cb.robust(FIT)), "found.fit"),
}


@pytest.mark.parametrize("case", MISUSED)
@pytest.mark.filterwarnings("ignore::comorbid.AssumptionWarning")
def test_misuse_says_what_to_use(case: str) -> None:
    call, said = MISUSED[case]
    with pytest.raises(cb.ComorbidError, match=said):
        call()
