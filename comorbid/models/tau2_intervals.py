"""Confidence intervals of tau2, for batches of data sets: three published ways."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.errors import ModelError
from comorbid.models.equations import where_q_is
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.likelihood import Height, Likelihood
from comorbid.models.maxima import all_maxima
from comorbid.models.projection import Projection
from comorbid.models.roots import find_roots

# By how much weights change between neighbours on the grid at the most, and how many values on it
# cost a single data set nothing.
_RATIO, _FEW = 2.0, 512
_TOO_FAR_APART = (
    "no likelihood of tau2 can be computed: effects or variances are too many orders of magnitude "
    "apart; check them for typing errors"
)


@dataclass(frozen=True, slots=True)
class Tau2Bounds:
    """Intervals of tau2; each array has shape (n,).

    Where no tau2 agrees with the data, because they are more alike than tau2 = 0 lets expect, the
    interval is ``empty`` and both bounds are 0.
    """

    low: Array
    high: Array
    empty: Mask


def q_profile(data: Projection, level: float) -> Tau2Bounds:
    r"""Q-profile interval: the tau2 at which Q is no surprise.

    .. math:: Q(\tau_L^2) = \chi^2_{k - p;\,(1 + \gamma) / 2}, \qquad
       Q(\tau_U^2) = \chi^2_{k - p;\,(1 - \gamma) / 2}

    with Q, the weighted residual sum of squares, at that tau2 and the level :math:`\gamma`. Exact
    under the normal model; with or without moderators.

    References
    ----------
    Viechtbauer W (2007). Statistics in Medicine 26:37-52. doi:10.1002/sim.2514
    """
    freedom = data.k - data.p
    least = special.chdtri(freedom, (1 + level) / 2)
    zero = data.at_zero
    return Tau2Bounds(
        low=where_q_is(data, special.chdtri(freedom, (1 - level) / 2)),
        high=where_q_is(data, least),
        empty=zero.q < least,
    )


def generalised_q_bounds(form: GeneralisedQ, level: float) -> Tau2Bounds:
    r"""Generalised Q interval: as the Q-profile, but with fixed weights.

    .. math:: P(Q_a \le q_a;\, \tau_L^2) = (1 + \gamma) / 2, \qquad
       P(Q_a \le q_a;\, \tau_U^2) = (1 - \gamma) / 2

    from the exact distribution of :math:`Q_a`.

    References
    ----------
    Jackson D (2013). Research Synthesis Methods 4:220-229. doi:10.1002/jrsm.1081
    Biggerstaff BJ, Jackson D (2008). Statistics in Medicine 27:6093-6110. doi:10.1002/sim.3425
    """
    least = (1 - level) / 2
    below = form.below(np.zeros(form.k.size), np.arange(form.k.size))[0]
    return Tau2Bounds(
        low=form.tau2_where((1 + level) / 2), high=form.tau2_where(least), empty=below < least
    )


def profile_likelihood(data: Projection, likelihood: Likelihood, level: float) -> Tau2Bounds:
    r"""Profile likelihood interval: from the lowest to the highest likely tau2.

    .. math:: l(\tau^2) \ge \max l - \tfrac12 \chi^2_{1;\,\gamma}

    Where a likelihood with two maxima leaves a gap between likely values, the interval spans it.

    References
    ----------
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    """
    slope, height = likelihood.of(data)
    peaks = all_maxima(data, likelihood)
    n = data.k.size
    cut = np.full(n, -np.inf)
    np.maximum.at(cut, peaks.column, peaks.height)
    cut -= special.chdtri(1, 1 - level) / 2
    grid = _reaching_below(tau2_grid(data), height, cut)
    column = np.tile(np.arange(n), grid.shape[0])
    likely = height(grid.ravel(), column).reshape(grid.shape) >= cut
    lowest = np.where(likely, grid, np.inf).min(axis=0)
    highest = np.where(likely, grid, -np.inf).max(axis=0)
    high_peaks = peaks.height >= cut[peaks.column]
    np.minimum.at(lowest, peaks.column[high_peaks], peaks.tau2[high_peaks])
    np.maximum.at(highest, peaks.column[high_peaks], peaks.tau2[high_peaks])

    def fall(tau2: Array, column: Index) -> tuple[Array, Array]:
        return height(tau2, column) - cut[column], slope(tau2, column)[0] / 2

    def rise(tau2: Array, column: Index) -> tuple[Array, Array]:
        value, derivative = fall(tau2, column)
        return -value, -derivative

    low, inner = np.zeros(n), np.flatnonzero(lowest > 0)
    before = np.where(grid < lowest, grid, -np.inf).max(axis=0)
    low[inner] = find_roots(rise, before[inner], lowest[inner], inner)
    after = np.where(grid > highest, grid, np.inf).min(axis=0)
    high = find_roots(fall, highest, after, np.arange(n))
    return Tau2Bounds(low=low, high=high, empty=np.zeros(n, dtype=bool))


def _reaching_below(grid: Array, height: Height, cut: Array) -> Array:
    """Return the grid with rows added until every likelihood has fallen below ``cut``."""
    top = grid[-1]
    column = np.arange(cut.size)
    rows = [grid]
    while (height(top, column) >= cut).any():
        top = 4 * top
        rows.append(top[None])
    return np.concatenate(rows)


def tau2_grid(data: Projection) -> Array:
    r"""Return (g, n) values of tau2 from 0 to one past every maximum.

    From one to the next no weight changes by more than a factor. With the unweighted residual sum
    of squares R, :math:`y'PPy \le R / (v_{min} + \tau^2)^2`, while
    :math:`\mathrm{tr} P \ge (k - p) / (v_{max} + \tau^2)`: the slope is negative once
    the second exceeds the first.
    """
    lowest = data.lowest
    gap = data.highest - lowest
    spread = data.unweighted()[0] / (data.k - data.p)
    past = (spread + np.sqrt(spread * (spread + 4 * gap))) / 2
    reach = np.log(1.01 * np.maximum(past, lowest) / lowest)
    if not np.isfinite(reach).all():
        raise ModelError(_TOO_FAR_APART)
    # Few data sets are given closer brackets, which costs them nothing.
    steps = max(int(np.ceil(reach.max() / np.log(_RATIO))), min(32, _FEW // reach.size - 1))
    share = np.arange(steps + 1)[:, None] / steps
    return np.asarray(lowest * np.expm1(reach * share))
