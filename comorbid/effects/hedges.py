"""Hedges' correction of a standardised difference for its bias in small samples."""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array


def hedges_j(m: Array) -> Array:
    r"""Return the exact factor that makes a standardised difference unbiased.

    .. math:: J(m) = \frac{\Gamma(m/2)}{\sqrt{m/2}\;\Gamma((m - 1)/2)}

    Parameters
    ----------
    m : array of shape (k,)
        Degrees of freedom of the standard deviation; above 1, otherwise the factor is nan.

    Returns
    -------
    array of shape (k,)

    References
    ----------
    Hedges LV (1981). Distribution theory for Glass's estimator of effect size and related
    estimators. Journal of Educational Statistics 6:107-128. doi:10.3102/10769986006002107

    Examples
    --------
    >>> hedges_j(np.array([2.0, 10.0, 100.0])).round(4).tolist()
    [0.5642, 0.9227, 0.9925]
    """
    m = np.asarray(m, dtype=np.float64)
    m = np.where(m > 1, m, np.nan)
    # The ratio of two large gammas: their logarithms would cancel to half the digits.
    return np.asarray(special.poch((m - 1) / 2, 0.5) / np.sqrt(m / 2))
