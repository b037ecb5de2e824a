"""The options of a report's analyses: what ``[analyses.ID]`` says, checked by who takes them."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from comorbid.contributions import Analysis, Subgroup
from comorbid.errors import Problem, ReportError
from comorbid.options import WANTED, OptionValue, read_option
from comorbid.registry import Declared
from comorbid.report.definition import FILE

Options = Mapping[str, Mapping[str, OptionValue | None]]


def read_options(
    given: Mapping[str, Mapping[str, Any]],
    *,
    declared: Iterable[Declared[Analysis]],
    needed: Iterable[Declared[Analysis | Subgroup]],
) -> Options:
    """Return the options of every analysis that a report needs, by its id.

    Parameters
    ----------
    given : mapping of str to mapping
        What the report says, by id of the analysis.
    declared : iterable of Declared
        All analyses. Options of one that no section needs are checked, and not used.
    needed : iterable of Declared
        Those that sections need.

    Raises
    ------
    ReportError
        With every analysis and option that does not exist (and the nearest that does), every
        value of another kind and every required one that is missing.
    """
    analyses = {entry.declaration.id: entry.declaration for entry in declared}
    problems = list(_unknown(given, analyses))
    found = {}
    for entry in needed:
        if isinstance(entry.declaration, Analysis):
            own = entry.declaration
            found[own.id] = _values(own, given.get(own.id, {}))
            problems += _missing(own, given.get(own.id, {}))
    for id_ in given:
        if id_ in analyses:
            problems += _wrong(analyses[id_], given[id_])
    if problems:
        raise ReportError(problems)
    return MappingProxyType(found)


def refuse_unused(given: Iterable[str], *, used: Iterable[str]) -> None:
    """Raise `ReportError` where a report sets options of analyses that none of its sections uses.

    Only the analysis itself can say all that may be wrong with them, and it is not run.
    """
    remedy = "add a section that does, or leave its options out"
    lost = [id_ for id_ in given if id_ not in set(used)]
    if lost:
        raise ReportError(
            [_problem("no section of the report uses it", remedy, id_) for id_ in lost]
        )


def _values(analysis: Analysis, given: Mapping[str, Any]) -> Mapping[str, OptionValue | None]:
    return MappingProxyType(
        {
            option.name: read_option(option.kind, given[option.name])
            if option.name in given
            else option.default
            for option in analysis.options
        }
    )


def _unknown(given: Iterable[str], analyses: Mapping[str, Analysis]) -> Iterator[Problem]:
    taking = sorted(id_ for id_, analysis in analyses.items() if analysis.options)
    for id_ in given:
        if id_ not in analyses:
            known = f"those with options: {', '.join(taking) or 'none'}"
            yield _problem(f"no analysis {id_!r}", _near(id_, analyses, known), id_)


def _missing(analysis: Analysis, given: Iterable[str]) -> Iterator[Problem]:
    for option in analysis.options:
        if option.required and option.name not in given:
            message = f"no {option.name}, {option.description}"
            yield _problem(message, f"give {WANTED[option.kind]}", analysis.id)


def _wrong(analysis: Analysis, given: Mapping[str, Any]) -> Iterator[Problem]:
    kinds = {option.name: option.kind for option in analysis.options}
    for name, value in given.items():
        if name not in kinds:
            known = f"it takes {', '.join(kinds) or 'no options'}"
            yield _problem(f"unknown option {name!r}", _near(name, kinds, known), analysis.id)
        elif read_option(kinds[name], value) is None:
            yield _problem(f"{name} is {value!r}", f"give {WANTED[kinds[name]]}", analysis.id)


def _near(name: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]!r}?" if near else otherwise


def _problem(message: str, remedy: str, id_: str) -> Problem:
    return Problem(f"[analyses.{id_}]: {message}", remedy, file=FILE)
