"""Covariance by the method of Hamling and others: counts that have ratios and variances."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast

import numpy as np
import numpy.typing as npt

import comorbid as cb
from comorbid_chronic_daily_headache.covariance import (
    TINY,
    Array,
    Measure,
    checked,
    variance_parts,
    with_shared,
)


def hamling(
    log_ratios: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    cases: npt.ArrayLike,
    totals: npt.ArrayLike,
    measure: str = "OR",
) -> Array:
    r"""Reconstruct the covariance of log ratios by the method of Hamling and others.

    It is the variance that the reference adds in the `effective_counts`, the same for each pair.

    Parameters
    ----------
    log_ratios, variances, cases, totals, measure
        As in `greenland_longnecker`.

    Returns
    -------
    array of shape (levels, levels)

    Raises
    ------
    DataError, ModelError
        As in `greenland_longnecker`.

    References
    ----------
    Hamling J, Lee P, Weitkunat R, Ambuehl M (2008). Statistics in Medicine 27:954-970.
    doi:10.1002/sim.3013

    Examples
    --------
    >>> y, v = np.log([0.80, 1.16, 1.57]), [0.0542, 0.0563, 0.0563]
    >>> V = hamling(y, v, cases=[165, 74, 90, 122], totals=[337, 167, 186, 212])
    >>> V[0, 1:].round(4).tolist()
    [0.02, 0.02]
    """
    counts = effective_counts(log_ratios, variances, cases=cases, totals=totals, measure=measure)
    shared = float(variance_parts(counts[0], counts[1], measure)[0])
    return with_shared(variances, shared)


def effective_counts(
    log_ratios: npt.ArrayLike,
    variances: npt.ArrayLike,
    *,
    cases: npt.ArrayLike,
    totals: npt.ArrayLike,
    measure: str = "OR",
) -> tuple[Array, Array]:
    """Return the cases and people that have the adjusted ratios and their variances.

    Kept from the crude table are the share of the reference, and the ratio to cases, of the
    non-cases (for OR), people (RR) or person-time (IRR).

    Parameters
    ----------
    log_ratios, variances, cases, totals, measure
        As in `greenland_longnecker`.

    Returns
    -------
    cases, totals : arrays of shape (levels + 1,)
        Reference first.

    Raises
    ------
    DataError, ModelError
        As in `greenland_longnecker`.

    Examples
    --------
    >>> a, n = effective_counts([0.0], [0.1], cases=[10, 10], totals=[50, 50])
    >>> a.round(6).tolist(), n.round(6).tolist()
    ([25.0, 25.0], [125.0, 125.0])
    """
    from scipy.special import expit

    y, v, a, n = checked(log_ratios, variances, cases, totals, measure)
    others = n - a if measure == "OR" else n
    share, ratio = others[0] / others.sum(), others.sum() / a.sum()
    logs = np.concatenate([[0.0], y])

    def counts(logit: float) -> tuple[Array, Array]:
        """Effective cases and others, where the reference has this logit share of the least v."""
        shared = float(v.min() * expit(logit))
        c = np.concatenate([[shared], v - shared])
        return _with_ratio(logs, c, ratio, cast(Measure, measure))

    def gap(logit: float) -> float:
        rest = counts(logit)[1]
        return float(rest[0] / rest.sum() - share)

    found, rest = counts(_root(gap, -30.0, 30.0))
    return found, found + rest if measure == "OR" else rest


def _with_ratio(logs: Array, c: Array, ratio: float, measure: Measure) -> tuple[Array, Array]:
    """Return cases and others with these log ratios and variance parts, in this total ratio."""

    def counts(log_odds: float) -> tuple[Array, Array]:
        odds = np.exp(logs + log_odds)
        over = {"OR": 1 + odds, "RR": 1 - odds, "IRR": np.ones_like(odds)}[measure]
        return over / c, over / c / odds

    def gap(log_odds: float) -> float:
        found, rest = counts(log_odds)
        return float(np.log(rest.sum() / found.sum() / ratio))

    return counts(_root(gap, -50.0, 50.0 if measure != "RR" else -float(logs.max()) - TINY))


def _root(gap: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    if not gap(low) * gap(high) <= 0:
        raise cb.ModelError(
            "no counts have these ratios and variances; check them for typing errors"
        )
    return float(optimize.brentq(gap, low, high, xtol=TINY))
