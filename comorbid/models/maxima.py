"""The highest of all maxima of many likelihoods of tau2, by bracketing every one of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.projection import Projection
from comorbid.models.roots import Slope, find_roots
from comorbid.models.sums import active

# Slopes turn over factors of tau2: on 12,000 hard data sets a factor of 8 lost one global maximum
# out of sight between neighbours, a factor of 4 none.
_RATIO = 2.0
# Studies times values of tau2 of one block: its arrays stay in the processor's cache.
_CELLS = 2**16
_TOO_FAR_APART = (
    "no likelihood of tau2 can be computed: effects or variances are too many orders of magnitude "
    "apart; check them for typing errors"
)


@dataclass(frozen=True, slots=True)
class Peaks:
    """Every local maximum of n likelihoods: its place, which data set it is of, its height."""

    tau2: Array
    column: Index
    height: Array


def global_maximum(
    data: Projection, slope: Slope, height: Callable[[Array, Index], Array]
) -> Array:
    """Return the tau2 >= 0 of the highest maximum of each data set's likelihood.

    Of maxima of the same height the smallest is taken.

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

    Raises
    ------
    ModelError
        If effects and variances are so far apart that the slope cannot be computed.
    """
    candidates, column = _maxima(data, slope)
    if candidates.size > data.k.size:
        order = np.lexsort((candidates, -height(candidates, column), column))
        first = np.unique(column[order], return_index=True)[1]
        candidates, column = candidates[order][first], column[order][first]
    tau2 = np.empty(data.k.size)
    tau2[column] = candidates
    return tau2


def all_maxima(data: Projection, slope: Slope, height: Callable[[Array, Index], Array]) -> Peaks:
    """Return every local maximum of each data set's likelihood on tau2 >= 0.

    Parameters and errors are those of `global_maximum`.
    """
    tau2, column = _maxima(data, slope)
    return Peaks(tau2, column, height(tau2, column))


def _maxima(data: Projection, slope: Slope) -> tuple[Array, Index]:
    """Return the place of every maximum, and its data set's number.

    The slope is evaluated on a grid from below the smallest variance to a value past which it can
    only be negative. Each change of its sign from plus to minus brackets a maximum, which is found
    to machine precision.
    """
    grid = tau2_grid(data)
    value = _on_grid(slope, grid, data.vi.shape[0])
    rising = value > 0
    if not np.isfinite(value).all() or rising[-1].any():
        raise ModelError(_TOO_FAR_APART)
    before, column = np.nonzero(rising[:-1] & ~rising[1:])
    low, high = grid[before, column], grid[before + 1, column]
    left, right = value[before, column], value[before + 1, column]
    inner = find_roots(slope, low, high, column, low + (high - low) * left / (left - right))
    at_zero = np.flatnonzero(~rising[0])
    return np.concatenate([np.zeros(at_zero.size), inner]), np.concatenate([at_zero, column])


def tau2_grid(data: Projection) -> Array:
    r"""Return (g, n) values of tau2 from 0 to one past every maximum.

    With any residuals of at most R, :math:`y'PPy \le \max(w) \sum w R^2`, while
    :math:`\mathrm{tr} P \ge \min(w) (k - p)`. Past the largest variance weights differ at most
    by a factor 2, so that the slope is negative once :math:`\tau^2 > 2 k R^2 / (k - p)`.
    """
    lowest = data.vi.min(axis=0)
    highest = np.where(active(data.vi), data.vi, 0.0).max(axis=0)
    reach = data.unweighted()[2]
    top = 1.01 * np.maximum(highest, 2 * data.k * reach**2 / (data.k - data.p))
    bottom = lowest / 100
    if not np.isfinite(top / bottom).all():
        raise ModelError(_TOO_FAR_APART)
    steps = int(np.ceil(np.log((top / bottom).max()) / np.log(_RATIO))) + 1
    share = np.arange(steps)[:, None] / (steps - 1)
    return np.concatenate([np.zeros((1, data.k.size)), bottom * (top / bottom) ** share])


def _on_grid(slope: Slope, grid: Array, k: int) -> Array:
    """Return the slope on the grid, evaluated in blocks."""
    column = np.tile(np.arange(grid.shape[1]), grid.shape[0])
    flat = grid.ravel()
    value = np.empty(flat.size)
    size = max(1, _CELLS // k)
    for start in range(0, flat.size, size):
        block = slice(start, start + size)
        value[block] = slope(flat[block], column[block])[0]
    return value.reshape(grid.shape)
