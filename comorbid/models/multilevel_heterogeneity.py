"""Heterogeneity by level: what share of the variance of effects lies at each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.mixed_model import common_mean
from comorbid.models.text import share
from comorbid.models.views import Views, frame, frozen

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel

# Degrees of freedom below this are none but for rounding.
_EXACT = 1e-8


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class LevelHeterogeneity(Views):
    """I2 by level; made by `level_heterogeneity`.

    Attributes
    ----------
    names : tuple of str
        The variances.
    i2 : array of shape (n,)
        The percentage of the total variance that each is; nan for a level whose rows the
        coefficients fit exactly.
    total : float
        What all random effects are together; nan where levels of an inner factor have variances
        of their own.
    typical : array of shape (n,)
        The typical sampling variance that each is set against.
    """

    names: tuple[str, ...]
    i2: Array
    total: float
    typical: Array

    def to_frame(self) -> pd.DataFrame:
        """Return ``i2, typical`` by variance."""
        return frame(self.names, "component", {"i2": self.i2, "typical": self.typical})

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers as plain values."""
        arrays = {name: getattr(self, name).tolist() for name in ("i2", "typical")}
        return {"names": list(self.names), "total": self.total, **arrays}

    def summary(self) -> str:
        """Return a line a level."""
        pairs = zip(self.names, self.i2.tolist(), strict=True)
        return "\n".join([f"I^2 {name}: {share(value)}" for name, value in pairs])


def level_heterogeneity(fit: Multilevel) -> LevelHeterogeneity:
    r"""Return what percentage of the variance each random term is, at a typical sampling variance.

    .. math:: I^2_l = 100\,\frac{\sigma_l^2}{\sum_j \sigma_j^2 + \tilde v}, \qquad
       \tilde v = \frac{k - p}{\operatorname{tr} P_0}, \quad
       P_0 = V^{-1} - V^{-1}X(X'V^{-1}X)^{-1}X'V^{-1}

    Where the levels of an inner factor have variances of their own, each is set against the rows
    of that level: the trace over them, and for k - p their number less their part of the trace of
    the hat matrix. Where the coefficients fit all rows of a level exactly it is nan.

    Higgins JPT, Thompson SG (2002). Statistics in Medicine 21:1539-1558. doi:10.1002/sim.1186
    Nakagawa S, Santos ESA (2012). Evolutionary Ecology 26:1253-1274. doi:10.1007/s10682-012-9555-5
    """
    diagonal, hat = common_mean(fit.model)[1:]
    variances = [c for c in fit.components if c.kind == "variance"]
    rows_of = [rows for term in fit.model.terms for rows in _rows(term)]
    common = sum(c.value for c, rows in zip(variances, rows_of, strict=True) if rows is None)
    everywhere = np.ones(fit.k, dtype=bool)
    shares, typical = [], []
    for component, rows in zip(variances, rows_of, strict=True):
        here = everywhere if rows is None else rows
        rest = float(here.sum() - hat[here].sum())
        v = rest / float(diagonal[here].sum()) if rest > _EXACT else math.nan
        own = 0.0 if rows is None else component.value
        shares.append(100 * component.value / (common + own + v))
        typical.append(v)
    several = any(rows is not None for rows in rows_of)
    total = float("nan") if several else float(np.sum(shares))
    return LevelHeterogeneity(
        tuple(c.name for c in variances), frozen(shares), total, frozen(typical)
    )


def _rows(term: Any) -> list[Any]:
    """Return for each variance of a term the rows that have it; None for all."""
    if term.structure.variances == 1:
        return [None]
    return [term.inner == level for level in range(len(term.levels))]
