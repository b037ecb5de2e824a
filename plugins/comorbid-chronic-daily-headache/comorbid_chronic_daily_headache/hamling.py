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

_FAR = 50.0
_LEAST_OTHERS = 1e-9


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
    non-cases (for OR), people (RR) or person-time (IRR). Risk ratios may leave two such tables;
    it is the one whose risk in the reference is nearer to the crude one.

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
    y, v, a, n = checked(log_ratios, variances, cases, totals, measure)
    others = n - a if measure == "OR" else n
    share, ratio = others[0] / others.sum(), others.sum() / a.sum()
    logs = np.concatenate([[0.0], y])

    def counts(reference: float) -> tuple[Array, Array]:
        return _with_share(logs + reference, v, share, cast(Measure, measure))

    def gap(reference: float) -> float:
        found, rest = counts(reference)
        return float(np.log(rest.sum() / found.sum() / ratio))

    # The greatest risk ends a little below 1, above any that a table of people can have.
    high = _FAR if measure != "RR" else -float(logs.max()) - _LEAST_OTHERS
    crude = float(np.log(max(a[0] / others[0], np.exp(-_FAR)))) if others[0] else high
    found, rest = counts(_nearest_root(gap, min(crude, high), high))
    return found, found + rest if measure == "OR" else rest


def _with_share(logs: Array, v: Array, share: float, measure: Measure) -> tuple[Array, Array]:
    """Return cases and others with these log odds or risks and variances.

    The one thing left open by these is the reference's part of the variances. It grows from 0 to
    the least variance while the reference's share of the others falls from 1 to 0.
    """
    from scipy.special import expit

    odds = np.exp(logs)
    over = {"OR": 1 + odds, "RR": -np.expm1(logs), "IRR": np.ones_like(odds)}[measure]

    def counts(logit: float) -> tuple[Array, Array]:
        own = v - v.min() + v.min() * expit(-logit)
        cases = over / np.concatenate([[v.min() * expit(logit)], own])
        return cases, cases / odds

    def gap(logit: float) -> float:
        rest = counts(logit)[1]
        return float(rest[0] / rest.sum() - share)

    return counts(_root(gap, -100.0, 100.0))


def _nearest_root(gap: Callable[[float], float], start: float, high: float) -> float:
    """Return the root next to a start; risk ratios may have two."""
    last = [start, start]
    for step in np.geomspace(1e-3, 2 * _FAR, 60):
        for side, end in enumerate((max(start - step, -_FAR), min(start + step, high))):
            if gap(last[side]) * gap(end) <= 0:
                return _root(gap, *sorted((last[side], end)))
            last[side] = end
    raise _no_counts()


def _root(gap: Callable[[float], float], low: float, high: float) -> float:
    from scipy import optimize

    if not gap(low) * gap(high) <= 0:
        raise _no_counts()
    return float(optimize.brentq(gap, low, high, xtol=TINY))


def _no_counts() -> cb.ModelError:
    return cb.ModelError("no counts have these ratios and variances; check them for typing errors")
