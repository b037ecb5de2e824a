"""Operators: shapes, colours and places of an SVG as a PDF page writes them."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from types import MappingProxyType

Matrix = tuple[float, float, float, float, float, float]
Style = Mapping[str, str]

PLAIN: Matrix = (1, 0, 0, 1, 0, 0)
"""The matrix that changes nothing."""

_N = r"-?\d+(?:\.\d+)?"
_NUMBER = re.compile(_N)
_PATH = re.compile(
    rf"(?:[ML] ?{_N} {_N}\s*|Q ?{_N}(?: {_N}){{3}}\s*|C ?{_N}(?: {_N}){{5}}\s*|z\s*)+"
)
_STEP = re.compile(r"([MLQCz])([^MLQCz]*)")
_OPERATORS = {"M": "m", "L": "l", "C": "c", "Q": "c"}
_COLOR = re.compile(r"#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})")
_TURN = re.compile(rf"\s*(translate|rotate|scale)\(({_N})(?:[ ,]+({_N}))?\)")
_PROPERTIES = {
    "fill", "stroke", "stroke-width", "stroke-dasharray", "stroke-dashoffset",
    "stroke-linejoin", "stroke-linecap",
}  # fmt: skip
_CAPS = {"butt": 0, "round": 1, "square": 2}
_JOINS = {"miter": 0, "round": 1, "bevel": 2}


class UnpaintedError(Exception):
    """Raised for what has no operators here."""


def number(text: str) -> float:
    """Return a number without a unit."""
    if not _NUMBER.fullmatch(text):
        raise UnpaintedError
    return float(text)


def numbers(values: Iterable[float]) -> str:
    """Return numbers as a page writes them, without exponents."""
    return " ".join(f"{value:.6f}".rstrip("0").rstrip(".") for value in values)


def path(d: str) -> str:
    """Return the operators of the data of a path.

    Examples
    --------
    >>> path("M 1 2 L 3 4z").split()
    ['1', '2', 'm', '3', '4', 'l', 'h']
    """
    if not _PATH.fullmatch(d):
        raise UnpaintedError
    if "Q" in d:
        return "\n".join(_curved(d))
    return "\n".join(
        "h" if command == "z" else f"{values.strip()} {_OPERATORS[command]}"
        for command, values in _STEP.findall(d)
    )


def _curved(d: str) -> Iterator[str]:
    """Yield the operators of a path with curves of one control point, of which a page has two."""
    x = y = 0.0
    for command, text in _STEP.findall(d):
        if command == "z":
            yield "h"
            continue
        values = [float(value) for value in text.split()]
        if command == "Q":
            a, b, *end = values
            between = [
                (p + 2 * a) / 3 if i % 2 == 0 else (p + 2 * b) / 3
                for i, p in enumerate((x, y, *end))
            ]
            values = [*between, *end]
        x, y = values[-2:]
        yield f"{numbers(values)} {_OPERATORS[command]}"


@lru_cache(maxsize=1_000)
def properties(style: str) -> Style:
    """Return the properties of a style by their names."""
    parts = [part.partition(":") for part in style.split(";") if part.strip()]
    found = {name.strip(): value.strip() for name, _, value in parts}
    if not set(found) <= _PROPERTIES:
        raise UnpaintedError
    return MappingProxyType(found)


def pen(style: Style) -> dict[str, str]:
    """Return the operators that set how lines are drawn, by the names of properties."""
    dashes = style.get("stroke-dasharray", "none")
    array = [] if dashes == "none" else dashes.split(",")
    width = style.get("stroke-width", "1")
    offset = style.get("stroke-dashoffset", "0") if array else "0"
    cap, join = _CAPS.get(style["stroke-linecap"]), _JOINS.get(style["stroke-linejoin"])
    if cap is None or join is None or not all(map(_NUMBER.fullmatch, [*array, width, offset])):
        raise UnpaintedError
    return {
        "stroke-width": f"{width} w",
        "stroke-dasharray": f"[{' '.join(array)}] {offset} d",
        "stroke-linecap": f"{cap} J",
        "stroke-linejoin": f"{join} j",
    }


@lru_cache(maxsize=1_000)
def color(value: str, operator: str) -> str:
    """Return the operator that sets a colour.

    Examples
    --------
    >>> color("#ff0000", "rg")
    '1 0 0 rg'
    """
    found = _COLOR.fullmatch(value)
    if found is None:
        raise UnpaintedError
    return f"{numbers(int(part, 16) / 255 for part in found.groups())} {operator}"


def matrix(transform: str) -> Matrix:
    """Return what a list of moves and turns comes to.

    Examples
    --------
    >>> matrix("translate(10 20) scale(2 -2)")
    (2.0, 0.0, 0.0, -2.0, 10.0, 20.0)
    """
    whole, end = PLAIN, 0
    for turn in _TURN.finditer(transform):
        if turn.start() != end:
            raise UnpaintedError
        end = turn.end()
        whole = times(_turned(turn[1], float(turn[2]), turn[3]), whole)
    if transform[end:].strip():
        raise UnpaintedError
    return whole


def _turned(kind: str, first: float, second: str | None) -> Matrix:
    if kind == "translate":
        return (1, 0, 0, 1, first, float(second or 0))
    if kind == "scale":
        return (first, 0, 0, float(second or first), 0, 0)
    if second is not None:
        raise UnpaintedError
    cos, sin = math.cos(math.radians(first)), math.sin(math.radians(first))
    return (cos, sin, -sin, cos, 0, 0)


def times(inner: Matrix, outer: Matrix) -> Matrix:
    """Return what comes of one matrix and then another."""
    a, b, c, d, e, f = inner
    g, h, i, j, x, y = outer
    return (
        a * g + b * i, a * h + b * j, c * g + d * i, c * h + d * j,
        e * g + f * i + x, e * h + f * j + y,
    )  # fmt: skip
