"""Prediction: where the true effect of a new study may lie, by the rules that are in use."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_whole
from comorbid.effects.scales import SCALES
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.confidence_draws import draw_new_effects
from comorbid.models.settings import check_level
from comorbid.models.student import t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.pooled import Fit

Pair = tuple[float, float]
NORMAL = math.inf
_TOO_FEW = "no prediction interval by this rule: too few studies for its freedom"


@dataclass(frozen=True, slots=True)
class Rule:
    """How a prediction interval is made.

    ``parts(fit)`` gives the standard error that goes with the estimate and the degrees of freedom
    of the quantile (inf for the normal distribution).
    """

    label: str
    cite: str
    parts: Callable[[Fit], tuple[float, float]]


def _own(fit: Fit) -> tuple[float, float]:
    return fit.se, fit.df


def _simple(fit: Fit) -> tuple[float, float]:
    return 0.0, NORMAL


def _normal(fit: Fit) -> tuple[float, float]:
    return fit.se_by("z"), NORMAL


def _t(fit: Fit) -> tuple[float, float]:
    return fit.se, fit.k - 1.0


def _riley(fit: Fit) -> tuple[float, float]:
    return fit.se, fit.k - 2.0


def _classic(fit: Fit) -> tuple[float, float]:
    return fit.se_by("z"), fit.k - 2.0


def _hartung_knapp(fit: Fit) -> tuple[float, float]:
    return fit.se_by("knha"), fit.k - 2.0


def _kenward_roger(fit: Fit) -> tuple[float, float]:
    r"""Kenward and Roger's standard error and Partlett and Riley's degrees of freedom.

    With :math:`S_n = \sum w_i^n` and the restricted information
    :math:`I = \mathrm{tr}(PP) / 2 = S_2 / 2 - S_3 / S_1 + (S_2 / S_1)^2 / 2` of tau2

    .. math:: \mathrm{se}^2 = \frac1{S_1}
       + \frac{2 (S_3 - S_2^2 / S_1)}{I\,S_1^2}, \qquad
       \nu - 1 = \frac{2 I}{(\mathrm{se}^2 S_2)^2} - 1

    where :math:`S_3 - S_2^2 / S_1` is the weighted spread of the weights about their mean.
    """
    if fit.method != "REML" or fit.user_weights is not None:
        raise ModelError(
            "the Kenward-Roger rule belongs to REML without weights; pool so, or use another rule"
        )
    w = 1 / (fit.effects.vi + fit.tau2)
    total = float(w.sum())
    at_tau2 = fit.projection.at(np.array([fit.tau2]), np.zeros(1, dtype=np.intp))
    information = float(at_tau2.trace_pp[0]) / 2
    gap = w - w.max()
    spread = float((w * (gap - (w * gap).sum() / total) ** 2).sum())
    variance = 1 / total + 2 * spread / (information * total**2)
    return math.sqrt(variance), 2 * information / (variance * float((w**2).sum())) ** 2 - 1


_INTHOUT = "IntHout et al. 2016, doi:10.1136/bmjopen-2015-010247"
_RILEY = "Riley, Higgins and Deeks 2011, doi:10.1136/bmj.d549"
_HIGGINS = "Higgins, Thompson and Spiegelhalter 2009, doi:10.1111/j.1467-985X.2008.00552.x"
_PARTLETT = "Partlett and Riley 2017, doi:10.1002/sim.7140"
_NAGASHIMA = "Nagashima, Noma and Furukawa 2019, doi:10.1177/0962280218773520"

RULES: dict[str, Rule] = {
    "default": Rule("the fit's own standard error and distribution", _INTHOUT, _own),
    "simple": Rule("tau alone, normal", _HIGGINS, _simple),
    "normal": Rule("classic standard error, normal", _HIGGINS, _normal),
    "t": Rule("the fit's own standard error, t with k - 1", _INTHOUT, _t),
    "riley": Rule("the fit's own standard error, t with k - 2", _RILEY, _riley),
    "HTS": Rule("classic standard error, t with k - 2", _HIGGINS, _classic),
    "HK": Rule("Knapp-Hartung standard error, t with k - 2", _PARTLETT, _hartung_knapp),
    "KR": Rule("Kenward-Roger standard error and freedom", _PARTLETT, _kenward_roger),
    "NNF": Rule("bootstrap from the confidence distribution of tau2", _NAGASHIMA, _own),
}


@dataclass(frozen=True, slots=True)
class Prediction:
    """Interval for the true effect of a new study; made by `predict`.

    Attributes
    ----------
    method : str
        The rule: one of `predict`'s.
    level : float
        Of the intervals, a proportion.
    estimate, se : float
        Pooled effect and its standard error by the fit's test; analysis scale.
    ci, pi : (float, float)
        Confidence interval of the pooled effect by the fit's test, and prediction interval.
    pi_se : float
        Standard deviation that the prediction interval rests on: the root of tau2 plus the
        squared standard error of the rule; nan for the bootstrap.
    pi_df : float
        Degrees of freedom of its quantile; inf for the normal distribution, nan for the bootstrap.
    measure, scale : str
        Of the effects.
    warnings : tuple of str
        Why an interval does not exist.
    """

    method: str
    level: float
    estimate: float
    se: float
    ci: Pair
    pi: Pair
    pi_se: float
    pi_df: float
    measure: str
    scale: str
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row, labelled by the method; analysis scale, full precision."""
        import pandas as pd

        columns = {
            "estimate": self.estimate,
            "se": self.se,
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "pi_low": self.pi[0],
            "pi_high": self.pi[1],
            "pi_se": self.pi_se,
            "pi_df": self.pi_df,
        }
        return pd.DataFrame(columns, index=pd.Index([self.method], name="method"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number and the settings."""
        names = ("method", "level", "estimate", "se", "pi_se", "pi_df", "measure")
        values = {name: getattr(self, name) for name in names}
        return {**values, "ci": list(self.ci), "pi": list(self.pi), "warnings": list(self.warnings)}

    def summary(self) -> str:
        """Return the result as text, on the printed scale."""
        back = SCALES[self.scale].back
        values = back([self.estimate, *self.ci, *self.pi]).tolist()
        ci, pi = text.pair((values[1], values[2])), text.pair((values[3], values[4]))
        percent = f"{100 * self.level:g}%"
        lines = [
            f"{self.measure} {text.number(values[0])} ({percent} CI {ci})",
            f"{percent} prediction interval {pi} ({self.method}: {RULES[self.method].label})",
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def predict(
    fit: Fit,
    *,
    method: str = "default",
    level: float | None = None,
    draws: int = 25_000,
    seed: int = 1,
) -> Prediction:
    r"""Interval for the true effect of a new study.

    .. math:: \hat\mu \pm c \sqrt{\hat\tau^2 + \mathrm{se}^2}

    Parameters
    ----------
    fit : Fit
        A random-effects fit.
    method : str
        Which standard error and quantile c: ``default``, those of the fit; ``t``, the fit's
        standard error and t with k - 1 degrees of freedom; ``riley``, the same with k - 2;
        ``HTS`` (Higgins, Thompson and Spiegelhalter), the classic standard error with k - 2;
        ``HK`` (Partlett and Riley), Knapp and Hartung's with k - 2; ``KR`` (Partlett and Riley),
        Kenward and Roger's with theirs less 1, for REML; ``normal``, the classic standard error
        and the normal quantile; ``simple``, tau alone and the normal quantile; ``NNF``
        (Nagashima, Noma and Furukawa), a bootstrap from the confidence distribution of tau2.
    level : float, optional
        A proportion; by default the fit's.
    draws, seed : int
        Number of draws of ``NNF`` and what they start from.

    Returns
    -------
    Prediction
        nan where the rule needs more studies than there are, or the model has no between-study
        variance.

    Raises
    ------
    ModelError
        If a setting is none of those allowed, or the rule does not go with the fit.

    References
    ----------
    Higgins JPT, Thompson SG, Spiegelhalter DJ (2009). Journal of the Royal Statistical Society A
    172:137-159. doi:10.1111/j.1467-985X.2008.00552.x
    Riley RD, Higgins JPT, Deeks JJ (2011). BMJ 342:d549. doi:10.1136/bmj.d549
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). BMJ Open 6:e010247.
    doi:10.1136/bmjopen-2015-010247
    Partlett C, Riley RD (2017). Statistics in Medicine 36:301-317. doi:10.1002/sim.7140
    Kenward MG, Roger JH (1997). Biometrics 53:983-997. doi:10.2307/2533558
    Nagashima K, Noma H, Furukawa TA (2019). Statistical Methods in Medical Research
    28:1689-1702. doi:10.1177/0962280218773520

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> low, high = predict(fit, method="HTS").pi
    >>> round(low, 2), round(high, 2)
    (-1.76, 3.07)
    """
    level = fit.level if level is None else level
    check_level(level)
    if method not in RULES:
        raise ModelError(f"method is {method!r}; use one of {', '.join(RULES)}")
    pi: Pair = (math.nan, math.nan)
    pi_se = pi_df = math.nan
    notes: tuple[str, ...] = ()
    if fit.method == "EE" or math.isnan(fit.tau2):
        notes = ("no prediction interval: there is no between-study variance",)
    elif method == "NNF" and fit.k < 2:
        notes = (_TOO_FEW,)
    elif method == "NNF":
        pi = _bootstrap(fit, level, draws, seed)
    else:
        se, pi_df = RULES[method].parts(fit)
        pi_se = math.sqrt(se**2 + fit.tau2)
        pi = _around(fit.estimate, pi_se, pi_df, level)
        if pi_df <= 0:
            notes = (_TOO_FEW,)
    return Prediction(
        method=method,
        level=level,
        estimate=fit.estimate,
        se=fit.se,
        ci=_around(fit.estimate, fit.se, fit.df, level),
        pi=pi,
        pi_se=pi_se,
        pi_df=pi_df,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        warnings=notes,
    )


def _around(estimate: float, se: float, df: float, level: float) -> Pair:
    if not df > 0:
        return math.nan, math.nan
    half = float(t_quantile(np.array(df), (1 + level) / 2)) * se
    return estimate - half, estimate + half


def _bootstrap(fit: Fit, level: float, draws: int, seed: int) -> Pair:
    if fit.user_weights is not None:
        raise ModelError("the NNF rule has no weights of the analyst; pool without weights")
    check_whole("draws", draws, least=2)
    check_whole("seed", seed, least=0)
    drawn = draw_new_effects(fit.effects.yi, fit.effects.vi, draws, seed)
    low, high = np.quantile(drawn, [(1 - level) / 2, (1 + level) / 2]).tolist()
    return low, high
