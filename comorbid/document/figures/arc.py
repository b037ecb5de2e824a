"""The arc of a radial plot: where a ray from the origin meets it, its effect is marked."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.document.figures.axis import Span, Tick, tick_choices
from comorbid.document.figures.canvas import MARGIN, SMALL, WIDTH, text_width
from comorbid.document.figures.pen import LEADING, Pen

LABEL = 7.0
"""From the arc to its labels, in points."""

_MOST_TICKS = 9


@dataclass(frozen=True, slots=True)
class Arc:
    """A circle around the origin of a radial plot, on which effects are marked.

    Parameters
    ----------
    pen : Pen
        That of the plot.
    radius : float
        In points.
    middle : float
        The effect whose ray is level.
    """

    pen: Pen
    radius: float
    middle: float

    def point(self, effect: float, beyond: float = 0.0) -> tuple[float, float]:
        """Return where an effect is marked, or so many points beyond."""
        slope = effect - self.middle
        x = (self.radius + beyond) / math.hypot(self._across, self.pen.pitch * slope)
        return x, x * slope

    def at(self, height: float) -> tuple[float, float]:
        """Return the point at a height."""
        up = self.pen.pitch * height
        return math.sqrt(max(0.0, self.radius**2 - up**2)) / self._across, height

    def effect(self, height: float) -> float:
        """Return the effect that is marked at a height."""
        x, _ = self.at(height)
        return self.middle + height / x if x else math.copysign(math.inf, height)

    def crossing(self, slope: float, height: float) -> tuple[float, float]:
        """Return where a line that leaves the middle of the plot at a height meets the circle."""
        a, b = self._across**2 + (self.pen.pitch * slope) ** 2, self.pen.pitch**2 * slope * height
        c = (self.pen.pitch * height) ** 2 - self.radius**2
        x = (math.sqrt(b * b - a * c) - b) / a
        return x, slope * x + height

    def bow(self, low: float, high: float) -> list[tuple[float, float]]:
        """Return the part between two heights."""
        return [self.at(height) for height in np.linspace(low, high, 60).tolist()]

    def ticks(self, ends: Span, scale: str) -> tuple[Tick, ...]:
        """Return the closest labels between two effects that leave room between each other."""
        choices = [ticks for ticks in tick_choices(ends, scale) if ticks]
        for ticks in choices:
            if 2 <= len(ticks) <= _MOST_TICKS and self._apart(ticks) and self._on_page(ticks):
                return ticks
        single = (ticks[:1] for ticks in reversed(choices))
        return next(filter(self._on_page, single), ())

    def _apart(self, ticks: Sequence[Tick]) -> bool:
        heights = [self.point(x, LABEL)[1] * self.pen.pitch for x, _ in ticks]
        return bool(np.all(np.diff(heights) >= LEADING * SMALL))

    def _on_page(self, ticks: Sequence[Tick]) -> bool:
        """Say whether the labels leave room for what is written upwards at the right."""
        ends = [
            self.pen.from_left(self.point(x, LABEL)[0]) + text_width(label, size=SMALL)
            for x, label in ticks
        ]
        return max(ends) <= WIDTH - MARGIN - LEADING * SMALL

    @property
    def _across(self) -> float:
        """Points a unit of precision."""
        return self.pen.width / self.pen.axis.reach
