"""Universes: the fits of a multiverse, how they come out, and which choice moves them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from math import isnan, prod
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Frozen, Index, Mask
from comorbid.effects.scales import SCALES
from comorbid.models import text
from comorbid.models.kernel import Batch
from comorbid.sensitivity.open_choices import Choice, row_of
from comorbid.sensitivity.outcomes import Share, Spread
from comorbid.sensitivity.refitting import NONE_LEFT, ONE_LEFT
from comorbid.sensitivity.rules import Rules
from comorbid.sensitivity.shares import variance_shares

if TYPE_CHECKING:
    import pandas as pd

ALL = "all choices"
QUANTITIES = ("estimate", "ci_low", "ci_high")
COLUMNS = (
    *("estimator", "interval", "source", "rows", "studies included", "combinations", "reason"),
    *(field.name for field in fields(Batch)),
)
SHARE_NAMES = ("average", "lower_limit", "upper_limit")

_LOCKED = (*QUANTITIES, "pi_low", "pi_high", "tau2")
# Quantiles of the specifications that a lock stores.
_STEPS = np.linspace(0, 1, 21)


@dataclass(frozen=True, slots=True, eq=False)
class Multiverse(Frozen):
    """The pool under every combination of choices; made by `multiverse`.

    Attributes
    ----------
    choices : tuple of Choice
        The combinations are those of all their options, the last choice varying fastest.
    batch : Batch
        The fits of the specifications, which all differ in their numbers, estimator or test;
        analysis scale. ``len()`` counts them.
    which : integer array of shape (combinations,)
        Which of them each combination leads to.
    main : int
        Which of them is the main pool.
    null : float
        No association, analysis scale; nan for a measure that has none.
    rules : mapping of str to mapping
        The inclusion rules.
    measure, scale, method, test : str
        Of the main pool.
    level : float
        Of the intervals, a proportion.
    ids : tuple of str
        The estimates pooled in any of them.
    left_out : tuple of str
        What else could be chosen and is not among them.
    warnings : tuple of str
        Those of the main pool.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.14], vi=[0.03, 0.08, 0.02], measure="OR")
    >>> found = cb.multiverse(effects)
    >>> len(found), found.spread().ci_excludes
    (60, 11)
    >>> [(share.choice, round(share.estimate)) for share in found.shares()]
    [('estimator', 1), ('interval', 0), ('studies included', 99)]
    """

    choices: tuple[Choice, ...]
    batch: Batch
    which: Index
    main: int
    null: float
    rules: Rules
    measure: str
    scale: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    left_out: tuple[str, ...]
    warnings: tuple[str, ...]

    def __len__(self) -> int:
        return self.batch.estimate.size

    @property
    def combinations(self) -> int:
        """How many combinations there are, those that lead to the same included."""
        return self.which.size

    @property
    def pooled(self) -> Mask:
        """Which specifications pool at least two studies, of shape (specifications,)."""
        return np.asarray((self.batch.k > 1) & self.batch.complete)

    @property
    def picks(self) -> Index:
        """Which option each combination takes, of shape (choices, combinations)."""
        shape = tuple(len(choice.options) for choice in self.choices)
        return np.indices(shape).reshape(len(shape), -1)

    def taking(self, choice: int, options: Sequence[bool]) -> Mask:
        """Return which specifications one of these options leads to."""
        sizes = [len(other.options) for other in self.choices]
        picked = np.arange(self.combinations) // prod(sizes[choice + 1 :]) % sizes[choice]
        found = np.zeros(len(self), dtype=bool)
        found[self.which[np.asarray(options)[picked]]] = True
        return found

    def spread(self, choice: int | None = None, group: str = "") -> Spread:
        """Return how the specifications come out, or those that one group of options leads to."""
        chosen = self.pooled
        if choice is not None:
            chosen &= self.taking(choice, [name == group for name in self.choices[choice].groups])
        batch = self.batch
        estimate = batch.estimate[chosen]
        low, high = batch.ci_low[chosen], batch.ci_high[chosen]
        pi_low, pi_high = batch.pi_low[chosen], batch.pi_high[chosen]
        ends = np.quantile(estimate, [0, 0.5, 1]) if estimate.size else np.full(3, np.nan)
        lowest, median, highest = ends.tolist()
        above = batch.estimate[self.main] >= self.null
        return Spread(
            n=int(chosen.sum()),
            lowest=lowest,
            median=median,
            highest=highest,
            ci_excludes=int(((low > self.null) | (high < self.null)).sum()),
            with_pi=int(np.isfinite(pi_low).sum()),
            pi_excludes=int(((pi_low > self.null) | (pi_high < self.null)).sum()),
            ci_other_side=int((high < self.null).sum() if above else (low > self.null).sum()),
        )

    def by_option(self) -> tuple[tuple[str, Spread], ...]:
        """Return each group of options, after its choice, and how its specifications come out.

        A choice with one option is left out.
        """
        return tuple(
            (f"{choice.name}: {group}", self.spread(i, group))
            for i, choice in enumerate(self.choices)
            if len(choice.options) > 1
            for group in dict.fromkeys(choice.groups)
        )

    def shares(self) -> tuple[Share, ...]:
        """Return what of the variance goes with each choice that has several options."""
        choices = [choice for choice in self.choices if len(choice.options) > 1]
        sizes = [len(choice.options) for choice in choices]
        weights = (self.pooled / np.bincount(self.which))[self.which].reshape(sizes)
        values = np.array([getattr(self.batch, name)[self.which] for name in QUANTITIES])
        alone, shapley = variance_shares(values.reshape(-1, *sizes), weights)
        columns = 100 * np.concatenate([shapley, alone])
        return tuple(
            Share(choice.name, *column)
            for choice, column in zip(choices, columns.T.tolist(), strict=True)
        )

    def reasons(self) -> tuple[str, ...]:
        """Return for each specification why it is not pooled, or an empty text."""
        few = {0: NONE_LEFT, 1: ONE_LEFT}
        return tuple(
            "" if pooled else few.get(k, "no finite estimate")
            for pooled, k in zip(self.pooled.tolist(), self.batch.k.tolist(), strict=True)
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a specification: the first combination of options that leads to it.

        After a column a choice come ``combinations``, how many lead to it, the columns of refit
        tables, and ``reason``, why it is not pooled, or empty.
        """
        import pandas as pd

        _, first = np.unique(self.which, return_index=True)
        made = {
            choice.name: [choice.options[i] for i in picked]
            for choice, picked in zip(self.choices, self.picks[:, first].tolist(), strict=True)
        }
        count = {"combinations": np.bincount(self.which)}
        return pd.DataFrame({**made, **count, **self.batch.columns(), "reason": self.reasons()})

    def to_dict(self) -> dict[str, Any]:
        """Return choices, settings and how the specifications come out as plain values.

        Of the specifications themselves ``quantiles`` has those at every twentieth part.
        """
        names = ("measure", "method", "test", "level", "combinations")
        own = {"estimate": float(self.batch.estimate[self.main])}
        spread, by_option = self.spread(), self.by_option()
        ends = {"lowest": spread.lowest, "highest": spread.highest}
        columns = {name: getattr(self.batch, name)[self.pooled] for name in _LOCKED}
        return {
            "k": int(self.batch.k[self.main]),
            **{name: getattr(self, name) for name in names},
            "specifications": len(self),
            "duplicates": self.combinations - len(self),
            "not_pooled": len(self) - spread.n,
            "choices": {choice.name: list(choice.options) for choice in self.choices},
            "options": {choice.name: len(choice.options) for choice in self.choices},
            "rows": [len(c.options) for c in self.choices if c.name.startswith(row_of(""))],
            "rules": {n: {c: list(v) for c, v in where.items()} for n, where in self.rules.items()},
            "quantiles": {n: _quantiles(values).tolist() for n, values in columns.items()},
            "own": {**own, "on_scale": self._printed(own)},
            "null": {"value": self.null, "on_scale": self._printed({"value": self.null})},
            "ways": spread.n,
            "ends": {**ends, "on_scale": self._printed(ends)},
            "excluding": {
                "ci": spread.ci_excludes,
                "ci_other_side": spread.ci_other_side,
                "pi": spread.pi_excludes,
                "pi_ways": spread.with_pi,
                "ci_percent": self._excluding(spread.ci_excludes, spread.n),
                "pi_percent": self._excluding(spread.pi_excludes, spread.with_pi),
            },
            "by_option": {
                "labels": [ALL, *(label for label, _ in by_option)],
                **self._columns([spread, *(of_option for _, of_option in by_option)]),
            },
            "shares": self._shares(),
            "ids": list(self.ids),
            "left_out": list(self.left_out),
            "warnings": list(self.warnings),
        }

    def _columns(self, spreads: Sequence[Spread]) -> dict[str, Any]:
        """Return spreads as columns, their estimates also on the printed scale."""
        columns = {name: [getattr(spread, name) for spread in spreads] for name in Spread._fields}
        columns["ways"] = columns.pop("n")
        back = SCALES[self.scale].back
        ends = ("lowest", "median", "highest")
        return {**columns, "on_scale": {name: back(columns[name]).tolist() for name in ends}}

    def _shares(self) -> dict[str, Any]:
        """Return the shares as columns."""
        rows = self.shares()
        names = (f"percent_{name}{alone}" for alone in ("", "_alone") for name in SHARE_NAMES)
        columns = dict(zip(names, np.array([row[1:] for row in rows]).T.tolist(), strict=True))
        return {"labels": [row.choice for row in rows], **columns}

    def _printed(self, values: dict[str, float]) -> dict[str, float]:
        """Return values of the analysis scale on the printed one."""
        back = SCALES[self.scale].back
        return {name: float(back(value)) for name, value in values.items()}

    def _excluding(self, part: int, whole: int) -> float:
        """Return a part that excludes the null as a percentage; nan if there is no null."""
        return float("nan") if isnan(self.null) or not whole else 100 * part / whole

    def summary(self) -> str:
        """Return how the specifications come out as text, on the printed scale."""
        total = self.spread()
        lines = [
            f"{len(self):,} specifications from {self.combinations:,} combinations, "
            f"{len(self) - total.n:,} of fewer than two studies; as {self.measure}"
        ]
        for label, spread in (("all", total), *self.by_option()):
            ends = np.asarray(SCALES[self.scale].back(spread[1:4])).tolist()
            low, middle, high = (text.number(value, 3) for value in ends)
            line = f"  {label}: n = {spread.n:,}, {low} to {high}, median {middle}"
            if not isnan(self.null):
                line += (
                    f"; CI excludes the null in {spread.ci_excludes:,}, PI in "
                    f"{spread.pi_excludes:,} of {spread.with_pi:,}"
                )
            lines.append(line)
        lines.append("Share of the variance of the estimate, lower and upper limit (%):")
        lines += [
            f"  {share.choice}: {', '.join(text.number(part, 1) for part in share[1:4])}"
            for share in self.shares()
        ]
        return "\n".join([*lines, *self.left_out, *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def _quantiles(values: Any) -> Any:
    """Return the quantiles of the values that exist."""
    known = values[np.isfinite(values)]
    return np.quantile(known, _STEPS) if known.size else np.full(_STEPS.size, np.nan)
