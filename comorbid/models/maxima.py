"""The highest of all maxima of many likelihoods of tau2, by bracketing every one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.likelihood import Likelihood
from comorbid.models.projection import Projection
from comorbid.models.roots import find_roots
from comorbid.models.sums import active

# By how much weights change between neighbours on the grid at the most. On 120,000 hard likelihoods
# (3 to 14 studies, variances over 1 to 6 orders, 6,331 second maxima) 8 lost nine global maxima out
# of sight, 4 none.
_RATIO = 2.0
# Values on a grid that are cheaper to compute at once than to loop over.
_FEW = 512
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


def global_maximum(data: Projection, likelihood: Likelihood) -> Array:
    """Return the tau2 >= 0 of the highest maximum of each data set's likelihood.

    Of maxima of the same height the smallest is taken.

    Parameters
    ----------
    data : Projection
        n data sets.
    likelihood : Likelihood

    Returns
    -------
    array of shape (n,)

    Raises
    ------
    ModelError
        If effects and variances are so far apart that the slope cannot be computed.
    """
    candidates, column = _maxima(data, likelihood)
    if candidates.size > data.k.size:
        height = likelihood.height(data.at(candidates, column))
        order = np.lexsort((candidates, -height, column))
        first = np.unique(column[order], return_index=True)[1]
        candidates, column = candidates[order][first], column[order][first]
    tau2 = np.empty(data.k.size)
    tau2[column] = candidates
    return tau2


def all_maxima(data: Projection, likelihood: Likelihood) -> Peaks:
    """Return every local maximum of each data set's likelihood on tau2 >= 0.

    Parameters and errors are those of `global_maximum`.
    """
    tau2, column = _maxima(data, likelihood)
    return Peaks(tau2, column, likelihood.height(data.at(tau2, column)))


def _maxima(data: Projection, likelihood: Likelihood) -> tuple[Array, Index]:
    """Return the place of every maximum, and its data set's number.

    The score is evaluated on a grid from 0 to a value past which it can only be negative. Each
    change of its sign from plus to minus brackets a maximum, which is found to machine precision.
    """
    grid = tau2_grid(data)
    score = _on_grid(data, likelihood, grid)
    rising = score > 0
    if not np.isfinite(score).all() or rising[-1].any():
        raise ModelError(_TOO_FAR_APART)
    lowest = data.vi.min(axis=0)

    def straightened(tau2: Array, column: Index) -> tuple[Array, Array]:
        """The score over the square of the largest weight, which is nearly a line."""
        moments = data.at(tau2, column)
        value = likelihood.score(moments)
        return value, likelihood.curvature(moments) + 2 * value / (tau2 + lowest[column])

    before, column = np.nonzero(rising[:-1] & ~rising[1:])
    low, high = grid[before, column], grid[before + 1, column]
    left = score[before, column] * (low + lowest[column]) ** 2
    right = score[before + 1, column] * (high + lowest[column]) ** 2
    start = low + (high - low) * left / (left - right)
    inner = find_roots(straightened, low, high, column, start)
    at_zero = np.flatnonzero(~rising[0])
    return np.concatenate([np.zeros(at_zero.size), inner]), np.concatenate([at_zero, column])


def _on_grid(data: Projection, likelihood: Likelihood, grid: Array) -> Array:
    """Return the score on the grid: of few data sets all at once, of many row by row in place."""
    if grid.size <= _FEW:
        column = np.tile(np.arange(grid.shape[1]), grid.shape[0])
        return likelihood.score(data.at(grid.ravel(), column)).reshape(grid.shape)
    return np.stack([likelihood.score(data.at(row, slice(None))) for row in grid])


def tau2_grid(data: Projection) -> Array:
    r"""Return (g, n) values of tau2 from 0 to one past every maximum.

    From one to the next no weight changes by more than a factor. With the unweighted residual sum
    of squares R, :math:`y'PPy \le R / (v_{min} + \tau^2)^2`, while
    :math:`\mathrm{tr} P \ge (k - p) / (v_{max} + \tau^2)`: the slope is negative once
    the second exceeds the first.
    """
    lowest = data.vi.min(axis=0)
    gap = np.where(active(data.vi), data.vi, 0.0).max(axis=0) - lowest
    spread = data.unweighted()[0] / (data.k - data.p)
    past = (spread + np.sqrt(spread * (spread + 4 * gap))) / 2
    reach = np.log(1.01 * np.maximum(past, lowest) / lowest)
    if not np.isfinite(reach).all():
        raise ModelError(_TOO_FAR_APART)
    # Few data sets are given closer brackets, which costs them nothing.
    steps = max(int(np.ceil(reach.max() / np.log(_RATIO))), min(32, _FEW // reach.size - 1))
    share = np.arange(steps + 1)[:, None] / steps
    return np.asarray(lowest * np.expm1(reach * share))
