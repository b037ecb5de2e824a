"""Nested levels: columns weighed by nested random intercepts, from group sums alone.

Level by level, so that k effects cost k operations and no matrix of their covariances is ever made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.clusters import stacks_of
from comorbid.models.covariance_result import Covariance
from comorbid.models.mixed_equations import Weighed

# Numbers of a matrix that gives all sums at once.
_FEW = 20_000


@dataclass(frozen=True, slots=True)
class Level:
    """Groups of consecutive members of the level below.

    Attributes
    ----------
    place : int
        Of its variance among those given.
    starts : array of shape (groups,)
        The first member of each.
    parent : array of shape (members,)
        The group of each member.
    """

    place: int
    starts: Index
    parent: Index


def chain(groupings: Sequence[Index]) -> list[int] | None:
    """Return the order of nested groupings, finest first; None if they are not nested."""
    order = sorted(range(len(groupings)), key=lambda j: -int(groupings[j].max()))
    for fine, coarse in pairwise(order):
        pairs = groupings[fine] * (groupings[coarse].max() + 1) + groupings[coarse]
        if np.unique(pairs).size != groupings[fine].max() + 1:
            return None
    return order


class NestedLevels:
    r"""Columns weighed by W, the inverse of V and of nested random intercepts' covariances.

    With :math:`B_l = B_{l-1} + \sigma_l^2 11'` in a group of level l, by Sherman and Morrison

    .. math:: B_l^{-1} = B_{l-1}^{-1} - \gamma\, B_{l-1}^{-1}11'B_{l-1}^{-1}, \qquad
       \gamma = \frac{\sigma_l^2}{1 + \sigma_l^2 s}, \quad s = 1'B_{l-1}^{-1}1, \qquad
       |B_l| = |B_{l-1}| (1 + \sigma_l^2 s)

    upwards; downwards, what a level leaves of a column a is :math:`a - \sigma_l^2 1 1'B^{-1}a`.
    Sampling errors that depend on each other within the groups of the finest level are turned
    until they do not (see `turned`), and with them the columns, among which is 1.

    Parameters
    ----------
    columns : array of shape (c, k)
    vi : array of shape (k,)
    groupings : sequence of arrays of shape (k,)
        The group of each effect at each level, nested.
    ones : array of shape (k,), optional
        What turning has made of a column of 1.
    """

    def __init__(
        self, columns: Array, vi: Array, groupings: Sequence[Index], ones: Array | None = None
    ) -> None:
        finest_first = chain(groupings)
        if finest_first is None:
            raise ValueError("the groupings are not nested")
        order = np.lexsort([groupings[j] for j in finest_first] or [vi])
        self.turned = ones is not None
        ones = np.ones(vi.size) if ones is None else ones
        self.columns: Array = np.vstack([ones, columns])[:, order]
        self.vi: Array = vi[order]
        self.rows: int | None = None
        self.levels: list[Level] = []
        members = np.arange(vi.size)
        for j in finest_first:
            codes = groupings[j][order][members]
            first = np.append(True, codes[1:] != codes[:-1])
            if not self.levels and first.all():
                self.rows = j
                continue
            self.levels.append(Level(j, np.flatnonzero(first), np.cumsum(first) - 1))
            members = members[first]
        self.sums: Array | None = self._sums()
        # Without a variance of single rows, what they are weighed by does not change.
        self.constant: _Rows | None = None if self.rows is not None else self._rows(self.vi[None])

    @property
    def cells(self) -> int:
        """How many numbers a point takes."""
        sums = self.constant is not None and self.levels
        used = self.levels[0].starts.size if sums else self.vi.size
        return len(self.columns) * (used + len(self.columns))

    def weigh(self, matrices: Sequence[Array]) -> Weighed:
        """Return products for variances each of shape (T, 1, 1)."""
        sigma2 = [matrix[:, :, 0] for matrix in matrices]
        rows = self.constant
        if rows is None:
            rows = self._rows(self.vi + sigma2[self.rows or 0])
        products, log_det, low = rows.products, rows.log_det, rows.low
        sums = []
        for level in self.levels:
            inside = low if level is self.levels[0] else np.add.reduceat(low, level.starts, axis=2)
            factor = 1 / (1 + sigma2[level.place] * inside[:, 0])
            gamma = sigma2[level.place] * factor
            log_det = log_det - np.log(factor).sum(axis=1)
            outer = inside[:, 1:]
            products = products - (outer * gamma[:, None]) @ outer.swapaxes(1, 2)
            low = inside * factor[:, None]
            sums.append((inside, factor, gamma))
        return Weighed(products, log_det, _Parts(rows.w, sums))

    def slopes(
        self, weighed: Weighed, matrices: Sequence[Array], fitted: Array, known: Array | None
    ) -> list[Array]:
        """Return the slopes in the variances, each of shape (T, 1, 1)."""
        # Of (x, y) in a group, x'Cx + (y - b'x)**2.
        c = weighed.products.shape[1]
        form = np.zeros((len(fitted), c, c))
        if known is not None:
            form[:, :-1, :-1] = known
        left = np.concatenate([-fitted, np.ones((len(fitted), 1))], axis=1)
        form += left[:, :, None] * left[:, None, :]
        slopes: list[Array] = [np.empty(0)] * len(matrices)
        for place, total, own in self._down(matrices, weighed.parts):
            squares = ((total @ total.swapaxes(1, 2)) * form).sum(axis=(1, 2))
            slopes[place] = (squares - own.sum(axis=1))[:, None, None] / 2
        return slopes

    def _rows(self, d: Array) -> _Rows:
        """Return what rows of variances d, of shape (T, k), come to in the groups above."""
        w = 1 / d
        log_det = np.log(d).sum(axis=1)
        c = len(self.columns)
        if self.sums is not None:
            both = w @ self.sums
            split = both.shape[1] - (c - 1) ** 2
            low, products = both[:, :split], both[:, split:]
            t = len(w)
            return _Rows(w, products.reshape(t, c - 1, c - 1), log_det, low.reshape(t, c, -1))
        low = w[:, None, :] * self.columns
        products = low[:, 1:] @ self.columns[1:].T
        if self.levels:
            if self.turned:
                low *= self.columns[0]
            low = np.add.reduceat(low, self.levels[0].starts, axis=2)
        return _Rows(w, products, log_det, low)

    def _sums(self) -> Array | None:
        """Return what weights of rows (T, k) are times to give sums and products at once.

        That is faster where effects are few.
        """
        c, k = self.columns.shape
        if not self.levels or c * k * self.levels[0].starts.size > _FEW:
            return None
        by_group = np.zeros((k, c, self.levels[0].starts.size))
        by_group[np.arange(k), :, self.levels[0].parent] = (self.columns * self.columns[0]).T
        pairs = self.columns[1:, None] * self.columns[1:]
        return np.hstack([by_group.reshape(k, -1), pairs.reshape(-1, k).T])

    def _down(self, matrices: Sequence[Array], parts: _Parts) -> list[tuple[int, Array, Array]]:
        """Return for each level Z'W(X, y) of its groups, and the diagonal of Z'WZ."""
        found = []
        offset = shared = None
        above: Level | None = None
        for level, (inside, factor, gamma) in zip(self.levels[::-1], parts.sums[::-1], strict=True):
            s, total = inside[:, 0], inside[:, 1:]
            if above is not None and offset is not None and shared is not None:
                offset, shared = offset[:, :, above.parent], shared[:, above.parent]
                total = total - offset * s[:, None]
            above = level
            total = total * factor[:, None]
            w = s * factor
            found.append((level.place, total, w if shared is None else w - w**2 * shared))
            inner = matrices[level.place] * total
            offset = inner if offset is None else offset + inner
            shared = gamma if shared is None else gamma + factor**2 * shared
        if self.rows is not None:
            total, own = self.columns[1:], parts.w
            if offset is not None and shared is not None:
                parent = self.levels[0].parent
                above_row = offset[:, :, parent]
                inside = own
                if self.turned:
                    above_row, inside = above_row * self.columns[0], own * self.columns[0]
                total = total - above_row
                own = own - inside**2 * shared[:, parent]
            found.append((self.rows, parts.w[:, None] * total, own))
        return found


@dataclass(frozen=True, slots=True)
class _Rows:
    """Rows weighed by their own variances, their products, and their sums in the groups above."""

    w: Array
    products: Array
    log_det: Array
    low: Array


@dataclass(frozen=True, slots=True)
class _Parts:
    """What the way up leaves for the way down: weights of rows, and the sums of each level."""

    w: Array
    sums: list[tuple[Array, Array, Array]]


def turned(columns: Array, v: Covariance, together: Index) -> tuple[Array, Array]:
    r"""Return columns (c, k) and variances (k,) in which sampling errors are independent.

    .. math:: V_b = Q\Lambda Q', \qquad Q'(V_b + \sigma^2 I)Q = \Lambda + \sigma^2 I

    for each block of V, of effects that are ``together``.
    """
    columns, vi = columns.copy(), v.vi.copy()
    order = np.argsort(together, kind="stable")
    rows = np.split(order, np.cumsum(np.bincount(together))[:-1])
    for stack in stacks_of(rows):
        if stack.rows.shape[1] > 1:
            vi[stack.rows], vectors = np.linalg.eigh(v.among(stack.rows))
            columns[:, stack.rows] = (columns[:, stack.rows][:, :, None] @ vectors)[:, :, 0]
    return columns, vi
