"""Shares: how much of the variance of a result goes with each choice that it rests on."""

from __future__ import annotations

from math import factorial

import numpy as np

from comorbid.effects.arrays import Array


def variance_shares(values: Array, weights: Array) -> tuple[Array, Array]:
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
    values : array of shape (q, s1, ..., sm)
        Of q quantities, such as pooled estimates, under every combination of m choices with
        s1, ..., sm options.
    weights : array of shape (s1, ..., sm)
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

    >>> values = np.array([[[0.0, 2.0], [1.0, 3.0]]])
    >>> first, shapley = variance_shares(values, np.ones((2, 2)))
    >>> first.round(9).tolist(), shapley.round(9).tolist()
    ([[0.2, 0.8]], [[0.2, 0.8]])
    """
    m, w = weights.ndim, weights / weights.sum()
    y = np.where(w > 0, values, 0.0)
    over = tuple(range(1, m + 1))
    # Estimates of the same data may differ in their last digits: these do not vary.
    least = 1e-12 * np.abs(y).max(axis=over, initial=0.0)
    y = y - (w * y).sum(axis=over, keepdims=True)
    total = (w * y**2).sum(axis=over)
    explained = np.zeros((len(y), 2**m))
    _explain(explained, 0, 0, np.concatenate([w[None], w * y]))
    explained /= np.where(total > least**2, total, np.nan)[:, None]
    size = np.array([u.bit_count() for u in range(2**m)])
    weight = np.array([factorial(s) * factorial(m - s - 1) / factorial(m) for s in range(m)])
    shapley = np.empty((len(y), m))
    for j in range(m):
        without = np.flatnonzero(~np.arange(2**m) >> j & 1)
        gain = explained[:, without | 1 << j] - explained[:, without]
        shapley[:, j] = np.maximum(0.0, gain @ weight[size[without]])
    return explained[:, 1 << np.arange(m)], shapley


def _explain(explained: Array, u: int, j: int, sums: Array) -> None:
    """Write the variance of the means by every set of choices that has, up to choice j, those of u.

    ``sums`` holds the weights and the weighted sums of the centred quantities, over the choices up
    to j that are not in u.
    """
    if j < sums.ndim - 1:
        _explain(explained, u | 1 << j, j + 1, sums)
        _explain(explained, u, j + 1, sums.sum(axis=j + 1, keepdims=True))
        return
    weight, rest = sums[0], sums[1:]
    squares = np.divide(rest**2, weight, out=np.zeros_like(rest), where=weight > 0)
    explained[:, u] = squares.reshape(len(rest), -1).sum(axis=1)
