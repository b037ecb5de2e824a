"""Studies and weights of a batch of data sets: who belongs, sums over studies, shares.

Sums over studies, the first axis, are taken in the order of the studies however many data sets
there are: the sum of a data set does not depend, to the bit, on what else is in the batch.
"""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Mask

# By how many factors there are: the sum of their products over the first axis.
_PRODUCTS = ("", "", "ij,ij->j", "ij,ij,ij->j")


def active(vi: Array) -> Mask:
    """Return which studies belong to each data set: those with a finite variance."""
    return np.isfinite(vi)


def total(values: Array) -> Array:
    """Return the sums of an array (k, n) over studies."""
    # Of a single column NumPy sums pairs first, as it lies in one piece.
    if values.shape[-1] == 1 and len(values) > 1:
        return np.asarray(np.add.accumulate(values)[-1])
    return np.asarray(np.add.reduce(values))


def dot(*factors: Array) -> Array:
    """Return the sums over studies of the products of two or three arrays (k, n)."""
    if factors[0].shape[-1] == 1 and len(factors[0]) > 1:
        product = factors[0] * factors[1]
        if len(factors) == 3:
            product *= factors[2]
        return np.asarray(np.add.accumulate(product)[-1])
    return np.asarray(np.einsum(_PRODUCTS[len(factors)], *factors))


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
