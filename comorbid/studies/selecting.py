"""Selecting: which rows of a table have the values that a rule asks for."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.errors import DataError, Problem
from comorbid.studies.cells import parse_flag, parse_number

if TYPE_CHECKING:
    import pandas as pd

_VALUES_SHOWN = 20

Where = Mapping[str, Sequence[str]]


def rows_with(frame: pd.DataFrame, where: Where, *, source: str = "") -> np.ndarray[Any, Any]:
    """Return which rows of a table have one of the values given in every named column.

    Parameters
    ----------
    frame : DataFrame
        The table.
    where : mapping of str to sequence of str
        Column to values. Numbers are compared as numbers, flags take yes and no, and "" stands
        for missing.
    source : str
        Name of the file, for messages.

    Raises
    ------
    DataError
        If a column does not exist or a value never occurs in it.

    Examples
    --------
    >>> import pandas as pd
    >>> table = pd.DataFrame({"sex": ["f", "m", "f"], "year": [1999.0, 1999.0, 2004.0]})
    >>> rows_with(table, {"sex": ["f"], "year": ["1999"]}).tolist()
    [True, False, False]
    """
    problems: list[Problem] = []
    keep = np.ones(len(frame), dtype=bool)
    for name, values in where.items():
        wanted = [values] if isinstance(values, str) else [str(value) for value in values]
        if name not in frame:
            problems.append(_no_column(frame, name, source))
            continue
        if not wanted:
            problems.append(Problem(f"no value is given for {name}", "give one", source))
        found = np.zeros(len(frame), dtype=bool)
        for value in wanted:
            rows = _matches(frame[name], value)
            if not rows.any():
                problems.append(_no_value(frame, name, value, source))
            found |= rows
        keep &= found
    if problems:
        raise DataError(problems)
    return keep


def _matches(column: pd.Series[Any], value: str) -> np.ndarray[Any, Any]:
    """Which cells hold the value that ``value`` writes."""
    import pandas as pd

    if pd.api.types.is_bool_dtype(column):
        missing = column.isna().to_numpy(dtype=bool)
        if not value:
            return missing
        flag = parse_flag(value)
        same = [cell is not pd.NA and bool(cell) is flag for cell in column]
        return np.array(same, dtype=bool) & ~missing
    if pd.api.types.is_numeric_dtype(column):
        numbers = column.to_numpy(dtype=float)
        if not value:
            return np.asarray(np.isnan(numbers))
        number = parse_number(value, decimal_comma=False)
        return np.asarray(numbers == (np.nan if number is None else number))
    return np.asarray(column == value, dtype=bool)


def _no_column(frame: pd.DataFrame, name: str, source: str) -> Problem:
    names = [str(column) for column in frame.columns]
    near = difflib.get_close_matches(name, names, n=1)
    meant = f"did you mean {near[0]}? " if near else ""
    return Problem(
        f"there is no column {name}", f"{meant}the columns are {', '.join(names)}", source
    )


def _no_value(frame: pd.DataFrame, name: str, value: str, source: str) -> Problem:
    values = list(dict.fromkeys(_printable(cell) for cell in frame[name]))
    shown = ", ".join(values[:_VALUES_SHOWN])
    more = len(values) - _VALUES_SHOWN
    shown += f" and {more:,} more" if more > 0 else ""
    return Problem(f"no row has {name} = {value!r}", f"the values are {shown}", source)


def _printable(cell: Any) -> str:
    """A cell as a rule takes it."""
    import pandas as pd

    if cell is pd.NA or cell == "" or (isinstance(cell, float) and np.isnan(cell)):
        return "'' (missing)"
    if isinstance(cell, bool | np.bool_):
        return "yes" if cell else "no"
    if isinstance(cell, float):
        return str(int(cell)) if cell.is_integer() else repr(float(cell))
    return str(cell)
