"""Words in figures: estimates as printed, and names that fit."""

from __future__ import annotations

import math

import comorbid as cb
from comorbid_treatments.leagues import written

SIZE = 8.0
"""Size of the words in points."""


def wrapped(text: str, width: float) -> list[str]:
    """Return a text in lines of at most ``width`` points, broken between words.

    Examples
    --------
    >>> wrapped("spinal manipulation", 60)
    ['spinal', 'manipulation']
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and cb.figures.text_width(longer, size=SIZE) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def shortened(name: str, width: float) -> str:
    """Return a name that fits beside an axis."""
    lines = wrapped(name, width)
    return lines[0] if len(lines) == 1 else f"{lines[0]} …"


def estimate_text(estimate: float, ends: tuple[float, float], scale: str) -> str:
    """Write an estimate of the analysis scale with its interval as printed.

    Examples
    --------
    >>> estimate_text(0.0, (-0.7, 0.7), "log")
    '1.00 (0.50 to 2.01)'
    """
    back = math.exp if scale == "log" else float
    return written(back(estimate), back(ends[0]), back(ends[1]), scale)
