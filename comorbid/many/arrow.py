"""Arrow: keys and numbers from the columns of an Arrow table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import DataError, Problem
from comorbid.many.rows import Key, missing_keys

if TYPE_CHECKING:
    import pyarrow as pa


def kind_of(type_: pa.DataType) -> str:
    """Return what a column of this type holds, in words."""
    from pyarrow import types

    if types.is_dictionary(type_):
        return kind_of(type_.value_type)
    kinds = {
        "names": (types.is_string, types.is_large_string, types.is_string_view),
        "whole numbers": (types.is_integer,),
        "numbers": (types.is_floating, types.is_decimal),
        "nothing": (types.is_null,),
    }
    return next((kind for kind, of in kinds.items() if any(is_(type_) for is_ in of)), str(type_))


def no_key(name: str, kind: str) -> list[Problem]:
    """Return what is wrong with a key column of a kind, if anything."""
    remedy = "a key is names (text) alone, or whole numbers alone"
    fit = kind in ("names", "whole numbers", "nothing")
    return [] if fit else [Problem(f"{name} holds {kind}", remedy)]


def as_key(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a key column as a dictionary of names, or as whole numbers of 64 bits."""
    import pyarrow as pa

    kind = kind_of(column.type)
    problems = no_key(name, kind)
    if problems:
        raise DataError(problems)
    if kind == "whole numbers":
        try:
            return column.cast(pa.int64())
        except pa.ArrowInvalid as error:
            remedy = "give numbers that 64 bits hold, with a sign"
            raise DataError([Problem(f"{name}: {error}", remedy)]) from error
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    return column.cast(pa.dictionary(pa.int32(), pa.string()))


def as_numbers(name: str, column: pa.ChunkedArray) -> pa.ChunkedArray:
    """Return a column as floats."""
    import pyarrow as pa

    kind = kind_of(column.type)
    if kind not in ("whole numbers", "numbers", "nothing"):
        remedy = "give numbers, and nan or nothing where one is missing"
        raise DataError([Problem(f"{name} holds {kind}", remedy)])
    return column.cast(pa.float64())


def key(table: pa.Table, name: str, places: Sequence[str]) -> Key:
    """Return a key column of a table."""
    import pyarrow as pa
    from pyarrow import compute as pc

    column = as_key(name, table[name])
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    column = column.unify_dictionaries().combine_chunks()
    values = column.dictionary.unique().drop_null()
    if column.null_count or len(values) < len(column.dictionary):  # missing or repeated ones
        codes = pc.index_in(column.dictionary, values).take(column.indices).fill_null(-1)
    else:
        codes = column.indices
    codes = codes.to_numpy(zero_copy_only=False)
    order = pc.sort_indices(values)
    found = values.take(order).to_numpy(zero_copy_only=False)
    problems = missing_keys(name, codes < 0, places)
    if problems:
        raise DataError(problems)
    rank = np.argsort(order.to_numpy())
    return Key(found, rank[codes] if len(values) else codes.astype(np.intp))


def floats(table: pa.Table, name: str, places: Sequence[str]) -> Array:
    """Return a column of numbers of a table; missing ones are nan."""
    values = as_numbers(name, table[name]).combine_chunks()
    return np.asarray(values.to_numpy(zero_copy_only=False), dtype=np.float64)
