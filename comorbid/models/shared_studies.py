"""Shared studies: selections of the same studies, as estimators take them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Form, Solution
from comorbid.models.sums import others

_EPS = float(np.finfo(np.float64).eps)
# Sums of a selection are trusted while they lose no more than this to cancellation: with effects
# counted from the most precise of all studies, the distance of the mean from it in squared standard
# deviations; and what is left of the squares of weights when a single other study dominates.
_FAR = 1e6
_DOMINATED = 0.01
# Multiplications of a product of matrices that libraries leave to one thread.
_PIECE = 2**18


class SharedStudies:
    """The studies, the most precise first, which effects are counted from.

    Parameters
    ----------
    yi, vi : arrays of shape (k,)
        Effects and variances.
    """

    def __init__(self, yi: Array, vi: Array) -> None:
        self.order: Index = np.argsort(vi, kind="stable")
        self.vi: Array = vi[self.order][:, None]
        self.origin = float(yi[self.order[0]])
        self.yi: Array = yi[self.order][:, None] - self.origin
        self.powers: Array = np.stack([np.ones(len(vi)), self.yi[:, 0], self.yi[:, 0] ** 2])
        self.others: Array = self.powers[:2].copy()
        self.others[0, 0] = 0.0

    @property
    def lowest(self) -> float:
        """The smallest variance."""
        return float(self.vi[0, 0])

    @property
    def highest(self) -> float:
        """The largest variance."""
        return float(self.vi[-1, 0])

    @cached_property
    def ladder(self) -> Ladder:
        """Values of tau2 at which scores are computed."""
        return Ladder(self)

    @property
    def past(self) -> float:
        r"""A tau2 past every maximum of every selection.

        With the sample variance :math:`s^2` of a selection, at most half the squared range of the
        effects, :math:`y'PPy \le (k - 1) s^2 / (v_{min} + \tau^2)^2` while
        :math:`\mathrm{tr} P \ge (k - 1) / (v_{max} + \tau^2)`.
        """
        spread = float(np.ptp(self.yi)) ** 2 / 2
        gap = self.highest - self.lowest
        return (spread + float(np.sqrt(spread * (spread + 4 * gap)))) / 2

    @property
    def rounding(self) -> float:
        r"""What rounding can change of sums over all studies, relative to the size of their terms.

        A sum of k terms is off by at most k eps times the sum of their sizes, and the mean by
        :math:`k \epsilon \sum w|y| / \sum w \le k \epsilon \sqrt{k \sum w^2 y^2} / \sum w`.
        """
        k = len(self.vi)
        return float((k + 8) * _EPS * (4 + 3 * np.sqrt(k)))


class Sums:
    """Moments from sums of powers of weights times powers of effects.

    Parameters
    ----------
    of : sequence of arrays of the same shape
        Sums of w, wy, w2, w2y, w2yy, and, if slopes are asked for, w3, w3y, w3yy.
    """

    def __init__(self, *of: Array) -> None:
        self.w, wy, self.w2, self._w2y, self._w2yy = of[:5]
        self._cubes = of[5:]
        self.mean: Array = wy / self.w

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(self._w2yy - self.mean * (2 * self._w2y - self.mean * self.w2))

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        w3, w3y, w3yy = self._cubes
        mean = self.mean
        gap = self._w2y - mean * self.w2
        return np.asarray(w3yy - mean * (2 * w3y - mean * w3) - gap * gap / self.w)

    @property
    def trace_p(self) -> Array:
        """Trace of P."""
        return np.asarray(self.w - self.w2 / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        share = self.w2 / self.w
        return np.asarray(self.w2 - 2 * self._cubes[0] / self.w + share * share)

    @property
    def size(self) -> Array:
        """Size of the terms that ypp and the penalties are made of."""
        return np.asarray(self._w2yy + self.mean * self.mean * self.w2 + self.w)

    @property
    def size_of_slope(self) -> Array:
        """Size of the terms that yppp is made of."""
        return np.asarray(self._cubes[2] + self.mean * self.mean * self._cubes[0])


class Ladder:
    r"""Values of tau2, :math:`v_{min} (2^j - 1)`, at which the moments of selections are sums.

    The first is below 0 and only helps to find roots near it; the last but one is past every
    maximum.

    Attributes
    ----------
    nodes : array of shape (g,)
    hidden : int
        Between so many neighbours, from 0 on, a score could change its sign twice: up to
        :math:`v_{max} - 2 v_{min}`, past which it falls at every root.
    columns : array of shape (5 g + 3 (hidden + 1), k)
        What each study adds to the five sums that a score needs, at each node, and to the further
        three that its slope needs, at those around what is hidden.
    """

    def __init__(self, studies: SharedStudies) -> None:
        lowest, highest = studies.lowest, studies.highest
        last = int(np.ceil(np.log2(1 + 1.01 * max(studies.past, lowest) / lowest)))
        self.nodes: Array = lowest * (np.exp2(np.arange(-1.0, last + 2)) - 1)
        self.hidden = int((self.nodes[1:-2] < highest - 2 * lowest).sum())
        w = 1 / (studies.vi + self.nodes)
        wy, squares = w * studies.yi, w * w
        cubes = (squares * w)[:, 1 : self.hidden + 2]
        cubes_y = cubes * studies.yi
        parts = [w, wy, squares, w * wy, wy * wy, cubes, cubes_y, cubes_y * studies.yi]
        self.columns: Array = np.ascontiguousarray(np.concatenate(parts, axis=1).T)

    def sums(self, member: Mask, room: Array) -> tuple[Sums, Sums]:
        """Return the moments of selections at each node, and with slopes around what is hidden.

        ``room`` is an array of a number a column for at least n selections, which is overwritten.
        """
        of = _product(self.columns, member.astype(np.float64), room)
        g, n = self.nodes.size, member.shape[1]
        five = of[: 5 * g].reshape(5, g, n)
        around = five[:, 1 : self.hidden + 2]
        return Sums(*five), Sums(*around, *of[5 * g :].reshape(3, -1, n))


class Selections:
    """Selections of shared studies, each of at least two (a `Projection`).

    Parameters
    ----------
    studies : SharedStudies
    member : boolean array of shape (k, n)
        Which studies belong, in their own order.

    Notes
    -----
    No formula subtracts the weight of the first study from a sum that holds it. Where another one
    dominates, or the mean is far from the first, `firm` says that digits are lost.
    """

    p = 1
    weights: Array | None = None

    def __init__(self, studies: SharedStudies, member: Mask) -> None:
        self.studies = studies
        self.member: Mask = member[studies.order]
        self.vi: Array = np.where(self.member, studies.vi, np.inf)

    @cached_property
    def k(self) -> Array:
        """Studies of each selection."""
        return np.add.reduce(self.member, dtype=np.float64)

    @property
    def estimable(self) -> Mask:
        """Every selection has a study."""
        return np.ones(self.vi.shape[1], dtype=np.bool_)

    @property
    def lowest(self) -> Array:
        """Smallest variance of each selection."""
        return np.asarray(self.vi.min(axis=0))

    @property
    def highest(self) -> Array:
        """Largest variance of the studies that belong."""
        return np.where(self.member, self.studies.vi, 0.0).max(axis=0)

    @cached_property
    def at_zero(self) -> SelectedMoments:
        """The moments at tau2 = 0."""
        return SelectedMoments(self.studies, self.vi)

    @property
    def log_xx(self) -> Array:
        """Log of the number of studies."""
        return np.log(self.k)

    def at(self, tau2: Array, column: Index | slice) -> SelectedMoments:
        """Return the moments at ``tau2``."""
        return SelectedMoments(self.studies, self.vi[:, column] + tau2)

    def sums(self, tau2: Array) -> Sums:
        """Return the moments at ``tau2`` by fewer operations, which lose digits to cancellation."""
        powers = self.studies.powers
        w = self.vi + tau2
        np.divide(1.0, w, out=w)
        first = powers[:2] @ w
        power = w * w
        second = powers @ power
        power *= w
        return Sums(*first, *second, *(powers @ power))

    def solve(self, tau2: Array) -> Solution:
        """Return the mean at ``tau2``, and what its test needs."""
        moments = self.at(tau2, slice(None)) if tau2.any() else self.at_zero
        root = np.sqrt(1 / moments.w)[None, None]
        q = moments.q
        return Solution((moments.mean + self.studies.origin)[None], root, q, moments.trace_p, q)

    @property
    def firm(self) -> Mask:
        """Of which selections sums of squares lose no digits."""
        at = self.at_zero
        near = at.mean * at.mean * at.w <= _FAR * at.q
        return np.asarray(near & (at.trace_p * at.w >= _DOMINATED * at.rest * at.rest))

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        yi = self.studies.yi
        mean = np.add.reduce(np.where(self.member, yi, 0.0)) / self.k
        residual = np.where(self.member, yi - mean, 0.0)
        total = np.add.reduce(np.where(self.member, self.studies.vi, 0.0))
        return (
            np.add.reduce(residual**2),
            total * (1 - 1 / self.k),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)

    def form(self, weights: Array) -> Form:
        """Return the weighted residual sum of squares, and its matrix."""
        yi, total = self.studies.yi, np.add.reduce(weights)
        mean = np.add.reduce(weights * yi) / total
        return Form(
            q=np.add.reduce(weights * (yi - mean) ** 2),
            diagonal=weights * others(weights) / total,
            columns=np.sqrt(weights / total)[None],
        )

    def take(self, column: Index) -> Selections:
        """Return these selections alone."""
        part = object.__new__(Selections)
        part.studies = self.studies
        part.member, part.vi = self.member[:, column], self.vi[:, column]
        return part


class SelectedMoments:
    """Moments of selections at one tau2 each, from residuals (`Moments`).

    Parameters
    ----------
    studies : SharedStudies
    total_vi : array of shape (k, m)
        Variances, tau2 included; inf where a study does not belong.
    """

    def __init__(self, studies: SharedStudies, total_vi: Array) -> None:
        self._studies, self._total_vi = studies, total_vi
        self._w = 1.0 / total_vi
        self.rest, wy = studies.others @ self._w
        self.w: Array = self._w[0] + self.rest
        self.mean: Array = wy / self.w

    @cached_property
    def _residual(self) -> Array:
        return np.asarray(self._studies.yi - self.mean)

    @cached_property
    def _py(self) -> Array:
        return np.asarray(self._w * self._residual)

    @cached_property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        return np.asarray(np.einsum("ij,ij->j", self._py, self._residual))

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(np.einsum("ij,ij->j", self._py, self._py))

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        weighted = self._w * self._py
        third = np.einsum("ij,ij->j", weighted, self._py)
        return np.asarray(third - np.add.reduce(weighted) ** 2 / self.w)

    @cached_property
    def trace_p(self) -> Array:
        """Trace of P."""
        rest = self.rest
        squares = self._studies.others[0] @ (self._w * self._w)
        return np.asarray((2 * self._w[0] * rest + rest * rest - squares) / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        squares = self._w * self._w
        second, third = np.add.reduce(squares), np.einsum("ij,ij->j", squares, self._w)
        share = second / self.w
        return np.asarray(second - 2 * third / self.w + share * share)

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""
        return np.asarray(np.einsum("ij,ij->j", self._w, self._w))

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""
        variance = np.where(np.isinf(self._total_vi), 1.0, self._total_vi)
        return np.asarray(-np.add.reduce(np.log(variance)))

    @property
    def log_xwx(self) -> Array:
        """Log of the sum of the weights."""
        return np.asarray(np.log(self.w))


def _product(left: Array, right: Array, room: Array) -> Array:
    """Return the product of two matrices in ``room``, in pieces that one thread computes.

    The threads of a linear algebra library wait for each other, which on a busy machine costs many
    times what they save.
    """
    (rows, k), n = left.shape, right.shape[1]
    high = min(rows, max(16, _PIECE // (k * 128)))
    wide = max(16, _PIECE // (k * high))
    out = room[: rows * n].reshape(rows, n)
    for row in range(0, rows, high):
        for column in range(0, n, wide):
            part = slice(column, column + wide)
            np.matmul(left[row : row + high], right[:, part], out=out[row : row + high, part])
    return out
