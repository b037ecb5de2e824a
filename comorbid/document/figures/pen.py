"""The pen: shapes, lines and words on axes, with sizes in points and heights in rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Literal

from comorbid.document.figures.axis import Axis
from comorbid.document.figures.canvas import (
    CAP_HEIGHT,
    INK,
    MARGIN,
    SHADE,
    SMALL,
    WIDTH,
    font,
    text_width,
)

if TYPE_CHECKING:
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis as MatplotlibAxis
    from matplotlib.transforms import Transform, TransformedPath

LINE = 1.0
"""Width of a line in points."""

LEADING = 1.35
"""From a line of text to the next, as a multiple of their size."""

AXIS = 31.0
"""Points below an axis that its labels take."""

Points = Sequence[tuple[float, float]]
Align = Literal["left", "center", "right"]


@dataclass(frozen=True, slots=True)
class Pen:
    """Draws on axes.

    Parameters
    ----------
    axes : Axes
        Where.
    axis : Axis
        Ends and labels of their x axis.
    width : float
        Length of that axis in points.
    pitch : float
        Points from a row, one unit of their y axis, to the next.

    Examples
    --------
    `drawing` makes one, and hands it to what paints:

    >>> import comorbid as cb
    >>> def paint(pen: cb.figures.Pen) -> None:
    ...     pen.line([(20, 10), (60, 10)], "edge")
    >>> cb.figures.drawing(paint, on=20, alt="A line.").svg.count('id="edge"')
    1
    """

    axes: Axes
    axis: Axis
    width: float
    pitch: float

    def across(self, points: float) -> float:
        """Return a horizontal length in units of the axis."""
        return points * self.axis.reach / self.width

    def up(self, points: float) -> float:
        """Return a vertical length in rows."""
        return points / self.pitch

    def at(self, points: float) -> float:
        """Return where on the axis a distance from the left edge of the drawing is, in points."""
        return self.axis.low + self.across(points - self._left)

    def from_left(self, x: float) -> float:
        """Return how far from the left edge of the drawing a place on the axis is, in points."""
        return self._left + (x - self.axis.low) * self.width / self.axis.reach

    @property
    def _left(self) -> float:
        """Where the axis begins, in points from the left edge of the drawing."""
        return float(self.axes.get_position().x0) * WIDTH

    def box(self, x: float, height: float, width: float, tall: float) -> Points:
        """Return the corners of a rectangle around a point; its sides in points."""
        w, h = self.across(width / 2), self.up(tall / 2)
        return [(x - w, height - h), (x + w, height - h), (x + w, height + h), (x - w, height + h)]

    def shape(
        self,
        corners: Points,
        color: str,
        name: str,
        *,
        clip: bool = False,
        edge: float = 0.0,
        outline: str = "",
        order: int = 3,
    ) -> None:
        """Fill a polygon; with ``clip`` it ends where the axis does.

        An ``edge``, in points, keeps visible what has no width of its own; ``outline`` is its
        color, if another. What has a lower ``order`` is drawn behind; lines have 2.
        """
        from matplotlib.patches import Polygon

        polygon = Polygon(corners, closed=True, facecolor=color, linewidth=edge)
        polygon.set_edgecolor((outline or color) if edge else "none")
        polygon.set_joinstyle("round")
        polygon.set_zorder(order)
        polygon.set_gid(name)
        if clip:
            self.axes.add_artist(polygon)
        else:
            self._add_whole(polygon)

    def area(
        self,
        corners: Points,
        color: str,
        name: str,
        *,
        clip: bool = False,
        outline: str = SHADE,
    ) -> None:
        """Fill a polygon behind everything else; its outline shows where a pale colour ends."""
        self.shape(corners, color, name, clip=clip, edge=0.6, outline=outline, order=0)

    def disc(
        self,
        x: float,
        height: float,
        diameter: float,
        color: str,
        name: str,
        edge: str = "none",
        width: float = 0.6,
        order: int = 5,
    ) -> None:
        """Fill a circle; its diameter and the ``width`` of its ``edge`` in points.

        Words have the ``order`` 3: those on a disc need a lower one.
        """
        from matplotlib.patches import Ellipse

        size = self.across(diameter), self.up(diameter)
        disc = Ellipse((x, height), *size, facecolor=color, edgecolor=edge, linewidth=width)
        disc.set_zorder(order)
        disc.set_gid(name)
        self._add_whole(disc)

    def line(
        self,
        ends: Points,
        name: str,
        *,
        color: str = INK,
        width: float = LINE,
        dashed: bool = False,
        dotted: bool = False,
    ) -> None:
        """Draw a line behind the shapes."""
        from matplotlib.lines import Line2D

        xs, ys = zip(*ends, strict=True)
        line = Line2D(xs, ys, color=color, linewidth=width, zorder=2)
        line.set_solid_capstyle("butt")
        if dashed:
            line.set_linestyle((0, (3.0, 2.0)))
        if dotted:
            line.set_linestyle((0, (1.0, 1.5)))
        line.set_gid(name)
        self.axes.add_artist(line)

    def rule(self, height: float, ends: tuple[float, float], color: str, width: float) -> None:
        """Draw a horizontal line between two distances from the left edge, in points."""
        from matplotlib.lines import Line2D

        line = Line2D(ends, (height, height), color=color, linewidth=width)
        line.set_transform(self._from_left())
        line.set_solid_capstyle("butt")
        self._add_whole(line)

    def text(
        self,
        x: float,
        height: float,
        text: str,
        *,
        size: float,
        bold: bool = False,
        color: str = INK,
        align: Align = "left",
    ) -> None:
        """Write a line ``x`` points from the left edge, its capitals centred on a height."""
        from comorbid.document.figures.writing import Writing

        if not text:
            return
        width = text_width(text, size=size, bold=bold)
        left = x - {"left": 0.0, "center": width / 2, "right": width}[align]
        baseline = height - self.up(CAP_HEIGHT * size / 2)
        self.axes.add_artist(Writing(text, left, baseline, font=font(size, bold), color=color))

    def turned_text(self, x: float, height: float, text: str, *, size: float) -> None:
        """Write upwards, centred on a height, the baseline ``x`` points from the left edge."""
        written = self.axes.text(x, height, text, rotation=90)
        written.set_transform(self._from_left())
        written.set_fontproperties(font(size))
        written.set(color=INK, horizontalalignment="right", verticalalignment="center")

    def x_axis(self, label: str, middle: float, height: float) -> None:
        """Draw the axis with its labels, no other edge of the plot, and what it measures."""
        axes = self.axes
        axes.set_facecolor("none")
        axes.yaxis.set_visible(False)
        for side in ("left", "right", "top"):
            axes.spines[side].set_visible(False)
        axes.spines["bottom"].set(color=INK, linewidth=0.8)
        axes.set_xticks([x for x, _ in self.axis.ticks], [text for _, text in self.axis.ticks])
        style_ticks(axes.xaxis)
        self.text(middle, height - self.up(23), label, size=SMALL, align="center")

    def y_axis(
        self, label: str, ticks: Sequence[tuple[float, str]], place: float = MARGIN + SMALL
    ) -> None:
        """Draw the axis at the left, with its labels and, at that ``place``, what it measures."""
        axes = self.axes
        axes.yaxis.set_visible(True)
        axes.spines["left"].set(visible=True, color=INK, linewidth=0.8)
        axes.set_yticks([y for y, _ in ticks], [text for _, text in ticks])
        style_ticks(axes.yaxis)
        self.turned_text(place, sum(axes.get_ylim()) / 2, label, size=SMALL)

    def _add_whole(self, artist: Artist) -> None:
        """Add what may reach beyond the axes; without bounds, matplotlib would make it some."""
        artist.set_clip_path(_no_bounds())
        self.axes.add_artist(artist)
        artist.set_clip_on(False)

    def _from_left(self) -> Transform:
        """Points from the left edge of the drawing, and heights in rows."""
        from matplotlib.transforms import Affine2D, blended_transform_factory

        drawing = self.axes.get_figure(root=True)
        if drawing is None:
            raise ValueError("the axes belong to no figure")
        points = Affine2D().scale(1 / 72) + drawing.dpi_scale_trans
        return blended_transform_factory(points, self.axes.transData)


@cache
def _no_bounds() -> TransformedPath:
    """Return the bounds of what has none: they are never used."""
    from matplotlib.path import Path
    from matplotlib.transforms import IdentityTransform, TransformedPath

    return TransformedPath(Path.unit_rectangle(), IdentityTransform())


def style_ticks(axis: MatplotlibAxis) -> None:
    """Set the ticks of an axis in the font and colours of the figures."""
    axis.set_tick_params(length=3.5, width=0.8, pad=2.5, color=INK)
    for label in axis.get_ticklabels():
        label.set_fontproperties(font(SMALL))
        label.set_color(INK)
