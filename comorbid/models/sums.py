"""The sums over studies that estimators and inference are made of, for a batch of data sets."""

from __future__ import annotations

from dataclasses import dataclass

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


@dataclass(frozen=True, slots=True)
class WeightedSums:
    """Sums over studies with the weights 1 / (vi + tau2); each of shape (n,).

    ``w`` is the sum of the weights, ``mean`` the weighted mean, ``q`` the weighted sum of squared
    residuals.
    """

    w: Array
    mean: Array
    q: Array


def weighted_sums(yi: Array, vi: Array, tau2: Array) -> WeightedSums:
    """Compute the sums for effects and variances of shape (k, n) and tau2 of shape (n,)."""
    w = 1.0 / (vi + tau2)
    total = np.add.reduce(w)
    mean = np.add.reduce(w * yi) / total
    residual = yi - mean
    return WeightedSums(w=total, mean=mean, q=np.add.reduce(w * residual * residual))


def freedom_per_tau2(vi: Array) -> Array:
    """Return the expectation of Q - (k - 1) per unit of tau2: the trace of P at tau2 = 0.

    The largest weight, which may exceed the others by many orders, stays out of every difference.
    """
    w = 1.0 / vi
    largest, column = w.argmax(axis=0), np.arange(w.shape[1])
    first = w[largest, column]
    w[largest, column] = 0.0
    rest = np.add.reduce(w)
    return np.asarray((2 * first * rest + rest * rest - np.add.reduce(w * w)) / (first + rest))


def weighted_mean(yi: Array, variance: Array, weights: Array) -> tuple[Array, Array]:
    """Return the means of effects with given weights and the variances of these means.

    Parameters
    ----------
    yi, variance, weights : arrays of shape (k, n)
        ``variance`` is inf where a study does not belong to a data set, and its weight 0.

    Returns
    -------
    mean, variance : arrays of shape (n,)
    """
    total = weights.sum(axis=0)
    share = weights / total
    return (share * yi).sum(axis=0), (share**2 * np.where(weights > 0, variance, 0.0)).sum(axis=0)
