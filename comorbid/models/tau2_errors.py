"""Standard errors of tau2: one function for each kind of estimator, on batches of data sets.

Every function takes a `Projection` of n data sets and their tau2, and returns n values. They hold
in large samples; near tau2 = 0 an interval such as the Q-profile is the better guide.
"""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.projection import Moments, Projection


def _at(data: Projection, tau2: Array) -> Moments:
    return data.at(tau2, np.arange(data.k.size))


def _spread_of_q(data: Projection, tau2: Array) -> Array:
    """Return the standard deviation of Cochran's Q at ``tau2``."""
    zero = _at(data, np.zeros(data.k.size))
    return np.sqrt(2 * (data.k - data.p + 2 * tau2 * zero.trace_p + tau2**2 * zero.trace_pp))


def se_of_moments(data: Projection, tau2: Array) -> Array:
    r"""Standard error of DerSimonian and Laird's estimator.

    .. math:: \frac{\sqrt{2 (k - p) + 4 \tau^2 \mathrm{tr}\,P + 2 \tau^4 \mathrm{tr}\,PP}}
       {\mathrm{tr}\,P}

    with P at :math:`\tau^2 = 0`.

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """
    return _spread_of_q(data, tau2) / _at(data, np.zeros(data.k.size)).trace_p


def se_hunter_schmidt(data: Projection, tau2: Array) -> Array:
    """Standard error of Hunter and Schmidt's estimator: that of Q over the sum of weights."""
    return _spread_of_q(data, tau2) / _at(data, np.zeros(data.k.size)).w


def se_hunter_schmidt_small(data: Projection, tau2: Array) -> Array:
    """Standard error of Hunter and Schmidt's estimator, corrected for small samples."""
    return data.k / (data.k - data.p) * se_hunter_schmidt(data, tau2)


def se_hedges(data: Projection, tau2: Array) -> Array:
    """Standard error of Hedges' estimator: the generalised Q estimator with equal weights."""
    return _with_weights(data, np.ones_like(data.vi), tau2)


def se_generalised(data: Projection, tau2: Array) -> Array:
    r"""Standard error of the generalised Q estimator with the analyst's weights.

    .. math:: \frac{\sqrt{2\,\mathrm{tr}(PSPS)}}{\mathrm{tr}\,P}, \quad
       S = \mathrm{diag}(v_i + \tau^2)

    nan where there are no weights.

    References
    ----------
    DerSimonian R, Kacker R (2007). Contemporary Clinical Trials 28:105-114.
    doi:10.1016/j.cct.2006.04.004
    """
    if data.weights is None:
        return np.full(data.k.size, np.nan)
    return _with_weights(data, data.weights, tau2)


def _with_weights(data: Projection, weights: Array, tau2: Array) -> Array:
    form = GeneralisedQ(data, weights)
    return form.spread(tau2) / form.trace


def se_sidik_jonkman(data: Projection, tau2: Array) -> Array:
    r"""Standard error of Sidik and Jonkman's estimator.

    .. math:: \frac{\tau_0^2}{k - p} \sqrt{2\,\mathrm{tr}(PSPS)}, \quad
       S = \mathrm{diag}(v_i + \tau^2)

    with P at the starting value :math:`\tau_0^2`.

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """
    start = data.variance()
    freedom = data.k - data.p
    at_start, gap = _at(data, start), tau2 - start
    squares = freedom + 2 * gap * at_start.trace_p + gap**2 * at_start.trace_pp
    return start / freedom * np.sqrt(2 * squares)


def se_maximum_likelihood(data: Projection, tau2: Array) -> Array:
    r"""Standard error from the expected information: :math:`\sqrt{2 / \sum w_i^2}`."""
    return np.sqrt(2 / _at(data, tau2).w2)


def se_restricted(data: Projection, tau2: Array) -> Array:
    r"""Standard error from the restricted information: :math:`\sqrt{2 / \mathrm{tr}\,PP}`."""
    return np.sqrt(2 / _at(data, tau2).trace_pp)


def se_empirical_bayes(data: Projection, tau2: Array) -> Array:
    r"""Standard error of estimators that solve Q = c.

    .. math:: \frac{k}{\sum w_i} \sqrt{\frac{2}{k - p}}

    References
    ----------
    Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). Statistics in Medicine 14:395-411.
    doi:10.1002/sim.4780140406
    """
    return data.k * np.sqrt(2 / (data.k - data.p)) / _at(data, tau2).w
