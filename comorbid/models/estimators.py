"""Estimators of tau2, the between-study variance: one function each, on batches of data sets.

Every function takes a `Projection`, n data sets with their moderators, and returns n values.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index
from comorbid.models.maxima import global_maximum
from comorbid.models.projection import Intercept, Projection
from comorbid.models.roots import find_roots


@dataclass(frozen=True, slots=True)
class Estimator:
    """An estimator of the between-study variance tau2.

    Parameters
    ----------
    id : str
        Short name, metafor's where it has one: ``"REML"``.
    label : str
        Name as printed: ``"restricted maximum likelihood"``.
    tau2 : callable
        ``tau2(yi, vi) -> array >= 0``: arrays of shape (k, n) in, (n,) out, in squared units of
        the analysis scale. ``vi`` is inf where a study does not belong to a data set; at least
        two belong to each. Raises rather than return a half-converged value.
    cite : str
        The paper that the formula comes from, with its DOI.
    moderated : callable, optional
        ``moderated(projection) -> array >= 0``: the same with moderators, for meta-regression.
    """

    id: str
    label: str
    tau2: Callable[[Array, Array], Array]
    cite: str
    moderated: Callable[[Projection], Array] | None = None


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
    at_zero = data.at(none(data), everything(data))
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
    at_zero = data.at(none(data), everything(data))
    return np.maximum(0.0, (at_zero.q - data.k) / at_zero.w)


def hunter_schmidt_small(data: Projection) -> Array:
    r"""Hunter and Schmidt's estimator with the small-sample correction of Q.

    .. math:: \hat\tau^2 = \max\left(0, \frac{\frac{k}{k - p} Q - k}{\sum w_i}\right)

    References
    ----------
    Brannick MT, Potter SM, Benitez B, Morris SB (2019). Organizational Research Methods
    22:490-514. doi:10.1177/1094428117741966
    """
    at_zero = data.at(none(data), everything(data))
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
    return start * data.at(start, everything(data)).q / (data.k - data.p)


def paule_mandel(data: Projection) -> Array:
    r"""Paule and Mandel's estimator: the tau2 at which Q equals its expectation.

    .. math:: Q(\tau^2) = k - p

    Q falls as tau2 grows, so there is one root, or none and tau2 is 0. Morris' empirical Bayes
    estimator is the same root.

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
    the root.
    """
    tau2 = none(data)
    upper = data.unweighted()[0] / target

    def excess(value: Array, column: Index) -> tuple[Array, Array]:
        moments = data.at(value, column)
        return moments.q - target[column], -moments.ypp

    above = np.flatnonzero(excess(tau2, everything(data))[0] > 0)
    tau2[above] = find_roots(excess, tau2[above], upper[above], above)
    return tau2


def maximum_likelihood(data: Projection) -> Array:
    r"""Maximum likelihood: the global maximum of the likelihood.

    .. math:: l(\tau^2) = \tfrac12 \left[\sum \log w_i - Q(\tau^2)\right]

    References
    ----------
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    """

    def slope(tau2: Array, column: Index) -> tuple[Array, Array]:
        moments = data.at(tau2, column)
        return moments.ypp - moments.w, moments.w2 - 2 * moments.yppp

    def height(tau2: Array, column: Index) -> Array:
        moments = data.at(tau2, column)
        return np.asarray((moments.log_w - moments.q) / 2)

    return global_maximum(data, slope, height)


def restricted_maximum_likelihood(data: Projection) -> Array:
    r"""Restricted maximum likelihood: the global maximum of the restricted likelihood.

    .. math:: l_R(\tau^2) = \tfrac12 \left[\sum \log w_i - \log |X'WX| - Q(\tau^2)\right]

    References
    ----------
    Viechtbauer W (2005). Journal of Educational and Behavioral Statistics 30:261-293.
    doi:10.3102/10769986030003261
    """

    def slope(tau2: Array, column: Index) -> tuple[Array, Array]:
        moments = data.at(tau2, column)
        return moments.ypp - moments.trace_p, moments.trace_pp - 2 * moments.yppp

    def height(tau2: Array, column: Index) -> Array:
        moments = data.at(tau2, column)
        return np.asarray((moments.log_w - moments.log_xwx - moments.q) / 2)

    return global_maximum(data, slope, height)


def _core(id_: str, label: str, moderated: Callable[[Projection], Array], cite: str) -> Estimator:
    def tau2(yi: Array, vi: Array) -> Array:
        return moderated(Intercept(yi, vi))

    return Estimator(id_, label, tau2, cite, moderated)


ESTIMATORS: tuple[Estimator, ...] = (
    _core("EE", "the equal-effects model", none, "Rice 2018, doi:10.1111/rssa.12275"),
    _core(
        "DL",
        "DerSimonian and Laird's method",
        dersimonian_laird,
        "doi:10.1016/0197-2456(86)90046-2",
    ),
    _core("HE", "Hedges' method", hedges, "doi:10.1016/C2009-0-03396-0"),
    _core("HS", "Hunter and Schmidt's method", hunter_schmidt, "doi:10.3102/10769986030003261"),
    _core(
        "HSk",
        "Hunter and Schmidt's method, corrected for small samples",
        hunter_schmidt_small,
        "doi:10.1177/1094428117741966",
    ),
    _core(
        "SJ", "Sidik and Jonkman's method", sidik_jonkman, "doi:10.1111/j.1467-9876.2005.00489.x"
    ),
    _core("ML", "maximum likelihood", maximum_likelihood, "doi:10.3102/10769986030003261"),
    _core(
        "REML",
        "restricted maximum likelihood",
        restricted_maximum_likelihood,
        "doi:10.3102/10769986030003261",
    ),
    _core("EB", "empirical Bayes", paule_mandel, "doi:10.1080/01621459.1983.10477920"),
    _core("PM", "Paule and Mandel's method", paule_mandel, "doi:10.6028/jres.087.022"),
    _core(
        "PMM",
        "Paule and Mandel's method, median-unbiased",
        paule_mandel_median,
        "doi:10.6028/jres.087.022",
    ),
)
