"""Tipping points as results: what would make the interval include no association."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from comorbid.effects.arrays import Array
from comorbid.effects.scales import printed
from comorbid.models import text
from comorbid.models.fit import Pair
from comorbid.models.frames import as_text, labelled
from comorbid.models.recorded import Recorded
from comorbid.models.views import Views, block, frame, plain

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    *("k", "variance", "se", "people", "weight"),
    *("estimate", "ci_low", "ci_high", "tau2"),
)


@dataclass(frozen=True, slots=True)
class NullStudies:
    """Null studies of one size, and the pool with them; nan where none suffices.

    ``k`` of them, inf if not ten thousand suffice; the sampling ``variance`` of one, its
    ``se``, and how many ``people`` it would have if it told as much a person as the median study;
    the percentage ``weight`` that they have together; and of the pool ``estimate, ci_low, ci_high,
    tau2``, analysis scale.
    """

    k: float
    variance: float
    se: float
    people: float
    weight: float
    estimate: float
    ci_low: float
    ci_high: float
    tau2: float

    @property
    def suffices(self) -> bool:
        """Whether such studies can make the interval include the null."""
        return not math.isnan(self.estimate)

    def to_dict(self) -> dict[str, float]:
        """Return the values by name."""
        return asdict(self)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class TippingPoint(Views):
    """The null studies that would make an interval include the null; made by `tipping_point`.

    Attributes
    ----------
    estimate : float
        Of the pool as found, analysis scale.
    ci : (float, float)
        Its interval.
    includes : bool
        Whether it includes the null as it is, so that no study need be added.
    one : NullStudies
        The smallest single null study that suffices.
    typical : NullStudies
        The least number of null studies of the median variance.
    null : float
        What these studies found and what the interval is to include, analysis scale.
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

    estimate: float
    ci: Pair
    includes: bool
    one: NullStudies
    typical: NullStudies
    null: float
    k: int
    scale: str
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``one`` and ``typical`` as rows, in full precision."""
        rows = (self.one, self.typical)
        columns = {name: [getattr(row, name) for row in rows] for name in _COLUMNS}
        return frame(["one", "typical"], "null studies", columns)

    def to_dict(self) -> dict[str, Any]:
        """Return every field as plain values, and the null as printed."""
        return {**Views.to_dict(self), "on_scale": printed({"null": self.null}, self.scale)}

    def summary(self) -> str:
        """Return what it takes."""
        rows = {"as found": f"{text.number(self.estimate)} ({text.pair(self.ci)})"}
        if not self.includes:
            rows["one null study"] = self._one()
            rows["typical null studies"] = self._typical()
        percent = f"{100 * self.level:g}%"
        title = f"Tipping point: {percent} interval to include {self.null:g} (analysis scale)"
        return block(title, rows, self.warnings)

    def _one(self) -> str:
        if not self.one.suffices:
            return "none suffices, however large"
        people = "" if math.isnan(self.one.people) else f", about {self.one.people:,.0f} people"
        weight = text.number(self.one.weight, 1)
        return f"of SE {text.number(self.one.se)}{people}, weight {weight}%"

    def _typical(self) -> str:
        number = f"{self.typical.k:.0f}" if self.typical.suffices else "more than 10,000"
        return f"{number} of SE {text.number(self.typical.se)}"


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
