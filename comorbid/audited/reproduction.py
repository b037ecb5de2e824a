"""Checks that what a row prints follows from its own counts, means or correlations."""

from __future__ import annotations

import math
from collections.abc import Container, Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.compute import compute
from comorbid.effects.formula import Formula, Measure
from comorbid.effects.measures import find_measure
from comorbid.effects.scales import SCALES
from comorbid.effects.zeros import Zeros
from comorbid.studies.cells import half_unit
from comorbid.studies.finding import Finding, Repair
from comorbid.studies.published import Rounded, Row, apart, published_rows
from comorbid.studies.table import Studies

APART, RARE = 1.25, 1.6
"""Standard errors further apart than by this factor, beyond their digits, do not fit.

The larger one holds where a count is below 3, or people are fewer than 12, for whom t is far from
z. In simulated 2x2 tables of 20 to 600 people the exact (conditional) interval of an odds ratio is
at most 1.25 times as wide as Woolf's where all counts are 3 or more, and at most 1.55 times
otherwise. A level of 90 or 99 % for 95 is recognised by its own factor.
"""
_FEW, _SMALL = 3, 12
_LEVELS = (0.90, 0.99)
_OF_COUNTS = ("ai", "bi", "ci", "di")
# A standardised difference may be Cohen's d or Hedges' g, and by several standard deviations.
_STANDARDISED = ("SMD", "SMDH", "SMD1", "SMD1H")
_D_FOR_G = 0.1
_TAKEN_FOR = {"OR": "RR", "RR": "OR"}
_FISHER = 3


@dataclass(frozen=True, slots=True)
class Computed:
    """What a row gives by its own input: effect and standard error on the scale of the analysis.

    ``slack`` and ``se_slack`` are how far they may be off because means, standard deviations,
    correlations and times are rounded too; counts are not.
    """

    row: Row
    measure: Measure
    y: float
    se: float
    slack: float
    se_slack: float

    def printed(self, y: float) -> float:
        """Return a value of the analysis as it would be printed."""
        return float(SCALES[self.measure.scale].back(y))

    def prints_as(self, y: float, text: Rounded) -> bool:
        """Return whether a value of the analysis may print so."""
        rounding = 1e-9 * abs(text.value)
        low, high = self.printed(y - self.slack), self.printed(y + self.slack)
        return low <= text.high + rounding and high >= text.low - rounding

    @property
    def source(self) -> str:
        """What it is computed from, in words."""
        if self.measure.columns == _OF_COUNTS:
            return "2x2 counts"
        return ", ".join(self.measure.columns)


def not_reproduced(
    studies: Studies, measures: Mapping[str, Measure], impossible: Container[str]
) -> Iterator[Finding]:
    """Find crude estimates and intervals that do not follow from the row's own input.

    Parameters
    ----------
    studies : Studies
        The table.
    measures : mapping of str to Measure
        The measures that its rows report, by id.
    impossible : container of str
        Rows whose interval is known to be impossible: it is compared again only as one of
        another level.
    """
    for computed in _computed(studies, measures):
        estimate = computed.row.estimate
        if estimate is not None and not computed.prints_as(computed.y, estimate):
            yield _estimate_disagrees(computed, estimate)
        else:
            yield from _precision_not_reproduced(computed, computed.row.id in impossible)


def _computed(studies: Studies, measures: Mapping[str, Measure]) -> Iterator[Computed]:
    """Return the crude rows that have both an estimate and the input to compute it from."""
    rows = published_rows(studies)
    for measure in measures.values():
        numbers = _input(studies, measure)
        if not numbers:
            continue
        y, se, slack, se_slack = _by_input(numbers, measure)
        for i, row in enumerate(rows):
            crude = row.measure == measure.id and not row.is_adjusted
            # With a count of 0 the effect would rest on what is added to it.
            if crude and row.estimate is not None and np.isfinite(y[i]) and _fewest(row) > 0:
                values = (float(column[i]) for column in (y, se, slack, se_slack))
                yield Computed(row, measure, *values)


def _input(studies: Studies, measure: Measure) -> dict[str, Array]:
    """Return the columns of a measure as numbers; none if one of them holds text."""
    columns = {name: studies.arrays[name] for name in measure.columns if name in studies.arrays}
    if any(isinstance(cell, str) for column in columns.values() for cell in column):
        return {}
    return {name: np.asarray(column, dtype=np.float64) for name, column in columns.items()}


def _by_input(numbers: dict[str, Array], measure: Measure) -> tuple[Array, Array, Array, Array]:
    """Return effects, standard errors, and how far each may be off by rounding and method."""
    y, v = compute(measure, numbers, zeros=Zeros())
    se = np.sqrt(v)
    slack = _D_FOR_G * np.abs(y) if measure.id in _STANDARDISED else np.zeros(y.size)
    se_slack = np.zeros(y.size)
    for name, values in numbers.items():
        if name in _OF_COUNTS or name[0] in "nx":
            continue
        half = [0.0 if np.isnan(x) else half_unit(f"{x:.15g}") for x in values]
        y_moved, v_moved = compute(measure, {**numbers, name: values + half}, zeros=Zeros())
        slack = slack + np.abs(y_moved - y)
        se_slack = se_slack + np.abs(np.sqrt(v_moved) - se)
    kinds = measure.effect.vi if isinstance(measure.effect, Formula) else ()
    for kind in kinds:  # of a mean difference also that of a pooled variance
        _, other = compute(measure, numbers, zeros=Zeros(), vtype=kind)
        se_slack = np.fmax(se_slack, np.abs(np.sqrt(other) - se))
    return y, se, slack, se_slack


def _fewest(row: Row) -> float:
    """Return the smallest count that a row's effect rests on; infinite if it rests on none."""
    counts = row.counts
    cells = [] if counts is None else [counts.a, counts.b, counts.c, counts.d]
    cells += [n for name in ("x1i", "x2i", "xi") if (n := row.number(name)) is not None]
    x, n = row.number("xi"), row.number("ni")
    cells += [] if x is None or n is None else [n - x]
    return min(cells, default=math.inf)


def _estimate_disagrees(computed: Computed, estimate: Rounded) -> Finding:
    row, decimals = computed.row, estimate.decimals + 2
    value, inverse = computed.printed(computed.y), computed.printed(-computed.y)
    found = (
        f"{row.label}: the {computed.measure.label} is printed as {estimate.text}, and its"
        f" {computed.source} give {value:.{decimals}f}."
    )
    own = Repair(f"with the {computed.source} of {row.id}", counts=(row.id,))
    found += _of_another_measure(computed, estimate)
    if computed.measure.null == 0 and computed.prints_as(-computed.y, estimate):
        return Finding(
            "reversed-direction",
            "warning",
            (row.id,),
            "An estimate and its own counts have the same group first.",
            f"{found} With the groups exchanged they give {inverse:.{decimals}f}, as printed.",
            "Look in the paper which group the estimate compares with which, and exchange the"
            " groups of the counts or take the inverse of the estimate and its interval.",
            (own,),
        )
    return Finding(
        "counts-disagree",
        "warning",
        (row.id,),
        f"A crude {computed.measure.label} is that of its own {computed.source}, to the digits"
        " printed.",
        found,
        "Compare the counts with the paper; where the estimate is adjusted, say so in the column"
        " adjustment.",
        (own,),
    )


def _of_another_measure(computed: Computed, estimate: Rounded) -> str:
    """Return that the counts give the estimate as the ratio that it is often taken for."""
    counts, other = computed.row.counts, _TAKEN_FOR.get(computed.measure.id)
    if counts is None or other is None:
        return ""
    measure = find_measure(other)
    cells = zip(_OF_COUNTS, (counts.a, counts.b, counts.c, counts.d), strict=True)
    y, _ = compute(measure, {name: np.array([cell]) for name, cell in cells}, zeros=Zeros())
    as_other = replace(computed, measure=measure, y=float(y[0]))
    if not as_other.prints_as(as_other.y, estimate):
        return ""
    value = as_other.printed(as_other.y)
    return f" Their {measure.label} is {value:.{estimate.decimals + 2}f}, as printed."


def _precision_not_reproduced(computed: Computed, known: bool) -> Iterator[Finding]:
    """Find an interval, or a standard error, that is not that of the row's own input."""
    row = computed.row
    if not computed.se > 0 or row.scale is None:
        return
    if row.interval is not None:
        low, high, printed = row.interval.se_narrowest, row.interval.se_widest, row.interval.se
        what = f"{row.level_text} interval {row.interval} means a standard error of"
    elif row.se is not None:
        low, high, printed, what = row.se.low, row.se.high, row.se.value, "standard error is"
    else:
        return
    level = _other_level(computed)
    least, most = computed.se - computed.se_slack, computed.se + computed.se_slack
    small = _fewest(row) < _FEW or (row.people is not None and row.people < _SMALL)
    factor = RARE if small else APART
    near = least <= high * factor and most >= low / factor
    if level is None and (known or near or _is_fishers(row)):
        return
    given, own = apart(printed, computed.se)
    found = f"{row.label}: the {what} {given}, and its {computed.source} give {own}"
    found += f", {computed.se / printed:.2g} times as much." if printed > 0 else "."
    if level is not None:
        found += f" They fit if the interval is one of {100 * level:g} %."
    yield Finding(
        "interval-not-reproduced",
        "warning",
        (row.id,),
        "The interval of a crude estimate is about as wide as its own"
        f" {computed.source} make it: within a factor of {factor:g}.",
        found,
        "Compare the interval, its level and the counts with the paper; where the estimate is"
        " adjusted, or people are clustered or weighted, say so in the column adjustment.",
        (Repair(f"with the {computed.source} of {row.id}", counts=(row.id,)),),
    )


def _is_fishers(row: Row) -> bool:
    """Return whether the interval of a correlation is about the one by Fisher's transformation."""
    n = row.number("ni")
    if row.measure not in ("COR", "UCOR") or row.interval is None or n is None or n <= _FISHER:
        return False
    on_scale, se = replace(row.interval, scale="arctanh"), (n - _FISHER) ** -0.5
    return bool(on_scale.se_narrowest <= se * APART and on_scale.se_widest >= se / APART)


def _other_level(computed: Computed) -> float | None:
    """Return the level at which both ends of an interval are as printed, if not its own."""
    row = computed.row
    if row.interval is None or row.interval.scale != computed.measure.scale:
        return None
    ends = (row.interval.low, row.interval.high)

    def prints(level: float) -> bool:
        half = float(special.ndtri((1 + level) / 2)) * computed.se
        values = (computed.y - half, computed.y + half)
        return all(computed.prints_as(*pair) for pair in zip(values, ends, strict=True))

    if prints(row.interval.level):
        return None
    return next((level for level in _LEVELS if prints(level)), None)
