"""Checks of 2x2 counts: against the estimate and the people of their row."""

from __future__ import annotations

from collections.abc import Iterator

from comorbid.studies.finding import Finding, Severity
from comorbid.studies.published import Row


def counts_disagree(row: Row) -> Iterator[Finding]:
    """Find a crude estimate that the counts of its row do not give."""
    if row.measure != "OR" or row.estimate is None or row.is_adjusted:
        return
    if row.counts is None or row.counts.odds_ratio is None:
        return
    ratio = row.counts.odds_ratio
    if row.estimate.low * (1 - 1e-9) <= ratio <= row.estimate.high * (1 + 1e-9):
        return
    found = (
        f"{row.label}: the odds ratio is printed as {row.estimate.text}, and its 2x2 counts give"
        f" {ratio:.{row.estimate.decimals + 2}f}."
    )
    expected = "A crude odds ratio is that of its own 2x2 table, to the digits printed."
    remedy = (
        "Compare the counts with the paper; where the estimate is adjusted, say so in the column"
        " adjustment."
    )
    yield Finding("counts-disagree", "warning", (row.id,), expected, found, remedy)


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
