"""Painting: a figure of comorbid as a PDF page shows it, its words as text.

WeasyPrint draws any SVG, and sets its text letter by letter. What matplotlib writes is a small
part of SVG and can be painted in a tenth of the time; all other drawings are WeasyPrint's.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from dataclasses import dataclass, field

from comorbid.document.figures.lettering import GROUPS, UNITS, letter
from comorbid.report.render.operators import (
    PLAIN,
    Matrix,
    Style,
    UnpaintedError,
    color,
    matrix,
    number,
    numbers,
    path,
    pen,
    properties,
    times,
)

_SVG = "{http://www.w3.org/2000/svg}"
_LINK = "{http://www.w3.org/1999/xlink}href"
_SHEET = "*{stroke-linejoin: round; stroke-linecap: butt}"
_EACH = {"stroke-linejoin": "round", "stroke-linecap": "butt"}
_NOT_SHOWN = {f"{_SVG}{tag}" for tag in ("title", "metadata", "defs")}
_ROOT = {"width", "height", "viewBox", "version", "id"}
_ANY = {"id", "style", "transform", "clip-path"}
_KNOWN = {
    f"{_SVG}g": _ANY,
    f"{_SVG}path": {*_ANY, "d"},
    f"{_SVG}use": {*_ANY, "x", "y", _LINK},
}
_SIDES = ("x", "y", "width", "height")
_NAME = re.compile(r"[rb][0-9a-f]{2,5}")
_URL = re.compile(r"url\(#([^)]+)\)")
# Corners of matplotlib are never sharper.
_START = "4 M"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of text.

    Parameters
    ----------
    letters : tuple of (str, float)
        Each with its distance from the left end, in the size of the font.
    bold : bool
        Whether it is set in bold.
    place : tuple of float
        The matrix from the size of the font to the drawing.
    """

    letters: tuple[tuple[str, float], ...]
    bold: bool
    place: Matrix


@dataclass(frozen=True, slots=True)
class Painting:
    """A drawing as a page shows it.

    Parameters
    ----------
    width, height : float
        In points, the units of the drawing.
    parts : tuple of str or Line
        Operators, and lines of text between them.
    """

    width: float
    height: float
    parts: tuple[str | Line, ...]


def painting(svg: str) -> Painting | None:
    """Return the painting of an SVG document; None if it holds what comorbid's figures do not.

    Examples
    --------
    >>> import comorbid as cb
    >>> figure = cb.figures.forest(cb.pool(cb.Effects(yi=[0.1, 0.3], vi=[0.2, 0.1])))
    >>> lines = [part for part in painting(figure.svg).parts if isinstance(part, Line)]
    >>> "0.23 (−0.96 to 1.43)" in ["".join(char for char, _ in line.letters) for line in lines]
    True
    >>> painting('<svg xmlns="http://www.w3.org/2000/svg"><circle r="3"/></svg>') is None
    True
    """
    try:
        # WeasyPrint parses it the same way.
        return _Painter(ET.fromstring(svg)).painting()  # noqa: S314
    except (ET.ParseError, UnpaintedError):
        return None


@dataclass(slots=True)
class _Painter:
    """Paints one drawing; knows what its page would paint with next."""

    root: ET.Element
    parts: list[str | Line] = field(default_factory=lambda: [_START])
    bounds: str = ""
    now: dict[str, str] = field(default_factory=dict)
    defined: dict[str, ET.Element] = field(default_factory=dict)
    letters: dict[str, bool] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.defined = {node.attrib["id"]: node for node in self.root.iter() if node.get("id")}
        for bold, name in GROUPS.items():
            inside = [node.get("id", "") for node in self.defined.get(name, ())]
            self.letters.update((id_, bold) for id_ in inside if _NAME.fullmatch(id_))

    def painting(self) -> Painting:
        """Return the whole."""
        width, height = (self.root.get(side, "").removesuffix("pt") for side in _SIDES[2:])
        if (
            self.root.tag != f"{_SVG}svg"
            or not set(self.root.attrib) <= _ROOT
            or self.root.get("viewBox") != f"0 0 {width} {height}"
            or any(style.text != _SHEET for style in self.root.iter(f"{_SVG}style"))
            or not number(width) > 0 < number(height)
        ):
            raise UnpaintedError
        for node in self.root:
            self._paint(node, PLAIN, {}, "")
        self._bound("")
        return Painting(float(width), float(height), tuple(self._joined()))

    def _joined(self) -> Iterator[str | Line]:
        """Yield lines of text, and all operators between two of them as one."""
        between: list[str] = []
        for part in [*self.parts, ""]:
            if isinstance(part, Line):
                yield "\n".join(between)
                yield part
                between = []
            else:
                between.append(part)
        yield "\n".join(between)

    def _paint(self, node: ET.Element, place: Matrix, style: Style, bounds: str) -> None:
        """Paint what a node shows, in the place, style and bounds of what it stands in."""
        if node.tag in _NOT_SHOWN:
            return
        if node.tag not in _KNOWN or not node.attrib.keys() <= _KNOWN[node.tag]:
            raise UnpaintedError
        style = {**style, **_EACH, **properties(node.get("style", ""))}
        if "transform" in node.attrib:
            place = times(matrix(node.attrib["transform"]), place)
        if "clip-path" in node.attrib:
            bounds = self._bounds(node.attrib["clip-path"], place, bounds)
        if node.tag == f"{_SVG}use":
            self._use(node, place, style, bounds)
        elif node.tag == f"{_SVG}path":
            self._bound(bounds)
            self._shape(node.get("d", ""), place, style)
        elif self._is_line(node, style):
            self._bound(bounds)
            self._write(node, place, style)
        else:
            for child in node:
                self._paint(child, place, style, bounds)

    def _use(self, node: ET.Element, place: Matrix, style: Style, bounds: str) -> None:
        """Paint a mark that is defined elsewhere."""
        mark = self.defined.get(node.get(_LINK, "").removeprefix("#"))
        if mark is None or mark.tag != f"{_SVG}path":
            raise UnpaintedError
        moved: Matrix = (1, 0, 0, 1, number(node.get("x", "0")), number(node.get("y", "0")))
        self._paint(mark, times(moved, place), style, bounds)

    def _is_line(self, node: ET.Element, style: Style) -> bool:
        """Say whether a group is a line of letters in one weight, and nothing else."""
        weights = {self.letters.get(use.get(_LINK, "")[1:]) for use in node}
        return (
            len(weights) == 1
            and None not in weights
            and all(use.tag == f"{_SVG}use" and use.attrib.keys() <= {_LINK, "x"} for use in node)
            and "stroke" not in style
        )

    def _write(self, node: ET.Element, place: Matrix, style: Style) -> None:
        """Write a line of letters."""
        names = [use.attrib[_LINK][1:] for use in node]
        across = [number(use.get("x", "0")) / UNITS for use in node]
        letters = tuple(zip(map(letter, names), across, strict=True))
        self._set("fill", color(style.get("fill", "#000000"), "rg"))
        whole = times((UNITS, 0, 0, UNITS, 0, 0), place)
        self.parts.append(Line(letters, self.letters[names[0]], whole))

    def _shape(self, d: str, place: Matrix, style: Style) -> None:
        """Fill a path, and draw its outline."""
        fill, stroke = style.get("fill", "#000000"), style.get("stroke", "none")
        if fill == stroke == "none":
            return
        if fill != "none":
            self._set("fill", color(fill, "rg"))
        if stroke != "none":
            self._set("stroke", color(stroke, "RG"))
            for name, operator in pen(style).items():
                self._set(name, operator)
        painted = f"{path(d)}\n{'f' if stroke == 'none' else 'S' if fill == 'none' else 'B'}"
        moved = f"q {numbers(place)} cm\n{painted}\nQ"
        self.parts.append(painted if place == PLAIN else moved)

    def _set(self, name: str, operator: str) -> None:
        """Set what the page paints with, unless it does already."""
        if self.now.get(name) != operator:
            self.now[name] = operator
            self.parts.append(operator)

    def _bounds(self, url: str, place: Matrix, outer: str) -> str:
        """Return the path of the bounds at a URL: a rectangle or a shape, not moved, one only."""
        found = _URL.fullmatch(url)
        clip = self.defined.get(found[1]) if found else None
        if clip is None or clip.tag != f"{_SVG}clipPath" or len(clip) != 1 or len(clip.attrib) != 1:
            raise UnpaintedError
        (shape,) = clip
        if shape.tag == f"{_SVG}rect" and shape.attrib.keys() == set(_SIDES):
            bounds = f"{numbers(number(shape.attrib[side]) for side in _SIDES)} re"
        elif shape.tag == f"{_SVG}path" and shape.attrib.keys() == {"d"}:
            bounds = path(shape.attrib["d"])
        else:
            raise UnpaintedError
        if place != PLAIN or outer not in ("", bounds):
            raise UnpaintedError
        return bounds

    def _bound(self, bounds: str) -> None:
        """Paint what follows within these bounds only."""
        if bounds == self.bounds:
            return
        if self.bounds:
            self.parts.append("Q")
        if bounds:
            self.parts.append(f"q\n{bounds}\nW n")
        self.bounds, self.now = bounds, {}
