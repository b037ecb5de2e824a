"""Every meta-regression that R's metafor made of the golden data sets, through the public API.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, ITERATIVE, analyses, dataset, effects_of
from golden_metareg import cases, fits_of, golden_of, regression_of

from comorbid.models.design import DesignProjection
from comorbid.models.permutation import permutation_test
from comorbid.models.regression import Regression, regress
from comorbid.sensitivity.influence import influence

ITERATED = ("ML", "REML", "EB", "PM")

# Cells of DISAGREEMENTS.md, in which this test expects a difference: data set, model, method, test
# and quantity.
LISTED = {("dat.bcg", "RR_ablat_year", "HS", "z", "qm_p")}

# The numbers of what is compared below can grow, never shrink.
FITS_AT_LEAST = 500
INFLUENCE_AT_LEAST = 20
VIF_AT_LEAST = 9
PERMUTATIONS_AT_LEAST = 33

pytestmark = pytest.mark.filterwarnings("ignore:left out:comorbid.DataWarning")

Value = tuple[str, Any, Any, Any]


def values_of(regression: Regression, golden: dict[str, Any]) -> list[Value]:
    """Return name, value found, value expected, and the size below which a value means nothing.

    Coefficients and predictions are compared on the scale of their standard errors, tau2 and I2
    where they are nearly 0 on those of the sampling variances and of 100 %.
    """
    se = np.array(golden["se"])
    smallest = float(regression.effects.vi.min())
    tiny = 1e-300
    size = np.sqrt(np.diag(golden["vb"]))
    fits = golden["fit.stats"]
    predicted = regression.predict()
    values = [
        ("estimate", regression.estimate, golden["beta"], se),
        ("se", regression.se, golden["se"], tiny),
        ("statistic", regression.statistic, golden["zval"], 1.0),
        ("p_value", regression.p_value, golden["pval"], tiny),
        ("ci_low", regression.ci_low, golden["ci.lb"], se),
        ("ci_high", regression.ci_high, golden["ci.ub"], se),
        ("vcov", regression.vcov, golden["vb"], size[:, None] * size),
        ("df", regression.df, golden["ddf"] or np.inf, tiny),
        ("tau2", regression.tau2, golden["tau2"], smallest),
        ("se_tau2", regression.se_tau2, golden["se.tau2"], tiny),
        ("i2", regression.i2, golden["I2"], 100.0),
        ("h2", regression.h2, golden["H2"], tiny),
        ("r2", regression.r2, golden["R2"], 100.0),
        ("qe", regression.qe, golden["QE"], tiny),
        ("qe_p", regression.qe_p, golden["QEp"], tiny),
        ("qm", regression.qm, golden["QM"], tiny),
        ("qm_p", regression.qm_p, golden["QMp"], tiny),
        ("qm_df", regression.qm_df, golden["QMdf"][0], tiny),
        ("k", regression.k, golden["k"], tiny),
        ("p", regression.p, golden["p"], tiny),
        ("s2", regression.fits.s2, golden["s2w"], tiny),
        ("m", regression.qm_df, golden["m"], tiny),
        ("qm_df2", regression.df, golden["QMdf"][1] or np.inf, tiny),
        ("vt", typical_variance(regression), golden["vt"], tiny),
        ("fitted", predicted.estimate, golden["fitted"], predicted.se),
        ("fitted se", predicted.se, golden["pred_se"], tiny),
    ]
    if "pred_pi.lb" in golden:
        values += [
            ("pi_low", predicted.pi_low, golden["pred_pi.lb"], predicted.se),
            ("pi_high", predicted.pi_high, golden["pred_pi.ub"], predicted.se),
        ]
    for kind, own in (("ML", regression.ml), ("REML", regression.reml)):
        values += [
            (f"log-likelihood {kind}", own.log_likelihood, fits[f"ll.{kind}"], 1.0),
            (f"deviance {kind}", own.deviance, fits[f"dev.{kind}"], 1.0),
            (f"AIC {kind}", own.aic, fits[f"AIC.{kind}"], 1.0),
            (f"BIC {kind}", own.bic, fits[f"BIC.{kind}"], 1.0),
            (f"AICc {kind}", own.aicc, fits[f"AICc.{kind}"], 1.0),
        ]
    return values


def typical_variance(regression: Regression) -> float:
    """Return (k - p) / tr P, with P at tau2 = 0."""
    effects = regression.effects
    data = DesignProjection(effects.yi[:, None], effects.vi[:, None], regression.design.x)
    trace = data.at(np.zeros(1), np.zeros(1, dtype=np.intp)).trace_p[0]
    return (regression.k - regression.p) / float(trace)


def numbers(values: Any) -> Any:
    return np.array(values, dtype=object).astype(np.float64)


def difference(found: Any, expected: Any, scale: Any) -> float:
    found = np.asarray(found, dtype=np.float64).ravel()
    expected = np.asarray(expected, dtype=np.float64).ravel()
    scale = np.broadcast_to(scale, np.shape(scale) or (1,)).ravel()
    assert found.shape == expected.shape
    assert (np.isnan(found) == np.isnan(expected)).all()
    same = found == expected
    with np.errstate(invalid="ignore"):
        size = np.abs(found - expected) / np.maximum(np.abs(expected), scale)
    return float(np.nan_to_num(np.where(same, 0.0, size)).max())


@pytest.mark.parametrize(("name", "model"), cases())
def test_fits_agree_with_metafor(name: str, model: str) -> None:
    wrong, listed = [], set()
    for method, test, golden in fits_of(name, model):
        tolerance = ITERATIVE if method in ITERATED else CLOSED
        regression = regression_of(name, model, method, test)
        for quantity, found, expected, scale in values_of(regression, golden):
            size = difference(found, expected, scale)
            if size > tolerance:
                cell = (name, model, method, test, quantity)
                (listed.add(cell) if cell in LISTED else wrong.append((*cell, size)))
    assert not wrong
    assert listed == {cell for cell in LISTED if cell[:2] == (name, model)}


@pytest.mark.parametrize(("name", "model"), cases())
def test_same_rows_and_columns_as_in_r(name: str, model: str) -> None:
    regression = regression_of(name, model, "DL", "z")
    golden = golden_of(name, model)
    assert regression.effects.yi.tolist() == golden["yi"]
    assert difference(regression.design.x, golden["X"], 1.0) < 1e-14


@pytest.mark.parametrize(("name", "model"), cases())
def test_influence_agrees_with_metafor(name: str, model: str) -> None:
    found = influence(regression_of(name, model, "REML", "z"))
    golden = golden_of(name, model)["REML"]["influence"]
    names = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight")
    theirs = {"cook_d": "cook.d", "cov_r": "cov.r", "tau2_del": "tau2.del", "q_del": "QE.del"}
    smallest = float(np.min(golden_of(name, model)["vi"]))
    scales = {"tau2_del": smallest, "rstudent": 1.0, "dffits": 1.0}
    for quantity in names:
        expected = numbers(golden["inf"][theirs.get(quantity, quantity)])
        scale = scales.get(quantity, 1e-300)
        assert difference(getattr(found, quantity), expected, scale) < ITERATIVE, quantity
    dfbs = numbers(list(golden["dfbs"].values()))
    assert difference(found.dfbs, dfbs, 1.0) < ITERATIVE
    assert found.flagged.tolist() == [mark == "*" for mark in golden["inf"]["inf"]]


@pytest.mark.parametrize(("name", "model"), cases())
def test_residual_heterogeneity_agrees_with_metafor(name: str, model: str) -> None:
    result = regression_of(name, model, "REML", "z").heterogeneity()
    found = result.to_frame()
    golden = golden_of(name, model)["REML"]["confint"]
    assert golden["ci.null"] is bool(result.warnings)
    assert golden["rows"] == ["tau^2", "tau", "I^2(%)", "H^2"]
    # tau is compared squared: the root of a negligible tau2 is not negligible.
    powers = np.array([1, 2, 1, 1])
    smallest = float(np.min(golden_of(name, model)["vi"]))
    scales = np.array([smallest, smallest, 100.0, 1.0])
    columns = {"estimate": "estimate", "ci_low": "ci.lb", "ci_high": "ci.ub"}
    for column, theirs in columns.items():
        size = difference(found[column] ** powers, numbers(golden[theirs]) ** powers, scales)
        assert size < ITERATIVE, column


def with_vif() -> list[tuple[str, str]]:
    return [case for case in cases() if "vif" in golden_of(*case)["REML"]]


@pytest.mark.parametrize(("name", "model"), with_vif())
def test_variance_inflation_agrees_with_metafor(name: str, model: str) -> None:
    found = regression_of(name, model, "REML", "z").vif().vif
    assert difference(found, golden_of(name, model)["REML"]["vif"], 1.0) < ITERATIVE


# metafor's exact permutation tests, by the method of tau2.
PERMUTATIONS = {"DL": "permutest_exact", "REML": "permutest_exact_REML"}


def permutations() -> list[tuple[str, str, str, dict[str, Any]]]:
    return [
        (name, measure, method, golden)
        for name, measure in analyses()
        for method, key in PERMUTATIONS.items()
        if (golden := dataset(name)["analyses"][measure].get(key))
    ]


@pytest.mark.parametrize(("name", "measure", "method", "expected"), permutations())
def test_exact_permutation_agrees_with_metafor(
    name: str, measure: str, method: str, expected: dict[str, Any]
) -> None:
    regression = regress(effects_of(name, measure), "~ 1", method=method, test="z")
    test = permutation_test(regression)
    assert test.exact
    assert test.repetitions == 2**regression.k
    assert test.p_value.tolist() == [expected["pval"]]
    if "zval" in expected:
        assert test.statistic.tolist() == pytest.approx([expected["zval"]], rel=CLOSED)


def test_grid_of_cases_never_shrinks() -> None:
    assert sum(len(fits_of(*case)) for case in cases()) >= FITS_AT_LEAST
    assert len(cases()) >= INFLUENCE_AT_LEAST
    assert len(with_vif()) >= VIF_AT_LEAST
    assert len(permutations()) >= PERMUTATIONS_AT_LEAST


def test_disagreements_are_listed() -> None:
    text = (Path(__file__).parent / "DISAGREEMENTS.md").read_text(encoding="utf-8")
    for name, model, *_, quantity in LISTED:
        assert any(
            name in line and model in line and quantity in line for line in text.splitlines()
        )
