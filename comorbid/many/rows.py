"""Rows: effects with the keys of their groups, from a data frame or an Arrow table."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import TYPE_CHECKING, Any, TypeAlias, overload

import numpy as np
from numpy.typing import NDArray

from comorbid.checks import numbers, shown
from comorbid.effects.arrays import Array, Index, Mask
from comorbid.effects.compute import compute, problems_of, without_zero_variance
from comorbid.effects.formula import Rows as Columns
from comorbid.effects.reported import effect_of, reported_problems
from comorbid.effects.zeros import Zeros
from comorbid.errors import DataError, Problem
from comorbid.many.settings import Settings

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

    Table: TypeAlias = pd.DataFrame | pa.Table

MOST_NAMED = 20
"""Problems that one error names."""
_LOOKED_AT = 2**16


@dataclass(frozen=True, slots=True, eq=False)
class Key:
    """A key column: the values it has, in order, and which of them each row has."""

    values: NDArray[Any]
    codes: Index


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """Rows of a table: keys, effects and variances; the latter nan where there is none."""

    keys: tuple[Key, ...]
    yi: Array
    vi: Array

    @property
    def usable(self) -> Mask:
        """Which rows have an effect and a variance."""
        return ~(np.isnan(self.yi) | np.isnan(self.vi))


class Places(Sequence[str]):
    """What rows are called in an error: ``row 17``, counted from 1."""

    def __init__(self, size: int) -> None:
        self._size = size

    def __len__(self) -> int:
        return self._size

    @overload
    def __getitem__(self, i: int) -> str: ...
    @overload
    def __getitem__(self, i: slice) -> Sequence[str]: ...
    def __getitem__(self, i: int | slice) -> str | Sequence[str]:
        if isinstance(i, slice):
            return [self[j] for j in range(*i.indices(self._size))]
        return f"row {i + 1}"


def read_rows(table: Table, settings: Settings, *, places: Sequence[str] | None = None) -> Rows:
    """Return the rows of a table.

    Parameters
    ----------
    table : pandas.DataFrame or pyarrow.Table
        With the columns of the settings.
    settings : Settings
        Which columns are keys, and what the effects come from.
    places : sequence of str, optional
        What each row is called in an error; by default ``row 1``, ``row 2``, ...

    Raises
    ------
    DataError
        If a key is missing or no name or whole number, or a value is none that can be.
    """
    named = Places(len(table)) if places is None else places
    key, floats = _readers(table)
    problems: list[Problem] = []
    keys = [_tried(key, table, name, named, problems) for name in settings.by]
    columns = {role: _tried(floats, table, name, named, problems) for role, name in settings.inputs}
    if problems:
        raise DataError(problems)
    return Rows(tuple(keys), *_effects(columns, settings, named))


def _readers(table: Table) -> tuple[Callable[..., Key], Callable[..., Array]]:
    """Return how keys and numbers of such a table are read."""
    import pandas as pd

    if isinstance(table, pd.DataFrame):
        return _key, _floats
    from comorbid.many import arrow

    return arrow.key, arrow.floats


def _tried(
    read: Any, table: Table, name: str, places: Sequence[str], problems: list[Problem]
) -> Any:
    """Return a column; if it cannot be read, note why."""
    try:
        return read(table, name, places)
    except DataError as error:
        problems += error.problems
        return None


def _effects(columns: Columns, settings: Settings, places: Sequence[str]) -> tuple[Array, Array]:
    """Return effects and variances, a printed estimate before what is computed from counts."""
    source = settings.source
    _check_values(columns, settings, places)
    yi, vi = compute(source, columns, zeros=Zeros())
    if "estimate" in columns:
        y_printed, v_printed = effect_of(columns, source.scale)
        printed = ~np.isnan(y_printed) & ~np.isnan(v_printed)
        yi, vi = np.where(printed, y_printed, yi), np.where(printed, v_printed, vi)
    return yi, without_zero_variance(vi)


def _check_values(columns: Columns, settings: Settings, places: Sequence[str]) -> None:
    """Raise `DataError` for values that cannot be, by parts: a column may hold nothing else."""
    source = settings.source
    problems: list[Problem] = []
    for start in range(0, len(places), _LOOKED_AT):
        part = {name: values[start : start + _LOOKED_AT] for name, values in columns.items()}
        names = _Later(places, start, len(next(iter(part.values()))))
        problems += problems_of(source, part, names)
        if "estimate" in columns:
            problems += reported_problems(part, source.scale, names)
        if len(problems) > MOST_NAMED:
            break
    if problems:
        raise DataError(first_of(problems))


def first_of(problems: Sequence[Problem]) -> list[Problem]:
    """Return the problems that an error names, and that there are more."""
    more = [Problem(f"and more; the first {MOST_NAMED} are named")]
    return [*problems[:MOST_NAMED], *(more if len(problems) > MOST_NAMED else [])]


class _Later(Places):
    """The places from a position on."""

    def __init__(self, places: Sequence[str], start: int, size: int) -> None:
        super().__init__(size)
        self._places, self._from = places, start

    def __getitem__(self, i: Any) -> Any:
        return self._places[self._from + i]


def _key(frame: pd.DataFrame, name: str, places: Sequence[str]) -> Key:
    import pandas as pd

    try:
        codes, values = pd.factorize(frame[name])
    except TypeError:  # some value cannot be hashed
        raise DataError(_no_key(name, frame[name].tolist())) from None
    problems = missing_keys(name, codes < 0, places) + _no_key(name, values.tolist())
    if problems:
        raise DataError(problems)
    whole = bool(len(values)) and not isinstance(values[0], str)
    found = np.asarray(values, dtype=np.int64 if whole else object)
    order = np.argsort(found, kind="stable")
    return Key(found[order], np.argsort(order)[codes])


def missing_keys(name: str, missing: Mask, places: Sequence[str]) -> list[Problem]:
    """Return which rows lack a key."""
    at = np.flatnonzero(missing)
    remedy = "give every row its key, or leave the row out"
    named = [Problem(f"{places[i]}: {name} is missing", remedy) for i in at[:MOST_NAMED].tolist()]
    rest = at.size - MOST_NAMED
    return [*named, *([Problem(f"{name} is missing in {rest} more rows")] if rest > 0 else [])]


def _no_key(name: str, values: Sequence[Any]) -> list[Problem]:
    """Return what is neither names alone nor whole numbers alone."""
    kinds: dict[str, Any] = {}
    for value in values:
        kinds.setdefault(_kind(value), value)
    remedy = "a key is names (text) alone, or whole numbers of 64 bits alone"
    if "" in kinds:
        return [Problem(f"{name} has {shown(kinds[''])}", remedy)]
    return [Problem(f"{name} has names and whole numbers", remedy)] if len(kinds) > 1 else []


def _kind(value: Any) -> str:
    if isinstance(value, str):
        return "name"
    whole = isinstance(value, Integral) and not isinstance(value, bool | np.bool_)
    return "number" if whole and -(2**63) <= int(value) < 2**63 else ""


def _floats(frame: pd.DataFrame, name: str, places: Sequence[str]) -> Array:
    import pandas as pd

    column = frame[name]
    is_ = pd.api.types
    # Also pandas' own, with their missing values.
    if is_.is_numeric_dtype(column.dtype) and not is_.is_complex_dtype(column.dtype):
        return column.to_numpy(dtype=np.float64, na_value=np.nan)
    return numbers(name, column)
