"""The golden meta-regressions: their data and formulas in comorbid's terms."""

from __future__ import annotations

import csv
import re
from typing import Any

from golden_data import DATA, dataset

import comorbid as cb
from comorbid.models.regression import Regression, regress

METHODS = ("EE", "DL", "HE", "HS", "SJ", "ML", "REML", "EB", "PM")
TESTS = ("z", "knha", "adhoc")

# Names of the moderators of which the raw table is not at hand, or which were made in R.
_MADE_IN_R = {"weeks.c": "weeks_c"}


def cases() -> list[tuple[str, str]]:
    names = sorted(path.name.removesuffix(".json.gz") for path in DATA.glob("dat.*.json.gz"))
    return [(name, model) for name in names for model in dataset(name).get("metareg") or {}]


def golden_of(name: str, model: str) -> dict[str, Any]:
    return dataset(name)["metareg"][model]


def fits_of(name: str, model: str) -> list[tuple[str, str, dict[str, Any]]]:
    golden = golden_of(name, model)
    return [
        (method, test, golden[method][test])
        for method in METHODS
        for test in TESTS
        if test in golden.get(method, {})
    ]


def formula_of(name: str, model: str) -> str:
    """Return the formula as comorbid writes it: ``C()`` for R's ``factor()``."""
    formula = str(golden_of(name, model)["formula"])
    for r_name, own in _MADE_IN_R.items():
        formula = formula.replace(r_name, own)
    return formula.replace("factor(", "C(")


def effects_for(name: str, model: str) -> cb.Effects:
    """Return the effects with the raw table's columns, or else the design's, as moderators."""
    golden = golden_of(name, model)
    moderators: dict[str, list[Any]] = {
        _MADE_IN_R.get(column, column): [row[i] for row in golden["X"]]
        for i, column in enumerate(golden["X_names"])
        if re.fullmatch(r"[a-z.]+", column)
    }
    yi, vi = golden["yi"], golden["vi"]
    path = DATA / f"{name}.csv"
    if path.exists():
        with path.open(encoding="utf-8") as file:
            table = list(csv.DictReader(file))
        if len(table) != len(yi):
            # Rows without a moderator are comorbid's to leave out.
            yi, vi = ([float(row[column]) for row in table] for column in ("yi", "vi"))
            moderators = {}
        raw = {column: [_value(row[column]) for row in table] for column in table[0]}
        moderators = {**moderators, **raw}
    for column in ("id", "study", "yi", "vi"):
        moderators.pop(column, None)
    return cb.Effects(yi=yi, vi=vi, moderators=moderators)


def regression_of(name: str, model: str, method: str, test: str) -> Regression:
    return regress(
        effects_for(name, model),
        formula_of(name, model),
        method=method,
        test=test,  # type: ignore[arg-type]
    )


def _value(cell: str) -> float | str | None:
    if cell == "":
        return None
    try:
        return float(cell)
    except ValueError:
        return cell
