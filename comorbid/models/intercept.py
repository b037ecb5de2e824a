"""The intercept: what estimators of tau2 need to know of data sets with nothing but a mean."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Form, Solution
from comorbid.models.sums import active, others, relative


class InterceptMoments:
    """The moments of the model with nothing but a mean, each computed when it is asked for.

    Parameters
    ----------
    y : array of shape (k - 1, m)
        Effects, counted from that of the first study, of all studies but the first.
    total_vi : array of shape (k, m)
        Variances of all studies, tau2 included.
    """

    def __init__(self, y: Array, total_vi: Array) -> None:
        self._total_vi = total_vi
        weight = 1.0 / total_vi
        self._first, self._w = weight[0], weight[1:]
        self._rest = np.add.reduce(self._w)
        self.w: Array = self._first + self._rest
        mean = np.add.reduce(self._w * y) / self.w
        self._residual = y - mean
        # P y of all studies but the first, and less that of the first.
        self._py = self._w * self._residual
        self._less_py_first = self._first * mean
        self._mean = mean

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        rest = np.add.reduce(self._py * self._residual)
        return np.asarray(rest + self._less_py_first * self._mean)

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(np.add.reduce(self._py * self._py) + self._less_py_first**2)

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        gap = self._py + self._less_py_first
        weighted = self._w * gap
        return np.asarray(np.add.reduce(weighted * gap) - np.add.reduce(weighted) ** 2 / self.w)

    @property
    def trace_p(self) -> Array:
        """Trace of P."""
        first, rest = self._first, self._rest
        return np.asarray((2 * first * rest + rest**2 - np.add.reduce(self._w * self._w)) / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        first, total = self._first, self.w
        squares = self._w * self._w
        rest2, rest3 = np.add.reduce(squares), np.add.reduce(squares * self._w)
        return np.asarray(
            (first * self._rest / total) ** 2
            + rest2 * (1 + (2 * first**2 + rest2) / total**2)
            - 2 * rest3 / total
        )

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""
        return np.asarray(self._first**2 + np.add.reduce(self._w * self._w))

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""
        variance = np.where(np.isinf(self._total_vi), 1.0, self._total_vi)
        return np.asarray(-np.add.reduce(np.log(variance)))

    @property
    def log_xwx(self) -> Array:
        """Log of the sum of the weights."""
        return np.asarray(np.log(self.w))


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

    def at(self, tau2: Array, column: Index | slice) -> InterceptMoments:
        """Return the moments at ``tau2``."""
        return InterceptMoments(_of(self.yi, column)[1:], _of(self.vi, column) + tau2)

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
        variance, rest = 1 / total, q
        if self.weights is not None:
            share = self.weights / sum_(self.weights)
            mean = sum_(share * self.yi)
            variance = sum_(share * share * np.where(share > 0, total_vi, 0.0))
            rest = sum_(w * (self.yi - mean) ** 2)
        coefficients, root = (mean + self.origin)[None], np.sqrt(variance)[None, None]
        return Solution(coefficients, root, q, trace_p, rest)

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


def _of(values: Array, column: Index | slice) -> Array:
    """Return the data sets ``column``; of a single one all are the same and need no copies."""
    return values if values.shape[1] == 1 else values[:, column]


def _swapped(values: Array, first: Index, column: Index) -> Array:
    """Return the rows with row ``first`` of each column in front."""
    swapped = values.copy()
    swapped[first, column] = values[0]
    swapped[0] = values[first, column]
    return swapped
