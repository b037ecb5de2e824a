"""Structures: how the random effects of one group vary together, in coordinates without bounds.

A variance is an even power of a coordinate, a correlation a sine, and CS and UN are made of roots
of their matrices. So a variance of 0 and a correlation at the end of its range are ordinary
stationary points, and only where the likelihood falls in every direction is there a maximum.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from comorbid.effects.arrays import Array

Struct = Literal["CS", "HCS", "UN", "DIAG", "AR"]
_STEP = 1e-30
_ONE = 1e-12


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
        The order in which UN takes the levels.
    rho_fixed : bool
        For CS and UN: whether the correlation (of the first two levels) is a coordinate.
    """

    id: str
    q: int = 1
    least: float = -1.0
    order: tuple[int, ...] = ()
    rho_fixed: bool = False

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
        sd, rest = theta[:, : self.variances], theta[:, self.variances :]
        unit = np.eye(self.q)
        if self.id == "DIAG":
            return sd[:, :, None] ** 2 * unit
        if self.id == "UN":
            root = self._root(sd, rest)
            inner = np.einsum("tij,tkj->tik", root, root)
            back = np.argsort(self._order)
            return inner[:, back[:, None], back]
        if self.id == "CS" and not self.rho_fixed:
            apart, together = sd[:, :, None] ** 2, rest[:, :, None] ** 2
            return apart * unit + (together - apart) / self.q
        rho = self._rho(rest)[:, :, None]
        if self.id == "AR":
            powers = np.cumprod(np.broadcast_to(rho[:, 0], (len(theta), self.q)), axis=1)
            lag = np.abs(np.subtract.outer(np.arange(self.q), np.arange(self.q)))
            correlation = np.where(lag == 0, 1.0, powers[:, np.maximum(lag - 1, 0)])
        else:
            correlation = rho + (1 - rho) * unit
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

    def gradient(self, theta: Array, slope: Array) -> Array:
        """Return the slopes in the coordinates (T, size), from those in G (T, q, q)."""
        if self.id == "intercept":
            return 2 * theta * slope[:, :, 0]
        return np.asarray(np.einsum("tab,tnab->tn", slope, self.slopes(theta)))

    def natural(self, theta: Array) -> tuple[Array, Array]:
        """Return variances and correlations, by pairs (1, 2), (1, 3), ..., at one point (size,).

        A correlation of effects that do not vary is nan.
        """
        if self.id == "intercept":
            return theta**2, np.empty(0)
        if self.id in ("HCS", "AR"):
            sd, angle = theta[: self.variances], theta[self.variances :]
            variances = sd ** (4 if self.id == "HCS" else 2)
            vary = (variances > 0).sum() >= min(self.variances, 2)
            return variances, np.where(vary, self._rho(angle), np.nan)
        g = self.matrix(theta[None])[0]
        variances = np.diagonal(g).copy()
        with np.errstate(invalid="ignore"):
            correlation = g / np.sqrt(np.outer(variances, variances))
        correlation = np.where(np.abs(correlation) > 1 - _ONE, np.sign(correlation), correlation)
        return (
            variances[: self.variances],
            correlation[np.triu_indices(self.q, 1)][: self.correlations],
        )

    def coordinates(self, variances: Array, correlation: float) -> Array:
        """Return the coordinates of these variances with one correlation for all pairs."""
        if not self.correlations:
            return np.sqrt(variances)
        if self.id in ("UN", "CS"):
            # Each with all levels, at correlations inside the range.
            rho = np.clip(correlation, -0.9 / (self.q - 1), 0.99)
            found = self._of_matrix(rho + (1 - rho) * np.eye(self.q))
            if self.id == "CS":
                return np.asarray(found * np.sqrt(variances))
            sd = np.sqrt(variances)
            return np.asarray(found * np.append(sd, sd[np.tril_indices(self.q, -1)[0]]))
        middle, half = (1 + self.least) / 2, (1 - self.least) / 2
        angle = np.arcsin(np.clip((correlation - middle) / half, -0.99, 0.99))
        return np.append(variances ** (0.25 if self.id == "HCS" else 0.5), angle)

    def at_fold(self, theta: Array) -> Array:
        """Return for each coordinate the nearest point at which a range ends; inf if none does."""
        first = np.arange(theta.size) < self.variances
        if self.id == "UN" or (self.id == "CS" and not self.rho_fixed):
            return np.where(first | (self.id == "CS"), 0.0, np.inf)
        return np.where(first, 0.0, (np.floor(theta / np.pi) + 0.5) * np.pi)

    def pinned(self, variance: int | None, pair: tuple[int, int] | None) -> tuple[Structure, int]:
        """Return a structure in which a variance or correlation is one coordinate, and which."""
        if self.id == "UN":
            first = (variance,) if variance is not None else pair or (0, 1)
            order = (*first, *(i for i in range(self.q) if i not in first))
            return replace(self, order=order, rho_fixed=variance is None), (
                0 if variance is not None else self.q
            )
        fixed = replace(self, rho_fixed=self.id == "CS")
        return (fixed, variance) if variance is not None else (fixed, self.variances)

    def recast(self, theta: Array, other: Structure) -> Array:
        """Return coordinates in ``other`` of nearly the same matrix, inside all ranges."""
        if other == self:
            return theta
        g = self.matrix(theta[None])[0]
        size = max(float(np.diagonal(g).max()), _ONE)
        return other._of_matrix(g * (1 - 1e-4) + 1e-4 * size * np.eye(self.q))

    def coordinate(self, value: float, which: int) -> float:
        """Return the coordinate ``which`` of a pinned structure, for a variance or correlation."""
        if which < self.variances:
            return float(value ** (0.25 if self.id == "HCS" else 0.5))
        middle, half = (1 + self._least) / 2, (1 - self._least) / 2
        return float(np.arcsin(np.clip((value - middle) / half, -1.0, 1.0)))

    def value(self, coordinate: float, which: int) -> float:
        """Return the variance or correlation of a coordinate ``which`` of a pinned structure."""
        if which < self.variances:
            return float(coordinate ** (4 if self.id == "HCS" else 2))
        return float(self._rho(np.float64(coordinate)))

    @property
    def _order(self) -> Any:
        return np.array(self.order or tuple(range(self.q)))

    @property
    def _least(self) -> float:
        return -1.0 if self.id == "UN" else self.least

    def _rho(self, angles: Any) -> Any:
        return (1 + self._least) / 2 + (1 - self._least) / 2 * np.sin(angles)

    def _root(self, diagonal: Any, below: Any) -> Any:
        """Return the lower triangular roots of UN, of shape (T, q, q)."""
        root = np.zeros((len(diagonal), self.q, self.q), dtype=diagonal.dtype)
        places = np.arange(self.q)
        root[:, places, places] = diagonal
        root[(slice(None), *np.tril_indices(self.q, -1))] = below
        if self.rho_fixed:
            # Squares, as a change of sign would turn the correlation around.
            second = diagonal[:, 1] ** 2
            root[:, 0, 0] = diagonal[:, 0] ** 2
            root[:, 1, 0], root[:, 1, 1] = (
                second * np.sin(below[:, 0]),
                second * np.cos(below[:, 0]),
            )
        return root

    def _of_matrix(self, g: Array) -> Array:
        """Return the coordinates of a positive definite matrix, for CS and UN."""
        if self.id == "CS":
            variance, covariance = g[0, 0], g[0, 1]
            if self.rho_fixed:
                angle = self.coordinate(float(covariance / variance), self.variances)
                return np.array([np.sqrt(variance), angle])
            together = variance + (self.q - 1) * covariance
            return np.sqrt(np.maximum([variance - covariance, together], 0))
        root = np.asarray(np.linalg.cholesky(g[np.ix_(self._order, self._order)]))
        diagonal, below = np.diagonal(root).copy(), root[np.tril_indices(self.q, -1)]
        if self.rho_fixed:
            second = np.hypot(root[1, 0], root[1, 1])
            below[0] = np.arctan2(root[1, 0], root[1, 1])
            diagonal[:2] = np.sqrt([root[0, 0], second])
        return np.concatenate([diagonal, below])
