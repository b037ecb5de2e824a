"""The results of a report: every analysis and subgroup that a section needs, run in order."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from comorbid.against_rest import against_rest
from comorbid.calls import Calls, is_core
from comorbid.contributions import Analysis, Context, Result, Subgroup
from comorbid.errors import ComorbidWarning, ProblemsError, ReportError
from comorbid.registry import Declared, Registry
from comorbid.report.context import absent_need, read_context, restricted
from comorbid.report.definition import Definition
from comorbid.report.guards import check_unchanged, digest_of, fingerprints, result_name
from comorbid.report.kept_fits import RENEW, judge, read_fits
from comorbid.report.lock import as_json, make_lock
from comorbid.report.options import refuse_unused
from comorbid.report.plan import Plan, make_plan
from comorbid.report.second_engine import Refitted
from comorbid.report.side_by_side import side_by_side

T = TypeVar("T")
_Entry = Declared[Analysis | Subgroup]
_Made = tuple[Result, Mapping[str, Any], str]


@dataclass(frozen=True, slots=True)
class Computed:
    """A report's results, before anything is written about them.

    Parameters
    ----------
    plan : Plan
        What the report uses.
    context : Context
        Holds all results.
    values : mapping of str to dict
        What the lock stores of each result, taken when it was computed.
    failed : mapping of str to error
        The reason why an analysis or subgroup has no result, by id.
    digests : mapping of str to str
        Of everything in the context, to tell whether anyone changes it.
    """

    plan: Plan
    context: Context
    values: Mapping[str, Mapping[str, Any]]
    failed: Mapping[str, ProblemsError]
    digests: Mapping[str, str]

    def lock(self) -> dict[str, Any]:
        """Return the numbers of ``results.json``; `ReportError` if a result failed."""
        raise_together(self.failed.values())
        definition, provenance = self.plan.definition, self.context.provenance
        return make_lock(
            inputs=provenance.inputs,
            settings={
                "title": definition.title,
                "subtitle": definition.subtitle,
                "date": definition.date.isoformat(),
                "theme": definition.theme,
                "paper": definition.paper,
                "formats": definition.formats,
                "measure": definition.measure,
                "method": definition.method,
                "test": self.context.settings.test,
                "preset": definition.preset.id if definition.preset else "",
                "level": definition.level,
                "sections": definition.sections,
                "plugins": provenance.plugins,
                "overrides": [override.to_dict() for override in definition.overrides],
                "deviations": [{"what": d.what, "why": d.why} for d in definition.deviations],
                "reporting": dict(definition.reporting),
                "analyses": {id_: dict(own) for id_, own in self.plan.options.items() if own},
            },
            results={
                entry.declaration.id: (entry.origin, self.values[entry.declaration.id])
                for entry in self.plan.needed
            },
            software=provenance.software,
        )

    def with_software(self, software: Mapping[str, str]) -> Computed:
        """Return the same results with other software to print in their provenance."""
        return self._with_provenance(software=MappingProxyType(dict(software)))

    def with_second_engine(self, kept: Refitted) -> Computed:
        """Return the same results beside what a second engine made of them."""
        found = judge(kept, self.values)
        if found.outdated:
            file = self.plan.definition.second_engine
            fits = f"{len(found.outdated)} of the fits, such as {found.outdated[0]}"
            message = f"{file} is not about the numbers of this report: {fits}; {RENEW}"
            warnings.warn(message, ComorbidWarning, stacklevel=4)
        return self._with_provenance(second_engine=found)

    def _with_provenance(self, **changes: Any) -> Computed:
        provenance = replace(self.context.provenance, **changes)
        return replace(self, context=replace(self.context, provenance=provenance))


def raise_together(failures: Iterable[ProblemsError]) -> None:
    """Raise a `ReportError` with the problems of all errors, and the errors as its cause."""
    errors = tuple(dict.fromkeys(failures))  # one error may be the reason of several failures
    if errors:
        problems = [problem for error in errors for problem in error.problems]
        parts = "1 part" if len(errors) == 1 else f"{len(errors)} parts"
        raise ReportError(problems) from ExceptionGroup(f"{parts} of the report failed", errors)


def compute(
    definition: Definition, registry: Registry, calls: Calls, *, beside: bool = False
) -> Computed:
    """Read the tables of a report and run what its sections need.

    Parameters
    ----------
    definition : Definition
        The report.
    registry : Registry
        What comorbid and the report's plugins declare.
    calls : Calls
        Makes and records the calls, and reports progress.
    beside : bool
        Whether analyses may run in a copy of this process, which then does nothing else.

    Returns
    -------
    Computed
        With the results that failed, if any.

    Raises
    ------
    ComorbidError
        About the definition, the tables or the effects; or because a plugin changed what it was
        given to read.
    """
    plan = make_plan(definition, registry)
    refuse_unused(definition.analyses, used=plan.options)
    file = definition.second_engine
    kept = read_fits(definition.folder / file) if file else None
    calls.steps = len(plan.needed) + len(plan.sections) + len(plan.renderers)
    context = read_context(plan, calls)
    calls.progress(f"studies: {len(context.studies)} rows, {context.effects.k} effects pooled")
    computed = run(plan, context, calls, beside=beside)
    calls.progress(f"results: {', '.join(computed.values)}")
    return computed.with_second_engine(kept) if kept else computed


def run(plan: Plan, context: Context, calls: Calls, *, beside: bool = False) -> Computed:
    """Run every analysis and subgroup of a plan on a context."""
    results: dict[str, Result] = {}
    values: dict[str, Mapping[str, Any]] = {}
    failed: dict[str, ProblemsError] = {}
    digests = fingerprints(context)

    def make(entry: _Entry) -> _Made | ProblemsError:
        if causes := [failed[need] for need in _needs(entry) if need in failed]:
            return causes[0]
        return _made(entry, replace(context, results=results), plan, calls, digests)

    def ready(entry: _Entry) -> bool:
        return {*results, *failed}.issuperset(_needs(entry))

    beside = beside and is_core(plan.measure.origin) and is_core(plan.method.origin)
    entries = plan.needed
    in_turn = enumerate(map(make, entries))
    for i, made in side_by_side(entries, make, calls, ready=ready) if beside else in_turn:
        id_ = entries[i].declaration.id
        if isinstance(made, ProblemsError):
            failed[id_] = made
        else:
            results[id_], values[id_], digests[result_name(id_)] = made
    ids = [entry.declaration.id for entry in entries]
    whole = replace(context, results=MappingProxyType(_ordered(results, ids)))
    return Computed(plan, whole, _ordered(values, ids), _ordered(failed, ids), digests)


def _ordered(found: Mapping[str, T], ids: Iterable[str]) -> dict[str, T]:
    return {id_: found[id_] for id_ in ids if id_ in found}


def _needs(entry: _Entry) -> tuple[str, ...]:
    declaration = entry.declaration
    return declaration.needs if isinstance(declaration, Analysis) else ()


def _made(
    entry: _Entry, own: Context, plan: Plan, calls: Calls, digests: Mapping[str, str]
) -> _Made | ProblemsError:
    """Return a result with what is kept of it, or why there is none."""
    declaration, where = entry.declaration, _where(entry)
    if isinstance(declaration, Analysis):
        own = restricted(own, declaration, plan.options[declaration.id])
    calls.begin(where)
    try:
        return calls.make(entry.origin, where, _result, declaration, own)
    except ProblemsError as error:
        return error
    finally:
        check_unchanged(digests, own, entry.origin, where)


def _where(entry: _Entry) -> str:
    kind = "analysis" if isinstance(entry.declaration, Analysis) else "subgroup"
    return f"{kind} {entry.declaration.id!r}"


def _result(declaration: Analysis | Subgroup, context: Context) -> _Made:
    """Return a result, what the lock stores of it, and a digest of what it says of itself."""
    result = _computed(declaration, context)
    if not callable(getattr(result, "to_dict", None)):
        raise TypeError(f"it returns a {type(result).__name__}, which has no to_dict()")
    said = result.to_dict()
    values = as_json(said)
    if not isinstance(values, dict):
        raise TypeError("to_dict() of its result returns no dictionary")
    return result, values, digest_of(said)


def _computed(declaration: Analysis | Subgroup, context: Context) -> Result:
    if isinstance(declaration, Analysis):
        return absent_need(context) or declaration.run(context)
    settings = context.settings
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
