"""The highest of all maxima of many likelihoods of tau2, by bracketing every one of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.likelihood import Likelihood
from comorbid.models.projection import Projection
from comorbid.models.roots import find_roots
from comorbid.models.scan import Brackets, scan


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
    candidates, column = polish(data, likelihood, scan(data, likelihood))
    tau2 = np.empty(data.k.size)
    tau2[column] = candidates
    if column.size > tau2.size:
        several = np.flatnonzero((np.bincount(column) > 1)[column])
        candidates, column = candidates[several], column[several]
        height = likelihood.height(data.at(candidates, column))
        order = np.lexsort((candidates, -height, column))
        first = order[np.unique(column[order], return_index=True)[1]]
        tau2[column[first]] = candidates[first]
    return tau2


def all_maxima(data: Projection, likelihood: Likelihood) -> Peaks:
    """Return every local maximum of each data set's likelihood on tau2 >= 0.

    Parameters and errors are those of `global_maximum`.
    """
    tau2, column = polish(data, likelihood, scan(data, likelihood))
    return Peaks(tau2, column, likelihood.height(data.at(tau2, column)))


def polish(data: Projection, likelihood: Likelihood, brackets: Brackets) -> tuple[Array, Index]:
    """Return the place of every maximum to machine precision, and its data set's number."""

    def straight(tau2: Array, column: Index) -> tuple[Array, Array]:
        return likelihood.straight(data.at(tau2, column))

    at_zero, column = brackets.at_zero, brackets.column
    ends = brackets.low, brackets.high
    inner = find_roots(straight, *ends, column, brackets.start, brackets.known)
    return np.concatenate([np.zeros(at_zero.size), inner]), np.concatenate([at_zero, column])
