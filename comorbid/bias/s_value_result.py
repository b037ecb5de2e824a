"""S-values as a result: the selection that explains an effect away, and what the worst leaves."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.scales import printed
from comorbid.models import text
from comorbid.models.fit import Pair
from comorbid.models.views import Views, block

if TYPE_CHECKING:
    import pandas as pd

Favor = Literal["positive", "negative"]
Model = Literal["robust", "fixed"]
_COLUMNS = ("corrected", "se", "df", "p_value", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class SValue(Views):
    """S-values of a pooled effect; made by `s_value`.

    Attributes
    ----------
    estimate, limit : float
        How many times as likely to be published affirmative studies would have to be to bring the
        pooled effect, or the nearer end of its interval, to ``q``: 1 if it is there, inf if no
        ratio up to a million brings it there, nan where such a selection cannot be seen.
    q : float
        The value to be reached, analysis scale.
    selection_ratio : array of shape (n,)
        1, those asked for, and inf, the worst case.
    corrected, se, df, p_value, ci_low, ci_high : arrays of shape (n,)
        The pooled effect for each of them, its standard error and degrees of freedom, test against
        ``q`` and interval; analysis scale, nan where it does not exist.
    labels : tuple of str
        The studies.
    affirmative : boolean array of shape (k,)
        Which are significant in the favoured direction.
    clusters : int
        Number of clusters of dependent effects.
    favor : {"positive", "negative"}
    alpha : float
    model : {"robust", "fixed"}
    tau2 : float
        Between-study variance in the weights.
    scale : str
        Of the measure.
    measure, method : str
        Of the effects, and how tau2 was estimated.
    level : float
        Of the intervals.
    ids : tuple of str
        The effects pooled.
    warnings : tuple of str
        Cautions.
    """

    estimate: float
    limit: float
    q: float
    selection_ratio: Array
    corrected: Array
    se: Array
    df: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    labels: tuple[str, ...]
    affirmative: Mask
    clusters: int
    favor: Favor
    alpha: float
    model: Model
    tau2: float
    scale: str
    measure: str
    method: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def k_affirmative(self) -> int:
        """Number of affirmative studies."""
        return int(self.affirmative.sum())

    @property
    def k_nonaffirmative(self) -> int:
        """Number of the others."""
        return len(self.labels) - self.k_affirmative

    @property
    def worst(self) -> tuple[float, Pair]:
        """The pooled effect of the studies that are not affirmative, and its interval."""
        return float(self.corrected[-1]), (float(self.ci_low[-1]), float(self.ci_high[-1]))

    def to_frame(self) -> pd.DataFrame:
        """Return ``corrected, se, df, p_value, ci_low, ci_high`` by selection ratio."""
        import pandas as pd

        index = pd.Index(self.selection_ratio, name="selection_ratio")
        return pd.DataFrame({name: getattr(self, name) for name in _COLUMNS}, index=index)

    def to_dict(self) -> dict[str, Any]:
        """Return every field and the numbers of studies as plain values, also as printed."""
        values = {name: getattr(self, name) for name in ("corrected", "ci_low", "ci_high", "q")}
        return {
            **Views.to_dict(self),
            "k_affirmative": self.k_affirmative,
            "k_nonaffirmative": self.k_nonaffirmative,
            "on_scale": printed(values, self.scale),
        }

    def summary(self) -> str:
        """Return the S-values and the worst case."""
        estimate, ci = self.worst
        rows = {
            "studies": f"{self.k_affirmative} affirmative, {self.k_nonaffirmative} not",
            "S-value": _ratio(self.estimate),
            "of the limit": _ratio(self.limit),
            "worst case": f"{text.number(estimate)} ({100 * self.level:g}% CI {text.pair(ci)})",
        }
        title = f"S-value, to bring the {self.measure} to {self.q:g} ({self.model}; analysis scale)"
        return block(title, rows, self.warnings)


def _ratio(value: float) -> str:
    return "no selection suffices" if math.isinf(value) else text.number(value, 2)
