"""Drawing a chart: its intervals by forestplot, and everything else laid over them."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

from comorbid.document.blocks import Figure
from comorbid.document.figures.axis import Axis, label_axis, span
from comorbid.document.figures.canvas import (
    ACCENT,
    HAIRLINE,
    INK,
    MARGIN,
    MUTED,
    PALE,
    SHADE,
    SMALL,
    WIDTH,
    finished,
    one_line,
    own_settings,
)
from comorbid.document.figures.chart import Chart, Layout, Row, Values, beyond, lay_out
from comorbid.document.figures.fence import draw_intervals
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.parts import parts_of, together
from comorbid.document.figures.pen import AXIS, LINE, Align, Pen

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_TOP = 3.0
_HEAD_ROWS = 1.3
_FOOT_ROWS = 0.65
_FIRST_TOTAL = -1.45
_LEAST_POINT = 2.4
_BEYOND = "An arrow marks an interval that reaches beyond the axis."
_CUT = "A pale shape that the axis cuts off reaches beyond it."


def chart_figure(
    chart: Chart, *, title: str | None, default: str, alt: Callable[[Layout], str], caption: str
) -> Figure:
    """Return the figure of a chart; its alternative text may depend on how it is laid out.

    A chart that is too long for a page is drawn in parts.
    """
    with own_settings():
        layout = lay_out(chart)
        axis = _axis(chart, layout)

    def drawn(part: Chart, title: str | None, words: str) -> Figure:
        return finished(
            lambda shown: _draw(part, layout, axis, shown),
            title=title,
            default=default,
            alt=words,
            caption="",
        )

    first, *others = parts_of(chart)
    rest = [drawn(part, "", _continued(part)) for part in others]
    return together([drawn(first, title, alt(layout)), *rest], caption)


def _continued(part: Chart) -> str:
    """Return what stands for a further part of a chart."""
    labels = [one_line(row.label) for row in part.rows if row.label]
    return f"Continued: {labels[0]} to {labels[-1]}."


def _draw(chart: Chart, layout: Layout, axis: Axis, shown: str) -> Drawing:
    """Return the drawing of a chart, or of a part of one, below a title."""
    low, high = _bottom(chart), len(chart.rows) - 0.5 + _HEAD_ROWS
    frame = open_frame(
        shown,
        (*chart.notes, *_cut(chart, axis)),
        tall=(high - low) * layout.pitch,
        above=_TOP,
        below=AXIS,
    )
    axes = frame.axes(layout.plot[0], layout.width)
    pen = Pen(axes, axis, layout.width, layout.pitch)
    _draw_rows(pen, chart)
    axes.set_ylim(low, high)
    _draw_lines(pen, chart)
    pen.x_axis(chart.axis_label, sum(layout.plot) / 2, low)
    _write_columns(pen, chart, layout)
    frame.write(pen)
    return frame.drawing


def _axis(chart: Chart, layout: Layout) -> Axis:
    """Return the axis on which all estimates and most intervals can be read."""
    rows = (*chart.rows, *chart.totals)
    ends = span(
        [x for row in rows for x in (row.values[0], row.fitted[0], *(x for x, _ in row.points))],
        [row.ends for row in rows if row.mark in ("square", "circle")],
        pooled=[
            *(row.ends for row in rows if row.mark in ("diamond", "bar")),
            *(row.fitted[1:] for row in rows),
        ],
        scale=chart.form.scale,
        null=chart.null,
    )
    return label_axis(ends, chart.form.scale, width=layout.width, size=SMALL)


def _cut(chart: Chart, axis: Axis) -> Iterator[str]:
    """Yield what is to be said of intervals that go on beyond the axis."""
    rows = (*chart.rows, *chart.totals)
    if any(cut for row in rows for cut in row.beyond(axis)):
        yield _BEYOND
    if any(cut for row in rows for cut in beyond(row.fitted[1:], axis)):
        yield _CUT


def _bottom(chart: Chart) -> float:
    """Return the height of the axis line."""
    last = _FIRST_TOTAL - (len(chart.totals) - 1) if chart.totals else 0.0
    return last - _FOOT_ROWS


def _heights(chart: Chart) -> Iterator[tuple[int, float, Row]]:
    """Yield each row with its number and the height at which it stands."""
    for i, row in enumerate(chart.rows):
        yield chart.first + i, float(len(chart.rows) - 1 - i), row
    for i, row in enumerate(chart.totals):
        yield chart.first + len(chart.rows) + i, _FIRST_TOTAL - i, row


def _draw_rows(pen: Pen, chart: Chart) -> None:
    """Draw the intervals of the rows by forestplot, then every row's mark."""
    axis = pen.axis
    shown = [
        (axis.clip(x), axis.clip(a), axis.clip(b)) for x, a, b in (r.values for r in chart.rows)
    ]
    if any(row.drawn for row in chart.rows):
        lines = draw_intervals(pen.axes, shown, axis=axis, color=INK, width=LINE)
        lines.set_gid("intervals")
        lines.set_zorder(4)
        lines.set_segments(
            [
                part
                for part, row in zip(lines.get_segments(), reversed(chart.rows), strict=True)
                if row.drawn and row.mark in ("square", "circle")
            ]
        )
    else:
        pen.axes.set_xlim(axis.low, axis.high)
    for i, height, row in _heights(chart):
        if math.isfinite(row.fitted[0]):
            pen.area(_diamond(row.fitted, height, 0.46), PALE, f"fitted-{i}", clip=True)
        for j, (x, share) in enumerate(row.points):
            size = max(_LEAST_POINT, 0.8 * pen.pitch * math.sqrt(share))
            pen.disc(x, height, size, SHADE, f"point-{i}-{j}", edge=INK)
        if row.drawn:
            _draw_mark(pen, row, i, height)
            _draw_arrows(pen, row, i, height)


def _draw_mark(pen: Pen, row: Row, i: int, height: float) -> None:
    x, low, high = row.values
    name = f"{row.mark}-{i}"
    if row.mark == "diamond":
        edge = 0.5 if (high - low) / pen.across(1) > 3 else 1.6
        pen.shape(_diamond(row.values, height, 0.34), ACCENT, name, clip=True, edge=edge)
    elif row.mark == "bar":
        ends = pen.axis.clip(low), pen.axis.clip(high)
        middle, length = sum(ends) / 2, (ends[1] - ends[0]) * pen.width / pen.axis.reach
        pen.shape(pen.box(middle, height, length, 0.24 * pen.pitch), ACCENT, name, edge=0.5)
    elif row.mark == "square":
        side = 0.8 * pen.pitch * math.sqrt(row.share)
        pen.shape(pen.box(x, height, side, side), SHADE, name)
        tick = pen.box(x, height, LINE, max(3.0, 0.26 * pen.pitch))
        pen.shape(tick, INK, f"estimate-{i}")
    else:
        pen.disc(x, height, 4.4, ACCENT, name)


def _diamond(values: Values, height: float, half: float) -> list[tuple[float, float]]:
    """Return the corners of a diamond as wide as an interval, highest at its estimate."""
    x, low, high = values
    return [(low, height), (x, height + half), (high, height), (x, height - half)]


def _draw_arrows(pen: Pen, row: Row, i: int, height: float) -> None:
    """Draw an arrow where the interval goes on beyond the axis."""
    color = INK if row.mark in ("square", "circle") else ACCENT
    sides = zip(("left", "right"), (pen.axis.low, pen.axis.high), (-1, 1), strict=True)
    for cut, (name, end, way) in zip(row.beyond(pen.axis), sides, strict=True):
        if cut:
            half = pen.up(2.6)
            corners = [
                (end, height - half),
                (end, height + half),
                (end + way * pen.across(5), height),
            ]
            pen.shape(corners, color, f"arrow-{name}-{i}")


def _draw_lines(pen: Pen, chart: Chart) -> None:
    """Draw the line of no association, that of the pooled value, and the band."""
    low, top = _bottom(chart), len(chart.rows) - 0.5
    a, b = map(pen.axis.clip, chart.band)
    if a < b:
        pen.area([(a, low), (b, low), (b, top), (a, top)], PALE, "band")
    if pen.axis.holds(chart.null):
        pen.line([(chart.null, low), (chart.null, top)], "null", color=MUTED, width=0.8)
    if pen.axis.holds(chart.line):
        end = _FIRST_TOTAL if chart.totals else low
        pen.line([(chart.line, end), (chart.line, top)], "pooled", color=ACCENT, dashed=True)


def _write_columns(pen: Pen, chart: Chart, layout: Layout) -> None:
    """Write heads, labels, estimates and the further columns, and rule them off."""
    top = len(chart.rows) - 0.5
    edges = (MARGIN, WIDTH - MARGIN)
    pen.rule(top + 0.12, edges, INK, 0.8)
    columns: list[tuple[float, Align]] = [(MARGIN, "left"), (layout.columns[0], "left")]
    columns += [(x, "right") for x in layout.columns[1:]]
    for (x, align), head in zip(columns, chart.heads, strict=True):
        pen.text(x, top + 0.72, head, size=layout.size, bold=True, align=align)
    if chart.totals:
        pen.rule((_FIRST_TOTAL - 0.08) / 2, edges, HAIRLINE, 0.8)
    for i, height, row in _heights(chart):
        texts = (layout.labels[i], layout.estimates[i], *row.cells)
        for (x, align), text in zip(columns, texts, strict=True):
            pen.text(x, height, text, size=layout.size, bold=row.bold, align=align)
        if (row.mark == "heading" or row.opens) and i > chart.first:
            pen.rule(height + 0.5, edges, HAIRLINE, 0.8)
