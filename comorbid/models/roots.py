"""Roots of many bracketed functions at once, by Newton's method that cannot leave its bracket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError

Slope = Callable[[Array, Index], tuple[Array, Array]]

_MAX_STEPS = 300
# Newton squares its error at each step: after a relative step of 1e-8 only rounding is left.
_SETTLED = 1e-8
# Brackets of one block: their arrays stay in the processor's cache.
_BLOCK = 2**12
# A root this much smaller than its bracket is 0 but for rounding of the function at 0.
_NOTHING = 1e-30


def find_roots(
    function: Slope, low: Array, high: Array, column: Index, start: Array | None = None
) -> Array:
    """Find where each function falls through zero between ``low`` and ``high``.

    Parameters
    ----------
    function : callable
        ``function(x, column) -> (value, derivative)`` at ``x`` for the data sets ``column``.
    low, high : arrays of shape (m,)
        The function is positive at ``low`` and not positive at ``high``.
    column : integer array of shape (m,)
        Data set that each bracket belongs to.
    start : array of shape (m,), optional
        A first guess within each bracket; by default its middle.

    Returns
    -------
    array of shape (m,)
        Each root to within rounding.

    Raises
    ------
    ModelError
        If a function is not a number, or a root is not found in 300 steps; bisection alone needs
        fewer.
    """
    start = (low + high) / 2 if start is None else start
    root = np.empty(low.size)
    with np.errstate(all="ignore"):
        for first in range(0, low.size, _BLOCK):
            part = slice(first, first + _BLOCK)
            root[part] = _find_block(function, low[part], high[part], column[part], start[part])
    return root


def _find_block(function: Slope, low: Array, high: Array, column: Index, start: Array) -> Array:
    low, high, root = low.astype(np.float64), high.astype(np.float64), start.astype(np.float64)
    last = high - low
    nothing = _NOTHING * high
    open_ = np.arange(root.size)
    for _ in range(_MAX_STEPS):
        if not open_.size:
            return root
        x = root[open_]
        value, derivative = function(x, column[open_])
        if np.isnan(value).any():
            raise ModelError("no root found: a value on the way to it is not a number")
        below = value > 0
        left, right = np.where(below, x, low[open_]), np.where(below, high[open_], x)
        step = value / derivative
        new, size = x - step, np.abs(step)
        inside = (new >= left) & (new <= right)
        settled = inside & (size <= _SETTLED * new)
        newton = inside & (size < last[open_] / 2) | settled
        new = np.where(newton, new, (left + right) / 2)
        low[open_], high[open_], last[open_] = left, right, np.abs(new - x)
        exact = (value == 0) | (new == x) | (new < nothing[open_])
        root[open_] = np.where(exact, x, new)
        open_ = open_[~(settled | exact)]
    raise ModelError(f"no root found in {_MAX_STEPS} steps for {open_.size} data sets")
