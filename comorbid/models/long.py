"""One data set of very many studies: its moments in one pass over the studies, at many tau2."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.intercept import Intercept
from comorbid.models.projection import Form, Solution

LONG = 2**12
"""A data set of more studies than this is computed by itself."""

# Studies whose products are summed at once: so few, by one thread and in the same order every time.
# Such rows of a piece, which stay in the processor's cache, and pieces that a core takes.
_ROW, _PIECE, _TASK = 2**13, 8, 4


class LongMoments:
    """The moments of one data set at m values of tau2, as `InterceptMoments` has them.

    With effects r, they follow from the sums of w, wr, w2, w2r, w2r2, wr2, w3, w3r and w3r2 over
    all studies but the most precise one.
    """

    def __init__(self, data: Long, tau2: Array) -> None:
        self._data, self._tau2 = data, tau2
        self._rest, self._wr, self._rest2, w2r, w2r2, *self._more = data.sums(tau2)
        self._first = 1 / (data.lowest + tau2)
        self.w: Array = self._first + self._rest
        # Counted from the most precise study, and from where the sums are counted from.
        self.mean: Array = (self._wr - data.shift * self._rest) / self.w
        self._centre = data.shift + self.mean
        self._less_py_first = self._first * self.mean
        self._py = w2r - self._centre * self._rest2
        squares = w2r2 - self._centre * (w2r + self._py)
        self.ypp: Array = squares + self._less_py_first**2

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        centre = self._centre
        rest = self._more[0] - centre * (2 * self._wr - centre * self._rest)
        return np.asarray(rest + self._less_py_first * self.mean)

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        _, w3, w3r, w3r2 = self._more
        centre, less, py = self._centre, self._less_py_first, self._py
        within = w3r2 - centre * (2 * w3r - centre * w3)
        between = (2 * py + less * self._rest) * less * (self._first / self.w)
        return np.asarray(within + between - py * py / self.w)

    @property
    def trace_p(self) -> Array:
        """Trace of P."""
        first, rest = self._first, self._rest
        return np.asarray((2 * first * rest + rest * rest - self._rest2) / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        first, total, rest2 = self._first, self.w, self._rest2
        return np.asarray(
            (first * self._rest / total) ** 2
            + rest2 * (1 + (2 * first**2 + rest2) / total**2)
            - 2 * self._more[1] / total
        )

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""
        return np.asarray(self._first**2 + self._rest2)

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""
        return np.asarray(np.log(self._first) + self._data.log_rest(self._tau2))

    @property
    def log_xwx(self) -> Array:
        """Log of the sum of the weights."""
        return np.log(self.w)


class Long:
    """The model with nothing but a mean, of one data set of very many studies (a `Projection`).

    Parameters
    ----------
    yi, vi : arrays of shape (k,)
        Effects and variances of studies that all belong.

    Notes
    -----
    The formulas are those of `Intercept`, with sums over all studies but the most precise one.
    They are taken piece by piece, by all cores, in an order that depends on k alone, and nothing as
    long as the data is kept. Effects are counted from their mean at tau2 = 0, so that the sums of
    squares about the mean at any tau2 follow from one pass. The sums at a tau2 are kept.
    """

    p = 1
    weights: Array | None = None

    def __init__(self, yi: Array, vi: Array) -> None:
        self._yi, self._vi = np.ascontiguousarray(yi), np.ascontiguousarray(vi)
        self.k: Array = np.array([float(vi.size)])
        first = int(self._vi.argmin())
        self._first, self.lowest = first, self._vi[first : first + 1]
        self.origin: Array = self._yi[first : first + 1]
        self._from = float(self.origin[0])
        self._known: dict[float, Array] = {}
        rest, wr = self._sum(_weights_at_zero)
        self._from += float(wr / (1 / self.lowest[0] + rest))
        self.shift: Array = self.origin - self._from

    @property
    def vi(self) -> Array:
        """Sampling variances, of shape (k, 1)."""
        return self._vi[:, None]

    @cached_property
    def highest(self) -> Array:
        """Largest variance."""
        return np.array([self._vi.max()])

    @property
    def estimable(self) -> Mask:
        """It has studies."""
        return np.ones(1, dtype=np.bool_)

    @property
    def log_xx(self) -> Array:
        """Log of the number of studies."""
        return np.log(self.k)

    @cached_property
    def at_zero(self) -> LongMoments:
        """The moments at tau2 = 0."""
        return LongMoments(self, np.zeros(1))

    def at(self, tau2: Array, column: Index | slice) -> LongMoments:
        """Return the moments at ``tau2``; every ``column`` is this data set."""
        return LongMoments(self, tau2)

    def solve(self, tau2: Array) -> Solution:
        """Return the mean at ``tau2``, and what its test needs."""
        at = LongMoments(self, tau2)
        coefficients, root = (at.mean + self.origin)[None], np.sqrt(1 / at.w)[None, None]
        return Solution(coefficients, root, at.q, at.trace_p, at.q)

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        y0, v0 = self.shift[0], self.lowest[0]
        y, v = self._sum(
            lambda y, v: [np.add.reduce(y, axis=1), np.add.reduce(v, axis=1, where=v < np.inf)]
        )
        mean = (y + y0) / self.k[0]

        def about_mean(y: Array, v: Array) -> list[Array]:
            residual = np.where(v < np.inf, y - mean, 0.0)
            return [np.vecdot(residual, residual)]

        rss = self._sum(about_mean)[0] + (y0 - mean) ** 2
        ends = np.array([self._yi.max(), self._yi.min()]) - self._from - mean
        return (
            np.array([rss]),
            np.array([(v + v0) * (1 - 1 / self.k[0])]),
            np.array([np.abs(ends).max()]),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)

    def form(self, weights: Array) -> Form:
        """Return what takes the place of Q with other weights."""
        return Intercept(self._yi[:, None], self.vi).form(weights)

    def take(self, column: Index) -> Intercept:
        """Return copies of this data set."""
        return Intercept(self._yi[:, None], self.vi).take(column)

    def sums(self, tau2: Array) -> Array:
        """Return the sums that `LongMoments` names, of shape (9, m)."""
        values = tau2.tolist()
        new = [value for value in dict.fromkeys(values) if value not in self._known]
        if new:
            found = self._sum(lambda y, v: [x for value in new for x in _sums_at(value, y, v)])
            self._known.update(zip(new, found.reshape(len(new), -1), strict=True))
        return np.stack([self._known[value] for value in values], axis=1)

    def log_rest(self, tau2: Array) -> Array:
        """Return the sum of the logs of the weights of all studies but the most precise one."""

        def piece(y: Array, v: Array) -> list[Array]:
            own = v < np.inf
            total = (np.where(own, v + value, 1.0) for value in tau2)
            return [np.add.reduce(np.log(values), axis=1) for values in total]

        return -self._sum(piece)

    def _sum(self, rows: Callable[[Array, Array], list[Array]]) -> Array:
        """Return the sums over all rows of studies of what a function returns, one value a row.

        The function gets y and v of shape (rows, studies), where the variance of the most precise
        study is inf and its effect 0.
        """
        k = self._vi.size
        whole, size = k - k % _ROW, _ROW * _PIECE
        pieces = [slice(start, min(start + size, whole)) for start in range(0, whole, size)]
        if whole < k:
            pieces.append(slice(whole, k))

        def task(start: int) -> list[Array]:
            return [np.stack(rows(*self._piece(at))) for at in pieces[start : start + _TASK]]

        starts = range(0, len(pieces), _TASK)
        if len(starts) == 1:
            found = task(0)
        else:
            with ThreadPoolExecutor(os.cpu_count()) as threads:
                found = [part for parts in threads.map(task, starts) for part in parts]
        return np.asarray(np.add.accumulate(np.concatenate(found, axis=1), axis=1)[:, -1])

    def _piece(self, at: slice) -> tuple[Array, Array]:
        y, v = self._yi[at] - self._from, self._vi[at]
        first = self._first - at.start
        if 0 <= first < v.size:
            v = v.copy()
            v[first], y[first] = np.inf, 0.0
        shape = -1, min(_ROW, v.size)
        return y.reshape(shape), v.reshape(shape)


def _weights_at_zero(y: Array, v: Array) -> list[Array]:
    w = 1 / v
    return [np.add.reduce(w, axis=1), np.vecdot(w, y)]


def _sums_at(tau2: float, y: Array, v: Array) -> list[Array]:
    """Return the sums of each row that `LongMoments` names, at one tau2."""
    w = v + tau2
    np.divide(1.0, w, out=w)
    wr = w * y
    w2 = w * w
    sums = [
        np.add.reduce(w, axis=1),
        np.add.reduce(wr, axis=1),
        np.vecdot(w, w),
        np.vecdot(w, wr),
        np.vecdot(wr, wr),
        np.vecdot(wr, y),
        np.vecdot(w2, w),
        np.vecdot(w2, wr),
    ]
    w2r = np.multiply(w, wr, out=w2)
    return [*sums, np.vecdot(w2r, wr)]
