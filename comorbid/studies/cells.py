"""Cells of a sheet: from text to numbers, counts, flags and text."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal

import numpy as np

from comorbid.errors import PluginError, Problem
from comorbid.studies.columns import Check, Column, Values

_NUMBER = re.compile(r"[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]{1,3})?")
_LEADING_ZERO = re.compile(r"[+-]?0[0-9]")
_FLAGS = {"yes": True, "true": True, "1": True, "no": False, "false": False, "0": False}
_EXACT = 2.0**53  # the largest count that float64 holds exactly


def quoted(cell: str) -> str:
    """Return a cell in quotes on one line, cut where it is long.

    Examples
    --------
    >>> quoted("2,1")
    "'2,1'"
    """
    line = " ".join(cell.split())
    return f"'{line[:57]}...'" if len(line) > 60 else f"'{line}'"


def with_point(cell: str, *, decimal_comma: bool) -> str:
    """Return a number as printed with a point as its decimal mark.

    Examples
    --------
    >>> with_point("2,10", decimal_comma=True)
    '2.10'
    """
    return cell.replace(",", ".") if decimal_comma and cell.count(",") == 1 else cell


def parse_number(cell: str, *, decimal_comma: bool) -> float | None:
    """Return the finite number that a cell holds, or None.

    Examples
    --------
    >>> parse_number("1e-3", decimal_comma=False), parse_number("1,234.5", decimal_comma=False)
    (0.001, None)
    """
    plain = with_point(cell, decimal_comma=decimal_comma)
    if not _NUMBER.fullmatch(plain):
        return None
    value = float(plain)
    return value if np.isfinite(value) else None


def parse_flag(cell: str) -> bool | None:
    """Return whether a cell says yes, in any of the accepted words, or None.

    Examples
    --------
    >>> parse_flag("TRUE"), parse_flag("0"), parse_flag("maybe")
    (True, False, None)
    """
    return _FLAGS.get(cell.lower())


def half_unit(printed: str) -> float:
    """Return half a unit of the last digit of a number as printed.

    The true value behind a rounded number lies within this distance of it.

    Parameters
    ----------
    printed : str
        A number with a point as its decimal mark, as in ``Studies.printed``.

    Examples
    --------
    >>> half_unit("2.10"), half_unit("8")
    (0.005, 0.5)
    """
    exponent = Decimal(printed).as_tuple().exponent
    if not isinstance(exponent, int):
        raise ValueError(f"{printed!r} is not a finite number")
    return float(Decimal(5).scaleb(exponent - 1))


def rows_where(mask: Values) -> list[int]:
    """Return the positions where ``mask`` is true."""
    return [int(i) for i in np.flatnonzero(mask)]


def parse_column(
    column: Column,
    cells: Sequence[str],
    *,
    lines: Sequence[int],
    source: str,
    decimal_comma: bool,
) -> tuple[Values, list[Problem]]:
    """Read the cells of a declared column.

    Parameters
    ----------
    column : Column
        Says what the cells hold.
    cells : sequence of str
        One a row; empty is missing.
    lines : sequence of int
        Line of each row.
    source : str
        Name of the file.
    decimal_comma : bool
        Whether a comma may be the decimal mark.

    Returns
    -------
    values : array
        float64 with NaN for missing (numbers and counts), object with None for missing (flags),
        object of str (text).
    problems : list of Problem
        Cells that hold something else, and missing cells of a required column.

    Raises
    ------
    PluginError
        If the column's own check fails or returns something other than one bool a value.
    """
    values, bad = _parsed(column, cells, decimal_comma)
    problems = [
        Problem(_message(column, cells[i]), _remedy(column), source, lines[i], column.name)
        for i in rows_where(bad)
    ]
    missing = np.array([not cell for cell in cells], dtype=bool)
    if column.required:
        for i in rows_where(missing):
            message = f"{column.name} is missing"
            problems.append(Problem(message, _remedy(column), source, lines[i], column.name))
    known = np.flatnonzero(~missing & ~bad)
    if column.check is not None and len(known):
        typed = values[known].astype(bool) if column.kind == "flag" else values[known]
        for i in known[~_checked(column.name, column.check, typed)].tolist():
            message = f"{quoted(cells[i])} is not acceptable as {column.name}"
            problems.append(Problem(message, _remedy(column), source, lines[i], column.name))
    return values, problems


def parse_moderator(cells: Sequence[str], *, decimal_comma: bool) -> Values:
    """Read an undeclared column: numbers if every cell that is not missing is one, else text.

    A number written with a leading zero is a code, and keeps the whole column text.
    """
    filled = [cell for cell in cells if cell]
    numbers = [parse_number(cell, decimal_comma=decimal_comma) for cell in filled]
    if not filled or None in numbers or any(_LEADING_ZERO.match(cell) for cell in filled):
        return np.array(cells, dtype=object)
    values = np.full(len(cells), np.nan)
    values[[bool(cell) for cell in cells]] = np.array(numbers, dtype=float)
    return values


def _parsed(column: Column, cells: Sequence[str], decimal_comma: bool) -> tuple[Values, Values]:
    """Values of the column's kind, and which cells are neither missing nor of that kind."""
    filled = np.array([bool(cell) for cell in cells], dtype=bool)
    if column.kind == "text":
        return np.array(cells, dtype=object), np.zeros(len(cells), dtype=bool)
    if column.kind == "flag":
        flags = np.array([parse_flag(cell) for cell in cells], dtype=object)
        return flags, filled & np.array([flag is None for flag in flags], dtype=bool)
    numbers = [parse_number(cell, decimal_comma=decimal_comma) for cell in cells]
    values = np.array([np.nan if number is None else number for number in numbers], dtype=float)
    bad = np.isnan(values)
    if column.kind == "count":
        bad |= (values < 0) | (values % 1 != 0) | (values > _EXACT)
    return np.where(bad, np.nan, values), bad & filled


def _checked(name: str, check: Check, values: Values) -> Values:
    remedy = "report this to the author of the plugin that declares the column"
    try:
        answer = np.asarray(check(values))
    except PluginError:  # says already whose check it is
        raise
    except Exception as error:  # a plugin's code: whatever it raises is named as the plugin's
        message = f"the check of column {name} failed: {type(error).__name__}: {error}"
        raise PluginError([Problem(message, remedy)]) from error
    if answer.shape != values.shape or answer.dtype != np.bool_:
        message = f"the check of column {name} does not return one bool for each value"
        raise PluginError([Problem(message, remedy)])
    return answer


def _message(column: Column, cell: str) -> str:
    what = {
        "number": "a number",
        "count": "a whole number from 0 up",
        "flag": "yes or no",
        "text": "text",
    }
    return f"{quoted(cell)} is not {what[column.kind]}"


def _remedy(column: Column) -> str:
    how = {
        "number": "plain digits, a point before the decimals, no thousands separators",
        "count": "plain digits, no thousands separators",
        "flag": "yes, no, true, false, 1 or 0",
        "text": "",
    }[column.kind]
    remedy = f"give {column.description or 'a value'}" + (f" ({how})" if how else "")
    if column.required or column.kind == "flag":
        return remedy
    return f"{remedy}, or leave the cell empty"
