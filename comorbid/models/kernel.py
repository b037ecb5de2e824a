"""The kernel: fits a batch of data sets at once. Every fit and every refit goes through it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.models.estimators import Estimator
from comorbid.models.sums import active, weighted_sums

Test = Literal["z", "t", "knha", "adhoc"]
COLUMNS = (
    *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "pi_low", "pi_high"),
    *("tau2", "i2", "h2", "q", "q_p", "k"),
)


@dataclass(frozen=True, slots=True)
class Batch:
    """Fits of n data sets: one array of shape (n,) a quantity, nan where it does not exist.

    The names are those of the columns of every refit table; ``estimate, se``, the intervals and
    ``tau2`` are on the analysis scale (``tau2`` squared), ``i2`` is a percentage.
    """

    estimate: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    tau2: Array
    i2: Array
    h2: Array
    q: Array
    q_p: Array
    k: Array

    def columns(self) -> dict[str, Array]:
        """Return the arrays by name, in the fixed order."""
        return {field.name: getattr(self, field.name) for field in fields(self)}


def fit_batch(yi: Array, vi: Array, *, estimator: Estimator, test: Test, level: float) -> Batch:
    r"""Fit the random- or equal-effects model to n data sets.

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i}, \quad
       \mathrm{se} = \sqrt{s^2 / \textstyle\sum w_i}, \quad w_i = \frac1{v_i + \hat\tau^2}

    with :math:`s^2 = 1` for the tests z and t,
    :math:`s^2 = \sum w_i (y_i - \hat\mu)^2 / (k - 1)` for knha, and the larger of the two for
    adhoc. The prediction interval is
    :math:`\hat\mu \pm c \sqrt{\mathrm{se}^2 + \hat\tau^2}` with the same quantile c.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    estimator : Estimator
        Of tau2.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal, or t with k - 1 degrees of freedom.
    level : float
        Of the intervals, a proportion.

    Returns
    -------
    Batch
        With no study all is nan; with one there is no tau2, test of heterogeneity or prediction,
        and the interval is the study's own (z).

    References
    ----------
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). BMJ Open 6:e010247.
    doi:10.1136/bmjopen-2015-010247
    """
    member = active(vi)
    k = member.sum(axis=0)
    yi = np.where(member, yi, 0.0)
    several = k > 1
    tau2 = np.zeros(k.size)
    if several.all():
        tau2 = estimator.tau2(yi, vi)
    elif several.any():
        tau2[several] = estimator.tau2(yi[:, several], vi[:, several])
    with np.errstate(divide="ignore", invalid="ignore"):
        return _infer(yi, vi, tau2, k, estimator.id == "EE", test, level)


def _infer(
    yi: Array, vi: Array, tau2: Array, k: Array, equal: bool, test: Test, level: float
) -> Batch:
    """Everything that follows from tau2; divisions by zero stand for what does not exist."""
    fixed = weighted_sums(yi, vi, np.zeros(k.size))
    fit = weighted_sums(yi, vi, tau2)
    freedom = np.where(k > 1, k - 1.0, np.nan)
    scale = {"knha": fit.q / freedom, "adhoc": np.maximum(1.0, fit.q / freedom)}.get(test, 1.0)
    se = np.sqrt(np.where(k > 1, scale, 1.0) / fit.w)
    t_freedom = np.full(k.size, np.inf) if test == "z" else np.where(k > 1, k - 1.0, np.inf)
    critical = t_quantile(t_freedom, (1 + level) / 2)
    half = critical * se
    spread = critical * np.sqrt(se**2 + (np.nan if equal else tau2))
    spread = np.where(k > 1, spread, np.nan)
    statistic = fit.mean / se
    typical = freedom / fixed.freedom
    i2_random, h2_random = 100 * tau2 / (tau2 + typical), tau2 / typical + 1
    i2_equal = np.where(fixed.q > 0, np.maximum(0.0, 100 * (1 - freedom / fixed.q)), 0.0)
    values = {
        "estimate": fit.mean,
        "se": se,
        "statistic": statistic,
        "p_value": 2 * t_tail(t_freedom, np.abs(statistic)),
        "ci_low": fit.mean - half,
        "ci_high": fit.mean + half,
        "pi_low": fit.mean - spread,
        "pi_high": fit.mean + spread,
        "tau2": tau2,
        "i2": i2_equal if equal else i2_random,
        "h2": fixed.q / freedom if equal else h2_random,
        "q": fixed.q,
        "q_p": special.chdtrc(freedom, fixed.q),
    }
    for name in ("tau2", "i2", "h2", "q", "q_p"):
        values[name] = np.where(k > 1, values[name], np.nan)
    return Batch(**{n: np.where(k > 0, v, np.nan) for n, v in values.items()}, k=k)


def t_quantile(freedom: Array, p: float) -> Array:
    """Quantile of the t distribution; infinite degrees of freedom stand for the normal."""
    normal = np.isinf(freedom)
    safe = np.where(normal, 1.0, freedom)
    return np.asarray(np.where(normal, special.ndtri(p), special.stdtrit(safe, p)))


def t_tail(freedom: Array, x: Array) -> Array:
    """Upper tail probability of the t distribution; infinite degrees of freedom: normal."""
    normal = np.isinf(freedom)
    safe = np.where(normal, 1.0, freedom)
    return np.asarray(np.where(normal, special.ndtr(-x), special.stdtr(safe, -x)))
