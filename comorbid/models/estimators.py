"""Estimators of tau2, the between-study variance: what one is, and those of comorbid."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models import equations, moments, tau2_errors as errors
from comorbid.models.intercept import Intercept
from comorbid.models.projection import Projection


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
        ``moderated(projection) -> array >= 0`` of shape (n,): the same with moderators, for
        meta-regression, and for estimators that use the analyst's weights.
    se : callable, optional
        ``se(projection, tau2) -> array`` of shape (n,): the standard error of tau2 in large
        samples.
    fixed : float, optional
        The value that tau2 is fixed at, if it is not estimated.

    Examples
    --------
    Hunter and Schmidt's, as a plugin would declare it:

    >>> import comorbid as cb
    >>> def tau2(yi, vi):
    ...     w = 1 / vi
    ...     mean = (w * yi).sum(axis=0) / w.sum(axis=0)
    ...     q = (w * (yi - mean) ** 2).sum(axis=0)
    ...     k = (w > 0).sum(axis=0)
    ...     return ((q - k) / w.sum(axis=0)).clip(0)
    >>> mine = cb.Estimator("HS-mine", "Hunter-Schmidt", tau2, "Hunter and Schmidt 1990")
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.4], vi=[0.03, 0.08, 0.02])
    >>> [round(cb.pool(effects, method=method).tau2, 4) for method in (mine, "HS")]
    [0.0311, 0.0311]
    """

    id: str
    label: str
    tau2: Callable[[Array, Array], Array]
    cite: str
    moderated: Callable[[Projection], Array] | None = None
    se: Callable[[Projection, Array], Array] | None = None
    fixed: float | None = None


def fix_tau2(estimator: Estimator, tau2: float) -> Estimator:
    """Return an estimator that gives ``tau2`` whatever the data are; it keeps its id."""
    return Estimator(
        estimator.id,
        f"a fixed tau2 of {tau2:g}",
        partial(_of_a_mean, partial(_constant, tau2)),
        "fixed by the analyst",
        partial(_constant, tau2),
        fixed=tau2,
    )


# Functions of a module, so that fits, which hold their estimator, can be pickled.
def _constant(tau2: float, data: Projection) -> Array:
    return np.full(data.k.size, tau2)


def _of_a_mean(moderated: Callable[[Projection], Array], yi: Array, vi: Array) -> Array:
    return moderated(Intercept(yi, vi))


def _core(
    id_: str,
    label: str,
    moderated: Callable[[Projection], Array],
    se: Callable[[Projection, Array], Array] | None,
    cite: str,
) -> Estimator:
    return Estimator(id_, label, partial(_of_a_mean, moderated), cite, moderated, se)


_DERSIMONIAN = "doi:10.1016/0197-2456(86)90046-2"
_HEDGES = "doi:10.1016/C2009-0-03396-0"
_VIECHTBAUER = "doi:10.3102/10769986030003261"
_BRANNICK = "doi:10.1177/1094428117741966"
_SIDIK = "doi:10.1111/j.1467-9876.2005.00489.x"
_MORRIS = "doi:10.1080/01621459.1983.10477920"
_PAULE = "doi:10.6028/jres.087.022"
_KACKER = "doi:10.1016/j.cct.2006.04.004"
_MEDIAN = (
    "Viechtbauer 2021, Median-unbiased estimators for the amount of heterogeneity in meta-analysis"
)

ESTIMATORS: tuple[Estimator, ...] = (
    _core("EE", "the equal-effects model", moments.none, None, "Rice 2018, doi:10.1111/rssa.12275"),
    _core(
        "DL",
        "DerSimonian and Laird's method",
        moments.dersimonian_laird,
        errors.se_of_moments,
        _DERSIMONIAN,
    ),
    _core("HE", "Hedges' method", moments.hedges, errors.se_hedges, _HEDGES),
    _core(
        "HS",
        "Hunter and Schmidt's method",
        moments.hunter_schmidt,
        errors.se_hunter_schmidt,
        _VIECHTBAUER,
    ),
    _core(
        "HSk",
        "Hunter and Schmidt's method, corrected for small samples",
        moments.hunter_schmidt_small,
        errors.se_hunter_schmidt_small,
        _BRANNICK,
    ),
    _core(
        "SJ", "Sidik and Jonkman's method", moments.sidik_jonkman, errors.se_sidik_jonkman, _SIDIK
    ),
    _core(
        "ML",
        "maximum likelihood",
        equations.maximum_likelihood,
        errors.se_maximum_likelihood,
        _VIECHTBAUER,
    ),
    _core(
        "REML",
        "restricted maximum likelihood",
        equations.restricted_maximum_likelihood,
        errors.se_restricted,
        _VIECHTBAUER,
    ),
    _core("EB", "empirical Bayes", equations.paule_mandel, errors.se_empirical_bayes, _MORRIS),
    _core(
        "PM", "Paule and Mandel's method", equations.paule_mandel, errors.se_empirical_bayes, _PAULE
    ),
    _core(
        "PMM",
        "Paule and Mandel's method, median-unbiased",
        equations.paule_mandel_median,
        errors.se_empirical_bayes,
        f"{_PAULE}; {_MEDIAN}",
    ),
    _core(
        "GENQ", "the generalised Q method", moments.generalised_q, errors.se_generalised, _KACKER
    ),
    _core(
        "GENQM",
        "the generalised Q method, median-unbiased",
        equations.generalised_q_median,
        errors.se_generalised,
        f"{_KACKER}; {_MEDIAN}",
    ),
    _core(
        "DLIT",
        "DerSimonian and Laird's method, iterated",
        equations.paule_mandel,
        errors.se_empirical_bayes,
        _KACKER,
    ),
    _core(
        "SJIT",
        "Sidik and Jonkman's method, iterated",
        equations.paule_mandel,
        errors.se_empirical_bayes,
        _SIDIK,
    ),
)
