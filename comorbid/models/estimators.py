"""Estimators of tau2, the between-study variance: one function each, on batches of data sets.

Every function takes ``yi`` and ``vi`` of shape (k, n), k studies by n data sets, and returns n
values. A study that is not part of a data set has ``vi = inf`` there, which gives it no weight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.roots import Slope, find_roots
from comorbid.models.sums import active, weighted_sums

_GRID_RATIO = 1.5
_GRID_CELLS = 2**19


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator of the between-study variance tau2.

    Parameters
    ----------
    id : str
        Short name, metafor's where it has one: ``"REML"``.
    label : str
        Name as printed: ``"restricted maximum likelihood"``.
    tau2 : callable
        ``tau2(yi, vi) -> array >= 0``: arrays of shape (k, n) in, (n,) out, in squared units of
        the analysis scale. ``vi`` is inf where a study does not belong to a data set; at least
        two belong to each. Raises rather than return a half-converged value.
    cite : str
        The paper that the formula comes from, with its DOI.
    """

    id: str
    label: str
    tau2: Callable[[Array, Array], Array]
    cite: str


def tau2_none(yi: Array, _vi: Array) -> Array:
    """Return zeros: the equal-effects model has no between-study variance."""
    return np.zeros(yi.shape[1])


def tau2_dl(yi: Array, vi: Array) -> Array:
    r"""DerSimonian and Laird's moment estimator.

    With :math:`w_i = 1/v_i` and Cochran's Q,

    .. math:: \hat\tau^2 = \max\left(0,
       \frac{Q - (k - 1)}{\sum w_i - \sum w_i^2 / \sum w_i}\right)

    References
    ----------
    DerSimonian R, Laird N (1986). Controlled Clinical Trials 7:177-188.
    doi:10.1016/0197-2456(86)90046-2
    """
    sums = weighted_sums(yi, vi, np.zeros(yi.shape[1]))
    excess = sums.q - (active(vi).sum(axis=0) - 1)
    return np.asarray(np.maximum(0.0, excess / sums.freedom))


def tau2_pm(yi: Array, vi: Array) -> Array:
    r"""Paule and Mandel's estimator: the tau2 at which the generalised Q equals its expectation.

    .. math:: \sum w_i(\tau^2) (y_i - \hat\mu(\tau^2))^2 = k - 1,
       \qquad w_i(\tau^2) = 1 / (v_i + \tau^2)

    The left side falls as tau2 grows, so there is one root, or none and tau2 is 0.

    References
    ----------
    Paule RC, Mandel J (1982). Journal of Research of the National Bureau of Standards
    87:377-385. doi:10.6028/jres.087.022
    """
    member = active(vi)
    freedom = member.sum(axis=0) - 1
    centred = np.where(member, yi - np.where(member, yi, 0).sum(axis=0) / (freedom + 1), 0)
    upper = (centred**2).sum(axis=0) / freedom

    def excess(tau2: Array, column: Index) -> tuple[Array, Array]:
        sums = weighted_sums(yi[:, column], vi[:, column], tau2)
        return sums.q - freedom[column], -sums.s2

    zero = np.zeros(yi.shape[1])
    positive = np.flatnonzero(excess(zero, np.arange(zero.size))[0] > 0)
    zero[positive] = find_roots(excess, zero[positive], upper[positive], positive)
    return zero


def tau2_reml(yi: Array, vi: Array) -> Array:
    r"""Restricted maximum likelihood: the global maximum of the restricted likelihood.

    .. math:: l_R(\tau^2) = -\tfrac12 \left[\sum \log(v_i + \tau^2) + \log \sum w_i
       + \sum w_i (y_i - \hat\mu)^2\right], \qquad w_i = 1 / (v_i + \tau^2)

    It may have more than one maximum. Its slope is therefore evaluated on a grid from below the
    smallest variance to a value past which it can only fall; each change of sign from plus to
    minus brackets a maximum, which is found to machine precision; the highest one is returned.

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """

    def slope(tau2: Array, column: Index) -> tuple[Array, Array]:
        sums = weighted_sums(yi[:, column], vi[:, column], tau2)
        w2, w3 = sums.w2 / sums.w, sums.w3 / sums.w
        value = sums.s2 - sums.w + w2
        derivative = -2 * sums.s3 + 2 * sums.r2**2 / sums.w + sums.w2 - 2 * w3 + w2**2
        return value, derivative

    def log_likelihood(tau2: Array, column: Index) -> Array:
        sums = weighted_sums(yi[:, column], vi[:, column], tau2)
        variance = np.where(active(vi[:, column]), vi[:, column] + tau2, 1.0)
        return np.asarray(-(np.log(variance).sum(axis=0) + np.log(sums.w) + sums.q) / 2)

    return _global_maximum(yi, vi, slope, log_likelihood)


def _global_maximum(
    yi: Array,
    vi: Array,
    slope: Slope,
    log_likelihood: Callable[[Array, Index], Array],
) -> Array:
    """Return the tau2 >= 0 of the highest maximum of each column's likelihood."""
    n = yi.shape[1]
    grid = _tau2_grid(yi, vi)
    signs = _slopes_on_grid(slope, grid, yi.shape[0]) > 0
    before, column = np.nonzero(signs[:-1] & ~signs[1:])
    inner = find_roots(slope, grid[before, column], grid[before + 1, column], column)
    at_zero = np.flatnonzero(~signs[0])
    candidates = np.concatenate([np.zeros(at_zero.size), inner])
    column = np.concatenate([at_zero, column])
    if candidates.size > n:
        height = log_likelihood(candidates, column)
        order = np.lexsort((candidates, -height, column))
        candidates, column = candidates[order], column[order]
        first = np.unique(column, return_index=True)[1]
        candidates, column = candidates[first], column[first]
    tau2 = np.empty(n)
    tau2[column] = candidates
    return tau2


def _tau2_grid(yi: Array, vi: Array) -> Array:
    """Return (g, n) values of tau2 from 0 to one past every maximum of a (restricted) likelihood.

    The slope is negative at tau2 >= max(v) once (k - 1) / (k + 1) > R^2 / (4 tau2), R being the
    range of the effects: sum w^2 (y - mu)^2 <= max(w) sum(w) R^2 / 4, and with variances that
    differ at most by a factor 2 no weight exceeds 2 / (k + 1) of their sum.
    """
    member = active(vi)
    k = member.sum(axis=0)
    lowest = np.where(member, vi, np.inf).min(axis=0)
    highest = np.where(member, vi, 0).max(axis=0)
    spread = np.where(member, yi, -np.inf).max(axis=0) - np.where(member, yi, np.inf).min(axis=0)
    top = 1.01 * np.maximum(highest, spread**2 * (k + 1) / (4 * (k - 1)))
    bottom = lowest / 100
    steps = int(np.ceil(np.log((top / bottom).max()) / np.log(_GRID_RATIO))) + 1
    share = np.linspace(0, 1, steps)[:, None]
    return np.concatenate([np.zeros((1, yi.shape[1])), bottom * (top / bottom) ** share])


def _slopes_on_grid(slope: Slope, grid: Array, k: int) -> Array:
    """Evaluate the slope at every grid value, in blocks that stay in cache."""
    column = np.tile(np.arange(grid.shape[1]), grid.shape[0])
    flat = grid.ravel()
    values = np.empty(flat.size)
    size = max(1, _GRID_CELLS // k)
    for start in range(0, flat.size, size):
        block = slice(start, start + size)
        values[block] = slope(flat[block], column[block])[0]
    return values.reshape(grid.shape)


ESTIMATORS: tuple[Estimator, ...] = (
    Estimator("EE", "equal-effects model", tau2_none, "Rice 2018, doi:10.1111/rssa.12275"),
    Estimator("DL", "DerSimonian-Laird", tau2_dl, "doi:10.1016/0197-2456(86)90046-2"),
    Estimator("PM", "Paule-Mandel", tau2_pm, "doi:10.6028/jres.087.022"),
    Estimator("REML", "restricted maximum likelihood", tau2_reml, "doi:10.3102/10769986030003261"),
)
