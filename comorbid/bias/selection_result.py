"""Selection models as results: what was estimated, and how the maximum was found."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.bias.views import Views, block, frame
from comorbid.bias.weight_functions import WEIGHT_FUNCTIONS
from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.models import text
from comorbid.models.fit import Pair

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SelectionModel(Views):
    """A selection model; made by `selection_model`.

    Attributes
    ----------
    kind, alternative : str
    steps : tuple of float
        Cuts of the p-value, the last 1; or the one threshold of a smooth kind, if any.
    counts : tuple of int
        Of kind ``step``: how many results fall in each.
    estimate, se, statistic, p_value : float
        Mean effect before selection (analysis scale), its standard error and normal test.
    ci : (float, float)
        Its confidence interval.
    tau2, tau2_se : float
        Between-study variance before selection.
    delta, delta_se, delta_p : tuple of float
        Parameters of the weight function, of kind ``step`` the weight of each step, the first 1;
        and the normal test that each has the value of no selection. Standard errors are nan
        where a parameter is fixed or at a bound.
    log_likelihood : float
    lrt, lrt_df, lrt_p : float, int, float
        Likelihood-ratio test against the model without selection, on as many degrees of freedom
        as there are estimated deltas; the p-value is nan if there is none.
    unselected : (float, float)
        Estimate and tau2 of that model.
    gradient : float
        Length of the gradient at the maximum, each parameter in its standard error.
    starts, agreeing : int
        From how many points the maximum was searched, and how many came to it.
    maxima : tuple of (float, float)
        Log-likelihood and estimate of every maximum found, the highest, which is reported, first.
    level : float
        Of the interval, a proportion.
    measure, scale, method : str
        Of the effects; ``method`` is ML, or EE where tau2 is fixed at 0.
    k : int
        Number of studies.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Parameters at bounds, empty steps, several maxima.
    """

    kind: str
    alternative: str
    steps: tuple[float, ...]
    counts: tuple[int, ...]
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Pair
    tau2: float
    tau2_se: float
    delta: tuple[float, ...]
    delta_se: tuple[float, ...]
    delta_p: tuple[float, ...]
    log_likelihood: float
    lrt: float
    lrt_df: int
    lrt_p: float
    unselected: Pair
    gradient: float
    starts: int
    agreeing: int
    maxima: tuple[Pair, ...]
    level: float
    measure: str
    scale: str
    method: str
    k: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def weight(self, p: Array) -> Array:
        """Return how likely results with these p-values are published, relative to each other."""
        p = np.asarray(p, dtype=np.float64)
        delta = np.array(self.delta)
        if self.kind == "step":
            return np.asarray(delta[np.searchsorted(self.steps, p, side="left")])
        function = WEIGHT_FUNCTIONS[self.kind]
        near = np.clip(p.ravel(), function.nearest, 1 - function.nearest)
        weight = np.exp(function.log_weight(near, delta[:, None])[0][:, 0]).reshape(p.shape)
        return np.where(p > self.steps[0], weight, 1.0) if self.steps else np.asarray(weight)

    def to_frame(self) -> pd.DataFrame:
        """Return ``estimate, se, p_value`` of ``mu, tau2, delta1, ...``; full precision."""
        names = ["mu", "tau2", *(f"delta{i + 1}" for i in range(len(self.delta)))]
        columns = {
            "estimate": [self.estimate, self.tau2, *self.delta],
            "se": [self.se, self.tau2_se, *self.delta_se],
            "p_value": [self.p_value, math.nan, *self.delta_p],
        }
        return frame(names, "parameter", columns)

    def summary(self) -> str:
        """Return the model as text."""
        digits = 4 if self.scale == "identity" else 2
        back = SCALES[self.scale].back
        low, high = np.asarray(back(self.ci)).tolist()
        rows = {
            "estimate": f"{text.number(self.estimate)} (SE {text.number(self.se)}), analysis scale",
            f"as {self.measure}": f"{text.number(float(back(self.estimate)), digits)} "
            f"({100 * self.level:g}% CI {text.pair((low, high), digits)}); without selection "
            f"{text.number(float(back(self.unselected[0])), digits)}",
            "tau^2": f"{text.number(self.tau2)}; without selection "
            f"{text.number(self.unselected[1])}",
        }
        for i, (value, se) in enumerate(zip(self.delta, self.delta_se, strict=True)):
            rows[self._delta_name(i)] = f"{text.number(value)} (SE {text.number(se)})"
        if self.lrt_df:
            rows["LRT"] = f"{self.lrt:.4f} on {self.lrt_df} df, p {text.p_value(self.lrt_p)}"
        rows["search"] = (
            f"{self.agreeing} of {self.starts} starts came to this maximum; gradient "
            f"{self.gradient:.1e}"
        )
        title = f"Selection model ({self.kind}, {self.alternative}; {self.method}, k = {self.k})"
        return block(title, rows, self.warnings)

    def _delta_name(self, i: int) -> str:
        if self.kind != "step":
            return f"delta{i + 1}"
        return f"p {self.steps[i - 1] if i else 0:g}-{self.steps[i]:g} ({self.counts[i]})"
