"""Adjust: p-values of many groups, for how many were looked at."""

from __future__ import annotations

from typing import Literal

import numpy as np

from comorbid.effects.arrays import Array

Adjust = Literal["BH", "storey", "none"]

LAMBDA = 0.5
"""Where Storey's estimate of the share of true nulls begins to count."""


def null_share(p: Array) -> float:
    r"""Return Storey's estimate of the share of groups without association.

    .. math:: \hat\pi_0 = \min\left(1, \frac{1 + \#\{p_i > \lambda\}}{(1 - \lambda)\,m}\right),
       \qquad \lambda = 0.5

    The 1 keeps it above 0 whatever the p-values are.

    Parameters
    ----------
    p : array of shape (m,)
        p-values; nan is left out.

    References
    ----------
    Storey JD, Taylor JE, Siegmund D (2004). Journal of the Royal Statistical Society B
    66:187-205. doi:10.1111/j.1467-9868.2004.00439.x

    Examples
    --------
    >>> null_share(np.array([0.001, 0.01, 0.02, 0.03, 0.04, 0.2, 0.4, 0.7]))
    0.5
    """
    known = p[~np.isnan(p)]
    if not known.size:
        return float("nan")
    return float(min(1.0, (1 + (known > LAMBDA).sum()) / ((1 - LAMBDA) * known.size)))


def adjust_p(p: Array, *, adjust: Adjust) -> Array:
    r"""Adjust p-values for the number of groups.

    .. math:: \tilde p_{(i)} = \hat\pi_0 \min_{j \ge i} \min\left(1, \frac{m}{j} p_{(j)}\right)

    with :math:`\hat\pi_0 = 1` for Benjamini and Hochberg, and that of `null_share` for Storey's
    q-values.

    Parameters
    ----------
    p : array of shape (n,)
        p-values; the m that are not nan are adjusted, the others stay nan.
    adjust : {"BH", "storey"}
        How.

    Returns
    -------
    array of shape (n,)

    References
    ----------
    Benjamini Y, Hochberg Y (1995). Journal of the Royal Statistical Society B 57:289-300.
    doi:10.1111/j.2517-6161.1995.tb02031.x
    Storey JD (2002). Journal of the Royal Statistical Society B 64:479-498.
    doi:10.1111/1467-9868.00346

    Examples
    --------
    >>> adjust_p(np.array([0.01, np.nan, 0.04, 0.03]), adjust="BH").tolist()
    [0.03, nan, 0.04, 0.04]
    """
    from scipy import stats

    found = np.full(p.size, np.nan)
    known = ~np.isnan(p)
    if known.any():
        share = null_share(p) if adjust == "storey" else 1.0
        found[known] = share * stats.false_discovery_control(p[known], method="bh")
    return found
