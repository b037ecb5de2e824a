"""The golden sensitivity analyses and Mantel-Haenszel fits, and what is known to differ in them.

The values and how they were made: tests/golden/data/README.md.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from golden_data import CLOSED, DATA, ITERATIVE, analyses, dataset, difference, effects_of

import comorbid as cb

Case = tuple[str, str]
Table = dict[str, list[float]]

# Where tau2 is nearly 0 compared with the sampling variances, neither program's digits of it, or of
# I2, mean anything below this share of the smallest variance, or of 100 %.
NEGLIGIBLE = 1e-9
# Below this, R prints p-values as 0.
SMALLEST_P = 1e-290

REFIT_COLUMNS = {
    "k": "k",
    "estimate": "estimate",
    "se": "se",
    "zval": "statistic",
    "tval": "statistic",
    "pval": "p_value",
    "ci.lb": "ci_low",
    "ci.ub": "ci_high",
    "Q": "q",
    "Qp": "q_p",
    "tau2": "tau2",
    "I2": "i2",
    "H2": "h2",
}
# What a single study has in metafor's tables; comorbid says that it does not exist.
OF_ONE_STUDY = {"q": 0.0, "q_p": 1.0, "tau2": 0.0, "i2": 0.0, "h2": 1.0}
INFLUENCE_COLUMNS = {
    "rstudent": "rstudent",
    "dffits": "dffits",
    "cook.d": "cook_d",
    "cov.r": "cov_r",
    "tau2.del": "tau2_del",
    "QE.del": "q_del",
    "hat": "hat",
    "weight": "weight",
}

# The cells of DISAGREEMENTS.md, in which the tests expect a difference: data set, measure,
# analysis, METHOD_TEST, comorbid's column, row from 0.
_SMALL = ("dat.nielweise2008", "IRD")
_TWO_MAXIMA = ("dat.bcg", "RD", "subsets", "REML")
# Mean, sd, then the quantiles 0, 0.025, 0.25, 0.5, 0.75, 0.975, 1 of a column over all subsets.
_SUMMARIES = {
    "i2": (0, 1, 3, 4, 5, 6),
    "h2": (0, 1, 3, 4, 5, 6),
    "tau2": (0, 1, 3, 4),
    "tau": (0, 1, 3, 4),
    "estimate": (0, 1, 6, 7),
}
LISTED: set[tuple[object, ...]] = {
    *((*_SMALL, "leave-one-out", "REML_z", "ci_high", row) for row in (0, 1)),
    (*_SMALL, "cumulative", "REML_z", "ci_high", 7),
    *(
        (*_SMALL, "influence", f"REML_{test}", column, 8)
        for test in ("z", "knha")
        for column in ("dffits", "cook_d", "dfbs")
    ),
    (*_SMALL, "baujat", "REML", "y", 8),
    *((*_TWO_MAXIMA, column, row) for column, rows in _SUMMARIES.items() for row in rows),
}
# Rows of cumulative tables that metafor could not fit.
UNFITTED: dict[tuple[str, str, str], tuple[int, ...]] = {
    ("dat.nielweise2007", measure, f"REML_{test}"): rows
    for measure, rows in (("OR", (7,)), ("RR", (7, 11)))
    for test in ("z", "knha")
}


@dataclass
class Comparison:
    """Compares cell by cell; keeps what differs and counts what was compared."""

    where: tuple[object, ...]
    iterative: bool
    smallest: float = 1.0
    wrong: list[tuple[object, ...]] = field(default_factory=list)
    listed: list[tuple[object, ...]] = field(default_factory=list)
    compared: int = 0

    def add(self, quantity: str, found: Sequence[Any], expected: Sequence[Any]) -> None:
        """Compare a column; ``quantity`` is comorbid's name of it."""
        assert len(found) == len(expected), (self.where, quantity)
        tolerance = ITERATIVE if self.iterative else CLOSED
        floors = {
            **dict.fromkeys(("tau2", "tau2_del"), NEGLIGIBLE * self.smallest / tolerance),
            "tau": math.sqrt(NEGLIGIBLE * self.smallest) / tolerance,
            "i2": NEGLIGIBLE * 100 / tolerance,
            **dict.fromkeys(("p_value", "q_p"), SMALLEST_P),
        }
        for row, (ours, theirs) in enumerate(zip(found, expected, strict=True)):
            value = math.nan if theirs is None else float(theirs)
            size = difference(float(ours), value, floors.get(quantity, 1e-300))
            self.compared += 1
            cell = (*self.where, quantity, row)
            if cell in LISTED:
                self.listed.append(cell)
                if size <= tolerance:
                    self.wrong.append((*cell, "listed as a disagreement, but agrees"))
            elif size > tolerance:
                self.wrong.append((*cell, float(ours), value, size))


def smallest_variance(case: Case) -> float:
    return min(v for v in dataset(case[0])["analyses"][case[1]]["vi"] if v is not None)


def golden(case: Case, analysis: str) -> dict[str, Any]:
    return dataset(case[0])["analyses"][case[1]].get(analysis) or {}


def keyed_cases(analysis: str) -> list[tuple[str, str, str]]:
    """Return data set, measure and METHOD_TEST of every table of an analysis."""
    return [(*case, key) for case in analyses() for key in golden(case, analysis)]


def fit_of(case: Case, key: str) -> cb.Fit:
    method, test = key.split("_")
    return cb.pool(effects_of(*case), method=method, test=test)  # type: ignore[arg-type]


def addition_order(case: Case) -> list[int]:
    """Return the positions from 0 in the order in which metafor added them.

    The file's ``cumul_order_1based`` was handed to metafor as the variable to sort by, so that the
    order is the one that sorts it; ``ids`` of each table say the same.
    """
    known = np.argsort(dataset(case[0])["analyses"][case[1]]["cumul_order_1based"], kind="stable")
    for table in golden(case, "cumul").values():
        pairs = zip(table["ids"], known.tolist(), strict=True)
        assert all(i is None or i - 1 == position for i, position in pairs), case
    return [int(i) for i in known]


def table_sets() -> Iterator[tuple[str, dict[str, Any], Table]]:
    """Return the name of every set of tables, metafor's results, and the tables."""
    for path in sorted(DATA.glob("dat.*.json.gz")):
        name = path.name.removesuffix(".json.gz")
        data = dataset(name)
        more = data.get("more") or {}
        if "MH_OR" in more:
            yield name, more, _two_by_two(data["cols2x2"])
        if "death" in more:
            yield f"{name}, deaths", more["death"], _two_by_two(data["cols2x2_death"])
        if "MH_IRR" in more:
            yield name, more, _rates(DATA / f"{name}.csv")


def _two_by_two(columns: dict[str, list[float | None]]) -> Table:
    return {
        name: [math.nan if value is None else value for value in values]
        for name, values in columns.items()
        if name in ("ai", "n1i", "ci", "n2i")
    }


def _rates(path: Path) -> Table:
    with path.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {name: [float(row[name]) for row in rows] for name in ("x1i", "t1i", "x2i", "t2i")}
