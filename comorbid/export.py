"""Export: tables as CSV that a spreadsheet shows and never computes."""

from __future__ import annotations

import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    import pandas as pd

# What a cell begins with that a spreadsheet takes for a formula, also in its full-width forms.
_FORMULA = frozenset("=+-@\N{FULLWIDTH EQUALS SIGN}\N{FULLWIDTH PLUS SIGN}"
                     "\N{FULLWIDTH HYPHEN-MINUS}\N{FULLWIDTH COMMERCIAL AT}")  # fmt: skip
_BREAKS = frozenset("\t\r\n")


class Tabular(Protocol):
    """A result that can give itself as a table."""

    def to_frame(self) -> pd.DataFrame:
        """Return the table."""


def to_csv(result: Tabular | pd.DataFrame, *, path: str | os.PathLike[str]) -> Path:
    """Write the table of a result as CSV, safe to open in a spreadsheet.

    Numbers keep their full precision, and missing values are empty cells. Text that a spreadsheet
    would take for a formula gets an apostrophe before it: text that is no number and begins, after
    blanks, with ``=``, ``+``, ``-`` or ``@``, or that begins with a tab or the end of a line. The
    apostrophe is part of the cell, so that such a table does not read back as it was; the study
    table itself is never rewritten.

    Parameters
    ----------
    result : object with ``to_frame()``, or DataFrame
        Any result of comorbid, or a table of studies.
    path : str or path
        The file; one that is there is replaced.

    Returns
    -------
    Path
        The file written.

    Raises
    ------
    DataError
        If the result has no table.

    References
    ----------
    OWASP, CSV Injection. https://owasp.org/www-community/attacks/CSV_Injection

    Examples
    --------
    >>> import pathlib, tempfile
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.9], vi=[0.03, 0.08], labels=["=1+1", "Smith 2001"])
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     path = to_csv(effects, path=pathlib.Path(folder, "effects.csv"))
    ...     print(path.read_text(encoding="utf-8").splitlines()[1])
    '=1+1,'=1+1,'=1+1,0.5,0.03,given
    """
    import pandas as pd

    if not (isinstance(result, pd.DataFrame) or hasattr(result, "to_frame")):
        message = f"a {type(result).__name__} has no table"
        raise DataError([Problem(message, "give a result, a table of studies or a DataFrame")])
    frame = result if isinstance(result, pd.DataFrame) else result.to_frame()
    if not isinstance(frame.index, pd.RangeIndex):
        frame = frame.reset_index(allow_duplicates=True)
    columns = [column for _, column in frame.items()]
    cells = [
        column if pd.api.types.is_numeric_dtype(column) else column.astype(object).map(_safe)
        for column in columns
    ]
    header = [_safe(str(name)) for name in frame.columns]
    # With both characters in the line end, a cell that holds one of them is quoted.
    text = pd.DataFrame(dict(enumerate(cells))).to_csv(
        index=False, header=header, lineterminator="\r\n"
    )
    written = Path(path)
    written.write_bytes(text.encode())
    return written


def _safe(cell: Any) -> Any:
    """Return a cell with an apostrophe before what a spreadsheet would compute."""
    if not isinstance(cell, str):
        return cell
    begins = cell[:1] in _BREAKS or cell.lstrip()[:1] in _FORMULA
    return f"'{cell}" if cell and begins and not _is_number(cell) else cell


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
