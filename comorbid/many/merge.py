"""Merge: tables that are each in the order of their keys, given back in the order of them all."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.many.arrow import key
from comorbid.many.groups import code_of
from comorbid.many.parts import cut, part_of, values_at
from comorbid.many.rows import Key, Places
from comorbid.many.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

_SAMPLE = 200  # rows looked at for each table that is given back


def merged(tables: Sequence[Any], settings: Settings) -> Iterator[pa.Table]:
    """Yield about as many tables, all rows in the order of their keys.

    Of the tables given only a few rows at a time are read: memory is about that of one.
    """
    import pyarrow as pa

    every = -(-sum(table.num_rows for table in tables) // (_SAMPLE * len(tables)))
    sample = []
    for table in tables:
        few = table.take(np.arange(0, table.num_rows, every))
        sample += values_at(_keys(few, settings), np.arange(few.num_rows))
    cuts = cut(sample, len(tables))
    ends = []
    for table in tables:
        part = part_of(_keys(table, settings), cuts)
        ends.append(np.searchsorted(part, np.arange(len(cuts) + 2)).tolist())
    for i, j in itertools.pairwise(range(len(cuts) + 2)):
        slices = [
            table.slice(own[i], own[j] - own[i]) for table, own in zip(tables, ends, strict=True)
        ]
        together = pa.concat_tables(slices).combine_chunks()
        yield together.take(np.argsort(code_of(_keys(together, settings))))


def _keys(table: pa.Table, settings: Settings) -> tuple[Key, ...]:
    return tuple(key(table, name, Places(table.num_rows)) for name in settings.by)
