"""Tipping point: what is missing, or would have to differ, for an interval to include the null."""

from __future__ import annotations

import math
from functools import partial

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.errors import ModelError
from comorbid.models.crossings import first_crossings
from comorbid.models.fit import Fit
from comorbid.models.kernel import Batch, fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.settings import value_or_null
from comorbid.models.views import frozen
from comorbid.sensitivity.tipping_result import (
    NullStudies,
    TippingPoint as TippingPoint,
    TippingStudies as TippingStudies,
)

_MOST = 10_000
_SCAN = 256
# Variances that are tried: from a million times the largest to a millionth of the smallest.
_REACH, _VARIANCES = 1e6, 401
# Distances that are tried, in those of the nearer end of the interval.
_DISTANCES = np.concatenate([[0.0], np.geomspace(1e-3, 1e6, 46)])
# Numbers held at a time.
_CELLS = 2**22
_POOL = ("estimate", "ci_low", "ci_high", "tau2")


def tipping_point(fit: Fit, *, null: float | None = None) -> TippingPoint:
    r"""Find the null studies whose addition makes the interval of the pool include the null.

    The studies found are pooled again with N more, by the fit's own estimator of tau2, test and
    level. Those have one variance :math:`v_0` and vary around the null :math:`\theta_0` as much as
    such studies would that are as heterogeneous as those found,

    .. math:: y_{k+j} = \theta_0 + c \sqrt{v_0 + \hat\tau^2}\; \Phi^{-1}\left(\frac{j - 1/2}{N}
       \right), \quad j = 1, \dots, N, \qquad \text{with } \sum (y_{k+j} - \theta_0)^2
       = N (v_0 + \hat\tau^2) \text{ for } N > 1

    For N = 1, a study that found the null exactly, the largest :math:`v_0` is sought, the smallest
    study, with which the interval includes the null; and with the median variance of the studies
    found the smallest N. Tau2 is estimated anew, where `fail_safe_n` fixes what it becomes and goes
    by a normal p-value. It grows with the distance between the two groups, so that one null study
    may not suffice whatever its size: in a random-effects model it counts as one study of many.

    It does not say that such studies exist.

    Parameters
    ----------
    fit : Fit
        Of all studies found, without weights of the analyst.
    null : float, optional
        What the added studies found, and what the interval is to include; analysis scale, by
        default no association.

    Returns
    -------
    TippingPoint

    Raises
    ------
    ModelError
        If the fit has weights of the analyst, which added studies have not, ``null`` is no number,
        or the measure has no value of no association and there is none.
    DataError
        If ``fit`` is not what `pool` returns.

    See Also
    --------
    fail_safe_n : Rosenthal's, Orwin's and Rosenberg's numbers of null studies.
    tipping_studies : How far each study found would have to move.

    References
    ----------
    Rosenthal R (1979). Psychological Bulletin 86:638-641. doi:10.1037/0033-2909.86.3.638
    Orwin RG (1983). Journal of Educational Statistics 8:157-159. doi:10.3102/10769986008002157

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7, 0.6], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> found = cb.tipping_point(fit)
    >>> found.one.suffices, found.typical.k, round(found.typical.se, 3)
    (False, 4.0, 0.2)
    """
    check_fit(fit)
    if fit.user_weights is not None:
        raise ModelError("added studies have no weights of the analyst; fit without weights")
    goal = value_or_null(fit.effects.measure, null, name="null")
    includes = fit.ci[0] <= goal <= fit.ci[1]
    typical = float(np.median(fit.effects.vi))
    return TippingPoint(
        estimate=fit.estimate,
        ci=fit.ci,
        includes=includes,
        one=_settled(fit, goal, math.inf if includes else _smallest(fit, goal), 1.0),
        typical=_settled(fit, goal, typical, 0.0 if includes else _least(fit, goal, typical)),
        null=goal,
        k=fit.k,
        scale=fit.effects.scale,
        **fit.made,
    )


def tipping_studies(fit: Fit, *, null: float | None = None) -> TippingStudies:
    r"""Find how far each study would have to move for the interval to include the null.

    Study i alone is moved against the pooled effect, its variance and all other studies unchanged,

    .. math:: y_i(d) = y_i - \operatorname{sign}(\hat\mu - \theta_0)\, d

    and all are pooled again by the fit's own estimator of tau2, test and level, to find the
    smallest d at which the interval includes the null :math:`\theta_0`.

    Parameters
    ----------
    fit : Fit
        Of all studies.
    null : float, optional
        What the interval is to include; analysis scale, by default no association.

    Returns
    -------
    TippingStudies
        Where the interval includes the null as it is, nothing is moved.

    Raises
    ------
    ModelError
        If ``null`` is no number, or the measure has no value of no association and there is none.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125. doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7, 0.6], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> cb.tipping_studies(fit).tipping.round(2).tolist()
    [0.09, -0.09, 0.15, 0.06]
    """
    check_fit(fit)
    goal = value_or_null(fit.effects.measure, null, name="null")
    yi, se = fit.effects.yi, np.sqrt(fit.effects.vi)
    if fit.ci[0] <= goal <= fit.ci[1]:
        moved = np.zeros(fit.k)
    else:
        size = max(1, _CELLS // (fit.k * _DISTANCES.size))
        parts = [np.arange(i, min(i + size, fit.k)) for i in range(0, fit.k, size)]
        moved = np.concatenate([_distances(fit, goal, part) for part in parts])
    tipping = yi - math.copysign(1.0, fit.estimate - goal) * moved
    return TippingStudies(
        labels=fit.effects.labels,
        yi=frozen(yi),
        tipping=frozen(tipping),
        moved=frozen(moved / se),
        null=goal,
        scale=fit.effects.scale,
        **fit.made,
    )


def _tipped(fit: Fit, pools: Batch, goal: float) -> Mask:
    """Return whether the nearer end of the intervals is no longer on the side of the pool found."""
    return np.asarray(pools.ci_low <= goal if fit.estimate > goal else pools.ci_high >= goal)


def _refit(fit: Fit, yi: Array, vi: Array) -> Batch:
    weights = None if fit.user_weights is None else fit.user_weights[:, None]
    return fit_batch(
        yi, vi, estimator=fit.estimator, test=fit.test, level=fit.level, weights=weights
    )


def _pools(fit: Fit, goal: float, variance: Array, number: Array) -> Batch:
    """Pool the studies found with a number of null studies of a variance, each of shape (n,)."""
    yi, vi = fit.effects.yi[:, None], fit.effects.vi[:, None]
    order = np.arange(int(number.max()))[:, None]
    added = order < number
    score = special.ndtri(np.where(added, (order + 0.5) / number, 0.5))
    size = np.sqrt((score**2).sum(axis=0) / number)
    spread = np.sqrt(variance + np.nan_to_num(fit.tau2)) / np.where(size > 0, size, 1.0)
    shape = (fit.k, variance.size)
    return _refit(
        fit,
        np.concatenate([np.broadcast_to(yi, shape), goal + spread * score]),
        np.concatenate([np.broadcast_to(vi, shape), np.where(added, variance, np.inf)]),
    )


def _smallest(fit: Fit, goal: float) -> float:
    """Return the largest variance of one null study that suffices; nan if none does."""
    vi = fit.effects.vi
    first, last = np.clip([vi.max() * _REACH, vi.min() / _REACH], 1e-300, 1e300).tolist()
    points = np.geomspace(first, last, _VARIANCES)[:, None]

    def reached(variance: Array) -> Mask:
        pools = _pools(fit, goal, variance.ravel(), np.ones(variance.size))
        return _tipped(fit, pools, goal).reshape(variance.shape)

    return float(first_crossings(reached, points)[0])


def _least(fit: Fit, goal: float, variance: float) -> float:
    """Return the smallest number of null studies of a variance that suffices, or inf."""

    def reached(number: Array) -> Mask:
        return _tipped(fit, _pools(fit, goal, np.full(number.size, variance), number), goal)

    number = np.arange(1.0, _SCAN + 1)
    hits = reached(number)
    if hits.any():
        return float(number[hits.argmax()])
    low = high = _SCAN
    while not hits.any():
        if high == _MOST:
            return math.inf
        low, high = high, min(2 * high, _MOST)
        hits = reached(np.array([float(high)]))
    while high - low > 1:
        between = np.unique(np.linspace(low, high, 18).astype(np.intp)[1:-1])
        between = np.append(between[between > low], high)
        at = int(reached(between.astype(np.float64)).argmax())
        low, high = int(between[at - 1]) if at else low, int(between[at])
    return float(high)


def _settled(fit: Fit, goal: float, variance: float, number: float) -> NullStudies:
    """Return null studies with the pool that they make."""
    of = partial(
        NullStudies,
        k=number,
        variance=variance,
        se=math.sqrt(variance),
        people=_people(fit) / variance,
    )
    if number == 0 or math.isinf(variance):
        low, high = fit.ci
        pool = {"estimate": fit.estimate, "ci_low": low, "ci_high": high, "tau2": fit.tau2}
        return of(**pool, weight=0.0)
    if math.isinf(number) or math.isnan(variance):
        return of(**dict.fromkeys(_POOL, math.nan), weight=math.nan)
    found = _pools(fit, goal, np.array([variance]), np.array([number]))
    pool = {name: float(getattr(found, name)[0]) for name in _POOL}
    tau2 = 0.0 if math.isnan(pool["tau2"]) else pool["tau2"]
    own = number / (variance + tau2)
    return of(**pool, weight=100 * own / (own + float((1 / (fit.effects.vi + tau2)).sum())))


def _people(fit: Fit) -> float:
    """Return how many people it takes for a variance of 1, by the median study; nan if unknown."""
    people = fit.effects.ni * fit.effects.vi
    known = people[np.isfinite(people)]
    return float(np.median(known)) if known.size else math.nan


def _distances(fit: Fit, goal: float, part: Index) -> Array:
    """Return how far each of some studies must move, the others as they are."""
    yi, vi = fit.effects.yi, fit.effects.vi
    sign = math.copysign(1.0, fit.estimate - goal)
    near = min(abs(end - goal) for end in fit.ci)

    def reached(distance: Array) -> Mask:
        moved = np.repeat(yi[:, None], distance.size, axis=1)
        moved[np.tile(part, len(distance)), np.arange(distance.size)] -= sign * distance.ravel()
        pools = _refit(fit, moved, np.repeat(vi[:, None], distance.size, axis=1))
        return _tipped(fit, pools, goal).reshape(distance.shape)

    return first_crossings(reached, np.outer(_DISTANCES * near, np.ones(part.size)))
