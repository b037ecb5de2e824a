"""Read a CSV table of studies and check it, reporting everything that is wrong at once."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Mapping, Sequence

import numpy as np

from comorbid.checks import check_type
from comorbid.errors import DataError, Problem
from comorbid.studies.arrays import Arrays
from comorbid.studies.cells import parse_column, parse_moderator, with_point
from comorbid.studies.checks import Cells, cell_problems
from comorbid.studies.columns import (
    GROUP_COLUMNS,
    PERCENT_OF,
    WORD_COUNTS,
    Column,
    Values,
)
from comorbid.studies.header import Header, declared_columns, read_header
from comorbid.studies.labels import unique_labels
from comorbid.studies.sheet import Sheet, read_sheet
from comorbid.studies.table import FRAME_COLUMNS, Review, Studies
from comorbid.studies.textfile import decode, read_bytes

_PROBLEMS_SHOWN = 100
_PRINTED = ("estimate", "ci_low", "ci_high", "se")
# Printed figures that a table may have besides.
_MEANS = frozenset(name for mean, sd, _ in GROUP_COLUMNS for name in (mean, sd))


def read_studies(
    path: str | os.PathLike[str],
    *,
    columns: Sequence[Column] = (),
    review: Review | None = None,
) -> Studies:
    r"""Read a table of studies from a CSV file.

    The file is UTF-8, with or without a byte-order mark. Cells are separated by commas,
    semicolons or tabs; with semicolons the decimal mark may be a comma. A missing cell is empty
    or ``NA``. One row is one published estimate.

    Parameters
    ----------
    path : str or path
        The file, up to 50 MB and 200,000 rows.
    columns : sequence of Column
        Columns declared beyond `CORE_COLUMNS`. Any other column of the file is kept as a
        moderator: numbers if all its cells are, else text.
    review : Review, optional
        The systematic review that the table comes from.

    Returns
    -------
    Studies

    Raises
    ------
    DataError
        With every problem of the file, each with line, column, the value found and what to do.
    PluginError
        If ``columns`` redefines a core column, or a column's own check fails.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "studies.csv")
    ...     _ = path.write_text(
    ...         "study_id,measure,estimate,ci_low,ci_high\nbejia2005,OR,2.55,1.49,4.38\n"
    ...     )
    ...     studies = read_studies(path)
    >>> studies.frame["estimate"].tolist()
    [2.55]
    """
    check_type("path", path, (str, os.PathLike), "give the name of a file")
    source = os.fspath(path)
    return studies_from_bytes(read_bytes(source), source=source, columns=columns, review=review)


def studies_from_bytes(
    data: bytes,
    *,
    source: str,
    columns: Sequence[Column] = (),
    review: Review | None = None,
) -> Studies:
    """Read a table of studies from the bytes of a CSV file, as `read_studies` does.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Its name, for messages and for ``Studies.source``.
    columns, review
        As for `read_studies`.
    """
    declared = declared_columns(columns)
    sheet = read_sheet(decode(data, source=source), source=source, known=(*declared, *WORD_COUNTS))
    header = read_header(sheet.header, declared, source=source, line=sheet.header_line)
    text, values, problems = read_cells(sheet, header)
    cells = Cells(sheet.source, sheet.lines, text, values, header.counts)
    problems = [*sheet.problems, *header.problems, *problems, *cell_problems(cells)]
    if problems:
        raise DataError(in_order(problems, tuple(header.positions)))
    comma = sheet.separator == ";"
    printed = {
        name: _texts([with_point(cell, decimal_comma=comma) for cell in cells.column(name)])
        for name in (*_PRINTED, *filter(_is_figure, text))
    }
    return Studies(
        arrays=_arrays(cells, tuple(header.positions), decimal_comma=comma),
        digits=Arrays(printed),
        lines=sheet.lines,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
        conditions=header.conditions,
        review=review,
    )


def _is_figure(name: str) -> bool:
    return name in _MEANS or PERCENT_OF.fullmatch(name) is not None


def read_cells(
    sheet: Sheet, header: Header
) -> tuple[dict[str, tuple[str, ...]], dict[str, Values], list[Problem]]:
    """Return every column as text, the declared ones as values, and the problems of cells."""
    text = {
        name: tuple(row[position] for row in sheet.rows)
        for name, position in header.positions.items()
    }
    values: dict[str, Values] = {}
    problems: list[Problem] = []
    for name, column in header.declared.items():
        values[name], wrong = parse_column(
            column,
            text[name],
            lines=sheet.lines,
            source=sheet.source,
            decimal_comma=sheet.separator == ";",
        )
        problems += wrong
    return text, values, problems


def in_order(problems: Sequence[Problem], names: Sequence[str]) -> list[Problem]:
    """Return the problems from the top of the file down, as many as a reader can use."""
    rank = {name: position for position, name in enumerate(names)}
    ordered = sorted(
        problems, key=lambda problem: (problem.line or 0, rank.get(problem.column or "", -1))
    )
    more = len(ordered) - _PROBLEMS_SHOWN
    if more > 0:
        last = Problem(f"and {more:,} more problems", "correct the ones above first")
        ordered[_PROBLEMS_SHOWN:] = [last]
    return ordered


def _arrays(cells: Cells, names: Sequence[str], *, decimal_comma: bool) -> Arrays:
    """The canonical table: the fixed columns, then the moderators."""
    data = {name: cells.number(name) for name in FRAME_COLUMNS}
    data["study_id"] = cells.values["study_id"]
    data["estimate_id"] = cells.values.get("estimate_id", cells.values["study_id"])
    data["measure"] = _texts(cells.column("measure"))
    data["ci_level"] = np.where(np.isnan(data["ci_level"]), 0.95, data["ci_level"])
    everywhere = np.ones(len(cells.lines), dtype=bool)
    data["primary"] = cells.values.get("primary", everywhere).astype(bool)
    for letter, name in zip(("ai", "bi", "ci", "di"), cells.counts, strict=False):
        data[letter] = cells.values[name]
    data["label"] = _texts(_labels(cells, data))
    for name in names:
        if name not in FRAME_COLUMNS and name not in cells.counts:
            moderator = parse_moderator(cells.text[name], decimal_comma=decimal_comma)
            data[name] = cells.values.get(name, moderator)
    return Arrays(data)


def _texts(cells: Sequence[str]) -> Values:
    return np.array(cells, dtype=object)


def _labels(cells: Cells, data: Mapping[str, Values]) -> list[str]:
    """A name for every row: its label, else author and year, else its study id."""
    names = [
        label or (f"{author} {year:.0f}" if author and not np.isnan(year) else study)
        for label, author, year, study in zip(
            cells.column("label"),
            cells.column("author"),
            cells.number("year"),
            cells.column("study_id"),
            strict=True,
        )
    ]
    return unique_labels(
        [" ".join(name.split()) for name in names],
        estimate_ids=data["estimate_id"].tolist(),
        study_ids=data["study_id"].tolist(),
        primary=data["primary"].tolist(),
    )
