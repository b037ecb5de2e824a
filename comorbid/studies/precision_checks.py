"""Checks of precision: smaller than the people of a row allow, or printed in two ways."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

from comorbid.studies.bounds import Bound, bounds
from comorbid.studies.finding import Finding, Repair, Severity
from comorbid.studies.published import Row, apart

_RATIOS = {
    "OR": "odds ratio",
    "PETO": "Peto odds ratio",
    "RR": "risk ratio",
    "HR": "hazard ratio",
    "IRR": "rate ratio",
}
_LEVELS = (0.90, 0.99)


class _Error(NamedTuple):
    """A standard error as printed and at its widest, and a sentence with a place for it."""

    printed: float
    widest: float
    sentence: str


def impossible_interval(row: Row) -> Iterator[Finding]:
    """Find an interval, or a standard error, that is smaller than the people of its row allow."""
    broken: list[tuple[Bound, _Error]] = []
    for bound in bounds(row):
        error = _error_of(row, bound.scale)
        if error is not None and error.widest < bound.least * (1 - 1e-9):
            broken.append((bound, error))
    if not broken:
        return
    first, error = broken[0]
    sharpest = max((bound for bound, _ in broken), key=lambda bound: bound.least)
    if sharpest.least <= first.least * (1 + 1e-9):
        sharpest = first
    printed, widest, least, sharp = apart(error.printed, error.widest, first.least, sharpest.least)
    expected = _no_less(first, least)
    if sharp != least:
        expected += f" {_no_less(sharpest, sharp)}"
    # With less no population is large enough, and its size would be no number.
    if first.people > 0 and error.printed > 1e-6 * first.least:
        expected += f" {_people_for(first, error)}"
    found = f"{row.label}: {error.sentence.format(printed)}"
    if widest != printed:
        found += f", {widest} at the widest its digits allow"
    if row.measure == "OR" and row.counts is not None and row.counts.se is not None:
        found += f"; the 2x2 counts of the row give {apart(row.counts.se)[0]}"
    remedy, repair = _use_counts(row)
    certain = any(bound.severity == "error" for bound, _ in broken)
    severity: Severity = "error" if certain else "warning"
    yield Finding(
        "impossible-interval", severity, (row.id,), expected, found + ".", remedy, (repair,)
    )


def _no_less(bound: Bound, least: str) -> str:
    return f"{bound.whose} less than {bound.formula} = {least}."


def _people_for(bound: Bound, error: _Error) -> str:
    """Return how many people the precision takes, as weights up to a population would give it."""
    people = float(f"{bound.people * (bound.least / error.printed) ** 2:.3g}")
    return f"As printed it takes {people:,.0f} people or more."


def _use_counts(row: Row) -> tuple[str, Repair]:
    """Return what to do about a row whose precision does not fit."""
    if row.counts is not None and row.contradicts_n:
        remedy = (
            f"Compare the interval and the counts of {row.id} with the paper: its counts do not add"
            " up to its people, so that either can be wrong."
        )
        return remedy, Repair(f"by leaving out {row.id}", exclude=(row.id,))
    if row.counts is not None and row.counts.se is not None:
        remedy = f"Use the counts of {row.id} in place of its printed interval."
        return remedy, Repair(f"with the counts of {row.id}", counts=(row.id,))
    remedy = f"Check the interval against the paper, or exclude {row.id} with this reason."
    return remedy, Repair(f"by leaving out {row.id}", exclude=(row.id,))


def _error_of(row: Row, scale: str) -> _Error | None:
    """Return the standard error that a row prints, on the scale of its measure or on another."""
    of = f" for the log {_RATIOS[row.measure]}" if row.measure in _RATIOS else ""
    of = " on Fisher's scale" if scale == "arctanh" else of
    if row.interval is not None:
        interval = replace(row.interval, scale=scale) if scale else row.interval
        sentence = f"the printed {row.level_text} interval {interval} means a standard error of"
        return _Error(interval.se, interval.se_widest, f"{sentence} {{}}{of}")
    if row.se is None or scale not in ("", row.scale):
        return None
    return _Error(row.se.value, row.se.high, f"the standard error given is {{}}{of}")


def precision_disagrees(row: Row) -> Iterator[Finding]:
    """Find an interval and a standard error of one row that do not give each other."""
    if row.interval is None or row.se is None or row.scale is None:
        return
    narrowest, widest = row.interval.se_narrowest, row.interval.se_widest
    if row.se.high >= narrowest * (1 - 1e-9) and row.se.low <= widest * (1 + 1e-9):
        return
    printed, given = apart(row.interval.se, row.se.value)
    found = (
        f"{row.label}: the printed {row.level_text} interval {row.interval} means a standard error"
        f" of {printed}, and the standard error given is {given}."
    )
    fitting = [level for level in _LEVELS if _fits(row, level)]
    if fitting:
        found += f" They would fit if the interval were one of {100 * fitting[0]:g} %."
    expected = "An interval of its level is as wide as its standard error says."
    remedy = (
        "Compare both, and the level of the interval, with the paper; the standard error is that"
        " on the scale of the analysis, of a ratio the logarithm."
    )
    repairs = (
        Repair(f"with the standard error of {row.id}", values={row.id: _without_interval()}),
    )
    yield Finding("precision-disagrees", "warning", (row.id,), expected, found, remedy, repairs)


def _fits(row: Row, level: float) -> bool:
    """Return whether interval and standard error fit at another level."""
    if row.interval is None or row.se is None:
        return False
    other = replace(row.interval, level=level)
    return row.se.low <= other.se_widest and row.se.high >= other.se_narrowest


def _without_interval() -> dict[str, float]:
    return {"ci_low": float("nan"), "ci_high": float("nan")}
