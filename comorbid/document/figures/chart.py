"""The row chart: labelled rows with an interval each, columns of text, totals and notes below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from comorbid.document.figures.axis import Axis, Span
from comorbid.document.figures.canvas import MARGIN, WIDTH, printable, shorten, text_width
from comorbid.document.figures.numbers import Format, aligned

Mark = Literal["square", "circle", "diamond", "bar", "heading"]
Values = tuple[float, float, float]

NONE = (math.nan, math.nan, math.nan)
"""An estimate and interval that do not exist."""

MOST_ROWS = 50
"""What fits on a page and can still be read."""

_GUTTER = 12.0
_LEAST_PLOT = 150.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a chart.

    Parameters
    ----------
    label : str
        Name of a study or group; shortened if it is too long, and told apart from others.
    values : (float, float, float)
        Estimate and interval on the analysis scale; nan if there is none.
    cells : tuple of str
        The further columns.
    mark : {"square", "circle", "diamond", "bar", "heading"}
        What stands at the estimate; a heading opens a group of rows, with a line above it.
    share : float
        Area of the square, relative to the largest.
    remark : str
        Added to the label; never shortened.
    bold : bool
        Whether its texts are bold.
    opens : bool
        Whether it is a group by itself, with a line above it as a heading has.
    within : str
        The heading below which no other row may have its label; empty for the whole chart.
    fitted : (float, float, float)
        Drawn behind it: what a model expects there, with its interval; nan for nothing.
    points : tuple of (float, float)
        Estimates that share the row, each with its area relative to the largest.
    """

    label: str
    values: Values
    cells: tuple[str, ...] = ()
    mark: Mark = "square"
    share: float = 1.0
    remark: str = ""
    bold: bool = False
    opens: bool = False
    within: str = ""
    fitted: Values = NONE
    points: tuple[tuple[float, float], ...] = ()

    @property
    def ends(self) -> Span:
        """Ends of the interval."""
        return self.values[1], self.values[2]

    @property
    def drawn(self) -> bool:
        """Whether there is an interval to draw."""
        return all(map(math.isfinite, self.ends))

    def beyond(self, axis: Axis) -> tuple[bool, bool]:
        """Say whether the interval goes on to the left and to the right of the axis."""
        return beyond(self.ends, axis)


def beyond(ends: Span, axis: Axis) -> tuple[bool, bool]:
    """Say whether an interval goes on to the left and to the right of an axis."""
    return ends[0] < axis.low, ends[1] > axis.high


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, before it has a place.

    Parameters
    ----------
    heads : tuple of str
        Over the labels, the estimates, and each further column.
    rows, totals : tuple of Row
        Above and below the line.
    form : Format
        How values print, and their scale.
    axis_label : str
        Below the axis.
    null : float
        Where the line of no association stands; nan for none.
    line : float
        Where the dashed line of the pooled value stands; nan for none.
    band : (float, float)
        What is shaded from top to bottom; nan for nothing.
    notes : tuple of str
        Below the chart.
    first : int
        Number of its first row in the chart that it is a part of.
    """

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    totals: tuple[Row, ...]
    form: Format
    axis_label: str
    null: float = math.nan
    line: float = math.nan
    band: Span = (math.nan, math.nan)
    notes: tuple[str, ...] = ()
    first: int = 0


@dataclass(frozen=True, slots=True)
class Layout:
    """Where everything stands. Lengths in points, from the left and from the top.

    ``plot`` is the left and right end of the axis, ``columns`` the left edge of the estimates and
    the right edge of each further column; ``labels`` and ``estimates`` are those of rows and
    totals, as drawn.
    """

    size: float
    pitch: float
    plot: tuple[float, float]
    columns: tuple[float, ...]
    labels: tuple[str, ...]
    estimates: tuple[str, ...]

    @property
    def width(self) -> float:
        """Length of the axis."""
        return self.plot[1] - self.plot[0]


def lay_out(chart: Chart) -> Layout:
    """Return the layout: columns as wide as their texts, labels cut so that the plot has room."""
    everything = (*chart.rows, *chart.totals)
    pitch = min(13.5, 500 / min(len(everything), MOST_ROWS))
    size = min(8.5, 0.82 * pitch)
    estimates = _estimates(everything, chart.form)
    columns, right = [], WIDTH - MARGIN
    for i, head in reversed(list(enumerate(chart.heads[2:]))):
        columns.append(right)
        right -= _widest([row.cells[i] for row in everything], head, size) + _GUTTER
    left = right - _widest(estimates, chart.heads[1], size)
    most = left - 2 * _GUTTER - _LEAST_PLOT - MARGIN
    labels = _labels(everything, size, most)
    used = max(
        [text_width(chart.heads[0], size=size, bold=True)]
        + [
            text_width(t, size=size, bold=row.bold)
            for t, row in zip(labels, everything, strict=True)
        ]
    )
    return Layout(
        size=size,
        pitch=pitch,
        plot=(MARGIN + used + _GUTTER, left - _GUTTER),
        columns=(left, *reversed(columns)),
        labels=labels,
        estimates=estimates,
    )


def _estimates(rows: Sequence[Row], form: Format) -> tuple[str, ...]:
    """Return the estimates with their intervals in brackets."""
    bare = [row.mark == "bar" or bool(row.points) for row in rows]
    starts = aligned(
        "" if none else form.value(row.values[0]) for none, row in zip(bare, rows, strict=True)
    )
    return tuple(
        _estimate(row, start, form.interval(*row.ends))
        for row, start in zip(rows, starts, strict=True)
    )


def _estimate(row: Row, start: str, interval: str) -> str:
    if row.mark == "heading" or row.points:
        return ""
    return start if math.isnan(row.values[0]) else f"{start} ({interval})"


def _widest(texts: Sequence[str], head: str, size: float) -> float:
    return max(
        [text_width(head, size=size, bold=True)]
        + [text_width(t, size=size, bold=True) for t in texts]
    )


def _labels(rows: Sequence[Row], size: float, most: float) -> tuple[str, ...]:
    """Return the labels as drawn: no two names alike, none wider than ``most`` points."""
    labels: list[str] = []
    seen: set[tuple[str, str]] = set()
    for i, row in enumerate(rows):
        name = printable(row.label)
        label = _fitted(name, row.remark, most, size, row.bold)
        if name and (row.within, label) in seen:
            label = _fitted(name, f" [{i + 1}]{row.remark}", most, size, row.bold)
        seen.add((row.within, label))
        labels.append(label)
    return tuple(labels)


def _fitted(name: str, remark: str, most: float, size: float, bold: bool) -> str:
    return shorten(name, most - text_width(remark, size=size, bold=bold), size, bold) + remark
