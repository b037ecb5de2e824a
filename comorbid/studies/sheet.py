"""A CSV sheet: header and rows as text, each with its line in the file."""

from __future__ import annotations

import csv
import io
from collections.abc import Collection
from dataclasses import dataclass

from comorbid.errors import DataError, Problem
from comorbid.studies.textfile import LIMIT_ROWS

SEPARATORS: dict[str, str] = {",": "comma", ";": "semicolon", "\t": "tab"}
"""The separators a sheet may have, with their names."""

_Record = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Sheet:
    """The cells of a CSV file.

    Parameters
    ----------
    source : str
        Name of the file.
    separator : str
        One of `SEPARATORS`.
    header : tuple of str
        Names as they stand in the file, without outer spaces.
    header_line : int
        Line of the header.
    rows : tuple of tuple of str
        Each as long as the header, without outer spaces; a missing cell is empty.
    lines : tuple of int
        The line where each row begins.
    problems : tuple of Problem
        Rows that could not be kept.
    """

    source: str
    separator: str
    header: tuple[str, ...]
    header_line: int
    rows: tuple[tuple[str, ...], ...]
    lines: tuple[int, ...]
    problems: tuple[Problem, ...]


ESTIMATE = "published estimate"
"""What a row of the study table stands for."""


def read_sheet(text: str, *, source: str, known: Collection[str], row: str = ESTIMATE) -> Sheet:
    """Split ``text`` into cells.

    Parameters
    ----------
    text : str
        A CSV file.
    source : str
        Its name, for messages.
    known : collection of str
        Names expected in the header; the separator that yields most of them is used.
    row : str
        What a row stands for, for messages.

    Raises
    ------
    DataError
        If there is no header at all, or there are more than `LIMIT_ROWS` rows.
    """
    separator = _separator(text, known)
    # The header and one row more than may be.
    records, problems = _records(text, separator, source, limit=LIMIT_ROWS + 2)
    if len(records) > LIMIT_ROWS + 1:
        message = f"the file has more than {LIMIT_ROWS:,} rows, the limit for a table"
        raise DataError([Problem(message, f"keep one row for each {row}", file=source)])
    if not records:
        empty = Problem(
            "the file is empty",
            f"give a header, then one row for each {row}",
            file=source,
        )
        raise DataError(problems or [empty])
    (header_line, header), body = records[0], records[1:]
    rows = [(line, cells) for line, cells in body if len(cells) == len(header)]
    ragged = [
        _ragged(source, line, cells, header, separator)
        for line, cells in body
        if len(cells) != len(header)
    ]
    problems = problems + ragged
    if not rows and not problems:
        message = "the file has a header and no rows"
        problems = [Problem(message, f"add one row for each {row}", file=source)]
    return Sheet(
        source=source,
        separator=separator,
        header=tuple(header),
        header_line=header_line,
        rows=tuple(tuple("" if cell == "NA" else cell for cell in cells) for _, cells in rows),
        lines=tuple(line for line, _ in rows),
        problems=tuple(problems),
    )


def _records(
    text: str, separator: str, source: str, limit: int | None = None
) -> tuple[list[_Record], list[Problem]]:
    """Records that are not blank, up to ``limit``, and what ended the reading early."""
    records: list[_Record] = []
    # strict, so that a quote left open is an error and does not swallow the rows below it
    reader = csv.reader(
        io.StringIO(text, newline=""), delimiter=separator, strict=True, skipinitialspace=True
    )
    start = 1
    try:
        for cells in reader:
            cells = [cell.replace("\r\n", "\n").replace("\r", "\n").strip() for cell in cells]
            if any(cells):
                records.append((start, cells))
            if limit is not None and len(records) >= limit:
                break
            start = reader.line_num + 1
    except csv.Error as error:
        message = f"the quotes of this row do not close as they should ({error})"
        remedy = "put a quote before and after the cell, and write a quote inside it twice"
        return records, [Problem(message, remedy, file=source, line=start)]
    return records, []


def _separator(text: str, known: Collection[str]) -> str:
    """The separator under which the header has most known names, then most cells."""

    def found(separator: str) -> tuple[int, int]:
        records, _ = _records(text, separator, "", limit=1)
        header = records[0][1] if records else []
        if not any(name.strip("".join(SEPARATORS)) for name in header):
            return 0, 0  # a line of other separators only, not a header
        return len(set(header) & set(known)), len(header)

    return max(SEPARATORS, key=found)


def _ragged(source: str, line: int, cells: list[str], header: list[str], separator: str) -> Problem:
    name = SEPARATORS[separator]
    message = f"the row has {len(cells)} cells, the header {len(header)} (separator: {name})"
    if len(cells) < len(header):
        remedy = "give every row a cell under each name, empty where nothing is known"
    elif separator == ",":
        remedy = (
            "put quotes around a cell that holds a comma; "
            "with decimal commas, separate the cells by semicolons"
        )
    else:
        remedy = f"put quotes around a cell that holds a {name}"
    return Problem(message, remedy, file=source, line=line)
