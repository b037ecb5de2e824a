"""Folders: keys that files have from the names of their folders, as in ``exposure=asthma/``."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from pathlib import PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

import numpy as np

if TYPE_CHECKING:
    import pyarrow as pa

FolderKeys = Mapping[str, Sequence[str | int | None]]
_MISSING = "__HIVE_DEFAULT_PARTITION__"
_WHOLE = re.compile(r"0|-?[1-9]\d{0,17}")


def folder_keys(names: Sequence[str], columns: Sequence[Collection[str]]) -> FolderKeys:
    """Return what the folders of each file say, by key; None where they say nothing.

    A key is of whole numbers if all its values are written as such; ``007`` is a name.

    Parameters
    ----------
    names : sequence of str
        Paths with ``/`` between folders.
    columns : sequence of collection of str
        The columns of each file, which come before what its folders say.

    Examples
    --------
    >>> dict(folder_keys(["a=1/b=x%2Fy/0.parquet", "a=20/b=z/0.parquet"], [[], ["b"]]))
    {'a': [1, 20], 'b': ['x/y', None]}
    """
    found = []
    for name, own in zip(names, columns, strict=True):
        pairs = [part.split("=", 1) for part in PurePosixPath(name).parts[:-1] if "=" in part]
        said = {key: unquote(value) for key, value in pairs if value != _MISSING}
        found.append({key: value for key, value in said.items() if key not in own})
    keys = dict.fromkeys(key for said in found for key in said)
    return {key: _typed([said.get(key) for said in found]) for key in keys}


def _typed(values: Sequence[str | None]) -> list[str | int | None]:
    whole = all(_WHOLE.fullmatch(value) for value in values if value is not None)
    return [int(value) if whole and value is not None else value for value in values]


def with_keys(table: pa.Table, values: Mapping[str, str | int]) -> pa.Table:
    """Return a table with columns that hold one value each."""
    import pyarrow as pa

    for name, value in values.items():
        one = pa.array([value], pa.string() if isinstance(value, str) else pa.int64())
        at = np.zeros(table.num_rows, dtype=np.int32)
        table = table.append_column(name, pa.DictionaryArray.from_arrays(at, one))
    return table
