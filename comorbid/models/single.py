"""A single small data set: tau2 by its likelihood, and what follows, in plain numbers.

A call of NumPy takes as long as the arithmetic on ten studies does here. It is that of `intercept`,
`scan`, `roots` and `inference`, in the same order, so that the result is the same to the bit. What
is out of the ordinary is left to them: a likelihood with several maxima, or one whose ladder needs
rungs between its rungs; numbers that overflow, vanish, or need other units.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from functools import partial
from typing import NamedTuple

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.models import equations
from comorbid.models.estimators import Estimator
from comorbid.models.fits import Batch
from comorbid.models.roots import MAX_STEPS, NOTHING, ROUNDING, SETTLED, SMALL
from comorbid.models.scan import SURELY, crossing, straight, surely
from comorbid.models.student import Test

# With more studies than this NumPy is faster.
FEW = 100
# Data sets with variances below this, or above its inverse, are fitted in other units.
TINY = 1e-60


class _At(NamedTuple):
    """The moments at a tau2, and what the likelihood falls by there: see `Moments` and `Rungs`."""

    least: float
    tau2: float
    w: float
    mean: float
    q: float
    ypp: float
    yppp: float
    trace_p: float
    penalty: float
    slope: float
    alpha: float
    beta: float


_Moments = Callable[[float], _At]
_Known = tuple[float, float, float]


def takes(estimator: Estimator) -> bool:
    """Return whether tau2 is estimated by a likelihood."""
    known = (equations.restricted_maximum_likelihood, equations.maximum_likelihood)
    return estimator.fixed is None and any(estimator.moderated is function for function in known)


def fit_single(
    yi: Array, vi: Array, *, estimator: Estimator, test: Test, level: float
) -> Batch | None:
    """Fit one data set as `fit_batch` does; None where that has to do it.

    Parameters
    ----------
    yi, vi : arrays of shape (k, 1)
        Effects and variances; ``vi`` is inf where a study does not belong.
    estimator : Estimator
        One that this module `takes`.
    test, level
        As in `fit_batch`.
    """
    try:
        return _fit(yi[:, 0].tolist(), vi[:, 0].tolist(), estimator, test, level)
    except (ArithmeticError, ValueError):
        # Where NumPy goes on with inf or nan.
        return None


def _fit(
    yi: list[float], vi: list[float], estimator: Estimator, test: Test, level: float
) -> Batch | None:
    lowest = min(vi)
    first = vi.index(lowest)
    vi[0], vi[first] = lowest, vi[0]
    yi[0], yi[first] = yi[first], yi[0]
    others = [(y - yi[0], v) for y, v in zip(yi[1:], vi[1:], strict=True) if v != math.inf]
    highest = max((v for _, v in others), default=math.inf)
    if not TINY < lowest <= highest < 1 / TINY or math.isnan(sum(vi)):
        return None
    restricted = estimator.moderated is equations.restricted_maximum_likelihood
    at = partial(_moments, lowest, others, restricted)
    at_zero = at(0.0)
    tau2 = _maximum(at, at_zero, highest)
    if tau2 is None:
        return None
    found = at_zero if tau2 == 0 else at(tau2)
    return _inferred(found, at_zero, yi[0], len(others) + 1, test, level)


def _moments(least: float, others: list[tuple[float, float]], restricted: bool, t: float) -> _At:
    """Return the moments at a tau2, as `InterceptMoments` does."""
    first = 1 / (least + t)
    rest = wy = w2 = w3 = 0.0
    weighted = []
    for y, v in others:
        w = 1 / (v + t)
        rest += w
        wy += w * y
        ww = w * w
        w2 += ww
        w3 += ww * w
        weighted.append((w, y))
    total = first + rest
    mean = wy / total
    less = first * mean
    q = ypp = wgg = wg = 0.0
    for w, y in weighted:
        residual = y - mean
        py = w * residual
        q += py * residual
        ypp += py * py
        gap = py + less
        w_gap = w * gap
        wg += w_gap
        wgg += w_gap * gap
    q, ypp, yppp = q + less * mean, ypp + less * less, wgg - wg * wg / total
    trace_p = (2 * first * rest + rest * rest - w2) / total
    if restricted:
        share, squares = first * rest / total, first * first
        penalty = trace_p
        slope = share * share + w2 * (1 + (2 * squares + w2) / (total * total)) - 2 * w3 / total
    else:
        penalty, slope = total, first * first + w2
    if not math.isfinite(ypp + penalty):
        raise OverflowError
    alpha, beta = penalty / slope - t, ypp / yppp - t
    return _At(least, t, total, mean, q, ypp, yppp, trace_p, penalty, slope, alpha, beta)


def _maximum(at: _Moments, at_zero: _At, highest: float) -> float | None:
    """Return the place of the only maximum, as `global_maximum` does; None if that is not sure."""
    rung, brackets = at_zero, []
    for step in range(1, math.frexp(highest / at_zero.least)[1] + 1):
        if _ends(rung, highest):
            break
        before, rung = rung, at(at_zero.least * (math.ldexp(1.0, step) - 1))
        if not surely(before, rung):
            return None
        if before.ypp > before.penalty and not rung.ypp > rung.penalty:
            brackets.append(_between(before, rung))
    if rung.ypp > rung.penalty:
        brackets.append(_beyond(rung, highest))
    if not at_zero.ypp > at_zero.penalty:
        return None if brackets else 0.0
    (high, start, known), *more = brackets
    return None if more or not math.isfinite(high) else _root(at, high, start, known)


def _ends(at: _At, highest: float) -> bool:
    """Return what the function of this name in `scan` does."""
    rate = (at.tau2 + highest) / (at.alpha + at.tau2)
    growth = rate * rate / (4 * (rate - 1)) if rate > 2 else 1.0
    falls = highest <= SURELY * (2 * at.alpha + at.tau2)
    return falls or at.ypp * growth <= SURELY * at.penalty


def _between(low: _At, high: _At) -> tuple[float, float, _Known]:
    """Return high, start and what is known at low, as the function of this name in `scan` does."""
    guess, line, *known = crossing(low, high)
    return high.tau2, guess if low.tau2 < guess < high.tau2 else line, (low.tau2, *known)


def _beyond(low: _At, highest: float) -> tuple[float, float, _Known]:
    """Return high, start and what is known at low, as the function of this name in `scan` does."""
    h = low.ypp / low.penalty
    widest, least = low.tau2 + highest, low.tau2 + low.least
    high = 1.01 * max(low.tau2, h * widest * (widest / least) - highest)
    ypp, penalty = 1 / (low.beta + low.tau2), 1 / (low.alpha + low.tau2)
    linear = 2 * ypp - h * penalty
    ahead = 2 * (h - 1) / (linear + math.sqrt(linear * linear + 4 * (ypp * ypp) * (h - 1)))
    start = low.tau2 + ahead
    start = start if start < high else low.tau2 + (high - low.tau2) / 2
    return high, start, (low.tau2, *straight(low))


def _root(at: _Moments, high: float, x: float, before: _Known) -> float | None:
    """Return the root between what is known and ``high``, as `find_roots` does."""
    low = before[0]
    nothing, last = NOTHING * high, high - low
    for _ in range(MAX_STEPS):
        there = at(x)
        share = there.penalty / there.ypp
        value = 1 - share
        derivative = (there.slope - 2 * share * there.yppp) / there.ypp
        if value == 0:
            return x
        low, high = (x, high) if value > 0 else (low, x)
        size = abs(value / derivative)
        new, left = _improved(x, value, derivative, before)
        inside = low <= new <= high
        settled = inside and (size <= SETTLED * new or left <= ROUNDING * new)
        if not (settled or (inside and size < last / 2)):
            new = (low + high) / 2
        if new == x or new < nothing:
            return x
        if settled:
            return new
        last, x, before = abs(new - x), new, (x, value, derivative)
    return None


def _improved(x: float, value: float, derivative: float, before: _Known) -> tuple[float, float]:
    """Return what the function of this name in `roots` does."""
    step = value / derivative
    x0, value0, derivative0 = before
    gap = value0 - value
    secant = (x0 - x) / gap
    second = (secant - 1 / derivative) / gap
    third = (1 / derivative0 - secant) / gap - second
    square = value * value
    quadratic, cubic = square * second, square * third * (value0 / gap)
    size, bend = abs(step), abs(quadratic)
    plain = x - step
    if not bend + abs(cubic) <= SMALL * size:
        return plain, math.inf
    improved = plain + quadratic - cubic
    if bend == 0:
        return improved, math.inf
    more = bend * ((x - x0) / size) / size
    return improved, max(cubic * cubic / bend, bend * (more * more))


@np.errstate(all="ignore")
def _inferred(at: _At, at_zero: _At, origin: float, k: int, test: Test, level: float) -> Batch:
    """Return everything that follows from tau2, as `infer` and `as_batch` do."""
    tau2, freedom, p = at.tau2, k - 1.0, (1 + level) / 2
    scale = 1.0 if test in ("z", "t") else at.q / freedom
    scale = max(1.0, scale) if test == "adhoc" else scale
    estimate, root = at.mean + origin, math.sqrt(1 / at.w)
    se = math.sqrt(scale * (root * root))
    statistic = estimate / se
    if test == "z":
        quantile, tail = float(special.ndtri(p)), special.ndtr(-abs(statistic))
    else:
        quantile, tail = float(special.stdtrit(freedom, p)), special.stdtr(freedom, -abs(statistic))
    half, spread = quantile * se, quantile * math.sqrt(se * se + tau2)
    typical = freedom / at_zero.trace_p
    values = {
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "p_value": 2 * tail,
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "pi_low": estimate - spread,
        "pi_high": estimate + spread,
        "tau2": tau2,
        "i2": 100 * tau2 / (tau2 + typical),
        "h2": tau2 / typical + 1,
        "q": at_zero.q,
        "q_p": special.chdtrc(freedom, at_zero.q),
    }
    columns = np.array([*values.values()])[:, None]
    return Batch(**dict(zip(values, columns, strict=True)), k=np.array([k]))
