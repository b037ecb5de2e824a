"""E-values: how strong a confounder that no study measured would have to be."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from comorbid.checks import check_choice, is_number, shown
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.pooled import check_fit
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

Outcome = Literal["common", "rare"]


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class EValue(Views):
    """E-values of a pooled effect; made by `e_value`.

    Attributes
    ----------
    estimate : float
        E-value of the pooled effect: 1 or more, a risk ratio.
    limit : float
        E-value of the end of the confidence interval that is nearer to ``true``; 1 if the interval
        includes it.
    risk_ratio : float
        The pooled effect as the risk ratio that stands for it.
    risk_ratio_ci : (float, float)
        Its confidence interval.
    true : float
        The risk ratio that confounding would have to bring the effect to.
    measure, method, test : str
        Of the fit.
    outcome : {"common", "rare"}
    level : float
        Of the interval.
    ids : tuple of str
        The effects pooled.
    warnings : tuple of str
        What the conversion to a risk ratio rests on.
    """

    estimate: float
    limit: float
    risk_ratio: float
    risk_ratio_ci: Pair
    true: float
    measure: str
    method: str
    test: str
    outcome: Outcome
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the pooled effect and the nearer end: ``risk_ratio, e_value``."""
        nearer = min(self.risk_ratio_ci, key=lambda end: abs(np.log(end / self.true)))
        columns = {"risk_ratio": [self.risk_ratio, nearer], "e_value": [self.estimate, self.limit]}
        return frame(["estimate", "limit"], "of", columns)

    def summary(self) -> str:
        """Return both E-values and the risk ratios they belong to."""
        ends = text.pair(self.risk_ratio_ci, 2)
        rows = {
            "risk ratio": f"{self.risk_ratio:.2f} ({100 * self.level:g}% CI {ends})",
            "E-value": f"{self.estimate:.2f}",
            "of the limit": f"{self.limit:.2f}",
        }
        return block(f"E-value, to bring the risk ratio to {self.true:g}", rows, self.warnings)


def e_value(fit: Fit, *, true: float = 1.0, outcome: Outcome = "common") -> EValue:
    r"""Give the strength of unmeasured confounding that could explain the pooled effect away.

    The E-value is the least risk ratio that a confounder would need with both the exposure and the
    outcome, beyond all that was adjusted for, to bring a risk ratio to ``true``. With
    :math:`r = \max(RR / RR_{true}, RR_{true} / RR)`

    .. math:: E = r + \sqrt{r (r - 1)}

    =============== =========================================================================
    measure         risk ratio that stands for it
    =============== =========================================================================
    RR, IRR         itself
    OR, rare        OR
    OR, common      :math:`\sqrt{OR}`
    HR, rare        HR
    HR, common      :math:`(1 - 0.5^{\sqrt{HR}}) / (1 - 0.5^{\sqrt{1/HR}})`
    SMD             :math:`\exp(0.91\, d)`
    =============== =========================================================================

    Parameters
    ----------
    fit : Fit
        Of OR, RR, IRR, HR or SMD.
    true : float
        Risk ratio that the effect would be brought to.
    outcome : {"common", "rare"}
        Of OR and HR: rare is under about 15 % at the end of follow-up. The default gives the
        smaller E-value.

    Returns
    -------
    EValue

    Raises
    ------
    DataError
        If it is no fit.
    ModelError
        If the measure has no such conversion, or a setting is none of those allowed.

    References
    ----------
    VanderWeele TJ, Ding P (2017). Sensitivity analysis in observational research: introducing the
    E-value. Annals of Internal Medicine 167:268-274. doi:10.7326/M16-2607
    VanderWeele TJ (2020). Optimal approximate conversions of odds ratios and hazard ratios to risk
    ratios. Biometrics 76:746-752. doi:10.1111/biom.13197

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[np.log(0.80)], vi=[0.004], measure="RR")  # 0.71 to 0.91
    >>> found = cb.e_value(cb.pool(effects))
    >>> round(found.estimate, 2), round(found.limit, 2)
    (1.81, 1.44)
    """
    check_fit(fit)
    check_choice("outcome", outcome, get_args(Outcome))
    if not (is_number(true) and 0 < true < np.inf):
        raise ModelError(f"true is {shown(true)}; give a risk ratio above 0, such as 1")
    measure = fit.effects.measure
    convert, assumption = _conversion(measure, outcome)
    ratio, low, high = (float(convert(effect)) for effect in (fit.estimate, *fit.ci))
    nearer = low if ratio > true else high
    return EValue(
        estimate=_e_value(ratio / true),
        limit=1.0 if low <= true <= high else _e_value(nearer / true),
        risk_ratio=ratio,
        risk_ratio_ci=(low, high),
        true=true,
        measure=measure,
        method=fit.method,
        test=fit.test,
        outcome=outcome,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=(*fit.warnings, *assumption),
    )


def _e_value(ratio: float) -> float:
    r = max(ratio, 1 / ratio)
    return float(r + np.sqrt(r * (r - 1)))


def _conversion(measure: str, outcome: Outcome) -> tuple[Callable[[float], float], tuple[str, ...]]:
    """Return the function from the analysis scale to a risk ratio, and what it rests on."""
    if measure in ("RR", "IRR"):
        return np.exp, ()
    if measure in ("OR", "HR") and outcome == "rare":
        return np.exp, (f"the {measure} is taken for a risk ratio: the outcome is rare",)
    found = {"OR": _common_odds, "HR": _common_hazard, "SMD": _difference}.get(measure)
    if found is None:
        raise ModelError(f"no E-value for {measure}; use a fit of OR, RR, IRR, HR or SMD")
    return found, (f"the risk ratio that stands for the {measure} is an approximation",)


def _common_odds(log_odds_ratio: float) -> float:
    return float(np.exp(log_odds_ratio / 2))


def _common_hazard(log_hazard_ratio: float) -> float:
    root = np.exp(log_hazard_ratio / 2)
    return float(np.expm1(-root * np.log(2)) / np.expm1(-np.log(2) / root))


def _difference(d: float) -> float:
    return float(np.exp(0.91 * d))
