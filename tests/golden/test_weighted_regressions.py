"""Meta-regressions with the analyst's weights or a fixed tau2, and what follows, against R.

The values and how they were made: tests/golden/data/README.md (metafor 3.8-1, tight control).
"""

from __future__ import annotations

import gzip
import json
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
import pytest
from golden_data import CLOSED, DATA, ITERATIVE

import comorbid as cb
from comorbid.models.permutation import permutation_test

# The number of values compared can grow, never shrink.
VALUES_AT_LEAST = 45_504
# Cells of DISAGREEMENTS.md, in which this test expects a difference: data set, model, quantity.
LISTED = {("dat.bcg", "RR_ablat_year", name) for name in ("predicted se", "pi_high")}
CRITERIA = ("log_likelihood", "deviance", "aic", "bic", "aicc")

Value = tuple[str, Any, Any, Any]


@cache
def every() -> list[dict[str, Any]]:
    with gzip.open(DATA / "weighted-regressions.json.gz", "rt", encoding="utf-8") as file:
        return list(json.load(file)["cases"])


def numbers(values: Any) -> np.ndarray:
    return np.atleast_1d(np.array(values, dtype=object)).astype(np.float64)


def fitted(case: dict[str, Any], key: str) -> cb.Regression:
    x = np.array(case["X"])
    intercept = bool((x[:, 0] == 1).all())
    names = [f"x{i}" for i in range(intercept, x.shape[1])]
    columns = {name: x[:, int(name[1:])].tolist() for name in names}
    effects = cb.Effects(yi=case["yi"], vi=case["vi"], moderators=columns)
    formula = ("~ " if intercept else "~ 0 + ") + " + ".join(names)
    if key == "unweighted":
        return cb.regress(effects, formula)
    method, test = key.split()
    fixed = 0.25 * float(np.mean(case["vi"])) if method == "fixed" else None
    return cb.regress(
        effects,
        formula,
        method="DL" if method == "fixed" else method,
        test=test,  # type: ignore[arg-type]
        tau2=fixed,
        weights=case["weights"],
    )


def of_the_fit(found: cb.Regression, golden: dict[str, Any]) -> Iterator[Value]:
    """Name, value found, value expected, and the size below which a value means nothing."""
    se, at = numbers(golden["se"]), found.predict()
    size = np.outer(se, se).ravel()
    yield "estimate", found.estimate, golden["beta"], se
    yield "se", found.se, golden["se"], 0.0
    yield "statistic", found.statistic, golden["zval"], 1.0
    yield "p_value", found.p_value, golden["pval"], 1e-12
    yield "ci_low", found.ci_low, golden["ci.lb"], se
    yield "ci_high", found.ci_high, golden["ci.ub"], se
    yield "vcov", found.vcov.ravel(), golden["vb"], size
    yield "tau2", found.tau2, golden["tau2"], float(found.effects.vi.min())
    yield "i2", found.i2, golden["I2"], 100.0
    yield "h2", found.h2, golden["H2"], 0.0
    yield "qe", found.qe, golden["QE"], 0.0
    yield "qe_p", found.qe_p, golden["QEp"], 1e-12
    yield "qm", found.qm, golden["QM"], 0.0
    yield "qm_p", found.qm_p, golden["QMp"], 1e-12
    yield "s2", found.s2, golden["s2w"], 0.0
    for name, own in (("ML", found.ml), ("REML", found.reml)):
        yield name, [getattr(own, key) for key in CRITERIA], golden[name], 1.0
    yield "predicted", at.estimate, golden["pred"], at.se
    yield "predicted se", at.se, golden["pred.se"], 0.0
    if found.method != "EE":
        yield "pi_low", at.pi_low, golden["pi.lb"], at.se
        yield "pi_high", at.pi_high, golden["pi.ub"], at.se
    if found.estimator.fixed is None and found.method != "EE":
        yield "se_tau2", found.se_tau2, golden["se.tau2"], 0.0
    if found.estimator.fixed is None and found.names[0] == "Intercept":
        yield "r2", found.r2, golden["R2"], 100.0
    residuals = cb.rstandard(found)
    yield "rstandard", residuals.z, golden["rstandard"], 1.0
    yield "rstandard se", residuals.se, golden["rstandard.se"], 0.0


def of_the_fits_without_each_study(found: cb.Regression, golden: dict[str, Any]) -> Iterator[Value]:
    pull = cb.influence(found)
    yield "rstudent", pull.rstudent, golden["rstudent"], 1.0
    yield "rstudent se", cb.rstudent(found).se, golden["rstudent.se"], 0.0
    yield "dffits", pull.dffits, golden["dffits"], 1.0
    yield "cook_d", pull.cook_d, golden["cook.d"], 1e-3
    yield "cov_r", pull.cov_r, golden["cov.r"], 0.0
    yield "tau2_del", pull.tau2_del, golden["tau2.del"], float(found.effects.vi.min())
    yield "q_del", pull.q_del, golden["QE.del"], 0.0
    yield "hat", pull.hat, golden["hat"], 1e-3
    yield "weight", pull.weight, golden["weight"], 0.0
    yield "dfbs", pull.dfbs.ravel(), golden["dfbs"], 1.0
    yield "flagged", pull.flagged, golden["inf"], 1.0


def without_weights(found: cb.Regression, golden: dict[str, Any]) -> Iterator[Value]:
    true, random, points = cb.blup(found), cb.ranef(found), cb.baujat(found)
    curve = cb.profile(found, tau2=golden["profile.tau2"])
    yield "blup", true.pred, golden["blup"], true.se
    yield "blup se", true.se, golden["blup.se"], 0.0
    yield "blup pi_low", true.pi_low, golden["blup.pi.lb"], true.se
    yield "blup pi_high", true.pi_high, golden["blup.pi.ub"], true.se
    yield "ranef", random.pred, golden["ranef"], random.se
    yield "ranef se", random.se, golden["ranef.se"], 1e-6
    yield "rstandard", cb.rstandard(found).z, golden["rstandard"], 1.0
    yield "rstudent", cb.rstudent(found).z, golden["rstudent"], 1.0
    yield "baujat x", points.x, golden["baujat.x"], 1e-3
    yield "baujat y", points.y, golden["baujat.y"], 1e-3
    yield "log-likelihood", curve.log_likelihood, golden["profile.ll"], 1.0
    yield "profile", curve.estimate.T.ravel(), golden["profile.beta"], curve.se.T.ravel()
    yield "profile ci_low", curve.ci_low.T.ravel(), golden["profile.ci.lb"], curve.se.T.ravel()


def values_of(case: dict[str, Any]) -> Iterator[tuple[str, Value, float]]:
    for key, golden in case["fits"].items():
        found = fitted(case, key)
        tolerance = ITERATIVE if found.method == "REML" else CLOSED
        for value in of_the_fit(found, golden):
            yield key, value, tolerance
        if "dffits" in golden:
            for value in of_the_fits_without_each_study(found, golden):
                # What a change of the estimate rests on is a small difference of two estimates.
                yield key, value, ITERATIVE
        if "vif" in golden:
            yield key, ("vif", found.vif().vif, golden["vif"], 1.0), tolerance
        if "permutest" in golden:
            p_value = permutation_test(found).p_value
            yield key, ("permutest", p_value, golden["permutest"], 1.0), tolerance
    found = fitted(case, "unweighted")
    for value in without_weights(found, case["unweighted"]):
        yield "unweighted", value, ITERATIVE


def test_values_agree_with_metafor() -> None:
    count, apart = 0, dict[tuple[str, str, str], list[Any]]()
    for case in every():
        for key, (name, found, expected, scale), tolerance in values_of(case):
            ours, theirs = numbers(found), numbers(expected)
            assert ours.shape == theirs.shape, (case["name"], case["model"], key, name)
            count += ours.size
            both = np.isnan(ours) & np.isnan(theirs)
            size = np.abs(ours - theirs) / np.maximum(np.abs(theirs), np.maximum(scale, 1e-300))
            if not (both | (size <= tolerance)).all():
                cell = (case["name"], case["model"], name)
                apart.setdefault(cell, []).append((key, float(np.nanmax(size))))
    assert {cell: sizes for cell, sizes in apart.items() if cell not in LISTED} == {}
    assert apart.keys() == LISTED
    assert count >= VALUES_AT_LEAST


def test_every_kind_of_value_is_compared() -> None:
    compared = {name for case in every() for _, (name, *_), _ in values_of(case)}
    assert {"vif", "permutest", "r2", "se_tau2", "dfbs", "blup", "profile"} <= compared


@pytest.mark.parametrize("key", ["DL z", "GENQ knha"])
def test_weights_of_any_size_are_the_same_weights(key: str) -> None:
    case = every()[0]
    one = fitted(case, key)
    other = fitted({**case, "weights": [1e6 * w for w in case["weights"]]}, key)
    assert other.estimate == pytest.approx(one.estimate, rel=1e-12)
    assert other.se == pytest.approx(one.se, rel=1e-12)
    assert other.tau2 == pytest.approx(one.tau2, rel=1e-10)
