"""The row chart: labelled rows with an interval each, columns of text, totals and notes below."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from comorbid.document.figures.axis import Axis, Span
from comorbid.document.figures.canvas import MARGIN, WIDTH, shorten, text_width
from comorbid.document.figures.numbers import aligned

Mark = Literal["square", "circle", "diamond", "bar"]

_GUTTER = 12.0
_LEAST_PLOT = 150.0


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a chart.

    Parameters
    ----------
    label : str
        One that the font can draw; shortened if it is too long.
    values : (float, float, float)
        Estimate and interval on the analysis scale; nan if there is none.
    estimate, interval : str
        The same as they print; the estimate is empty in a row that has only an interval.
    cells : tuple of str
        The further columns.
    mark : {"square", "circle", "diamond", "bar"}
        What stands at the estimate.
    share : float
        Area of the square, relative to the largest.
    remark : str
        Added to the label; never shortened.
    """

    label: str
    values: tuple[float, float, float]
    estimate: str
    interval: str
    cells: tuple[str, ...] = ()
    mark: Mark = "square"
    share: float = 1.0
    remark: str = ""

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
        return self.values[1] < axis.low, self.values[2] > axis.high


@dataclass(frozen=True, slots=True)
class Chart:
    """What is drawn, before it has a place.

    Parameters
    ----------
    heads : tuple of str
        Over the labels, the estimates, and each further column.
    rows, totals : tuple of Row
        Above and below the line.
    scale : str
        Id of the scale of the values.
    axis_label : str
        Below the axis.
    line : float
        Where the dashed line of the pooled value stands; nan for none.
    band : (float, float)
        What is shaded from top to bottom; nan for nothing.
    notes : tuple of str
        Below the chart.
    title : str
        Above it.
    """

    heads: tuple[str, ...]
    rows: tuple[Row, ...]
    totals: tuple[Row, ...]
    scale: str
    axis_label: str
    line: float = math.nan
    band: Span = (math.nan, math.nan)
    notes: tuple[str, ...] = ()
    title: str = ""


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
    pitch = min(13.5, max(9.6, 500 / len(everything)))
    size = min(8.5, 0.82 * pitch)
    starts = aligned(row.estimate for row in everything)
    estimates = tuple(
        _estimate_text(row, start) for row, start in zip(everything, starts, strict=True)
    )
    columns, right = [], WIDTH - MARGIN
    for i, head in reversed(list(enumerate(chart.heads[2:]))):
        columns.append(right)
        right -= _widest([row.cells[i] for row in everything], head, size) + _GUTTER
    left = right - _widest(estimates, chart.heads[1], size)
    most = left - 2 * _GUTTER - _LEAST_PLOT - MARGIN
    labels = _labels(chart, size, most)
    used = max(
        [text_width(chart.heads[0], size, bold=True)]
        + [text_width(text, size, bold=i >= len(chart.rows)) for i, text in enumerate(labels)]
    )
    return Layout(
        size=size,
        pitch=pitch,
        plot=(MARGIN + used + _GUTTER, left - _GUTTER),
        columns=(left, *reversed(columns)),
        labels=labels,
        estimates=estimates,
    )


def _estimate_text(row: Row, start: str) -> str:
    if not row.estimate:
        return f"{start} ({row.interval})"
    return f"{start} ({row.interval})" if row.interval else start


def _widest(texts: Sequence[str], head: str, size: float) -> float:
    return max(
        [text_width(head, size, bold=True)] + [text_width(t, size, bold=True) for t in texts]
    )


def _labels(chart: Chart, size: float, most: float) -> tuple[str, ...]:
    """Return the labels as drawn: no two alike, none wider than ``most`` points."""
    labels: list[str] = []
    for i, row in enumerate((*chart.rows, *chart.totals)):
        bold = i >= len(chart.rows)
        label = _fitted(row.label, row.remark, most, size, bold)
        if label in labels:
            label = _fitted(row.label, f" [{i + 1}]{row.remark}", most, size, bold)
        labels.append(label)
    return tuple(labels)


def _fitted(label: str, remark: str, most: float, size: float, bold: bool) -> str:
    return shorten(label, most - text_width(remark, size, bold), size, bold) + remark
