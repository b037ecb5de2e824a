"""Shares: how much of the variance of a result goes with each choice that it rests on."""

from __future__ import annotations

from collections.abc import Sequence
from math import factorial

import numpy as np

from comorbid.effects.arrays import Array, Index


def variance_shares(
    values: Array, picks: Index, sizes: Sequence[int], weights: Array
) -> tuple[Array, Array]:
    r"""Divide the variance of values over the choices that they were made with.

    With the weighted mean of the values that share the options of a set u of choices, what these
    explain is :math:`\nu(u) = \operatorname{Var} E(Y \mid X_u)`. Of m choices the first-order
    (Sobol) and the Shapley share of choice j are

    .. math:: S_j = \frac{\nu(\{j\})}{\operatorname{Var} Y}, \qquad
       \phi_j = \frac{1}{\operatorname{Var} Y} \sum_{u \not\ni j}
       \frac{|u|!\, (m - |u| - 1)!}{m!} \left( \nu(u \cup \{j\}) - \nu(u) \right)

    The first is what the choice explains alone; the second also has its part of what it explains
    together with others, is never negative, and sums to the part of the variance that all choices
    explain together, here 1. Where every combination occurs equally often and choices do not
    interact, the two are the same.

    Parameters
    ----------
    values : array of shape (q, n)
        Of q quantities, such as pooled estimates, one a combination.
    picks : integer array of shape (m, n)
        The option of each choice that it was made with.
    sizes : sequence of m int
        How many options each choice has.
    weights : array of shape (n,)
        Of the combinations; 0 leaves one out.

    Returns
    -------
    first, shapley : arrays of shape (q, m)
        Proportions; nan where a quantity does not vary.

    References
    ----------
    Sobol IM (2001). Mathematics and Computers in Simulation 55:271-280.
    doi:10.1016/S0378-4754(00)00270-6
    Owen AB (2014). Sobol' indices and Shapley value. SIAM/ASA Journal on Uncertainty
    Quantification 2:245-251. doi:10.1137/130936233
    Song E, Nelson BL, Staum J (2016). Shapley effects for global sensitivity analysis. SIAM/ASA
    Journal on Uncertainty Quantification 4:1060-1083. doi:10.1137/15M1048070

    Examples
    --------
    A sum of two choices with effects 0 and 1, and 0 and 2: their variances are 1 and 4 parts.

    >>> picks = np.array([[0, 0, 1, 1], [0, 1, 0, 1]])
    >>> values = (picks[0] + 2.0 * picks[1])[None, :]
    >>> first, shapley = variance_shares(values, picks, (2, 2), np.ones(4))
    >>> first.round(9).tolist(), shapley.round(9).tolist()
    ([[0.2, 0.8]], [[0.2, 0.8]])
    """
    m, inside = len(sizes), weights > 0
    w, y = weights[inside] / weights.sum(), values[:, inside]
    # Estimates of the same data may differ in their last digits: these do not vary.
    least = 1e-12 * np.abs(y).max(axis=1, initial=0.0)
    y = y - (y @ w)[:, None]
    total = (y**2) @ w
    cells = picks[:, inside]
    explained = np.array([_explained(u, y, w, cells, sizes) for u in range(2**m)]).T
    explained /= np.where(total > least**2, total, np.nan)[:, None]
    size = np.array([u.bit_count() for u in range(2**m)])
    weight = np.array([factorial(s) * factorial(m - s - 1) / factorial(m) for s in range(m)])
    shapley = np.empty((len(values), m))
    for j in range(m):
        without = np.flatnonzero(~np.arange(2**m) >> j & 1)
        gain = explained[:, without | 1 << j] - explained[:, without]
        shapley[:, j] = np.maximum(0.0, gain @ weight[size[without]])
    return explained[:, 1 << np.arange(m)], shapley


def _explained(u: int, y: Array, w: Array, picks: Index, sizes: Sequence[int]) -> Array:
    """Return the variance of the means of centred values within the options of a set of choices."""
    cell = np.zeros(w.size, dtype=np.intp)
    for j in range(len(sizes)):
        if u >> j & 1:
            cell = cell * sizes[j] + picks[j]
    weight = np.bincount(cell, w)
    used = weight > 0
    sums = np.array([np.bincount(cell, w * values)[used] for values in y])
    return np.asarray((sums**2 / weight[used]).sum(axis=1))
