"""Examples: tables that fit what a plugin declares, made up for its tests."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.contributions import Column
from comorbid.errors import DataError, Problem
from comorbid.registry import Registry
from comorbid.studies.columns import STUDIES, Values
from comorbid.testing.kit import csv_text, studies_csv

_OTHERS = 3
_OTHER = "none of these"
_CELLS = {
    "text": ("a text", "a", "1", "2020", "https://example.org"),
    "flag": ("yes", "no"),
    "count": ("1", "10", "50", "2000", "0"),
    "number": ("1", "0.5", "10", "50", "2000", "0", "-1"),
}


def studies_for(registry: Registry, origin: str) -> Callable[[int], str]:
    """Return ``studies(k)``: k studies of each subgroup of a plugin, and some of none.

    For a plugin without a subgroup there are k studies in all.
    """
    subgroups = [e.declaration for e in registry.subgroups if e.origin == origin]
    required = [e.declaration for e in registry.columns if e.declaration.required]
    names = list(dict.fromkeys(name for group in subgroups for name in group.where))

    def studies(k: int) -> str:
        rows = [dict.fromkeys(names, _OTHER)] * (_OTHERS if subgroups else k)
        for group in subgroups:
            own = {name: values[0] for name, values in group.where.items()}
            rows = [*rows, *([dict.fromkeys(names, "") | own] * k)]
        columns = {name: [row[name] for row in rows] for name in names}
        for column in required:
            if column.table == STUDIES:
                columns.setdefault(column.name, [acceptable(column)] * len(rows))
        return studies_csv(len(rows), **columns)

    return studies


def tables_for(registry: Registry, origin: str) -> Callable[[], dict[str, str]]:
    """Return what makes two rows of every further table that a plugin declares columns of."""
    own = [e.declaration for e in registry.columns if e.origin == origin]

    def tables() -> dict[str, str]:
        found: dict[str, dict[str, list[str]]] = {}
        for column in own:
            if column.table != STUDIES:
                found.setdefault(column.table, {})[column.name] = [acceptable(column)] * 2
        return {name: csv_text(columns) for name, columns in found.items()}

    return tables


def acceptable(column: Column) -> str:
    """Return a cell that a column takes; `DataError` if none of the usual ones is."""
    for cell in _CELLS[column.kind]:
        if column.check is None or bool(np.all(column.check(values_of(column, (cell,))))):
            return cell
    remedy = "give tables or studies to check_plugin"
    raise DataError([Problem(f"no example is acceptable as {column.name}", remedy)])


def values_of(column: Column, cells: tuple[str, ...]) -> Values:
    """Return cells as a column's check gets them."""
    match column.kind:
        case "text":
            return np.array(cells, dtype=object)
        case "flag":
            return np.array([cell == "yes" for cell in cells])
        case _:
            return np.array([float(cell) for cell in cells])


def example_cells(column: Column) -> tuple[str, ...]:
    """Return cells of a column's kind, acceptable or not."""
    return _CELLS[column.kind]
