"""Tipping points as results: what would make the interval include no association."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.scales import printed
from comorbid.models import text
from comorbid.models.frames import as_text, labelled
from comorbid.models.recorded import Recorded
from comorbid.models.views import Views, block, frame, plain

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("number", "variance", "se", "n", "weight", "estimate", "ci_low", "ci_high", "tau2")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TippingPoint(Views):
    """The null studies that would make an interval include the null; made by `tipping_point`.

    Attributes
    ----------
    labels : tuple of str
        ``as found``, ``one null study``, ``typical null studies``: a row each below.
    number : array of shape (3,)
        Null studies added: 0, 1, and the least number of studies of the median variance that
        suffices, inf if not ten thousand do.
    variance, se, n : arrays of shape (3,)
        Of one of them: sampling variance, standard error, and people if it tells as much a person
        as the median study; nan where no size suffices or is known. The one null study is the
        smallest that suffices.
    weight : array of shape (3,)
        Percentage of the weight that they have together.
    estimate, ci_low, ci_high, tau2 : arrays of shape (3,)
        The pool with them, analysis scale; nan where none suffices.
    null : float
        What these studies found and what the interval is to include, analysis scale.
    includes : bool
        Whether it includes it as found, so that nothing need be added.
    k : int
        Number of studies found.
    scale : str
        Of the measure.
    measure, method, test : str
        How all pools are fitted.
    level : float
        Of the intervals.
    ids : tuple of str
        The effects pooled.
    warnings : tuple of str
        Those of the fit.
    """

    labels: tuple[str, ...]
    number: Array
    variance: Array
    se: Array
    n: Array
    weight: Array
    estimate: Array
    ci_low: Array
    ci_high: Array
    tau2: Array
    null: float
    includes: bool
    k: int
    scale: str
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the rows by label, analysis scale and in full precision."""
        return frame(self.labels, "pool", {name: getattr(self, name) for name in _COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain values, and the pools as printed."""
        names = ("estimate", "ci_low", "ci_high", "null")
        values = {name: getattr(self, name) for name in names}
        return {**Views.to_dict(self), "on_scale": printed(values, self.scale)}

    def summary(self) -> str:
        """Return what it takes."""
        rows = {"as found": self._pool(0)}
        if not self.includes:
            rows["one null study"] = self._one()
            rows["typical null studies"] = self._typical()
        percent = f"{100 * self.level:g}%"
        title = f"Tipping point: {percent} interval to include {self.null:g} (analysis scale)"
        return block(title, rows, self.warnings)

    def _one(self) -> str:
        if math.isnan(self.variance[1]):
            return "none suffices, however large"
        size = "" if math.isnan(self.n[1]) else f", about {self.n[1]:,.0f} people"
        return f"of SE {text.number(self.se[1])}{size}, weight {text.number(self.weight[1], 1)}%"

    def _typical(self) -> str:
        of = f"of SE {text.number(self.se[2])}"
        return (
            f"more than 10,000 {of}" if np.isinf(self.number[2]) else f"{self.number[2]:.0f} {of}"
        )

    def _pool(self, row: int) -> str:
        ends = float(self.ci_low[row]), float(self.ci_high[row])
        return f"{text.number(float(self.estimate[row]))} ({text.pair(ends)})"


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class TippingStudies(Recorded, Views):
    """How each study would have to change for the interval to include the null.

    Made by `tipping_studies`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    yi, tipping : arrays of shape (k,)
        What each found, and what it would have to have found, the others unchanged; analysis
        scale, nan where nothing suffices.
    moved : array of shape (k,)
        Their distance in its standard errors.
    null : float
        What the interval is to include, analysis scale.
    scale : str
        Of the measure.
    """

    labels: tuple[str, ...]
    yi: Array
    tipping: Array
    moved: Array
    null: float
    scale: str

    def to_frame(self) -> pd.DataFrame:
        """Return ``yi, tipping, moved`` by label, in full precision."""
        return labelled(self.labels, {"yi": self.yi, "tipping": self.tipping, "moved": self.moved})

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain values, and the effects as printed."""
        names = ("labels", "yi", "tipping", "moved", "null")
        values = {name: plain(getattr(self, name)) for name in names}
        effects = {name: getattr(self, name) for name in ("yi", "tipping")}
        return {**self.made(), **values, "on_scale": printed(effects, self.scale)}

    def summary(self) -> str:
        """Return the table as text."""
        head = f"Effect of each study at which the interval includes {self.null:g} (analysis scale)"
        return f"{head}\n{as_text(self.to_frame())}"
