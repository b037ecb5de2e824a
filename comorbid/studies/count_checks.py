"""Checks of 2x2 counts against the people of their row."""

from __future__ import annotations

from collections.abc import Iterator

from comorbid.studies.finding import Finding, Repair, Severity
from comorbid.studies.published import Row

_WHOLE = 100
_OFF = 1  # two percentages that are rounded each may add up to 99 or 101


def counts_exceed_n(row: Row) -> Iterator[Finding]:
    """Find counts that do not add up to the people analysed."""
    if not row.contradicts_n or row.counts is None or row.analysed is None:
        return
    name = "n" if row.n_analysed is None else "n_analysed"
    too_many = row.counts.total > row.analysed
    found = (
        f"{row.label}: the 2x2 counts add up to {row.counts.total:,.0f}, {name} is"
        f" {row.analysed:,.0f}."
    )
    if as_percentages(row):
        found += " They may be percentages."
    expected = "The four counts of a row add up to the people analysed."
    remedy = f"Compare the counts and {name} with the paper."
    if not too_many:
        remedy += " Where people are missing from the table, give those left in n_analysed."
    severity: Severity = "error" if too_many else "warning"
    yield Finding("counts-exceed-n", severity, (row.id,), expected, found, remedy)


def percentage_for_count(row: Row) -> Iterator[Finding]:
    """Find counts that may be percentages, where the row does not say how many people it has.

    With n they would contradict it, which `counts_exceed_n` finds, or be right.
    """
    if row.analysed is not None or row.groups is None or not as_percentages(row):
        return
    one, other = row.groups
    yield Finding(
        "percentage-for-count",
        "note",
        (row.id,),
        "Counts are of people; percentages of two groups add up to 100 in each.",
        f"{row.label}: the 2x2 counts are of {one:,.0f} and {other:,.0f} people.",
        "Look whether the paper gives percentages, and give its counts; if the groups have so many"
        " people, give n.",
        (Repair(f"by leaving out {row.id}", exclude=(row.id,)),),
    )


def as_percentages(row: Row) -> bool:
    """Return whether the counts add up to 100 in both groups, or as nearly as by rounding."""
    return row.counts is not None and all(
        abs(people - _WHOLE) <= _OFF for people in row.groups or ()
    )
