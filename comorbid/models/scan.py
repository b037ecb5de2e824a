r"""The scan: an interval around every maximum of many likelihoods of tau2, and none elsewhere.

With the eigenvalues :math:`\lambda_j` of the variances without the coefficients, which lie between
the smallest and the largest variance, both parts of the score fall as tau2, written t, grows:

.. math:: y'PPy = \sum \frac{z_j^2}{(\lambda_j + t)^2}, \qquad
   \mathrm{tr} P = \sum \frac1{\lambda_j + t}

and for the full likelihood the penalty is :math:`\sum 1 / (v_i + t)` in place of the trace. Their
logs fall at the rates :math:`2 / (\beta + t)` and :math:`1 / (\alpha + t)`, where

.. math:: \alpha = \mathrm{tr} P / \mathrm{tr} PP - t, \qquad \beta = y'PPy / y'PPPy - t

are means of the eigenvalues that rise with t (by Cauchy and Schwarz' inequality). So the score
cannot rise through zero between a and b if :math:`\beta(b) \le 2 \alpha(a) + a`, and not fall
through it if :math:`2 \alpha(b) + b \le \beta(a)`; nor has it a zero if one part at its least is
more than the other at its most. Rungs that settle nothing are halved until they are a millionth
apart.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.errors import ModelError
from comorbid.models.likelihood import Likelihood
from comorbid.models.projection import Projection

# Rungs that are cheaper to compute at once than one after the other, of so many studies.
_FEW, _SHORT = 512, 2**12
# Of data sets that are looked at no further, the others are copied once they are this share.
_LEFT = 0.75
# How often rungs are halved at once at the most.
_HALVINGS = 4
# What is less than this times something is less whatever rounding did.
SURELY = 1 - 1e-9
# What is between rungs that are closer than this is not looked at. The log of the ratio of the
# score's parts changes by at most 2 log 1.000001 there, and a root of theirs is between them, so a
# maximum that is missed is higher than one that is found by at most k / 10^12.
_CLOSE = 1 + 1e-6
_TOO_FAR_APART = (
    "no likelihood of tau2 can be computed: effects or variances are too many orders of magnitude "
    "apart; check them for typing errors"
)


@dataclass(frozen=True, slots=True)
class Brackets:
    """Intervals that hold one maximum each, and the data sets that have one at 0.

    Between ``low`` and ``high``, of shape (m,), the slope of the likelihood of data set ``column``
    falls through zero, at about ``start``. ``known`` of shape (2, m) is what
    `Likelihood.straight` gives at ``low``. ``at_zero`` are the data sets whose slope at 0 is not
    positive.
    """

    low: Array
    high: Array
    start: Array
    column: Index
    known: Array
    at_zero: Index


class Rung(Protocol):
    """What is known at one tau2, as numbers, or at many, as `Rungs`."""

    @property
    def least(self) -> Any:
        """Smallest variance of the data set."""

    @property
    def tau2(self) -> Any:
        """Where."""

    @property
    def ypp(self) -> Any:
        """One part of the score."""

    @property
    def penalty(self) -> Any:
        """The other part of the score."""

    @property
    def alpha(self) -> Any:
        """Mean of the eigenvalues that the penalty falls by."""

    @property
    def beta(self) -> Any:
        """Mean of the eigenvalues that y'PPy falls by."""


@dataclass(frozen=True, slots=True)
class Rungs:
    """What is known at m values of tau2, each of the data set ``column``.

    ``values`` of shape (6, m) are the smallest variance, tau2, y'PPy, the penalty, alpha and beta.
    """

    column: Index
    values: Array

    @property
    def least(self) -> Array:
        """Smallest variance of the data set."""
        return np.asarray(self.values[0])

    @property
    def tau2(self) -> Array:
        """Where."""
        return np.asarray(self.values[1])

    @property
    def ypp(self) -> Array:
        """One part of the score."""
        return np.asarray(self.values[2])

    @property
    def penalty(self) -> Array:
        """The other part of the score."""
        return np.asarray(self.values[3])

    @property
    def alpha(self) -> Array:
        """Mean of the eigenvalues that the penalty falls by."""
        return np.asarray(self.values[4])

    @property
    def beta(self) -> Array:
        """Mean of the eigenvalues that y'PPy falls by."""
        return np.asarray(self.values[5])

    def take(self, index: Index | slice) -> Rungs:
        """Return some of them."""
        if isinstance(index, slice):
            return Rungs(self.column[index], self.values[:, index])
        return Rungs(self.column[index], self.values.take(index, axis=1))

    @property
    def rising(self) -> Mask:
        """Whether the likelihood rises."""
        return np.asarray(self.ypp > self.penalty)


Pair = tuple[Rungs, Rungs]


def scan(data: Projection, likelihood: Likelihood) -> Brackets:
    """Return an interval around every maximum of each data set's likelihood on tau2 >= 0.

    A ladder of rungs from 0, from one to the next of which the smallest total variance doubles, is
    climbed until no maximum, or one, can follow. Between two rungs where it is not certain how many
    there are, more are put.

    Raises
    ------
    ModelError
        If effects and variances are so far apart that the score cannot be computed.
    """
    with np.errstate(all="ignore"):
        ratio = data.highest / data.lowest
        if not np.isfinite(ratio).all():
            raise ModelError(_TOO_FAR_APART)
        steps = np.maximum(np.frexp(ratio)[1], 0)
        reach = np.ldexp(1.0, np.arange(steps.max(initial=0) + 1)) - 1
        few = reach.size * steps.size <= _FEW and len(data.vi) <= _SHORT
        climb = _at_once if few else _step_by_step
        foot, pairs, tops = climb(data, likelihood, steps, reach)
        falling = []
        halvings = 1
        while pairs[0].column.size:
            low, high = pairs
            sure = surely(low, high)
            falling.append(_some(pairs, sure & low.rising & ~high.rising))
            if sure.all():
                break
            low, high = _some(pairs, ~sure)
            pairs = _divided(data, likelihood, low, high, halvings)
            halvings = min(halvings + 1, _HALVINGS)
        found = [_beyond(data, tops)] if tops.column.size or not falling else []
        if falling:
            lows, highs = zip(*falling, strict=True)
            found.append(_between(_joined(lows), _joined(highs)))
        values, column = (np.concatenate(parts, axis=-1) for parts in zip(*found, strict=True))
    if not np.isfinite(values[1]).all():
        raise ModelError(_TOO_FAR_APART)
    low, high, start = values[:3]
    return Brackets(low, high, start, column, values[3:], (~foot).nonzero()[0])


def _rungs(
    data: Projection, likelihood: Likelihood, tau2: Array, at: Index | slice, column: Index
) -> Rungs:
    """Compute rungs of data sets, ``at`` in ``data``, that are numbered ``column`` in the batch."""
    moments = data.at(tau2, at) if tau2.any() or not isinstance(at, slice) else data.at_zero
    ypp, penalty = moments.ypp, likelihood.penalty(moments)
    if not (np.isfinite(ypp) & np.isfinite(penalty)).all():
        raise ModelError(_TOO_FAR_APART)
    alpha = penalty / likelihood.slope(moments) - tau2
    beta = ypp / moments.yppp - tau2
    least = data.lowest if isinstance(at, slice) else data.lowest[at]
    return Rungs(column, np.stack([least, tau2, ypp, penalty, alpha, beta]))


def _some(pairs: Pair, mask: Mask) -> Pair:
    index = mask.nonzero()[0]
    return pairs[0].take(index), pairs[1].take(index)


def surely(low: Rung, high: Rung) -> Any:
    """Return where the signs of the score at two rungs tell how many maxima are between them."""
    # Where all effects are alike, beta is not a number.
    once = high.beta <= SURELY * (2 * low.alpha + low.tau2)
    below = low.ypp <= SURELY * high.penalty
    above = high.ypp * SURELY >= low.penalty
    close = high.tau2 + low.least <= _CLOSE * (low.tau2 + low.least)
    rises = 2 * high.alpha + high.tau2 <= SURELY * low.beta
    return once | below | above | rises | close


def _ends(at: Rungs, highest: Array) -> Mask:
    r"""Return the rungs after which there is no maximum, or one if the score is positive there.

    The score does not rise through zero any more once :math:`v_{max} \le 2 \alpha + t`. The ratio
    of its parts grows by no more than :math:`\max_{x \ge 0} (1 + Sx) / (1 + x)^2` with
    :math:`S = (t + v_{max}) / (\alpha + t)`, as one part falls at least as
    :math:`1 / (t + v_{max})^2` does and the inverse of the other is concave.
    """
    rate = (at.tau2 + highest) / (at.alpha + at.tau2)
    growth = np.where(rate > 2, rate * rate / (4 * (rate - 1)), 1.0)
    falls = highest <= SURELY * (2 * at.alpha + at.tau2)
    return np.asarray(falls | (at.ypp * growth <= SURELY * at.penalty))


def _at_once(
    data: Projection, likelihood: Likelihood, steps: Index, reach: Array
) -> tuple[Mask, Pair, Rungs]:
    """Climb the ladders of few data sets, all rungs of which are computed at once."""
    number, column = (np.arange(reach.size)[:, None] <= steps).nonzero()
    rungs = _rungs(data, likelihood, data.lowest[column] * reach[number], column, column)
    end = _ends(rungs, data.highest[column]) | (number == steps[column])
    if steps.size == 1:
        last = int(end.argmax())
        tops = rungs.take(slice(last, last + int(rungs.rising[last])))
        return rungs.rising[:1], (rungs.take(slice(last)), rungs.take(slice(1, last + 1))), tops
    ends = np.zeros((reach.size, steps.size), dtype=np.bool_)
    ends[number, column] = end
    place = np.zeros(ends.shape, dtype=np.intp)
    place[number, column] = np.arange(number.size)
    lasts = ends.argmax(axis=0)
    tops = rungs.take(place[lasts, np.arange(steps.size)])
    low = (number < lasts[column]).nonzero()[0]
    pairs = rungs.take(low), rungs.take(place[number[low] + 1, column[low]])
    return rungs.rising[: steps.size], pairs, tops.take(tops.rising.nonzero()[0])


def _step_by_step(
    data: Projection, likelihood: Likelihood, steps: Index, reach: Array
) -> tuple[Mask, Pair, Rungs]:
    """Climb the ladders of many data sets; of pairs, return those that matter."""
    part, column, here = data, np.arange(steps.size), np.ones(steps.size, dtype=np.bool_)
    before: Rungs | None = None
    foot, lows, highs, tops = here, [], [], []
    for step in range(reach.size):
        rungs = _rungs(part, likelihood, part.lowest * reach[step], slice(None), column)
        if before is None:
            foot = rungs.rising
        else:
            falls = before.rising & ~rungs.rising
            low, high = _some((before, rungs), here & (falls | ~surely(before, rungs)))
            lows.append(low)
            highs.append(high)
        end = _ends(rungs, part.highest) | (steps[column] == step)
        tops.append(rungs.take((here & end & rungs.rising).nonzero()[0]))
        here &= ~end
        kept = here.nonzero()[0]
        if not kept.size:
            break
        before = rungs
        if kept.size < _LEFT * here.size:
            part, column, here, before = (
                part.take(kept),
                column[kept],
                here[kept],
                rungs.take(kept),
            )
    if not lows:
        lows = highs = [tops[0].take(np.zeros(0, dtype=np.intp))]
    return foot, (_joined(lows), _joined(highs)), _joined(tops)


def _joined(rungs: Sequence[Rungs]) -> Rungs:
    if len(rungs) == 1:
        return rungs[0]
    columns, values = zip(*((part.column, part.values) for part in rungs), strict=True)
    return Rungs(np.concatenate(columns), np.concatenate(values, axis=1))


def _divided(
    data: Projection, likelihood: Likelihood, low: Rungs, high: Rungs, halvings: int
) -> Pair:
    """Return each pair as several, with rungs between them: halved, the halves halved and so on."""
    ratio = (high.tau2 + low.least) / (low.tau2 + low.least)
    for _ in range(halvings):
        ratio = np.sqrt(ratio)
    total = [low.tau2 + low.least]
    for _ in range(2**halvings - 1):
        total.append(total[-1] * ratio)
    tau2 = np.clip(np.stack(total[1:]) - low.least, low.tau2, high.tau2).ravel()
    column = np.tile(low.column, 2**halvings - 1)
    rungs = _rungs(data, likelihood, tau2, column, column)
    return _joined([low, rungs]), _joined([rungs, high])


def straight(at: Rung) -> tuple[Any, Any]:
    """Return what `Likelihood.straight` is, and its derivative."""
    share = at.penalty / at.ypp
    falls = 1 / (at.alpha + at.tau2) - 2 / (at.beta + at.tau2)
    return 1 - share, share * falls


def crossing(low: Rung, high: Rung) -> tuple[Any, Any, Any, Any]:
    """Interpolate where the score is 0, by scores and slopes at both ends, and by scores alone.

    Also return what is `straight` at ``low``.
    """
    (left, fall), (right, last) = straight(low), straight(high)
    width, drop = high.tau2 - low.tau2, left - right
    secant = width / drop
    share = left / drop
    second = (-1 / fall - secant) * share * (1 - share)
    third = (-1 / last - secant) * share * (1 - share)
    guess = low.tau2 + drop * (secant * share + second * (1 - share) - third * share)
    return guess, low.tau2 + width * share, left, fall


def _between(low: Rungs, high: Rungs) -> tuple[Array, Index]:
    """Return low, high, start and known of brackets, and their data sets."""
    guess, line, left, fall = crossing(low, high)
    start = np.where((guess > low.tau2) & (guess < high.tau2), guess, line)
    return np.stack([low.tau2, high.tau2, start, left, fall]), low.column


def _beyond(data: Projection, low: Rungs) -> tuple[Array, Index]:
    r"""Return the same of the maxima after the last rungs.

    There the ratio h of the score's parts is at most
    :math:`h(a) (a + v_{max})^2 / ((a + v_{min}) (t + v_{max}))`.
    """
    h, highest = low.ypp / low.penalty, data.highest[low.column]
    widest, least = low.tau2 + highest, low.tau2 + low.least
    high = 1.01 * np.maximum(low.tau2, h * widest * (widest / least) - highest)
    # Where h would be 1 if both parts went on at their present means of eigenvalues.
    ypp, penalty = 1 / (low.beta + low.tau2), 1 / (low.alpha + low.tau2)
    linear = 2 * ypp - h * penalty
    ahead = 2 * (h - 1) / (linear + np.sqrt(linear**2 + 4 * ypp**2 * (h - 1)))
    start = low.tau2 + ahead
    middle = low.tau2 + (high - low.tau2) / 2
    start = np.where(start < high, start, middle)
    return np.stack([low.tau2, high, start, *straight(low)]), low.column
