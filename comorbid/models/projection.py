"""The projection that a model makes of its data: all that estimators of tau2 need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.sums import active, others, relative


@dataclass(frozen=True, slots=True)
class Moments:
    r"""What a batch of models gives at one tau2 each; every array has shape (m,).

    With the weights :math:`w_i = 1/(v_i + \tau^2)` on the diagonal of W and
    :math:`P = W - WX(X'WX)^{-1}X'W`: ``q`` is :math:`y'Py`, the weighted residual sum of squares;
    ``ypp`` and ``yppp`` are :math:`y'PPy` and :math:`y'PPPy`; ``trace_p`` and ``trace_pp`` the
    traces of P and PP; ``w, w2`` sums of weights and of their squares; ``log_w`` the sum of their
    logs; ``log_xwx`` the log determinant of :math:`X'WX`.
    """

    q: Array
    ypp: Array
    yppp: Array
    trace_p: Array
    trace_pp: Array
    w: Array
    w2: Array
    log_w: Array
    log_xwx: Array


@dataclass(frozen=True, slots=True)
class Solution:
    r"""What a batch of n models gives at one tau2 each.

    ``coefficients`` of shape (p, n) and a ``root`` A of shape (p, p, n) of their covariances AA',
    with the analyst's weights if there are any; ``q`` and ``trace_p`` of shape (n,) are those of
    `Moments`, by the model's own weights.
    """

    coefficients: Array
    root: Array
    q: Array
    trace_p: Array


@dataclass(frozen=True, slots=True)
class Form:
    r"""The residual sum of squares with given weights a in place of the model's.

    With :math:`P = A^{1/2} (I - QQ') A^{1/2}`, where A has the weights on its diagonal and Q
    orthonormal columns: ``q`` of shape (n,) is :math:`y'Py`, ``diagonal`` of shape (k, n) that of
    P, and ``columns`` of shape (p, k, n) are Q.
    """

    q: Array
    diagonal: Array
    columns: Array


class Projection(Protocol):
    """A batch of n data sets with their moderators.

    ``k`` is the number of studies of each data set, ``p`` of coefficients; ``vi`` of shape (k, n)
    is inf where a study does not belong. The analyst's ``weights``, if there are any, have the
    same shape and are 0 there.
    """

    @property
    def vi(self) -> Array:
        """Sampling variances."""

    @property
    def weights(self) -> Array | None:
        """The analyst's weights, the largest of a data set 1."""

    @property
    def k(self) -> Array:
        """Studies of each data set, as floats of shape (n,)."""

    @property
    def p(self) -> int:
        """Coefficients."""

    @property
    def estimable(self) -> Mask:
        """Which data sets, and their weights, can tell all the coefficients apart."""

    @property
    def log_xx(self) -> Array:
        """Log determinant of :math:`X'X` over the studies that belong, of shape (n,)."""

    def at(self, tau2: Array, column: Index) -> Moments:
        """Return the moments of the data sets ``column`` at ``tau2``, both of shape (m,)."""

    def solve(self, tau2: Array) -> Solution:
        """Return the coefficients at ``tau2`` of shape (n,), and what their tests need."""

    def form(self, weights: Array) -> Form:
        """Return what takes the place of Q with other weights, 0 where a study does not belong."""

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean, whatever the model."""

    def take(self, column: Index) -> Projection:
        """Return these data sets alone."""


class Intercept:
    """The model with nothing but a mean, in closed form (a `Projection`).

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    weights : array of shape (k, n) or (k, 1), optional
        The analyst's weights, not negative.

    Notes
    -----
    The most precise study comes first and effects are counted from its own. Its weight may exceed
    all others by many orders of magnitude; no formula here subtracts it from a sum that holds it.
    """

    p = 1

    def __init__(self, yi: Array, vi: Array, weights: Array | None = None) -> None:
        first, column = vi.argmin(axis=0), np.arange(vi.shape[1])
        self.vi = _swapped(vi, first, column)
        gap = _swapped(yi, first, column)
        self.origin: Array = gap[0]
        self.yi = gap - gap[0]
        self.member: Mask = active(self.vi)
        self.k: Array = self.member.sum(axis=0).astype(np.float64)
        self.weights: Array | None = None
        if weights is not None:
            moved = _swapped(np.broadcast_to(weights, vi.shape), first, column)
            self.weights = relative(np.where(self.member, moved, 0.0))

    @property
    def estimable(self) -> Mask:
        """Which data sets have a study, and a weight above 0."""
        return self.k > 0 if self.weights is None else self.weights.max(axis=0) > 0

    @property
    def log_xx(self) -> Array:
        """Log of the number of studies."""
        return np.log(self.k)

    def at(self, tau2: Array, column: Index) -> Moments:
        """Return the moments at ``tau2``."""
        sum_ = np.add.reduce  # over studies
        total_vi = _of(self.vi, column) + tau2
        y = _of(self.yi, column)[1:]
        weight = 1.0 / total_vi
        first, w = weight[0], weight[1:]
        w2 = w * w
        rest, rest2, rest3 = sum_(w), sum_(w2), sum_(w2 * w)
        total = first + rest
        mean = sum_(w * y) / total
        residual = y - mean
        py, py_first = w * residual, -first * mean
        gap = py - py_first
        weighted_gap = w * gap
        return Moments(
            q=sum_(py * residual) - py_first * mean,
            ypp=sum_(py * py) + py_first**2,
            yppp=sum_(weighted_gap * gap) - sum_(weighted_gap) ** 2 / total,
            trace_p=(2 * first * rest + rest**2 - rest2) / total,
            trace_pp=(first * rest / total) ** 2
            + rest2 * (1 + (2 * first**2 + rest2) / total**2)
            - 2 * rest3 / total,
            w=total,
            w2=first**2 + rest2,
            log_w=-sum_(np.log(np.where(np.isinf(total_vi), 1.0, total_vi))),
            log_xwx=np.log(total),
        )

    def solve(self, tau2: Array) -> Solution:
        """Return the mean at ``tau2``, and what its test needs."""
        sum_ = np.add.reduce
        total_vi = self.vi + tau2
        w = 1.0 / total_vi
        first, rest = w[0], sum_(w[1:])
        total = first + rest
        mean = sum_(w * self.yi) / total
        residual = self.yi - mean
        trace_p = (2 * first * rest + rest * rest - sum_(w[1:] * w[1:])) / total
        q = sum_(w * residual * residual)
        variance = 1 / total
        if self.weights is not None:
            share = self.weights / sum_(self.weights)
            mean = sum_(share * self.yi)
            variance = sum_(share * share * np.where(share > 0, total_vi, 0.0))
        return Solution((mean + self.origin)[None], np.sqrt(variance)[None, None], q, trace_p)

    def form(self, weights: Array) -> Form:
        """Return the weighted residual sum of squares, and its matrix."""
        total = weights.sum(axis=0)
        mean = (weights * self.yi).sum(axis=0) / total
        return Form(
            q=(weights * (self.yi - mean) ** 2).sum(axis=0),
            diagonal=weights * others(weights) / total,
            columns=np.sqrt(weights / total)[None],
        )

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        mean = np.where(self.member, self.yi, 0.0).sum(axis=0) / self.k
        residual = np.where(self.member, self.yi - mean, 0.0)
        total = np.where(self.member, self.vi, 0.0).sum(axis=0)
        return (
            (residual**2).sum(axis=0),
            total * (1 - 1 / self.k),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)

    def take(self, column: Index) -> Intercept:
        """Return these data sets alone."""
        part = object.__new__(Intercept)
        part.vi, part.yi = self.vi[:, column], self.yi[:, column]
        part.member, part.origin, part.k = (
            self.member[:, column],
            self.origin[column],
            self.k[column],
        )
        part.weights = None if self.weights is None else self.weights[:, column]
        return part


def _of(values: Array, column: Index) -> Array:
    """Return the data sets ``column``; of a single one all are the same and need no copies."""
    return values if values.shape[1] == 1 else values[:, column]


def _swapped(values: Array, first: Index, column: Index) -> Array:
    """Return the rows with row ``first`` of each column in front."""
    swapped = values.copy()
    swapped[first, column] = values[0]
    swapped[0] = values[first, column]
    return swapped
