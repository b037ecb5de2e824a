"""Fail-safe N: how many unpublished null results it takes to overturn a pooled effect."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from comorbid.bias.fail_safe_result import FailSafeN as FailSafeN
from comorbid.checks import check_choice, check_proportion, is_number, shown
from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit

if TYPE_CHECKING:
    from typing import Literal

    Kind = Literal["rosenthal", "orwin", "rosenberg", "general"]

_KINDS = ("rosenthal", "orwin", "rosenberg", "general")
_MOST = 10**7
_BLOCK = 4096
_ROUNDING = 1e-12


def fail_safe_n(
    fit: Fit, *, kind: Kind = "rosenthal", alpha: float = 0.05, target: float | None = None
) -> FailSafeN:
    r"""Count the null studies that would overturn the pooled effect.

    Rosenthal's adds z-values (one-sided), Rosenberg's weighs the effects by
    :math:`w_i = 1/v_i` (two-sided), and Orwin's brings that weighted mean :math:`\bar y` down to
    a target :math:`\delta`:

    .. math::
       N_\text{Rosenthal} = \frac{(\sum z_i)^2}{z_{1-\alpha}^2} - k, \qquad
       N_\text{Rosenberg} = k \left(\frac{(\sum w_i y_i)^2}{z_{1-\alpha/2}^2 \sum w_i} - 1\right),
       \qquad N_\text{Orwin} = k\, \frac{\bar y - \delta}{\delta}

    rounded up. The general kind does either for the random-effects model by the fit's method: N
    null studies of the average precision, :math:`\tilde v = k / \sum w_i`, and as heterogeneous
    as those found join them, so that all together have

    .. math:: \tau_N^2 = \frac{(k + N - 2) \hat\tau^2 + \hat\mu^2 k N / (k + N)}{k + N - 1}, \qquad
       \hat\mu_N = \frac{\sum w_i' y_i}{\sum w_i' + N / (\tilde v + \tau_N^2)}, \quad
       w_i' = \frac{1}{v_i + \tau_N^2}

    and N is the first number at which the two-sided normal p-value is above ``alpha`` or, with a
    target, the estimate no further from 0 than it.

    It does not say how many studies are missing.

    Parameters
    ----------
    fit : Fit
        The fit of the studies found. Its test and any weights play no part: all p-values are
        normal ones.
    kind : {"rosenthal", "orwin", "rosenberg", "general"}
    alpha : float
        p-value to rise above; without part in Orwin's, and in the general kind with a target.
    target : float, optional
        Effect to reach, analysis scale, kinds ``orwin`` and ``general`` only; its sign does not
        matter. Orwin's needs one that matters: half the weighted mean, the default, always gives
        N = k.

    Returns
    -------
    FailSafeN

    Raises
    ------
    ModelError
        If a setting is none of those allowed, or Orwin's has no target other than 0.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Rosenthal R (1979). Psychological Bulletin 86:638-641. doi:10.1037/0033-2909.86.3.638
    Orwin RG (1983). Journal of Educational Statistics 8:157-159. doi:10.3102/10769986008002157
    Rosenberg MS (2005). Evolution 59:464-468. doi:10.1111/j.0014-3820.2005.tb01004.x
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02]))
    >>> cb.fail_safe_n(fit).n, cb.fail_safe_n(fit, kind="orwin", target=0.1).n
    (42.0, 17.0)
    """
    check_fit(fit)
    _check(kind, alpha, target)
    yi, vi = fit.effects.yi, fit.effects.vi
    finders = {"rosenthal": _rosenthal, "rosenberg": _rosenberg}
    if kind in finders:
        n, estimate, p_value = finders[kind](yi, vi, alpha)
        return _result(fit, kind, n, estimate=estimate, p_value=p_value, alpha=alpha)
    if kind == "orwin":
        mean = float((yi / vi).sum() / (1 / vi).sum())
        goal = mean / 2 if target is None else math.copysign(target, mean)
        n = 0.0 if abs(mean) <= abs(goal) else fit.k * (mean - goal) / goal
        return _result(fit, kind, n, estimate=mean, target=goal)
    return _general(fit, alpha, target)


def _check(kind: str, alpha: float, target: float | None) -> None:
    check_choice("kind", kind, _KINDS)
    check_proportion("alpha", alpha, such_as=0.05)
    if target is None:
        return
    if kind not in ("orwin", "general"):
        raise ModelError(f"kind {kind!r} has no target; use 'orwin' or 'general', or leave it out")
    if not is_number(target) or target == 0 or not math.isfinite(target):
        raise ModelError(
            f"target is {shown(target)}: no number of null studies reaches it; give the smallest "
            "effect that matters, on the analysis scale"
        )


def _rosenthal(yi: Array, vi: Array, alpha: float) -> tuple[float, float, float]:
    total = float((yi / np.sqrt(vi)).sum())
    # Null studies bring a one-sided p-value up to 0.5 and no further.
    n = (total / special.ndtri(alpha)) ** 2 - yi.size if alpha < 0.5 else math.inf
    return n, math.nan, float(special.ndtr(-abs(total) / math.sqrt(yi.size)))


def _rosenberg(yi: Array, vi: Array, alpha: float) -> tuple[float, float, float]:
    weight = float((1 / vi).sum())
    total = float((yi / vi).sum())
    z = abs(total) / math.sqrt(weight)
    n = yi.size * ((z / special.ndtri(alpha / 2)) ** 2 - 1)
    return n, total / weight, 2 * float(special.ndtr(-z))


def _general(fit: Fit, alpha: float, target: float | None) -> FailSafeN:
    tau2 = 0.0 if math.isnan(fit.tau2) else fit.tau2

    def overturned(n: Array) -> Mask:
        estimate, _, p_value = _with_null_studies(fit, tau2, n)
        return np.asarray(p_value > alpha if target is None else np.abs(estimate) <= abs(target))

    n = _first(overturned, fit.k)
    with_n = _with_null_studies(fit, tau2, np.array([n if math.isfinite(n) else _MOST]))
    at_zero = _with_null_studies(fit, tau2, np.zeros(1))
    estimate = float(at_zero[0][0])
    return _result(
        fit,
        "general",
        n,
        estimate=estimate,
        tau2=tau2,
        p_value=float(at_zero[2][0]),
        alpha=alpha if target is None else math.nan,
        target=math.nan if target is None else math.copysign(target, estimate),
        estimate_with=float(with_n[0][0]),
        tau2_with=float(with_n[1][0]),
        p_value_with=float(with_n[2][0]),
    )


def _with_null_studies(fit: Fit, tau2: float, n: Array) -> tuple[Array, Array, Array]:
    """Return estimate, tau2 and p-value with each number of null studies; shapes as ``n``."""
    yi, vi, k = fit.effects.yi[:, None], fit.effects.vi[:, None], fit.k
    total = k + n
    mean = float((yi / (vi + tau2)).sum() / (1 / (vi + tau2)).sum())
    spread = mean**2 * k * n / total
    with np.errstate(divide="ignore", invalid="ignore"):
        tau2_n = np.where(n > 0, ((total - 2) * tau2 + spread) / (total - 1), tau2)
    if fit.method == "EE":
        tau2_n = np.zeros(n.shape)
    average = k / (1 / fit.effects.vi).sum()
    weight = 1 / (vi + tau2_n)
    sum_of_weights = weight.sum(axis=0) + n / (average + tau2_n)
    estimate = (weight * yi).sum(axis=0) / sum_of_weights
    z = np.abs(estimate) * np.sqrt(sum_of_weights)
    return estimate, tau2_n, np.asarray(2 * special.ndtr(-z))


def _first(overturned: Callable[[Array], Mask], k: int) -> float:
    """Return the first n at which the result is overturned; inf beyond ten million.

    Every number is looked at up to several times k; past that tau2 only approaches that of the
    null studies and the result only weakens, so that halving a bracket finds the first.
    """
    start, thorough = 0, max(_BLOCK, 4 * k)
    while start <= thorough:
        n = np.arange(start, start + _BLOCK, dtype=np.float64)
        hits = np.flatnonzero(overturned(n))
        if hits.size:
            return float(n[hits[0]])
        start += _BLOCK
    low, high = start - 1, 2 * start
    while not overturned(np.array([float(high)]))[0]:
        if high >= _MOST:
            return math.inf
        low, high = high, min(2 * high, _MOST)
    while high - low > 1:
        middle = (low + high) // 2
        if overturned(np.array([float(middle)]))[0]:
            high = middle
        else:
            low = middle
    return float(high)


def _result(
    fit: Fit,
    kind: str,
    n: float,
    *,
    estimate: float = math.nan,
    tau2: float = math.nan,
    p_value: float = math.nan,
    alpha: float = math.nan,
    target: float = math.nan,
    estimate_with: float = math.nan,
    tau2_with: float = math.nan,
    p_value_with: float = math.nan,
) -> FailSafeN:
    """Round up, as far as rounding errors of n itself allow, and collect."""
    whole = math.inf if n > _MOST else max(0.0, math.ceil(n - _ROUNDING * max(1.0, abs(n))))
    return FailSafeN(
        kind=kind,
        n=float(whole),
        estimate=estimate,
        tau2=tau2,
        p_value=p_value,
        alpha=alpha,
        target=target,
        estimate_with=estimate_with,
        tau2_with=tau2_with,
        p_value_with=p_value_with,
        measure=fit.effects.measure,
        method=fit.method,
        k=fit.k,
        ids=fit.effects.ids,
        warnings=fit.effects.warnings,
    )
