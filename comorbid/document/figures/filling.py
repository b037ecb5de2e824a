"""What trim and fill adds to a funnel plot: hollow studies, a dotted line, and words."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.document.figures import words
from comorbid.document.figures.canvas import ACCENT, PAPER
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.panel import Swatch
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.fit import Fit

if TYPE_CHECKING:
    from comorbid.bias.trim_and_fill import TrimAndFill


@dataclass(frozen=True, slots=True)
class Filling:
    """The studies that trim and fill adds to those of a fit, if it was asked at all."""

    found: TrimAndFill | None

    def check(self, fit: Fit) -> None:
        """Raise `ModelError` if they were added to another fit."""
        if self.found is None:
            return
        made = self.found.original
        if (made.effects.labels, made.estimate) != (fit.effects.labels, fit.estimate):
            raise ModelError(
                "the studies were filled in from another fit; give the fit that "
                "comorbid.trim_and_fill had"
            )

    @property
    def added(self) -> bool:
        """Whether there are any."""
        return self.found is not None and self.found.k0 > 0

    @property
    def points(self) -> tuple[Array, Array]:
        """Effects and standard errors of the studies added."""
        if self.found is None:
            return np.empty(0), np.empty(0)
        effects, k = self.found.fit.effects, self.found.original.k
        return effects.yi[k:], np.sqrt(effects.vi[k:])

    def draw(self, pen: Pen, deepest: float) -> None:
        """Draw the studies, and the value pooled with them."""
        if self.found is None or not self.added:
            return
        middle = self.found.fit.estimate
        pen.line([(middle, -deepest), (middle, 0.0)], "refitted", color=ACCENT, dotted=True)
        for i, (x, se) in enumerate(zip(*(v.tolist() for v in self.points), strict=True)):
            pen.disc(x, -se, 4.4, PAPER, f"filled-{i}", edge=ACCENT, width=1.0)

    def key(self) -> list[Swatch]:
        """Return what full and hollow markers stand for."""
        if not self.added:
            return []
        return [
            Swatch("study found", ACCENT, round=True),
            Swatch("study filled in", PAPER, edge=ACCENT, round=True),
        ]

    def note(self, form: Format) -> str:
        """Return what the dotted line is, or why there is none."""
        if self.found is None:
            return ""
        if not self.added:
            return "Trim and fill adds no study."
        return f"Dotted: pooled with the studies filled in, {form.value(self.found.fit.estimate)}."

    def sentence(self, form: Format) -> str:
        """Say which studies trim and fill adds, and what is pooled with them."""
        if self.found is None:
            return ""
        how, fit = f"Trim and fill ({self.found.estimator})", self.found.fit
        if not self.added:
            return f"{how} adds no study on the {self.found.side}."
        return (
            f"{how} adds {words.studies(self.found.k0)} on the {self.found.side}; pooled with "
            f"them: {form.value(fit.estimate)} ({form.interval(*fit.ci)})."
        )

    def caption(self) -> str:
        """Return what the hollow markers stand for."""
        if not self.added:
            return ""
        return (
            "Hollow: studies that trim and fill adds; the dotted line is the value pooled with "
            "them."
        )
