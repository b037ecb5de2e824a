"""Henmi and Copas' interval: a random-effects interval around the fixed-effect estimate."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Fit, Pair, find_estimator
from comorbid.models.kernel import fit_batch
from comorbid.models.pooled import check_fit
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

# Nodes a panel and panels of the integral over the estimate's deviation.
_NODES, _PANELS = 32, 24
_ROUNDING = 1e-15


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class HenmiCopas(Views):
    """Henmi and Copas' interval; made by `henmi_copas`.

    Attributes
    ----------
    estimate, se : float
        The mean weighted by 1 / vi, and its standard error with tau2; analysis scale.
    ci : (float, float)
        Confidence interval.
    critical : float
        Half its width in standard errors.
    tau2 : float
        DerSimonian and Laird's.
    level : float
        Of the interval, a proportion.
    measure, scale : str
        Of the effects.
    k : int
        Number of studies.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Cautions.
    """

    estimate: float
    se: float
    ci: Pair
    critical: float
    tau2: float
    level: float
    measure: str
    scale: str
    k: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ``estimate, se, ci_low, ci_high, tau2, k``; analysis scale."""
        columns = {
            "estimate": [self.estimate],
            "se": [self.se],
            "ci_low": [self.ci[0]],
            "ci_high": [self.ci[1]],
            "tau2": [self.tau2],
            "k": [self.k],
        }
        return frame(["Henmi-Copas"], "method", columns)

    def summary(self) -> str:
        """Return estimate and interval as text."""
        digits = 4 if self.scale == "identity" else 2
        back = SCALES[self.scale].back
        low, high = np.asarray(back(self.ci)).tolist()
        rows = {
            "estimate": f"{text.number(self.estimate)} (SE {text.number(self.se)}), analysis scale",
            f"as {self.measure}": f"{text.number(float(back(self.estimate)), digits)} "
            f"({100 * self.level:g}% CI {text.pair((low, high), digits)})",
            "tau^2": f"{text.number(self.tau2)} (DL)",
        }
        return block(f"Henmi and Copas' interval (k = {self.k})", rows, self.warnings)


def henmi_copas(fit: Fit) -> HenmiCopas:
    r"""Interval that allows for heterogeneity without giving small studies more weight.

    The estimate has the weights :math:`w_i = 1/v_i` of the equal-effects model, which selective
    publication of small studies moves least; its standard error has DerSimonian and Laird's tau2:

    .. math:: \hat\mu = \frac{\sum w_i y_i}{\sum w_i}, \qquad
       \mathrm{se}^2 = \frac{1 + \hat\tau^2 W_2}{W_1}, \quad W_1 = \sum w_i, \;
       W_2 = \frac{\sum w_i^2}{W_1}

    The interval is :math:`\hat\mu \pm u\,\mathrm{se}`, where u solves

    .. math:: P\left(|\hat\mu - \mu| > u\,\mathrm{se}\right) =
       2 \int_u^\infty P\left(Q \le (k - 1) + (W_1 - W_2)\frac{r^2/u^2 - 1}{W_2}
       \,\middle|\, r\right) f(r)\, dr = 1 - \gamma

    over :math:`r = \sqrt{W_1}(\hat\mu - \mu)`, normal with variance :math:`1 + \hat\tau^2 W_2`,
    and Q given r taken as gamma distributed with its exact mean and variance.

    Parameters
    ----------
    fit : Fit
        Where effects and level come from; its method and test play no part.

    Returns
    -------
    HenmiCopas

    Raises
    ------
    ModelError
        If there is one study.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Henmi M, Copas JB (2010). Statistics in Medicine 29:2969-2983. doi:10.1002/sim.4029

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.2, 0.3, 0.25], vi=[0.30, 0.20, 0.08, 0.03, 0.01])
    >>> found = cb.henmi_copas(cb.pool(effects))
    >>> round(found.estimate, 4), tuple(round(end, 4) for end in found.ci)
    (0.2854, (0.1422, 0.4286))
    """
    check_fit(fit)
    if fit.k < 2:
        raise ModelError("one study: it has no heterogeneity to allow for; two are needed")
    yi, vi = fit.effects.yi, fit.effects.vi
    dl = find_estimator("DL")
    batch = fit_batch(yi[:, None], vi[:, None], estimator=dl, test="z", level=fit.level)
    tau2 = float(batch.tau2[0])
    w = 1 / vi
    w1 = float(w.sum())
    w2 = float((w**2).sum()) / w1
    estimate = float((w * yi).sum()) / w1
    se = math.sqrt((1 + tau2 * w2) / w1)
    critical = _critical(w, tau2, fit.level)
    return HenmiCopas(
        estimate=estimate,
        se=se,
        ci=(estimate - critical * se, estimate + critical * se),
        critical=critical,
        tau2=tau2,
        level=fit.level,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        k=fit.k,
        ids=fit.effects.ids,
        warnings=fit.effects.warnings,
    )


def _critical(w: Array, tau2: float, level: float) -> float:
    """Return u, the half width of the interval in standard errors."""
    from scipy import optimize

    exceeded = _exceeded(w, tau2)
    low, high = 1.0, 4.0
    while exceeded(low) <= 1 - level:
        low /= 2
    while exceeded(high) > 1 - level:
        high *= 2
    root = optimize.brentq(
        lambda u: exceeded(u) - (1 - level), low, high, xtol=_ROUNDING, rtol=_ROUNDING
    )
    return float(root)


def _exceeded(w: Array, tau2: float) -> Callable[[float], float]:
    """Return the function from u to the probability that the interval misses the mean.

    Mean and variance of Q given r follow from the normal distribution of the effects given their
    mean, with W2 the mean of the weights weighted by themselves. Sums over the other studies keep
    the digits where one study has nearly all the weight.
    """
    w1, k = float(w.sum()), w.size
    w2 = float((w**2).sum()) / w1
    others = _without_each(w)
    distance = (w * others - _without_each(w**2)) / w1
    central2 = float((w * distance**2).sum()) / w1
    central3 = float((w**2 * distance**2).sum()) / w1
    freedom = float((w * others).sum()) / w1
    v = 1 + tau2 * w2
    g = 1 + tau2 * w
    drop = tau2**2 * central2 / v
    slope = tau2**2 * (central2 + tau2 * central3)
    trace = float(((g * others) ** 2 + g * w * _without_each(g * w)).sum()) / w1**2
    trace += drop**2 - 2 * slope / v
    node, weight = np.polynomial.legendre.leggauss(_NODES)
    step = (np.arange(_PANELS)[:, None] + (node + 1) / 2).ravel() / _PANELS
    weight = np.tile(weight, _PANELS) / (2 * _PANELS)
    length = 9.5 * math.sqrt(v)

    def exceeded(u: float) -> float:
        r = u + length * step
        mean = k - 1 + tau2 * freedom + drop * (r**2 / v - 1)
        variance = 2 * trace + 4 * (r / v) ** 2 * (slope - v * drop**2)
        bound = k - 1 + freedom * ((r / u) ** 2 - 1) / w2
        below = special.gammainc(mean**2 / variance, bound * mean / variance)
        density = np.exp(-(r**2) / (2 * v)) / math.sqrt(2 * math.pi * v)
        return 2 * length * float((weight * below * density).sum())

    return exceeded


def _without_each(values: Array) -> Array:
    """Return for each value the sum of the others."""
    before = np.concatenate([[0.0], np.cumsum(values[:-1])])
    after = np.concatenate([[0.0], np.cumsum(values[:0:-1])])
    return np.asarray(before + after[::-1])
