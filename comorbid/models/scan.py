"""The scan: an interval around every maximum of many likelihoods of tau2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.likelihood import Likelihood
from comorbid.models.projection import Projection
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
class Brackets:
    """Intervals that hold one maximum each, and the data sets that have one at 0.

    Between ``low`` and ``high``, of shape (m,), the slope of the likelihood of data set ``column``
    falls through zero, at about ``start``. ``at_zero`` are the data sets whose slope at 0 is not
    positive.
    """

    low: Array
    high: Array
    start: Array
    column: Index
    at_zero: Index


def scan(data: Projection, likelihood: Likelihood) -> Brackets:
    """Return an interval around every maximum of each data set's likelihood on tau2 >= 0.

    The score is evaluated on a grid from 0 to a value past which it can only be negative. Each
    change of its sign from plus to minus brackets a maximum.
    """
    grid = tau2_grid(data)
    score = _on_grid(data, likelihood, grid)
    rising = score > 0
    if not np.isfinite(score).all() or rising[-1].any():
        raise ModelError(_TOO_FAR_APART)
    lowest = data.vi.min(axis=0)
    before, column = np.nonzero(rising[:-1] & ~rising[1:])
    low, high = grid[before, column], grid[before + 1, column]
    left = score[before, column] * (low + lowest[column]) ** 2
    right = score[before + 1, column] * (high + lowest[column]) ** 2
    start = low + (high - low) * left / (left - right)
    return Brackets(low, high, start, column, np.flatnonzero(~rising[0]))


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
