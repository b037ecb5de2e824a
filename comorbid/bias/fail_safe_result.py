"""Fail-safe N as a result: the number, and what it overturns."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.models import text
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    *("n", "estimate", "tau2", "p_value", "alpha", "target"),
    *("estimate_with", "tau2_with", "p_value_with"),
)


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class FailSafeN(Views):
    """A fail-safe N; made by `fail_safe_n`.

    Attributes
    ----------
    kind : {"rosenthal", "orwin", "rosenberg", "general"}
    n : float
        The smallest number of null studies that overturns the result: 0 if it needs no
        overturning, inf beyond ten million.
    estimate, tau2, p_value : float
        Of the studies found, as this kind sees them; nan where it does not.
    alpha, target : float
        What is to be reached: a p-value above ``alpha``, or an effect no further from 0 than
        ``target``; nan for the other.
    estimate_with, tau2_with, p_value_with : float
        Of the studies found and the n null studies, kind ``general`` only.
    measure, method : str
        Of the effects, and how the fit estimates tau2, which the kind ``general`` needs.
    k : int
        Number of studies found.
    ids : tuple of str
        Their estimates.
    warnings : tuple of str
        Cautions.
    """

    kind: str
    n: float
    estimate: float
    tau2: float
    p_value: float
    alpha: float
    target: float
    estimate_with: float
    tau2_with: float
    p_value_with: float
    measure: str
    method: str
    k: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as one row, named by the kind."""
        columns = {name: [getattr(self, name)] for name in _COLUMNS}
        return frame([self.kind], "kind", columns)

    def summary(self) -> str:
        """Return the number and what it overturns."""
        found = [
            f"{name} {show(value)}"
            for name, value, show in (
                ("estimate", self.estimate, text.number),
                ("p", self.p_value, text.p_value),
            )
            if not math.isnan(value)
        ]
        goal = (
            f"p > {self.alpha:g}"
            if math.isnan(self.target)
            else f"|estimate| <= {text.number(abs(self.target))}"
        )
        number = "more than 10,000,000" if math.isinf(self.n) else f"{self.n:.0f}"
        rows = {"found": ", ".join(found), "to reach": goal, "null studies": number}
        return block(f"Fail-safe N ({self.kind}, k = {self.k})", rows, self.warnings)
