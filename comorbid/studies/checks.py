"""Checks that need more than one cell: intervals, measures, counts, ids, primary rows."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np

from comorbid.errors import Problem
from comorbid.studies.cells import quoted, rows_where
from comorbid.studies.columns import MEASURE_WORDS, RATIO_MEASURES, WORD_COUNTS, Values


@dataclass(frozen=True, slots=True)
class Cells:
    """The cells of a table, as text and as values.

    Parameters
    ----------
    source : str
        Name of the file.
    lines : tuple of int
        Line of each row.
    text : mapping of str to tuple of str
        Every column as text; empty is missing.
    values : mapping of str to array
        The declared columns as values; NaN where a cell is missing or unreadable.
    counts : tuple of str
        The columns that hold the four counts, or nothing.
    """

    source: str
    lines: tuple[int, ...]
    text: Mapping[str, tuple[str, ...]]
    values: Mapping[str, Values]
    counts: tuple[str, ...]

    def filled(self, name: str) -> Values:
        """Return whether each row has something in the column."""
        return np.array([bool(cell) for cell in self.column(name)], dtype=bool)

    def column(self, name: str) -> tuple[str, ...]:
        """Return the column as text, empty where it does not exist."""
        return self.text.get(name, ("",) * len(self.lines))

    def number(self, name: str) -> Values:
        """Return the column as numbers, NaN where it does not exist."""
        return self.values.get(name, np.full(len(self.lines), np.nan))

    def problem(self, row: int, column: str, message: str, remedy: str) -> Problem:
        """Return a problem of one cell."""
        return Problem(message, remedy, self.source, self.lines[row], column)


def cell_problems(cells: Cells) -> list[Problem]:
    """Return every problem that lies between cells."""
    return [problem for check in _CHECKS for problem in check(cells)]


def _interval_order(cells: Cells) -> Iterator[Problem]:
    low, high = cells.column("ci_low"), cells.column("ci_high")
    for i in rows_where(cells.number("ci_low") > cells.number("ci_high")):
        message = f"the interval runs from {low[i]} down to {high[i]}"
        yield cells.problem(
            i, "ci_low", message, "put the lower end in ci_low, the upper in ci_high"
        )


def _outside_interval(cells: Cells) -> Iterator[Problem]:
    estimate, low, high = (cells.number(name) for name in ("estimate", "ci_low", "ci_high"))
    outside = (low <= high) & ((estimate < low) | (estimate > high))
    for i in rows_where(outside):
        ends = f"{cells.column('ci_low')[i]} to {cells.column('ci_high')[i]}"
        message = f"the estimate {cells.column('estimate')[i]} lies outside its interval, {ends}"
        yield cells.problem(i, "estimate", message, "compare the three numbers with the paper")


def _one_end(cells: Cells) -> Iterator[Problem]:
    low, high = cells.filled("ci_low"), cells.filled("ci_high")
    for i in rows_where(low != high):
        gone, there = ("ci_high", "ci_low") if low[i] else ("ci_low", "ci_high")
        message = f"{there} is {cells.column(there)[i]} but {gone} is missing"
        yield cells.problem(i, gone, message, "give both ends of the interval, or neither")


def _measure_missing(cells: Cells) -> Iterator[Problem]:
    for i in rows_where(cells.filled("estimate") & ~cells.filled("measure")):
        message = f"the estimate {cells.column('estimate')[i]} does not say what it measures"
        remedy = f"name its measure, for example one of {', '.join(RATIO_MEASURES)}"
        yield cells.problem(i, "measure", message, remedy)


def _measure_spelling(cells: Cells) -> Iterator[Problem]:
    for i, measure in enumerate(cells.column("measure")):
        code = MEASURE_WORDS.get(measure.lower(), measure)
        if code != measure:
            yield cells.problem(
                i, "measure", f"{quoted(measure)} is not a measure", f"write {code}"
            )


def _no_precision(cells: Cells) -> Iterator[Problem]:
    interval = cells.filled("ci_low") | cells.filled("ci_high")
    counts = np.zeros(len(cells.lines), dtype=bool)
    # also the counts of an incomplete set, which has a problem of its own
    for name in (*cells.counts, "ai", "bi", "ci", "di", *WORD_COUNTS):
        counts |= cells.filled(name)
    exact = cells.filled("se") | cells.filled("p_value")
    bare = cells.filled("estimate") & ~(interval | exact | counts)
    for i in rows_where(bare):
        message = f"the estimate {cells.column('estimate')[i]} has no interval, no se and no counts"
        remedy = "give ci_low and ci_high, or se, or p_value, or the four counts of its 2x2 table"
        yield cells.problem(i, "estimate", message, remedy)


def _no_estimate(cells: Cells) -> Iterator[Problem]:
    interval = cells.filled("ci_low") & cells.filled("ci_high")
    for i in rows_where(~cells.filled("estimate") & (interval | cells.filled("se"))):
        what = "an interval" if interval[i] else "a standard error"
        message = f"there is {what} but no estimate"
        yield cells.problem(i, "estimate", message, "give the estimate that it belongs to")


def _not_positive(cells: Cells) -> Iterator[Problem]:
    ratio = np.array([measure in RATIO_MEASURES for measure in cells.column("measure")], dtype=bool)
    for name in ("estimate", "ci_low", "ci_high"):
        for i in rows_where(ratio & (cells.number(name) <= 0)):
            measure = cells.column("measure")[i]
            message = f"{cells.column(name)[i]} cannot be a ratio ({measure}), which is above 0"
            remedy = "give the ratio itself, not its logarithm; for one rounded to 0, more digits"
            yield cells.problem(i, name, message, remedy)


def _incomplete_counts(cells: Cells) -> Iterator[Problem]:
    if not cells.counts:
        return
    filled = np.array([cells.filled(name) for name in cells.counts])
    number_filled = filled.sum(axis=0)
    for i in rows_where((number_filled > 0) & (number_filled < len(cells.counts))):
        gone = [name for name, there in zip(cells.counts, filled[:, i], strict=True) if not there]
        message = (
            f"of the four counts, {', '.join(gone)} {'is' if len(gone) == 1 else 'are'} missing"
        )
        yield cells.problem(i, gone[0], message, "give all four counts of the 2x2 table, or none")


def _repeated_ids(cells: Cells) -> Iterator[Problem]:
    if "estimate_id" in cells.text:
        name, remedy = "estimate_id", "give every row an id of its own"
    else:
        name = "study_id"
        remedy = "add a column estimate_id with an id of its own for every row"
    first: dict[str, int] = {}
    for i, name_of_row in enumerate(cells.column(name)):
        if name_of_row in first:
            where = cells.lines[first[name_of_row]]
            message = f"{quoted(name_of_row)} stands on line {where} already"
            yield cells.problem(i, name, message, remedy)
        elif name_of_row:
            first[name_of_row] = i


def _missing_ids(cells: Cells) -> Iterator[Problem]:
    if "estimate_id" in cells.text:
        for i in rows_where(~cells.filled("estimate_id")):
            message, remedy = "estimate_id is missing", "give every row an id of its own"
            yield cells.problem(i, "estimate_id", message, remedy)


def _primary_rows(cells: Cells) -> Iterator[Problem]:
    if "primary" not in cells.text:
        return
    for i in rows_where(~cells.filled("primary")):
        remedy = "write yes on the one row of each study for the main pool, no on the others"
        yield cells.problem(i, "primary", "primary is missing", remedy)
    first: dict[str, int] = {}
    for i, (study, flag) in enumerate(
        zip(cells.column("study_id"), cells.values["primary"], strict=True)
    ):
        if flag is True and study in first:
            where = cells.lines[first[study]]
            message = f"study {study} has a primary row on line {where} already"
            yield cells.problem(i, "primary", message, "write yes on one row of each study only")
        elif flag is True and study:
            first[study] = i


_CHECKS: tuple[Callable[[Cells], Iterator[Problem]], ...] = (
    _repeated_ids,
    _missing_ids,
    _measure_missing,
    _measure_spelling,
    _no_precision,
    _no_estimate,
    _not_positive,
    _interval_order,
    _outside_interval,
    _one_end,
    _incomplete_counts,
    _primary_rows,
)
