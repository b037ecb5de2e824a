"""The sums over studies that estimators and inference are made of, for a batch of data sets."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Mask


def active(vi: Array) -> Mask:
    """Return which studies belong to each data set: those with a finite variance."""
    return np.isfinite(vi)


@dataclass(frozen=True, slots=True)
class WeightedSums:
    """Sums over studies with the weights 1 / (vi + tau2); each of shape (n,).

    ``w, w2, w3`` are sums of the weights and of their squares and cubes; ``mean`` is the weighted
    mean; ``q, s2, s3`` are sums of squared residuals times the weight and its square and cube;
    ``r2`` is the sum of residuals times the squared weight.
    """

    w: Array
    w2: Array
    w3: Array
    mean: Array
    q: Array
    s2: Array
    s3: Array
    r2: Array

    @property
    def freedom(self) -> Array:
        """The expectation of Q - (k - 1) per unit of tau2."""
        return self.w - self.w2 / self.w


def weighted_sums(yi: Array, vi: Array, tau2: Array) -> WeightedSums:
    """Compute the sums for effects and variances of shape (k, n) and tau2 of shape (n,)."""
    w = 1.0 / (vi + tau2)
    total = w.sum(axis=0)
    mean = (w * yi).sum(axis=0) / total
    residual = yi - mean
    w2 = w * w
    w2r = w2 * residual
    w2rr = w2r * residual
    return WeightedSums(
        w=total,
        w2=w2.sum(axis=0),
        w3=(w2 * w).sum(axis=0),
        mean=mean,
        q=(w * residual * residual).sum(axis=0),
        s2=w2rr.sum(axis=0),
        s3=(w2rr * w).sum(axis=0),
        r2=w2r.sum(axis=0),
    )
