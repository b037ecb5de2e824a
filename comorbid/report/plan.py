"""The plan of a report: what its definition names, found in the registry before anything runs."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comorbid.contributions import Analysis, Estimator, Measure, Renderer, Section, Subgroup, Theme
from comorbid.errors import PluginError, Problem, ReportError
from comorbid.registry import Declared, Registry
from comorbid.report.definition import FILE, Definition
from comorbid.report.options import Options, read_options
from comorbid.report.tables import missing_tables


@dataclass(frozen=True, slots=True)
class Plan:
    """What a report uses.

    Parameters
    ----------
    definition : Definition
        What ``report.toml`` says.
    registry : Registry
        What comorbid and the plugins listed declare.
    measure, method, theme : Declared
        Those that the definition names.
    sections, renderers : tuple of Declared
        Those that the definition names, in its order.
    needed : tuple of Declared
        The analyses and subgroups that the sections need, each after what it needs itself.
    options : mapping of str to mapping
        Of the analyses among them, by id.
    """

    definition: Definition
    registry: Registry
    measure: Declared[Measure]
    method: Declared[Estimator]
    theme: Declared[Theme]
    sections: tuple[Declared[Section], ...]
    renderers: tuple[Declared[Renderer], ...]
    needed: tuple[Declared[Analysis | Subgroup], ...]
    options: Options


def make_plan(definition: Definition, registry: Registry) -> Plan:
    """Find everything that a definition names.

    Raises
    ------
    ReportError
        With every name that does not exist (and the nearest that does), every table that is
        lacking, every file that would be written twice and every option that is wrong.
    PluginError
        If a result is needed that nothing declares, or that needs itself.
    """
    wanted = {
        "measures": (definition.measure,),
        "estimators": (definition.method,),
        "themes": (definition.theme,),
        "sections": definition.sections,
        "renderers": definition.formats,
    }
    found: dict[str, list[Declared[Any]]] = {kind: [] for kind in wanted}
    problems: list[Problem] = []
    for kind, ids in wanted.items():
        for id_ in ids:
            try:
                found[kind].append(registry.find(kind, id_))
            except PluginError as error:
                problems += [_in_definition(problem) for problem in error.problems]
    if problems:
        raise ReportError(problems)
    sections, renderers = tuple(found["sections"]), tuple(found["renderers"])
    needed = _needed(registry, sections)
    problems = [
        *missing_tables(definition, (*sections, *needed)),
        *_overwritten(definition, renderers),
    ]
    options: Options = {}
    try:
        options = read_options(definition.analyses, declared=registry.analyses, needed=needed)
    except ReportError as error:
        problems += error.problems
    if problems:
        raise ReportError(problems)
    return Plan(
        definition,
        registry,
        measure=found["measures"][0],
        method=found["estimators"][0],
        theme=found["themes"][0],
        sections=sections,
        renderers=renderers,
        needed=needed,
        options=options,
    )


def file_of(renderer: Renderer) -> str:
    """Return the name of the file that a renderer's output is written to."""
    return f"report{renderer.suffix}"


def _in_definition(problem: Problem) -> Problem:
    remedy = f"{problem.remedy}, or list the plugin that has it"
    return Problem(problem.message, remedy, file=FILE)


def _overwritten(
    definition: Definition, renderers: tuple[Declared[Renderer], ...]
) -> Iterator[Problem]:
    taken = dict.fromkeys(definition.inputs, "an input of the report")
    for entry in renderers:
        name = file_of(entry.declaration)
        if name in taken:
            message = f"the format {entry.declaration.id!r} would write {name}, {taken[name]}"
            yield Problem(message, "leave one of the two out", file=FILE)
        taken.setdefault(name, f"which {entry.declaration.id!r} writes")


def _needed(
    registry: Registry, sections: tuple[Declared[Section], ...]
) -> tuple[Declared[Analysis | Subgroup], ...]:
    """Return the analyses and subgroups that the sections need, each after what it needs."""
    known: dict[str, Declared[Analysis | Subgroup]]
    known = {entry.declaration.id: entry for entry in registry.analyses}
    known |= {entry.declaration.id: entry for entry in registry.subgroups}
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
