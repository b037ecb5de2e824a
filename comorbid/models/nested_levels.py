"""Nested levels: the likelihood of nested random intercepts with independent sampling errors.

Group sums alone are needed, level by level, so that k effects cost k operations and no matrix of
their covariances is ever made.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.profiled import Likelihood, Profiled, profiled


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
    r"""k effects with nested random intercepts and sampling errors independent of each other.

    With :math:`M_l = M_{l-1} + \sigma_l^2 11'` in a group of level l, by Sherman and Morrison

    .. math:: M_l^{-1} = M_{l-1}^{-1} - \gamma\, M_{l-1}^{-1}11'M_{l-1}^{-1}, \qquad
       \gamma = \frac{\sigma_l^2}{1 + \sigma_l^2 s}, \quad s = 1'M_{l-1}^{-1}1, \qquad
       |M_l| = |M_{l-1}| (1 + \sigma_l^2 s)

    upwards; downwards, what a level leaves of a column a is :math:`a - \sigma_l^2 1 1'M^{-1}a`.

    Parameters
    ----------
    columns : array of shape (p + 1, k)
        The design, and below it the effects.
    vi : array of shape (k,)
    groupings : sequence of arrays of shape (k,)
        The group of each effect at each level, nested.
    method : {"REML", "ML"}
    """

    def __init__(
        self, columns: Array, vi: Array, groupings: Sequence[Index], method: Likelihood
    ) -> None:
        finest_first = chain(groupings)
        if finest_first is None:
            raise ValueError("the groupings are not nested")
        self.method: Likelihood = method
        self.order: Index = np.lexsort([groupings[j] for j in finest_first])
        self.columns: Array = np.vstack([np.ones(vi.size), columns])[:, self.order]
        self.vi: Array = vi[self.order]
        self.rows: int | None = None
        self.levels: list[Level] = []
        members = np.arange(vi.size)
        for j in finest_first:
            codes = groupings[j][self.order][members]
            first = np.append(True, codes[1:] != codes[:-1])
            if not self.levels and first.all():
                self.rows = j
                continue
            self.levels.append(Level(j, np.flatnonzero(first), np.cumsum(first) - 1))
            members = members[first]

    def evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return heights (T,), and their slopes, for variances each of shape (T, 1, 1)."""
        sigma2 = [matrix[:, :, 0] for matrix in matrices]
        up = self._up(sigma2)
        found = profiled(up.products, up.log_det, self.method)
        slopes: list[Array] = [np.empty(0)] * len(sigma2)
        for place, total, own in self._down(sigma2, up):
            x, y = total[:, :-1], total[:, -1]
            rest = y - (found.coefficients[:, None, :] @ x)[:, 0]
            slope = (rest * rest).sum(axis=1) - own.sum(axis=1)
            if self.method == "REML":
                slope += (x * (found.unit_vcov @ x)).sum(axis=(1, 2))
            slopes[place] = slope[:, None, None] / 2
        return found.height, slopes

    def profile(self, matrices: Sequence[Array]) -> Profiled:
        """Return coefficients and height for variances each of shape (T, 1, 1)."""
        up = self._up([matrix[:, :, 0] for matrix in matrices])
        return profiled(up.products, up.log_det, self.method)

    def _up(self, sigma2: Sequence[Array]) -> _Up:
        d = self.vi + sigma2[self.rows] if self.rows is not None else self.vi[None]
        w = 1 / d
        low = w[:, None, :] * self.columns
        products = low @ self.columns[1:].T
        log_det = np.log(d).sum(axis=1)
        sums = []
        for level in self.levels:
            inside = np.add.reduceat(low, level.starts, axis=2)
            factor = 1 / (1 + sigma2[level.place] * inside[:, 0])
            gamma = sigma2[level.place] * factor
            log_det = log_det - np.log(factor).sum(axis=1)
            products = products - (inside * gamma[:, None]) @ inside[:, 1:].swapaxes(1, 2)
            low = inside * factor[:, None]
            sums.append((inside, factor, gamma))
        return _Up(products[:, 1:], log_det, w, sums)

    def _down(self, sigma2: Sequence[Array], up: _Up) -> list[tuple[int, Array, Array]]:
        """Return for each level Z'W(X, y) of its groups, and the diagonal of Z'WZ."""
        found = []
        offset = shared = None
        above: Level | None = None
        for level, (inside, factor, gamma) in zip(self.levels[::-1], up.sums[::-1], strict=True):
            s, total = inside[:, 0], inside[:, 1:]
            if above is not None and offset is not None and shared is not None:
                offset, shared = offset[:, :, above.parent], shared[:, above.parent]
                total = total - offset * s[:, None]
            above = level
            total = total * factor[:, None]
            w = s * factor
            found.append((level.place, total, w if shared is None else w - w**2 * shared))
            inner = sigma2[level.place][:, :, None] * total
            offset = inner if offset is None else offset + inner
            shared = gamma if shared is None else gamma + factor**2 * shared
        if self.rows is not None:
            total, own = self.columns[1:], up.w
            if offset is not None and shared is not None:
                parent = self.levels[0].parent
                total = total - offset[:, :, parent]
                own = own - own**2 * shared[:, parent]
            found.append((self.rows, up.w[:, None] * total, own))
        return found


@dataclass(frozen=True, slots=True)
class _Up:
    """What the way up gives: the products of (X, y) with W, and the sums of each level."""

    products: Array
    log_det: Array
    w: Array
    sums: list[tuple[Array, Array, Array]]
