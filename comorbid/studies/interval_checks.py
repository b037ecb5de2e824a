"""Checks of printed intervals: too narrow for the people, or not around their estimate."""

from __future__ import annotations

from collections.abc import Iterator

from comorbid.studies.finding import Finding, Repair
from comorbid.studies.published import Row, apart


def impossible_interval(row: Row) -> Iterator[Finding]:
    """Find an interval that is narrower than the people of its row allow."""
    if row.measure != "OR" or row.interval is None or row.people is None:
        return
    least = 4 / row.people**0.5
    widest = row.interval.se_widest
    if widest >= least:
        return
    printed, widest_text, least_text = apart(row.interval.se, widest, least)
    found = (
        f"{row.label}: the printed {row.level_text} interval {row.interval} means a standard error"
        f" of {printed} for the log odds ratio, {widest_text} at the widest its digits allow"
    )
    if row.counts is not None and row.counts.se is not None:
        (from_counts,) = apart(row.counts.se)
        found += f"; the 2x2 counts of the row give {from_counts}"
        remedy = f"Use the counts of {row.id} in place of its printed interval."
        repair = Repair(f"with the counts of {row.id}", counts=(row.id,))
    else:
        remedy = f"Check the interval against the paper, or exclude {row.id} with this reason."
        repair = Repair(f"by leaving out {row.id}", exclude=(row.id,))
    expected = f"No 2x2 table of {row.people:,.0f} people gives less than 4/sqrt(n) = {least_text}."
    yield Finding(
        "impossible-interval", "error", (row.id,), expected, found + ".", remedy, (repair,)
    )


def asymmetric_interval(row: Row) -> Iterator[Finding]:
    """Find an estimate that is not in the middle of its interval."""
    if row.interval is None or row.estimate is None or not row.is_ratio:
        return
    low, high = row.interval.middle
    least, most = row.estimate.low, row.estimate.high
    expected = "On the log scale an estimate stands in the middle of its interval."
    if high < least * (1 - 1e-9) or low > most * (1 + 1e-9):
        (middle,) = apart(row.interval.printed_middle)
        low_text, high_text = apart(low, high)
        found = (
            f"{row.label}: the middle of {row.interval} is {middle}, and between {low_text} and"
            f" {high_text} for all its digits say, but the estimate is {row.estimate.text}."
        )
        remedy = (
            "Compare the three numbers with the paper; where the interval is exact or from a"
            " profile likelihood, take the standard error from counts or from the authors."
        )
        yield Finding("asymmetric-interval", "warning", (row.id,), expected, found, remedy)
    elif row.estimate.value in (row.interval.low.value, row.interval.high.value):
        end = "upper" if row.estimate.value == row.interval.high.value else "lower"
        narrow, printed, wide = apart(
            row.interval.se_narrowest, row.interval.se, row.interval.se_widest
        )
        found = (
            f"{row.label}: the estimate {row.estimate.text} is printed equal to the {end} end of"
            f" its interval {row.interval}. Rounding alone can explain it, but then the standard"
            f" error of {printed} that the interval gives may be anything from {narrow} to {wide}."
        )
        remedy = "Use the counts of the row if it has them, or an interval with more digits."
        yield Finding("asymmetric-interval", "note", (row.id,), expected, found, remedy)
