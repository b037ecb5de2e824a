"""Selection models as results: what was estimated, and how the maximum was found."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from comorbid.bias.selection_grid import SelectionGrid, StepGrid
from comorbid.bias.selection_search import Selection
from comorbid.bias.weight_functions import WEIGHT_FUNCTIONS
from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.views import Views, block, frame

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


def as_model(
    fit: Fit,
    kind: str,
    cuts: tuple[float, ...],
    alternative: str,
    grid: SelectionGrid,
    found: Selection,
    free: int,
) -> SelectionModel:
    """Return what a search found as a result, with what speaks against relying on it."""
    sign = -1.0 if alternative == "less" else 1.0
    estimate, se = sign * float(found.point[0]), float(found.se[0])
    half = float(special.ndtri((1 + fit.level) / 2)) * se
    lrt = max(0.0, 2 * (found.log_likelihood - found.unselected))
    counts = tuple(grid.count.astype(int).tolist()) if isinstance(grid, StepGrid) else ()
    maxima = tuple((value, sign * mu) for value, mu in found.maxima)
    return SelectionModel(
        kind=kind,
        alternative=alternative,
        steps=cuts,
        counts=counts,
        estimate=estimate,
        se=se,
        statistic=estimate / se,
        p_value=2 * float(special.ndtr(-abs(estimate / se))),
        ci=(estimate - half, estimate + half),
        tau2=float(found.point[1]),
        tau2_se=float(found.se[1]),
        **_delta(found, kind),
        log_likelihood=found.log_likelihood,
        lrt=lrt,
        lrt_df=free,
        lrt_p=float(special.chdtrc(free, lrt)) if free else math.nan,
        unselected=(sign * found.unselected_point[0], found.unselected_point[1]),
        gradient=found.gradient,
        starts=found.starts,
        agreeing=found.agreeing,
        maxima=maxima,
        level=fit.level,
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method="EE" if fit.method == "EE" else "ML",
        k=fit.k,
        ids=fit.effects.ids,
        warnings=(
            *fit.effects.warnings,
            *_empty_notes(cuts, counts),
            *_bound_notes(found, kind),
            *_maxima_notes(maxima),
        ),
    )


def _delta(found: Selection, kind: str) -> dict[str, tuple[float, ...]]:
    """Return the parameters of the weight function, with the first step's weight of 1."""
    null = 1.0 if kind == "step" else WEIGHT_FUNCTIONS[kind].null
    value, se = found.point[2:], found.se[2:]
    p_value = 2 * special.ndtr(-np.abs(value - null) / se)
    first, unknown = ((1.0,), (math.nan,)) if kind == "step" else ((), ())
    return {
        "delta": (*first, *value.tolist()),
        "delta_se": (*unknown, *se.tolist()),
        "delta_p": (*unknown, *p_value.tolist()),
    }


def _empty_notes(cuts: tuple[float, ...], counts: Sequence[int]) -> list[str]:
    starts = (0.0, *cuts)
    return [
        f"no result has a p-value from {starts[i]:g} to {cuts[i]:g}: its weight cannot be "
        "estimated; join it with a neighbour"
        for i, count in enumerate(counts)
        if count == 0
    ]


def _bound_notes(found: Selection, kind: str) -> list[str]:
    first = 2 if kind == "step" else 1
    names = ["tau2", *(f"delta{i + first}" for i in range(found.point.size - 2))]
    values = found.point[1:].tolist()
    return [
        f"{name} is at its bound, {value:g}: it has no standard error, and those of the others "
        "take it as known"
        for name, value, bound in zip(names, values, found.at_bound[1:], strict=True)
        if bound
    ]


def _maxima_notes(maxima: Sequence[Pair]) -> list[str]:
    if len(maxima) == 1:
        return []
    (best, _), (second, mu) = maxima[:2]
    return [
        f"the likelihood has {len(maxima)} maxima; the next is {best - second:.3g} lower, at an "
        f"estimate of {mu:.4g}"
    ]
