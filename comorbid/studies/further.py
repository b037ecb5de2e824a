"""A further table of a report: rows that are no estimates, read and checked by declared columns."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Sequence
from dataclasses import dataclass, field

import pandas as pd

from comorbid.errors import DataError, PluginError, Problem
from comorbid.studies.arrays import series
from comorbid.studies.cells import parse_moderator
from comorbid.studies.columns import Column
from comorbid.studies.header import match_names
from comorbid.studies.read import in_order, read_cells
from comorbid.studies.sheet import read_sheet
from comorbid.studies.textfile import decode, read_bytes


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DataTable:
    """A table beside the study table; made by `read_table`, and never changes.

    Attributes
    ----------
    name : str
        What the report calls it: ``"treatments"``.
    lines : tuple of int
        The line of the file where each row begins; the header counts.
    source : str
        Name of the file as given.
    sha256 : str
        Hash of the bytes of the file, in hexadecimal.

    Examples
    --------
    >>> import comorbid as cb
    >>> def section(context):
    ...     drugs = context.tables["treatments"].frame["drug"]
    ...     return [cb.Paragraph(f"{drugs.nunique()} drugs have been tried.")]
    >>> cb.Section("drugs", "Drugs", section, tables=("treatments",)).tables
    ('treatments',)
    """

    _frame: pd.DataFrame = field()
    name: str
    lines: tuple[int, ...]
    source: str
    sha256: str

    @property
    def frame(self) -> pd.DataFrame:
        """A copy of the table, in the order of the file.

        Numbers and counts are float64 with NaN for missing, text is str with "" for missing,
        flags are nullable booleans. A column that nobody declared holds numbers if all its cells
        do, else text.
        """
        return self._frame.copy(deep=True)

    def __len__(self) -> int:
        return len(self._frame)

    def __repr__(self) -> str:
        names = ", ".join(map(str, self._frame.columns))
        return f"{self.name}: {len(self):,} rows of {names} from {self.source}"


def read_table(path: str | os.PathLike[str], *, name: str, columns: Sequence[Column]) -> DataTable:
    r"""Read a further table from a CSV file, of the form that `read_studies` reads.

    Parameters
    ----------
    path : str or path
        The file, up to 50 MB and 200,000 rows.
    name : str
        What the table is called.
    columns : sequence of Column
        The columns that it may or must have. Any other column is kept.

    Returns
    -------
    DataTable

    Raises
    ------
    DataError
        With every problem of the file, each with line, column, the value found and what to do.
    PluginError
        If a column is declared twice or belongs to another table, or a column's check fails.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> columns = [Column("dose_mg", "number", required=True, table="treatments")]
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = pathlib.Path(folder, "treatments.csv")
    ...     _ = path.write_text("drug,dose_mg\nnaproxen,500\n")
    ...     table = read_table(path, name="treatments", columns=columns)
    >>> table.frame["dose_mg"].tolist(), table.lines
    ([500.0], (2,))
    """
    source = os.fspath(path)
    return table_from_bytes(read_bytes(source), source=source, name=name, columns=columns)


def table_from_bytes(
    data: bytes, *, source: str, name: str, columns: Sequence[Column]
) -> DataTable:
    """Read a further table from the bytes of a CSV file, as `read_table` does.

    Parameters
    ----------
    data : bytes
        The file.
    source : str
        Its name, for messages and for ``DataTable.source``.
    name, columns
        As for `read_table`.
    """
    declared = _declared(name, columns)
    text = decode(data, source=source)
    sheet = read_sheet(text, source=source, known=tuple(declared), row="line of the table")
    header = match_names(sheet.header, declared, source=source, line=sheet.header_line)
    cells, values, problems = read_cells(sheet, header)
    problems = [*sheet.problems, *header.problems, *problems]
    if problems:
        raise DataError(in_order(problems, tuple(header.positions)))
    comma = sheet.separator == ";"
    undeclared = {
        column: parse_moderator(cells[column], decimal_comma=comma)
        for column in header.positions
        if column not in values
    }
    everything = values | undeclared
    return DataTable(
        _frame=pd.DataFrame({column: series(everything[column]) for column in header.positions}),
        name=name,
        lines=sheet.lines,
        source=source,
        sha256=hashlib.sha256(data).hexdigest(),
    )


def _declared(name: str, columns: Sequence[Column]) -> dict[str, Column]:
    problems = [
        Problem(f"column {column.name} is of the table {column.table}, not {name}")
        for column in columns
        if column.table != name
    ]
    declared = {column.name: column for column in columns}
    if len(declared) < len(columns):
        problems.append(Problem(f"a column of the table {name} is declared twice"))
    if problems:
        raise PluginError(problems)
    return declared
