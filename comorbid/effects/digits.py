"""Digits: the printed numbers that an effect was computed from, as they were printed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from comorbid.studies.arrays import Arrays


@dataclass(frozen=True, slots=True)
class Digits:
    """What a reported effect was computed from, digit by digit.

    Parameters
    ----------
    estimate : str
        As printed, with a point as the decimal mark.
    ci_low, ci_high : str
        The interval that the standard error is from, or both empty.
    se : str
        The standard error, empty where it is from the interval or from a p-value.
    level : float
        Of the interval, a proportion.

    Examples
    --------
    >>> str(Digits("2.9", "2.8", "2.9", "", 0.95))
    '2.9 (2.8 to 2.9)'
    """

    estimate: str
    ci_low: str
    ci_high: str
    se: str
    level: float

    def __str__(self) -> str:
        if self.ci_low:
            return f"{self.estimate} ({self.ci_low} to {self.ci_high})"
        return f"{self.estimate} (SE {self.se})" if self.se else self.estimate


def digits_of(table: Arrays, printed: Arrays, source: Sequence[str]) -> tuple[Digits | None, ...]:
    """Return the digits of each row whose effect is a reported one, and None for the others.

    Parameters
    ----------
    table, printed : Arrays
        The same rows of a table of studies, as numbers and as text.
    source : sequence of str
        Where each row's effect comes from.
    """
    level = np.where(np.isnan(table["ci_level"]), 0.95, table["ci_level"]).tolist()
    names = ("estimate", "ci_low", "ci_high", "se")
    found: list[Digits | None] = []
    for *texts, own_level, of in zip(
        *(printed[name].tolist() for name in names), level, source, strict=True
    ):
        estimate, low, high, se = texts
        if not (low and high):
            low = high = ""
        own = Digits(estimate, low, high, "" if low else se, own_level)
        found.append(own if of == "reported" else None)
    return tuple(found)
