"""One-step: the result of a model for the counts themselves, without effects in between."""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Scaled
from comorbid.models.fitted import Pair
from comorbid.models.frames import labelled, own_intervals
from comorbid.models.settings import check_level
from comorbid.models.student import Test
from comorbid.models.tau2_profile import Solution

if TYPE_CHECKING:
    import pandas as pd

NAMES = {
    "UM.FS": "unconditional model with fixed study effects",
    "UM.RS": "unconditional model with random study effects",
    "CM.EL": "conditional model with exact likelihood",
    "CM.AL": "conditional model with approximate likelihood",
    "GLMM": "generalised linear mixed model of one group",
    "BB": "beta-binomial model",
    "LRP": "logistic regression with penalised likelihood",
}
_NUMBERS = (
    *("estimate", "se", "statistic", "p_value", "tau2", "se_tau2", "sigma2", "rho", "i2", "h2"),
    *("qe_wld", "qe_wld_p", "qe_lrt", "qe_lrt_p", "log_likelihood", "aic", "bic", "aicc"),
)
_APART = ("effects", "ci", "pi", "informative", "warnings", "solution", *_NUMBERS)


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class OneStep(Frozen):
    """A pooled association or proportion from counts; made by `glmm` and its neighbours.

    What a model does not have is nan.

    Attributes
    ----------
    effects : Effects
        Each table's own effect, with 1/2 added to tables with a zero; nan where it has none. The
        model does not use them: only i2 and h2 rest on their variances.
    model : str
        ``UM.FS``, ``UM.RS``, ``CM.EL``, ``CM.AL``, ``GLMM`` (one group), ``BB`` or ``LRP``.
    method : {"ML", "EE"}
        With random effects of the studies on the association, or without.
    test : {"z", "t"}
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value : float
        Pooled effect on the analysis scale (log for ratios, logit for proportions), its standard
        error, and its two-sided test against 0.
    ci, pi : (float, float)
        Confidence and prediction interval on the analysis scale.
    df : float
        Degrees of freedom of the test; inf for z.
    tau2, se_tau2 : float
        Between-study variance of the effect, and its standard error (nan at 0).
    sigma2, rho : float
        Of UM.RS the variance of the study effects, and their correlation with the effect if it
        was estimated. Of the beta-binomial model ``rho`` is the correlation within an arm.
    i2, h2 : float
        From tau2 at the typical sampling variance of the tables' own effects.
    qe_wld, qe_wld_p, qe_lrt, qe_lrt_p : float
        Wald and likelihood-ratio test of heterogeneity, against an effect for each table, on
        ``qe_df`` degrees of freedom. Where a table's own effect is infinite, Wald's statistic
        leaves it out, though not its degree of freedom, as metafor does; it is nan where fewer
        than two tables have a finite one.
    qe_df : int
    log_likelihood : float
        Of the counts, with their constants; with integrals over the random effects.
    parameters, observations : int
        That AIC, BIC and AICc count.
    k, k_yi : int
        Tables in the model, and tables with an effect of their own.
    informative : boolean array of shape (rows,)
        The rows of ``effects`` that the likelihood of the estimate depends on.
    nodes : int
        Of the quadrature, a random effect; 1 is Laplace's approximation, 0 none is needed.
    starts, agreed : int
        Starts of the search for the maximum, and how many led to the one given.
    gradient : float
        What a further Newton step would gain in log-likelihood.
    warnings : tuple of str
        What tables contribute, what was left out, and what could not be given.
    solution : Solution or None
        The model with random effects at its maximum, for `tau2_ci`.

    Examples
    --------
    >>> import comorbid as cb
    >>> tables = {"ai": [0, 2, 1], "n1i": [50, 90, 40], "ci": [3, 5, 4], "n2i": [52, 88, 41]}
    >>> fit = cb.glmm(tables, model="CM.EL", method="EE")
    >>> round(fit.on_scale().estimate, 2), fit.k
    (0.24, 3)
    """

    effects: Effects
    model: str
    method: str
    test: Test
    level: float
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Pair
    pi: Pair
    df: float
    tau2: float
    se_tau2: float
    sigma2: float
    rho: float
    i2: float
    h2: float
    qe_wld: float
    qe_wld_p: float
    qe_lrt: float
    qe_lrt_p: float
    qe_df: int
    log_likelihood: float
    parameters: int
    observations: int
    k: int
    k_yi: int
    informative: Mask
    nodes: int
    starts: int
    agreed: int
    gradient: float
    warnings: tuple[str, ...]
    solution: Solution | None = None

    @property
    def aic(self) -> float:
        """Akaike's information criterion; nan where the likelihood is penalised."""
        return self._criterion(2.0)

    @property
    def bic(self) -> float:
        """Bayesian information criterion; nan where the likelihood is penalised."""
        return self._criterion(math.log(self.observations))

    @property
    def aicc(self) -> float:
        """Akaike's information criterion, corrected for few observations; nan as the others."""
        n = max(self.observations, self.parameters + 2)
        return self._criterion(2 * n / (n - self.parameters - 1))

    def _criterion(self, price: float) -> float:
        penalised = self.model == "LRP"
        return math.nan if penalised else -2 * self.log_likelihood + price * self.parameters

    def tau2_ci(self, level: float | None = None) -> Pair:
        """Return the interval of tau2 by the profile of the likelihood.

        It holds the values that a likelihood-ratio test with one degree of freedom does not
        reject; with few studies, or where 0 is one of them, that test is only approximate.

        Parameters
        ----------
        level : float, optional
            By default that of the fit.

        Raises
        ------
        ModelError
            If the model has no tau2 of its own: method EE, a beta-binomial, a penalised or a
            correlated one, or one table.

        References
        ----------
        Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
        doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
        """
        level = self.level if level is None else level
        check_level(level)
        if self.solution is None or self.solution.model.correlated:
            raise ModelError(
                "this model has no tau2 of its own; use glmm() of several tables, with method 'ML'"
            )
        return self.solution.tau2_ci(level)

    def on_scale(self) -> Scaled:
        """Return estimate and intervals back-transformed, for ratios as ratios."""
        back = SCALES[self.effects.scale].back
        values = back([self.estimate, *self.ci, *self.pi]).tolist()
        return Scaled(
            self.effects.measure, values[0], (values[1], values[2]), (values[3], values[4])
        )

    def to_frame(self) -> pd.DataFrame:
        """Return the tables by label: ``estimate, se, ci_low, ci_high, informative``.

        Analysis scale, full precision; effects and intervals are each table's own, which the
        model does not use.
        """
        low, high = own_intervals(self.effects, self.level)
        columns: dict[str, Array | Mask] = {
            "estimate": self.effects.yi,
            "se": np.sqrt(self.effects.vi),
            "ci_low": low,
            "ci_high": high,
            "informative": self.informative,
        }
        return labelled(self.effects.labels, columns)

    def to_dict(self) -> dict[str, Any]:
        """Return every number, on the analysis scale and in full precision, and the settings."""
        plain = {
            field.name: getattr(self, field.name)
            for field in fields(self)
            if field.name not in _APART
        }
        scaled = self.on_scale()
        ends = {"estimate": scaled.estimate}
        for name, pair in (("ci", scaled.ci), ("pi", scaled.pi)):
            ends |= {f"{name}_low": pair[0], f"{name}_high": pair[1]}
        return {
            "measure": self.effects.measure,
            **plain,
            "on_scale": ends,
            "ids": list(self.effects.ids),
            **{name: getattr(self, name) for name in _NUMBERS},
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "pi_low": self.pi[0],
            "pi_high": self.pi[1],
            "informative": self.informative.tolist(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        effects = {"EE": ", equal effects", "ML": ", random effects"}[self.method]
        name = NAMES[self.model] + ("" if self.model == "BB" else effects)
        lines = [f"{name[0].upper()}{name[1:]} (k = {self.k}; test: {self.test})", ""]
        heterogeneity = self._heterogeneity()
        lines += [*heterogeneity, *([""] if heterogeneity else []), *self._likelihood(), ""]
        percent = f"{100 * self.level:g}%"
        rows = {
            "estimate": text.number(self.estimate),
            "se": text.number(self.se),
            "statistic": text.number(self.statistic),
            "p": text.p_value(self.p_value),
            f"{percent} CI": text.pair(self.ci),
            f"{percent} PI": text.pair(self.pi),
        }
        lines += ["Model results (analysis scale):"]
        lines += [f"  {name:<10}{value}" for name, value in rows.items()]
        scaled = self.on_scale()
        lines += [
            "",
            f"As {scaled.measure}: {text.number(scaled.estimate, 2)} "
            f"({percent} CI {text.pair(scaled.ci, 2)}; {percent} PI {text.pair(scaled.pi, 2)})",
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def _heterogeneity(self) -> list[str]:
        se = "" if math.isnan(self.se_tau2) else f" (SE {text.number(self.se_tau2)})"
        own = {"sigma^2 (studies)": self.sigma2, "rho": self.rho}
        lines = [f"{name} {text.number(value)}" for name, value in own.items() if value == value]
        if self.tau2 == self.tau2 and self.method != "EE":
            lines += [
                f"tau^2 {text.number(self.tau2)}{se}   tau {text.number(math.sqrt(self.tau2))}",
                f"I^2 {text.share(self.i2)} (from tau^2)   H^2 {text.number(self.h2, 2)}"
                if self.k_yi > 1
                else "I^2 and H^2: none, as fewer than two tables have an effect of their own",
            ]
        tests = {"Wald": (self.qe_wld, self.qe_wld_p), "LRT": (self.qe_lrt, self.qe_lrt_p)}
        for name, (statistic, p) in tests.items():
            if statistic == statistic:
                lines.append(
                    f"{name}(df = {self.qe_df}) = {text.number(statistic)}, p {text.p_value(p)}"
                )
        return lines

    def _likelihood(self) -> list[str]:
        if self.model == "LRP":
            return [f"penalised log-likelihood {text.number(self.log_likelihood)}"]
        criteria = {"AIC": self.aic, "BIC": self.bic, "AICc": self.aicc}
        listed = "   ".join(f"{key} {text.number(value)}" for key, value in criteria.items())
        return [f"log-likelihood {text.number(self.log_likelihood)}   {listed}"]

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())
