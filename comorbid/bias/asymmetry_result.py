"""Regression tests for asymmetry as results: the line, and the test of its slope."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.models import text
from comorbid.models.fit import Pair
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Asymmetry(Views):
    """A regression test for asymmetry; made by `asymmetry`.

    Attributes
    ----------
    test, model, predictor : str
        Which test; ``lm`` for the weighted regression with a multiplicative dispersion, ``rma``
        for the mixed-effects one; what the effects are regressed on.
    method, inference : str
        Of the mixed-effects model: how tau2 is estimated, and how coefficients are tested; empty
        and ``t`` for ``lm``.
    slope, slope_se : float
        Change of the effect (analysis scale) per unit of the predictor: 0 without asymmetry.
    statistic, df, p_value : float
        Two-sided test that the slope is 0; ``df`` is inf for a normal statistic.
    limit, limit_se : float
        The line at predictor 0, the effect of a study of any size, on the analysis scale; nan for
        the predictors ``ni``, ``sqrtni`` and ``n``, which have no such limit.
    limit_ci : (float, float)
        Its confidence interval.
    limit_p : float
        Two-sided test that the limit is 0.
    tau2 : float
        Between-study variance that the predictor leaves; nan for ``lm``.
    dispersion : float
        What the regression multiplies the variances by; 1 for ``rma`` tested by z or t.
    level : float
        Of the interval, a proportion.
    measure : str
        Of the effects.
    k : int
        Number of studies tested.
    ids : tuple of str
        The estimates of the fit.
    warnings : tuple of str
        Cautions, and studies left out.
    """

    test: str
    model: str
    predictor: str
    method: str
    inference: str
    slope: float
    slope_se: float
    statistic: float
    df: float
    p_value: float
    limit: float
    limit_se: float
    limit_ci: Pair
    limit_p: float
    tau2: float
    dispersion: float
    level: float
    measure: str
    k: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return limit and slope as rows: ``estimate, se, statistic, p_value``; full precision."""
        ratio = self.limit / self.limit_se if self.limit_se > 0 else math.nan
        columns = {
            "estimate": [self.limit, self.slope],
            "se": [self.limit_se, self.slope_se],
            "statistic": [ratio, self.statistic],
            "p_value": [self.limit_p, self.p_value],
        }
        return frame(["limit", "slope"], "term", columns)

    def summary(self) -> str:
        """Return the test as text."""
        name = "Egger" if self.test == "egger" else self.test.capitalize()
        models = {
            "lm": "weighted regression with multiplicative dispersion",
            "rma": f"mixed-effects meta-regression, {self.method}",
        }
        symbol, df = ("z", "") if math.isinf(self.df) else ("t", f", df = {self.df:g}")
        rows = {
            "model": models[self.model],
            "predictor": self.predictor,
            "test": f"{symbol} = {self.statistic:.4f}{df}, p {text.p_value(self.p_value)}",
        }
        if not math.isnan(self.limit):
            rows["limit"] = (
                f"{text.number(self.limit)} ({100 * self.level:g}% CI {text.pair(self.limit_ci)})"
            )
        title = f"Regression test for funnel plot asymmetry ({name}, k = {self.k})"
        return block(title, rows, self.warnings)
