"""The parts of a chart of many rows: each fits on a page, and one below the other is the whole."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from comorbid.document.blocks import Figure
from comorbid.document.figures.chart import MOST_ROWS, Chart

_BEGUN = "Continued in a further part, on the same axis."
_BETWEEN = "Continued from the part before, and in a further one, on the same axis."
_ENDED = "Continued from the part before, on the same axis."
_HEIGHT = re.compile(r'(?<=viewBox="0 0 )(\S+) (\S+)"')
_LENGTH = re.compile(r'( (?:width|height)="[\d.]+)pt"')
_ID = re.compile(r'(\bid="|href="#|url\(#)([^")]+)')


def parts_of(chart: Chart) -> tuple[Chart, ...]:
    """Return the chart, or charts of about as many rows each; the last has totals and notes."""
    edges = [0, *_breaks(chart), len(chart.rows)]
    if len(edges) == 2:
        return (chart,)
    whole = [
        replace(chart, rows=chart.rows[start:stop], first=start, totals=(), notes=())
        for start, stop in itertools.pairwise(edges)
    ]
    whole[-1] = replace(whole[-1], totals=chart.totals, notes=chart.notes)
    said = [_BEGUN, *[_BETWEEN] * (len(whole) - 2), _ENDED]
    return tuple(
        replace(part, notes=(words, *part.notes)) for part, words in zip(whole, said, strict=True)
    )


def _breaks(chart: Chart) -> Iterator[int]:
    """Yield the rows that begin a further part; a heading and what it heads stay together."""
    rows, start = chart.rows, 0
    while (left := len(rows) + len(chart.totals) - start) > MOST_ROWS:
        size = math.ceil(left / math.ceil(left / MOST_ROWS))
        stop = min(start + size, len(rows))
        while stop > start + 1 and (
            rows[stop - 1].mark == "heading"
            or (stop < len(rows) and rows[stop].mark in ("diamond", "bar"))
        ):
            stop -= 1
        if stop == len(rows):
            return
        yield stop
        start = stop


def together(parts: Sequence[Figure], caption: str) -> Figure:
    """Return the figure that is made of parts, drawn one below the other."""
    if len(parts) == 1:
        return replace(parts[0], caption=caption)
    drawings = list(_without_clashes([part.svg[part.svg.index("<svg") :] for part in parts]))
    heights = [float(_HEIGHT.findall(drawing)[0][1]) for drawing in drawings]
    opening = re.match(r"<svg[^>]*>", drawings[0])
    if opening is None:
        raise ValueError("a drawing does not begin with <svg>")
    total = f"{sum(heights):g}"
    head = _HEIGHT.sub(rf'\1 {total}"', opening[0])
    head = re.sub(r' height="[^"]+"', f' height="{total}pt"', head)
    tops = itertools.accumulate([0.0, *heights[:-1]])
    inner = (
        _LENGTH.sub(r'\1"', drawing, count=2).replace("<svg ", f'<svg y="{above:g}" ', 1)
        for drawing, above in zip(drawings, tops, strict=True)
    )
    svg = "\n".join(
        ['<?xml version="1.0" encoding="utf-8" standalone="no"?>', head, *inner, "</svg>\n"]
    )
    return Figure(svg, parts[0].alt, caption, parts=tuple(parts))


def _without_clashes(drawings: Sequence[str]) -> Iterator[str]:
    """Yield the drawings with new names for what an earlier one has under the same name."""
    seen: set[str] = set()
    for number, drawing in enumerate(drawings, start=1):
        names = {name for opening, name in _ID.findall(drawing) if opening.startswith("id")}
        clashing = names & seen
        seen |= names

        def renamed(
            match: re.Match[str], number: int = number, clashing: set[str] = clashing
        ) -> str:
            new = f"{match[2]}-part-{number}" if match[2] in clashing else match[2]
            return match[1] + new

        yield _ID.sub(renamed, drawing)
