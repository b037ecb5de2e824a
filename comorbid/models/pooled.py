"""What a fit is: the pooled association, with everything that says how it was made."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.models import text
from comorbid.models.estimators import Estimator
from comorbid.models.heterogeneity import Heterogeneity, heterogeneity, standard_error
from comorbid.models.kernel import Test, fit_batch
from comorbid.models.likelihood import FitStatistics, common_mean_statistics
from comorbid.models.prediction import Prediction, predict

if TYPE_CHECKING:
    import pandas as pd

Pair = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Scaled:
    """A fit's estimate and intervals on the scale that people read, such as odds ratios.

    ``ci`` and ``pi`` are (low, high) pairs; nan where an interval does not exist.
    """

    measure: str
    estimate: float
    ci: Pair
    pi: Pair


@dataclass(frozen=True, slots=True, eq=False)
class Fit:
    """A pooled association; made by `pool`.

    Attributes
    ----------
    effects : Effects
        The effects pooled, without the missing ones.
    estimator : Estimator
        Of tau2; ``method`` is its id.
    test : {"z", "t", "knha", "adhoc"}
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value : float
        Pooled effect on the analysis scale (log for ratios), its standard error, and its
        two-sided test against no association.
    ci, pi : (float, float)
        Confidence and prediction interval on the analysis scale.
    df : float
        Degrees of freedom of the test; inf for z.
    tau2, i2, h2 : float
        Between-study variance (analysis scale, squared), its percentage of the total variance at
        the typical sampling variance, and the ratio of the two variances.
    q, q_p : float
        Cochran's Q on k - 1 degrees of freedom and its p-value.
    k : int
        Number of studies pooled.
    weights : array of shape (k,)
        Percentages that sum to 100.
    warnings : tuple of str
        What could not be given, and why; what was left out.
    user_weights : array of shape (k,) or None
        The analyst's weights as given, if there are any.
    """

    effects: Effects
    estimator: Estimator
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
    i2: float
    h2: float
    q: float
    q_p: float
    k: int
    weights: Array
    warnings: tuple[str, ...]
    user_weights: Array | None = None

    @property
    def method(self) -> str:
        """Id of the estimator of tau2."""
        return self.estimator.id

    @property
    def se_tau2(self) -> float:
        """Standard error of tau2 in large samples; nan where tau2 is not estimated."""
        return standard_error(self)

    @property
    def ml(self) -> FitStatistics:
        """Log-likelihood and criteria of model choice, by the full likelihood."""
        return self._likelihoods()[0]

    @property
    def reml(self) -> FitStatistics:
        """Log-likelihood and criteria of model choice, by the restricted likelihood."""
        return self._likelihoods()[1]

    @property
    def fit_statistics(self) -> FitStatistics:
        """Those of the likelihood that the method maximises; for others the full one."""
        return self.reml if self.method == "REML" else self.ml

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood, restricted for REML."""
        return self.fit_statistics.log_likelihood

    @property
    def deviance(self) -> float:
        """Deviance from the model that fits every effect; for REML -2 times the likelihood."""
        return self.fit_statistics.deviance

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.fit_statistics.aic

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few studies."""
        return self.fit_statistics.aicc

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""
        return self.fit_statistics.bic

    def _likelihoods(self) -> tuple[FitStatistics, FitStatistics]:
        estimated = self.method != "EE" and self.estimator.fixed is None
        return common_mean_statistics(
            self.effects.yi,
            self.effects.vi,
            tau2=self.tau2 if self.k > 1 else 0.0,
            weights=self.user_weights,
            m=1 + estimated,
        )

    def tau2_ci(self, method: str = "QP", level: float | None = None) -> Pair:
        """Return the interval of tau2 by Q-profile, or another `method`: see `heterogeneity`."""
        return heterogeneity(self, method=method, level=level).tau2_ci

    def heterogeneity(self, method: str = "QP", level: float | None = None) -> Heterogeneity:
        """Return tau2, tau, I2 and H2 with their intervals: see `heterogeneity`."""
        return heterogeneity(self, method=method, level=level)

    def predict(
        self,
        *,
        method: str = "default",
        level: float | None = None,
        draws: int = 25_000,
        seed: int = 1,
    ) -> Prediction:
        """Return the prediction for a new study by a named rule: see `predict`."""
        return predict(self, method=method, level=level, draws=draws, seed=seed)

    def prediction_interval(
        self,
        method: str = "default",
        level: float | None = None,
        *,
        draws: int = 25_000,
        seed: int = 1,
    ) -> Pair:
        """Return the prediction interval by a named rule: see `predict`."""
        return predict(self, method=method, level=level, draws=draws, seed=seed).pi

    def on_scale(self) -> Scaled:
        """Return estimate and intervals back-transformed, for ratios as ratios."""
        back = SCALES[self.effects.scale].back
        values = back([self.estimate, *self.ci, *self.pi]).tolist()
        return Scaled(
            self.effects.measure, values[0], (values[1], values[2]), (values[3], values[4])
        )

    def intervals(self) -> dict[str, Pair]:
        """Return the confidence interval by each test that the Handbook sets side by side.

        With two or three studies no single one can be relied on: ``z`` ignores that tau2 is
        estimated, ``knha`` (Knapp-Hartung) may be too wide or too narrow, ``adhoc`` is
        Knapp-Hartung never narrower than z. Analysis scale.
        """
        tests: tuple[Test, ...] = ("z", "knha", "adhoc")
        ends = {}
        for test in tests:
            batch = fit_batch(
                self.effects.yi[:, None],
                self.effects.vi[:, None],
                estimator=self.estimator,
                test=test,
                level=self.level,
                weights=None if self.user_weights is None else self.user_weights[:, None],
            )
            ends[test] = float(batch.ci_low[0]), float(batch.ci_high[0])
        return {str(test): pair for test, pair in ends.items()}

    def to_frame(self) -> pd.DataFrame:
        """Return the studies indexed by label: ``estimate, se, ci_low, ci_high, weight``.

        Analysis scale, full precision; the intervals are each study's own, at the fit's level.
        """
        import pandas as pd
        from scipy import special

        se = np.sqrt(self.effects.vi)
        half = special.ndtri((1 + self.level) / 2) * se
        columns = {
            "estimate": self.effects.yi,
            "se": se,
            "ci_low": self.effects.yi - half,
            "ci_high": self.effects.yi + half,
            "weight": self.weights,
        }
        return pd.DataFrame(columns, index=pd.Index(self.effects.labels, name="label"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number, on the analysis scale and in full precision, and the settings."""
        return {
            "measure": self.effects.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "k": self.k,
            "ids": list(self.effects.ids),
            "estimate": self.estimate,
            "se": self.se,
            "statistic": self.statistic,
            "p_value": self.p_value,
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "pi_low": self.pi[0],
            "pi_high": self.pi[1],
            "df": self.df,
            "tau2": self.tau2,
            "i2": self.i2,
            "h2": self.h2,
            "q": self.q,
            "q_p": self.q_p,
            "weights": self.weights.tolist(),
            "warnings": list(self.warnings),
            **self._by_the_analyst(),
        }

    def _by_the_analyst(self) -> dict[str, Any]:
        """Return what the analyst set in place of the model, if anything."""
        given: dict[str, Any] = {}
        if self.estimator.fixed is not None:
            given["tau2_fixed"] = self.estimator.fixed
        if self.user_weights is not None:
            given["user_weights"] = self.user_weights.tolist()
        return given

    def summary(self) -> str:
        """Return the result as text."""
        return text.fit_summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())
