"""Selection grid: where a result can fall, in standard errors from 0, and how it is weighted."""

from __future__ import annotations

import itertools
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.bias.weight_functions import LogWeight, WeightFunction, after_threshold
from comorbid.effects.arrays import Array, Index

# Past 8.3 standard errors p is 0 or 1 to the last digit.
_REACH = 8.5
# Steep weight functions turn within a tenth of a standard error, but only where p does too.
_STEEP, _PANEL, _WIDE_PANEL, _NODES = 4.5, 1.0, 2.0, 20


@dataclass(frozen=True, slots=True, eq=False)
class SelectionGrid(ABC):
    """The axis of z-values cut into intervals and nodes, with their weights.

    Attributes
    ----------
    low, high : arrays of shape (m,)
        Intervals of z within which the weight is constant.
    node, mass : arrays of shape (s,)
        Points of z between them, and their Gauss-Legendre weights.
    """

    low: Array
    high: Array
    node: Array
    mass: Array

    @abstractmethod
    def weights(self, delta: Array) -> tuple[Array, Array, Array, Array]:
        """Return log of the largest weight (n,), and weights over it with two derivatives.

        Shapes (m + s, n), (q, m + s, n) and (q, q, m + s, n) for delta of shape (q, n).
        """

    @abstractmethod
    def observed(self, delta: Array) -> tuple[Array, Array, Array]:
        """Return the sum of the log weights of the observed p-values, with two derivatives.

        Shapes (n,), (q, n) and (q, q, n).
        """


@dataclass(frozen=True, slots=True, eq=False)
class SmoothGrid(SelectionGrid):
    """The grid of a smooth weight function; ``p`` of intervals, then nodes; ``seen`` observed."""

    log_weight: LogWeight
    p: Array
    seen: Array

    def weights(self, delta: Array) -> tuple[Array, Array, Array, Array]:
        """Return the weights of intervals and nodes."""
        value, first, second = self.log_weight(self.p, delta)
        top = value.max(axis=0)
        weight = np.exp(value - top)
        return top, weight, weight * first, weight * (first[:, None] * first[None] + second)

    def observed(self, delta: Array) -> tuple[Array, Array, Array]:
        """Return the sum of the log weights of the observed p-values."""
        value, first, second = self.log_weight(self.seen, delta)
        return value.sum(axis=0), first.sum(axis=1), second.sum(axis=2)


@dataclass(frozen=True, slots=True, eq=False)
class StepGrid(SelectionGrid):
    """The grid of a step function; ``step`` of each interval and ``count`` of each step.

    The first step has weight 1, the others the parameters.
    """

    step: Index
    count: Array

    def weights(self, delta: Array) -> tuple[Array, Array, Array, Array]:
        """Return the weights of the intervals."""
        q, n = delta.shape
        steps = np.concatenate([np.ones((1, n)), delta])
        indicator = self.step == np.arange(1, q + 1)[:, None]
        first = np.broadcast_to(indicator[:, :, None].astype(np.float64), (q, self.step.size, n))
        return np.zeros(n), steps[self.step], first, np.zeros((q, q, self.step.size, n))

    def observed(self, delta: Array) -> tuple[Array, Array, Array]:
        """Return the sum of the log weights; steps that no result falls in add nothing."""
        count = self.count[1:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            value = special.xlogy(count, delta).sum(axis=0)
            first = np.where(count > 0, count / delta, 0.0)
            curve = np.where(count > 0, -count / delta**2, 0.0)
        return value, first, np.eye(delta.shape[0])[:, :, None] * curve


def p_values(z: Array, two_sided: bool) -> Array:
    """Return the p-values of z, one-sided for large z, or two-sided."""
    return np.asarray(2 * special.ndtr(-np.abs(z)) if two_sided else special.ndtr(-z))


def z_of(p: Array, two_sided: bool) -> Array:
    """Return the z-value, not below 0 if two-sided, of each p-value."""
    return np.asarray(-special.ndtri(p / 2 if two_sided else p))


def smooth_grid(
    function: WeightFunction, z: Array, *, two_sided: bool, threshold: float | None
) -> SmoothGrid:
    """Return the grid on which a smooth weight function is integrated.

    Its weight is constant where p is taken as ``nearest`` to 0 or 1, and beyond 8.5 standard
    errors; between, panels of at most one or two standard errors are cut where it has a kink.
    """
    cuts: list[float] = [0.0] if two_sided else []
    reach = _REACH
    if function.nearest:
        ends = z_of(np.array([function.nearest, 1 - function.nearest]), two_sided).tolist()
        reach = ends[0]
        cuts += _towards_zero(ends[1]) if two_sided else ends
    if threshold is not None:
        at = float(z_of(np.array([threshold]), two_sided)[0])
        cuts += [at, -at] if two_sided else [at]
    cuts += [-_STEEP, _STEEP]
    edges = np.unique([-reach, reach, *(cut for cut in cuts if abs(cut) < reach)])
    node, mass = _panels(edges)
    low = np.array([-np.inf, edges[-1]])
    high = np.array([edges[0], np.inf])
    inner = np.concatenate([np.array([-np.inf, np.inf]), node])
    log_weight = function.log_weight
    if threshold is not None:
        log_weight = after_threshold(log_weight, threshold)

    def clipped(values: Array) -> Array:
        p = p_values(values, two_sided)
        return np.clip(p, function.nearest, 1 - function.nearest) if function.nearest else p

    return SmoothGrid(low, high, node, mass, log_weight, clipped(inner), clipped(z))


def _towards_zero(smallest: float) -> list[float]:
    """Return cuts on both sides that close in on z = 0, where 1 - p has its kink."""
    sizes = smallest * 8.0 ** np.arange(np.ceil(np.log(1 / smallest) / np.log(8.0)))
    return [*sizes.tolist(), *(-sizes).tolist()]


def _panels(edges: Array) -> tuple[Array, Array]:
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    nodes, masses = [], []
    for start, end in itertools.pairwise(edges):
        width = _PANEL if abs(start + end) < 2 * _STEEP else _WIDE_PANEL
        count = int(np.ceil((end - start) / width))
        bounds = np.linspace(start, end, count + 1)
        half = np.diff(bounds)[:, None] / 2
        nodes.append((bounds[:-1, None] + half * (1 + node)).ravel())
        masses.append((half * weight).ravel())
    return np.concatenate(nodes), np.concatenate(masses)


def step_grid(steps: Sequence[float], z: Array, *, two_sided: bool) -> StepGrid:
    """Return the grid of a step function with cuts of p at ``steps``, the last of them 1."""
    upper = np.asarray(steps, dtype=np.float64)
    inner = z_of(upper[:-1], two_sided)
    high = np.concatenate([np.array([np.inf]), inner])
    low = np.concatenate([inner, np.array([0.0 if two_sided else -np.inf])])
    step = np.arange(upper.size)
    member = np.searchsorted(upper, p_values(z, two_sided), side="left")
    count = np.bincount(member, minlength=upper.size).astype(np.float64)
    if two_sided:
        low, high = np.concatenate([low, -high]), np.concatenate([high, -low])
        step = np.concatenate([step, step])
    none = np.zeros(0)
    return StepGrid(low, high, none, none, step, count)
