"""Roots of many bracketed functions at once, by Newton's method that cannot leave its bracket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError

Slope = Callable[[Array, Index], tuple[Array, Array]]

_MAX_STEPS = 300
# Newton squares its error at each step: after a relative step of 1e-9 only rounding is left.
_SETTLED = 1e-9


def find_roots(function: Slope, low: Array, high: Array, column: Index) -> Array:
    """Find where each function falls through zero between ``low`` and ``high``.

    Parameters
    ----------
    function : callable
        ``function(x, column) -> (value, derivative)`` at ``x`` for the data sets ``column``.
    low, high : arrays of shape (m,)
        The function is positive at ``low`` and not positive at ``high``.
    column : integer array of shape (m,)
        Data set that each bracket belongs to.

    Returns
    -------
    array of shape (m,)
        Each root to within rounding.

    Raises
    ------
    ModelError
        If a root is not found in 300 steps; bisection alone needs fewer.
    """
    low, high = low.astype(np.float64), high.astype(np.float64)
    root = (low + high) / 2
    last = high - low
    open_ = np.arange(root.size)
    for _ in range(_MAX_STEPS):
        if not open_.size:
            return root
        x = root[open_]
        value, derivative = function(x, column[open_])
        low[open_] = np.where(value > 0, x, low[open_])
        high[open_] = np.where(value > 0, high[open_], x)
        with np.errstate(divide="ignore", invalid="ignore"):
            step = value / derivative
        new = x - step
        inside = (new >= low[open_]) & (new <= high[open_])
        settled = inside & (np.abs(step) <= _SETTLED * new)
        newton = inside & (np.abs(step) < last[open_] / 2) | settled
        new = np.where(newton, new, (low[open_] + high[open_]) / 2)
        last[open_] = np.abs(new - x)
        exact = (value == 0) | (new == x)
        root[open_] = np.where(exact, x, new)
        open_ = open_[~(settled | exact)]
    raise ModelError(f"no root found in {_MAX_STEPS} steps for {open_.size} data sets")
