"""A document as one HTML file that needs nothing beside it."""

from __future__ import annotations

import base64
import functools
import hashlib
import re
import unicodedata
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from comorbid.document.blocks import Block, Figure, Table
from comorbid.document.document import Document
from comorbid.document.numbering import Numbered, numbered, problems_of
from comorbid.errors import Problem, ReportError
from comorbid.themes import JOURNAL, Theme, resource, stylesheet

_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July",
    "August", "September", "October", "November", "December",
)  # fmt: skip
_TEMPLATES = "comorbid.report:templates"
_PER_CENT = re.compile(r"(?<=\d) %")
_BRACKETS = re.compile(r"\([^()]*\)")
# Where a line may be broken.
_SPACE = re.compile(r"[^\S\xa0]+")

# Widths count in digits. A word longer than this may be broken anywhere, or it alone would
# widen its column.
_LONGEST_WORD = 24
# Text that runs on over several lines wants at least this.
_COLUMN = 18
# What fits across an A4 page in the three sizes of table print.
_NORMAL_WIDTH = 98
_DENSE_WIDTH = 120
_TIGHT_WIDTH = 134


@dataclass(frozen=True, slots=True)
class _Cell:
    text: str
    classes: str


@dataclass(frozen=True, slots=True)
class _Part:
    """A block with what its place in the document adds to it."""

    kind: str
    block: Block
    number: int = 0
    drawings: tuple[tuple[str, str], ...] = ()
    density: str = ""
    header: tuple[_Cell, ...] = ()
    rows: tuple[tuple[_Cell, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class _Section:
    id: str
    title: str
    origin: str
    parts: tuple[_Part, ...]


def render_html(document: Document, theme: Theme = JOURNAL) -> str:
    """Print a document as one self-contained HTML page.

    Style and fonts are embedded and figures are data URLs: the page asks for nothing from
    anywhere, and says so in its content security policy, which lets one script run: that by
    which the head of a table sorts its rows. All text is escaped. Figures and tables are
    numbered through the document. The same document gives the same text.

    Parameters
    ----------
    document : Document
        What to print. The first section stands before the contents.
    theme : Theme
        How it looks.

    Returns
    -------
    str
        A whole HTML document.

    Raises
    ------
    ReportError
        When section ids are not kebab-case or not unique, a figure has no alternative text, or a
        cross-reference or citation leads nowhere; all such problems at once.

    Examples
    --------
    >>> import datetime
    >>> from comorbid.document.blocks import Paragraph
    >>> from comorbid.document.document import DocumentSection
    >>> section = DocumentSection("summary", "Summary", (Paragraph("1 < 2"),), "comorbid@1.0")
    >>> html = render_html(Document("A report", datetime.date(2026, 1, 31), (section,)))
    >>> "<p>1 &lt; 2</p>" in html
    True
    """
    problems = list(_problems(document))
    if problems:
        raise ReportError(problems)
    date = document.date
    script = page_script()
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    return str(
        _template(theme).render(
            document=document,
            description=document.subtitle or document.title,
            date=f"{date.day} {_MONTHS[date.month - 1]} {date.year}",
            sections=_sections(document),
            stylesheet=stylesheet(theme),
            script=script,
            script_digest=f"sha256-{digest}",
        )
    )


@functools.cache
def page_script() -> str:
    """Return the one script of a page, by which the head of a table sorts its rows."""
    return resource(f"{_TEMPLATES}/page.js").read_text(encoding="utf-8")


def _problems(document: Document) -> Iterator[Problem]:
    from comorbid.studies.columns import TABLE_NAME  # with pandas, which the press does without

    for name, times in Counter(section.id for section in document.sections).items():
        if times > 1:
            yield Problem(f"{times} sections have the id {name!r}", "give each its own")
        if not TABLE_NAME.fullmatch(name):
            yield Problem(
                f"the section id {name!r} is not kebab-case",
                "use lower-case letters and digits with single hyphens between, as in risk-of-bias",
            )
    for section in document.sections:
        for number, block in enumerate(section.blocks, start=1):
            if isinstance(block, Figure) and not block.alt.strip():
                yield Problem(
                    f"block {number} of section {section.id!r} ({section.origin}) is a figure "
                    "without alternative text",
                    "say in alt what the figure shows",
                )
    yield from problems_of(document)


@functools.cache
def _template(theme: Theme) -> Any:
    from jinja2 import Environment, FunctionLoader, StrictUndefined

    own = (layer.templates for layer in reversed(theme.layers))
    folders = [resource(name) for name in (*own, _TEMPLATES) if name]

    def load(name: str) -> str | None:
        for folder in folders:
            if (file := folder / name).is_file():
                return file.read_text(encoding="utf-8")
        return None

    environment = Environment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=StrictUndefined,
        finalize=_together,
        keep_trailing_newline=True,
    )
    environment.filters["shorten"] = _shorten
    return environment.get_template("document.html.jinja")


def _together(value: Any) -> Any:
    """Keep a number and its per cent sign on one line; all text of a document passes here."""
    return _PER_CENT.sub("\N{NO-BREAK SPACE}%", value) if type(value) is str else value


def _sections(document: Document) -> tuple[_Section, ...]:
    return tuple(
        _Section(section.id, section.title, section.origin, tuple(map(_part, blocks)))
        for section, blocks in zip(document.sections, numbered(document), strict=True)
    )


def _part(numbered: Numbered) -> _Part:
    block, number = numbered.block, numbered.number
    kind = type(block).__name__.lower()
    match block:
        case Figure():
            shown = block.parts or (block,)
            return _Part(
                kind, block, number, drawings=tuple((_source(part), part.alt) for part in shown)
            )
        case Table():
            return _table(block, number)
        case _:
            return _Part(kind, block)


def _source(figure: Figure) -> str:
    svg = base64.b64encode(figure.svg.encode()).decode()
    return f"data:image/svg+xml;base64,{svg}"


def _table(table: Table, number: int) -> _Part:
    numeric = [name in table.numeric for name in table.header]
    kept = tuple(tuple(map(_kept, row, numeric)) for row in table.rows)
    density = _density(table.header, kept, numeric)
    rows = table.rows if density == "crammed" else kept
    return _Part(
        "table",
        table,
        number,
        density=density,
        header=tuple(map(_cell, table.header, numeric)),
        rows=tuple(tuple(map(_cell, row, numeric)) for row in rows),
    )


def _kept(text: str, numeric: bool) -> str:
    """Keep an interval on one line; its estimate may stand on the line before."""
    if not numeric:
        return text
    return _BRACKETS.sub(lambda part: part[0].replace(" ", "\N{NO-BREAK SPACE}"), text)


def _cell(text: str, numeric: bool) -> _Cell:
    classes = ["number"] if numeric else []
    if not numeric and _width(text) > _LONGEST_WORD:
        classes.append("words")
    if _longest_word(text) > _LONGEST_WORD:
        classes.append("long")
    return _Cell(text, " ".join(classes))


def _longest_word(text: str) -> float:
    return max(map(_width, _SPACE.split(text)))


def _width(text: str) -> float:
    """Estimate how wide a text runs, in digits; rather too wide than too narrow."""
    return sum(map(_character_width, text))


def _shorten(text: str, width: int) -> str:
    """Cut a title to what a running head has room for."""
    if _width(text) <= width:
        return text
    kept = text
    while kept and _width(kept) > width - 1:
        kept = kept[:-1]
    return f"{kept.rstrip()}…"


@functools.cache
def _character_width(character: str) -> float:
    if character in "mwMW@%ЖМШЩЫЮжмшщыюΩωΦΨ" or unicodedata.east_asian_width(character) in "WF":
        return 2
    if character in "().,:; \N{NO-BREAK SPACE}":
        return 0.65
    return 1.4 if character.isupper() else 1


def _density(
    header: tuple[str, ...], rows: tuple[tuple[str, ...], ...], numeric: list[bool]
) -> str:
    """Say how close a table must be set to fit across a page."""
    wanted = least = 2.0 * len(header)
    for column, (name, is_number) in enumerate(zip(header, numeric, strict=True)):
        cells = [row[column] for row in rows]
        word = max(map(_longest_word, (name, *cells)))
        line = max(map(_width, cells), default=0)
        least += min(word, _LONGEST_WORD)
        wanted += max(line if is_number else min(line, _COLUMN), min(word, _LONGEST_WORD))
    if wanted <= _NORMAL_WIDTH:
        return "normal"
    if wanted <= _DENSE_WIDTH:
        return "dense"
    return "tight" if least <= _TIGHT_WIDTH else "crammed"
