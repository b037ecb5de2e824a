"""Cluster-robust means: a weighted mean whose standard error allows for dependent effects."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Index

# A share, or an eigenvalue as a part of the largest, that is 0 but for rounding.
_NOTHING = 1e-10


class RobustMeans(NamedTuple):
    """n weighted means with their standard errors and degrees of freedom, each of shape (n,)."""

    estimate: Array
    se: Array
    df: Array


def robust_means(yi: Array, working: Array, weights: Array, cluster: Index) -> RobustMeans:
    r"""Return n weighted means of the same effects, with bias-reduced cluster-robust errors (CR2).

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i}, \qquad
       \mathrm{se}^2 = \frac{\sum_j (w_j' A_j e_j)^2}{(\sum w_i)^2}, \qquad
       A_j = \sigma_j^2 \left(\sigma_j^2 [(I - H) \Sigma (I - H)']_{jj}\right)^{-1/2}

    with the residuals e, the hat matrix H, and a working model in which effects are independent
    with the mean variance :math:`\sigma_j^2` of their cluster. The degrees of freedom are
    Satterthwaite's under it: with :math:`p_j` the vector for which the j-th term of the sum is
    :math:`(p_j'y)^2`, and :math:`M_{ij} = p_i'\Sigma p_j`,

    .. math:: \nu = (\operatorname{tr} M)^2 / \textstyle\sum_{ij} M_{ij}^2

    Parameters
    ----------
    yi, working : arrays of shape (k,)
        Effects, and their variances in the working model, before they are averaged by cluster.
    weights : array of shape (k, n)
        Not negative; 0 where an effect has no part in a mean.
    cluster : integer array of shape (k,)
        Number of each effect's cluster, from 0.

    Returns
    -------
    RobustMeans
        nan where the weights sum to 0; a standard error of nan where one cluster has all weight.

    References
    ----------
    Tipton E (2015). Small sample adjustments for robust variance estimation with meta-regression.
    Psychological Methods 20:375-393. doi:10.1037/met0000011
    Pustejovsky JE, Tipton E (2018). Journal of Business and Economic Statistics 36:672-683.
    doi:10.1080/07350015.2016.1247004

    Examples
    --------
    With equal weights and variances, each effect by itself, it is the mean with its standard error:

    >>> found = robust_means(np.array([1.0, 2.0, 6.0]), np.ones(3), np.ones((3, 1)), np.arange(3))
    >>> found.estimate.item(), round(found.se.item() ** 2, 9), round(found.df.item(), 9)
    (3.0, 2.333333333, 2.0)
    """
    size = np.bincount(cluster)
    sigma2 = (np.bincount(cluster, working) / size)[cluster, None]
    with np.errstate(all="ignore"):
        w = weights / weights.sum(axis=0)
        estimate = (w * yi[:, None]).sum(axis=0)
        ws = w * sigma2
        s2 = (w * ws).sum(axis=0)
        # The adjustment of a cluster of one; those of several are written over it.
        g = w * np.sqrt(sigma2 / (sigma2 - 2 * ws + s2))
        for j in np.flatnonzero(size > 1):
            rows = np.flatnonzero(cluster == j)
            g[rows] = _adjusted(w[rows], ws[rows], float(sigma2[rows[0], 0]), s2)

        def by_cluster(values: Array) -> Array:
            sums = np.zeros((size.size, w.shape[1]))
            np.add.at(sums, cluster, values)
            return sums

        se = np.sqrt((by_cluster(g * (yi[:, None] - estimate)) ** 2).sum(axis=0))
        a, c = by_cluster(g), by_cluster(g * g * sigma2)
        # M is diag(c) - (v a' + a v').
        v = by_cluster(g * ws) - s2 * a / 2
        crossed = (v**2).sum(axis=0) * (a**2).sum(axis=0) + (v * a).sum(axis=0) ** 2
        square = 2 * crossed + (c**2 - 4 * c * v * a).sum(axis=0)
        df = (c - 2 * v * a).sum(axis=0) ** 2 / square
        alone = by_cluster(w).max(axis=0) > 1 - _NOTHING
    return RobustMeans(estimate, np.where(alone, np.nan, se), np.where(alone, np.nan, df))


def _adjusted(w: Array, ws: Array, sigma2: float, s2: Array) -> Array:
    """Return the weights of a cluster of several after adjustment, of shape (effects, n)."""
    rows = ws.T
    inner = np.eye(len(w)) * sigma2 - rows[:, :, None] - rows[:, None, :] + s2[:, None, None]
    values, vectors = np.linalg.eigh(inner)
    small = values < _NOTHING * values.max(axis=1, keepdims=True)
    root = np.where(small, 0.0, np.sqrt(sigma2 / np.where(small, 1.0, values)))
    inside = np.einsum("nij,in->nj", vectors, w) * root
    return np.asarray(np.einsum("nij,nj->in", vectors, inside))
