"""Studies and weights of a batch of data sets: who belongs, sums of all others, shares."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Mask


def active(vi: Array) -> Mask:
    """Return which studies belong to each data set: those with a finite variance."""
    return np.isfinite(vi)


def others(values: Array) -> Array:
    """Return for each row the sum of all other rows, without subtracting any."""
    before = np.zeros_like(values)
    after = np.zeros_like(values)
    np.cumsum(values[:-1], axis=0, out=before[1:])
    after[:-1] = np.cumsum(values[:0:-1], axis=0)[::-1]
    return before + after


def relative(weights: Array) -> Array:
    """Return weights (k, n) as shares of the largest of each data set; nan where all are 0."""
    with np.errstate(invalid="ignore"):
        return np.asarray(weights / weights.max(axis=0))
