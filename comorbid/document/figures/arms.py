"""The two arms of studies: the proportions in which the event is found, and effects on them."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from comorbid.document.figures.axis import Span
from comorbid.effects.arrays import Array
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.counts import Counts
from comorbid.models.fit import Fit
from comorbid.models.stratified import Stratified

Axes = Literal["linear", "log"]

_LARGEST, _SMALLEST = 16.0, 3.4
_MARGIN = 0.08


def _odds_ratio(p: Array, effect: float) -> Array:
    from scipy import special

    return np.asarray(special.expit(special.logit(p) + effect))


def _risk_ratio(p: Array, effect: float) -> Array:
    return np.asarray(p * np.exp(effect))


def _risk_difference(p: Array, effect: float) -> Array:
    return p + effect


def _arcsine_difference(p: Array, effect: float) -> Array:
    angle = np.arcsin(np.sqrt(p)) + effect
    outside = (angle < 0) | (angle > np.pi / 2)
    return np.where(outside, np.nan, np.sin(angle) ** 2)


CURVES: dict[str, Callable[[Array, float], Array]] = {
    "OR": _odds_ratio,
    "PETO": _odds_ratio,
    "RR": _risk_ratio,
    "RD": _risk_difference,
    "AS": _arcsine_difference,
}
"""The proportion in group 1 by the proportion in group 2 and an effect, by measure."""


@dataclass(frozen=True, slots=True)
class Arms:
    """What a L'Abbé plot shows.

    Parameters
    ----------
    event : str
        What is counted.
    groups : (str, str)
        What the groups are called.
    labels : tuple of str
        The studies.
    first, second : arrays of shape (k,)
        Proportions with the event in either group.
    size : array of shape (k,)
        Diameters of the discs, in points.
    axes : {"linear", "log"}
        Of the proportions.
    """

    event: str
    groups: tuple[str, str]
    labels: tuple[str, ...]
    first: Array
    second: Array
    size: Array
    axes: Axes

    def label(self, group: int) -> str:
        """Return what is measured in the first or second group."""
        return f"proportion with {self.event}, {self.groups[group]}"

    @property
    def ends(self) -> Span:
        """Return the ends of both axes: from 0, or none, unless all are far from it."""
        both = np.concatenate([self.first, self.second])
        if self.axes == "log":
            some = np.log(both[both > 0]) if (both > 0).any() else np.array([0.0])
            margin = max(_MARGIN * float(np.ptp(some)), 0.3)
            return float(some.min()) - margin, min(0.0, float(some.max()) + margin)
        low, high = float(both.min()), float(both.max())
        margin = _MARGIN * (high - low) or 0.1
        low, high = max(0.0, low - margin), min(1.0, high + margin)
        return (0.0 if low < high / 2 else low), high

    def place(self, proportion: Array) -> Array:
        """Return where proportions are on the axes; on a log axis none is at its end."""
        if self.axes == "linear":
            return proportion
        with np.errstate(divide="ignore"):
            return np.maximum(np.log(proportion), self.ends[0])

    @property
    def none(self) -> int:
        """Return in how many studies a group has no event."""
        return int(((self.first == 0) | (self.second == 0)).sum())


def compare(
    counts: Counts, fit: Fit | Stratified, event: str, groups: tuple[str, str], axes: Axes
) -> Arms:
    """Return what is plotted of these tables; the precision is that of the fit's effects.

    Raises
    ------
    DataError
        If a group is empty.
    ModelError
        If the fit has studies that the tables have not.
    """
    a, b, c, d = counts.values
    empty = np.flatnonzero((a + b == 0) | (c + d == 0))
    if empty.size:
        raise DataError(
            [Problem(f"{counts.labels[i]}: a group of nobody", "leave it out") for i in empty]
        )
    unknown = [label for label in fit.effects.labels if label not in counts.labels]
    if unknown:
        raise ModelError(
            f"the fit has studies that the tables have not: {', '.join(unknown)}; give the tables "
            "that were pooled, with the same labels"
        )
    return Arms(
        event=event,
        groups=groups,
        labels=counts.labels,
        first=a / (a + b),
        second=c / (c + d),
        size=_sizes(counts, fit),
        axes=axes,
    )


def _sizes(counts: Counts, fit: Fit | Stratified) -> Array:
    """Return the diameter of each disc."""
    variances = dict(zip(fit.effects.labels, fit.effects.vi.tolist(), strict=True))
    vi = np.array([variances.get(label, math.nan) for label in counts.labels])
    precision = np.nan_to_num(1 / vi)
    largest = float(precision.max()) or 1.0
    return np.maximum(_SMALLEST, _LARGEST * np.sqrt(precision / largest))
