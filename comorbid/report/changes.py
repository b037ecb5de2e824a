"""Changes: the ways in which two reports differ, each with its line of text."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal

_CELLS = 4


@dataclass(frozen=True, slots=True)
class StudyChange:
    """A row of the study table that one report has and the other has not, or has otherwise.

    Attributes
    ----------
    id, label : str
    kind : {"added", "removed", "edited"}
    cells : mapping of str to (str, str)
        Old and new text of each cell that differs, by column, of an edited row.
    """

    id: str
    label: str
    kind: Literal["added", "removed", "edited"]
    cells: Mapping[str, tuple[str, str]]

    def __str__(self) -> str:
        sign = {"added": "+", "removed": "-", "edited": "~"}[self.kind]
        cells = [f"{name} {a or 'empty'} -> {b or 'empty'}" for name, (a, b) in self.cells.items()]
        more = f" and {len(cells) - _CELLS} more cells" if len(cells) > _CELLS else ""
        said = f": {', '.join(cells[:_CELLS])}{more}" if cells else ""
        return f"{sign} {self.label} ({self.id}){said}"


@dataclass(frozen=True, slots=True)
class Move:
    """A pooled number that moved.

    Attributes
    ----------
    fit, name : str
        Which fit, and what of it.
    old, new : float or None
        On the printed scale; None where there is none.
    """

    fit: str
    name: str
    old: float | None
    new: float | None

    @property
    def change(self) -> float:
        """New less old; nan if one of them is missing."""
        return math.nan if self.old is None or self.new is None else self.new - self.old

    @property
    def relative(self) -> float:
        """The change as a share of the old value; nan where that is 0."""
        return self.change / abs(self.old) if self.old else math.nan

    def __str__(self) -> str:
        line = f"{self.fit}, {self.name}: {_number(self.old)} -> {_number(self.new)}"
        if math.isnan(self.change):
            return line
        percent = 100 * self.relative
        shown = f"{percent:+,.0f}" if abs(percent) >= 10 else f"{percent:+.2g}"
        share = "" if math.isnan(percent) else f", {shown} %"
        return f"{line} ({self.change:+.3g}{share})"


@dataclass(frozen=True, slots=True)
class Crossing:
    """An interval that holds the value of no association in one report, and not in the other.

    Attributes
    ----------
    fit : str
    interval : {"confidence", "prediction"}
    null : float
        No association, on the printed scale.
    old, new : (float, float)
    """

    fit: str
    interval: Literal["confidence", "prediction"]
    null: float
    old: tuple[float, float]
    new: tuple[float, float]

    @property
    def includes(self) -> bool:
        """Whether the new interval holds it."""
        return self.new[0] <= self.null <= self.new[1]

    def __str__(self) -> str:
        old, new = _interval(self.old), _interval(self.new)
        now = "now includes" if self.includes else "no longer includes"
        return f"{self.fit}, {self.interval} interval: {old} -> {new}, {now} {self.null:g}"


@dataclass(frozen=True, slots=True)
class Turn:
    """An average that lies on the other side of no association than before.

    Attributes
    ----------
    fit : str
    null : float
        No association, on the printed scale.
    old, new : float
    old_interval, new_interval : (float, float) or None
        Confidence intervals.
    """

    fit: str
    null: float
    old: float
    new: float
    old_interval: tuple[float, float] | None
    new_interval: tuple[float, float] | None

    def __str__(self) -> str:
        pairs = ((self.old, self.old_interval), (self.new, self.new_interval))
        old, new = (_with_interval(value, ends) for value, ends in pairs)
        side = "above" if self.new > self.null else "below"
        return f"{self.fit}, average: {old} -> {new}, now {side} {self.null:g}"


@dataclass(frozen=True, slots=True)
class Change:
    """A setting, decision, plugin or version that differs; None where one report has none."""

    name: str
    old: Any
    new: Any

    def __str__(self) -> str:
        return f"{self.name}: {_shown(self.old)} -> {_shown(self.new)}"


def _number(value: float | None) -> str:
    if value is None:
        return "none"
    return f"{value:,.0f}" if float(value).is_integer() and abs(value) >= 1 else f"{value:.3g}"


def _interval(ends: tuple[float, float]) -> str:
    return f"{_number(ends[0])} to {_number(ends[1])}"


def _with_interval(value: float, ends: tuple[float, float] | None) -> str:
    return _number(value) if ends is None else f"{_number(value)} ({_interval(ends)})"


def _shown(value: Any) -> str:
    return "none" if value is None else str(value)
