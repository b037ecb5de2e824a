"""Estimators of tau2 that solve an equation: one function each, on batches of data sets.

Every function takes a `Projection`, n data sets with their moderators, and returns n values.
"""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index
from comorbid.models.likelihood import ML, REML
from comorbid.models.maxima import global_maximum
from comorbid.models.moments import analysts_form, none
from comorbid.models.projection import Projection
from comorbid.models.roots import find_roots


def paule_mandel(data: Projection) -> Array:
    r"""Paule and Mandel's estimator: the tau2 at which Q equals its expectation.

    .. math:: Q(\tau^2) = k - p

    Q falls as tau2 grows, so there is one root, or none and tau2 is 0. Morris' empirical Bayes
    estimator, and those of DerSimonian and Laird and of Sidik and Jonkman when they are repeated
    with the weights that follow from them until nothing changes, are the same root.

    References
    ----------
    Paule RC, Mandel J (1982). Journal of Research of the National Bureau of Standards
    87:377-385. doi:10.6028/jres.087.022
    Viechtbauer W, Lopez-Lopez JA, Sanchez-Meca J, Marin-Martinez F (2015). Psychological Methods
    20:360-374. doi:10.1037/met0000023
    """
    return where_q_is(data, data.k - data.p)


def paule_mandel_median(data: Projection) -> Array:
    r"""Median-unbiased Paule-Mandel estimator: where Q equals the median of its distribution.

    .. math:: Q(\tau^2) = \chi^2_{k - p;\,0.5}

    References
    ----------
    Viechtbauer W (2021). Median-unbiased estimators for the amount of heterogeneity in
    meta-analysis. European Congress of Methodology, Valencia (no DOI).
    """
    return where_q_is(data, special.chdtri(data.k - data.p, 0.5))


def where_q_is(data: Projection, target: Array) -> Array:
    """Return the tau2 at which Q has fallen to ``target``; 0 where it is below from the start.

    Q(tau2) is at most the unweighted residual sum of squares over tau2, which gives a value past
    the root. The root is sought in 1 - target / Q, which is nearly straight.
    """
    at_zero = data.at_zero
    above = np.flatnonzero(at_zero.q > target)
    upper = data.unweighted()[0][above] / target[above]
    q = at_zero.q[above]
    # As the function is convex, Newton's step from 0 does not pass its root.
    start = np.minimum((q / target[above] - 1) * q / at_zero.ypp[above], upper)

    def excess(value: Array, column: Index) -> tuple[Array, Array]:
        moments = data.at(value, column)
        share = target[column] / moments.q
        return 1 - share, -moments.ypp * share / moments.q

    tau2 = none(data)
    tau2[above] = find_roots(excess, tau2[above], upper, above, start)
    return tau2


def maximum_likelihood(data: Projection) -> Array:
    r"""Maximum likelihood: the global maximum of the likelihood.

    .. math:: l(\tau^2) = \tfrac12 \left[\sum \log w_i - Q(\tau^2)\right]

    References
    ----------
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    """
    return global_maximum(data, ML)


def restricted_maximum_likelihood(data: Projection) -> Array:
    r"""Restricted maximum likelihood: the global maximum of the restricted likelihood.

    .. math:: l_R(\tau^2) = \tfrac12 \left[\sum \log w_i - \log |X'WX| - Q(\tau^2)\right]

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """
    return global_maximum(data, REML)


def generalised_q_median(data: Projection) -> Array:
    """Median-unbiased generalised Q estimator: where Q_a is the median of its distribution.

    References
    ----------
    Viechtbauer W (2021). Median-unbiased estimators for the amount of heterogeneity in
    meta-analysis. European Congress of Methodology, Valencia (no DOI).
    """
    return analysts_form(data).tau2_where(0.5)
