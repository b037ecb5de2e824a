"""The GOSH plot: the pooled value and I² of every subset of the studies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Span
from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MARGIN,
    PAPER,
    SHADE,
    SMALL,
    finished,
)
from comorbid.document.figures.density import COLUMNS, ROWS, count
from comorbid.document.figures.numbers import Format, format_for
from comorbid.document.figures.panel import RIGHT, Panel
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.sensitivity.subsets import Subsets

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_FEW = 256
"""Up to so many subsets each is a point; more are counted in cells."""

_BARS = 24
_FULL = 100.0
_GAP, _EDGE = 4.0, 22.0
_PITCH = 2.1
_SIDE = 54.0
_DISC = 4.0
_TICKS = tuple((float(x), f"{x} %") for x in range(0, 101, 20))


@dataclass(frozen=True, slots=True)
class _Cloud:
    """The subsets that are drawn: those with an estimate and an I².

    ``rows`` are their places in the result, ``form`` how estimates print,
    ``split`` says with and without which study the estimates differ most.
    """

    result: Subsets
    rows: Index
    x: Array
    i2: Array
    form: Format
    split: str

    @property
    def ends(self) -> Span:
        """Ends of the axis of the estimates."""
        low, high = float(self.x.min()), float(self.x.max())
        margin = 0.03 * (high - low) or 0.5
        return low - margin, high + margin

    @property
    def every(self) -> int:
        """The row of the set of all studies; -1 if it was not drawn at random."""
        found = np.flatnonzero(self.result.k[self.rows] == len(self.result.labels))
        return int(found[0]) if found.size else -1

    @property
    def few(self) -> bool:
        """Whether each subset is drawn as a point."""
        return self.x.size <= _FEW


def gosh(result: Subsets, *, title: str | None = None) -> Figure:
    r"""Draw the pooled value and I² of every subset: a graphical display of study heterogeneity.

    One symmetric cloud is what studies of one kind give. Several clouds, or one that is torn to a
    side, point to studies that differ; the words name the study with which and without which the
    subsets differ most. Up to 256 subsets are points; more are counted in cells, and shaded by the
    logarithm of their number, so that the figure stays small. The histograms at the top and at
    the right count the same subsets.

    Parameters
    ----------
    result : Subsets
        Made by `comorbid.subsets`. Subsets of one study have no I² and are left out.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Raises
    ------
    DataError
        If ``result`` is something else.
    ModelError
        If no subset has an I², or the subsets are those of a regression.

    References
    ----------
    Olkin I, Dahabreh IJ, Trikalinos TA (2012). GOSH - a graphical display of study heterogeneity.
    Research Synthesis Methods 3:214-223. doi:10.1002/jrsm.1053

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.gosh_plot import gosh
    >>> from comorbid.sensitivity.subsets import subsets
    >>> effects = cb.Effects(yi=[0.1, 0.2, 0.9], vi=[0.03, 0.08, 0.02], labels=list("ABC"),
    ...                      measure="OR")
    >>> figure = gosh(subsets(cb.pool(effects)))
    >>> print(figure.alt)
    GOSH plot of 4 subsets of 3 studies: I², from 0.0 % to 92.2 %, against pooled odds ratio, from
    1.14 to 1.81. Half of the subsets lie between 1.42 and 1.70 and between 59.7 % and 85.4 %. All
    3 studies: odds ratio 1.53, I² 83.2 %. The median odds ratio is 1.66 with C and 1.14 without.
    """
    check_type("result", result, Subsets, "give what subsets() returns")
    cloud = _cloud(result)
    return finished(
        lambda shown: _draw(cloud, shown),
        title=title,
        default=f"GOSH plot of {words.studies(len(result.labels))}",
        alt=_alt(cloud),
        caption=_caption(cloud),
    )


def _cloud(result: Subsets) -> _Cloud:
    if result.names:
        raise ModelError("the plot is of a pooled effect; give the subsets of one")
    rows = np.flatnonzero(np.isfinite(result.estimate) & np.isfinite(result.i2))
    if not rows.size:
        raise ModelError(
            "no subset has an I², which needs two studies; give the subsets of at least two"
        )
    x = result.estimate[rows]
    spread = float(x.max() - x.min()) / 4
    form = format_for(result.scale, [spread])
    return _Cloud(result, rows, x, result.i2[rows], form, _split(result, rows, form))


def _draw(cloud: _Cloud, title: str) -> Drawing:
    """Return the drawing."""
    top = _FULL + _GAP + _EDGE
    density = count(cloud.x, cloud.i2, cloud.ends, (0.0, _FULL))
    scale = cloud.form.scale
    panel = Panel(
        x=cloud.ends,
        y=(0.0, top),
        x_label=f"Pooled {words.measure(cloud.result.measure)}"
        + (", log scale" if scale == "log" else ""),
        y_label="",
        x_scale=scale,
        y_ticks=_TICKS,
        right=RIGHT - _SIDE,
        tall=_PITCH * top,
        title=title,
        key=() if cloud.few else density.key("subset", "subsets"),
        notes=_notes(cloud),
    )
    drawing, pen = panel.open()
    pen.axes.spines["left"].set_bounds(0.0, _FULL)
    _write_labels(pen)
    if cloud.few:
        _draw_points(pen, cloud)
    else:
        density.draw(pen)
    _draw_top(pen, cloud)
    _draw_side(pen, cloud)
    if cloud.every >= 0:
        place = float(cloud.x[cloud.every]), float(cloud.i2[cloud.every])
        pen.disc(*place, 9.0, "none", "all-edge", edge=PAPER, width=3.0)
        pen.disc(*place, 9.0, "none", "all", edge=INK, width=1.4)
    return drawing


def _write_labels(pen: Pen) -> None:
    """Write what the upright axis and both histograms measure."""
    pen.turned_text(MARGIN + SMALL, _FULL / 2, "I²", size=SMALL)
    pen.turned_text(MARGIN + SMALL, _FULL + _GAP + _EDGE / 2, "Subsets", size=SMALL)
    pen.text(RIGHT - _SIDE / 2 + 4, -pen.up(23), "Subsets", size=SMALL, align="center")


def _draw_points(pen: Pen, cloud: _Cloud) -> None:
    points = zip(cloud.rows.tolist(), cloud.x.tolist(), cloud.i2.tolist(), strict=True)
    for row, x, i2 in points:
        pen.disc(x, i2, _DISC, ACCENT, f"subset-{row}", edge=PAPER, width=0.4)


def _outline(numbers: Array, edges: Array) -> list[tuple[float, float]]:
    """Return the outline of a histogram whose largest bar is 1, as place and height."""
    heights = numbers / numbers.max()
    places = np.repeat(edges, 2)
    return list(zip(places.tolist(), [0.0, *np.repeat(heights, 2).tolist(), 0.0], strict=True))


def _draw_top(pen: Pen, cloud: _Cloud) -> None:
    """Draw the histogram of the estimates."""
    bins = _BARS if cloud.few else COLUMNS
    numbers, edges = np.histogram(cloud.x, bins=bins, range=cloud.ends)
    outline = _outline(numbers, edges)
    corners = [(x, _FULL + _GAP + share * _EDGE) for x, share in outline]
    pen.shape(corners, SHADE, "estimates", edge=0.3)


def _draw_side(pen: Pen, cloud: _Cloud) -> None:
    """Draw the histogram of I²."""
    bins = _BARS if cloud.few else ROWS
    numbers, edges = np.histogram(cloud.i2, bins=bins, range=(0.0, _FULL))
    outline = _outline(numbers, edges)
    left = RIGHT - _SIDE + 8
    corners = [(pen.at(left + share * (_SIDE - 8)), i2) for i2, share in outline]
    pen.shape(corners, SHADE, "i2", edge=0.3)


def _notes(cloud: _Cloud) -> tuple[str, ...]:
    """Return the lines below the figure."""
    result = cloud.result
    which = "all" if len(result) == result.total else f"{len(result):,} random ones of the"
    left_out = len(result) - cloud.x.size
    drawn = f"{cloud.x.size:,} drawn, {left_out:,} without an I²" if left_out else "all drawn"
    lines = [
        f"{words.capitalized(which)} {result.total:,} subsets of {len(result.labels)} studies: "
        f"{drawn}."
    ]
    if cloud.every >= 0:
        lines.append("Ring: all studies.")
    return (*lines, *([cloud.split] if cloud.split else []))


def _split(result: Subsets, rows: Index, form: Format) -> str:
    """Say with and without which study the estimates differ most."""
    found: list[tuple[float, str, float, float]] = []
    for label in result.labels:
        inside = result.includes(label)[rows]
        if inside.any() and not inside.all():
            a, b = (float(np.median(result.estimate[rows[half]])) for half in (inside, ~inside))
            found.append((abs(a - b), label, a, b))
    if not found:
        return ""
    _, label, a, b = max(found, key=lambda entry: entry[0])
    value = form.value
    if value(a) == value(b):
        return "With and without each study the median is the same."
    return (
        f"The median {words.measure(result.measure)} is {value(a)} with "
        f"{words.named([label])} and {value(b)} without."
    )


def _alt(cloud: _Cloud) -> str:
    """Return what the figure shows, in words."""
    result, value = cloud.result, cloud.form.value
    name = words.measure(result.measure)
    x, i2 = (np.quantile(values, (0.0, 0.25, 0.75, 1.0)) for values in (cloud.x, cloud.i2))
    sample = "" if len(result) == result.total else f", a random sample of {result.total:,},"
    every = ""
    if cloud.every >= 0:
        every = (
            f"All {len(result.labels)} studies: {name} {value(float(cloud.x[cloud.every]))}, I² "
            f"{_percent(cloud.i2[cloud.every])}."
        )
    return words.joined(
        f"GOSH plot of {prose.counted(cloud.x.size, 'subset', 'subsets')}{sample} of "
        f"{len(result.labels)} studies: I², from {_percent(i2[0])} to {_percent(i2[3])}, against "
        f"pooled {name}, from {value(float(x[0]))} to {value(float(x[3]))}.",
        f"Half of the subsets lie between {value(float(x[1]))} and {value(float(x[2]))} and "
        f"between {_percent(i2[1])} and {_percent(i2[2])}."
        if cloud.x.size > 3
        else "",
        every,
        cloud.split,
    )


def _percent(x: float) -> str:
    return prose.percent(float(x), 1)


def _caption(cloud: _Cloud) -> str:
    name = words.measure(cloud.result.measure)
    subsets = prose.counted(cloud.x.size, "subset", "subsets")
    how = "Each point is a subset" if cloud.few else "The darker a cell, the more subsets it has"
    return (
        f"I² against the pooled {name} of {subsets} of the studies. {how}; the "
        "histograms count them along each axis. Separate clouds point to studies that differ from "
        "the others."
    )
