"""The further tables of a report: those that it names, read by the columns its plugins declare."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from types import MappingProxyType

from comorbid.contributions import Analysis, Column, Section, Subgroup
from comorbid.errors import DataError, Problem, ReportError
from comorbid.registry import Declared, Registry
from comorbid.report.definition import FILE, Definition
from comorbid.studies.columns import STUDIES
from comorbid.studies.further import DataTable, read_table


def read_tables(definition: Definition, registry: Registry) -> Mapping[str, DataTable]:
    """Read every further table that a report names.

    Raises
    ------
    ReportError
        If no plugin in use declares a column of a table, with the nearest table that has one.
    DataError
        With every problem of every table.
    """
    declared: dict[str, list[Column]] = {}
    for entry in registry.columns:
        declared.setdefault(entry.declaration.table, []).append(entry.declaration)
    declared.pop(STUDIES, None)
    unknown = [_unknown(name, declared) for name in definition.tables if name not in declared]
    if unknown:
        raise ReportError(unknown)
    tables: dict[str, DataTable] = {}
    problems: list[Problem] = []
    for name, file in definition.tables.items():
        try:
            tables[name] = read_table(definition.folder / file, name=name, columns=declared[name])
        except DataError as error:
            problems += error.problems
    if problems:
        raise DataError(problems)
    return MappingProxyType(tables)


def check_needed(
    definition: Definition, readers: Iterable[Declared[Section | Analysis | Subgroup]]
) -> None:
    """Raise `ReportError` about every table that something in use reads and the report lacks."""
    problems = [
        Problem(
            f"{entry.origin}, {entry.declaration.id!r} reads the table {name!r}, which is missing",
            f'add {name} = "{name}.csv" under [tables], or leave out what reads it',
            file=FILE,
        )
        for entry in readers
        if not isinstance(entry.declaration, Subgroup)
        for name in entry.declaration.tables
        if name not in definition.tables
    ]
    if problems:
        raise ReportError(problems)


def _unknown(name: str, declared: Iterable[str]) -> Problem:
    near = difflib.get_close_matches(name, declared, 1)
    hint = f"did you mean {near[0]!r}? " if near else ""
    known = ", ".join(sorted(declared)) or "none"
    remedy = f"{hint}list the plugin that reads it, or take it off; tables with columns: {known}"
    return Problem(f"no plugin in use declares a column of the table {name!r}", remedy, file=FILE)
