"""Variance search: the global maximum of a likelihood of variances and correlations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.models.profiled import Profiled
from comorbid.models.structures import Structure

# Step of the differences that give curvatures, relative to a coordinate of order 1.
_DIFFERENCE = 1e-6
# Converged where a step would change nothing by more than this part of its standard error. A whole
# step of Newton's leaves the square of its size, and is the last where it is as small as this.
_CONVERGED, _LAST, _ALMOST = 1e-8, 1e-6, 1e-5
_MOST_ITERATIONS = 150
# The longest step, in parts of a point's distance from 0, and the damping that is no step at all.
_LONGEST, _MOST_DAMPING = 0.5, 1e10
# Heights that differ by less are of one maximum.
ALIKE = 1e-7
# A curvature that is less than this part of the largest is none.
_FLAT = 1e-9


class Engine(Protocol):
    """What gives heights, and slopes in G, for T matrices G of each term."""

    def evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return heights (T,), and slopes in G of shape (T, q, q), one a term."""
        ...

    def profile(self, matrices: Sequence[Array]) -> Profiled:
        """Return coefficients and heights."""
        ...


@dataclass(frozen=True, slots=True)
class Surface:
    """A likelihood as a function of the coordinates of all structures."""

    engine: Engine
    structures: tuple[Structure, ...]

    @property
    def size(self) -> int:
        """Number of coordinates."""
        return sum(structure.size for structure in self.structures)

    def split(self, theta: Array) -> list[Array]:
        """Return the coordinates of each structure."""
        return split_by([structure.size for structure in self.structures], theta)

    def matrices(self, theta: Array) -> list[Array]:
        """Return G of each term at coordinates (T, n)."""
        parts = zip(self.structures, self.split(theta), strict=True)
        return [structure.matrix(part) for structure, part in parts]

    def heights(self, theta: Array) -> Array:
        """Return heights (T,) at coordinates (T, n)."""
        return self.engine.profile(self.matrices(theta)).height

    def at(self, theta: Array) -> tuple[Array, Array]:
        """Return heights (T,) and gradients (T, n)."""
        height, slopes = self.engine.evaluate(self.matrices(theta))
        parts = zip(slopes, self.structures, self.split(theta), strict=True)
        gradient = [structure.gradient(part, slope) for slope, structure, part in parts]
        return height, np.concatenate(gradient, axis=1)

    def curved(self, theta: Array) -> tuple[Array, Array, Array]:
        """Return heights, gradients and curvatures (T, n, n), by differences of gradients."""
        t, n = theta.shape
        moved = np.concatenate([theta[:, None], theta[:, None] + _DIFFERENCE * np.eye(n)], axis=1)
        height, gradient = self.at(moved.reshape(t * (n + 1), n))
        all_of = gradient.reshape(t, n + 1, n)
        curvature = (all_of[:, 1:] - all_of[:, :1]) / _DIFFERENCE
        return (
            height.reshape(t, n + 1)[:, 0],
            all_of[:, 0],
            (curvature + curvature.swapaxes(1, 2)) / 2,
        )

    def curvature(self, theta: Array) -> Array:
        """Return the curvature (n, n) at one point, by differences to both sides.

        Those of `curved`, to one side, are off by their step times the third derivative, which
        makes a flat direction look bent.
        """
        steps = 10 * _DIFFERENCE * np.eye(theta.size)
        gradient = self.at(np.concatenate([theta + steps, theta - steps]))[1]
        found = (gradient[: theta.size] - gradient[theta.size :]) / (20 * _DIFFERENCE)
        return np.asarray((found + found.T) / 2)


def split_by(sizes: Sequence[int], values: Any) -> list[Any]:
    """Return values in parts of these sizes along the last axis."""
    parts, start = [], 0
    for size in sizes:
        parts.append(values[..., start : start + size])
        start += size
    return parts


@dataclass(frozen=True, slots=True)
class Found:
    """Where climbs ended.

    Attributes
    ----------
    theta : array of shape (T, n)
    height, gradient, curvature : arrays of shape (T,), (T, n) and (T, n, n)
        Before the last step, of no more than a millionth of a standard error.
    converged : boolean array of shape (T,)
    """

    theta: Array
    height: Array
    gradient: Array
    curvature: Array
    converged: Mask


def climb(surface: Surface, starts: Array, free: Mask | None = None) -> Found:
    """Climb from T starts (T, n) by Newton steps; coordinates that are not ``free`` stay.

    Where the surface bends upwards a step goes as far as it would were it bent downwards, and away
    from a saddle, so that only a maximum ends a climb. A step that leads down is taken shorter,
    most along what bends least (Levenberg, Marquardt).
    """
    theta = starts.copy()
    free = np.ones(theta.shape, dtype=bool) if free is None else free
    height, gradient, curvature = surface.curved(theta)
    converged = np.zeros(len(theta), dtype=bool)
    damping = np.zeros(len(theta))
    active = np.arange(len(theta))
    for _ in range(_MOST_ITERATIONS):
        step, size, saddle = _steps(
            gradient[active], curvature[active], free[active], damping[active]
        )
        least = np.where(damping[active] == 0, _LAST, _CONVERGED)
        done = (size <= least) & ~saddle
        converged[active[done]] = True
        theta[active[done]] += step[done]
        step, size, saddle = step[~done], size[~done], saddle[~done]
        active = active[~done]
        if not active.size:
            break
        length, distance = (np.sqrt((part * part).sum(axis=1)) for part in (step, theta[active]))
        limit = _LONGEST * np.maximum(1.0, distance)
        step *= np.minimum(1.0, limit / np.maximum(length, 1e-300))[:, None]
        h, g, c = surface.curved(theta[active] + step)
        slack = 1e-11 * (1 + np.abs(height[active])) * np.where(saddle, -1, 1)
        better = (h >= height[active] - slack) & np.isfinite(h)
        kept = active[better]
        theta[kept] += step[better]
        height[kept], gradient[kept], curvature[kept] = h[better], g[better], c[better]
        less = np.where(damping[active] < 1e-4, 0.0, damping[active] / 8)
        damping[active] = np.where(better, less, np.maximum(6 * damping[active], 0.02))
        lost = damping[active] > _MOST_DAMPING
        # What bends upwards by rounding alone has no way up.
        converged[active[lost & (size <= _ALMOST)]] = True
        active = active[~lost]
    return Found(theta, height, gradient, curvature, converged)


def _steps(
    gradient: Array, curvature: Array, free: Mask, damping: Array
) -> tuple[Array, Array, Mask]:
    """Return the steps, their sizes in standard errors, and whether they leave a saddle.

    ``damping`` is in parts of the largest curvature.
    """
    g, down = gradient, -curvature
    if not free.all():
        g = np.where(free, g, 0.0)
        down = np.where(free[:, :, None] & free[:, None, :], down, 0.0)
    values, vectors = np.linalg.eigh(down)
    along = (g[:, None, :] @ vectors)[:, 0]
    bend = np.abs(values)
    largest = np.maximum(bend.max(axis=1, keepdims=True), 1e-8)
    bent = bend > _FLAT * largest
    safe = np.where(bent, bend, 1.0)
    moves = np.where(bent, along / (safe + damping[:, None] * largest), 0.0)
    size = np.sqrt(np.where(bent, along**2 / safe, 0.0).sum(axis=1))
    # On a saddle there is no slope to follow: leave it along its upward bend.
    saddle = (values < -1e-6 * largest) & (size <= 1e-4)[:, None]
    away = 0.1 / (1 + damping[:, None])
    moves = np.where(saddle, np.where(along < 0, -away, away), moves)
    step = (vectors @ moves[:, :, None])[:, :, 0]
    return step, size, saddle.any(axis=1)
