"""What a row prints, and what its digits allow for: rounded numbers, intervals, counts."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from statistics import NormalDist
from typing import Any

from comorbid.studies.cells import half_unit
from comorbid.studies.scales import SCALE_OF, SCALES
from comorbid.studies.table import Studies


@dataclass(frozen=True, slots=True)
class Rounded:
    """A number as printed, and the range of true values that round to it."""

    text: str

    @property
    def value(self) -> float:
        """The number as printed."""
        return float(self.text)

    @property
    def low(self) -> float:
        """The smallest value that the digits allow."""
        return float(Decimal(self.text) - Decimal(repr(half_unit(self.text))))

    @property
    def high(self) -> float:
        """The largest value that the digits allow."""
        return float(Decimal(self.text) + Decimal(repr(half_unit(self.text))))

    @property
    def decimals(self) -> int:
        """Digits after the point."""
        return max(0, round(-math.log10(2 * half_unit(self.text))))


@dataclass(frozen=True, slots=True)
class Interval:
    """A printed interval; standard errors are on the scale of the analysis."""

    low: Rounded
    high: Rounded
    level: float
    scale: str = "log"

    @property
    def se(self) -> float:
        """The standard error that the printed ends give."""
        return self._se(self.low.value, self.high.value)

    @property
    def se_widest(self) -> float:
        """The largest standard error that the digits allow; infinite for a ratio of maybe 0."""
        return self._se(self.low.low, self.high.high)

    @property
    def se_narrowest(self) -> float:
        """The smallest standard error that the digits allow."""
        return max(0.0, self._se(self.low.high, self.high.low))

    @property
    def printed_middle(self) -> float:
        """The middle of the printed ends on the scale of the analysis, of a ratio the geometric."""
        return self._middle(self.low.value, self.high.value)

    @property
    def middle(self) -> tuple[float, float]:
        """The range of middles that the digits allow."""
        return (
            self._middle(self.low.low, self.high.low),
            self._middle(self.low.high, self.high.high),
        )

    def _middle(self, low: float, high: float) -> float:
        forward, back = SCALES[self.scale]
        ends = forward(low), forward(high)
        return low if math.isinf(ends[0]) else back(sum(ends) / 2)

    def _se(self, low: float, high: float) -> float:
        forward = SCALES[self.scale].forward
        z = NormalDist().inv_cdf((1 + self.level) / 2)
        width = forward(high) - forward(low)
        return math.inf if math.isnan(width) else width / (2 * z)

    def __str__(self) -> str:
        return f"{self.low.text} to {self.high.text}"


@dataclass(frozen=True, slots=True)
class Counts:
    """The four counts of a 2x2 table, as float64 so that their products cannot overflow."""

    a: float
    b: float
    c: float
    d: float

    @property
    def total(self) -> float:
        """All people in the table."""
        return self.a + self.b + self.c + self.d

    @property
    def odds_ratio(self) -> float | None:
        """``ad / bc``, or None with a count of 0."""
        if min(self.a, self.b, self.c, self.d) == 0:
            return None
        return (self.a * self.d) / (self.b * self.c)

    @property
    def se(self) -> float | None:
        """Standard error of the log odds ratio (Woolf 1955), or None with a count of 0."""
        if min(self.a, self.b, self.c, self.d) == 0:
            return None
        return math.sqrt(1 / self.a + 1 / self.b + 1 / self.c + 1 / self.d)


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a table as published; None is missing."""

    id: str
    label: str
    measure: str
    adjustment: str
    estimate: Rounded | None
    interval: Interval | None
    se: Rounded | None
    counts: Counts | None
    n: float | None
    n_analysed: float | None
    cells: Mapping[str, Any]
    """The whole row of ``Studies.arrays``, moderators included."""

    @property
    def scale(self) -> str | None:
        """The scale of the measure, as far as the checks know it."""
        return SCALE_OF.get(self.measure)

    @property
    def is_adjusted(self) -> bool:
        """Whether the row says that its estimate is adjusted."""
        return self.adjustment.casefold().startswith(("adjust", "multivari"))

    @property
    def people(self) -> float | None:
        """The most people that the row may rest on."""
        known = [self.n, self.n_analysed, self.number("ni")]
        known.append(None if self.counts is None else self.counts.total)
        known.append(None if self.groups is None else sum(self.groups))
        return max((number for number in known if number), default=None)

    @property
    def analysed(self) -> float | None:
        """People analysed: ``n_analysed`` where it is given, otherwise ``n``."""
        return self.n if self.n_analysed is None else self.n_analysed

    @property
    def contradicts_n(self) -> bool:
        """Whether the counts do not add up to the people analysed."""
        if self.counts is None or self.analysed is None:
            return False
        return self.counts.total != self.analysed

    @property
    def groups(self) -> tuple[float, float] | None:
        """People in the two groups, from the counts or the columns ``n1i`` and ``n2i``.

        None where a group has nobody.
        """
        if self.counts is not None:
            groups = self.counts.a + self.counts.b, self.counts.c + self.counts.d
            return groups if min(groups) > 0 else None
        return self.pair("n1i", "n2i")

    @property
    def events(self) -> float | None:
        """People with the event in both groups, from the counts."""
        return None if self.counts is None else self.counts.a + self.counts.c

    def pair(self, first: str, second: str) -> tuple[float, float] | None:
        """Return two columns of the row as positive numbers, if it has both."""
        one, two = self.number(first), self.number(second)
        return (one, two) if one and two and min(one, two) > 0 else None

    def number(self, name: str) -> float | None:
        """Return a column of the row as a number, if it holds one."""
        value = self.cells.get(name)
        return None if not isinstance(value, float | int) else _known(float(value))

    @property
    def level_text(self) -> str:
        """The level of the interval in per cent."""
        return "" if self.interval is None else f"{100 * self.interval.level:g} %"


def published_rows(studies: Studies) -> list[Row]:
    """Return every row of a table as published."""
    rows = zip(studies.arrays.records(), studies.digits.records(), strict=True)
    return [_row(row, printed) for row, printed in rows]


def apart(*values: float) -> tuple[str, ...]:
    """Return numbers with as few significant digits, from two up, as tell them apart.

    Examples
    --------
    >>> apart(0.0012178, 0.0440386)
    ('0.0012', '0.044')
    >>> apart(0.04401, 0.04398)
    ('0.04401', '0.04398')
    """
    texts: tuple[str, ...] = ()
    for digits in range(2, 17):
        texts = tuple(f"{value:.{digits}g}" for value in values)
        if len(set(texts)) == len(set(values)):
            break
    return texts


def _row(row: Mapping[str, Any], printed: Mapping[str, str]) -> Row:
    low, high = printed["ci_low"], printed["ci_high"]
    counts = [float(row[name]) for name in ("ai", "bi", "ci", "di")]
    return Row(
        id=row["estimate_id"],
        label=row["label"],
        measure=row["measure"],
        adjustment=row.get("adjustment", ""),
        estimate=Rounded(printed["estimate"]) if printed["estimate"] else None,
        interval=_interval(low, high, row) if low and high else None,
        se=None if math.isnan(row["se"]) else Rounded(repr(float(row["se"]))),
        counts=None if any(map(math.isnan, counts)) else Counts(*counts),
        n=_known(row["n"]),
        n_analysed=_known(row.get("n_analysed", math.nan)),
        cells=row,
    )


def _interval(low: str, high: str, row: Mapping[str, Any]) -> Interval:
    scale = SCALE_OF.get(row["measure"], "identity")
    return Interval(Rounded(low), Rounded(high), row["ci_level"], scale)


def _known(number: float) -> float | None:
    return None if math.isnan(number) else float(number)
