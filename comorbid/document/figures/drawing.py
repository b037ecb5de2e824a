"""A figure of one's own: what a plugin draws, in the font and colours of comorbid's figures."""

from __future__ import annotations

from collections.abc import Callable

from comorbid.document.blocks import Figure
from comorbid.document.figures.axis import Axis
from comorbid.document.figures.canvas import WIDTH, new_drawing, own_settings, to_svg
from comorbid.document.figures.panel import Panel
from comorbid.document.figures.pen import Pen


def drawing(
    paint: Callable[[Pen], None], *, on: Panel | float, alt: str, caption: str = ""
) -> Figure:
    """Draw a figure of one's own.

    Parameters
    ----------
    paint : callable
        ``paint(pen)`` draws with the pen's ``line``, ``shape``, ``disc``, ``box`` and ``text``. On
        a panel their positions are in units of its axes, but for the x of a text, which is in
        points from the left; on a sheet all are in points from the lower left corner.
    on : Panel or float
        A plot with two axes, or the height in points of an empty sheet that is
        ``comorbid.figures.WIDTH`` points wide.
    alt : str
        What a reader who cannot see it needs to know, from the same numbers.
    caption : str
        What the figure shows.

    Returns
    -------
    Figure
        The same bytes for the same drawing, on one platform.

    Examples
    --------
    >>> import comorbid as cb
    >>> def paint(pen):
    ...     pen.line([(20, 30), (120, 30)], "edge")
    ...     pen.disc(20, 30, 8, cb.figures.ACCENT, "node")
    ...     pen.text(30, 45, "usual care", size=8)
    >>> figure = cb.figures.drawing(paint, on=60, alt="One treatment.")
    >>> figure.svg.count('id="node"')
    1
    """
    with own_settings():
        if isinstance(on, Panel):
            sheet, pen = on.open()
        else:
            sheet = new_drawing(on)
            axes = sheet.add_axes((0, 0, 1, 1))
            axes.set(xlim=(0, WIDTH), ylim=(0, on))
            axes.set_axis_off()
            pen = Pen(axes, Axis(0.0, WIDTH, ()), WIDTH, 1.0)
        paint(pen)
        svg = to_svg(sheet, title=caption or "Figure", description=alt)
    return Figure(svg=svg, alt=alt, caption=caption)
