"""The intercept: what estimators of tau2 need to know of data sets with nothing but a mean."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Form, Solution
from comorbid.models.spare import Spare
from comorbid.models.sums import active, dot, others, relative, total


class InterceptMoments:
    """The moments of the model with nothing but a mean, each computed when it is asked for.

    Parameters
    ----------
    y : array of shape (k - 1, m)
        Effects, counted from that of the first study, of all studies but the first.
    vi : array of shape (k, m)
        Variances of all studies.
    tau2 : array of shape (m,)
    spare : Spare
        Memory for what is computed.
    """

    def __init__(self, y: Array, vi: Array, tau2: Array, spare: Spare) -> None:
        k, m = len(vi), tau2.size
        weight = np.add(vi, tau2, out=spare.empty(k, m))
        np.divide(1.0, weight, out=weight)
        self._weight, self._spare = weight, spare
        self._first, self._w = weight[0], weight[1:]
        self._rest = total(self._w)
        self.w: Array = self._first + self._rest
        self.mean: Array = dot(self._w, y) / self.w
        self._residual = np.subtract(y, self.mean, out=spare.empty(k - 1, m))
        # P y of all studies but the first, and less that of the first.
        self._py = np.multiply(self._w, self._residual, out=spare.empty(k - 1, m))
        self._less_py_first = self._first * self.mean
        self._squares: Array | None = None

    @property
    def _w2(self) -> Array:
        """Sum of the squared weights of all studies but the first."""
        if self._squares is None:
            self._squares = dot(self._w, self._w)
        return self._squares

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        return np.asarray(dot(self._py, self._residual) + self._less_py_first * self.mean)

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(dot(self._py, self._py) + self._less_py_first**2)

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        gap = np.add(self._py, self._less_py_first, out=self._spare.empty(*self._py.shape))
        return np.asarray(dot(self._w, gap, gap) - dot(self._w, gap) ** 2 / self.w)

    @property
    def trace_p(self) -> Array:
        """Trace of P."""
        first, rest = self._first, self._rest
        return np.asarray((2 * first * rest + rest * rest - self._w2) / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        first, total_, rest2 = self._first, self.w, self._w2
        return np.asarray(
            (first * self._rest / total_) ** 2
            + rest2 * (1 + (2 * first**2 + rest2) / total_**2)
            - 2 * dot(self._w, self._w, self._w) / total_
        )

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""
        return np.asarray(self._first**2 + self._w2)

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""
        return total(np.log(np.where(self._weight > 0, self._weight, 1.0)))

    @property
    def log_xwx(self) -> Array:
        """Log of the sum of the weights."""
        return np.log(self.w)


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

    def __init__(
        self, yi: Array, vi: Array, weights: Array | None = None, spare: Spare | None = None
    ) -> None:
        self._spare = spare or Spare()
        first, column = vi.argmin(axis=0), np.arange(vi.shape[1])
        self.vi, self.yi = self._spare.copy(vi), self._spare.copy(yi)
        _swap(self.vi, first, column)
        _swap(self.yi, first, column)
        self.origin: Array = self.yi[0].copy()
        self.yi -= self.origin
        self.member: Mask = active(self.vi)
        self.k: Array = np.count_nonzero(self.member, axis=0).astype(np.float64)
        if not self._full:
            self.yi[~self.member] = 0.0
        self.weights: Array | None = None
        if weights is not None:
            moved = np.broadcast_to(weights, vi.shape).copy()
            _swap(moved, first, column)
            self.weights = relative(np.where(self.member, moved, 0.0))

    @property
    def _full(self) -> bool:
        """Whether every study belongs to every data set."""
        return bool((self.k == len(self.vi)).all())

    @property
    def lowest(self) -> Array:
        """Smallest variance of each data set."""
        return np.asarray(self.vi[0])

    @property
    def highest(self) -> Array:
        """Largest variance of the studies that belong."""
        return np.asarray(self._variances.max(axis=0))

    @property
    def _variances(self) -> Array:
        """Variances, 0 where a study does not belong."""
        return self.vi if self._full else np.where(self.member, self.vi, 0.0)

    @property
    def estimable(self) -> Mask:
        """Which data sets have a study, and a weight above 0."""
        return self.k > 0 if self.weights is None else self.weights.max(axis=0) > 0

    @property
    def log_xx(self) -> Array:
        """Log of the number of studies."""
        return np.log(self.k)

    @cached_property
    def at_zero(self) -> InterceptMoments:
        """The moments at tau2 = 0."""
        return self.at(np.zeros(self.k.size), slice(None))

    def at(self, tau2: Array, column: Index | slice) -> InterceptMoments:
        """Return the moments at ``tau2``."""
        y, vi = self.yi[1:], self.vi
        # Of a single data set all are the same and need no copies.
        if vi.shape[1] > 1 and not isinstance(column, slice):
            y, vi = self._spare.take(y, column), self._spare.take(vi, column)
        return InterceptMoments(y, vi, tau2, self._spare)

    def solve(self, tau2: Array) -> Solution:
        """Return the mean at ``tau2``, and what its test needs."""
        at = self.at(tau2, slice(None))
        mean, variance, rest = at.mean, 1 / at.w, at.q
        if self.weights is not None:
            total_vi = self.vi + tau2
            share = self.weights / total(self.weights)
            mean = total(share * self.yi)
            variance = total(share * share * np.where(share > 0, total_vi, 0.0))
            rest = total((self.yi - mean) ** 2 / total_vi)
        coefficients, root = (mean + self.origin)[None], np.sqrt(variance)[None, None]
        return Solution(coefficients, root, at.q, at.trace_p, rest)

    def form(self, weights: Array) -> Form:
        """Return the weighted residual sum of squares, and its matrix."""
        whole = total(weights)
        mean = total(weights * self.yi) / whole
        return Form(
            q=total(weights * (self.yi - mean) ** 2),
            diagonal=weights * others(weights) / whole,
            columns=np.sqrt(weights / whole)[None],
        )

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        residual = self.yi - total(self.yi) / self.k
        if not self._full:
            residual = np.where(self.member, residual, 0.0)
        return (
            dot(residual, residual),
            total(self._variances) * (1 - 1 / self.k),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)

    def take(self, column: Index) -> Intercept:
        """Return these data sets alone."""
        part = object.__new__(Intercept)
        part._spare = self._spare
        part.vi, part.yi = (self._spare.take(values, column) for values in (self.vi, self.yi))
        part.member = self.member.take(column, axis=1)
        part.origin, part.k = self.origin[column], self.k[column]
        part.weights = None if self.weights is None else self.weights.take(column, axis=1)
        return part


def _swap(values: Array, first: Index, column: Index) -> None:
    """Swap the first row and row ``first`` of each column, in place."""
    front = values[first, column]
    values[first, column] = values[0]
    values[0] = front
