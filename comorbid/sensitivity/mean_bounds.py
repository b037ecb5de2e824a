"""Mean bounds: between which values a weighted mean lies if effects and weights are intervals."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array


def mean_bounds(effects: tuple[Array, Array], weights: tuple[Array, Array]) -> tuple[float, float]:
    r"""Return the least and the largest weighted mean of k effects.

    Over :math:`y_i \in [y_i^-, y_i^+]` and :math:`w_i \in [w_i^-, w_i^+]`, each by itself, the
    largest :math:`\sum w_i y_i / \sum w_i` has :math:`y_i = y_i^+`, the largest weight for the
    effects above it, and the least weight for those below it (the mean rises with the weight of an
    effect above it). With the effects in decreasing order it is therefore the largest of k + 1
    means, and the least one follows by symmetry.

    Parameters
    ----------
    effects, weights : (array, array)
        Least and largest, each of shape (k,). A weight may be 0, the largest one inf.

    Returns
    -------
    (float, float)
        With a weight that may be inf the limit, which is that effect itself.

    Examples
    --------
    >>> one = np.ones(2)
    >>> mean_bounds((np.array([0.0, 1.0]), np.array([0.0, 1.0])), (one, 3 * one))
    (0.25, 0.75)
    """
    return -_largest(-effects[0], weights), _largest(effects[1], weights)


def _largest(y: Array, weights: tuple[Array, Array]) -> float:
    order = np.argsort(-y)
    y, least, most = y[order], weights[0][order], weights[1][order]
    endless = np.isinf(most)
    above = np.arange(y.size) < np.arange(y.size + 1)[:, None]
    w = np.where(above & ~endless, most, least)
    with np.errstate(invalid="ignore"):
        means = (w * y).sum(axis=1) / w.sum(axis=1)
    return float(np.nanmax([*means, *y[endless]]))
