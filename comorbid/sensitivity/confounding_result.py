"""Confounding as a result: what a bias leaves of the true effects, and the bias that it takes."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from comorbid.effects.scales import printed
from comorbid.models import text
from comorbid.models.fit import Pair
from comorbid.models.risk_ratios import Outcome
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

Kind = Literal["calibrated", "parametric"]
Tail = Literal["above", "below"]


@dataclass(frozen=True, slots=True)
class Estimated:
    """An estimate with its standard error and (low, high) interval; nan where there is none."""

    estimate: float = math.nan
    se: float = math.nan
    ci: Pair = (math.nan, math.nan)

    def to_dict(self) -> dict[str, Any]:
        """Return the values by name."""
        return {"estimate": self.estimate, "se": self.se, "ci": list(self.ci)}


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ConfoundedMeta(Views):
    """Sensitivity of the true effects to unmeasured confounding; made by `confounded_meta`.

    Attributes
    ----------
    prop : Estimated
        Share of true effects beyond ``q`` after the bias, a proportion.
    tmin : Estimated
        Least bias factor, a risk ratio, that leaves no more than a share ``r`` beyond ``q``; 1 if
        there is no more.
    gmin : Estimated
        Least strength of both associations of a confounder that makes it, a risk ratio.
    q : float
        Threshold, analysis scale.
    r : float
        Share to be reached; nan if none was given.
    mub, sigb : float
        Mean and standard deviation of the log bias factor.
    tail : {"above", "below"}
        Which true effects count.
    kind : {"calibrated", "parametric"}
    outcome : {"common", "rare"}
    n, seed : int
        Data sets drawn, 0 for ``parametric``, and the seed.
    k : int
        Number of studies.
    scale : str
        Of the measure.
    measure, method, test : str
        How the fit was made.
    level : float
        Of the intervals.
    ids : tuple of str
        The effects pooled.
    warnings : tuple of str
        Cautions.
    """

    prop: Estimated
    tmin: Estimated
    gmin: Estimated
    q: float
    r: float
    mub: float
    sigb: float
    tail: Tail
    kind: Kind
    outcome: Outcome
    n: int
    seed: int
    k: int
    scale: str
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def bias_factor(self) -> float:
        """The typical bias factor, a risk ratio."""
        with np.errstate(over="ignore"):
            return float(np.exp(self.mub))

    def to_frame(self) -> pd.DataFrame:
        """Return ``estimate, se, ci_low, ci_high`` of ``prop, tmin, gmin``."""
        found = (self.prop, self.tmin, self.gmin)
        columns = {
            "estimate": [x.estimate for x in found],
            "se": [x.se for x in found],
            "ci_low": [x.ci[0] for x in found],
            "ci_high": [x.ci[1] for x in found],
        }
        return frame(["prop", "tmin", "gmin"], "value", columns)

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain values, shares as percentages and ``q`` as printed too."""
        return {
            **Views.to_dict(self),
            "percent": 100 * self.prop.estimate,
            "percent_ci": [100 * end for end in self.prop.ci],
            "percent_left": 100 * self.r,
            "bias_factor": self.bias_factor,
            "on_scale": printed({"q": self.q}, self.scale),
        }

    def summary(self) -> str:
        """Return the share, and the bias that brings it down."""
        rows = {
            "bias factor": f"{self.bias_factor:.2f} (SD of its log {self.sigb:g})",
            f"share {self.tail} q": _shown(self.prop),
        }
        if not math.isnan(self.r):
            rows[f"bias factor to leave {self.r:g}"] = _shown(self.tmin)
            rows["strength of confounding"] = _shown(self.gmin)
        title = (
            f"True effects {self.tail} {self.q:.4g} under confounding ({self.kind}, k = {self.k})"
        )
        return block(title, rows, self.warnings)


def _shown(value: Estimated) -> str:
    return f"{text.number(value.estimate, 2)} ({text.pair(value.ci, 2)})"
