"""Refits and diagnostics of multilevel fits by group against R's metafor and clubSandwich.

metafor 3.8-1 and clubSandwich 0.5.8; the calls are in tests/golden/data/README.md. Its fits end
where nlminb stopped (``rel.tol`` 1e-10), so that what rests on the variances is good to about 1e-5.
"""

from __future__ import annotations

import gzip
import json
import math
from functools import cache
from typing import Any

import numpy as np
import pytest
from golden_data import DATA, dataset
from test_rma_mv import rows_of

import comorbid as cb
from comorbid.models.group_means import diagonal_weights
from comorbid.models.marginal import covariances, matrices_at
from comorbid.sensitivity.group_deletion import without_groups

CASES = (
    "konstantopoulos2011 district/school",
    "assink2016 study/esid, year",
    "berkey1998 outcome | trial, UN",
    "konstantopoulos2011 school | district, CS",
)
RESIDUALS = [
    *(("rstudent", case) for case in CASES),
    *(("rstandard", case) for case in CASES[:3]),
]


@cache
def golden() -> dict[str, Any]:
    with gzip.open(DATA / "multilevel-verbs.json.gz") as file:
        return dict(json.load(file))


@cache
def fitted(case: str) -> cb.Multilevel:
    effects = rows_of(f"dat.{case.split()[0]}")
    if case.endswith("year"):
        v = cb.covariance(effects, cluster="study", rho=0.6)
        return cb.multilevel(effects, "~ year", random="study/esid", V=v)
    if case.endswith("UN"):
        v = dataset("dat.berkey1998")["more"]["V"]
        random = "outcome | trial"
        return cb.multilevel(effects, "~ 0 + outcome", random=random, struct="UN", V=v)
    if case.endswith("CS"):
        return cb.multilevel(effects, random="school | district")
    return cb.multilevel(effects, random="district/school")


def test_every_entry_is_compared() -> None:
    others = {"robust", "profile of district", "meta"}
    assert set(golden()) == {*CASES, *others}
    assert set(golden()["robust"]) == {"mean", "year 0 and 5", "without studies 1 to 3"}
    assert all(("cook_d" in golden()[case]) == ("rstandard" in golden()[case]) for case in CASES)


def close(found: Any, expected: Any, rel: float = 2e-5, size: float = 1e-2) -> None:
    """Compare numbers, small ones to the same part of ``size``."""
    found = np.asarray(found).reshape(np.shape(expected))
    assert found == pytest.approx(np.array(expected, dtype=float), rel, rel * size)


@pytest.mark.parametrize("case", CASES)
def test_leave_one_group_out(case: str) -> None:
    found, expected = cb.leave_one_out(fitted(case)), golden()[case]["leave_one_out"]
    assert set(found.labels) == set(expected)
    assert not any(found.reasons)
    for i, label in enumerate(found.labels):
        row = expected[label]
        close(found.estimate[:, i], row["estimate"])
        close(found.se[:, i], row["se"])
        # Where the likelihood is flat, nlminb stops up to 1e-3 short of its maximum.
        close(found.variances[:, i], row["variances"], rel=1e-3)
        close(found.q[i], row["q"], rel=1e-9)
        assert found.log_likelihood[i] >= row["log_likelihood"] - 1e-9
        assert found.log_likelihood[i] == pytest.approx(row["log_likelihood"], abs=1e-6)
        assert found.k[i] == row["k"]


@pytest.mark.parametrize("case", CASES)
def test_influence_of_groups(case: str) -> None:
    fit, expected = fitted(case), golden()[case]
    found = cb.influence(fit)
    order = np.argsort([int(label) for label in found.labels])
    # Refits of five trials are where the likelihood is flat, and nlminb stops short.
    close(found.dfbs.T[order], expected["dfbs"], rel=1e-4)
    if "cook_d" in expected:
        close(found.cook_d[order], expected["cook_d"], rel=1e-4)
    if "hat" in expected:
        hat = np.array(expected["hat"])
        close(found.hat, [hat[rows_within(fit, label)].sum() for label in found.labels])
        close(diagonal_weights(fit), expected["weights_diagonal"])


def rows_within(fit: cb.Multilevel, label: str) -> list[int]:
    column = fit.random[0].split("/")[0].strip()
    values = fit.effects.moderators[column]
    return [i for i, value in enumerate(values) if str(value) == label]


@pytest.mark.parametrize(("verb", "case"), RESIDUALS)
def test_residuals_by_row_and_group(verb: str, case: str) -> None:
    expected = golden()[case][verb]
    found = getattr(cb, verb)(fitted(case))
    close(found.resid, expected["resid"])
    close(found.se, expected["se"])
    table = found.group_frame().loc[expected["groups"]]
    close(table["x2"], expected["x2"])
    assert table["k"].tolist() == expected["k"]


def test_predictions_of_robust_fits() -> None:
    expected = golden()["robust"]
    names = {"estimate": "pred", "se": "se", "ci_low": "ci.lb", "ci_high": "ci.ub"}
    names |= {"pi_low": "pi.lb", "pi_high": "pi.ub"}
    effects = rows_of("dat.assink2016")
    v = cb.covariance(effects, cluster="study", rho=0.6)
    mean = cb.robust(cb.multilevel(effects, random="study/esid", V=v), cluster="study")
    slope = cb.robust(fitted("assink2016 study/esid, year"), cluster="study")
    for at, key in ((mean.predict(), "mean"), (slope.predict({"year": [0, 5]}), "year 0 and 5")):
        for ours, theirs in names.items():
            close(getattr(at, ours), expected[key][theirs], rel=1e-6)


def test_leave_one_out_keeps_robust_intervals() -> None:
    found = cb.leave_one_out(cb.che(rows_of("dat.assink2016"), study="study", rho=0.6))
    for i, row in enumerate(golden()["robust"]["without studies 1 to 3"]):
        assert found.labels[i] == f"{i + 1}"
        for name, key in {"estimate": "b", "se": "se", "df": "df", "ci_low": "lb"}.items():
            close(getattr(found, name)[0, i], row[key], rel=1e-6)
    assert found.inference == "CR2"


def test_profile_of_a_component() -> None:
    fit = fitted("konstantopoulos2011 district/school")
    at = cb.profile(fit, component="district", values=np.linspace(0, 0.2, 5))
    close(at.log_likelihood, golden()["profile of district"], rel=1e-6)


def test_crossed_groups_depend_on_rows_that_stay() -> None:
    """Schools of other districts share the year, which metafor leaves out of the variances.

    dat.konstantopoulos2011, ``m <- rma.mv(yi, vi, random=list(~1|district, ~1|year, ~1|school))``,
    ``cooks.distance(m, cluster=district)[1:4]``, ``dfbetas`` and ``rstudent(...)$cluster$X2`` and
    ``$obs$se``, with metafor 3.8-1 and ``rel.tol=1e-10``.
    """
    random = ["district", "year", "school"]
    fit = cb.multilevel(rows_of("dat.konstantopoulos2011"), random=random)
    found = cb.influence(fit)
    assert found.labels[:4] == ("11", "12", "18", "27")
    close(found.cook_d[:4], [0.072019911, 0.017961768, 0.032025041, 0.124693520])
    close(found.dfbs[0, :4], [-0.26792082, -0.12874977, 0.17244135, 0.35713474])
    without = without_groups(fit, None)
    x2, se = [], []
    for rows, refit in zip(without.rows[:4], without.without, strict=False):
        assert refit is not None
        matrices = matrices_at(fit, refit)
        assert matrices is not None
        # As metafor has it.
        variance = covariances(fit, matrices, rows) + fit.x[rows] @ refit.vcov @ fit.x[rows].T
        resid = fit.effects.yi[rows] - fit.x[rows] @ refit.estimate
        x2.append(resid @ np.linalg.solve(variance, resid))
        se.append(math.sqrt(variance[0, 0]))
    close(x2, [2.1273243, 10.9237414, 1.0088281, 16.7615952])
    close(se[0], 0.45756534)
    close(found.x2[:4], x2, rel=2e-3)
    assert abs(found.x2[0] - x2[0]) > 1e-3
