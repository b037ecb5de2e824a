"""Strata: sums over tables, from which pooled effects follow; many selections at once."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, cast

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.formula import Formula
from comorbid.effects.zeros import Zeros
from comorbid.models.counts import Adjusted, Counts
from comorbid.models.kernel import Batch

Pairs = tuple[Array, Array]


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one measure is pooled from tables, given as arrays of shape (4, k).

    ``terms(values)`` is what each table adds to the sums over tables, of shape (t, k);
    ``combine(sums) -> (estimate, variance)`` the pooled effect, from sums of shape (t, n) both of
    shape (n,). Row ``weight`` of the terms is each table's weight. ``q_from`` says how zero cells
    are treated in the effects that are compared with the pooled one: as in single effects, or as
    in the pooling.
    """

    terms: Callable[[Array], Array]
    combine: Callable[[Array], Pairs]
    weight: int
    q_from: Literal["single", "pooled"] = "single"


@dataclass(frozen=True, slots=True, eq=False)
class Singles:
    """The tables' own effects, yi and vi of shape (k,), as `Adjusted` has the tables."""

    plain: Pairs
    added: Pairs
    trigger: Mask

    def whole(self) -> Pairs:
        """Return the effects as the selection of all sees them."""
        return self.added if self.trigger.any() else self.plain


@dataclass(frozen=True, slots=True, eq=False)
class Strata:
    """Tables with the recipe that pools them: all that a fit or a refit needs.

    ``single`` are the tables' own effects, ``compared`` those that Q is computed from, ``pooled``
    the tables that are summed.
    """

    recipe: Recipe
    single: Singles
    compared: Singles
    pooled: Adjusted
    level: float

    @classmethod
    def of(
        cls, counts: Counts, recipe: Recipe, zeros: Zeros, pooled_zeros: Zeros, level: float
    ) -> Strata:
        """Treat the zero cells of the tables, for their own effects and for the pooling."""
        pooled = counts.adjusted(pooled_zeros)
        single = _singles(counts, zeros)
        compared = single if recipe.q_from == "single" else _singles(counts, pooled_zeros)
        return cls(recipe, single, compared, pooled, level)

    def fit(self, members: Mask) -> Batch:
        """Pool n selections of the tables, given as a boolean array of shape (k, n)."""
        selected = members & self.pooled.kept[:, None]
        with np.errstate(divide="ignore", invalid="ignore"):
            estimate, variance = self.recipe.combine(self._sums(members))
            exists = np.isfinite(estimate) & np.isfinite(variance) & (variance > 0)
            estimate = np.where(exists, estimate, np.nan)
            se = np.sqrt(np.where(exists, variance, np.nan))
            return self._inferred(estimate, se, members, selected.sum(axis=0))

    def weights(self) -> Array:
        """Return each table's weight, percentages that sum to 100; nan where there are none."""
        weights = np.nan_to_num(self.recipe.terms(self.pooled.whole())[self.recipe.weight])
        total = weights.sum()
        shares = 100 * weights / total if total > 0 else np.full(weights.size, np.nan)
        shares.flags.writeable = False
        return shares

    def _sums(self, members: Mask) -> Array:
        """Return the sums over the member tables, of shape (t, n)."""
        member = members.astype(np.float64)
        sums = np.nan_to_num(self.recipe.terms(self.pooled.plain)) @ member
        hit = self.pooled.triggered(members)
        if hit.any():
            added = np.nan_to_num(self.recipe.terms(self.pooled.added)) @ member
            sums = np.where(hit, added, sums)
        return sums

    def _heterogeneity(self, estimate: Array, members: Mask) -> Pairs:
        """Return Q of the tables' effects around the pooled ones, and its degrees of freedom."""
        yi, vi = (x[:, None] for x in self.compared.plain)
        hit = (members & self.compared.trigger[:, None]).any(axis=0)
        if hit.any():
            yi, vi = (
                np.where(hit, added[:, None], plain)
                for added, plain in zip(self.compared.added, (yi, vi), strict=True)
            )
        used = members & np.isfinite(vi)
        q = np.where(used, (yi - estimate) ** 2 / vi, 0.0).sum(axis=0)
        return np.asarray(q), used.sum(axis=0) - 1.0

    def _inferred(self, estimate: Array, se: Array, members: Mask, k: Array) -> Batch:
        half = special.ndtri((1 + self.level) / 2) * se
        q, df = self._heterogeneity(estimate, members)
        tested = (df > 0) & np.isfinite(estimate)
        df = np.where(tested, df, np.nan)
        nothing = np.full(k.size, np.nan)
        i2 = np.where(q > 0, np.maximum(0.0, 100 * (1 - df / q)), 0.0)
        return Batch(
            estimate=estimate,
            se=se,
            statistic=estimate / se,
            p_value=2 * special.ndtr(-np.abs(estimate / se)),
            ci_low=estimate - half,
            ci_high=estimate + half,
            pi_low=nothing,
            pi_high=nothing,
            tau2=np.where((k > 1) & np.isfinite(estimate), 0.0, np.nan),
            i2=np.where(tested, i2, np.nan),
            h2=q / df,
            q=np.where(tested, q, np.nan),
            # with no degrees of freedom there is no test, whatever SciPy makes of nan
            q_p=np.where(df > 0, special.chdtrc(df, q), np.nan),
            k=k,
        )


def _singles(counts: Counts, zeros: Zeros) -> Singles:
    """Return the tables' own effects; nan where one has no effect with a positive variance."""
    adjusted = counts.adjusted(zeros)
    formula = cast("Formula[Any]", counts.measure.effect)

    def effects(values: Array) -> Pairs:
        rows = dict(zip(formula.inputs[0], values, strict=True))
        yi, vi = formula.compute(rows, zeros=Zeros(to="none"))
        exists = np.isfinite(yi) & np.isfinite(vi) & (vi > 0)
        return np.where(exists, yi, np.nan), np.where(exists, vi, np.nan)

    return Singles(effects(adjusted.plain), effects(adjusted.added), adjusted.trigger)
