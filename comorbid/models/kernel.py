"""The kernel: fits a batch of data sets at once. Every fit and every refit goes through it."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Literal

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.errors import ModelError
from comorbid.models.estimators import Estimator
from comorbid.models.projection import Intercept
from comorbid.models.sums import active, freedom_per_tau2, weighted_mean, weighted_sums

Test = Literal["z", "t", "knha", "adhoc"]
COLUMNS = (
    *("estimate", "se", "statistic", "p_value", "ci_low", "ci_high", "pi_low", "pi_high"),
    *("tau2", "i2", "h2", "q", "q_p", "k"),
)


@dataclass(frozen=True, slots=True)
class Batch(Frozen):
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


def fit_batch(
    yi: Array,
    vi: Array,
    *,
    estimator: Estimator,
    test: Test,
    level: float,
    weights: Array | None = None,
) -> Batch:
    r"""Fit the random- or equal-effects model to n data sets.

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i}, \quad
       \mathrm{se} = \sqrt{s^2 / \textstyle\sum w_i}, \quad w_i = \frac1{v_i + \hat\tau^2}

    with :math:`s^2 = 1` for the tests z and t,
    :math:`s^2 = \sum w_i (y_i - \hat\mu)^2 / (k - 1)` for knha, and the larger of the two for
    adhoc. The prediction interval is
    :math:`\hat\mu \pm c \sqrt{\mathrm{se}^2 + \hat\tau^2}` with the same quantile c.
    With weights a of the analyst

    .. math:: \hat\mu = \frac{\sum a_i y_i}{\sum a_i}, \quad
       \mathrm{se} = \frac{s \sqrt{\sum a_i^2 (v_i + \hat\tau^2)}}{\sum a_i}

    where :math:`s^2` stays that of the weights w.

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
    weights : array of shape (k, n) or (k, 1), optional
        The analyst's weights, not negative.

    Returns
    -------
    Batch
        With no study all is nan; with one there is no tau2, test of heterogeneity or prediction,
        and the interval is the study's own (z). nan where the weights sum to 0, or leave a method
        that needs them nothing to estimate tau2 from.

    Raises
    ------
    ModelError
        If the estimator gives a negative tau2, or needs weights and there are none.

    References
    ----------
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). BMJ Open 6:e010247.
    doi:10.1136/bmjopen-2015-010247
    """
    member = active(vi)
    k = member.sum(axis=0)
    yi = np.where(member, yi, 0.0)
    if weights is not None:
        weights = np.where(member, weights, 0.0)
    tau2 = _tau2(yi, vi, k > 1, estimator, weights)
    with np.errstate(divide="ignore", invalid="ignore"):
        return _infer(yi, vi, tau2, k, estimator.id == "EE", test, level, weights)


def _tau2(
    yi: Array, vi: Array, several: Mask, estimator: Estimator, weights: Array | None
) -> Array:
    """Return tau2 of each data set, 0 where there are not several studies."""
    tau2 = np.zeros(several.size)
    if not several.any():
        return tau2
    if not several.all():
        yi, vi = yi[:, several], vi[:, several]
        weights = None if weights is None else weights[:, several]
    if weights is None or estimator.moderated is None:
        estimated = estimator.tau2(yi, vi)
    else:
        estimated = estimator.moderated(Intercept(yi, vi, weights))
    if (estimated < 0).any():
        raise ModelError(f"the estimator {estimator.id} gives a negative tau2")
    tau2[several] = estimated
    return tau2


def _infer(
    yi: Array,
    vi: Array,
    tau2: Array,
    k: Array,
    equal: bool,
    test: Test,
    level: float,
    weights: Array | None,
) -> Batch:
    """Everything that follows from tau2; divisions by zero stand for what does not exist."""
    # Counted from the most precise study, so that equal effects have residuals of exactly 0.
    origin = yi[vi.argmin(axis=0), np.arange(k.size)]
    yi = yi - origin
    fixed = weighted_sums(yi, vi, np.zeros(k.size))
    fit = weighted_sums(yi, vi, tau2)
    freedom = np.where(k > 1, k - 1.0, np.nan)
    scale = {"knha": fit.q / freedom, "adhoc": np.maximum(1.0, fit.q / freedom)}.get(test, 1.0)
    scale = np.where(k > 1, scale, 1.0)
    if weights is None:
        estimate, se = fit.mean, np.sqrt(scale / fit.w)
    else:
        estimate, variance = weighted_mean(yi, vi + tau2, weights)
        se = np.sqrt(scale * variance)
    estimate = estimate + origin
    t_freedom = np.full(k.size, np.inf) if test == "z" else np.where(k > 1, k - 1.0, np.inf)
    critical = t_quantile(t_freedom, (1 + level) / 2)
    half = critical * se
    spread = critical * np.sqrt(se**2 + (np.nan if equal else tau2))
    spread = np.where(k > 1, spread, np.nan)
    statistic = estimate / se
    typical = freedom / freedom_per_tau2(vi)
    i2_random, h2_random = 100 * tau2 / (tau2 + typical), tau2 / typical + 1
    i2_equal = np.where(fixed.q > 0, np.maximum(0.0, 100 * (1 - freedom / fixed.q)), 0.0)
    values = {
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "p_value": 2 * t_tail(t_freedom, np.abs(statistic)),
        "ci_low": estimate - half,
        "ci_high": estimate + half,
        "pi_low": estimate - spread,
        "pi_high": estimate + spread,
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
