"""Mixed equations: the likelihood of random effects, some of them crossed with all the others.

Covariances M = B + ZGZ' have a part B in which rows are independent but for small groups of them,
and a part of random effects u that cut across those groups. B is weighed group by group; what u
adds takes a matrix of the size of u alone, however many rows there are.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Generic, Protocol, TypeVar

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.profiled import Likelihood, Profiled, profiled

# Numbers held at a time.
_CELLS = 2**21


@dataclass(frozen=True, slots=True)
class Term:
    """Random effects of groups, one for each level of an inner factor.

    Attributes
    ----------
    group, inner : integer arrays of shape (k,)
        The group of each row, and the level of its inner factor; 0 for random intercepts.
    q : int
        Number of levels.
    """

    group: Index
    inner: Index
    q: int

    @property
    def cells(self) -> Index:
        """The number of the random effect of each row, of shape (k,)."""
        return self.group * self.q + self.inner

    @property
    def size(self) -> int:
        """Number of random effects."""
        return (int(self.group.max()) + 1) * self.q

    @property
    def columns(self) -> Array:
        """Z', of shape (size, k)."""
        found = np.zeros((self.size, self.group.size))
        found[self.cells, np.arange(self.group.size)] = 1.0
        return found


@dataclass(frozen=True, slots=True)
class Weighed:
    """Columns (X, Z, y) at T points, with W the inverse of B.

    Attributes
    ----------
    products : array of shape (T, c, c)
        :math:`(X, Z, y)'W(X, Z, y)`.
    log_det : array of shape (T,)
        Of B.
    parts : Any
        What else the slopes need.
    """

    products: Array
    log_det: Array
    parts: Any


class Inner(Protocol):
    """What weighs columns (X, Z, y) by the inverse W of B, made of V and the terms not crossed."""

    @property
    def cells(self) -> int:
        """How many numbers a point takes."""
        ...

    def weigh(self, matrices: Sequence[Array]) -> Weighed:
        """Return products for matrices G of shape (T, q, q), one a term of B."""
        ...

    def slopes(
        self, weighed: Weighed, matrices: Sequence[Array], fitted: Array, known: Array | None
    ) -> list[Array]:
        r"""Return for each term of B the slopes in G, of shape (T, q, q).

        .. math:: \tfrac12 \sum_{\mathrm{groups}} Z_j'(rr' - Q)Z_j, \qquad
           r = W(y - (X, Z)b), \quad Q = W - W(X, Z)C(X, Z)'W

        with b ``fitted``, of shape (T, c - 1), and C ``known``, of shape (T, c - 1, c - 1); None
        is 0.
        """
        ...


InnerT = TypeVar("InnerT", bound=Inner)
Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Joint:
    r"""Coefficients and crossed random effects together, at T points.

    Attributes
    ----------
    found : Profiled
    fitted : array of shape (T, p + n)
        :math:`\hat\beta` and :math:`\hat u`.
    carried : array of shape (T, n, p)
        :math:`K Z'WX`, what of u an error of the coefficients is taken for.
    spread : array of shape (T, n, n)
        :math:`K = (Z'WZ + G^{-1})^{-1}`, also where G is singular.
    """

    found: Profiled
    fitted: Array
    carried: Array
    spread: Array

    def known(self, method: Likelihood) -> Array | None:
        """Return C, with which Q is P for REML, and the inverse of M for ML."""
        p, n = self.found.coefficients.shape[1], self.spread.shape[1]
        if not n:
            return None if method == "ML" else self.found.unit_vcov
        matrix = np.zeros((len(self.spread), p + n, p + n))
        matrix[:, p:, p:] = self.spread
        if method == "REML":
            own = self.found.unit_vcov
            across = -self.carried @ own
            matrix[:, :p, :p] = own
            matrix[:, p:, :p], matrix[:, :p, p:] = across, across.swapaxes(1, 2)
            matrix[:, p:, p:] -= across @ self.carried.swapaxes(1, 2)
        return matrix


class MixedEquations(Generic[InnerT]):
    r"""The likelihood of k effects with random effects u of crossed terms, beside those of B.

    .. math:: \log|M| = \log|B| + \log|N|, \qquad M^{-1} = W - WZKZ'W, \qquad K = LN^{-1}L,
       \qquad N = I + LZ'WZL, \quad L = G^{1/2}

    with W the inverse of B; nothing is divided by a variance, which may be 0. With
    :math:`\hat u = KZ'W(y - X\hat\beta)` and C the inverse of the matrix of Henderson's equations,
    :math:`Py = W(y - X\hat\beta - Z\hat u)` and :math:`P = W - W(X, Z)C(X, Z)'W`, so that slopes in
    the terms of B are as they are without u, with (X, Z) in the place of X.

    Henderson CR (1975). Biometrics 31:423-447. doi:10.2307/2529430
    Harville DA (1977). Journal of the American Statistical Association 72:320-338.
    doi:10.1080/01621459.1977.10480998

    Parameters
    ----------
    inner : Inner
        Of the columns X, Z and y, in this order.
    p : int
        Number of columns of X.
    crossed : sequence of (int, Term)
        The place of each crossed term among all, and the term.
    method : {"REML", "ML"}
    """

    def __init__(
        self, inner: InnerT, p: int, crossed: Sequence[tuple[int, Term]], method: Likelihood
    ) -> None:
        self.inner: InnerT = inner
        self.method: Likelihood = method
        self.p = p
        self.slices: list[tuple[int, slice, int]] = []
        end = p
        for place, term in crossed:
            start, end = end, end + term.size
            self.slices.append((place, slice(start, end), term.q))
        self.n = end - p

    def evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return heights (T,), and their slopes in G, for matrices G of shape (T, q, q)."""
        parts = [self._evaluate(part) for part in self._parts(matrices)]
        if len(parts) == 1:
            return parts[0]
        height = np.concatenate([part[0] for part in parts])
        return height, [np.concatenate(s) for s in zip(*(part[1] for part in parts), strict=True)]

    def profile(self, matrices: Sequence[Array]) -> Profiled:
        """Return coefficients and height for matrices G of shape (T, q, q)."""
        parts = [
            self._crossed(self.inner.weigh(self.within(part)), part)[0]
            for part in self._parts(matrices)
        ]
        if len(parts) == 1:
            return parts[0]
        names = ("coefficients", "unit_vcov", "height")
        return Profiled(*(np.concatenate([getattr(part, n) for part in parts]) for n in names))

    def joint(self, weighed: Weighed, matrices: Sequence[Array]) -> Joint:
        """Return coefficients and crossed random effects."""
        found, root, half = self._crossed(weighed, matrices)
        beta = found.coefficients
        if not self.n:
            none = np.zeros((len(beta), 0, 0))
            return Joint(found, beta, np.zeros((len(beta), 0, self.p)), none)
        roots = self._roots(matrices)
        # K times Z'W(X, y).
        back = self._times(roots, np.asarray(np.linalg.inv(root)))
        carried = back.swapaxes(1, 2) @ half
        spread = back.swapaxes(1, 2) @ back
        u = carried[:, :, -1] - (carried[:, :, :-1] @ beta[:, :, None])[:, :, 0]
        fitted = np.concatenate([beta, u], axis=1)
        return Joint(found, fitted, carried[:, :, :-1], spread)

    def within(self, values: Sequence[Value]) -> list[Value]:
        """Return of values, one a term, those of the terms of B."""
        crossed = {place for place, _, _ in self.slices}
        return [value for place, value in enumerate(values) if place not in crossed]

    def _evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        within = self.within(matrices)
        weighed = self.inner.weigh(within)
        joint = self.joint(weighed, matrices)
        known = joint.known(self.method)
        found = self.inner.slopes(weighed, within, joint.fitted, known)
        if known is None or not self.n:
            return joint.found.height, found
        slopes: list[Array] = [np.empty(0)] * len(matrices)
        for place, slope in zip(self.within(range(len(matrices))), found, strict=True):
            slopes[place] = slope
        for (place, _, _), slope in zip(
            self.slices, self._slopes(weighed, joint.found, matrices), strict=True
        ):
            slopes[place] = slope
        return joint.found.height, slopes

    def _slopes(self, weighed: Weighed, found: Profiled, matrices: Sequence[Array]) -> list[Array]:
        r"""Return the slopes in G of the crossed terms, each of shape (T, q, q).

        With :math:`F = (I + Z'WZG)^{-1}`, :math:`Z'M^{-1} = FZ'W`: a difference would lose what a
        large variance leaves.
        """
        p, n, roots = self.p, self.n, self._roots(matrices)
        beta = found.coefficients
        products = weighed.products[:, p:-1]
        own, x, y = products[:, :, p:-1], products[:, :, :p], products[:, :, -1:]
        rest = y - x @ beta[:, :, None]
        both = np.broadcast_to(products[:, :, :-1], (len(beta), n, p + n))
        inside = np.eye(n) + self._times(roots, self._times(roots, own))
        solved = np.linalg.solve(inside, np.concatenate([both, rest], axis=2))
        slopes = []
        for _, part, q in self.slices:
            here = slice(part.start - p, part.stop - p)
            groups = (part.stop - part.start) // q
            rows = solved[:, here].reshape(len(beta), groups, q, p + n + 1)
            e = rows[..., -1]
            m = rows[..., p:-1][..., here].reshape(len(beta), groups, q, groups, q)
            slope = np.einsum("tgi,tgj->tij", e, e) - np.einsum("tgigj->tij", m)
            if self.method == "REML":
                wx = rows[..., :p]
                slope += (wx @ found.unit_vcov[:, None] @ wx.swapaxes(2, 3)).sum(axis=1)
            slopes.append(slope / 2)
        return slopes

    def _crossed(
        self, weighed: Weighed, matrices: Sequence[Array]
    ) -> tuple[Profiled, Array, Array]:
        """Return coefficients and height, R with RR' = N, and R's inverse times LZ'W(X, y)."""
        products, log_det = weighed.products, weighed.log_det
        if not self.n:
            return profiled(products, log_det, self.method), products, products
        roots = self._roots(matrices)
        p, z = self.p, slice(self.p, -1)
        outer = np.append(np.arange(p), p + self.n)
        across = self._times(roots, products[:, outer, z])
        inside = self._times(roots, products[:, z, z]).swapaxes(1, 2)
        inside = self._times(roots, inside) + np.eye(self.n)
        root: Array = np.asarray(np.linalg.cholesky(inside))
        log_inside = 2 * np.log(np.einsum("tii->ti", root)).sum(axis=1)
        # By triangles, as an inverse would lose what large variances leave.
        half = np.asarray(np.linalg.solve(root, across.swapaxes(1, 2)), dtype=np.float64)
        left = products[:, outer[:, None], outer] - half.swapaxes(1, 2) @ half
        return profiled(left, log_det + log_inside, self.method), root, half

    def _roots(self, matrices: Sequence[Array]) -> list[Array]:
        """Return L of each crossed term, of shape (T, q, q)."""
        return [_root(matrices[place]) for place, _, _ in self.slices]

    def _times(self, roots: Sequence[Array], rows: Array) -> Array:
        """Return rows (T, m, n) times L, which is symmetric."""
        parts = []
        for (_, part, q), root in zip(self.slices, roots, strict=True):
            mine = rows[:, :, part.start - self.p : part.stop - self.p]
            if q == 1:
                parts.append(mine * root)
                continue
            t, m, size = mine.shape
            turned = mine.reshape(t, m * (size // q), q) @ root
            parts.append(turned.reshape(len(turned), m, size))
        return parts[0] if len(parts) == 1 else np.concatenate(parts, axis=2)

    def _parts(self, matrices: Sequence[Array]) -> list[list[Array]]:
        """Return as many points at a time as memory is meant for."""
        at_once = max(1, _CELLS // (self.inner.cells + 4 * self.n**2))
        if len(matrices[0]) <= at_once:
            return [list(matrices)]
        starts = range(0, len(matrices[0]), at_once)
        return [[matrix[i : i + at_once] for matrix in matrices] for i in starts]


def _root(g: Array) -> Array:
    """Return the symmetric roots of matrices (T, q, q) that may be singular."""
    if g.shape[1] == 1:
        return np.asarray(np.sqrt(g))
    values, vectors = np.linalg.eigh(g)
    root = vectors * np.sqrt(np.maximum(values, 0))[:, None]
    return np.asarray(root @ vectors.swapaxes(1, 2))
