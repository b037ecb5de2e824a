"""Risk ratios: which one stands for an effect of another measure, as far as one does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np

from comorbid.checks import check_choice, check_proportion
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.fit import Fit

Outcome = Literal["common", "rare"]

_HALF = np.log(2)
_FAR = 1000.0
_STANDARDISED = ("SMD", "SMDH", "SMD1", "SMD1H", "OR2D", "OR2DL", "OR2DN", "PBIT")
READ_AS_RATIOS = ("RR", "IRR", "OR", "PETO", "HR", *_STANDARDISED)
"""Measures that a risk ratio stands for without more being known."""


@dataclass(frozen=True, slots=True)
class RiskRatio:
    """How effects of a measure are read as risk ratios.

    ``log_ratio`` goes from the analysis scale to a log risk ratio and increases; ``slope`` is its
    derivative; ``notes`` say what it rests on.
    """

    log_ratio: Callable[[float | Array], Array]
    slope: Callable[[float | Array], Array]
    notes: tuple[str, ...] = ()


def as_risk_ratio(
    fit: Fit, *, outcome: Outcome = "common", baseline_risk: float | None = None
) -> RiskRatio:
    r"""Return how effects of a fit's measure are read as log risk ratios.

    =================== ===================================================================
    measure             log risk ratio of an effect y on the analysis scale
    =================== ===================================================================
    RR, IRR             y
    OR, PETO, HR, rare  y
    OR, PETO, common    y / 2, the logarithm of :math:`\sqrt{OR}`
    HR, common          :math:`\log(1 - 0.5^{\exp(y/2)}) - \log(1 - 0.5^{\exp(-y/2)})`
    SMD and its kin     0.91 y
    RD                  :math:`\log(1 + y / p_0)` with the baseline risk :math:`p_0`
    =================== ===================================================================

    Parameters
    ----------
    fit : Fit
    outcome : {"common", "rare"}
        Of odds and hazard ratios.
    baseline_risk : float, optional
        Risk without the exposure, a proportion; risk differences need it, others have no use for
        it.

    Returns
    -------
    RiskRatio

    Raises
    ------
    ModelError
        If no risk ratio stands for the measure, the pooled risk difference is impossible with the
        baseline risk, or a setting is none of those allowed.

    References
    ----------
    VanderWeele TJ (2017). On a square-root transformation of the odds ratio for a common outcome.
    Epidemiology 28:e58-e60. doi:10.1097/EDE.0000000000000733
    VanderWeele TJ (2020). Optimal approximate conversions of odds ratios and hazard ratios to risk
    ratios. Biometrics 76:746-752. doi:10.1111/biom.13197

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[np.log(4.0)], vi=[0.1], measure="OR"))
    >>> round(float(np.exp(as_risk_ratio(fit).log_ratio(fit.estimate))), 9)
    2.0
    """
    measure = fit.effects.measure
    check_choice("outcome", outcome, get_args(Outcome))
    if baseline_risk is not None:
        check_proportion("baseline_risk", baseline_risk, such_as=0.1)
        if measure != "RD":
            raise ModelError(f"{measure} has no use for a baseline_risk; leave it out")
    if measure == "RD":
        return _difference_of_risks(baseline_risk, fit.estimate)
    if measure not in READ_AS_RATIOS:
        raise ModelError(
            f"no risk ratio stands for {measure}; use a fit of RD or of {', '.join(READ_AS_RATIOS)}"
        )
    approximate = f"the risk ratio that stands for the {measure} is an approximation"
    if measure in _STANDARDISED:
        return _proportional(0.91, approximate)
    if measure in ("RR", "IRR"):
        return _proportional(1.0)
    if outcome == "rare":
        return _proportional(1.0, f"the {measure} is taken for a risk ratio: the outcome is rare")
    if measure == "HR":
        return RiskRatio(_common_hazard, _common_hazard_slope, (approximate,))
    return _proportional(0.5, approximate)


def _proportional(factor: float, *notes: str) -> RiskRatio:
    return RiskRatio(
        lambda y: np.asarray(factor * np.asarray(y)), lambda y: np.full(np.shape(y), factor), notes
    )


def _common_hazard(y: float | Array) -> Array:
    with np.errstate(over="ignore", divide="ignore"):
        first, second = (
            np.log(-np.expm1(-_HALF * np.exp(sign * np.asarray(y) / 2))) for sign in (1, -1)
        )
    return np.asarray(first - second)


def _common_hazard_slope(y: float | Array) -> Array:
    def half(root: Array) -> Array:
        return np.asarray(_HALF * root / 2 / np.expm1(_HALF * root))

    # Beyond a root of 1,000 its half is 0; below its inverse it does not change.
    at = np.clip(np.asarray(y) / 2, -np.log(_FAR), np.log(_FAR))
    return half(np.exp(at)) + half(np.exp(-at))


def _difference_of_risks(risk: float | None, estimate: float) -> RiskRatio:
    if risk is None:
        raise ModelError("a risk difference needs a baseline_risk to become a risk ratio; give one")
    if not 0 < risk + estimate < 1:
        raise ModelError(
            f"a baseline_risk of {risk:g} and a difference of {estimate:.3g} make no risk between "
            "0 and 1; give the risk without the exposure that the studies have"
        )

    def ratio(y: float | Array) -> Array:
        # The ends of an interval may be beyond what a risk can be.
        return np.asarray(np.clip(risk + np.asarray(y), 0.0, 1.0) / risk)

    def log_ratio(y: float | Array) -> Array:
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(ratio(y)))

    def slope(y: float | Array) -> Array:
        return np.asarray(1 / (risk * ratio(y)))

    note = f"the baseline risk, {risk:g}, is taken as known and the same in every study"
    return RiskRatio(log_ratio, slope, (note,))


def confounding_strength(bias_factor: float) -> float:
    r"""Return the risk ratio that a confounder needs with both sides to make a bias factor.

    .. math:: G = B + \sqrt{B (B - 1)}

    Examples
    --------
    >>> confounding_strength(1.8)
    3.0
    """
    return float(bias_factor + np.sqrt(bias_factor * (bias_factor - 1)))
