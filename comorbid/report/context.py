"""The context of a report: its tables read and its effects computed, before any result."""

from __future__ import annotations

import platform
import sys
from collections.abc import Iterable, Mapping
from dataclasses import replace
from importlib import metadata
from types import MappingProxyType
from typing import Any

from comorbid.calls import CORE, Calls
from comorbid.contributions import (
    Absent,
    Analysis,
    Column,
    Context,
    InUse,
    Provenance,
    Section,
    Settings,
    Subgroup,
)
from comorbid.document.bibliography import Bibliography, bundled, read_bibliography
from comorbid.effects.build import effects
from comorbid.errors import DataError, Problem
from comorbid.registry import Declared
from comorbid.report.conventions import check_uninformative, sides_of, test_of
from comorbid.report.files import file_hash
from comorbid.report.guards import guarded_column, guarded_estimator, guarded_measure
from comorbid.report.plan import Plan
from comorbid.report.tables import read_tables
from comorbid.studies.columns import STUDIES
from comorbid.studies.further import DataTable
from comorbid.studies.read import read_studies
from comorbid.studies.table import Studies
from comorbid.studies.textfile import read_bytes
from comorbid.themes import resource

_SOFTWARE = ("comorbid", "forestplot", "matplotlib", "numpy", "pandas", "scipy", "weasyprint")
ROWS_LIMIT = 2_000
"""A report on a study table of more rows is refused: every row is drawn and printed."""
_NONE: Mapping[str, Any] = MappingProxyType({})


def read_context(plan: Plan, calls: Calls) -> Context:
    """Read the tables of a report and compute its effects.

    Raises
    ------
    ComorbidError
        About a table, the effects, or a plugin whose column or measure fails.
    """
    definition = plan.definition
    inputs = {name: file_hash(definition.folder / name) for name in definition.inputs}
    columns = columns_by_table(plan.registry.columns, calls)
    studies = read_studies(
        definition.folder / definition.data,
        columns=columns.get(STUDIES, ()),
        review=definition.review,
    )
    _refuse_many(studies)
    tables = read_tables(definition, columns)
    return make_context(
        plan,
        calls,
        studies=studies,
        tables=tables,
        inputs=inputs,
        bibliography=bibliography_of(plan),
    )


def _refuse_many(studies: Studies) -> None:
    if len(studies) > ROWS_LIMIT:
        message = f"{len(studies):,} rows; a report prints each, and the limit is {ROWS_LIMIT:,}"
        remedy = "`comorbid pool` and comorbid.pool() take any number; or report a part of the rows"
        raise DataError([Problem(message, remedy, file=studies.source)])


def bibliography_of(plan: Plan) -> Bibliography:
    """Return what a report can cite: comorbid's own entries, those of its plugins, and its own."""
    named = [getattr(e.declaration, "references", "") for e in (*plan.needed, *plan.sections)]
    found = bundled()
    for name in dict.fromkeys(filter(None, named)):
        found = found.joined(read_bibliography(resource(name).read_bytes(), source=name))
    own = Bibliography({}, source="", text="")
    if plan.definition.references:
        path = str(plan.definition.folder / plan.definition.references)
        own = read_bibliography(read_bytes(path), source=path)
    return found.joined(own)


def make_context(
    plan: Plan,
    calls: Calls,
    *,
    studies: Studies,
    tables: Mapping[str, DataTable],
    inputs: Mapping[str, str],
    bibliography: Bibliography,
) -> Context:
    """Return the context of tables that have been read; it has no results yet."""
    definition = plan.definition
    measure = guarded_measure(plan.measure, calls)
    method = guarded_estimator(plan.method, calls)
    used = [entry.declaration for entry in plan.needed]
    main = effects(studies, measure=measure, overrides=definition.overrides)
    check_uninformative(definition, studies, main)
    return Context(
        studies=studies,
        effects=main,
        settings=Settings(
            measure,
            method,
            test_of(definition, main),
            definition.level,
            definition.preset,
            sides_of(definition, main),
        ),
        overrides=definition.overrides,
        deviations=definition.deviations,
        subgroups=tuple(entry for entry in used if isinstance(entry, Subgroup)),
        provenance=Provenance(
            inputs=MappingProxyType(dict(inputs)),
            software=MappingProxyType(_software()),
            plugins=tuple(e.origin for e in plan.registry.distributions if e.name != CORE),
        ),
        results=MappingProxyType({}),
        tables=tables,
        options=MappingProxyType({}),
        bibliography=bibliography,
        in_use=InUse(
            sections=tuple(entry.declaration for entry in plan.sections),
            analyses=tuple(entry for entry in used if isinstance(entry, Analysis)),
            options=plan.options,
        ),
        reporting=definition.reporting,
    )


def columns_by_table(columns: Iterable[Declared[Column]], calls: Calls) -> dict[str, list[Column]]:
    """Return the columns declared, with their checks guarded, by the table they belong to."""
    found: dict[str, list[Column]] = {}
    for entry in columns:
        found.setdefault(entry.declaration.table, []).append(guarded_column(entry, calls))
    return found


def restricted(
    context: Context, reader: Analysis | Section, options: Mapping[str, Any] = _NONE
) -> Context:
    """Return the context with only the results, tables and options of an analysis or section."""
    results = {name: context.results[name] for name in reader.needs}
    tables = {name: context.tables[name] for name in reader.tables}
    return replace(
        context,
        results=MappingProxyType(_Named("needs", results)),
        tables=MappingProxyType(_Named("tables", tables)),
        options=MappingProxyType(_Named("options", options)),
    )


def absent_need(context: Context) -> Absent | None:
    """Return the first absent one of the results that an analysis or section needs, or None."""
    return next((r for r in context.results.values() if isinstance(r, Absent)), None)


class _Named(dict[str, Any]):
    """What an analysis or section named beforehand; asking for more says where to name it."""

    def __init__(self, field: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.field = field

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"{key} is not among its {self.field}, {tuple(self)}")


def _software() -> dict[str, str]:
    versions = {name: metadata.version(name) for name in _SOFTWARE}
    return {
        **versions,
        "Python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }
