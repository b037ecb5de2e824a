"""Unmeasured confounding across studies: what it would leave of the true effects that matter."""

from __future__ import annotations

import math
from typing import get_args

from comorbid.checks import check_choice, check_proportion, check_whole, is_number, shown
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit
from comorbid.models.risk_ratios import Outcome, RiskRatio, as_risk_ratio
from comorbid.sensitivity.confounding_result import (
    ConfoundedMeta as ConfoundedMeta,
    Kind,
    Tail,
)
from comorbid.sensitivity.true_effects import NormalEffects, Question, calibrated, parametric

FEW = 10
"""Below so many studies the authors of the method advise against it."""


def confounded_meta(
    fit: Fit,
    *,
    q: float | None = None,
    r: float | None = None,
    mub: float = 0.0,
    sigb: float = 0.0,
    tail: Tail | None = None,
    kind: Kind = "calibrated",
    outcome: Outcome = "common",
    baseline_risk: float | None = None,
    n: int = 1000,
    seed: int = 1,
) -> ConfoundedMeta:
    r"""Give the share of true effects beyond a threshold that a confounding bias would leave.

    In each study confounding multiplies the risk ratio by a bias factor, whose logarithm is normal
    over the studies with mean :math:`\mu_B` and standard deviation :math:`\sigma_B`. With the
    pooled log risk ratio :math:`\hat\mu` and its :math:`\hat\tau^2` the share of true effects above
    q is (``parametric``)

    .. math:: \hat P = 1 - \Phi\left(\frac{q + \mu_B - \hat\mu}{\sqrt{\hat\tau^2 - \sigma_B^2}}
       \right)

    The least bias factor, the same in all studies, that leaves no more than a share r, and the
    least strength of both associations of a confounder that makes it, are

    .. math:: \hat T = \exp\left(\Phi^{-1}(1 - r)\, \hat\tau - q + \hat\mu\right), \qquad
       \hat G = \hat T + \sqrt{\hat T (\hat T - 1)}

    with intervals by the delta method from the standard errors of estimate and tau2, cut off at
    what is possible. The kind ``calibrated`` assumes no normal distribution. It takes the share of
    calibrated estimates

    .. math:: \tilde\theta_i = \hat\mu + \sqrt{\hat\tau^2 / (\hat\tau^2 + v_i)}\, (y_i - \hat\mu)

    that :math:`\mu_B` leaves beyond q, with bias-corrected and accelerated intervals from studies
    drawn with replacement.

    It speaks of confounding of an association, and says nothing of how much there is.

    Parameters
    ----------
    fit : Fit
        Of a measure that a risk ratio stands for, with a tau2 above 0 and no weights of the
        analyst.
    q : float, optional
        Threshold, on the fit's own analysis scale; by default that of no association.
    r : float, optional
        Share to be reached, a proportion; without it there is no ``tmin`` and no ``gmin``.
    mub : float
        Mean of the log bias factor, a risk ratio, that has moved the effects away from no
        association; below 0 for bias towards it.
    sigb : float
        Its standard deviation over the studies; above 0 for ``parametric`` only, and for the share
        only: the bias of ``tmin`` and ``gmin`` is the same in all studies.
    tail : {"above", "below"}, optional
        Which true effects count; by default those on the side of the pooled effect.
    kind : {"calibrated", "parametric"}
    outcome : {"common", "rare"}
        Of odds and hazard ratios, as in `e_value`.
    baseline_risk : float, optional
        Of risk differences, as in `e_value`.
    n, seed : int
        Data sets that ``calibrated`` draws, and the seed of the draw.

    Returns
    -------
    ConfoundedMeta

    Raises
    ------
    ModelError
        If a setting is none of those allowed, no risk ratio stands for the measure, tau2 is 0 or
        there is none, or all of it is taken for differences in bias.
    DataError
        If ``fit`` is not what `pool` returns.

    See Also
    --------
    e_value : The strength that brings the pooled effect itself to no association.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for unmeasured confounding in
    meta-analyses. Journal of the American Statistical Association 115:163-172.
    doi:10.1080/01621459.2018.1529598
    Mathur MB, VanderWeele TJ (2020). Robust metrics and sensitivity analyses for meta-analyses of
    heterogeneous effects. Epidemiology 31:356-358. doi:10.1097/EDE.0000000000001180
    Wang C-C, Lee W-C (2019). A simple method to estimate prediction intervals and predictive
    distributions. Research Synthesis Methods 10:255-266. doi:10.1002/jrsm.1345

    Examples
    --------
    >>> import numpy as np
    >>> import comorbid as cb
    >>> y, v = [0.2, 0.9, 0.4, 1.1, 0.7, 0.3], [0.03, 0.05, 0.02, 0.04, 0.06, 0.01]
    >>> fit = cb.pool(cb.Effects(yi=y, vi=v, measure="RR"))
    >>> found = cb.confounded_meta(fit, q=np.log(1.1), r=0.1, mub=np.log(1.5), kind="parametric")
    >>> round(found.prop.estimate, 2), round(found.tmin.estimate, 2), round(found.gmin.estimate, 2)
    (0.59, 2.39, 4.2)
    """
    check_fit(fit)
    _check(r=r, mub=mub, sigb=sigb, tail=tail, kind=kind, n=n, seed=seed)
    _check_effects(fit)
    threshold = _threshold(fit, q)
    reading = as_risk_ratio(fit, outcome=outcome, baseline_risk=baseline_risk)
    opposite = fit.estimate < null_of(fit.effects.measure)
    chosen: Tail = tail or ("below" if opposite else "above")
    sign = -1.0 if chosen == "below" else 1.0
    asked = Question(
        q=sign * float(reading.log_ratio(threshold)),
        # Bias has moved the effects to the side on which they are found.
        shift=sign * (-mub if opposite else mub),
        sd=float(sigb),
        r=math.nan if r is None else float(r),
        level=fit.level,
    )
    if kind == "parametric":
        found = parametric(_normal(fit, reading, sign, asked.sd), asked)
    else:
        found = calibrated(fit, reading, asked, sign=sign, n=n, seed=seed)
    warnings = (*fit.warnings, *_few(fit.k), *found.notes, *reading.notes)
    return ConfoundedMeta(
        prop=found.prop,
        tmin=found.tmin,
        gmin=found.gmin,
        q=threshold,
        r=asked.r,
        mub=float(mub),
        sigb=asked.sd,
        tail=chosen,
        kind=kind,
        outcome=outcome,
        n=n if kind == "calibrated" else 0,
        seed=seed,
        k=fit.k,
        scale=fit.effects.scale,
        **fit.made | {"warnings": warnings},
    )


def _normal(fit: Fit, reading: RiskRatio, sign: float, sd: float) -> NormalEffects:
    """Return the pooled distribution on the log risk ratio scale."""
    slope2 = float(reading.slope(fit.estimate)) ** 2
    tau2 = slope2 * fit.tau2
    if sd**2 >= tau2:
        raise ModelError(
            f"sigb is {sd:g}, and the true risk ratios have a standard deviation of "
            f"{math.sqrt(tau2):.3g} on the log scale; give a smaller sigb"
        )
    return NormalEffects(
        mean=sign * float(reading.log_ratio(fit.estimate)),
        mean_variance=slope2 * fit.se**2,
        tau2=tau2,
        tau2_variance=(slope2 * fit.se_tau2) ** 2,
    )


def _few(k: int) -> tuple[str, ...]:
    return (f"fewer than {FEW} studies: its authors advise against it",) if k < FEW else ()


def _threshold(fit: Fit, q: float | None) -> float:
    if q is None:
        return null_of(fit.effects.measure)
    if not (is_number(q) and math.isfinite(q)):
        raise ModelError(f"q is {shown(q)}; give a number on the analysis scale, such as 0.1")
    return float(q)


def _check_effects(fit: Fit) -> None:
    if fit.user_weights is not None:
        raise ModelError("true effects need the model's own weights; fit without weights")
    if not fit.tau2 > 0 or fit.method == "EE":
        raise ModelError(
            "tau2 is 0 or not estimated: the true effects do not differ, and there is no share of "
            "them; use e_value"
        )


def _check(
    *,
    r: float | None,
    mub: float,
    sigb: float,
    tail: str | None,
    kind: str,
    n: int,
    seed: int,
) -> None:
    if r is not None:
        check_proportion("r", r, such_as=0.1)
    if not (is_number(mub) and math.isfinite(mub)):
        raise ModelError(f"mub is {shown(mub)}; give the log of a bias factor, such as 0.4")
    if not (is_number(sigb) and 0 <= sigb < math.inf):
        raise ModelError(f"sigb is {shown(sigb)}; give a standard deviation, such as 0.1")
    if tail is not None:
        check_choice("tail", tail, get_args(Tail))
    check_choice("kind", kind, get_args(Kind))
    if sigb > 0 and kind == "calibrated":
        raise ModelError("the kind 'calibrated' has the same bias in all studies; use 'parametric'")
    check_whole("n", n, least=100)
    check_whole("seed", seed, least=0)
