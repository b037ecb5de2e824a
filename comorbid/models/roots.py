"""Roots of many bracketed functions at once, by Newton's method that cannot leave its bracket."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError

# Where, the value there and the derivative.
Known = tuple[Array, Array, Array]
Slope = Callable[[Array, Index], tuple[Array, Array]]

MAX_STEPS = 300
# Newton squares its error at each step: after a relative step of 1e-8 only rounding is left.
SETTLED = 1e-8
# What the terms of higher order may be beside Newton's step, and the error that is none.
SMALL, ROUNDING = 0.1, 1e-17
# Brackets of one block: their arrays stay in the processor's cache.
_BLOCK = 2**12
# A root this much smaller than its bracket is 0 but for rounding of the function at 0.
NOTHING = 1e-30


def find_roots(
    function: Slope,
    low: Array,
    high: Array,
    column: Index,
    start: Array | None = None,
    known: Array | None = None,
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
    known : array of shape (2, m), optional
        Value and derivative at ``low``, where they have been computed already.

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
            before = None if known is None else (low[part], known[0, part], known[1, part])
            ends = low[part], high[part], column[part]
            root[part] = _find_block(function, *ends, start[part], before)
    return root


def _find_block(
    function: Slope, low: Array, high: Array, column: Index, x: Array, before: Known | None
) -> Array:
    low, high = low.astype(np.float64), high.astype(np.float64)
    root, open_ = np.empty(x.size), np.arange(x.size)
    nothing, last = NOTHING * high, high - low
    for _ in range(MAX_STEPS):
        value, derivative = function(x, column)
        if np.isnan(value).any():
            raise ModelError("no root found: a value on the way to it is not a number")
        below = value > 0
        np.copyto(low, x, where=below)
        np.copyto(high, x, where=~below)
        step = value / derivative
        size = np.abs(step)
        new, left = _improved(x, value, derivative, step, before)
        inside = (new >= low) & (new <= high)
        settled = inside & ((size <= SETTLED * new) | (left <= ROUNDING * new))
        newton = settled | inside & (size < last / 2)
        new = np.where(newton, new, (low + high) / 2)
        exact = (value == 0) | (new == x) | (new < nothing)
        done = settled | exact
        last = np.abs(new - x)
        before = x, value, derivative
        if not done.any():
            x = new
            continue
        np.copyto(new, x, where=exact)
        root[open_[done]] = new[done]
        if done.all():
            return root
        kept = (~done).nonzero()[0]
        x, low, high, last = new[kept], low[kept], high[kept], last[kept]
        open_, column, nothing = open_[kept], column[kept], nothing[kept]
        before = before[0][kept], before[1][kept], before[2][kept]
    raise ModelError(f"no root found in {MAX_STEPS} steps for {open_.size} data sets")


def _improved(
    x: Array,
    value: Array,
    derivative: Array,
    step: Array,
    before: Known | None,
) -> tuple[Array, Array]:
    """Return where Newton's step leads, corrected by the step before, and about how far it errs.

    The inverse function is interpolated between both points by values and slopes. Its terms of
    second and third order tell the fourth, the first that it lacks. Where they are not small beside
    Newton's step that is taken as it is.
    """
    plain = x - step
    if before is None:
        return plain, np.full(x.size, np.inf)
    x0, value0, derivative0 = before
    gap = value0 - value
    secant = (x0 - x) / gap
    second = (secant - 1 / derivative) / gap
    third = (1 / derivative0 - secant) / gap - second
    square = value * value
    quadratic, cubic = square * second, square * third * (value0 / gap)
    size, bend = np.abs(step), np.abs(quadratic)
    fits = bend + np.abs(cubic) <= SMALL * size
    ratio = (x - x0) / size
    left = np.maximum(cubic * cubic / bend, bend * (bend * ratio / size) ** 2)
    return np.where(fits, plain + quadratic - cubic, plain), np.where(fits, left, np.inf)
