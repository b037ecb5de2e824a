"""The table at the end of a run: each work, what it took, and what it was to take."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

HEADS = (
    "work",
    "NumPy",
    "numba",
    "metafor",
    "ratio",
    "with numba",
    "PyMARE",
    "at least",
    "goal",
    "met",
)


@dataclass(frozen=True, slots=True)
class Target:
    """What a work is to reach.

    Attributes
    ----------
    times : float, optional
        How many times faster than metafor.
    most : float, optional
        The largest value, in the unit of the row.
    times_pymare : float, optional
        How many times faster than PyMARE.
    """

    times: float | None = None
    most: float | None = None
    times_pymare: float | None = None

    def said(self, unit: str) -> str:
        """Return the target as a cell."""
        parts = [] if self.times is None else [f"{self.times:,g} x"]
        parts += [] if self.most is None else [f"<= {_value(self.most, unit)}"]
        parts += [] if self.times_pymare is None else [f"{self.times_pymare:g} x PyMARE"]
        return ", ".join(parts) or "-"

    def met(self, value: float, metafor: float | None, pymare: float | None) -> str:
        """Return yes, no, or what is missing to tell."""
        verdicts = []
        for times, peer, name in (
            (self.times, metafor, "metafor"),
            (self.times_pymare, pymare, "PyMARE"),
        ):
            if times is not None:
                verdicts.append(f"no {name}" if peer is None else _yes(peer / value >= times))
        if self.most is not None:
            verdicts.append(_yes(value <= self.most))
        return next((word for word in verdicts if word != "yes"), "yes" if verdicts else "-")


@dataclass(frozen=True, slots=True)
class Row:
    """A work with its figures, medians in ``unit``.

    Attributes
    ----------
    work : str
    ours : float, optional
        By NumPy alone.
    compiled : float, optional
        With numba.
    metafor, pymare : float, optional
        Of the peers.
    scaled : bool
        Whether metafor's figure is that of a sample of the work, scaled up.
    unit : {"s", "MB", "arrays"}
        Seconds, megabytes, or arrays of k numbers.
    least, goal : Target
        What NumPy alone is to reach at least, and what the faster of the two is meant to.
    """

    work: str
    ours: float | None
    compiled: float | None = None
    metafor: float | None = None
    pymare: float | None = None
    scaled: bool = False
    unit: str = "s"
    least: Target = Target()
    goal: Target = Target()

    def cells(self) -> tuple[str, ...]:
        """Return the row as text, a cell a head."""
        unit, sides = self.unit, (self.ours, self.compiled)
        first, *others = [side for side in sides if side is not None]
        best = min(first, *others) if others else first
        metafor = self.metafor
        times = [None if side is None or metafor is None else metafor / side for side in sides]
        ratios = ["-" if ratio is None else f"{ratio:,.3g} x" for ratio in times]
        about = "~" if self.scaled else ""
        met = (
            self.least.met(first, metafor, self.pymare),
            self.goal.met(best, metafor, self.pymare),
        )
        return (
            self.work,
            *("-" if side is None else _value(side, unit) for side in sides),
            "-" if metafor is None else about + _value(metafor, unit),
            *ratios,
            "-" if self.pymare is None else _value(self.pymare, unit),
            self.least.said(unit),
            self.goal.said(unit),
            " / ".join(met),
        )


@dataclass(slots=True)
class Report:
    """What is printed after the last benchmark.

    Attributes
    ----------
    rows : list of Row
    notes : list of str
        What the sides computed, how results agree, cost as work grows, what limits it.
    """

    rows: list[Row] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def text(self) -> str:
        """Return the table and the notes."""
        lines = [HEADS, *(row.cells() for row in self.rows)] if self.rows else []
        return "\n".join([*aligned(lines), "", *self.notes])


def aligned(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return rows of cells as lines whose columns are below each other, the first to the left."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            f"{cell:<{width}}" if place == 0 else f"{cell:>{width}}"
            for place, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]


def _yes(met: bool) -> str:
    return "yes" if met else "no"


def _value(value: float, unit: str) -> str:
    if unit != "s":
        return f"{value:,.3g} {unit}"
    if value < 1:
        return f"{1000 * value:.3g} ms"
    return f"{value:.3g} s" if value < 1000 else f"{value:,.0f} s"
