"""Rounding result: the ranges that the rounding of published numbers leaves open."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comorbid.effects.scales import SCALES, printed
from comorbid.models import text
from comorbid.models.fitted import Pair

if TYPE_CHECKING:
    import pandas as pd

LABELS = {
    "estimate": "average",
    "ci_low": "confidence interval, lower end",
    "ci_high": "confidence interval, upper end",
    "pi_low": "prediction interval, lower end",
    "pi_high": "prediction interval, upper end",
}
QUANTITIES = (*LABELS, "tau2", "i2")

# What the parts of a range are called in a lock, as in the heads of a report's table.
_PARTS = ("as_printed", "low_95_of_draws", "high_95_of_draws", "low_all_draws", "high_all_draws")


class Range(NamedTuple):
    """A quantity as the printed numbers give it, and over all draws of what they may stand for.

    ``low, high`` hold 95 % of the draws, ``lowest, highest`` all of them.
    """

    value: float
    low: float
    high: float
    lowest: float
    highest: float


class OfStudy(NamedTuple):
    """The pooled effect where the digits of one study alone are drawn.

    ``printed`` is what they are; ``low, high`` hold 95 % of the draws, analysis scale; ``percent``
    is the share of its variance in the sum of those of all studies.
    """

    label: str
    printed: str
    low: float
    high: float
    percent: float


@dataclass(frozen=True, slots=True, eq=False)
class Rounding:
    """What rounding alone does to a pool; made by `rounding`.

    Attributes
    ----------
    ranges : dict of str to Range
        Of ``estimate, ci_low, ci_high, pi_low, pi_high, tau2, i2``; analysis scale, i2 a
        percentage; nan where there is no such quantity.
    bounds : (float, float)
        Between which the estimate lies for certain; nan where only draws can tell.
    bounds_of : str
        Why it does: ``common effect``, ``fixed tau2`` or ``weights of the analyst``; or empty.
    studies : tuple of OfStudy
        One a study whose effect is from printed numbers, in the order of the fit.
    conclusion : str
        Whether the interval of the fit ``excludes`` or ``includes`` no association; empty for a
        measure without it.
    changed : int
        In how many draws it does the other, or excludes it on the other side.
    null : float
        No association, analysis scale.
    n, seed : int
        Draws, and the seed.
    measure, scale, method, test : str
        Of the fit.
    level : float
        Of its intervals, a proportion.
    ids : tuple of str
        The estimates pooled.
    warnings : tuple of str
        What is known of the digits; and those of the fit.
    """

    ranges: dict[str, Range]
    bounds: Pair
    bounds_of: str
    studies: tuple[OfStudy, ...]
    conclusion: str
    changed: int
    null: float
    n: int
    seed: int
    measure: str
    scale: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a quantity: ``value, low, high, lowest, highest``; analysis scale."""
        import pandas as pd

        return pd.DataFrame.from_dict(self.ranges, orient="index", columns=list(Range._fields))

    def to_dict(self) -> dict[str, Any]:
        """Return ranges, settings and the part of each study as plain values."""
        names = ("measure", "method", "test", "level", "seed", "conclusion", "changed")
        rows = np.array([self.ranges[name] for name in LABELS]).T.tolist()
        columns_of_effects = dict(zip(_PARTS, rows, strict=True))
        bounds = dict(zip(("low", "high"), self.bounds, strict=True))
        columns = {name: [getattr(of, name) for of in self.studies] for name in OfStudy._fields[1:]}
        ends = {name: columns[name] for name in ("low", "high")}
        return {
            "k": len(self.ids),
            **{name: getattr(self, name) for name in names},
            "draws": self.n,
            "studies_rounded": len(self.studies),
            "studies_exact": len(self.ids) - len(self.studies),
            "changed_percent": 100 * self.changed / self.n,
            "on_scale": printed({"null": self.null}, self.scale),
            **{
                f"{name}_{part}": value
                for name in ("tau2", "i2")
                for part, value in zip(_PARTS, self.ranges[name], strict=True)
            },
            "effects": {
                "labels": list(LABELS.values()),
                **columns_of_effects,
                "on_scale": printed(columns_of_effects, self.scale),
            },
            "bounds": {**bounds, "of": self.bounds_of, "on_scale": printed(bounds, self.scale)},
            "studies": {
                "labels": [of.label for of in self.studies],
                **columns,
                "on_scale": printed(ends, self.scale),
            },
            "ids": list(self.ids),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the ranges as text, on the printed scale."""
        back = SCALES[self.scale].back
        lines = [
            f"{self.n:,} draws of what the printed numbers of {len(self.studies)} of "
            f"{len(self.ids)} studies may stand for ({self.method}, "
            f"{text.TEST_NAMES[self.test]}); as {self.measure}",
            f"{'':<10}{'printed':>10}{'95 % of draws':>22}{'all draws':>22}",
        ]
        for name, row in self.ranges.items():
            value, low, high, least, most = np.asarray(back(row) if name in LABELS else row)
            lines.append(
                f"{name:<10}{text.number(value):>10}{text.pair((low, high)):>22}"
                f"{text.pair((least, most)):>22}"
            )
        if self.bounds_of:
            ends = back(self.bounds).tolist()
            lines.append(f"estimate within {text.pair(ends)} for certain: {self.bounds_of}")
        if self.conclusion:
            lines.append(
                f"the interval {self.conclusion} the null; otherwise in {self.changed:,} draws"
            )
        lines += [
            f"{of.label}, {of.printed}: {text.number(of.percent, 1)} %" for of in self.studies
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())
