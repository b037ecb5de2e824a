"""Dependent effects: covariances, aggregation and cluster-robust tests, against R.

The golden numbers are of metafor 5.0-1; those written out below of metafor 3.8-1 and clubSandwich
0.5.8, each with its call. Multilevel fits are put together here from the golden variance
components, so that the sandwich is tested by itself.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from golden_data import DATA, dataset
from numpy.testing import assert_allclose

import comorbid as cb
from comorbid.models.clusters import clusters_of
from comorbid.models.robust_fit import Clustered
from comorbid.models.robust_result import wald_test
from comorbid.models.sandwich import Correction, adjusted, freedom, working

# clubSandwich's type for each golden key: robust() of metafor alone is CR1p.
TYPES: dict[str, Correction] = {"CR0": "CR0", "CR1": "CR1p", "CR2_satt": "CR2"}


def konstantopoulos() -> cb.Effects:
    d = pd.read_csv(DATA / "dat.konstantopoulos2011.csv")
    columns = {"school": d.school, "centred": d.year - d.year.mean(), "year": d.year - 1990}
    return cb.Effects(yi=d.yi, vi=d.vi, studies=d.district, moderators=columns)


def assink() -> cb.Effects:
    d = pd.read_csv(DATA / "dat.assink2016.csv")
    columns = d[["esid", "pubstatus", "deltype"]]
    return cb.Effects(yi=d.yi, vi=d.vi, studies=d.study, moderators=columns)


def test_one_correlation_in_each_study_is_that_of_vcalc() -> None:
    expected = np.array(dataset("dat.assink2016")["more"]["vcalc_rho0.6_first_block"])
    found = cb.covariance(assink(), rho=0.6)
    assert_allclose(found.blocks[0].matrix, expected, rtol=1e-12)
    assert_allclose(found.matrix[:6, :6], expected, rtol=1e-12)


def test_correlations_by_type_and_time_are_those_of_vcalc() -> None:
    # sum(V), sum(V^2): vcalc(vi, cluster=study, type=deltype, obs=esid, rho=c(.6, .4))
    by_type = cb.covariance(assink(), rho=0.6, type="deltype", rho_type=0.4).matrix
    assert_allclose([by_type.sum(), (by_type**2).sum()], [50.5951937235, 4.644493984], rtol=1e-10)
    # vcalc(vi, cluster=study, obs=esid, time1=esid, phi=.9, rho=.5)
    by_time = cb.covariance(assink(), rho=0.5, time="esid", phi=0.9).matrix
    assert_allclose([by_time.sum(), (by_time**2).sum()], [31.7790876379, 2.49997100939], rtol=1e-10)


def test_a_correlation_of_each_pair_of_types_is_that_of_vcalc() -> None:
    # vcalc(vi, cluster=study, type=deltype, obs=esid, rho=list(W, M)) with 0.6 in W and these in M:
    # sum(V), sum(V^2), sum(V * outer(1:100, sqrt(1:100)))
    pairs = {("general", "overt"): 0.4, ("covert", "general"): 0.3, ("overt", "covert"): 0.5}
    found = cb.covariance(assink(), rho=0.6, type="deltype", rho_type=pairs)
    v, at = found.matrix, np.arange(1, 101)
    sums = [v.sum(), (v**2).sum(), (v * np.outer(at, np.sqrt(at))).sum()]
    assert_allclose(sums, [50.6617668876, 4.662849768, 16481.3392606883], rtol=1e-11)
    assert found.assumed["rho_type(covert, general)"] == 0.3


def test_one_row_a_study_is_that_of_aggregate() -> None:
    expected = dataset("dat.konstantopoulos2011")["more"]["aggregate_rho0.5"]
    effects = konstantopoulos()
    for given in ({"rho": 0.5}, {"V": cb.covariance(effects, rho=0.5)}):
        found = cb.aggregate(effects, **given)
        assert found.labels == tuple(map(str, expected["district"]))
        assert_allclose(found.yi, expected["yi"], rtol=1e-10, atol=1e-14)
        assert_allclose(found.vi, expected["vi"], rtol=1e-12)


def test_equal_weights_are_those_of_aggregate() -> None:
    # aggregate(x, cluster=district, struct="CS", rho=.5, weighted=FALSE), rows 1, 2, 11
    found = cb.aggregate(konstantopoulos(), rho=0.5, weights="equal")
    assert_allclose(found.yi[[0, 1, 10]], [-0.1175, 0.095, 0.18], rtol=1e-12)
    variances = [0.081713341474, 0.010351064063, 0.047212614332]
    assert_allclose(found.vi[[0, 1, 10]], variances, rtol=1e-10)
    # aggregate(x, cluster=district, struct="ID"), rows 1 to 3
    alone = cb.aggregate(konstantopoulos(), rho=0)
    assert_allclose(alone.yi[:3], [-0.125687022901, 0.066540284360, 0.350303200449], rtol=1e-10)
    assert_allclose(alone.vi[:3], [0.032427480916, 0.003981042654, 0.006663672094], rtol=1e-9)


def agree(found: dict[str, Any], expected: dict[str, Any], rtol: float) -> None:
    names = {"se": "se", "df": "ddf", "p_value": "pval", "ci_low": "ci.lb", "ci_high": "ci.ub"}
    for name, theirs in names.items():
        ours = np.atleast_1d(found[name])
        assert_allclose(ours, np.broadcast_to(expected[theirs], ours.shape), rtol=rtol)


@pytest.mark.parametrize("key", TYPES)
def test_a_pooled_effect_by_district(key: str) -> None:
    expected = dataset("dat.konstantopoulos2011")["more"]["robust_uni"][key]
    found = cb.robust(cb.pool(konstantopoulos()), vcov=TYPES[key])
    agree(found.to_dict(), expected, 1e-6)
    assert_allclose(found.omnibus.statistic, expected["QM"], rtol=1e-6)
    assert_allclose(found.omnibus.p_value, expected["QMp"], rtol=1e-6)


def three_levels(effects: cb.Effects, x: np.ndarray, sigma2: list[float], v: np.ndarray) -> Any:
    """A multilevel fit at given variances: clusters, coefficients and the sandwich's input."""
    clusters = clusters_of(effects, "study_id")
    rows = clusters.rows()
    phi = [sigma2[0] + sigma2[1] * np.eye(r.size) + v[np.ix_(r, r)] for r in rows]
    w = [np.linalg.inv(block) for block in phi]
    y = effects.yi
    xwx = sum(x[r].T @ w[j] @ x[r] for j, r in enumerate(rows))
    xwy = sum(x[r].T @ w[j] @ y[r] for j, r in enumerate(rows))
    beta = np.linalg.solve(xwx, xwy)

    class Fit:
        estimate = beta

    names = tuple(f"x{i}" for i in range(x.shape[1]))
    parts = working(x, y - x @ beta, rows, w, phi)
    return Clustered(Fit(), clusters, parts, names, {}, tuple(range(1, len(names))) or (0,))


FITS = [
    ("dat.konstantopoulos2011", "robust_district", "mv_3level_REML", 1e-6),
    ("dat.konstantopoulos2011", "robust_year", "mv_3level_year", 1e-6),
    ("dat.assink2016", "robust_diagV", "mv_3level_diagV", 1e-5),
    ("dat.assink2016", "robust_V", "mv_3level_V_rho0.6", 1e-6),
    ("dat.assink2016", "robust_mods", "mv_mods", 1e-6),
]


@pytest.mark.parametrize("key", TYPES)
@pytest.mark.parametrize(("name", "robust", "model", "rtol"), FITS)
def test_multilevel_models_by_study(
    name: str, robust: str, model: str, rtol: float, key: str
) -> None:
    more = dataset(name)["more"]
    effects = konstantopoulos() if "konst" in name else assink()
    x = np.ones((effects.k, 1))
    if robust == "robust_year":
        x = np.column_stack([x, effects.moderators["centred"]])
    if robust == "robust_mods":
        kind = np.array(effects.moderators["deltype"])
        x = np.column_stack(
            [x, effects.moderators["pubstatus"], kind == "general", kind == "overt"]
        ).astype(float)
    rho = 0.6 if robust in ("robust_V", "robust_mods") else 0
    v = cb.covariance(effects, rho=rho).matrix
    fit = three_levels(effects, x, more[model]["sigma2"], v)
    expected = more[robust][key]
    assert_allclose(fit.fit.estimate, np.atleast_1d(expected["beta"]), rtol=rtol)
    found = adjusted(fit.working, TYPES[key])
    assert_allclose(found.vcov, expected["vb"], rtol=1e-5, atol=1e-9)
    if key == "CR2_satt":
        df = [freedom(fit.working, found, unit[None]) for unit in np.eye(x.shape[1])]
        assert_allclose(df, np.atleast_1d(expected["dfs"]), rtol=rtol)
    test = wald_test(fit, found, TYPES[key], fit.tested)
    assert_allclose(test.statistic, expected["QM"], rtol=1e-5)
    assert_allclose([test.df, test.df_denominator], expected["QMdf"], rtol=1e-5)
    assert_allclose(test.p_value, expected["QMp"], rtol=1e-5)


# vcovCR(f, cluster=district, type=), coef_test()$df of f = rma(yi, vi, control=list(
# threshold=1e-14, maxiter=1e5)): variance and Satterthwaite's degrees of freedom.
POOLED = {
    "CR0": (0.0053058745950338, 7.854190808949879),
    "CR1": (0.0058364620545372, 7.854190808949878),
    "CR1p": (0.0058364620545372, 7.854190808949878),
    "CR1S": (0.0058364620545372, 7.854190808949878),
    "CR2": (0.0061185623173414, 7.373166880427721),
    "CR3": (0.0070896805928402, 6.874246929633734),
}


@pytest.mark.parametrize("vcov", POOLED)
def test_each_correction_of_a_pooled_effect(vcov: Correction) -> None:
    variance, df = POOLED[vcov]
    found = cb.robust(cb.pool(konstantopoulos()), vcov=vcov)
    assert_allclose(found.vcov, [[variance]], rtol=1e-9)
    assert_allclose(freedom(found.clustered.working, found.adjusted, np.eye(1)), df, rtol=1e-9)
    assert_allclose(found.df, df if vcov in ("CR2", "CR3") else 10, rtol=1e-9)


# The same of g = rma(yi, vi, mods = ~ I(year-1990) + I((year-1990)^2)), and with
# weights = rep(c(1, 2), 28): standard errors, degrees of freedom, and Wald_test(g,
# constrain_zero(2:3), test="HTZ"): F, degrees of freedom, p.
REGRESSIONS = [
    (
        *(None, "CR2", [1.4017788097768e-02, 6.7699453755036e-05, 9.8444753708173e-07]),
        *([2.7965740307913, 3.0138043107146, 3.0101822068288], (0.128, 2.80, 0.885)),
    ),
    (
        *(None, "CR3", [1.9595830945208e-02, 1.2190288992999e-04, 1.6822349002971e-06]),
        *([2.2382772895336, 2.9704050905152, 2.6620481213703], (0.0611, 2.07, 0.942)),
    ),
    (
        *([1, 2] * 28, "CR2", [1.5764498318493e-02, 1.0267913606826e-04, 1.4942244403424e-06]),
        *([2.8317065658428, 3.1118318461702, 3.2713914487481], (0.562, 3.03, 0.62)),
    ),
    (
        *([1, 2] * 28, "CR3", [2.4923451189822e-02, 1.6848072295023e-04, 2.5010626705915e-06]),
        *([2.3319557513970, 3.1337381186169, 2.8984731264851], (0.323, 2.35, 0.752)),
    ),
]


@pytest.mark.parametrize(("weights", "vcov", "variances", "df", "htz"), REGRESSIONS)
def test_each_correction_of_a_regression(
    weights: list[int] | None,
    vcov: Correction,
    variances: list[float],
    df: list[float],
    htz: tuple[float, float, float],
) -> None:
    fit = cb.regress(konstantopoulos(), "~ year + I(year**2)", weights=weights)
    found = cb.robust(fit, vcov=vcov)
    assert_allclose(found.se**2, variances, rtol=1e-7)
    assert_allclose(found.df, df, rtol=1e-7)
    test = found.omnibus
    assert test == found.wald(["year", "I(year ** 2)"])
    # As clubSandwich prints them: to three digits.
    assert_allclose([test.statistic, test.df_denominator, test.p_value], htz, rtol=3e-3)


def test_the_naive_test_of_several_coefficients() -> None:
    # Wald_test(g, constrain_zero(2:3), vcov=vcovCR(type="CR1S"), test="Naive-Fp"): 0.254 on 2, 8
    fit = cb.regress(konstantopoulos(), "~ year + I(year**2)")
    test = cb.robust(fit, vcov="CR1S").omnibus
    assert (test.df, test.df_denominator) == (2, 8)
    assert_allclose([test.statistic, test.p_value], [0.254, 0.782], rtol=2e-3)


MULTILEVEL = [
    ("robust_district", konstantopoulos, "~ 1", 0.0),
    ("robust_year", konstantopoulos, "~ centred", 0.0),
    ("robust_diagV", assink, "~ 1", 0.0),
    ("robust_V", assink, "~ 1", 0.6),
    ("robust_mods", assink, "~ pubstatus + deltype", 0.6),
]


@pytest.mark.parametrize("key", TYPES)
@pytest.mark.parametrize(("robust", "effects", "formula", "rho"), MULTILEVEL)
def test_multilevel_fits_by_study(
    robust: str, effects: Any, formula: str, rho: float, key: str
) -> None:
    data = effects()
    v = cb.covariance(data, rho=rho) if rho else None
    fit = cb.multilevel(data, formula, V=v)
    found = cb.robust(fit, vcov=TYPES[key]).to_dict()
    expected = dataset(
        "dat.konstantopoulos2011" if "konst" in effects.__name__ else "dat.assink2016"
    )
    expected = expected["more"][robust][key]
    assert_allclose(found["estimate"], np.atleast_1d(expected["beta"]), rtol=1e-5)
    agree(found, expected, 1e-4)
    assert_allclose(found["omnibus"]["statistic"], expected["QM"], rtol=1e-4)


@pytest.mark.parametrize(
    ("robust", "formula"), [("robust_V", "~ 1"), ("robust_mods", "~ pubstatus + deltype")]
)
def test_correlated_and_hierarchical_effects(robust: str, formula: str) -> None:
    found = cb.che(assink(), formula, rho=0.6)
    agree(found.to_dict(), dataset("dat.assink2016")["more"][robust]["CR2_satt"], 1e-4)
    assert found.to_dict()["assumed"] == {"rho": 0.6}
    assert "correlated and hierarchical effects, rho = 0.6; variances study_id" in found.summary()


def test_knapp_and_hartungs_factor_is_no_part_of_the_sandwich() -> None:
    # metafor 3.8-1, fit <- rma(yi, vi, mods = ~ length + ni, data = dat.bangertdrowns2004, test =
    # "knha") of the rows with a length: robust(fit, cluster = subject) has fit$s2w in its standard
    # errors, robust(fit, cluster = subject, clubSandwich = TRUE) has not.
    table = pd.read_csv(DATA / "dat.bangertdrowns2004.csv").dropna(subset="length")
    moderators = {name: table[name].tolist() for name in ("length", "ni", "subject")}
    effects = cb.Effects(yi=table["yi"], vi=table["vi"], moderators=moderators)
    fit = cb.regress(effects, "~ length + ni", method="REML", test="knha")
    metafor = np.array([0.0981943, 0.0045190, 0.0002622]) / 1.125778
    assert_allclose(cb.robust(fit, cluster="subject", vcov="CR1p").se, metafor, rtol=2e-4)
    found = cb.robust(fit, cluster="subject")
    assert_allclose(found.se, [0.0886070, 0.0040020, 0.0002374], rtol=2e-4)
    assert_allclose(found.df, [3.52, 5.45, 2.28], atol=0.005)
    assert_allclose([found.omnibus.statistic, found.omnibus.p_value], [6.7755967, 0.0977627], 1e-4)


def test_effects_without_weight_are_left_out_of_the_sandwich() -> None:
    # w <- rep(c(1, 2), 28); w[c(1, 7, 20)] <- 0; f <- rma(yi, vi, weights = w):
    # robust(f, cluster = district, clubSandwich = TRUE)$se, coef_test(f, "CR2", district)$df
    weights = np.array([1.0, 2.0] * 28)
    weights[[0, 6, 19]] = 0
    found = cb.robust(cb.pool(konstantopoulos(), weights=weights))
    assert_allclose(found.se, 0.06892928, rtol=1e-6)
    assert_allclose(found.df, 8.47, atol=0.005)


def test_a_multivariate_model_by_trial() -> None:
    # V <- vcalc(vi = 1, cluster = author, rvars = c(v1i, v2i)); h <- rma.mv(yi, V, mods = ~ 0 +
    # outcome, random = ~ outcome | trial, struct = "UN"), coef_test(h, "CR2", trial) and
    # Wald_test(h, constrain_zero(1:2), "CR2", trial), of dat.berkey1998.
    d = pd.read_csv(DATA / "dat.berkey1998.csv")
    v = np.zeros((len(d), len(d)))
    for trial in d.trial.unique():
        at = np.flatnonzero(d.trial == trial)
        v[np.ix_(at, at)] = d.loc[at, ["v1i", "v2i"]].to_numpy()
    effects = cb.Effects(
        yi=d.yi, vi=d.vi, studies=d.trial, moderators={"outcome": d.outcome, "trial": d.trial}
    )
    fit = cb.multilevel(effects, "~ 0 + outcome", random="outcome | trial", struct="UN", V=v)
    found = cb.robust(fit, cluster="trial")
    assert_allclose(found.se, [0.0891940795, 0.0581524356], rtol=1e-6)
    assert_allclose(found.df, [3.8080616701, 3.7908849317], rtol=1e-6)
    test = found.wald("outcome")
    numbers = [test.statistic, test.df_denominator, test.p_value]
    assert_allclose(numbers, [40.7910633834, 2.75867107468, 0.00893759786], rtol=1e-5)
