"""Leave-one-out, cumulative, influence, Baujat, deleted residuals and all subsets of R's metafor.

The values and how they were made: tests/golden/data/README.md (metafor 5.0-1, tight control).
"""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from golden_data import analyses
from golden_sensitivity import (
    INFLUENCE_COLUMNS,
    LISTED,
    OF_ONE_STUDY,
    REFIT_COLUMNS,
    UNFITTED,
    Case,
    Comparison,
    addition_order,
    fit_of,
    golden,
    keyed_cases,
    smallest_variance,
)

import comorbid as cb
from comorbid.effects.arrays import Array
from comorbid.sensitivity.baujat import baujat
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.influence import influence
from comorbid.sensitivity.residuals import rstudent
from comorbid.sensitivity.subsets import Subsets, subsets

# The number of values in the files that the tests below compare; it can grow, never shrink.
VALUES_AT_LEAST = {
    "leave1out": 60_114,
    "cumul": 65_706,
    "influence": 61_512,
    "baujat and rstudent": 9_786,
    "gosh": 11_571,
}


def comparison(analysis: str, case: Case, key: str) -> Comparison:
    iterative = key.startswith("REML")
    return Comparison((*case, analysis, key), iterative, smallest_variance(case))


def compare_leave_one_out(case: Case, key: str) -> Comparison:
    result = comparison("leave-one-out", case, key)
    table = cb.leave_one_out(fit_of(case, key)).to_frame()
    for theirs, values in golden(case, "leave1out")[key].items():
        result.add(REFIT_COLUMNS[theirs], table[REFIT_COLUMNS[theirs]].tolist(), values)
    return result


def compare_cumulative(case: Case, key: str) -> Comparison:
    """The first row is one study, and a rule of its own; some rows metafor could not fit."""
    result = comparison("cumulative", case, key)
    order = addition_order(case)
    table = cumulative(fit_of(case, key), by=order).to_frame()
    expected = golden(case, "cumul")[key]
    unfitted = UNFITTED.get((*case, key), ())
    for theirs in REFIT_COLUMNS.keys() & expected.keys():
        ours, values = REFIT_COLUMNS[theirs], list(expected[theirs])
        found = table[ours].tolist()
        if ours in OF_ONE_STUDY:
            assert math.isnan(found[0]), (case, key, ours)
            assert values[0] == OF_ONE_STUDY[ours], (case, key, ours)
            found[0] = values[0]
        for row in unfitted:
            assert values[row] is None, (case, key, ours)
            assert math.isfinite(found[row]), (case, key, ours)
            values[row] = found[row]
        result.add(ours, found, values)
    assert table["reason"].iloc[0] == "one study: nothing is pooled"
    return result


def compare_influence(case: Case, key: str) -> Comparison:
    result = comparison("influence", case, key)
    table = influence(fit_of(case, key)).to_frame()
    expected = golden(case, "influence")[key]
    for theirs, ours in INFLUENCE_COLUMNS.items():
        result.add(ours, table[ours].tolist(), expected["inf"][theirs])
    result.add("dfbs", table["dfbs"].tolist(), expected["dfbs"]["intrcpt"])
    result.add("flagged", table["flagged"].tolist(), expected["is.infl"])
    result.add("star", table["flagged"].tolist(), [mark == "*" for mark in expected["inf"]["inf"]])
    return result


def compare_baujat(case: Case, method: str) -> Comparison:
    result = comparison("baujat", case, method)
    table = baujat(fit_of(case, f"{method}_z")).to_frame()
    for axis in ("x", "y"):
        result.add(axis, table[axis].tolist(), golden(case, f"baujat_{method}")[axis])
    return result


def compare_rstudent(case: Case) -> Comparison:
    result = comparison("rstudent", case, "REML")
    table = rstudent(fit_of(case, "REML_z")).to_frame()
    for column in ("resid", "se", "z"):
        result.add(column, table[column].tolist(), golden(case, "rstudent_REML")[column])
    return result


def subset_columns(result: Subsets) -> dict[str, Array]:
    """Return metafor's columns, with its values of the subsets of one study."""
    one = result.k == 1
    for name in ("tau2", "i2", "q"):
        assert np.isnan(getattr(result, name)[one]).all()
    tau2, i2, q = (np.where(one, 0.0, x) for x in (result.tau2, result.i2, result.q))
    # metafor takes H2 from Q where it has no iteration, and from tau2 otherwise.
    h2 = 1 / (1 - i2 / 100) if result.method == "REML" else q / np.maximum(result.k - 1, 1)
    columns = {"k": result.k, "q": q, "i2": i2, "h2": np.where(one, 1.0, h2), "tau2": tau2}
    return {**columns, "tau": np.sqrt(tau2), "estimate": result.estimate}


def compare_subsets(case: Case, method: str) -> Comparison:
    comparing = comparison("subsets", case, method)
    expected = golden(case, "gosh")[method]
    result = subsets(fit_of(case, f"{method}_z"))
    assert len(result) == expected["n"]
    codes = [
        sum(1 << (study - 1) for study in np.atleast_1d(chosen))
        for chosen in expected["incl_first20"]
    ]
    names = {"QE": "q", "I2": "i2", "H2": "h2"}
    columns = subset_columns(result)
    for theirs in expected["cols"]:
        ours = names.get(theirs, theirs)
        values = columns[ours]
        found = [values.mean(), values.std(ddof=1), *np.quantile(values, expected["probs"])]
        wanted = [expected[kind][theirs] for kind in ("mean", "sd")]
        comparing.add(
            ours,
            [*found, *values[np.array(codes) - 1]],
            [*wanted, *expected["quantiles_type7"][theirs], *expected["first20"][theirs]],
        )
    return comparing


@pytest.mark.parametrize(("name", "measure", "key"), keyed_cases("leave1out"))
def test_leave_one_out(name: str, measure: str, key: str) -> None:
    assert not compare_leave_one_out((name, measure), key).wrong


@pytest.mark.parametrize(("name", "measure", "key"), keyed_cases("cumul"))
def test_cumulative(name: str, measure: str, key: str) -> None:
    assert not compare_cumulative((name, measure), key).wrong


@pytest.mark.parametrize(("name", "measure", "key"), keyed_cases("influence"))
def test_influence(name: str, measure: str, key: str) -> None:
    assert not compare_influence((name, measure), key).wrong


@pytest.mark.parametrize("case", analyses(), ids="-".join)
def test_baujat_and_rstudent(case: Case) -> None:
    assert not compare_baujat(case, "EE").wrong
    assert not compare_baujat(case, "REML").wrong
    assert not compare_rstudent(case).wrong


def gosh_cases() -> list[tuple[Case, str]]:
    return [(case, method) for case in analyses() for method in golden(case, "gosh")]


@pytest.mark.parametrize(("case", "method"), gosh_cases(), ids=str)
def test_all_subsets(case: Case, method: str) -> None:
    assert not compare_subsets(case, method).wrong


def test_number_of_values_never_shrinks() -> None:
    compared = {
        "leave1out": sum(
            len(values)
            for *case, key in keyed_cases("leave1out")
            for name, values in golden((case[0], case[1]), "leave1out")[key].items()
            if name in REFIT_COLUMNS
        ),
        "cumul": sum(
            len(values)
            for *case, key in keyed_cases("cumul")
            for name, values in golden((case[0], case[1]), "cumul")[key].items()
            if name in REFIT_COLUMNS
        ),
        # The nine columns and the flag, which stands there in two forms.
        "influence": sum(
            11 * len(golden((case[0], case[1]), "influence")[key]["is.infl"])
            for *case, key in keyed_cases("influence")
        ),
        "baujat and rstudent": sum(
            len(values)
            for case in analyses()
            for table, columns in (
                ("baujat_EE", "xy"),
                ("baujat_REML", "xy"),
                ("rstudent_REML", ()),
            )
            for name, values in golden(case, table).items()
            if name in columns or table == "rstudent_REML"
        ),
        "gosh": sum(
            len(golden(case, "gosh")[method]["cols"])
            * (2 + len(golden(case, "gosh")[method]["probs"]))
            + sum(map(len, golden(case, "gosh")[method]["first20"].values()))
            for case, method in gosh_cases()
        ),
    }
    assert all(compared[name] >= least for name, least in VALUES_AT_LEAST.items()), compared


def test_listed_cells_exist_and_stand_in_the_document() -> None:
    """A cell that is listed but no longer compared would hide that it agrees."""
    small, two = ("dat.nielweise2008", "IRD"), ("dat.bcg", "RD")
    met = [
        *compare_leave_one_out(small, "REML_z").listed,
        *compare_cumulative(small, "REML_z").listed,
        *compare_influence(small, "REML_z").listed,
        *compare_influence(small, "REML_knha").listed,
        *compare_baujat(small, "REML").listed,
        *compare_subsets(two, "REML").listed,
    ]
    assert set(met) == LISTED
    document = (Path(__file__).parent / "DISAGREEMENTS.md").read_text(encoding="utf-8")
    for name in {str(cell[0]) for cell in LISTED} | {case[0] for case in UNFITTED}:
        assert name in document


def test_subsets_are_at_the_global_maximum_where_metafor_is_not() -> None:
    """Each restricted likelihood of the 8,178 subsets of the BCG risk differences, on a grid."""
    fit = fit_of(("dat.bcg", "RD"), "REML_z")
    result = subsets(fit)
    several = np.flatnonzero(result.k > 1)
    member = result.members()[:, several]
    best = np.full(several.size, -np.inf)
    for tau2 in [0.0, *np.geomspace(1e-10, 1.0, 300)]:
        best = np.maximum(best, likelihood(fit, member, np.full(several.size, tau2)))
    assert (likelihood(fit, member, result.tau2[several]) >= best - 1e-9).all()


def likelihood(fit: cb.Fit, member: Array, tau2: Array) -> Array:
    """Return the restricted log-likelihood up to a constant, straight from its definition."""
    total = fit.effects.vi[:, None] + tau2
    w = np.where(member, 1 / total, 0.0)
    mean = (w * fit.effects.yi[:, None]).sum(axis=0) / w.sum(axis=0)
    q = (w * (fit.effects.yi[:, None] - mean) ** 2).sum(axis=0)
    logs = np.where(member, np.log(total), 0.0).sum(axis=0)
    return np.asarray(-0.5 * (logs + np.log(w.sum(axis=0)) + q))
