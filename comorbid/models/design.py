"""Designs: what estimators of tau2 need to know of a batch of data sets with moderators."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Form, Solution
from comorbid.models.sums import active, dot, relative, total

# A column of which less than this share is left beside those before it depends on them.
DEPENDENT = 1e-9
# A weight that exceeds the trace of P by this factor costs it as many times its rounding error.
_LOST = 1e3


@dataclass(frozen=True, slots=True)
class Triangle:
    """Columns made orthonormal, and what they were before: ``columns = q @ r``.

    ``q`` has shape (p, k, m); ``r`` has shape (p, p, m) and is upper triangular; ``rank`` of shape
    (m,) counts the columns that do not depend on those before them.
    """

    q: Array
    r: Array
    rank: Array

    @property
    def log_det(self) -> Array:
        """Log of the determinant of the columns' cross product, twice that of ``r``."""
        return np.asarray(2 * np.log(np.abs(np.einsum("iim->im", self.r))).sum(axis=0))

    def take(self, column: Index | slice) -> Triangle:
        """Return those of these data sets; of columns that all share, the same."""
        if self.rank.size == 1 or (isinstance(column, slice) and column == slice(None)):
            return self
        if isinstance(column, slice):
            return Triangle(self.q[..., column], self.r[..., column], self.rank[column])
        q, r = (values.take(column, axis=-1) for values in (self.q, self.r))
        return Triangle(q, r, self.rank[column])

    def off(self, values: Array) -> Array:
        """Return values (k, m) less their projection on the columns, to within rounding."""
        for _ in range(2):
            for direction in self.q:
                values = values - direction * dot(direction, values)
        return values


def orthonormal(columns: Array, dependent: float = 0.0) -> Triangle:
    """Make columns of shape (p, k, m) orthonormal within each of the m data sets.

    By Gram and Schmidt's process with a second pass, which leaves only rounding. A column of
    which no more than the share ``dependent`` is left beside those before it becomes nan.
    """
    q = columns.copy()
    p, _, m = q.shape
    r = np.zeros((p, p, m))
    rank = np.zeros(m)
    for j in range(p):
        before = np.sqrt(dot(q[j], q[j]))
        for _ in range(2):
            for i in range(j):
                share = dot(q[i], q[j])
                q[j] -= share * q[i]
                r[i, j] += share
        length = np.sqrt(dot(q[j], q[j]))
        independent = length > dependent * before
        rank += independent
        r[j, j] = np.where(independent, length, np.nan)
        q[j] /= r[j, j]
    return Triangle(q, r, rank)


def traces(columns: Triangle, w: Array) -> tuple[Array, Array]:
    r"""Return the traces of P and PP, where :math:`P = W^{1/2}(I - QQ')W^{1/2}`.

    Parameters
    ----------
    columns : Triangle
        Weighted columns, with Q of shape (p, k, m).
    w : array of shape (k, m)
        Weights.
    """
    q = columns.q
    leverage = (q**2).sum(axis=0)
    trace_p = dot(w, 1 - leverage)
    trace_pp = dot(w, w, 1 - 2 * leverage)
    for i, weighted in enumerate(w * q):
        trace_pp += dot(weighted, q[i]) ** 2
        for column in q[:i]:
            trace_pp += 2 * dot(weighted, column) ** 2
    lost = _lost(leverage, w, trace_p)
    if lost.size:
        trace_p[lost] = trace_pp[lost] = 0.0
        for i, row in enumerate(_rows(columns.take(lost), w.take(lost, axis=1))):
            trace_p[lost] += row[i]
            trace_pp[lost] += dot(row, row)
    return trace_p, trace_pp


def diagonal(columns: Triangle, w: Array) -> Array:
    """Return the diagonal of P, of shape (k, m); parameters are those of `traces`."""
    leverage = (columns.q**2).sum(axis=0)
    values = w * (1 - leverage)
    lost = _lost(leverage, w, total(values))
    if lost.size:
        for i, row in enumerate(_rows(columns.take(lost), w.take(lost, axis=1))):
            values[i, lost] = row[i]
    return np.asarray(values)


def _lost(leverage: Array, w: Array, trace: Array) -> Index:
    """Return the data sets whose trace is lost in a difference.

    That is so where one weight exceeds all others together by far: its leverage is almost 1.
    """
    return np.flatnonzero((w * leverage).max(axis=0) > _LOST * trace)


def _rows(columns: Triangle, w: Array) -> Iterator[Array]:
    """Yield the rows of P, each of shape (k, m) and exact to rounding."""
    root = np.sqrt(w)
    for i in range(w.shape[0]):
        unit = np.zeros_like(w)
        unit[i] = root[i]
        yield root * columns.off(unit)


@dataclass(frozen=True, slots=True)
class DesignMoments:
    """The `Moments` of models with moderators."""

    q: Array
    ypp: Array
    yppp: Array
    trace_p: Array
    trace_pp: Array
    w: Array
    w2: Array
    log_w: Array
    log_xwx: Array


class DesignProjection:
    """n data sets with moderators, as estimators of tau2 see them (a `Projection`).

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    x : array of shape (k, p) or (k, p, n)
        The design, shared by all data sets or one each.
    weights : array of shape (k, n) or (k, 1), optional
        The analyst's weights, not negative.

    Notes
    -----
    The columns are replaced by an orthonormal basis of the same space, so that neither their
    scale nor their origin has any effect on how precisely they are fitted; the coefficients are
    those of the original columns.
    """

    def __init__(self, yi: Array, vi: Array, x: Array, weights: Array | None = None) -> None:
        self.member: Mask = active(vi)
        self.vi = vi
        self.yi = np.where(self.member, yi, 0.0)
        self.k: Array = self.member.sum(axis=0).astype(np.float64)
        self.p = int(x.shape[1])
        columns = np.moveaxis(x.reshape(*x.shape[:2], -1), 1, 0)
        if x.ndim == 3:
            columns = np.where(self.member, columns, 0.0)
        with np.errstate(divide="ignore", invalid="ignore"):
            self._basis = orthonormal(columns.astype(np.float64), DEPENDENT)
            self._plain = self._among(self.member)
        self.weights: Array | None = None
        rank = self._plain.rank
        if weights is not None:
            self.weights = relative(np.where(self.member, weights, 0.0))
            if not self.weights.all():
                with np.errstate(divide="ignore", invalid="ignore"):
                    rank = self._among(self.weights > 0).rank
        self.estimable: Mask = (rank == self.p) & (self._basis.rank == self.p)

    @property
    def lowest(self) -> Array:
        """Smallest variance of each data set."""
        return np.asarray(self.vi.min(axis=0))

    @property
    def highest(self) -> Array:
        """Largest variance of the studies that belong."""
        return np.asarray(np.where(self.member, self.vi, 0.0).max(axis=0))

    @cached_property
    def at_zero(self) -> DesignMoments:
        """The moments at tau2 = 0."""
        return self.at(np.zeros(self.k.size), slice(None))

    @property
    def log_xx(self) -> Array:
        """Log determinant of :math:`X'X` over the studies that belong, of shape (n,)."""
        return self._plain.log_det + self._basis.log_det

    def at(self, tau2: Array, column: Index | slice) -> DesignMoments:
        """Return the moments of the data sets ``column`` at ``tau2``."""
        y, vi = self.yi, self.vi
        if not isinstance(column, slice):
            y, vi = y.take(column, axis=1), vi.take(column, axis=1)
        total_vi = vi + tau2
        w = 1.0 / total_vi
        root = np.sqrt(w)
        weighted = self._weighted(root, column)
        residual = weighted.off(root * y)
        once = root * residual
        twice = weighted.off(root * once)
        trace_p, trace_pp = traces(weighted, w)
        return DesignMoments(
            q=dot(residual, residual),
            ypp=dot(once, once),
            yppp=dot(twice, twice),
            trace_p=trace_p,
            trace_pp=trace_pp,
            w=total(w),
            w2=dot(w, w),
            log_w=-total(np.log(np.where(np.isinf(total_vi), 1.0, total_vi))),
            log_xwx=weighted.log_det + self._basis.take(column).log_det,
        )

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        residual = self._plain.off(self.yi)
        leverage = (self._plain.q**2).sum(axis=0)
        vi = np.where(self.member, self.vi, 0.0)
        return (
            dot(residual, residual),
            dot(vi, 1 - leverage),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        centred = np.where(self.member, self.yi - total(self.yi) / self.k, 0.0)
        return np.asarray(dot(centred, centred) / self.k)

    def solve(self, tau2: Array) -> Solution:
        """Return the coefficients at ``tau2``, and what their tests need."""
        total_vi = self.vi + tau2
        w = 1.0 / total_vi
        root = np.sqrt(w)
        weighted = self._weighted(root, slice(None))
        residual = weighted.off(root * self.yi)
        q = rest = dot(residual, residual)
        own, noise = weighted, None
        if self.weights is not None:
            distance = np.where(self.member, residual / root, 0.0)
            root = np.sqrt(self.weights)
            own = self._weighted(root, slice(None))
            noise = orthonormal(own.q * root * np.sqrt(np.where(root > 0, total_vi, 0.0))).r
            gap = distance - self._fitted(own, root * distance)
            rest = dot(w, gap, gap)
        back = _product(_inverse(self._basis.r), _inverse(own.r))
        scores = _scores(own, root * self.yi)
        return Solution(
            coefficients=_product(back, scores[:, None])[:, 0],
            root=back if noise is None else _product(back, noise.swapaxes(0, 1)),
            q=q,
            trace_p=total(diagonal(weighted, w)),
            rest=rest,
        )

    def form(self, weights: Array) -> Form:
        """Return the weighted residual sum of squares, and its matrix."""
        root = np.sqrt(weights)
        weighted = self._weighted(root, slice(None))
        residual = weighted.off(root * self.yi)
        return Form(dot(residual, residual), diagonal(weighted, weights), weighted.q)

    def hat(self, weights: Array) -> Array:
        r"""Return the hat matrix of a batch of one data set with these weights, of shape (k, k).

        .. math:: H = X (X'AX)^{-1} X'A
        """
        root = np.sqrt(weights)
        weighted = self._weighted(root, np.zeros(1, dtype=np.intp))
        inverse = _inverse(weighted.r)[..., 0]
        basis = self._basis.q[..., 0]
        return np.asarray(basis.T @ inverse @ (weighted.q[..., 0] * root[:, 0]))

    def take(self, column: Index) -> DesignProjection:
        """Return these data sets alone."""
        part = object.__new__(DesignProjection)
        part.member = self.member.take(column, axis=1)
        part.vi, part.yi = self.vi.take(column, axis=1), self.yi.take(column, axis=1)
        part.k, part.p, part.estimable = self.k[column], self.p, self.estimable[column]
        part.weights = None if self.weights is None else self.weights.take(column, axis=1)
        part._basis = self._basis.take(column)
        part._plain = self._plain.take(column)
        return part

    def _fitted(self, weighted: Triangle, values: Array) -> Array:
        """Return what the weighted columns make of weighted values, without weights."""
        back = _product(_inverse(weighted.r), _scores(weighted, values)[:, None])
        return np.asarray((self._basis.q * back).sum(axis=0))

    def _among(self, members: Mask) -> Triangle:
        """Return the basis of these studies alone, without weights."""
        return orthonormal(np.where(members, self._basis.q, 0.0), DEPENDENT)

    def _weighted(self, root: Array, column: Index | slice) -> Triangle:
        return orthonormal(root * self._basis.take(column).q)


def _inverse(r: Array) -> Array:
    """Invert upper triangles of shape (p, p, m), column by column from the diagonal up."""
    p = r.shape[0]
    inverse = np.zeros_like(r)
    for j in range(p):
        inverse[j, j] = 1 / r[j, j]
        for i in range(j - 1, -1, -1):
            rest = (r[i, i + 1 : j + 1] * inverse[i + 1 : j + 1, j]).sum(axis=0)
            inverse[i, j] = -rest / r[i, i]
    return inverse


def _product(a: Array, b: Array) -> Array:
    """Return the products of matrices (i, j, m) and (j, l, m)."""
    parts = (a[:, j, None] * b[j] for j in range(a.shape[1]))
    return np.asarray(sum(parts, start=np.zeros(1)))


def _scores(columns: Triangle, values: Array) -> Array:
    """Return the products of orthonormal columns with values (k, m), of shape (p, m)."""
    return np.stack([dot(column, values) for column in columns.q])
