"""Cluster-robust inference: tests and intervals that hold whatever the dependence in a cluster."""

from __future__ import annotations

from typing import Any

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array, read_only
from comorbid.models.robust_fit import Clustered, clustered
from comorbid.models.robust_result import Robust, wald_test
from comorbid.models.sandwich import (
    CORRECTIONS,
    Adjusted,
    Correction,
    adjusted,
    freedom,
    share_on_one,
)
from comorbid.models.settings import check_level
from comorbid.models.student import t_quantile, t_tail

# Below this many degrees of freedom Satterthwaite's approximation does not hold (Tipton 2015).
_FEW = 4
# A robust standard error below this part of the model's is none but for rounding.
_NO_SPREAD = 1e-9


def robust(
    fit: Any,
    *,
    cluster: Any = "study_id",
    vcov: Correction = "CR2",
    level: float | None = None,
) -> Robust:
    r"""Test the coefficients of a fit in a way that allows for dependent effects.

    Estimates stay; their covariances are the sandwich over m clusters j

    .. math:: V = M \left(\sum_j X_j'W_jA_j e_j e_j'A_j'W_jX_j\right) M, \qquad M = (X'WX)^{-1}

    with the residuals e, the weights W of the fit and adjustments :math:`A_j`: none for CR0, and
    with a factor m / (m - 1) for CR1, m / (m - p) for CR1p, m (k - 1) / ((m - 1)(k - p)) for
    CR1S; for CR2 those that make V unbiased if the fit's own model holds; for CR3
    :math:`(I - H_j)^{-1}`, close to the jackknife over clusters. Tests of CR2 and CR3 use t with
    Satterthwaite's degrees of freedom under the fit's own model, the others t with m - p.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        What `pool`, `regress` or `multilevel` returns.
    cluster : str or sequence of k
        A column of the fit's effects, or one value an effect.
    vcov : {"CR0", "CR1", "CR1p", "CR1S", "CR2", "CR3"}
        clubSandwich's names; ``robust()`` of metafor alone is CR1p, with ``clubSandwich=TRUE`` CR2.
        CR1p of metafor 3.8-1 multiplies standard errors of a fit with ``test="knha"`` by Knapp
        and Hartung's factor too, which none of these do: it is no part of the sandwich.
    level : float, optional
        Of the intervals; by default that of the fit.

    Returns
    -------
    Robust
        With a note for a coefficient that rests on a single cluster, such as a level of a factor
        that one study has: in part, and its standard error is too small; or all, and it is nan.

    Raises
    ------
    DataError
        If ``fit`` is none, or an effect has no cluster.
    ModelError
        If there are not more clusters than coefficients, effects of different clusters depend on
        each other in the fit's model, or a setting is none of those allowed.

    References
    ----------
    Hedges LV, Tipton E, Johnson MC (2010). Research Synthesis Methods 1:39-65.
    doi:10.1002/jrsm.5
    Tipton E (2015). Psychological Methods 20:375-393. doi:10.1037/met0000011
    Tipton E, Pustejovsky JE (2015). Journal of Educational and Behavioral Statistics 40:604-634.
    doi:10.3102/1076998615606099
    Pustejovsky JE, Tipton E (2018). Journal of Business and Economic Statistics 36:672-683.
    doi:10.1080/07350015.2016.1247004

    Examples
    --------
    With equal variances and effects by themselves, the mean with its standard error:

    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[1.0, 2.0, 6.0], vi=[0.5] * 3))
    >>> found = robust(fit)
    >>> round(found.se.item() ** 2, 9), round(found.df.item(), 9)
    (2.333333333, 2.0)
    """
    check_choice("vcov", vcov, CORRECTIONS)
    if level is not None:
        check_level(level)
    of = clustered(fit, cluster)
    level = float(of.fit.level) if level is None else level
    found = adjusted(of.working, vcov)
    share = share_on_one(of.working)
    alone = share > 1 - 1e-6
    estimate = np.asarray(of.fit.estimate, dtype=float).reshape(-1)
    se = np.where(alone, np.nan, np.sqrt(np.diagonal(found.vcov)))
    df = np.where(alone, np.nan, _freedom(of, found, vcov))
    with np.errstate(divide="ignore", invalid="ignore"):
        statistic = estimate / se
    half = t_quantile(df, (1 + level) / 2) * se
    return Robust(
        clustered=of,
        correction=vcov,
        level=level,
        names=of.names,
        estimate=read_only(estimate),
        se=read_only(se),
        statistic=read_only(statistic),
        df=read_only(df),
        p_value=read_only(2 * t_tail(df, np.abs(statistic))),
        ci_low=read_only(estimate - half),
        ci_high=read_only(estimate + half),
        vcov=read_only(found.vcov),
        omnibus=wald_test(of, found, vcov, of.tested, alone),
        cluster=of.clusters.by,
        m=of.working.m,
        k=of.working.k,
        adjusted=found,
        warnings=(*of.fit_notes, *_notes(of, se, share, df)),
    )


def _freedom(of: Clustered, found: Adjusted, vcov: Correction) -> Array:
    p = of.working.p
    if vcov in ("CR2", "CR3"):
        return np.array([freedom(of.working, found, unit[None]) for unit in np.eye(p)])
    return np.full(p, float(of.working.m - p))


def _notes(of: Clustered, se: Array, share: Array, df: Array) -> tuple[str, ...]:
    notes = []
    model = np.sqrt(np.diagonal(of.working.vcov))
    alike = np.flatnonzero(se <= _NO_SPREAD * model)
    if alike.size:
        notes.append(
            f"the clusters do not differ at all as to {', '.join(of.names[i] for i in alike)}, so "
            "that the robust standard error is 0: neither the interval nor the p-value can be "
            "relied on; use the model's own"
        )
    if share.any():
        named = ", ".join(
            f"{of.names[i]} ({100 * share[i]:.0f} % of its variance, model's standard error "
            f"{model[i]:.3g})"
            for i in np.flatnonzero(share)
        )
        notes.append(
            f"{named}: rests, at least in part, on a single cluster, whose residuals cannot show "
            "how far it may be off: the robust standard error is too small or does not exist"
        )
    few = np.flatnonzero(df < _FEW)
    if few.size:
        # More digits where one would round up to the limit.
        digits = [1 if value < _FEW - 0.05 else 4 for value in df]
        named = ", ".join(f"{of.names[i]} {df[i]:.{digits[i]}f}" for i in few)
        notes.append(
            f"degrees of freedom below {_FEW} ({named}): p-values and intervals cannot be relied "
            "on, as the approximation to t does not hold (Tipton 2015)"
        )
    return tuple(notes)
