"""E-values: how strong a confounder that no study measured would have to be."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import is_number, shown
from comorbid.effects.measures import null_of
from comorbid.effects.scales import SCALES
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.pooled import check_fit
from comorbid.models.risk_ratios import Outcome, as_risk_ratio, confounding_strength
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd


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
        What confounding would have to bring the effect to, on the printed scale of the measure.
    true_risk_ratio : float
        The same as a risk ratio.
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
    true_risk_ratio: float
    measure: str
    method: str
    test: str
    outcome: Outcome
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the pooled effect and the nearer end: ``risk_ratio, e_value``."""
        nearer = self.risk_ratio_ci[int(self.risk_ratio <= self.true_risk_ratio)]
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
        title = f"E-value, to bring the {self.measure} to {self.true:g}"
        return block(title, rows, self.warnings)


def e_value(
    fit: Fit,
    *,
    true: float | None = None,
    outcome: Outcome = "common",
    baseline_risk: float | None = None,
) -> EValue:
    r"""Give the strength of unmeasured confounding that could explain the pooled effect away.

    The E-value is the least risk ratio that a confounder would need with both the exposure and the
    outcome, beyond all that was adjusted for, to bring a risk ratio to ``true``. With
    :math:`r = \max(RR / RR_{true}, RR_{true} / RR)`

    .. math:: E = r + \sqrt{r (r - 1)}

    Of a pooled effect it is the strength that confounding has on the geometric average over the
    studies. It speaks of confounding of an association, not of its cause, of selection or of
    measurement.

    =================== =====================================================================
    measure             risk ratio that stands for it
    =================== =====================================================================
    RR, IRR             itself
    OR, PETO, HR, rare  itself
    OR, PETO, common    :math:`\sqrt{OR}`
    HR, common          :math:`(1 - 0.5^{\sqrt{HR}}) / (1 - 0.5^{\sqrt{1/HR}})`
    SMD and its kin     :math:`\exp(0.91\, d)`
    RD                  :math:`1 + RD / p_0`
    =================== =====================================================================

    Parameters
    ----------
    fit : Fit
        Of one of these measures.
    true : float, optional
        What the effect would be brought to, on the printed scale of its measure: an odds ratio, a
        standardised difference. By default the value of no association, the only one that a risk
        difference can have.
    outcome : {"common", "rare"}
        Of odds and hazard ratios: rare is under about 15 % at the end of follow-up. The default
        gives the smaller E-value.
    baseline_risk : float, optional
        Risk without the exposure, a proportion; for risk differences, which need it.

    Returns
    -------
    EValue

    Raises
    ------
    DataError
        If it is no fit.
    ModelError
        If no risk ratio stands for the measure, or a setting is none of those allowed.

    References
    ----------
    VanderWeele TJ, Ding P (2017). Sensitivity analysis in observational research: introducing the
    E-value. Annals of Internal Medicine 167:268-274. doi:10.7326/M16-2607
    VanderWeele TJ (2017). On a square-root transformation of the odds ratio for a common outcome.
    Epidemiology 28:e58-e60. doi:10.1097/EDE.0000000000000733
    VanderWeele TJ (2020). Optimal approximate conversions of odds ratios and hazard ratios to risk
    ratios. Biometrics 76:746-752. doi:10.1111/biom.13197
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for unmeasured confounding in
    meta-analyses. Journal of the American Statistical Association 115:163-172, section 7.2.
    doi:10.1080/01621459.2018.1529598

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[np.log(0.80)], vi=[0.004], measure="RR")  # 0.71 to 0.91
    >>> found = cb.e_value(cb.pool(effects))
    >>> round(found.estimate, 2), round(found.limit, 2)
    (1.81, 1.44)
    """
    check_fit(fit)
    reading = as_risk_ratio(fit, outcome=outcome, baseline_risk=baseline_risk)
    true, goal = _true(fit, true)
    at = reading.log_ratio(np.array([fit.estimate, *fit.ci, goal]))
    estimate, low, high, null = at.tolist()
    nearer = low if estimate > null else high
    with np.errstate(over="ignore"):
        ratio, ratio_low, ratio_high, ratio_true = np.exp(at).tolist()
        found = _e_value(estimate - null)
        limit = 1.0 if low <= null <= high else _e_value(nearer - null)
    return EValue(
        estimate=found,
        limit=limit,
        risk_ratio=ratio,
        risk_ratio_ci=(ratio_low, ratio_high),
        true=true,
        true_risk_ratio=ratio_true,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        outcome=outcome,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=(*fit.warnings, *reading.notes),
    )


def _e_value(log_ratio: float) -> float:
    return confounding_strength(float(np.exp(abs(log_ratio))))


def _true(fit: Fit, true: float | None) -> tuple[float, float]:
    """Return what the effect is brought to, on the printed and on the analysis scale."""
    scale, null = SCALES[fit.effects.scale], null_of(fit.effects.measure)
    if true is None:
        return float(scale.back(null)), null
    ratio = fit.effects.scale == "log"
    if not (is_number(true) and np.isfinite(true) and (true > 0 or not ratio)):
        wanted = "a ratio above 0, such as 1" if ratio else "a number, such as 0"
        raise ModelError(f"true is {shown(true)}; give {wanted}")
    if fit.effects.measure == "RD" and true != 0:
        raise ModelError("the E-value of a risk difference is that of bringing it to 0")
    return float(true), float(scale.forward(true))
