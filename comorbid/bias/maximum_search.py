"""Maximum search: climb a function from many starts at once, within bounds."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comorbid.bias.selection_likelihood import Heights
from comorbid.effects.arrays import Array, Index, Mask

Function = Callable[[Array], Heights]

_MAX_STEPS, _LAST_STEPS = 300, 6
# Below this expected gain, a share of the height, rounding hides whether a step rises.
_NEAR = 1e-10
_MOST_DAMPED = 1e16
_FLAT = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Climbs:
    """Where n climbs ended.

    Attributes
    ----------
    point : array of shape (d, n)
    heights : Heights
        There.
    free : boolean array of shape (d, n)
        Which parameters are neither fixed nor pressed against a bound.
    gain : array of shape (n,)
        By how much one more step of Newton's would rise: 0 but for rounding at a maximum.
    arrived : boolean array of shape (n,)
        Whether the climb ended at a maximum.
    """

    point: Array
    heights: Heights
    free: Mask
    gain: Array
    arrived: Mask


def climb(function: Function, starts: Array, *, low: Array, high: Array) -> Climbs:
    """Climb from every start to a maximum by Newton's method, damped where it does not rise.

    Parameters
    ----------
    function : callable
        From points (d, n) to heights.
    starts : array of shape (d, n)
    low, high : arrays of shape (d,)
        Bounds; where equal a parameter is fixed.

    Returns
    -------
    Climbs
    """
    low, high = low[:, None], high[:, None]
    point = np.clip(starts, low, high)
    here = function(point)
    damping = np.full(point.shape[1], 1e-2)
    arrived = np.zeros(point.shape[1], dtype=bool)
    open_ = np.flatnonzero(np.isfinite(here.value))
    for _ in range(_MAX_STEPS):
        step, gain, convex = _newton(point, here, open_, low, high, damping[open_])
        near = (gain <= _NEAR * np.maximum(1.0, np.abs(here.value[open_]))) & ~convex
        arrived[open_[near]] = True
        going = ~near & (damping[open_] < _MOST_DAMPED)
        open_, step = open_[going], step[:, going]
        if not open_.size:
            break
        new = np.clip(point[:, open_] + step, low, high)
        there = function(new)
        better = there.value > here.value[open_]
        _move(point, here, open_, new, there, better)
        damping[open_] *= np.where(better, 0.1, 8.0)
    _settle(function, point, here, arrived, low, high)
    everything = np.arange(point.shape[1])
    _, gain, _ = _newton(point, here, everything, low, high, np.zeros(everything.size))
    return Climbs(point, here, _free(point, here.gradient, low, high), gain, arrived)


def _settle(
    function: Function, point: Array, here: Heights, arrived: Mask, low: Array, high: Array
) -> None:
    """Take the last steps by the gradient alone, which still sees what rounding hides."""
    open_ = np.flatnonzero(arrived)
    for _ in range(_LAST_STEPS):
        if not open_.size:
            return
        step, gain, _ = _newton(point, here, open_, low, high, np.zeros(open_.size))
        new = np.clip(point[:, open_] + step, low, high)
        there = function(new)
        _, gain_there, _ = _newton(
            new, there, np.arange(open_.size), low, high, np.zeros(open_.size)
        )
        better = gain_there < gain
        _move(point, here, open_, new, there, better)
        open_ = open_[better]


def _move(
    point: Array, here: Heights, open_: Index, new: Array, there: Heights, better: Mask
) -> None:
    moved = open_[better]
    point[:, moved] = new[:, better]
    here.value[moved] = there.value[better]
    here.gradient[:, moved] = there.gradient[:, better]
    here.hessian[:, :, moved] = there.hessian[:, :, better]


def _free(point: Array, gradient: Array, low: Array, high: Array) -> Mask:
    """Return which parameters can move: neither fixed nor pressed against a bound."""
    pressed = ((point <= low) & (gradient <= 0)) | ((point >= high) & (gradient >= 0))
    return np.asarray((low < high) & ~pressed)


def _newton(
    point: Array, heights: Heights, at: Index, low: Array, high: Array, damping: Array
) -> tuple[Array, Array, Mask]:
    """Return damped Newton steps, the gain that undamped ones promise, and where it is no top.

    Each parameter is measured by its own curvature; where the function curves upwards, the step
    goes up as if it curved downwards as strongly.
    """
    gradient = heights.gradient[:, at]
    free = _free(point[:, at], gradient, low, high)
    d = gradient.shape[0]
    gradient = np.where(free, gradient, 0.0)
    curvature = np.where(free[:, None] & free[None], -heights.hessian[:, :, at], 0.0)
    curvature[np.arange(d), np.arange(d)] += ~free
    size = np.sqrt(np.abs(np.einsum("iin->in", curvature)))
    size[size == 0] = 1.0
    scaled = np.moveaxis(curvature / (size[:, None] * size[None]), -1, 0)
    finite = np.isfinite(scaled).all(axis=(1, 2))
    value, vector = np.linalg.eigh(np.where(finite[:, None, None], scaled, np.eye(d)))
    along = np.einsum("nij,in->nj", vector, np.where(finite, gradient / size, 0.0))
    strength = np.maximum(np.abs(value), _FLAT)
    gain = np.where(finite, (along**2 / strength).sum(axis=1) / 2, np.inf)
    step = np.einsum("nij,nj->in", vector, along / (strength + damping[:, None])) / size
    return step, gain, np.asarray((value < -_FLAT).any(axis=1))
