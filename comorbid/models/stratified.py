"""Stratified: the result of pooling tables by sums over strata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_type
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.effects.zeros import Zeros
from comorbid.models import text
from comorbid.models.counts import Counts
from comorbid.models.fit import Pair, Scaled
from comorbid.models.frames import of_studies
from comorbid.models.kernel import Batch, Test
from comorbid.models.strata import Recipe, Strata

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Stratified:
    """A pooled association from tables of counts, without a between-study variance.

    Attributes
    ----------
    effects : Effects
        Each table's own effect; nan where it has none.
    strata : Strata
        The tables, as refits need them.
    method : str
        ``MH`` or ``PETO``.
    level : float
        Of the intervals, a proportion.
    estimate, se, statistic, p_value : float
        Pooled effect on the analysis scale (log for ratios), its standard error, and its
        two-sided z test against no association.
    ci : (float, float)
        Confidence interval on the analysis scale.
    q, q_p : float
        Weighted squared distances of the single effects from the pooled one, and the p-value on
        ``q_df`` degrees of freedom.
    i2, h2 : float
        Percentage and ratio that follow from Q.
    k, k_yi : int
        Tables pooled, and tables with an effect of their own.
    k_pos : int or None
        Tables that say something about the odds: with events and non-events.
    weights : array of shape (k,)
        Percentages that sum to 100.
    warnings : tuple of str
        What was left out, and what was done about zero cells.
    """

    effects: Effects
    strata: Strata
    method: str
    level: float
    estimate: float
    se: float
    statistic: float
    p_value: float
    ci: Pair
    q: float
    q_p: float
    i2: float
    h2: float
    k: int
    k_yi: int
    k_pos: int | None
    weights: Array
    warnings: tuple[str, ...]

    @property
    def test(self) -> Test:
        """Tests and intervals are normal."""
        return "z"

    @property
    def q_df(self) -> int:
        """Degrees of freedom of Q: one less than the tables whose effects it compares."""
        return max(0, int(np.isfinite(self.strata.compared.whole()[1]).sum()) - 1)

    def refit(self, members: Mask) -> Batch:
        """Pool n selections of the tables, given as a boolean array of shape (k, n)."""
        return self.strata.fit(members)

    def on_scale(self) -> Scaled:
        """Return estimate and interval back-transformed, for ratios as ratios."""
        values = SCALES[self.effects.scale].back([self.estimate, *self.ci]).tolist()
        nothing = (float("nan"), float("nan"))
        return Scaled(self.effects.measure, values[0], (values[1], values[2]), nothing)

    def to_frame(self) -> pd.DataFrame:
        """Return the tables by label: ``estimate, se, ci_low, ci_high, weight``.

        Analysis scale, full precision; the intervals are each table's own, at the fit's level.
        """
        return of_studies(self.effects, self.weights, self.level)

    def to_dict(self) -> dict[str, Any]:
        """Return every number, on the analysis scale and in full precision, and the settings."""
        names = ("estimate", "se", "statistic", "p_value", "q", "q_p", "i2", "h2", "k", "k_yi")
        return {
            "measure": self.effects.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "ids": list(self.effects.ids),
            **{name: getattr(self, name) for name in names},
            "k_pos": self.k_pos,
            "ci_low": self.ci[0],
            "ci_high": self.ci[1],
            "weights": self.weights.tolist(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        name = {"MH": "Mantel-Haenszel method", "PETO": "Peto's method"}[self.method]
        percent = f"{100 * self.level:g}%"
        lines = [
            f"Equal-effects model, {name} (k = {self.k})",
            "",
            f"I^2 {text.share(self.i2)} (from Q)   H^2 {text.number(self.h2, 2)}",
            f"Q(df = {self.q_df}) = {text.number(self.q)}, p {text.p_value(self.q_p)}",
            "",
            "Model results (analysis scale):",
            f"  estimate  {text.number(self.estimate)}",
            f"  se        {text.number(self.se)}",
            f"  statistic {text.number(self.statistic)}",
            f"  p         {text.p_value(self.p_value)}",
            f"  {percent} CI    {text.pair(self.ci)}",
        ]
        if self.effects.scale != "identity":
            scaled = self.on_scale()
            lines += [
                "",
                f"As {'OR' if self.method == 'PETO' else scaled.measure}: "
                f"{text.number(scaled.estimate, 2)} "
                f"({percent} CI {text.pair(scaled.ci, 2)})",
            ]
        return "\n".join([*lines, *self._tests(), *(f"Note: {note}" for note in self.warnings)])

    def _tests(self) -> list[str]:
        """Return the lines of further tests."""
        return []

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def stratified(
    counts: Counts,
    recipe: Recipe,
    *,
    method: str,
    zeros: Zeros,
    pooled_zeros: Zeros,
    level: float,
) -> dict[str, Any]:
    """Pool the tables; return the fields of a `Stratified` result but ``k_pos``."""
    for name, value_ in (("zeros", zeros), ("pooled_zeros", pooled_zeros)):
        check_type(name, value_, Zeros, "give Zeros(add=, to=, drop00=)")
    strata = Strata.of(counts, recipe, zeros, pooled_zeros, level)
    batch = strata.fit(np.ones((counts.k, 1), dtype=bool))
    value = {name: float(column[0]) for name, column in batch.columns().items()}
    yi, vi = strata.single.whole()
    names = ("estimate", "se", "statistic", "p_value", "q", "q_p", "i2", "h2")
    return {
        "effects": _as_effects(counts, yi, vi),
        "strata": strata,
        "method": method,
        "level": level,
        **{name: value[name] for name in names},
        "ci": (value["ci_low"], value["ci_high"]),
        "k": int(value["k"]),
        "k_yi": int(np.isfinite(vi).sum()),
        "weights": strata.weights(),
        "warnings": (
            *counts.warnings,
            *_zero_notes(counts, zeros, pooled_zeros),
            *(() if value["se"] > 0 else ("the tables do not determine the pooled effect",)),
        ),
    }


def _as_effects(counts: Counts, yi: Array, vi: Array) -> Effects:
    return Effects(
        yi=yi,
        vi=vi,
        labels=counts.labels,
        measure=counts.measure.id,
        scale=counts.measure.scale,
        ids=counts.ids,
        studies=counts.studies,
        source=("counts",) * counts.k,
        moderators=counts.moderators,
        warnings=counts.warnings,
        ni=counts.sizes,
    )


_WHERE = {
    "only0": "their cells",
    "all": "the cells of all tables",
    "if0all": "the cells of all tables",
}


def _zero_notes(counts: Counts, zeros: Zeros, pooled_zeros: Zeros) -> tuple[str, ...]:
    """Say how many tables have zero cells, and what was done about them."""
    number = int(counts.zero.sum())
    if not number:
        return ()
    treated = []
    for use, how in (("in their own effects", zeros), ("in the pooling", pooled_zeros)):
        add = 0.5 if how.add is None else how.add
        unchanged = add == 0 or how.to == "none"
        what = "nothing is added" if unchanged else f"{add:g} is added to {_WHERE[how.to]}"
        dropped = ", tables without events in both groups are left out"
        treated.append(f"{use} {what}{dropped if how.drop00 == 'yes' else ''}")
    tables = "1 table has a zero cell" if number == 1 else f"{number} tables have a zero cell"
    return (f"{tables}: {'; '.join(treated)}",)
