"""What whole numbers allow: which means, percentages and standard deviations they can have.

Everything is computed in whole numbers, so that no rounding of ours can accuse a correct figure.
"""

from __future__ import annotations

from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from math import floor, sqrt
from typing import Literal

Unit = Literal["score", "percent"]
"""A mean score, or a percentage of people."""

Printed = tuple[Fraction, Fraction]
"""A printed number and half a unit of its last digit."""

MANY = 1_000
"""Sums that a printed mean may stand for; with more, its digits say next to nothing."""


@dataclass(frozen=True, slots=True)
class Whole:
    """Scores that are sums of whole numbers, divided by how many: `n` of them, `items` in each.

    In units of one whole number a score runs from ``low`` to ``high``; None is no limit. A low
    limit may stand alone.
    """

    n: int
    items: int = 1
    low: int | None = None
    high: int | None = None

    def sums(self, mean: Fraction, half: Fraction) -> range:
        """Return the sums of whole numbers whose mean is within ``half`` of a printed one."""
        parts = self.n * self.items
        least, most = -floor(-(mean - half) * parts), floor((mean + half) * parts)
        if self.low is not None:
            least = max(least, self.n * self.low)
        if self.high is not None:
            most = min(most, self.n * self.high)
        return range(least, most + 1)

    def least_squares(self, total: int) -> int:
        """Return the least sum of squares with this sum: everyone as near to the mean as can be."""
        each, more = divmod(total, self.n)
        return self.n * each**2 + more * (2 * each + 1)

    def most_squares(self, total: int) -> int | None:
        """Return the largest sum of squares with this sum: as many as can be at the two ends."""
        if self.low is None:
            return None
        above = total - self.n * self.low
        width = above if self.high is None else self.high - self.low
        at_high, between = divmod(above, width) if width else (0, 0)
        squares = at_high * (self.low + width) ** 2 + (self.n - at_high) * self.low**2
        return squares + (self.low + between) ** 2 - self.low**2

    def sd(self, total: int, squares: int) -> float:
        """Return the standard deviation of scores, with n - 1, of this sum and sum of squares."""
        variance = Fraction(self.n * squares - total**2, self.n * (self.n - 1))
        return sqrt(variance) / self.items

    def squares(self, total: int, low: Fraction, high: Fraction) -> range:
        """Return the sums of squares that give a standard deviation between two with this sum."""

        def of(sd: Fraction) -> Fraction:
            return (self.n - 1) * (sd * self.items) ** 2 + Fraction(total**2, self.n)

        return range(-floor(-of(low)), floor(of(high)) + 1)


def exact(text: str) -> Printed:
    """Return a printed number and half a unit of its last digit, both exactly.

    Examples
    --------
    >>> exact("5.19")
    (Fraction(519, 100), Fraction(1, 200))
    """
    number = Decimal(text)
    exponent = number.as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{text!r} is not a finite number")
    return Fraction(number), Fraction(10) ** exponent / 2


def people(
    n: int, *, unit: Unit = "score", items: int = 1, low: int | None = None, high: int | None = None
) -> Whole:
    """Return the whole numbers behind a mean of n scores, or behind a percentage of n people."""
    if unit == "percent":
        return Whole(n, low=0, high=1)
    ends = (None if end is None else items * end for end in (low, high))
    return Whole(n, items, *ends)


def printed(text: str, *, unit: Unit = "score") -> Printed:
    """Return a printed mean, or a percentage as a proportion, and half a unit of its last digit."""
    value, half = exact(text)
    return (value / 100, half / 100) if unit == "percent" else (value, half)


def nearest(whole: Whole, mean: Fraction) -> tuple[Fraction, Fraction]:
    """Return the means next to a number, below and above, that whole numbers can have.

    Beyond the scale both are that of its end.
    """
    parts = whole.n * whole.items
    ends = (floor(mean * parts), -floor(-mean * parts))
    if whole.low is not None:
        ends = (max(ends[0], whole.n * whole.low), max(ends[1], whole.n * whole.low))
    if whole.high is not None:
        ends = (min(ends[0], whole.n * whole.high), min(ends[1], whole.n * whole.high))
    return Fraction(ends[0], parts), Fraction(ends[1], parts)


def why_not(whole: Whole, mean: Printed, sd: Printed | None = None) -> str:
    """Return why whole numbers cannot have a printed mean and standard deviation, else "".

    A mean is refused exactly if no whole numbers have it. For a standard deviation the conditions
    are necessary: what is refused cannot be, and little else passes.

    Returns
    -------
    str
        ``mean``: no sum gives the mean. ``low`` or ``high``: the standard deviation is below or
        above any that goes with the mean. ``squares``: no sum of squares gives it; one of whole
        numbers is odd exactly if their sum is.
    """
    sums = whole.sums(*mean)
    if not sums:
        return "mean"
    if sd is None or whole.n < 2 or sums.stop - sums.start > MANY:
        return ""
    least, most = max(sd[0] - sd[1], Fraction(0)), sd[0] + sd[1]
    reasons = [_why_not(whole, total, least, most) for total in sums]
    # The bounds are named only where no sum escapes them.
    return min(reasons, key=("", "squares", "low", "high").index)


def _why_not(whole: Whole, total: int, low: Fraction, high: Fraction) -> str:
    allowed = whole.squares(total, low, high)
    least, most = whole.least_squares(total), whole.most_squares(total)
    if allowed.stop <= least:
        return "low"
    if most is not None and allowed.start > most:
        return "high"
    start = max(allowed.start, least)
    stop = allowed.stop if most is None else min(allowed.stop, most + 1)
    start += (start - total) % 2
    return "" if start < stop else "squares"


def sd_bounds(whole: Whole, mean: Printed) -> tuple[float, float]:
    """Return the least and largest standard deviation that goes with a printed mean.

    The largest is infinite without a low limit; both are nan where no sum gives the mean, and 0
    and infinite where too many do.
    """
    sums = whole.sums(*mean)
    if not sums or whole.n < 2:
        return float("nan"), float("nan")
    if sums.stop - sums.start > MANY:
        return 0.0, float("inf")
    most = [(total, whole.most_squares(total)) for total in sums]
    return (
        min(whole.sd(total, whole.least_squares(total)) for total in sums),
        max(float("inf") if square is None else whole.sd(total, square) for total, square in most),
    )
