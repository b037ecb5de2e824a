"""The composition of a report: every section built, or why it could not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, get_args

from comorbid.calls import Calls
from comorbid.contributions import Context, Section
from comorbid.document.blocks import Block, Figure, Note
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import Problem, ProblemsError, ReportError
from comorbid.registry import Declared
from comorbid.report.context import restricted
from comorbid.report.guards import check_unchanged
from comorbid.report.results import Computed, raise_together

Failing = Literal["stop", "placeholder"]


def compose(
    computed: Computed, calls: Calls, *, failing: Failing = "stop"
) -> tuple[Document, tuple[Problem, ...]]:
    """Build every section.

    Parameters
    ----------
    computed : Computed
        The results.
    calls : Calls
        Makes the calls.
    failing : {"stop", "placeholder"}
        Whether failures are raised together, each with its plugin, or a section that fails
        becomes a placeholder that says why.

    Returns
    -------
    document : Document
        What a reader sees.
    failures : tuple of Problem
        Why sections are placeholders.
    """
    if failing not in get_args(Failing):
        raise ReportError(f"failing is {failing!r}; use one of {', '.join(get_args(Failing))}")
    sections = []
    errors = list(computed.failed.values())
    placeholders = 0
    for entry in computed.plan.sections:
        built = _section(entry, computed, calls)
        if isinstance(built, ProblemsError):
            errors.append(built)
            built = _placeholder(entry, built)
            placeholders += 1
        sections.append(built)
    if failing == "stop":
        raise_together(errors)
    definition = computed.plan.definition
    draft = f"Draft: {placeholders} of {len(sections)} sections could not be built. "
    document = Document(
        title=definition.title,
        subtitle=(draft if placeholders else "") + definition.subtitle,
        date=definition.date,
        sections=tuple(sections),
    )
    return document, tuple(problem for error in dict.fromkeys(errors) for problem in error.problems)


def _section(
    entry: Declared[Section], computed: Computed, calls: Calls
) -> DocumentSection | ProblemsError:
    """Return a section, or why it cannot be built."""
    section = entry.declaration
    for need in section.needs:
        if need in computed.failed:
            return computed.failed[need]
    own = restricted(computed.context, section)
    what = f"section {section.id!r}"
    where = f"{entry.origin}, {what}"
    calls.begin(what)
    try:
        blocks = calls.make(entry.origin, what, _blocks, section, own)
    except ProblemsError as error:
        return error
    finally:
        check_unchanged(computed.digests, own, where)
    if wrong := list(_wrong_blocks(blocks, where)):
        return ReportError(wrong)
    return DocumentSection(section.id, section.title, blocks, entry.origin)


def _blocks(section: Section, context: Context) -> tuple[Block, ...]:
    returned: object = section.build(context)
    if not isinstance(returned, Iterable) or isinstance(returned, str):
        raise TypeError(f"it returns a {type(returned).__name__}; return a sequence of blocks")
    return tuple(returned)


def _wrong_blocks(blocks: tuple[object, ...], where: str) -> Iterator[Problem]:
    others = sorted({type(block).__name__ for block in blocks if not isinstance(block, Block)})
    if others:
        kinds = ", ".join(kind.__name__ for kind in get_args(Block))
        yield Problem(f"{where} returns {', '.join(others)}", f"return {kinds}")
    for number, block in enumerate(blocks, start=1):
        if isinstance(block, Figure) and not block.alt.strip():
            message = f"{where}: block {number} is a figure without alternative text"
            yield Problem(message, "say in alt what the figure shows")


def _placeholder(entry: Declared[Section], error: ProblemsError) -> DocumentSection:
    section = entry.declaration
    text = "; ".join(str(problem) for problem in error.problems)
    note = Note(text, title="This section could not be built.")
    return DocumentSection(section.id, section.title, (note,), entry.origin)
