"""Checks of 2x2 counts against the people of their row."""

from __future__ import annotations

from collections.abc import Iterator

from comorbid.studies.finding import Finding, Severity
from comorbid.studies.published import Row


def counts_exceed_n(row: Row) -> Iterator[Finding]:
    """Find counts that do not add up to the people analysed."""
    analysed = row.n if row.n_analysed is None else row.n_analysed
    if row.counts is None or analysed is None or row.counts.total == analysed:
        return
    name = "n" if row.n_analysed is None else "n_analysed"
    too_many = row.counts.total > analysed
    found = (
        f"{row.label}: the 2x2 counts add up to {row.counts.total:,.0f}, {name} is {analysed:,.0f}."
    )
    expected = "The four counts of a row add up to the people analysed."
    remedy = f"Compare the counts and {name} with the paper."
    if not too_many:
        remedy += " Where people are missing from the table, give those left in n_analysed."
    severity: Severity = "error" if too_many else "warning"
    yield Finding("counts-exceed-n", severity, (row.id,), expected, found, remedy)
