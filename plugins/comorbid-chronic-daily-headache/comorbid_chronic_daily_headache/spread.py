"""Spread: intervals, and how far the versions of a result lie apart."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import comorbid as cb

Pair = tuple[float, float]


def interval(yi: float, vi: float, level: float) -> Pair:
    """Return the normal interval of a log ratio.

    Examples
    --------
    >>> low, high = interval(0.0, 0.04, 0.95)
    >>> round(low, 3), round(high, 3)
    (-0.392, 0.392)
    """
    from scipy.special import ndtri

    half = float(ndtri((1 + level) / 2)) * math.sqrt(vi)
    return yi - half, yi + half


@dataclass(frozen=True, slots=True)
class Spread:
    """The ends of several estimates and of their intervals, as ratios.

    Parameters
    ----------
    estimates : (float, float)
        Smallest and largest estimate.
    ends : (float, float)
        The lowest lower and the highest upper end of an interval.
    above, below, count : int
        How many intervals lie above 1, how many below, and how many there are.
    """

    estimates: Pair
    ends: Pair
    above: int
    below: int
    count: int

    @property
    def including(self) -> int:
        """How many intervals include 1."""
        return self.count - self.above - self.below

    def to_dict(self) -> dict[str, Any]:
        """Return the ratios and how many intervals include 1, as they are printed."""
        return {
            "on_scale": {"estimate": list(self.estimates), "ends": list(self.ends)},
            "including": self.including,
            "count": self.count,
        }


def written(ends: Pair) -> str:
    """Return the smallest and the largest ratio as they print, once if they print the same.

    Examples
    --------
    >>> written((1.231, 1.249)), written((1.0378, 1.0381))
    ('1.23 to 1.25', '1.04')
    """
    low, high = (cb.prose.value(end) for end in ends)
    return low if low == high else f"{low} to {high}"


def spread(estimates: Sequence[float], intervals: Sequence[Pair]) -> Spread:
    """Return the spread of estimates and intervals that are ratios.

    Examples
    --------
    >>> found = spread([1.1, 1.3], [(0.9, 1.4), (1.05, 1.6)])
    >>> found.ends, found.above, found.below
    ((0.9, 1.6), 1, 0)
    """
    lows, highs = zip(*intervals, strict=True)
    return Spread(
        estimates=(min(estimates), max(estimates)),
        ends=(min(lows), max(highs)),
        above=sum(low > 1 for low in lows),
        below=sum(high < 1 for high in highs),
        count=len(intervals),
    )


def spread_of(refits: cb.Refits) -> Spread:
    """Return the spread of pooled versions."""
    rows = refits.on_scale()
    return spread([row.estimate for row in rows], [row.ci for row in rows])


def locked(refits: cb.Refits) -> dict[str, Any]:
    """Return the ends of the pooled versions as plain values, on the log scale and as ratios.

    There are as many versions as combinations; the lock holds between which values they lie.
    """
    table = refits.to_frame()
    columns = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2")
    ends = {name: [float(table[name].min()), float(table[name].max())] for name in columns}
    return {
        "versions": len(table),
        "k": int(table["k"].iloc[0]),
        **ends,
        **spread_of(refits).to_dict(),
    }
