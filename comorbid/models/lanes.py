"""Fits of means alone for numba to compile: 32 data sets side by side, a lane each.

The arithmetic is that of `intercept`, `maxima` and `roots`. The inner loops run over lanes, which
do not mix, so that a processor computes several at once and a data set's result depends on nothing
else. Without numba these are ordinary, slow functions; only `compiled` calls them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeVar

import numpy as np

from comorbid.effects.arrays import Array, Index

try:
    import numba
except ImportError:
    NUMBA = False
else:
    NUMBA = True

F = TypeVar("F", bound=Callable[..., Any])

EE, DL, PM, ML, REML = range(5)
# What a lane gives, row by row: tau2, mean, sum of weights, Q and trace of P there and at 0, the
# effect that others were counted from, the number of studies, and 1 where it has failed.
TAU2, MEAN, SUM, Q, TRACE, Q0, TRACE0, ORIGIN, K, FAILED = range(10)
RESULTS = 10
# What a group's leave-one-out fits give: the range of the estimates and of the ends of their
# intervals, how many of these exclude the null, and 1 where a fit has failed.
LOW, HIGH, CI_LOW, CI_HIGH, EXCLUDING, LOO_FAILED = range(6)
LEFT_OUT = 6

_L = 32
# A study has three rows of lanes: variance, effect, weight.
_Y, _W, _STUDY = _L, 2 * _L, 3 * _L
# Rows of the state of all lanes, by their first position: where it is looked at, and the moments.
_AT, _MEAN, _SUM, _Q, _TRACE, _Q0, _TRACE0, _ORIGIN, _K, _BAD = range(0, 10 * _L, _L)
_REST, _W2, _W3, _LESS, _PYPY, _WGG, _WG, _YPPP, _T, _TT = range(10 * _L, 20 * _L, _L)
_VALUE, _SLOPE, _RSS, _GAP, _END, _U, _STEP, _FOUND, _ZERO = range(20 * _L, 29 * _L, _L)
_S0, _T0, _SAFE, _YPP0, _LOW, _HIGH, _LAST, _FLOOR, _OPEN = range(29 * _L, 38 * _L, _L)
_BEST, _TOP, _AT_END, _SLOPE_END, _BETA_END, _SLOPE0 = range(38 * _L, 44 * _L, _L)
_TT0, _YPPP0 = range(44 * _L, 46 * _L, _L)
_STATE = 46 * _L

# As in `roots`.
_MAX_STEPS, _SETTLED, _NOTHING = 300, 1e-8, 1e-30
# By how much the end of the ladder is past where the score can be 0 at the most.
_MARGIN = 1.01
# From rung to rung the least variance grows by this factor, or, where something could be hidden, by
# a root of it, down to the closest.
_RATIO, _CLOSEST = 2.0, 1 + 1e-6
# Maxima of one likelihood that there is room for.
_MAXIMA = 16


def jit(function: F) -> F:
    """Compile a function, and keep it on disk where there is a place to write."""
    if not NUMBA:
        return function
    # Divisions by zero give inf or nan, as NumPy's; nothing is reordered.
    options: dict[str, Any] = {"nogil": True, "error_model": "numpy"}
    try:
        compiled: F = numba.njit(cache=True, **options)(function)
    except RuntimeError:  # neither the package's folder nor the user's can be written
        compiled = numba.njit(**options)(function)
    return compiled


@jit
def _weigh(d: Array, k: int, a: Array) -> None:
    """Weights at tau2, their sums, and the mean."""
    for j in range(_L):
        d[_W + j] = 1.0 / (d[j] + a[_AT + j])
        a[_REST + j] = 0.0
        a[_W2 + j] = 0.0
        a[_W3 + j] = 0.0
        a[_MEAN + j] = 0.0
    for i in range(1, k):
        o = i * _STUDY
        for j in range(_L):
            w = 1.0 / (d[o + j] + a[_AT + j])
            d[o + _W + j] = w
            a[_REST + j] += w
            a[_MEAN + j] += w * d[o + _Y + j]
            a[_W2 + j] += w * w
            a[_W3 + j] += w * w * w
    for j in range(_L):
        first = d[_W + j]
        total = first + a[_REST + j]
        mean = a[_MEAN + j] / total
        a[_SUM + j] = total
        a[_MEAN + j] = mean
        a[_LESS + j] = first * mean
        a[_TRACE + j] = (2 * first * a[_REST + j] + a[_REST + j] ** 2 - a[_W2 + j]) / total


@jit
def _solve(d: Array, k: int, a: Array) -> None:
    """The mean at tau2, its sum of weights, Q and the trace of P."""
    _weigh(d, k, a)
    for j in range(_L):
        a[_Q + j] = a[_LESS + j] * a[_MEAN + j]
    for i in range(1, k):
        o = i * _STUDY
        for j in range(_L):
            residual = d[o + _Y + j] - a[_MEAN + j]
            a[_Q + j] += d[o + _W + j] * residual * residual


@jit
def _straight(d: Array, k: int, a: Array, method: int) -> None:
    """Twice the slope of the log-likelihood at tau2, and its parts.

    _SLOPE is the derivative of it over the square of the largest weight, which is nearly a line.
    """
    _weigh(d, k, a)
    for j in range(_L):
        a[_PYPY + j] = a[_LESS + j] ** 2
        a[_WGG + j] = 0.0
        a[_WG + j] = 0.0
    for i in range(1, k):
        o = i * _STUDY
        for j in range(_L):
            w = d[o + _W + j]
            py = w * (d[o + _Y + j] - a[_MEAN + j])
            gap = py + a[_LESS + j]
            a[_PYPY + j] += py * py
            a[_WGG + j] += w * gap * gap
            a[_WG + j] += w * gap
    for j in range(_L):
        first, w2, total = d[_W + j], a[_W2 + j], a[_SUM + j]
        a[_YPPP + j] = a[_WGG + j] - a[_WG + j] ** 2 / total
        if method == REML:
            a[_T + j] = a[_TRACE + j]
            a[_TT + j] = (
                (first * a[_REST + j] / total) ** 2
                + w2 * (1 + (2 * first**2 + w2) / total**2)
                - 2 * a[_W3 + j] / total
            )
        else:
            a[_T + j] = total
            a[_TT + j] = first**2 + w2
        value = a[_PYPY + j] - a[_T + j]
        a[_VALUE + j] = value
        a[_SLOPE + j] = a[_TT + j] - 2 * a[_YPPP + j] + 2 * value / (a[_AT + j] + d[j])


@jit
def _excess(d: Array, k: int, a: Array) -> None:
    """What Paule and Mandel's Q lacks of its expectation, and the derivative."""
    _solve(d, k, a)
    for j in range(_L):
        a[_PYPY + j] = a[_LESS + j] ** 2
    for i in range(1, k):
        o = i * _STUDY
        for j in range(_L):
            py = d[o + _W + j] * (d[o + _Y + j] - a[_MEAN + j])
            a[_PYPY + j] += py * py
    for j in range(_L):
        share = (a[_K + j] - 1) / a[_Q + j]
        a[_VALUE + j] = 1 - share
        a[_SLOPE + j] = -a[_PYPY + j] * share / a[_Q + j]


@jit
def _newton(d: Array, k: int, a: Array, method: int) -> None:
    """Move _AT of each open lane to the root between _LOW and _HIGH, as `find_roots` does."""
    for j in range(_L):
        a[_LAST + j] = a[_HIGH + j] - a[_LOW + j]
        a[_FLOOR + j] = _NOTHING * a[_HIGH + j]
    for _ in range(_MAX_STEPS):
        left_over = 0.0
        for j in range(_L):
            left_over += a[_OPEN + j]
        if left_over == 0.0:
            return
        if method == PM:
            _excess(d, k, a)
        else:
            _straight(d, k, a, method)
        for j in range(_L):
            x, value, open_ = a[_AT + j], a[_VALUE + j], a[_OPEN + j] > 0
            left = x if value > 0 else a[_LOW + j]
            right = a[_HIGH + j] if value > 0 else x
            step = value / a[_SLOPE + j]
            new, size = x - step, abs(step)
            inside = (new >= left) & (new <= right)
            settled = inside & (size <= _SETTLED * new)
            newton = (inside & (size < a[_LAST + j] / 2)) | settled
            new = new if newton else (left + right) / 2
            exact = (value == 0) | (new == x) | (new < a[_FLOOR + j])
            wrong = value != value
            a[_LOW + j] = left if open_ else a[_LOW + j]
            a[_HIGH + j] = right if open_ else a[_HIGH + j]
            a[_LAST + j] = abs(new - x) if open_ else a[_LAST + j]
            a[_AT + j] = new if open_ & ~exact & ~wrong else x
            a[_BAD + j] = 1.0 if open_ & wrong else a[_BAD + j]
            a[_OPEN + j] = 0.0 if settled | exact | wrong else a[_OPEN + j]
    for j in range(_L):
        a[_BAD + j] = 1.0 if a[_OPEN + j] > 0 else a[_BAD + j]


@jit
def _unweighted(d: Array, k: int, a: Array) -> None:
    """Unweighted residual sum of squares, studies, and the gap between the variances' ends."""
    for j in range(_L):
        a[_K + j] = 0.0
        a[_MEAN + j] = 0.0
        a[_RSS + j] = 0.0
        a[_GAP + j] = 0.0
    for i in range(k):
        o = i * _STUDY
        for j in range(_L):
            member = d[o + j] < np.inf
            a[_K + j] += 1.0 if member else 0.0
            a[_MEAN + j] += d[o + _Y + j] if member else 0.0
            wide = d[o + j] - d[j]
            a[_GAP + j] = wide if member & (wide > a[_GAP + j]) else a[_GAP + j]
    for j in range(_L):
        a[_MEAN + j] /= a[_K + j]
    for i in range(k):
        o = i * _STUDY
        for j in range(_L):
            residual = d[o + _Y + j] - a[_MEAN + j]
            a[_RSS + j] += residual * residual if d[o + j] < np.inf else 0.0


@jit
def _ladder(d: Array, k: int, a: Array, b: Array, method: int) -> None:
    r"""Bracket every maximum of each lane.

    With :math:`T = \mathrm{tr} P` and :math:`T_2 = \mathrm{tr} PP` (ML: the sums of the weights
    and of their squares), T and y'PPy fall as tau2 grows, while :math:`\alpha = T / T_2 - \tau^2`
    and :math:`\beta = y'PPy / y'PPPy - \tau^2` rise. Where the score y'PPy - T is 0 it rises if
    :math:`\beta > 2 \alpha + \tau^2` and falls if it is less. So between two rungs it cannot rise
    through 0 if :math:`\beta` at the upper is at most :math:`2 \alpha + \tau^2` at the lower, nor
    fall through it if the second at the upper is at most the first at the lower. And as T and
    y'PPy are convex, it has no root if the line between the ends of the lesser is below the
    tangents at the ends of the other.
    What none of these settles is looked at again in half the step.
    """
    for j in range(_L):
        spread = a[_RSS + j] / (a[_K + j] - 1)
        past = (spread + math.sqrt(spread * (spread + 4 * a[_GAP + j]))) / 2
        a[_END + j] = _MARGIN * max(past, d[j]) if a[_K + j] > 1 else d[j]
        a[_AT + j] = a[_END + j] - d[j]
        a[_U + j] = d[j]
        a[_STEP + j] = _RATIO
        a[_FOUND + j] = 0.0
    _straight(d, k, a, method)
    for j in range(_L):
        a[_AT_END + j], a[_SLOPE_END + j] = a[_VALUE + j], a[_SLOPE + j]
        a[_BETA_END + j] = a[_PYPY + j] / a[_YPPP + j] - a[_AT + j]
        wrong = (a[_K + j] > 1) & ~((a[_VALUE + j] <= 0) & (a[_END + j] < np.inf))
        a[_BAD + j] = 1.0 if wrong else a[_BAD + j]
        a[_END + j] = d[j] if wrong else a[_END + j]
        a[_AT + j] = 0.0
    _straight(d, k, a, method)
    for j in range(_L):
        a[_ZERO + j] = 0.0 if a[_VALUE + j] > 0 else 1.0
        _keep(d, a, b, j)
    while True:
        rungs = 0
        for j in range(_L):
            live = a[_U + j] < a[_END + j]
            rungs += 1 if live else 0
            a[_AT + j] = _rung(a, j) - d[j] if live else a[_AT + j]
        if rungs == 0:
            break
        _straight(d, k, a, method)
        for j in range(_L):
            if a[_U + j] < a[_END + j]:
                _climb(d, a, b, j)


@jit
def _rung(a: Array, j: int) -> float:
    """Return the least variance at the next rung."""
    rung: float = min(a[_U + j] * a[_STEP + j], a[_END + j])
    return rung


@jit
def _climb(d: Array, a: Array, b: Array, j: int) -> None:
    """Take the rung if nothing can be hidden below it; otherwise look closer."""
    no_rise = a[_PYPY + j] / a[_YPPP + j] - a[_AT + j] <= a[_SAFE + j]
    below = a[_YPP0 + j] / a[_YPPP0 + j] - (a[_U + j] - d[j])
    no_fall = 2 * a[_T + j] / a[_TT + j] - a[_AT + j] <= below
    if not (no_rise or no_fall or a[_STEP + j] < _CLOSEST or _no_root(d, a, j)):
        a[_STEP + j] = math.sqrt(a[_STEP + j])
        return
    _bracket(d, a, b, j, a[_AT + j], a[_VALUE + j], a[_SLOPE + j])
    a[_U + j] = _rung(a, j)
    a[_STEP + j] = min(_RATIO, a[_STEP + j] ** 2)
    _keep(d, a, b, j)


@jit
def _no_root(d: Array, a: Array, j: int) -> bool:
    """Whether the score has one sign from the rung to the next: both of its parts are convex."""
    width = a[_AT + j] + d[j] - a[_U + j]
    y0, y1, dy0, dy1 = a[_YPP0 + j], a[_PYPY + j], 2 * a[_YPPP0 + j], 2 * a[_YPPP + j]
    t0, t1, dt0, dt1 = a[_T0 + j], a[_T + j], a[_TT0 + j], a[_TT + j]
    if y0 > t0:
        return y1 > t1 and _apart(t0, t1, y0, y1, dy0, dy1, width)
    return y1 <= t1 and _apart(y0, y1, t0, t1, dt0, dt1, width)


@jit
def _apart(
    low0: float, low1: float, high0: float, high1: float, fall0: float, fall1: float, width: float
) -> bool:
    """Whether the line between two ends is below the tangents at the ends of a curve above."""
    x = (high0 - high1 - fall1 * width) / (fall0 - fall1)
    x = min(max(x, 0.0), width)
    line = low0 + (low1 - low0) * (x / width)
    return line <= max(high0 - fall0 * x, high1 + fall1 * (width - x))


@jit
def _keep(d: Array, a: Array, b: Array, j: int) -> None:
    """Remember what the lane is at its rung; take the last one where nothing is hidden below."""
    a[_S0 + j], a[_T0 + j], a[_YPP0 + j] = a[_VALUE + j], a[_T + j], a[_PYPY + j]
    a[_SLOPE0 + j], a[_TT0 + j], a[_YPPP0 + j] = a[_SLOPE + j], a[_TT + j], a[_YPPP + j]
    a[_SAFE + j] = 2 * a[_T + j] / a[_TT + j] - a[_AT + j]
    if not abs(a[_VALUE + j]) < np.inf:
        a[_BAD + j] = 1.0 if a[_K + j] > 1 else a[_BAD + j]
        a[_U + j] = a[_END + j]
    elif a[_BETA_END + j] <= a[_SAFE + j] and a[_U + j] < a[_END + j]:
        _bracket(d, a, b, j, a[_END + j] - d[j], a[_AT_END + j], a[_SLOPE_END + j])
        a[_U + j] = a[_END + j]


@jit
def _bracket(d: Array, a: Array, b: Array, j: int, high: float, value: float, slope: float) -> None:
    """Note the rungs if the score falls through 0 between them."""
    if (a[_S0 + j] > 0) & ~(value > 0):
        if a[_FOUND + j] == _MAXIMA:
            a[_BAD + j] = 1.0
            return
        o = int(a[_FOUND + j]) * 6 * _L + j
        b[o], b[o + _L] = a[_U + j] - d[j], high
        b[o + 2 * _L], b[o + 3 * _L] = a[_S0 + j], value
        b[o + 4 * _L], b[o + 5 * _L] = a[_SLOPE0 + j], slope
        a[_FOUND + j] += 1.0


@jit
def _open(d: Array, a: Array, b: Array, c: int, j: int) -> None:
    """Put an open lane into its c-th bracket, at where the straightened score is about 0.

    That is where the line across the bracket is 0, or, if it is bent to one side, nearer to the
    root, the first or last of where the lines along its ends are.
    """
    if a[_OPEN + j] == 0:
        a[_LOW + j], a[_HIGH + j], a[_AT + j] = 0.0, 0.0, 0.0
        return
    o = c * 6 * _L + j
    low, high = b[o], b[o + _L]
    left = b[o + 2 * _L] * (low + d[j]) ** 2
    right = b[o + 3 * _L] * (high + d[j]) ** 2
    across = low + (high - low) * left / (left - right)
    up = low - b[o + 2 * _L] / b[o + 4 * _L]
    down = high - b[o + 3 * _L] / b[o + 5 * _L]
    a[_LOW + j], a[_HIGH + j] = low, high
    if low < up < across and low < down < across:
        across = max(up, down)
    elif across < up < high and across < down < high:
        across = min(up, down)
    a[_AT + j] = across


@jit
def _height(d: Array, k: int, a: Array, j: int, method: int) -> float:
    """Twice the log-likelihood of a lane at the tau2 that was solved last."""
    height: float = -a[_Q + j] - (math.log(a[_SUM + j]) if method == REML else 0.0)
    for i in range(k):
        if d[i * _STUDY + j] < np.inf:
            height -= math.log(d[i * _STUDY + j] + a[_AT + j])
    return height


@jit
def _highest(d: Array, k: int, a: Array, b: Array, method: int) -> None:
    """Move _AT of each lane to the highest of its maxima, the smallest of equals."""
    most, several = 0, False
    for j in range(_L):
        most = max(most, int(a[_FOUND + j]))
        several |= a[_FOUND + j] + a[_ZERO + j] > 1
        a[_AT + j] = 0.0
        a[_BEST + j] = 0.0
    if several:
        _solve(d, k, a)
        for j in range(_L):
            a[_TOP + j] = _height(d, k, a, j, method) if a[_ZERO + j] > 0 else -np.inf
    for c in range(most):
        for j in range(_L):
            open_ = (a[_FOUND + j] > c) & (a[_BAD + j] == 0)
            a[_OPEN + j] = 1.0 if open_ else 0.0
            _open(d, a, b, c, j)
        _newton(d, k, a, method)
        if several:
            _solve(d, k, a)
        for j in range(_L):
            if a[_FOUND + j] > c:
                height = _height(d, k, a, j, method) if several else np.inf
                if not several or height > a[_TOP + j]:
                    a[_BEST + j], a[_TOP + j] = a[_AT + j], height
                a[_BAD + j] = 1.0 if height != height else a[_BAD + j]
    for j in range(_L):
        a[_AT + j] = a[_BEST + j]


@jit
def _fit(d: Array, k: int, a: Array, b: Array, method: int) -> None:
    """Estimate tau2 of each lane and solve there; with fewer than two studies at 0."""
    for j in range(_L):
        a[_AT + j] = 0.0
        a[_BAD + j] = 0.0
    _unweighted(d, k, a)
    _solve(d, k, a)
    for j in range(_L):
        a[_Q0 + j] = a[_Q + j]
        a[_TRACE0 + j] = a[_TRACE + j]
    if method == DL:
        for j in range(_L):
            a[_AT + j] = max(0.0, (a[_Q0 + j] - (a[_K + j] - 1)) / a[_TRACE0 + j])
    elif method == PM:
        for j in range(_L):
            above = (a[_K + j] > 1) & (a[_Q0 + j] > a[_K + j] - 1)
            a[_LOW + j] = 0.0
            a[_HIGH + j] = a[_RSS + j] / (a[_K + j] - 1) if above else 0.0
            a[_AT + j] = a[_HIGH + j] / 2
            a[_OPEN + j] = 1.0 if above else 0.0
        _newton(d, k, a, method)
    elif method >= ML:
        _ladder(d, k, a, b, method)
        _highest(d, k, a, b, method)
    for j in range(_L):
        a[_AT + j] = a[_AT + j] if a[_K + j] > 1 else 0.0
    _solve(d, k, a)


@jit
def _precise_first(d: Array, k: int, a: Array) -> None:
    """Put the most precise study of each lane first, and count effects from its own."""
    for j in range(_L):
        a[_LOW + j] = d[j]
        a[_FOUND + j] = 0.0
    for i in range(1, k):
        o = i * _STUDY
        for j in range(_L):
            less = d[o + j] < a[_LOW + j]
            a[_LOW + j] = d[o + j] if less else a[_LOW + j]
            a[_FOUND + j] = i if less else a[_FOUND + j]
    for j in range(_L):
        o = int(a[_FOUND + j]) * _STUDY + j
        d[j], d[o] = d[o], d[j]
        d[_Y + j], d[o + _Y] = d[o + _Y], d[_Y + j]
        a[_ORIGIN + j] = d[_Y + j]
    for i in range(k):
        o = i * _STUDY + _Y
        for j in range(_L):
            d[o + j] -= a[_ORIGIN + j]


@jit
def fit_columns(yi: Array, vi: Array, method: int, out: Array) -> None:
    """Fit each column of (k, n) effects and variances; ``out`` of (10, n) gets the results."""
    k, n = yi.shape
    d, a, b = np.empty(k * _STUDY), np.empty(_STATE), np.empty(_MAXIMA * 6 * _L)
    for start in range(0, n, _L):
        for i in range(k):
            for j in range(_L):
                column = min(start + j, n - 1)
                d[i * _STUDY + j] = vi[i, column]
                d[i * _STUDY + _Y + j] = yi[i, column]
        _precise_first(d, k, a)
        _fit(d, k, a, b, method)
        for j in range(min(_L, n - start)):
            for row in range(RESULTS):
                out[row, start + j] = a[row * _L + j]


@jit
def fit_groups(
    yi: Array,
    vi: Array,
    offsets: Index,
    order: Index,
    method: int,
    null: float,
    quantile: Array,
    floor: float,
    out: Array,
    without: Array,
) -> None:
    """Fit each group, and each group without each of its studies.

    Parameters
    ----------
    yi, vi : arrays of shape (m,)
        Effects and variances, group by group.
    offsets : integer array of shape (n + 1,)
        Where groups begin and end.
    order : integer array of shape (n,)
        The groups by their sizes.
    method : int
    null : float
    quantile : array
        By the number of studies: what half an interval is in standard errors.
    floor : float
        The least that squared standard errors are multiplied by; they are multiplied by Q / (k - 1)
        if that is more. inf: neither.
    out : array of shape (10, n)
        Gets the results of the groups.
    without : array of shape (6, n)
        Gets what their leave-one-out fits give.
    """
    most = 1
    for g in order:
        most = max(most, offsets[g + 1] - offsets[g])
        _nothing(without, g)
    d, a, b = np.empty(most * _STUDY), np.empty(_STATE), np.empty(_MAXIMA * 6 * _L)
    group, left_out = np.empty(_L, np.int64), np.empty(_L, np.int64)
    at, study = 0, -1
    while at < order.size:
        # Groups come in the order of their sizes, so that lanes have about as many studies.
        used, room, k, end = 0, _L + study + 1, 0, at
        while room > 0 and end < order.size:
            k = offsets[order[end] + 1] - offsets[order[end]]
            room -= k + 1
            end += 1
        while used < _L and at < order.size:
            g = order[at]
            size = offsets[g + 1] - offsets[g]
            last = min(_L, used + size - study)
            for j in range(used, last):
                group[j], left_out[j] = g, study + j - used
            _load(d, k, yi, vi, offsets[g], size, a, left_out, used, last)
            study += last - used
            used = last
            if study == size:
                at, study = at + 1, -1
        for j in range(used, _L):
            for row in range(3 * k):
                d[row * _L + j] = d[row * _L]
        _fit(d, k, a, b, method)
        for j in range(used):
            if left_out[j] >= 0:
                _add(a, j, null, quantile, floor, without, group[j])
            else:
                for row in range(RESULTS):
                    out[row, group[j]] = a[row * _L + j]


@jit
def _load(
    d: Array,
    k: int,
    yi: Array,
    vi: Array,
    begin: int,
    size: int,
    a: Array,
    left_out: Index,
    low: int,
    high: int,
) -> None:
    """Load a group into lanes, each without a study, the most precise one left first."""
    first, second = _two_least(vi, begin, size)
    for i in range(k):
        from_ = first if i == 0 else 0 if i == first else i
        v = vi[begin + from_] if from_ < size else np.inf
        y = yi[begin + from_] - yi[begin + first] if from_ < size else 0.0
        o = i * _STUDY
        for j in range(low, high):
            d[o + j] = v
            d[o + _Y + j] = y
    for j in range(low, high):
        a[_ORIGIN + j] = yi[begin + first] if size > 0 else np.nan
        if left_out[j] == first:
            _second_first(d, yi, vi, begin, size, a, first, second, j)
        elif left_out[j] >= 0:
            row = first if left_out[j] == 0 else left_out[j]
            d[row * _STUDY + j] = np.inf


@jit
def _second_first(
    d: Array,
    yi: Array,
    vi: Array,
    begin: int,
    size: int,
    a: Array,
    first: int,
    second: int,
    j: int,
) -> None:
    """Load the lane without the most precise study: the next one comes first."""
    a[_ORIGIN + j] = yi[begin + second]
    for i in range(size):
        from_ = second if i == 0 else 0 if i == second else i
        d[i * _STUDY + j] = np.inf if from_ == first else vi[begin + from_]
        d[i * _STUDY + _Y + j] = yi[begin + from_] - yi[begin + second]


@jit
def _two_least(vi: Array, begin: int, size: int) -> tuple[int, int]:
    """Return the positions of the least and the second least variance of a group."""
    first, second = 0, 0
    for i in range(1, size):
        if vi[begin + i] < vi[begin + first]:
            first, second = i, first
        elif second == first or vi[begin + i] < vi[begin + second]:
            second = i
    return first, second


@jit
def _nothing(without: Array, g: int) -> None:
    for row in range(LEFT_OUT):
        without[row, g] = 0.0
    without[LOW, g], without[HIGH, g] = np.inf, -np.inf
    without[CI_LOW, g], without[CI_HIGH, g] = np.inf, -np.inf


@jit
def _add(
    a: Array, j: int, null: float, quantile: Array, floor: float, without: Array, g: int
) -> None:
    """Widen the range of a group's leave-one-out fits by one of them."""
    freedom = a[_K + j] - 1
    scale = 1.0
    if freedom > 0 and floor < np.inf:
        scale = max(floor, a[_Q + j] / freedom)
    mean = a[_MEAN + j] + a[_ORIGIN + j]
    half = quantile[int(a[_K + j])] * math.sqrt(scale) * math.sqrt(1 / a[_SUM + j])
    low, high = mean - half, mean + half
    without[LOW, g] = min(without[LOW, g], mean)
    without[HIGH, g] = max(without[HIGH, g], mean)
    without[CI_LOW, g] = min(without[CI_LOW, g], low)
    without[CI_HIGH, g] = max(without[CI_HIGH, g], high)
    if low > null or high < null:
        without[EXCLUDING, g] += 1.0
    without[LOO_FAILED, g] = max(without[LOO_FAILED, g], a[_BAD + j])
