"""The panel: a plot with two labelled axes, its title above, its key and its notes below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.document.figures.axis import Axis, Span, Tick, even_ticks, label_axis
from comorbid.document.figures.canvas import (
    INK,
    MARGIN,
    SMALL,
    WIDTH,
    shorten,
    text_width,
)
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.pen import AXIS, LEADING, Pen, style_ticks

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

LEFT = 46.0
"""Where a plot begins if the labels at its left have room, in points from the left."""

RIGHT = WIDTH - 20.0
"""Where a plot ends, in points from the left."""

_TOP = 6.0
_MOST_TICKS = 6
_TICK = 6.0
_SWATCH = 8.0
_BETWEEN = 14.0


@dataclass(frozen=True, slots=True)
class Swatch:
    """A piece of colour in the key, and what it stands for.

    Parameters
    ----------
    text : str
        What it stands for.
    color : str
        Of its inside.
    edge : str
        Of its outline.
    round : bool
        Whether it is a disc, as studies are, not a box.
    """

    text: str
    color: str
    edge: str = ""
    round: bool = False

    @property
    def length(self) -> float:
        """How much room it takes, in points."""
        return _SWATCH + 4 + text_width(self.text, size=SMALL)


@dataclass(frozen=True, slots=True)
class Panel:
    """A plot with two axes, before it is drawn.

    Parameters
    ----------
    x, y : (float, float)
        Ends of the axes, analysis scale.
    x_label, y_label : str
        What they measure; shortened if it is too long.
    x_scale, y_scale : str
        Ids of the scales on which they are labelled.
    x_ticks, y_ticks : tuple of (float, str)
        Positions and labels; by default round ones.
    left, right : float
        Where the plot begins at the least, and where it ends, in points from the left.
    tall : float
        Its height in points.
    title : str
        Above it.
    key : tuple of Swatch
        What its colours stand for, below it.
    notes : tuple of str
        Below that.

    Examples
    --------
    >>> import comorbid as cb
    >>> panel = cb.figures.Panel(x=(0, 1), y=(0, 1), x_label="dose", y_label="effect")
    >>> def paint(pen):
    ...     pen.disc(0.5, 0.5, 6, cb.figures.ACCENT, "point")
    >>> cb.figures.drawing(paint, on=panel, alt="One point.").svg.count('id="point"')
    1
    """

    x: Span
    y: Span
    x_label: str
    y_label: str
    x_scale: str = "identity"
    y_scale: str = "identity"
    x_ticks: tuple[Tick, ...] = ()
    y_ticks: tuple[Tick, ...] = ()
    left: float = LEFT
    right: float = RIGHT
    tall: float = 210.0
    title: str = ""
    key: tuple[Swatch, ...] = ()
    notes: tuple[str, ...] = ()

    def open(self) -> tuple[Drawing, Pen]:
        """Return the drawing with everything but what is plotted, and the pen to plot it with."""
        ticks = self.y_ticks or upright_ticks(self.y, self.y_scale)
        left = max(self.left, _room([label for _, label in ticks]))
        width, reach = self.right - left, self.y[1] - self.y[0]
        axis = self._axis(left)
        key = _key_rows(self.key)
        frame = open_frame(
            self.title,
            self.notes,
            tall=self.tall,
            above=_TOP,
            below=AXIS + SMALL * LEADING * len(key),
        )
        axes = frame.axes(left, width)
        axes.set_xlim(axis.low, axis.high)
        axes.set_ylim(*self.y)
        pen = Pen(axes, axis, width, self.tall / reach)
        middle = (left + self.right) / 2
        room = 2 * min(middle, WIDTH - middle) - 2 * MARGIN
        pen.x_axis(shorten(self.x_label, room, SMALL), middle, self.y[0])
        place = MARGIN + SMALL + max(0.0, self.left - LEFT)
        pen.y_axis(shorten(self.y_label, self.tall, SMALL), ticks, place)
        _write_key(pen, self.y[0], key)
        frame.write(pen)
        return frame.drawing, pen

    def _axis(self, left: float) -> Axis:
        """Return the axis below, without labels that would leave the page."""
        width = self.right - left
        axis = label_axis(self.x, self.x_scale, width=width, size=SMALL)
        ends = [
            left + (x - self.x[0]) / axis.reach * width + text_width(label, size=SMALL) / 2
            for x, label in self.x_ticks or axis.ticks
        ]
        kept = zip(self.x_ticks or axis.ticks, ends, strict=True)
        return Axis(*self.x, ticks=tuple(tick for tick, end in kept if end <= WIDTH))


def upright_ticks(ends: Span, scale: str = "identity") -> tuple[Tick, ...]:
    """Return at most six ticks in even steps of the printed scale."""
    return next(ticks for ticks in even_ticks(ends, scale) if len(ticks) <= _MOST_TICKS)


def _room(labels: Sequence[str]) -> float:
    """Return the points that an axis at the left needs for its labels and what it measures."""
    widest = max((text_width(label, size=SMALL) for label in labels), default=0.0)
    return MARGIN + SMALL * LEADING + 2 + widest + _TICK


def _key_rows(key: Sequence[Swatch]) -> list[list[tuple[float, Swatch]]]:
    """Return the swatches with their left ends, in rows as wide as the page."""
    rows: list[list[tuple[float, Swatch]]] = []
    x = WIDTH
    for swatch in key:
        if x + swatch.length > WIDTH - MARGIN:
            rows.append([])
            x = MARGIN
        rows[-1].append((x, swatch))
        x += swatch.length + _BETWEEN
    return rows


def _write_key(pen: Pen, bottom: float, rows: Sequence[Sequence[tuple[float, Swatch]]]) -> None:
    """Write the key below the axis that stands at a height."""
    numbered = [(i, x, swatch) for i, row in enumerate(rows) for x, swatch in row]
    for number, (i, x, swatch) in enumerate(numbered):
        height = bottom - pen.up(AXIS + SMALL * LEADING * i + SMALL / 2)
        middle = pen.at(x + _SWATCH / 2)
        if swatch.round:
            pen.disc(middle, height, 5.0, swatch.color, f"key-{number}", edge=swatch.edge or "none")
        else:
            box = pen.box(middle, height, _SWATCH, 0.8 * _SWATCH)
            edge = 0.6 if swatch.edge else 0.0
            pen.shape(box, swatch.color, f"key-{number}", edge=edge, outline=swatch.edge)
        pen.text(x + _SWATCH + 4, height, swatch.text, size=SMALL, color=INK)


def right_axis(pen: Pen, label: str, ticks: Sequence[Tick]) -> None:
    """Draw a second axis at the right, at the heights of the first, and what it measures."""
    axis = pen.axes.secondary_yaxis("right")
    axis.spines["right"].set(visible=True, color=INK, linewidth=0.8)
    axis.set_yticks([y for y, _ in ticks], [text for _, text in ticks])
    style_ticks(axis.yaxis)
    pen.turned_text(WIDTH - MARGIN, sum(pen.axes.get_ylim()) / 2, label, size=SMALL)
