"""Structures: how the random effects of one group vary together, in coordinates without bounds.

A variance is an even power, and a correlation a sine, of a coordinate that may take any value. So a
variance of 0 and a correlation at the end of its range are ordinary stationary points.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from comorbid.effects.arrays import Array

Struct = Literal["CS", "HCS", "UN", "DIAG", "AR"]
_STEP = 1e-30


@dataclass(frozen=True, slots=True)
class Structure:
    """The covariance matrix G of the q random effects of a group.

    Attributes
    ----------
    id : str
        ``intercept`` (q = 1) or one of CS, HCS, UN, DIAG, AR.
    q : int
        Number of levels of the inner factor.
    least : float
        The smallest correlation of CS and HCS at which G is a covariance matrix.
    order : tuple of int
        The order in which UN takes the levels: the correlation of the first two is one coordinate.
    """

    id: str
    q: int = 1
    least: float = -1.0
    order: tuple[int, ...] = ()

    @property
    def variances(self) -> int:
        """Number of variances."""
        return 1 if self.id in ("intercept", "CS", "AR") else self.q

    @property
    def correlations(self) -> int:
        """Number of correlations."""
        if self.id == "UN":
            return self.q * (self.q - 1) // 2
        return 0 if self.id in ("intercept", "DIAG") else 1

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return self.variances + self.correlations

    def matrix(self, theta: Any) -> Any:
        """Return G of shape (T, q, q) at coordinates of shape (T, size), also complex ones."""
        if self.id == "intercept":
            return theta[:, :, None] ** 2
        sd, angles = theta[:, : self.variances], theta[:, self.variances :]
        if self.id == "DIAG":
            return sd[:, :, None] * sd[:, None, :] * np.eye(self.q)
        if self.id == "UN":
            root = (sd**2)[:, self._order, None] * _spherical(angles, self.q)
            inner = np.einsum("tij,tkj->tik", root, root)
            back = np.argsort(self._order)
            return inner[:, back[:, None], back]
        rho = self._rho(angles)[:, :, None]
        if self.id == "AR":
            powers = np.cumprod(np.broadcast_to(rho[:, 0], (len(theta), self.q)), axis=1)
            lag = np.abs(np.subtract.outer(np.arange(self.q), np.arange(self.q)))
            correlation = np.where(lag == 0, 1.0, powers[:, np.maximum(lag - 1, 0)])
        else:
            correlation = rho + (1 - rho) * np.eye(self.q)
        if self.id == "HCS":
            sd = sd**2
            return sd[:, :, None] * sd[:, None, :] * correlation
        return sd[:, :, None] ** 2 * correlation

    def slopes(self, theta: Array) -> Array:
        """Return the derivatives of G, of shape (T, size, q, q), by complex steps."""
        if self.id == "intercept":
            return 2 * theta[:, :, None, None]
        t, n = theta.shape
        moved = theta[:, None, :] + 1j * _STEP * np.eye(n)
        found: Array = self.matrix(moved.reshape(t * n, n)).imag / _STEP
        return found.reshape(t, n, self.q, self.q)

    def natural(self, theta: Array) -> tuple[Array, Array]:
        """Return variances and correlations, by pairs (1, 2), (1, 3), ..., at one point (size,)."""
        sd, angles = theta[: self.variances], theta[self.variances :]
        if self.id == "UN":
            pairs = np.triu_indices(self.q, 1)
            return sd**4, np.clip(self._correlation(angles)[pairs], -1.0, 1.0)
        return sd**self._power, self._rho(angles)

    def coordinates(self, variances: Array, correlation: float) -> Array:
        """Return the coordinates of these variances with one correlation for all pairs."""
        sd = variances ** (1 / self._power)
        if self.id == "UN":
            fitting = max(correlation, -1 / self.q)
            matrix = fitting + (1 - fitting) * np.eye(self.q)
            return np.concatenate([sd, _angles(np.linalg.cholesky(matrix))])
        if not self.correlations:
            return sd
        middle, half = (1 + self.least) / 2, (1 - self.least) / 2
        return np.append(sd, np.arcsin(np.clip((correlation - middle) / half, -0.99, 0.99)))

    def at_fold(self, theta: Array) -> Array:
        """Return for each coordinate the nearest point at which variance or correlation ends."""
        angle = (np.floor(theta / np.pi) + 0.5) * np.pi
        return np.where(np.arange(theta.size) < self.variances, 0.0, angle)

    def pinned(self, variance: int | None, pair: tuple[int, int] | None) -> tuple[Structure, int]:
        """Return a structure in which a variance or correlation is one coordinate, and which."""
        if variance is not None:
            return self, variance
        if self.id != "UN" or pair is None:
            return self, self.variances
        rest = [i for i in range(self.q) if i not in pair]
        return replace(self, order=(*pair, *rest)), self.variances

    def recast(self, theta: Array, other: Structure) -> Array:
        """Return the coordinates of the same matrix in ``other``, which may order levels anew."""
        if other == self or self.id != "UN":
            return theta
        chosen = self._correlation(theta[self.q :])[np.ix_(other._order, other._order)]
        # A correlation of 1 has no root; one of almost 1 is a start as good.
        chosen = chosen * (1 - 1e-6) + 1e-6 * np.eye(self.q)
        return np.concatenate([theta[: self.q], _angles(np.linalg.cholesky(chosen))])

    def coordinate(self, value: float, which: int) -> float:
        """Return the coordinate ``which`` of a variance, or of a correlation."""
        if which < self.variances:
            return float(value ** (1 / self._power))
        middle, half = (1 + self._least) / 2, (1 - self._least) / 2
        return float(np.arcsin(np.clip((value - middle) / half, -1.0, 1.0)))

    def value(self, coordinate: Array, which: int) -> Array:
        """Return the variance, or correlation, of values of the coordinate ``which``."""
        if which < self.variances:
            return np.asarray(coordinate**self._power)
        middle, half = (1 + self._least) / 2, (1 - self._least) / 2
        return np.asarray(middle + half * np.sin(coordinate))

    @property
    def _order(self) -> Any:
        return np.array(self.order or tuple(range(self.q)))

    @property
    def _power(self) -> int:
        """Of the coordinate of a variance: 4 where a sign would turn a correlation around."""
        return 4 if self.id in ("HCS", "UN") else 2

    def _correlation(self, angles: Array) -> Array:
        root = _spherical(angles[None], self.q)[0]
        back = np.argsort(self._order)
        return np.asarray((root @ root.T)[back[:, None], back])

    @property
    def _least(self) -> float:
        return -1.0 if self.id == "UN" else self.least

    def _rho(self, angles: Any) -> Any:
        return (1 + self._least) / 2 + (1 - self._least) / 2 * np.sin(angles)


def _spherical(angles: Any, q: int) -> Any:
    """Return the lower triangular roots, of shape (T, q, q), of correlation matrices.

    Pinheiro JC, Bates DM (1996). Unconstrained parametrizations for variance-covariance matrices.
    Statistics and Computing 6:289-296. doi:10.1007/BF00140873
    """
    root = np.zeros((len(angles), q, q), dtype=angles.dtype)
    root[:, 0, 0] = 1.0
    place = 0
    for i in range(1, q):
        rest = np.ones(len(angles), dtype=angles.dtype)
        for j in range(i):
            root[:, i, j] = rest * np.sin(angles[:, place])
            rest = rest * np.cos(angles[:, place])
            place += 1
        root[:, i, i] = rest
    return root


def _angles(root: Any) -> Array:
    """Return the angles of the root of a correlation matrix."""
    found = []
    for i in range(1, len(root)):
        rest = 1.0
        for j in range(i):
            angle = np.arcsin(np.clip(root[i, j] / rest, -1.0, 1.0))
            found.append(angle)
            rest *= np.cos(angle)
    return np.array(found)
