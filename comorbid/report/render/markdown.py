"""A document as Markdown: text for terminals, version control and comparing two reports."""

from __future__ import annotations

import re
from urllib.parse import quote

from comorbid.document.blocks import (
    Figure,
    Heading,
    Inline,
    Items,
    Jump,
    Link,
    Note,
    References,
    Strong,
    Table,
)
from comorbid.document.document import Document
from comorbid.document.numbering import Numbered, numbered

_SPECIAL = re.compile(r"([\\`*_{}\[\]<>#|~&])")
_LIST_START = re.compile(r"^(\d+)([.)])|^([-+])")


def render_markdown(document: Document) -> bytes:
    r"""Print a document as Markdown, in UTF-8.

    A figure is represented by its caption and its alternative text. Figures and tables are
    numbered as in the HTML.

    Parameters
    ----------
    document : Document
        What to print.

    Returns
    -------
    bytes

    Raises
    ------
    ReportError
        When a cross-reference or citation leads nowhere.

    Examples
    --------
    >>> import datetime
    >>> from comorbid.document.blocks import Paragraph
    >>> from comorbid.document.document import DocumentSection
    >>> section = DocumentSection("summary", "Summary", (Paragraph("1 * 2"),), "comorbid@1.0")
    >>> document = Document("A report", datetime.date(2026, 1, 31), (section,))
    >>> print(render_markdown(document).decode())
    # A report
    <BLANKLINE>
    2026-01-31
    <BLANKLINE>
    ## Summary
    <BLANKLINE>
    1 \* 2
    <BLANKLINE>
    """
    parts = [f"# {_text(document.title)}"]
    if document.subtitle:
        parts.append(_text(document.subtitle))
    parts.append(document.date.isoformat())
    for section, blocks in zip(document.sections, numbered(document), strict=True):
        parts.append(f"## {_text(section.title)}")
        parts += map(_block, blocks)
    return ("\n\n".join(parts) + "\n").encode()


def _block(part: Numbered) -> str:
    block, number = part.block, part.number
    match block:
        case Heading():
            return f"{'#' * (block.level + 1)} {_text(block.text)}"
        case Items():
            return "\n".join(f"- {_inline(item)}" for item in block.items)
        case Note():
            title = f" {_text(block.title)}" if block.title else ""
            return f"> **{block.kind.capitalize()}:**{title}\n>\n> {_inline(block.text)}"
        case Figure():
            caption = f" {_text(block.caption)}" if block.caption else ""
            return f"{_place(block, number)}**Figure {number}.**{caption}\n\n> {_text(block.alt)}"
        case Table():
            return _table(block, number)
        case References():
            entries = enumerate(block.entries, start=1)
            return "\n".join(
                f'{i}. <a id="reference.{i}"></a>{_inline(e.text)}' for i, e in entries
            )
        case _:
            return _inline(block.text)


def _table(table: Table, number: int) -> str:
    rule = ["---:" if name in table.numeric else "---" for name in table.header]
    rows = [[_text(cell) for cell in row] for row in (table.header, *table.rows)]
    lines = [f"| {' | '.join(cells)} |" for cells in (rows[0], rule, *rows[1:])]
    caption = f"{_place(table, number)}**Table {number}.** {_text(table.caption)}"
    note = f"\n\n{_text(table.note)}" if table.note else ""
    return f"{caption}\n\n" + "\n".join(lines) + note


def _place(block: Figure | Table, number: int) -> str:
    """Return what a link can lead to, if the block has a name that one can be made by."""
    return f'<a id="{type(block).__name__.lower()}.{number}"></a>' if block.name else ""


def _inline(text: str | tuple[Inline, ...]) -> str:
    parts = (text,) if isinstance(text, str) else text
    return _not_a_list("".join(map(_run, parts)))


def _run(part: Inline) -> str:
    match part:
        case Strong():
            return f"**{_text(part.text)}**"
        case Link():
            return f"[{_text(part.text)}](<{_address(part.url)}>)"
        case Jump():
            return f"[{_text(part.text)}](#{part.target})"
        case str():
            return _text(part)
        case _:
            raise TypeError(f"a {type(part).__name__} has no number: give what numbered() returns")


def _address(url: str) -> str:
    """Return an address with what would end it percent-encoded."""
    return re.sub(r"[\s<>\\]", lambda found: quote(found[0]), url)


def _text(text: str) -> str:
    """Return text on one line in which nothing is taken for Markdown."""
    return _SPECIAL.sub(r"\\\1", re.sub(r"\s*[\r\n]\s*", " ", text))


def _not_a_list(line: str) -> str:
    """Keep a line that begins with a number and a point, or a dash, from becoming a list."""
    return _LIST_START.sub(lambda m: f"{m[1]}\\{m[2]}" if m[1] else f"\\{m[3]}", line)
