"""The composition of a report: every section built, or why it could not be."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from operator import itemgetter
from typing import Literal, get_args

from comorbid.calls import Calls
from comorbid.contributions import Context, Section
from comorbid.document.blocks import Block, Figure, Note, Paragraph, Reference, References
from comorbid.document.document import Document, DocumentSection
from comorbid.document.numbering import broken, cited
from comorbid.errors import Problem, ProblemsError, ReportError
from comorbid.registry import Declared
from comorbid.report.context import absent_need, restricted
from comorbid.report.drawings import drawing_problems
from comorbid.report.guards import check_unchanged
from comorbid.report.results import Computed, raise_together
from comorbid.report.side_by_side import side_by_side
from comorbid.report.traced import Tracer

Failing = Literal["stop", "placeholder"]

Built = tuple[Block, ...] | ProblemsError

REFERENCES = "references"
"""Id of the section that is added where a report cites and does not place it."""


def compose(
    computed: Computed, calls: Calls, *, failing: Failing = "stop", beside: bool = False
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
        becomes a placeholder that says why. A cross-reference or citation that leads nowhere
        is a failure of its section.
    beside : bool
        Whether sections may be built in a copy of this process, which then does nothing else.

    Returns
    -------
    document : Document
        What a reader sees.
    failures : tuple of Problem
        Why sections are placeholders.
    """
    if failing not in get_args(Failing):
        raise ReportError(f"failing is {failing!r}; use one of {', '.join(get_args(Failing))}")
    sections: list[DocumentSection] = []
    reasons: dict[str, ProblemsError] = {}
    tracer = Tracer(computed.context, computed.values)

    def build(entry: Declared[Section]) -> Built:
        return _section(entry, computed, calls, tracer)

    entries = computed.plan.sections
    every = side_by_side(entries, build, calls) if beside else enumerate(map(build, entries))
    for i, built in sorted(every, key=itemgetter(0)):
        entry, section = entries[i], entries[i].declaration
        if isinstance(built, ProblemsError):
            reasons[section.id] = built
            built = (_placeholder(built),)
        sections.append(DocumentSection(section.id, section.title, built, entry.origin))
    if failing == "stop":  # before references of other sections to those that failed are missed
        raise_together([*computed.failed.values(), *reasons.values()])
    while lost := _leading_nowhere(sections, computed.context.bibliography):
        # A placeholder has no figures, so that references of other sections may now lead nowhere.
        reasons |= lost
        sections = [
            replace(s, blocks=(_placeholder(lost[s.id]),)) if s.id in lost else s for s in sections
        ]
    errors = [*computed.failed.values(), *reasons.values()]
    if failing == "stop":
        raise_together(errors)
    definition = computed.plan.definition
    draft = f"Draft: {len(reasons)} of {len(sections)} sections could not be built. "
    document = Document(
        title=definition.title,
        subtitle=(draft if reasons else "") + definition.subtitle,
        date=definition.date,
        paper=definition.paper,
        sections=tuple(_with_references(sections, computed)),
    )
    return document, tuple(problem for error in dict.fromkeys(errors) for problem in error.problems)


def _leading_nowhere(
    sections: Sequence[DocumentSection], keys: Iterable[str]
) -> dict[str, ProblemsError]:
    """Return why sections cannot be printed whose references lead nowhere, by their ids."""
    problems: dict[str, list[Problem]] = {}
    for section, problem in broken(sections, keys=keys):
        problems.setdefault(section.id, []).append(problem)
    return {id_: ReportError(found) for id_, found in problems.items()}


def _entries(keys: Iterable[str], bibliography: Mapping[str, Reference]) -> Iterator[Reference]:
    """Yield the entries of these keys; `ReportError` with each that lacks something."""
    problems: list[Problem] = []
    for key in keys:
        try:
            yield bibliography[key]
        except ReportError as error:
            problems += error.problems
    if problems:
        raise ReportError(problems)


def _with_references(
    sections: Sequence[DocumentSection], computed: Computed
) -> Iterator[DocumentSection]:
    """Yield the sections with what they cite in the references, which are added if need be."""
    entries = tuple(_entries(cited(sections), computed.context.bibliography))
    listed: Block = References(entries) if entries else Paragraph("This report cites nothing.")
    placed = False
    for section in sections:
        blocks = tuple(listed if isinstance(b, References) else b for b in section.blocks)
        placed = placed or listed in blocks
        yield replace(section, blocks=blocks)
    if entries and not placed:
        added = computed.plan.registry.find("sections", REFERENCES)
        yield DocumentSection(REFERENCES, added.declaration.title, (listed,), added.origin)


def _section(entry: Declared[Section], computed: Computed, calls: Calls, tracer: Tracer) -> Built:
    """Return the blocks of a section, or why it cannot be built."""
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
        check_unchanged(computed.digests, own, entry.origin, what)
    if wrong := list(_wrong_blocks(blocks, where)):
        return ReportError(wrong)
    if untraced := list(tracer.untraced(blocks, section, where)):
        return ReportError(untraced)
    return blocks


def _blocks(section: Section, context: Context) -> tuple[Block, ...]:
    if (absent := absent_need(context)) is not None:
        return (Note(absent.reason, title="There is nothing to report here"),)
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
        for wrong in drawing_problems(block.svg) if isinstance(block, Figure) else ():
            message = f"{where}: block {number} is a figure that cannot be shown: {wrong}"
            yield Problem(message, "draw all of it in the figure itself, without scripts")


def _placeholder(error: ProblemsError) -> Note:
    text = "; ".join(str(problem) for problem in error.problems)
    return Note(text, title="This section could not be built.")
