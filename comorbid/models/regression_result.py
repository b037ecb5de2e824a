"""The result of a meta-regression, with everything that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from comorbid.effects.arrays import Array
from comorbid.models import collinearity, predictions, regression_text, text, wald
from comorbid.models.design_matrix import Design
from comorbid.models.fits import DesignFits
from comorbid.models.fitted import Fitted

if TYPE_CHECKING:
    import pandas as pd

TABLE = ("estimate", "se", "statistic", "p_value", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Regression(Fitted):
    """A meta-regression; made by `regress`.

    Attributes
    ----------
    effects : Effects
        The effects used, without rows that lack an effect or a moderator.
    design : Design
        What the formula made of the moderators.
    estimator : Estimator
        Of tau2; ``method`` is its id.
    test : {"z", "t", "knha", "adhoc"}
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value, ci_low, ci_high : arrays of shape (p,)
        Of the coefficients ``names``, per unit of the moderator, on the analysis scale.
    vcov : array of shape (p, p)
        Covariances of the coefficients.
    df : float
        Degrees of freedom of the tests; inf for z.
    tau2, se_tau2 : float
        Between-study variance that the moderators leave, and its standard error in large samples;
        nan where the estimator has none.
    i2, h2 : float
        Its percentage of the variance that they leave, at the typical sampling variance, and the
        ratio of the two.
    r2 : float
        Percentage of the between-study variance that they account for: by how much tau2 falls
        short of that without moderators by the same estimator, not below 0. In the equal-effects
        model the adjusted R2 of the weighted regression. nan without moderators, or where they
        leave no room for a common mean.
    qe, qe_p : float
        Test of residual heterogeneity on k - p degrees of freedom.
    qm, qm_df, qm_p : float, int, float
        Test of all coefficients but the intercept: chi-squared for z, otherwise F on ``qm_df`` and
        ``df``. Of the intercept where it stands alone.
    k, p : int
        Numbers of studies and of coefficients.
    ml, reml : FitStatistics
        What the likelihood and the restricted likelihood say; `log_likelihood`, `deviance`,
        `aic`, `bic` and `aicc` are those of ``reml`` for the method REML, otherwise of ``ml``.
    fits : DesignFits
        The fit as the kernel made it, a batch of one.
    warnings : tuple of str
        What was left out, and what cannot be given.
    user_weights : array of shape (k,) or None
        The analyst's weights as given, if there are any.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.4, 0.5, 0.9, 1.2], vi=[0.03, 0.08, 0.02, 0.05, 0.04],
    ...                      moderators={"year": [1990, 1995, 2001, 2008, 2012]})
    >>> fit = cb.regress(effects, "~ year", test="z")
    >>> fit.to_frame()["estimate"].round(4).to_dict()
    {'Intercept': -94.8803, 'year': 0.0477}
    """

    design: Design
    estimate: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    vcov: Array
    r2: float
    qe: float
    qe_p: float
    qm: float
    qm_df: int
    qm_p: float
    fits: DesignFits

    @property
    def x(self) -> Array:
        """The design of shape (k, p)."""
        return self.design.x

    @property
    def moderators(self) -> Array | None:
        """The design as the kernel takes it: None for a mean alone."""
        return self.design.moderators

    @property
    def coefficients(self) -> Array:
        """The estimates."""
        return self.estimate

    @property
    def formula(self) -> str:
        """The formula as given."""
        return self.design.formula

    @property
    def names(self) -> tuple[str, ...]:
        """The coefficients."""
        return self.design.names

    def predict(
        self, new_data: pd.DataFrame | Mapping[str, Any] | None = None
    ) -> predictions.Predictions:
        """Predict mean effects at new moderators, or at those of the studies: see `predict`."""
        return predictions.predict(self, new_data)

    def wald(self, terms: str | Sequence[str]) -> wald.WaldTest:
        """Test that some coefficients are all 0: see `wald_test`."""
        return wald.wald_test(self, terms)

    def vif(self) -> collinearity.Collinearity:
        """Measure how far the moderators go together: see `variance_inflation`."""
        return collinearity.variance_inflation(self)

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients indexed by term, in full precision.

        Columns ``estimate, se, statistic, p_value, ci_low, ci_high``; analysis scale.
        """
        import pandas as pd

        columns = {name: getattr(self, name) for name in TABLE}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="term"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number, in full precision, and the settings."""
        settings = {
            "measure": self.effects.measure,
            "formula": self.formula,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "ids": list(self.effects.ids),
            "names": list(self.names),
        }
        arrays = {name: getattr(self, name).tolist() for name in (*TABLE, "vcov")}
        numbers = (
            "df",
            "tau2",
            "se_tau2",
            "i2",
            "h2",
            "r2",
            "qe",
            "qe_p",
            "qm",
            "qm_df",
            "qm_p",
            "k",
            "p",
        )
        return {
            **settings,
            **arrays,
            **{name: getattr(self, name) for name in numbers},
            "ml": asdict(self.ml),
            "reml": asdict(self.reml),
            "warnings": list(self.warnings),
            **self._by_the_analyst(),
        }

    def summary(self) -> str:
        """Return the result as text."""
        return regression_text.regression_summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())
