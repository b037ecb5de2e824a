"""From a definition to results: studies, audit, effects and every analysis that a section needs."""

from __future__ import annotations

import platform
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from importlib import metadata
from types import MappingProxyType
from typing import Any, cast

from comorbid.contributions import (
    Analysis,
    Context,
    Estimator,
    Measure,
    Provenance,
    Result,
    Section,
    Settings,
    Subgroup,
)
from comorbid.effects.build import effects
from comorbid.effects.table import Effects
from comorbid.errors import ComorbidError, PluginError, Problem, ReportError
from comorbid.registry import Declared, Registry, load_registry
from comorbid.report.definition import Definition
from comorbid.report.files import file_hash
from comorbid.report.lock import make_lock
from comorbid.report.tables import check_needed, read_tables
from comorbid.studies.columns import STUDIES
from comorbid.studies.read import read_studies
from comorbid.studies.table import Studies
from comorbid.subgroups import against_rest

Progress = Callable[[str], None]


def silent(_line: str) -> None:
    """Report no progress."""


_SOFTWARE = ("comorbid", "forestplot", "matplotlib", "numpy", "pandas", "scipy", "weasyprint")


@dataclass(frozen=True, slots=True)
class Computed:
    """A report's results, before anything is written about them.

    ``context.results`` holds all results; ``origins`` says who declared each.
    """

    definition: Definition
    sections: tuple[Declared[Section], ...]
    context: Context
    origins: Mapping[str, str]

    def lock(self) -> dict[str, object]:
        """Return what `results.json` holds."""
        definition, provenance = self.definition, self.context.provenance
        return make_lock(
            inputs=provenance.inputs,
            settings={
                "measure": definition.measure,
                "method": definition.method,
                "test": definition.test,
                "level": definition.level,
                "sections": definition.sections,
                "plugins": provenance.plugins,
                "overrides": [override.to_dict() for override in definition.overrides],
            },
            results={
                id_: (self.origins[id_], result.to_dict())
                for id_, result in self.context.results.items()
            },
            software=provenance.software,
        )


def compute(definition: Definition, *, progress: Progress) -> Computed:
    """Load the plugins, read the studies and run what the sections need.

    Parameters
    ----------
    definition : Definition
        The report.
    progress : callable
        Gets one line a stage.

    Returns
    -------
    Computed

    Raises
    ------
    ComorbidError
        Of the kind that fits: about a plugin, the data, the model or the report.
    """
    registry = load_registry(definition.plugins)
    progress(f"plugins: {', '.join(entry.origin for entry in registry.distributions)}")
    sections = _sections(registry, definition)
    needed = _needed(registry, sections)
    check_needed(definition, (*sections, *needed))
    context = _empty_context(definition, registry)
    progress(f"studies: {len(context.studies)} rows, {context.effects.k} effects pooled")
    used = tuple(e.declaration for e in needed if isinstance(e.declaration, Subgroup))
    context = replace(context, subgroups=used)
    results: dict[str, Result] = {}
    for entry in needed:
        results[entry.declaration.id] = _run(entry, replace(context, results=results))
    progress(f"results: {', '.join(results)}")
    return Computed(
        definition,
        sections,
        replace(context, results=MappingProxyType(results)),
        {entry.declaration.id: entry.origin for entry in needed},
    )


def restricted(context: Context, reader: Analysis | Section) -> Context:
    """Return the context with only the results and tables that an analysis or section names."""
    results = {name: context.results[name] for name in reader.needs}
    tables = {name: context.tables[name] for name in reader.tables}
    return replace(
        context,
        results=MappingProxyType(_Named("needs", results)),
        tables=MappingProxyType(_Named("tables", tables)),
    )


class _Named(dict[str, Any]):
    """What an analysis or section named beforehand; asking for more says where to name it."""

    def __init__(self, field: str, values: Mapping[str, Any]) -> None:
        super().__init__(values)
        self.field = field

    def __missing__(self, key: str) -> Any:
        raise KeyError(f"{key} is not among its {self.field}, {tuple(self)}")


def _sections(registry: Registry, definition: Definition) -> tuple[Declared[Section], ...]:
    found, problems = [], []
    for id_ in definition.sections:
        try:
            found.append(cast(Declared[Section], registry.find("sections", id_)))
        except PluginError as error:
            problems += [
                Problem(
                    p.message, f"{p.remedy}, or list the plugin that has it", file="report.toml"
                )
                for p in error.problems
            ]
    if problems:
        raise ReportError(problems)
    return tuple(found)


def _empty_context(definition: Definition, registry: Registry) -> Context:
    declared = cast(Declared[Measure], registry.find("measures", definition.measure))
    measure = declared.declaration
    method = cast(Estimator, registry.find("estimators", definition.method).declaration)
    columns = [e.declaration for e in registry.columns if e.declaration.table == STUDIES]
    inputs = {name: file_hash(definition.folder / name) for name in definition.inputs}
    studies = read_studies(
        definition.folder / definition.data, columns=columns, review=definition.review
    )
    return Context(
        studies=studies,
        effects=_effects(studies, declared, definition),
        settings=Settings(measure, method, definition.test, definition.level),
        overrides=definition.overrides,
        subgroups=(),
        provenance=Provenance(
            inputs=inputs,
            software=_software(),
            plugins=tuple(
                entry.origin for entry in registry.distributions if entry.name != "comorbid"
            ),
        ),
        results={},
        tables=read_tables(definition, registry),
    )


def _effects(studies: Studies, measure: Declared[Measure], definition: Definition) -> Effects:
    try:
        return effects(studies, measure=measure.declaration, overrides=definition.overrides)
    except ComorbidError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        remedy = "update the plugin or use another measure"
        where = f"{measure.origin}, measure {measure.declaration.id!r}"
        raise PluginError([Problem(f"{where} fails: {cause}", remedy)]) from error


def _software() -> dict[str, str]:
    versions = {name: metadata.version(name) for name in _SOFTWARE}
    return {
        **versions,
        "Python": platform.python_version(),
        "platform": f"{sys.platform} {platform.machine()}",
    }


def _needed(
    registry: Registry, sections: tuple[Declared[Section], ...]
) -> tuple[Declared[Analysis | Subgroup], ...]:
    """Return the analyses and subgroups that the sections need, each after what it needs."""
    everything = cast(
        tuple[Declared[Analysis | Subgroup], ...], (*registry.analyses, *registry.subgroups)
    )
    known = {entry.declaration.id: entry for entry in everything}
    ordered: dict[str, Declared[Analysis | Subgroup]] = {}

    def visit(id_: str, wanted_by: str, path: tuple[str, ...]) -> None:
        if id_ in ordered:
            return
        if id_ not in known or id_ in path:
            what = "needs itself" if id_ in path else f"does not exist; there are {sorted(known)}"
            raise PluginError([Problem(f"{wanted_by} needs the result {id_!r}, which {what}")])
        declaration = known[id_].declaration
        for inner in declaration.needs if isinstance(declaration, Analysis) else ():
            visit(inner, f"{known[id_].origin}, {id_!r}", (*path, id_))
        ordered[id_] = known[id_]

    for section in sections:
        for id_ in section.declaration.needs:
            visit(id_, f"{section.origin}, section {section.declaration.id!r}", ())
    return tuple(ordered.values())


def _run(entry: Declared[Analysis | Subgroup], context: Context) -> Result:
    declaration, settings = entry.declaration, context.settings
    if isinstance(declaration, Subgroup):
        return against_rest(
            context.studies,
            where=declaration.where,
            label=declaration.label,
            measure=settings.measure,
            overrides=context.overrides,
            method=settings.method,
            test=settings.test,
            level=settings.level,
        )
    try:
        return declaration.run(restricted(context, declaration))
    except ComorbidError:
        raise
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        remedy = "update the plugin or take its section off the list"
        raise PluginError(
            [Problem(f"{entry.origin}, analysis {declaration.id!r} fails: {cause}", remedy)]
        ) from error
