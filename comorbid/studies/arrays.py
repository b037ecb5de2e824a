"""The columns of a table as arrays: what is read, checked and pooled without a DataFrame."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.studies.columns import Values

if TYPE_CHECKING:
    import pandas as pd


class Arrays(Mapping[str, Values]):
    """The columns of a table by name, in its order, as arrays that cannot be written to.

    Parameters
    ----------
    columns : mapping of str to array of shape (rows,)
        Numbers are float64 with nan for missing, text is object of str with "" for missing, flags
        are bool, or object of True and False with None for missing.

    Examples
    --------
    >>> table = Arrays({"n": np.array([8.0, 9.0]), "sex": np.array(["f", "m"], dtype=object)})
    >>> table.rows, table.take(np.array([False, True])).records()
    (2, [{'n': 9.0, 'sex': 'm'}])
    """

    __slots__ = ("_columns", "_frame")

    def __init__(self, columns: Mapping[str, Values]) -> None:
        self._columns = {name: values.view() for name, values in columns.items()}
        for values in self._columns.values():
            values.flags.writeable = False
        self._frame: pd.DataFrame | None = None

    def __getitem__(self, name: str) -> Values:
        return self._columns[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._columns)

    def __len__(self) -> int:
        return len(self._columns)

    def __reduce__(self) -> tuple[type[Arrays], tuple[dict[str, Values]]]:
        return Arrays, (self._columns,)

    @property
    def rows(self) -> int:
        """Number of rows."""
        return max((values.size for values in self._columns.values()), default=0)

    def is_number(self, name: str) -> bool:
        """Return whether there is a column of this name that holds numbers."""
        return name in self._columns and self._columns[name].dtype == np.float64

    def cells(self, name: str) -> list[Any]:
        """Return a column as plain values; a missing flag is pandas' NA, as in the DataFrame."""
        cells: list[Any] = self._columns[name].tolist()
        if None not in cells:
            return cells
        import pandas as pd

        return [pd.NA if cell is None else cell for cell in cells]

    def records(self) -> list[dict[str, Any]]:
        """Return the rows, each as a dict of plain values; a missing flag is None."""
        columns = [values.tolist() for values in self._columns.values()]
        return [
            dict(zip(self._columns, cells, strict=True)) for cells in zip(*columns, strict=True)
        ]

    def take(self, rows: Values) -> Arrays:
        """Return the rows of a mask, or at these positions."""
        return Arrays({name: values[rows] for name, values in self._columns.items()})

    @property
    def frame(self) -> pd.DataFrame:
        """The DataFrame of these columns, made when it is first asked for; not a copy."""
        if self._frame is None:
            import pandas as pd

            columns = {name: series(values) for name, values in self._columns.items()}
            self._frame = pd.DataFrame(columns)
        return self._frame


def series(values: Values) -> pd.Series[Any]:
    """Return numbers as float64, text as str, flags as nullable booleans."""
    import pandas as pd

    if values.dtype != np.dtype(object):
        return pd.Series(values)
    if all(isinstance(value, str) for value in values):
        return pd.Series(values, dtype=str)
    return pd.Series(values, dtype="boolean")
