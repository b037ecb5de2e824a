"""Variance maximum: where to start, which maximum is the highest, and what is known of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError
from comorbid.models.structures import Structure
from comorbid.models.variance_search import ALIKE, Found, Surface, climb

_SHARES = (0.0, 0.03, 0.3, 1.0, 3.0)
_CORRELATIONS = (-0.5, 0.0, 0.5, 0.9)
# A coordinate closer to its fold than this part of its standard error is on it.
_ON_FOLD = 1e-5
_UNDETERMINED = 1e-8


@dataclass(frozen=True, slots=True)
class Search:
    """How the maximum was found.

    Attributes
    ----------
    starts, agreed : int
        From how many points a climb started, and how many of them ended at the highest maximum.
    lower : tuple of float
        How far below it other maxima are that climbs ended at, as log-likelihoods.
    gradient : float
        Length of the gradient at the maximum, in units of the log-likelihood a standard error.
    boundary : tuple of str
        The variances that are 0, and the correlations at the end of their range.
    """

    starts: int
    agreed: int
    lower: tuple[float, ...]
    gradient: float
    boundary: tuple[str, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers and names as plain values."""
        lists = {"lower": list(self.lower), "boundary": list(self.boundary)}
        return {
            "starts": self.starts,
            "agreed": self.agreed,
            "gradient": self.gradient,
            **lists,
        }

    def summary(self) -> str:
        """Return the search in a line."""
        text = f"{self.agreed} of {self.starts} starts ended at the highest maximum found"
        if self.lower:
            nearest = min(self.lower)
            text += f"; others ended at lower ones, the nearest {nearest:.3g} below"
        return f"{text} (gradient {self.gradient:.1e})"


@dataclass(frozen=True, slots=True)
class Maximum:
    """The highest maximum, of coordinates (n,), and which of them end there (n,)."""

    theta: Array
    height: float
    curvature: Array
    on_fold: Mask
    starts: int
    agreed: int
    lower: tuple[float, ...]
    gradient: float


def find_maximum(surface: Surface, typical: float) -> Maximum:
    """Return the highest maximum that climbs from several starts end at.

    The best point of a lattice that includes each variance at 0 is among the starts.

    Parameters
    ----------
    surface : Surface
    typical : float
        A variance of about the size of all random effects together.

    Raises
    ------
    ModelError
        If no climb ends.
    """
    starts = starting_points(surface.structures, typical)
    lattice = _lattice(surface.structures, typical)
    best = int(np.argmax(surface.at(lattice)[0]))
    found = climb(surface, np.vstack([starts, _off_folds(lattice[best], starts[0])]))
    height = np.where(np.isfinite(found.height), found.height, -np.inf)
    top = int(np.argmax(height))
    agreed = height >= height[top] - ALIKE
    if not (agreed & found.converged).any():
        raise ModelError(
            "the likelihood of the variances has no maximum that could be found: the largest is "
            "not flat; check for effects with variances many orders of magnitude apart"
        )
    top = int(np.argmax(np.where(agreed & found.converged, height, -np.inf)))
    lower = height[top] - height[found.converged & ~agreed]
    return _polished(surface, found, top, int(agreed.sum()), tuple(np.unique(lower.round(6))))


def _polished(
    surface: Surface, found: Found, top: int, agreed: int, lower: tuple[float, ...]
) -> Maximum:
    theta = found.theta[top]
    fold = np.concatenate(
        [
            structure.at_fold(part)
            for structure, part in zip(surface.structures, surface.split(theta), strict=True)
        ]
    )
    bend = np.sqrt(np.maximum(-np.diagonal(found.curvature[top]), 0))
    near = np.abs(theta - fold) * np.maximum(bend, 1e-3) < _ON_FOLD
    height, gradient, curvature = surface.curved(np.where(near, fold, theta)[None])
    if near.any() and height[0] >= found.height[top] - ALIKE / 100:
        theta = np.where(near, fold, theta)
    else:
        near = np.zeros(theta.size, dtype=bool)
        height, gradient, curvature = surface.curved(theta[None])
    safe = np.where(bend > 0, bend, 1.0)
    return Maximum(
        theta=theta,
        height=float(height[0]),
        curvature=curvature[0],
        on_fold=near,
        starts=len(found.theta),
        agreed=agreed,
        lower=tuple(float(x) for x in lower),
        gradient=float(np.linalg.norm(np.where(bend > 0, gradient[0] / safe, 0.0))),
    )


def undetermined(maximum: Maximum, meaningless: Mask) -> list[int]:
    """Return the coordinates along which the likelihood does not change, if there are any."""
    used = np.flatnonzero(~(maximum.on_fold | meaningless))
    if not used.size:
        return []
    down = -maximum.curvature[np.ix_(used, used)]
    values, vectors = np.linalg.eigh(down)
    if values[0] > _UNDETERMINED * max(values[-1], 1e-8):
        return []
    return [int(i) for i in used[np.abs(vectors[:, 0]) > 0.1]]


def starting_points(structures: Sequence[Structure], typical: float) -> Array:
    """Return starts of shape (T, n): shared evenly, nearly all in one term, little, and much."""
    j = len(structures)
    shares = [np.full(j, 1 / j), np.full(j, 0.02), np.full(j, 4.0)]
    if j > 1:
        shares += list(np.where(np.eye(j) > 0, 1.0, 0.02))
    points = [_point(structures, typical * share, 0.3) for share in shares]
    if any(structure.correlations for structure in structures):
        points += [_point(structures, typical * shares[0], rho) for rho in (-0.5, 0.8)]
    return np.array(points)


def _lattice(structures: Sequence[Structure], typical: float) -> Array:
    """Return points of shape (L, n) that cover what is plausible, variances of 0 included."""
    j = len(structures)
    sides = _SHARES if j <= 3 else _SHARES[:4:3]
    correlated = any(structure.correlations for structure in structures)
    rhos = _CORRELATIONS if correlated else (0.0,)
    return np.array(
        [
            _point(structures, typical * np.array(share), rho)
            for share in product(sides, repeat=j)
            for rho in rhos
        ]
    )


def _point(structures: Sequence[Structure], variances: Array, correlation: float) -> Array:
    parts = zip(structures, variances, strict=True)
    return np.concatenate(
        [s.coordinates(np.full(s.variances, variance), correlation) for s, variance in parts]
    )


def _off_folds(theta: Array, other: Array) -> Array:
    """Return the point with its zeros, which a climb would not leave, moved a little."""
    return np.where(theta == 0, other / 20, theta)
