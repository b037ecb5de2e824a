"""Estimators of tau2 from moments, in closed form: one function each, on batches of data sets.

Every function takes a `Projection`, n data sets with their moderators, and returns n values.
"""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.projection import Projection


def everything(data: Projection) -> Index:
    """Return the positions of all data sets."""
    return np.arange(data.k.size)


def none(data: Projection) -> Array:
    """Return zeros: the equal-effects model has no between-study variance."""
    return np.zeros(data.k.size)


def dersimonian_laird(data: Projection) -> Array:
    r"""DerSimonian and Laird's moment estimator.

    .. math:: \hat\tau^2 = \max\left(0, \frac{Q - (k - p)}{\mathrm{tr}\,P}\right)

    with Q and P at :math:`\tau^2 = 0`.

    References
    ----------
    DerSimonian R, Laird N (1986). Controlled Clinical Trials 7:177-188.
    doi:10.1016/0197-2456(86)90046-2
    """
    at_zero = data.at_zero
    return np.maximum(0.0, (at_zero.q - (data.k - data.p)) / at_zero.trace_p)


def hedges(data: Projection) -> Array:
    r"""Hedges' estimator, from the unweighted residuals.

    .. math:: \hat\tau^2 = \max\left(0, \frac{\mathrm{RSS} - \mathrm{tr}(PV)}{k - p}\right)

    References
    ----------
    Hedges LV, Olkin I (1985). Statistical Methods for Meta-Analysis. Academic Press.
    doi:10.1016/C2009-0-03396-0
    """
    rss, trace_pv, _ = data.unweighted()
    return np.maximum(0.0, (rss - trace_pv) / (data.k - data.p))


def hunter_schmidt(data: Projection) -> Array:
    r"""Hunter and Schmidt's estimator: :math:`\max(0, (Q - k) / \sum w_i)`.

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """
    at_zero = data.at_zero
    return np.maximum(0.0, (at_zero.q - data.k) / at_zero.w)


def hunter_schmidt_small(data: Projection) -> Array:
    r"""Hunter and Schmidt's estimator with the small-sample correction of Q.

    .. math:: \hat\tau^2 = \max\left(0, \frac{\frac{k}{k - p} Q - k}{\sum w_i}\right)

    References
    ----------
    Brannick MT, Potter SM, Benitez B, Morris SB (2019). Organizational Research Methods
    22:490-514. doi:10.1177/1094428117741966
    """
    at_zero = data.at_zero
    return np.maximum(0.0, (data.k / (data.k - data.p) * at_zero.q - data.k) / at_zero.w)


def sidik_jonkman(data: Projection) -> Array:
    r"""Sidik and Jonkman's estimator, started from the variance of the effects.

    .. math:: \hat\tau^2 = \hat\tau_0^2 \frac{Q(\hat\tau_0^2)}{k - p}, \qquad
       \hat\tau_0^2 = \frac{1}{k} \sum (y_i - \bar y)^2

    with the weighted residual sum of squares Q at :math:`\hat\tau_0^2`; never negative.

    References
    ----------
    Sidik K, Jonkman JN (2005). Journal of the Royal Statistical Society C 54:367-384.
    doi:10.1111/j.1467-9876.2005.00489.x
    """
    start = data.variance()
    return start * data.at(start, slice(None)).q / (data.k - data.p)


def generalised_q(data: Projection) -> Array:
    r"""Generalised Q estimator: the moment estimator with the analyst's weights a.

    .. math:: \hat\tau^2 = \max\left(0, \frac{Q_a - \mathrm{tr}(PV)}{\mathrm{tr}\,P}\right),
       \qquad P = A - AX(X'AX)^{-1}X'A

    with the weights on the diagonal of A. With 1 / v it is DerSimonian and Laird's, with equal
    weights Hedges'.

    References
    ----------
    DerSimonian R, Kacker R (2007). Contemporary Clinical Trials 28:105-114.
    doi:10.1016/j.cct.2006.04.004
    """
    form = analysts_form(data)
    with np.errstate(divide="ignore", invalid="ignore"):
        return np.maximum(0.0, (form.q - form.expectation(none(data))) / form.trace)


def analysts_form(data: Projection) -> GeneralisedQ:
    """Return the generalised Q with the analyst's weights, or say why there is none."""
    if data.weights is None:
        raise ModelError("GENQ and GENQM need the analyst's weights: method='GENQ', weights=...")
    return GeneralisedQ(data, data.weights)
