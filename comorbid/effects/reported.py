"""Effects from what a paper prints: an estimate with its interval or standard error."""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES


def reported_effect(
    estimate: Array, *, ci_low: Array, ci_high: Array, ci_level: Array, se: Array, scale: str
) -> tuple[Array, Array]:
    r"""Effect and variance from a printed estimate with an interval of any level, or its SE.

    .. math:: y = g(\hat\theta), \qquad
       v = \left(\frac{g(u) - g(l)}{2 z_{(1 + \gamma)/2}}\right)^2

    with :math:`g` the scale's function (log for ratios), :math:`(l, u)` the interval and
    :math:`\gamma` its level. Where there is no interval, ``se`` (analysis scale) is used.

    Parameters
    ----------
    estimate, ci_low, ci_high : arrays of shape (k,)
        As printed, on the printed scale (an odds ratio, not its log); missing is nan.
    ci_level : array of shape (k,)
        Level of each interval, a proportion.
    se : array of shape (k,)
        Standard error on the analysis scale; missing is nan.
    scale : str
        Name of the scale.

    Returns
    -------
    yi, vi : arrays of shape (k,)
        On the analysis scale; nan where something is missing.

    References
    ----------
    Higgins JPT, Li T, Deeks JJ (2024). Cochrane Handbook for Systematic Reviews of
    Interventions 6.5, section 6.3.1-6.3.2. doi:10.1002/9781119536604.ch6

    Examples
    --------
    >>> import numpy as np
    >>> one, none = np.ones(1), np.full(1, np.nan)
    >>> yi, vi = reported_effect(2.5 * one, ci_low=0.8 * one, ci_high=8.0 * one,
    ...                          ci_level=0.95 * one, se=none, scale="log")
    >>> yi.round(4).tolist(), np.sqrt(vi).round(4).tolist()
    ([0.9163], [0.5874])
    """
    forward = SCALES[scale].forward
    z = special.ndtri((1 + ci_level) / 2)
    width = (forward(ci_high) - forward(ci_low)) / (2 * z)
    return forward(estimate), np.where(np.isnan(width), se, width) ** 2
