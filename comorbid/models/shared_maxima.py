"""The maximum of the likelihood of each selection of shared studies, where it has only one."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.likelihood import Kind
from comorbid.models.shared_data import Selections
from comorbid.models.shared_sums import Sums

# The first are enough for nearly all; the others are for those that have not settled.
_STEPS, _MORE = 3, 5
# Newton squares its error at each step: after a relative step of 1e-7 only rounding is left.
_SETTLED = 1e-7
# What rounding may change of a root, relative to it. Sums of rounded terms are off by a few eps.
_ALLOWED, _ROUNDED = 4e-13, 8 * float(np.finfo(np.float64).eps)


def single_maximum(data: Selections, kind: Kind, room: Array) -> Array:
    r"""Return the tau2 >= 0 of the maximum of each selection's likelihood, if it is the only one.

    The score at each node of a ladder that all selections share is one product of matrices. Up to
    :math:`v_{max} - 2 v_{min}` it is proved that the signs at neighbours tell all (see `_hidden`).

    Parameters
    ----------
    data : Selections
    kind : {"ML", "REML"}
    room : array
        Room for the product: a number for each column of the ladder and selection.

    Returns
    -------
    array of shape (n,)
        nan where rounding could change a sign or more than a trifle, where there are, or could be,
        several maxima, and where Newton's method does not settle.
    """
    sums, around = data.on_ladder(room)
    score, error = _score(sums, kind), data.studies.rounding * sums.size
    # The first and the last node only help to find a start.
    inner = score[1:-1]
    rising = inner > 0
    single = (np.abs(inner) > error[1:-1]).all(axis=0) & ~rising[-1]
    single &= ~(rising[1:] > rising[:-1]).any(axis=0)
    if data.studies.ladder.hidden:
        single &= ~_hidden(data, around, kind)
    above = np.add.reduce(rising, dtype=np.intp)
    tau2 = np.where(single, 0.0, np.nan)
    column = np.flatnonzero(single & (above > 0))
    if column.size:
        part = data if column.size == single.size else data.take(column)
        tau2[column] = _polished(part, kind, score, above[column], column)
    return tau2


def _penalty(at: Sums, kind: Kind) -> Array:
    """Return what the score lacks of y'PPy."""
    return at.trace_p if kind == "REML" else at.w


def _fall(at: Sums, kind: Kind) -> Array:
    """Return how fast the penalty falls."""
    return at.trace_pp if kind == "REML" else at.w2


def _score(at: Sums, kind: Kind) -> Array:
    return np.asarray(at.ypp - _penalty(at, kind))


def _hidden(data: Selections, at: Sums, kind: Kind) -> Mask:
    r"""Return which scores could change their sign between neighbours unseen.

    Where the score :math:`f - g` is 0 (f is y'PPy, g the penalty, both fall), its slope is
    :math:`g (a - 2 b)` with :math:`a = -g'/g` and :math:`b = -f'/2f`. By the inequality of Cauchy
    and Schwarz :math:`(1/a)' \ge 1` and :math:`(1/b)' \ge 1`, so that the score does not rise
    through 0 between :math:`t_1 < t_2` if

    .. math:: \frac1{b(t_2)} \le \frac2{a(t_1)} + t_2 - t_1

    Otherwise, as f and g are convex, the score is below the chord of f less the tangents of g, and
    above the tangents of f less the chord of g; neither may reach 0 on the way between two values
    of the same sign.
    """
    slack = data.studies.rounding
    nodes = data.studies.ladder.nodes[1 : data.studies.ladder.hidden + 2, None]
    step = nodes[1:] - nodes[:-1]
    f, g, fall, slope = at.ypp, _penalty(at, kind), _fall(at, kind), at.yppp
    error = slack * at.size
    most = (f + error)[1:] / (slope - 2 * slack * at.size_of_slope)[1:]
    least = (g - slack * at.w)[:-1] / (fall + 4 * slack * at.w2)[:-1]
    unproved = ~((most > 0) & (most <= 2 * least + step))
    column = np.flatnonzero(unproved.any(axis=0))
    if column.size:
        f, g, fall, slope, error = (values[:, column] for values in (f, g, fall, slope, error))
        below, above = _largest(step, f, g, -fall), _largest(step, g, f, -2 * slope)
        safe = np.minimum(below, above) < -4 * (error[:-1] + error[1:])
        unproved[:, column] &= ~safe
    return np.asarray(unproved.any(axis=0))


def _largest(step: Array, f: Array, g: Array, slope: Array) -> Array:
    """Return the most that f - g, both convex, can be between each two neighbours.

    It is reached at one of them, or where the tangents of g meet.
    """
    meet = (g[1:] - slope[1:] * step - g[:-1]) / (slope[:-1] - slope[1:])
    on = np.minimum(np.maximum(meet, 0.0), step)
    chord = f[:-1] + (f[1:] - f[:-1]) * (on / step)
    tangent = np.maximum(g[:-1] + slope[:-1] * on, g[1:] - slope[1:] * (step - on))
    return np.maximum(np.maximum(f[:-1] - g[:-1], f[1:] - g[1:]), chord - tangent)


def _polished(data: Selections, kind: Kind, score: Array, above: Index, column: Index) -> Array:
    """Return the roots of the scores ``column`` after their node ``above``; nan if not found."""
    nodes, lowest = data.studies.ladder.nodes, data.studies.ladder.lowest
    low, high = nodes[above], nodes[above + 1]
    tau2 = _start(score, above, column, lowest)
    for _ in range(_STEPS - 1):
        tau2 = tau2 - _step(data.sums(tau2), kind, tau2 + lowest)
        tau2 = np.minimum(np.maximum(tau2, low), high)
    root = np.full(tau2.size, np.nan)
    open_ = np.arange(tau2.size)
    for _ in range(_MORE):
        sums = data.sums(tau2)
        value, slope = _score(sums, kind), _fall(sums, kind) - 2 * sums.yppp
        step = value / (slope + value / (tau2 + lowest))
        new = tau2 - step
        settled = (np.abs(step) <= _SETTLED * new) & (new > low) & (new < high)
        sound = _ROUNDED * sums.size <= _ALLOWED * np.abs(slope) * new
        root[open_] = np.where(settled & sound, new, np.nan)
        left = np.flatnonzero(~settled)
        if not left.size:
            break
        data, open_, low, high = data.take(left), open_[left], low[left], high[left]
        tau2 = np.minimum(np.maximum(new[left], low), high)
    return root


def _step(at: Sums, kind: Kind, least: Array) -> Array:
    """Return Newton's step for the score over the largest weight, which is nearly a line."""
    value = _score(at, kind)
    return np.asarray(value / (_fall(at, kind) - 2 * at.yppp + value / least))


def _start(score: Array, above: Index, column: Index, lowest: float) -> Array:
    """Return where the cubic through the scores at four nodes, in log tau2 + lowest, is 0."""
    n = score.shape[1]
    a, b, c, d = (score.ravel().take((above + i) * n + column) for i in (-1, 0, 1, 2))
    first, second = (6 * c - 2 * a - 3 * b - d) / 6, (a - 2 * b + c) / 2
    third = (3 * b - a - 3 * c + d) / 6
    share = b / (b - c)
    for _ in range(2):
        value = b + share * (first + share * (second + share * third))
        slope = first + share * (2 * second + 3 * share * third)
        share = np.minimum(np.maximum(share - value / slope, 0.0), 1.0)
    return np.asarray(lowest * (np.exp2(above - 1 + share) - 1))
