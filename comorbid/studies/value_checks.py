"""Checks of values that a measure cannot have: percentages in the place of proportions."""

from __future__ import annotations

from collections.abc import Iterator

from comorbid.studies.finding import Finding, Repair
from comorbid.studies.published import Row

_PROPORTIONS = ("PR", "PLN", "PLO", "PRZ", "PAS", "PFT")
_FROM_MINUS_ONE = ("RD", "COR", "UCOR", "ZCOR", "PHI", "ZPHI", "RPB", "ZPB", "YUQ", "YUY")


def impossible_value(row: Row) -> Iterator[Finding]:
    """Find an estimate beyond the range of its measure; a percentage is one for a proportion."""
    least = 0.0 if row.measure in _PROPORTIONS else -1.0
    if row.estimate is None or row.measure not in (*_PROPORTIONS, *_FROM_MINUS_ONE):
        return
    # The digits may reach into the range: 1.0 stands for what is below 1 too.
    if row.estimate.high >= least and row.estimate.low <= 1:
        return
    found = f"{row.label}: the estimate, a {row.measure}, is printed as {row.estimate.text}."
    expected = f"A {row.measure} lies between {least:g} and 1."
    if row.measure not in (*_PROPORTIONS, "RD") or abs(row.estimate.value) > 100:
        remedy = "Compare the estimate and its measure with the paper."
        yield Finding("impossible-value", "error", (row.id,), expected, found, remedy)
        return
    names = ("estimate", "ci_low", "ci_high")
    numbers = {name: row.number(name) for name in names}
    values = {name: number / 100 for name, number in numbers.items() if number is not None}
    remedy = "If the paper prints a percentage, divide the estimate and its interval by 100."
    repair = Repair(f"if {row.id} is a percentage", values={row.id: values})
    yield Finding(
        "percentage-for-proportion", "error", (row.id,), expected, found, remedy, (repair,)
    )
