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

_SHARES = (0.02, 0.15, 0.4, 1.0, 2.5)
_CORRELATIONS = (-0.5, 0.0, 0.5, 0.9)
# A coordinate closer to its fold than this part of its standard error is on it.
_ON_FOLD = 1e-5
_UNDETERMINED = 1e-8
# A least curvature of this part of the largest is one, however it is computed.
_PLAINLY = 1e-3
# A maximum is flatter than this: a climb that takes a slope for rounding error ends at none.
_STEEP = 1e-4
_NOT_FLAT = (
    "the likelihood of the variances has no maximum that could be found: the largest is not flat; "
    "check for effects with variances many orders of magnitude apart"
)
# Where a single variance is tried, as standard deviations in parts of a typical one.
_LINE = np.array([0.02, 0.1, 0.2, 0.35, 0.55, 0.8, 1.1, 1.5, 2.0, 3.0])
# Starts that are too few, and further ones where the first did not agree.
_FEWEST, _SECOND, _MOST_UNEVEN = 3, 8, 8
# Scattered starts: coordinates of all together, and how many at least and at most.
_COORDINATES, _LEAST_SCATTERED, _MOST_SCATTERED = 80, 4, 24


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

    They start from the best point of a lattice, from the best with each term nearly without
    variance, with most variance in each term, and with each of some correlations; where these are
    few, from two points with even shares; from where one level of an inner factor hardly varies;
    with correlations, from scattered points, the same each time; unless all end at one maximum,
    from the next best too; and from wherever there is another peak as a single variance is moved
    from the maximum.

    Parameters
    ----------
    surface : Surface
    typical : float
        A variance of about the size of all random effects together.

    Raises
    ------
    ModelError
        If no climb ends, or not where the likelihood is flat.
    """
    shares, lattice = _lattice(surface.structures, typical)
    height = surface.heights(lattice)
    chosen = {int(np.argmax(np.where(part, height, -np.inf))) for part in _regions(shares)}
    starts = list(lattice[sorted(chosen)])
    if len(starts) < _FEWEST:
        starts += [starting_point(surface.structures, share * typical) for share in (1.0, 3.0)]
    starts += [*uneven(surface, typical), *scattered(surface, typical)]
    found = climb(surface, np.array(starts))
    if not _unanimous(found):
        rest = [i for i in np.argsort(-height, kind="stable").tolist() if i not in chosen]
        found = _joined(found, climb(surface, lattice[rest[:_SECOND]]))
    others = _elsewhere(surface, found.theta[int(np.argmax(found.height))], typical)
    if len(others):
        found = _joined(found, climb(surface, others))
    height = np.where(np.isfinite(found.height), found.height, -np.inf)
    top = int(np.argmax(height))
    agreed = height >= height[top] - ALIKE
    if not (agreed & found.converged).any():
        raise ModelError(_NOT_FLAT)
    top = int(np.argmax(np.where(agreed & found.converged, height, -np.inf)))
    lower = height[top] - height[found.converged & ~agreed]
    best = _polished(surface, found, top, int(agreed.sum()), tuple(np.unique(lower.round(6))))
    if best.gradient > _STEEP:
        raise ModelError(_NOT_FLAT)
    return best


def uneven(surface: Surface, typical: float) -> list[Array]:
    """Return points (n,) at which one level of an inner factor hardly varies.

    For each level and several correlations the highest of a few; of these the highest again.
    """
    structures = surface.structures
    parts: list[Array] = []
    for number, structure in enumerate(structures):
        several = range(structure.variances if structure.variances > 1 else 0)
        rhos = [rho for rho in _CORRELATIONS if rho] if structure.correlations else [0.0]
        for level, rho in product(several, rhos):
            shares = [_one_less(s, level if j == number else -1) for j, s in enumerate(structures)]
            sizes = [typical * share for share in _SHARES[1::2]]
            points = [_point(structures, [size * x for x in shares], rho) for size in sizes]
            parts.append(np.array(points))
    if not parts:
        return []
    heights = [surface.heights(points) for points in parts]
    order = np.argsort([-height.max() for height in heights], kind="stable")
    # A climb costs the more the more coordinates there are, and misses less.
    tops = order[: min(_MOST_UNEVEN, max(2, 10 * _MOST_UNEVEN // surface.size))]
    return [parts[i][int(heights[i].argmax())] for i in tops]


def scattered(surface: Surface, typical: float) -> Array:
    """Return points (m, n), seeded, for a surface with correlations, which can have many peaks."""
    many = any(structure.correlations for structure in surface.structures)
    m = np.clip(_COORDINATES // surface.size, _LEAST_SCATTERED, _MOST_SCATTERED) if many else 0
    rng = np.random.default_rng(0)
    size = np.sqrt(typical) * np.exp(1.2 * rng.normal(size=(m, 1)))
    return np.asarray(size * rng.normal(size=(m, surface.size)))


def _one_less(structure: Structure, level: int) -> Array:
    """Return parts of a variance, one a level, of which this level has hardly any."""
    return np.where(np.arange(structure.variances) == level, _SHARES[0], 1.0)


def _elsewhere(surface: Surface, theta: Array, typical: float) -> Array:
    """Return the points (m, n) of other peaks along the lines on which one variance changes."""
    places: list[int] = []
    powers: list[float] = []
    start = 0
    for structure in surface.structures:
        places += range(start, start + structure.variances)
        powers += [0.5 if structure.id == "HCS" else 1.0] * structure.variances
        start += structure.size
    values = (np.sqrt(typical) * _LINE) ** np.array(powers)[:, None]
    lines = np.tile(theta, (*values.shape, 1))
    for row, place in enumerate(places):
        lines[row, :, place] = values[row]
    height = surface.heights(lines.reshape(-1, theta.size)).reshape(values.shape)
    edge = np.full((len(places), 1), -np.inf)
    padded = np.concatenate([edge, height, edge], axis=1)
    peak = (height > padded[:, :-2]) & (height > padded[:, 2:])
    nearest = np.abs(values - np.abs(theta[places])[:, None]).argmin(axis=1)
    away = np.abs(np.arange(_LINE.size) - nearest[:, None]) > 1
    return np.asarray(lines[peak & away])


def _unanimous(found: Found) -> bool:
    """Return whether all climbs ended, and at the same height."""
    return bool(found.converged.all() and np.ptp(found.height) <= ALIKE)


def _joined(first: Found, second: Found) -> Found:
    names = ("theta", "height", "gradient", "curvature", "converged")
    return Found(*(np.concatenate([getattr(f, n) for f in (first, second)]) for n in names))


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
    curvature = found.curvature[top : top + 1]
    height, gradient = surface.at(theta[None])
    if near.any():
        on_fold = np.where(near, fold, theta)
        there = surface.curved(on_fold[None])
        if there[0][0] >= height[0] - ALIKE / 100:
            theta, (height, gradient, curvature) = on_fold, there
        else:
            near = np.zeros(theta.size, dtype=bool)
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


def undetermined(surface: Surface, maximum: Maximum, meaningless: Mask) -> list[int]:
    """Return the coordinates along which the likelihood does not change, if there are any."""
    used = np.flatnonzero(~(maximum.on_fold | meaningless))
    if not used.size:
        return []
    inside = np.ix_(used, used)
    rough = np.linalg.eigvalsh(-maximum.curvature[inside])
    if rough[0] > _PLAINLY * max(rough[-1], 1e-8):
        return []
    down = -surface.curvature(maximum.theta)[inside]
    values, vectors = np.linalg.eigh(down)
    if values[0] > _UNDETERMINED * max(values[-1], 1e-8):
        return []
    return [int(i) for i in used[np.abs(vectors[:, 0]) > 0.1]]


def _lattice(structures: Sequence[Structure], typical: float) -> tuple[Array, Array]:
    """Return shares and correlations (L, j + 1), and points (L, n), that cover what is plausible.

    No variance is 0, which a climb would not leave, but each is next to it.
    """
    j = len(structures)
    sides = _SHARES if j <= 3 else _SHARES[1::2]
    correlated = any(structure.correlations for structure in structures)
    rhos = _CORRELATIONS if correlated else (0.0,)
    shares = np.array([(*share, rho) for share in product(sides, repeat=j) for rho in rhos])
    if not any(structure.size > 1 for structure in structures):
        return shares, np.sqrt(typical * shares[:, :-1])
    points = [_point(structures, typical * row[:-1], float(row[-1])) for row in shares]
    return shares, np.array(points)


def _regions(shares: Array) -> list[Mask]:
    """Return the parts of a lattice of which the best point is a start."""
    variances, rho = shares[:, :-1], shares[:, -1]
    found = [np.ones(len(shares), dtype=bool)]
    found += [column == column.min() for column in variances.T]
    found += [(variances <= row[:, None]).all(axis=1) for row in variances.T]
    return found + ([rho == value for value in _CORRELATIONS] if (rho < 0).any() else [])


def starting_point(structures: Sequence[Structure], typical: float) -> Array:
    """Return a point (n,) with the variance shared evenly."""
    j = len(structures)
    return _point(structures, np.full(j, typical / j), 0.3)


def _point(
    structures: Sequence[Structure], variances: Array | Sequence[Array], correlation: float
) -> Array:
    parts = zip(structures, variances, strict=True)
    return np.concatenate(
        [s.coordinates(np.full(s.variances, variance), correlation) for s, variance in parts]
    )
