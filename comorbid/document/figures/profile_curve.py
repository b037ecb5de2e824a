"""The profile curve: a log-likelihood about where it is highest, its cut and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.document.figures import words
from comorbid.document.figures.canvas import ACCENT, MUTED, PALE, PAPER
from comorbid.document.figures.panel import Panel
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

NAMES = {"ML": "log-likelihood", "REML": "restricted log-likelihood"}

_TALL = 150.0
_BELOW, _ABOVE = 1.7, 0.15


@dataclass(frozen=True, slots=True)
class Curve:
    """The log-likelihood, ``name``, of a variance or correlation, on both sides of its highest.

    ``x`` and ``height`` have shape (m,); ``peak`` is the x where it is ``top``; ``drop`` below the
    top is the cut that gives the ``interval``.
    """

    name: str
    x: Array
    height: Array
    peak: float
    top: float
    drop: float
    interval: tuple[float, float]

    @property
    def bottom(self) -> float:
        """Where the plot ends below."""
        return self.top - _BELOW * self.drop


def draw_profile(
    curve: Curve, x_label: str, *, title: str, notes: tuple[str, ...]
) -> tuple[Drawing, Pen]:
    """Draw the curve on its axes, its highest point, the cut below it and the interval."""
    panel = Panel(
        x=(float(curve.x[0]), float(curve.x[-1])),
        y=(curve.bottom, curve.top + _ABOVE * curve.drop),
        x_label=x_label,
        y_label=words.capitalized(curve.name),
        tall=_TALL,
        title=title,
        notes=notes,
    )
    drawing, pen = panel.open()
    low, high = pen.axis.clip(curve.interval[0]), pen.axis.clip(curve.interval[1])
    cut, bottom = curve.top - curve.drop, curve.bottom
    points = list(zip(curve.x.tolist(), curve.height.tolist(), strict=True))
    inside = [point for point in points if low <= point[0] <= high]
    region = [(low, bottom), *inside, (high, bottom)]
    pen.area(region, PALE, "interval", clip=True)
    pen.line([(pen.axis.low, cut), (pen.axis.high, cut)], "cut", color=MUTED, width=0.8)
    pen.line([(curve.peak, bottom), (curve.peak, curve.top)], "peak", color=ACCENT, dashed=True)
    pen.line(points, "profile", color=ACCENT, width=1.6)
    pen.disc(curve.peak, curve.top, 5.0, ACCENT, "highest", edge=PAPER)
    return drawing, pen
