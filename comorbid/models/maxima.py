"""The highest of all maxima of many likelihoods of tau2, by bracketing every one of them."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Projection
from comorbid.models.roots import Slope, find_roots
from comorbid.models.sums import active

_RATIO = 1.5
_CELLS = 2**19


def global_maximum(
    data: Projection, slope: Slope, height: Callable[[Array, Index], Array]
) -> Array:
    """Return the tau2 >= 0 of the highest maximum of each data set's likelihood.

    The slope is evaluated on a grid from below the smallest variance to a value past which it can
    only be negative; each change of sign from plus to minus brackets a maximum, which is found to
    machine precision; of several the highest is taken, and of equals the smallest.

    Parameters
    ----------
    data : Projection
        n data sets.
    slope : callable
        ``slope(tau2, column)``: slope of the log-likelihood, times any positive factor, and its
        derivative.
    height : callable
        ``height(tau2, column)``: the log-likelihood.

    Returns
    -------
    array of shape (n,)
    """
    grid = _tau2_grid(data)
    rising = _rising(slope, grid, data.vi.shape[0])
    before, column = np.nonzero(rising[:-1] & ~rising[1:])
    inner = find_roots(slope, grid[before, column], grid[before + 1, column], column)
    at_zero = np.flatnonzero(~rising[0])
    candidates = np.concatenate([np.zeros(at_zero.size), inner])
    column = np.concatenate([at_zero, column])
    if candidates.size > data.k.size:
        order = np.lexsort((candidates, -height(candidates, column), column))
        first = np.unique(column[order], return_index=True)[1]
        candidates, column = candidates[order][first], column[order][first]
    tau2 = np.empty(data.k.size)
    tau2[column] = candidates
    return tau2


def _tau2_grid(data: Projection) -> Array:
    r"""Return (g, n) values of tau2 from 0 to one past every maximum.

    With any residuals of at most R, :math:`y'PPy \le \max(w) \sum w R^2`, while
    :math:`\mathrm{tr} P \ge \min(w) (k - p)`. Past the largest variance weights differ at most
    by a factor 2, so that the slope is negative once :math:`\tau^2 > 2 k R^2 / (k - p)`.
    """
    member = active(data.vi)
    lowest = np.where(member, data.vi, np.inf).min(axis=0)
    highest = np.where(member, data.vi, 0.0).max(axis=0)
    reach = data.unweighted()[2]
    top = 1.01 * np.maximum(highest, 2 * data.k * reach**2 / (data.k - data.p))
    bottom = lowest / 100
    steps = int(np.ceil(np.log((top / bottom).max()) / np.log(_RATIO))) + 1
    share = np.linspace(0, 1, steps)[:, None]
    return np.concatenate([np.zeros((1, data.k.size)), bottom * (top / bottom) ** share])


def _rising(slope: Slope, grid: Array, k: int) -> Mask:
    """Return where the slope is positive on the grid, evaluated in blocks that stay in cache."""
    column = np.tile(np.arange(grid.shape[1]), grid.shape[0])
    flat = grid.ravel()
    positive = np.empty(flat.size, dtype=bool)
    size = max(1, _CELLS // k)
    for start in range(0, flat.size, size):
        block = slice(start, start + size)
        positive[block] = slope(flat[block], column[block])[0] > 0
    return positive.reshape(grid.shape)
