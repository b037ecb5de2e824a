"""Covariances, aggregation, robust inference and CHE on further data sets, against R.

The numbers, their calls and versions are in data/dependent.json.gz: vcalc, aggregate, rma, rma.mv
and robust of metafor, impute_covariance_matrix, vcovCR, coef_test, conf_int and Wald_test of
clubSandwich, and robu of robumeta.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from golden_data import dataset
from numpy.testing import assert_allclose

import comorbid as cb
from comorbid.models.sandwich import CORRECTIONS, freedom

pytestmark = pytest.mark.filterwarnings("ignore::comorbid.errors.DataWarning")

R = dataset("dependent")
ROBUST, ROBU = sorted(R["robust"]), sorted(R["robumeta"])
MULTILEVEL = [name for name in ROBUST if name.startswith("che_")]
CHE = [name for name in MULTILEVEL if R["robust"][name]["method"] == "REML"]


def effects_of(name: str, measure: str = "GEN", **changes: Any) -> cb.Effects:
    """A data set; rows without a moderator keep their place."""
    columns = {key: np.array(values, dtype=object) for key, values in R["sets"][name].items()}
    columns |= changes
    y, v, study = (columns.pop(key) for key in ("yi", "vi", "study"))
    moderators = {key: values.tolist() for key, values in columns.items()}
    return cb.Effects(
        yi=y.astype(float),
        vi=v.astype(float),
        studies=study.tolist(),
        moderators=moderators,
        measure=measure,
    )


def sums(v: np.ndarray) -> list[float]:
    """Of a matrix, of its squares, and weighted so that no two cells can be exchanged."""
    at = np.arange(1, len(v) + 1)
    return [float(x.sum()) for x in (v, v**2, v * np.outer(at, np.sqrt(at)))]


@pytest.mark.parametrize("case", R["covariance"], ids=lambda case: str(case["call"]))
def test_covariances(case: dict[str, Any]) -> None:
    effects = effects_of(case["set"], case.get("measure", "GEN"))
    found = cb.covariance(effects, **case["given"])
    assert_allclose(sums(found.matrix), case["sums"], rtol=1e-10)


@pytest.mark.parametrize("case", R["aggregate"], ids=lambda case: f"{case['set']} {case['call']}")
def test_one_row_a_study(case: dict[str, Any]) -> None:
    effects, given = effects_of(case["set"]), dict(case["given"])
    if "V" in given:
        given["V"] = cb.covariance(effects, **given["V"])
    found = cb.aggregate(effects, **given)
    assert found.labels == tuple(map(str, case["study"]))
    assert_allclose(found.yi, case["yi"], rtol=1e-10, atol=1e-12)
    assert_allclose(found.vi, case["vi"], rtol=1e-10)
    for name, values in case["moderators"].items():
        expected = np.array(values, dtype=float)
        assert_allclose(np.array(found.moderators[name], dtype=float), expected, rtol=1e-12)


def fit_of(case: dict[str, Any], order: np.ndarray | None = None) -> Any:
    effects = effects_of(case["set"])
    weights = case.get("weights")
    if order is not None:
        effects = effects.take(order.tolist())
        weights = None if weights is None else np.array(weights)[order]
    if "rho" in case:
        v = cb.covariance(effects, rho=case["rho"])
        return cb.multilevel(effects, case["formula"], V=v, method=case["method"], test="t")
    method = "EE" if "method='FE'" in case["call"] else "REML"
    if case["formula"] == "~ 1":
        return cb.pool(effects, method=method, test="t", weights=weights)
    return cb.regress(effects, case["formula"], method=method, test="t", weights=weights)


def close(name: str) -> float:
    """How closely: what rests on variances of rma.mv is as good as where nlminb stopped."""
    return 2e-5 if name in MULTILEVEL else 1e-6


@pytest.mark.parametrize("name", ROBUST)
def test_robust_inference(name: str) -> None:
    case = R["robust"][name]
    fit, rtol = fit_of(case), close(name)
    assert_allclose(np.ravel(fit.estimate), np.ravel(case["beta"]), rtol=rtol, atol=1e-9)
    if name in MULTILEVEL:
        assert fit.log_likelihood > case["ll"] - 1e-6
    for vcov in CORRECTIONS:
        expected, found = case[vcov], cb.robust(fit, vcov=vcov)
        assert_allclose(found.se, np.ravel(expected["se"]), rtol=rtol)
        working, adjusted = found.clustered.working, found.adjusted
        satterthwaite = [freedom(working, adjusted, unit[None]) for unit in np.eye(working.p)]
        assert_allclose(satterthwaite, np.ravel(expected["df_satt"]), rtol=rtol)
        rows = np.ravel(case["test_index"]).tolist()
        [test] = expected["wald"]
        ours = found.wald([found.names[i] for i in rows])
        assert_allclose(ours.statistic, test["F"], rtol=10 * rtol)
        assert_allclose([ours.df, ours.df_denominator], [test["df"], test["df_denominator"]], rtol)
        assert_allclose(ours.p_value, test["p"], rtol=20 * rtol)
        if vcov == "CR2":
            assert_allclose(found.p_value, np.ravel(expected["p_satt"]), rtol=20 * rtol)
            narrow = cb.robust(fit, vcov=vcov, level=0.9)
            ends = np.ravel(expected["ci90"]["low"]), np.ravel(expected["ci90"]["high"])
            assert_allclose(narrow.ci.T, ends, rtol=20 * rtol, atol=1e-6)


@pytest.mark.parametrize(("key", "vcov"), [("metafor", "CR1p"), ("metafor_club", "CR2")])
@pytest.mark.parametrize("name", ROBUST)
def test_robust_of_metafor(name: str, key: str, vcov: Any) -> None:
    case = R["robust"][name]
    expected, found, rtol = case[key], cb.robust(fit_of(case), vcov=vcov), close(name)
    names = {"se": "se", "df": "df", "p_value": "pval", "ci_low": "ci_low", "ci_high": "ci_high"}
    for ours, theirs in names.items():
        values = np.broadcast_to(np.ravel(expected[theirs]), found.se.shape)
        assert_allclose(getattr(found, ours), values, rtol=20 * rtol, atol=1e-6)
    if np.ravel(case["test_index"]).size == len(found.names) - 1:
        assert_allclose(found.omnibus.statistic, expected["QM"], rtol=10 * rtol)
        assert_allclose([found.omnibus.df, found.omnibus.df_denominator], expected["QMdf"], rtol)
        assert_allclose(found.omnibus.p_value, expected["QMp"], rtol=20 * rtol)


@pytest.mark.parametrize("name", ["kalaian_weights", "SAT", "che_tannersmith", "che_SAT"])
def test_order_of_rows_makes_no_difference(name: str) -> None:
    case = R["robust"][name]
    order = np.random.default_rng(1).permutation(len(R["sets"][case["set"]]["yi"]))
    first, second = (cb.robust(fit_of(case, rows)) for rows in (None, order))
    for column in ("estimate", "se", "df", "p_value"):
        assert_allclose(getattr(second, column), getattr(first, column), rtol=1e-6)


@pytest.mark.parametrize(
    "name", [name for name in MULTILEVEL if R["robust"][name]["method"] == "REML"]
)
def test_che_is_its_three_steps(name: str) -> None:
    case = R["robust"][name]
    found = cb.che(effects_of(case["set"]), case["formula"], rho=case["rho"])
    assert_allclose(found.se, np.ravel(case["CR2"]["se"]), rtol=2e-5)
    assert_allclose(found.df, np.ravel(case["CR2"]["df_satt"]), rtol=2e-5)


@pytest.mark.parametrize("name", ROBU)
def test_robumeta(name: str) -> None:
    """With its tau2 and weights, whose inverses are the variances of its working model.

    Those of CORR are 1 / (k_j (mean v_j + tau2)), of HIER 1 / (v + tau2 + omega2).
    """
    case = R["robumeta"][name]
    effects, tau2 = effects_of(case["set"]), case["tau2"] + (case["omega2"] or 0)
    if case["modelweights"] == "CORR":
        study = np.unique(effects.studies, return_inverse=True)[1]
        size = np.bincount(study)
        mean = np.bincount(study, effects.vi) / size
        effects, tau2 = effects_of(case["set"], vi=(size * (mean + tau2))[study]), 0.0
    found = cb.robust(cb.regress(effects, case["formula"], tau2=tau2))
    assert_allclose(found.estimate, np.ravel(case["beta"]), rtol=1e-8)
    assert_allclose(found.se, np.ravel(case["se"]), rtol=1e-7)
    assert_allclose(found.df, np.ravel(case["df"]), rtol=1e-6)
    assert_allclose(found.p_value, np.ravel(case["p"]), rtol=1e-6)


def test_the_wild_bootstrap_of_wildmeta() -> None:
    # Vignette of wildmeta 0.3.2: Wald_test_cwb(robu(d ~ 0 + study_type + hrs + test, studynum =
    # study, var.eff.size = V, small = FALSE), constrain_equal(1:3), R = 99) gives p = 31 / 99 by
    # its own random signs. robu's tau2 is 0 and Wald_test(..., "Naive-F", CR0) is 1.349605835.
    whole = effects_of("SATcoaching")
    effects = whole.take([i for i, hours in enumerate(whole.moderators["hrs"]) if hours])
    study = np.unique(effects.studies, return_inverse=True)[1]
    effects = cb.Effects(
        yi=effects.yi,
        vi=np.bincount(study, effects.vi)[study],
        studies=effects.studies,
        moderators=effects.moderators,
    )
    fit = cb.regress(effects, "~ kind + hrs + test", tau2=0.0)
    found = cb.wild_bootstrap(fit, coefficients="kind", vcov="CR0", draws=9999)
    assert found.clustered.working.m == 46
    assert_allclose(found.statistic, 1.349605835, rtol=1e-9)
    assert abs(found.p_value - 31 / 99) < 3 * (0.35 * 0.65 / 99) ** 0.5
