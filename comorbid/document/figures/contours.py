"""The contours of a funnel plot: regions by the significance of a study by itself."""

from __future__ import annotations

import math
from collections.abc import Sequence
from itertools import pairwise

import numpy as np

from comorbid.document import prose
from comorbid.document.figures.axis import NULL
from comorbid.document.figures.canvas import MUTED, PALE, PAPER, between
from comorbid.document.figures.numbers import fixed, normal_quantile
from comorbid.document.figures.panel import Swatch
from comorbid.document.figures.pen import Pen
from comorbid.models.fit import Fit

_DARK = "#a3bad2"


def draw_contours(pen: Pen, levels: Sequence[float], deepest: float) -> None:
    """Shade by significance, from the outside to the inside, each region over the one before."""
    if not levels:
        return
    low, high, shades = pen.axis.low, pen.axis.high, _shades(len(levels))
    corners = [(low, -deepest), (low, 0.0), (high, 0.0), (high, -deepest)]
    pen.area(corners, shades[-1], "contour-0", outline="none")
    inner = list(zip(levels, shades, strict=False))
    for i, (level, color) in enumerate(reversed(inner), 1):
        half = normal_quantile(level) * deepest
        corners = [(NULL - half, -deepest), (NULL, 0.0), (NULL + half, -deepest)]
        pen.area(corners, color, f"contour-{i}", clip=True, outline=MUTED)


def _shades(count: int) -> list[str]:
    """Return the colours of the regions between so many contours, from the inside."""
    last = count - 1
    return [PAPER, *(between(_DARK, PALE, i / last if last else 1.0) for i in range(count))]


def contours_key(levels: Sequence[float]) -> list[Swatch]:
    """Return what the shades stand for, from the inside."""
    named = zip(_regions(levels), _shades(len(levels)), strict=True)
    return [Swatch(text, color, edge=MUTED) for text, color in named]


def _regions(levels: Sequence[float]) -> list[str]:
    p = [_border(1 - level) for level in levels]
    return [f"p > {p[0]}", *(f"p {low} to {high}" for high, low in pairwise(p)), f"p < {p[-1]}"]


def _border(p: float) -> str:
    """Return a p-value between two regions: two decimals, or as many as it has.

    Examples
    --------
    >>> _border(1 - 0.9), _border(1 - 0.95), _border(1 - 0.999)
    ('0.10', '0.05', '0.001')
    """
    text = f"{p:.10f}".rstrip("0")
    return fixed(p, max(2, len(text) - text.index(".") - 1))


def significance(fit: Fit, levels: Sequence[float], null: str) -> str:
    """Say how many studies lie in each region; nothing without contours."""
    from scipy import special

    if not levels:
        return ""
    p = 2 * special.ndtr(-np.abs(fit.effects.yi) / np.sqrt(fit.effects.vi))
    borders = [math.inf, *(1 - level for level in levels), -math.inf]
    counts = [int(((p <= high) & (p > low)).sum()) for high, low in pairwise(borders)]
    parts = [f"{count} with {text}" for count, text in zip(counts, _regions(levels), strict=True)]
    return f"Each study's own test against {null}: {prose.listed(parts)}."
