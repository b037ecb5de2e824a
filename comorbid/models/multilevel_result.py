"""The result of a multilevel or multivariate fit, with everything that says how it was made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Index
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models import multilevel_text, text
from comorbid.models.dense_blocks import DenseBlocks
from comorbid.models.design_matrix import Design
from comorbid.models.likelihood import FitStatistics
from comorbid.models.mixed_model import MixedModel
from comorbid.models.pooled import Scaled
from comorbid.models.variance_components import Component
from comorbid.models.variance_maximum import Search

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.component_intervals import ComponentIntervals
    from comorbid.models.component_profiles import ComponentProfile
    from comorbid.models.group_means import GroupMeans
    from comorbid.models.multilevel_effects import RandomEffects
    from comorbid.models.multilevel_heterogeneity import LevelHeterogeneity
    from comorbid.models.predictions import Predictions
    from comorbid.models.random_effects import StudyPredictions

TABLE = ("estimate", "se", "statistic", "df", "p_value", "ci_low", "ci_high")


class Block(NamedTuple):
    """Effects that depend on each other, and on no others.

    Attributes
    ----------
    rows : integer array of shape (s,)
        Their positions among the effects of the fit.
    variance : array of shape (s, s)
        Their marginal covariances M: of sampling and of all random effects.
    weights : array of shape (s, s)
        The inverse of M.
    """

    rows: Index
    variance: Array
    weights: Array


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Multilevel(Frozen):
    """A multilevel or multivariate model; made by `multilevel`.

    Attributes
    ----------
    effects : Effects
        The rows used, without those that lack an effect or a moderator.
    design : Design
        What the formula made of the moderators.
    random : tuple of str
        The random terms as given.
    method : {"REML", "ML"}
    test : {"z", "t"}
    dfs : {"residual", "contain"}
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value, ci_low, ci_high : arrays of shape (p,)
        Of the coefficients ``names``, on the analysis scale.
    df : array of shape (p,)
        Degrees of freedom of the coefficients; inf for z.
    vcov : array of shape (p, p)
        Covariances of the coefficients.
    components : tuple of Component
        The variances and correlations, with their names and numbers of groups; `sigma2`, `tau2`,
        `rho`, `gamma2` and `phi` are their values, as metafor calls them.
    fit_statistics : FitStatistics
        Log-likelihood (restricted for REML) and criteria of model choice.
    qe, qe_p : float
        Test of residual heterogeneity on k - p degrees of freedom, by V alone.
    qm, qm_df, qm_p : float, int, float
        Test of all coefficients but the intercept: chi-squared for z, otherwise F. Of the
        intercept where it stands alone.
    search : Search
        How the maximum was found, and what is at the end of its range.
    warnings : tuple of str
        What was left out, and what the data do not show.
    model : MixedModel
        Effects, design, sampling covariances and groups as the likelihood takes them.
    theta : array of shape (n,)
        The coordinates of the maximum, in units of the search.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                      studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> fit = cb.multilevel(effects)
    >>> fit.to_frame()["estimate"].round(3).to_dict()
    {'Intercept': 0.55}
    """

    effects: Effects
    design: Design
    random: tuple[str, ...]
    method: str
    test: str
    dfs: str
    level: float
    estimate: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    df: Array
    vcov: Array
    components: tuple[Component, ...]
    fit_statistics: FitStatistics
    qe: float
    qe_p: float
    qm: float
    qm_df: int
    qm_p: float
    search: Search
    warnings: tuple[str, ...]
    model: MixedModel
    theta: Array

    @property
    def k(self) -> int:
        """Number of effects."""
        return self.model.k

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return self.model.p

    @property
    def struct(self) -> tuple[str, ...]:
        """The structures of the terms with an inner factor."""
        return tuple(term.structure.id for term in self.model.terms if term.levels)

    @property
    def names(self) -> tuple[str, ...]:
        """The coefficients."""
        return self.design.names

    @property
    def formula(self) -> str:
        """The formula as given."""
        return self.design.formula

    @property
    def x(self) -> Array:
        """The design of shape (k, p)."""
        return self.design.x

    @property
    def sigma2(self) -> Array:
        """Variances of the random intercepts, in the order of the terms."""
        return self._values("sigma2")

    @property
    def tau2(self) -> Array:
        """Variances of the first term with an inner factor, by level in sorted order."""
        return self._values("tau2")

    @property
    def rho(self) -> Array:
        """Its correlations, by pairs of levels: (1, 2), (1, 3), ..."""
        return self._values("rho")

    @property
    def gamma2(self) -> Array:
        """Variances of the second term with an inner factor."""
        return self._values("gamma2")

    @property
    def phi(self) -> Array:
        """Its correlations."""
        return self._values("phi")

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood, restricted for REML."""
        return self.fit_statistics.log_likelihood

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.fit_statistics.aic

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""
        return self.fit_statistics.bic

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few effects."""
        return self.fit_statistics.aicc

    @property
    def residuals(self) -> Array:
        """How far each effect is from what the coefficients expect of it, of shape (k,)."""
        return np.asarray(self.effects.yi - self.x @ self.estimate)

    @property
    def blocks(self) -> tuple[Block, ...]:
        """The marginal covariances and their inverses, block by independent block.

        What estimates of variance that are robust to the model rest on.
        """
        terms = [term.term for term in self.model.terms]
        dense = DenseBlocks(self.model.columns, self.model.scaled_v, terms, self.model.together)
        matrices = self.model.matrices(self.theta)
        square = self.model.unit**2
        found = []
        for blocks, at in zip(dense.blocks, dense.weigh(matrices).parts, strict=True):
            variance = blocks.variance(matrices)[0]
            for b, real in enumerate(blocks.stack.real):
                s = int(real.sum())
                rows = blocks.stack.rows[b, :s]
                found.append(Block(rows, variance[b, :s, :s] * square, at.w[0, b, :s, :s] / square))
        return tuple(found)

    @property
    def weights(self) -> Array:
        """What each row weighs in the mean of all, in per cent: see `row_weights`."""
        from comorbid.models.group_means import row_weights

        return row_weights(self)

    @property
    def made(self) -> dict[str, Any]:
        """How the fit was made: what every result that rests on it records."""
        own = {name: getattr(self, name) for name in ("method", "test", "level", "warnings")}
        return {"measure": self.effects.measure, "ids": self.effects.ids, **own}

    @property
    def heterogeneity(self) -> LevelHeterogeneity:
        """I2 by level and in all: see `level_heterogeneity`."""
        from comorbid.models.multilevel_heterogeneity import level_heterogeneity

        return level_heterogeneity(self)

    def predict(self, new_data: pd.DataFrame | Mapping[str, Any] | None = None) -> Predictions:
        """Predict mean effects, and effects of new studies: see `predict_multilevel`."""
        from comorbid.models.multilevel_predictions import predict_multilevel

        return predict_multilevel(self, new_data)

    def ranef(self, level: float | None = None) -> RandomEffects:
        """Predict the random effects of each term: see `random_effects`."""
        from comorbid.models.multilevel_effects import random_effects

        return random_effects(self, level)

    def blup(self, level: float | None = None) -> StudyPredictions:
        """Predict the true effect behind each row: see `true_effects`."""
        from comorbid.models.multilevel_effects import true_effects

        return true_effects(self, level)

    def group_means(self, level: float | None = None) -> GroupMeans:
        """Mean of each group's own rows, by their sampling covariances: see `group_means`."""
        from comorbid.models.group_means import group_means

        return group_means(self, level)

    def confint(self, level: float | None = None) -> ComponentIntervals:
        """Profile-likelihood intervals of the components: see `component_intervals`."""
        from comorbid.models.component_intervals import component_intervals

        return component_intervals(self, level)

    def profile(self, component: str, *, values: Any = None, points: int = 41) -> ComponentProfile:
        """Profile likelihood of a component: see `component_profile`."""
        from comorbid.models.component_profiles import component_profile

        return component_profile(self, component, values=values, points=points)

    def on_scale(self) -> Scaled:
        """Return the mean back-transformed, with its interval and that of a new effect.

        Raises
        ------
        ModelError
            If the model has moderators, or its variances differ between levels.
        """
        found = self.predict() if self.design.intercept_only else None
        if found is None or len(found.labels) > 1:
            raise ModelError("the model has no single mean; use predict().on_scale()")
        return found.on_scale()[0]

    def to_frame(self) -> pd.DataFrame:
        """Return the coefficients indexed by term, in full precision.

        Columns ``estimate, se, statistic, df, p_value, ci_low, ci_high``; analysis scale.
        """
        import pandas as pd

        columns = {name: getattr(self, name) for name in TABLE}
        return pd.DataFrame(columns, index=pd.Index(self.names, name="term"))

    def to_dict(self) -> dict[str, Any]:
        """Return every number, in full precision, and the settings."""
        settings = {name: getattr(self, name) for name in ("formula", "method", "test", "dfs")}
        numbers = ("qe", "qe_p", "qm", "qm_df", "qm_p", "k", "p")
        return {
            "measure": self.effects.measure,
            **settings,
            "level": self.level,
            "random": list(self.random),
            "struct": list(self.struct),
            "ids": list(self.effects.ids),
            "names": list(self.names),
            **{name: getattr(self, name).tolist() for name in (*TABLE, "vcov")},
            "components": [component.to_dict() for component in self.components],
            **{name: getattr(self, name) for name in numbers},
            "heterogeneity": self.heterogeneity.to_dict(),
            "fit_statistics": asdict(self.fit_statistics),
            "search": self.search.to_dict(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        return multilevel_text.multilevel_summary(self)

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())

    def _values(self, symbol: str) -> Array:
        return np.array([c.value for c in self.components if c.symbol == symbol])
