"""Numbering: of figures, tables and references, and the links that lead to them."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from comorbid.document.blocks import (
    Block,
    Figure,
    Items,
    Note,
    Paragraph,
    References,
    Table,
)
from comorbid.document.document import Document, DocumentSection
from comorbid.document.runs import Cite, Inline, Jump, Ref
from comorbid.errors import Problem, ReportError

Text = str | tuple[Inline, ...]


@dataclass(frozen=True, slots=True)
class Numbered:
    """A block as it prints: with its number, and its cross-references and citations in words.

    Parameters
    ----------
    block : Block
        Without `Cite` and `Ref`: a `Jump` leads where they lead.
    number : int
        Of a figure or table, from 1 up; 0 for other blocks.
    """

    block: Block
    number: int = 0


@dataclass(frozen=True, slots=True)
class _Places:
    """Where cross-references and citations of a document lead."""

    named: Mapping[str, Jump]
    numbers: Mapping[str, int]


def numbered(document: Document) -> tuple[tuple[Numbered, ...], ...]:
    """Number a document's figures, tables and citations; what every renderer prints.

    Figures and tables are numbered through the document. Citations have the number of their
    entry in the references.

    Parameters
    ----------
    document : Document

    Returns
    -------
    tuple of tuple of Numbered
        One tuple a section: ``block`` is the block with every `Cite` and `Ref` replaced by text
        and jumps to an id and its caption ended by a full stop, ``number`` the figure's or
        table's number, 0 for other blocks.

    Raises
    ------
    ReportError
        If a name is given twice, or a cross-reference or citation leads nowhere; all at once.

    Examples
    --------
    >>> import datetime
    >>> import comorbid as cb
    >>> table = cb.Table(("Study",), (("Ashina 2018",),), "Studies", name="studies")
    >>> blocks = (cb.Paragraph(("See ", cb.Ref("studies"), ".")), table)
    >>> section = cb.DocumentSection("summary", "Summary", blocks, "comorbid@1.0")
    >>> document = cb.Document("A report", datetime.date(2026, 1, 31), (section,))
    >>> ((paragraph, table),) = cb.numbered(document)
    >>> paragraph.block.text
    ('See ', Jump(text='Table 1', target='table.1'), '.')
    >>> table.number
    1
    """
    problems = problems_of(document)
    if problems:
        raise ReportError(problems)
    places = _places(document.sections)
    counter: Counter[str] = Counter()
    return tuple(
        tuple(
            Numbered(
                _ended(_map_text(block, lambda text: _printed(text, places))),
                _count(block, counter),
            )
            for block in section.blocks
        )
        for section in document.sections
    )


def problems_of(document: Document) -> list[Problem]:
    """Return what is wrong with a document's names, cross-references and citations."""
    entries = _places(document.sections).numbers
    return [problem for _, problem in broken(document.sections, keys=entries)]


def broken(
    sections: Sequence[DocumentSection], *, keys: Iterable[str]
) -> Iterator[tuple[DocumentSection, Problem]]:
    """Yield each name that is given twice and each run that leads nowhere, with its section.

    ``keys`` are those that can be cited.
    """
    owners: dict[str, DocumentSection] = {}
    for section in sections:
        for name in (b.name for b in section.blocks if isinstance(b, Figure | Table) and b.name):
            if name in owners:
                where = f"{_where(section)} calls a figure or table {name!r}"
                message = f"{where}, as {_where(owners[name])} does"
                yield section, Problem(message, "give each a name of its own")
            owners.setdefault(name, section)
    known = set(keys)
    for section in sections:
        for run in _runs_of(section.blocks):
            if isinstance(run, Ref) and run.name not in owners:
                message = f"{_where(section)} refers to {run.name!r}, which is no figure or table"
                there = ", ".join(owners) or "none"
                remedy = f"name the one that is meant; named in this report: {there}"
                yield section, Problem(message, _nearest(run.name, owners, remedy))
            for key in run.keys if isinstance(run, Cite) else ():
                if key not in known:
                    message = f"{_where(section)} cites {key!r}, which is not in the bibliography"
                    remedy = (
                        "add an entry with this key to the report's own, references in report.toml"
                    )
                    yield section, Problem(message, _nearest(key, known, remedy))


def cited(sections: Iterable[DocumentSection]) -> tuple[str, ...]:
    """Return the keys cited, in order of first appearance."""
    runs = (run for section in sections for run in _runs_of(section.blocks))
    return tuple(dict.fromkeys(key for run in runs if isinstance(run, Cite) for key in run.keys))


def _places(sections: Sequence[DocumentSection]) -> _Places:
    named: dict[str, Jump] = {}
    numbers: dict[str, int] = {}
    counter: Counter[str] = Counter()
    for block in (block for section in sections for block in section.blocks):
        number = _count(block, counter)
        if isinstance(block, Figure | Table) and block.name:
            kind = type(block).__name__
            named[block.name] = Jump(f"{kind} {number}", f"{kind.lower()}.{number}")
        if isinstance(block, References):
            numbers |= {entry.key: i for i, entry in enumerate(block.entries, start=1)}
    return _Places(named, numbers)


def _count(block: Block, counter: Counter[str]) -> int:
    if not isinstance(block, Figure | Table):
        return 0
    kind = type(block).__name__
    counter[kind] += 1
    return counter[kind]


def _runs_of(blocks: Iterable[Block]) -> list[Inline]:
    found: list[Inline] = []

    def collect(text: Text) -> Text:
        found.extend((text,) if isinstance(text, str) else text)
        return text

    for block in blocks:
        _map_text(block, collect)
    return found


def _map_text(block: Block, change: Callable[[Text], Text]) -> Block:
    """Return the block with every text that may hold runs changed."""
    match block:
        case Paragraph() | Note():
            return replace(block, text=change(block.text))
        case Items():
            return replace(block, items=tuple(change(item) for item in block.items))
        case _:
            return block


def _ended(block: Block) -> Block:
    """Return a figure or table whose caption ends as a sentence does."""
    if isinstance(block, Figure | Table) and block.caption and block.caption[-1] not in ".?!…":
        return replace(block, caption=f"{block.caption}.")
    return block


def _printed(text: Text, places: _Places) -> Text:
    if isinstance(text, str):
        return text
    return tuple(printed for run in text for printed in _run(run, places))


def _run(run: Inline, places: _Places) -> Iterator[Inline]:
    match run:
        case Ref():
            yield places.named[run.name]
        case Cite():
            for i, number in enumerate(sorted(places.numbers[key] for key in run.keys)):
                yield ", " if i else "["
                yield Jump(f"{number}", f"reference.{number}")
            yield "]"
        case _:
            yield run


def _where(section: DocumentSection) -> str:
    return f"section {section.id!r} ({section.origin})"


def _nearest(wanted: str, known: Iterable[str], otherwise: str) -> str:
    near = difflib.get_close_matches(wanted, list(known), n=1)
    return f"did you mean {near[0]!r}?" if near else otherwise
