"""Printed texts: everything in a section that a reader can read, block by block."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from html import unescape
from xml.etree import ElementTree

from comorbid.document.blocks import Block, Figure, Heading, Items, Link, Note, Paragraph, Table

_AXIS = re.compile(r"[xy]tick_\d+")
# A tick's label is a number and nothing else: 0.5, −1, 20 %, 10⁵, 3×10⁻⁵.
_TICK = re.compile(r"[-−]?\d[\d,.]*(?:×10)?[⁻⁰¹²³⁴⁵⁶⁷⁸⁹]*\s?%?")
_PAPER = re.compile(r"\D+ \d{4}[a-z]?")  # Higgins 2003
_SVG = "{http://www.w3.org/2000/svg}"
_UNREAD = tuple(f"{_SVG}{name}" for name in ("metadata", "defs", "style", "title", "desc"))
_MOVED = re.compile(r"translate\(\S+?[ ,]+([-\d.]+)\)")


@dataclass(frozen=True, slots=True)
class Printed:
    """A text that a reader can read.

    Parameters
    ----------
    text : str
    row : str
        The first cell of its row, for a cell of a table; what stands at its height in a figure.
    drawn : bool
        Whether it stands in a figure, where texts are broken into lines and shortened.
    named_in : str
        Where rows are named whose values it may print, if not in the text itself.
    head : str
        Of its column, for a cell of a table.
    addresses : tuple of str
        Texts of links in it that show no more than where they lead.
    """

    text: str
    row: str = ""
    drawn: bool = False
    named_in: str = ""
    head: str = ""
    addresses: tuple[str, ...] = ()


def printed_texts(blocks: Iterable[Block]) -> Iterator[Printed]:
    """Yield every text of the blocks but the labels of axes."""
    for block in blocks:
        match block:
            case Heading() | Paragraph():
                yield _printed(block.text)
            case Items():
                yield from map(_printed, block.items)
            case Note():
                yield from map(_printed, (block.title, block.text))
            case Table():
                yield from map(_printed, (block.caption, *block.header, block.note))
                for row in block.rows:
                    head = _printed(row[0]).text
                    yield from (
                        replace(_printed(cell), row=head, named_in=head, head=_printed(name).text)
                        for name, cell in zip(block.header, row, strict=True)
                    )
            case Figure():
                shown = block.parts or (block,)
                yield from map(_printed, (block.caption, *(part.alt for part in shown)))
                yield from _drawn([list(drawn_texts(part.svg)) for part in shown])


def _drawn(parts: list[list[tuple[str, float]]]) -> Iterator[Printed]:
    """Yield the texts of a figure, each with those at its height in its part of the drawing."""
    whole = "\n".join(text for part in parts for text, _ in part)
    for part in parts:
        rows: dict[float, list[str]] = {}
        for text, height in part:
            rows.setdefault(round(height, 1), []).append(text)
        for text, height in part:
            beside = "\n".join(rows[round(height, 1)])
            yield Printed(text, row=beside, drawn=True, named_in=whole)


def _printed(text: object) -> Printed:
    """Return the runs of a text as one."""
    runs = text if isinstance(text, tuple) else (text,)
    links = [run for run in runs if isinstance(run, Link)]
    return Printed(
        "".join(run if isinstance(run, str) else str(getattr(run, "text", "")) for run in runs),
        addresses=tuple(link.text for link in links if _leads_to_itself(link)),
    )


def _leads_to_itself(link: Link) -> bool:
    """Say whether a link shows no more than its own address, or the paper that it leads to."""
    is_paper = link.url.startswith("https://doi.org/") and _PAPER.fullmatch(link.text)
    return bool(is_paper) or link.text.removeprefix("doi:") in link.url


def drawn_texts(svg: str) -> Iterator[tuple[str, float]]:
    """Yield the texts of a drawing with their heights, drawn as text or as commented outlines.

    Examples
    --------
    >>> list(drawn_texts('''<svg xmlns="http://www.w3.org/2000/svg"><g id="xtick_1"><text>2</text>
    ... </g><g id="text_1"><!-- p &lt; 0.001 --><g transform="translate(3 7)"/></g>
    ... <text y="9">2.29</text></svg>'''))
    [('p < 0.001', 7.0), ('2.29', 9.0)]
    """
    # What a plugin draws in this process could do worse than an XML document can.
    builder = ElementTree.TreeBuilder(insert_comments=True)
    parser = ElementTree.XMLParser(target=builder)  # noqa: S314
    yield from _inside(ElementTree.fromstring(svg, parser=parser), on_axis=False)  # noqa: S314


def _inside(parent: ElementTree.Element, *, on_axis: bool) -> Iterator[tuple[str, float]]:
    children = list(parent)
    for i, element in enumerate(children):
        comment = callable(element.tag)
        if comment or element.tag == f"{_SVG}text":
            text = unescape(element.text or "") if comment else "".join(element.itertext())
            placed = children[i + 1] if comment and i + 1 < len(children) else element
            if not (on_axis and _TICK.fullmatch(text.strip())):
                yield text.strip(), _height(placed)
        elif element.tag not in _UNREAD:
            below_axis = on_axis or bool(_AXIS.fullmatch(element.get("id", "")))
            yield from _inside(element, on_axis=below_axis)


def _height(element: ElementTree.Element) -> float:
    moved = _MOVED.search(element.get("transform", ""))
    return float(element.get("y") or (moved[1] if moved else "nan"))
