"""Spill: chunks sorted by part into files of their own, from which parts are read together."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.many.arrow import floats, key
from comorbid.many.parts import Bin, part_of
from comorbid.many.rows import Places, Rows, read_rows
from comorbid.many.settings import Settings
from comorbid.many.source import Source
from comorbid.many.work import written

if TYPE_CHECKING:
    import pyarrow as pa

_REPEATED = 8  # rows for each name from which names are written once a chunk


def spill(
    folder: Path,
    source: Source,
    whole: Bin,
    settings: Settings,
    *,
    step: Callable[[int, int], None],
) -> None:
    """Write every chunk that is not there yet, its rows by part."""
    for number, table in source.read(settings, numbers=chunks_left(folder, source)):
        step(number, len(source.chunks))
        spill_chunk(folder, number, table, source, whole, settings)


def chunks_left(folder: Path, source: Source) -> list[int]:
    """Return the chunks that are not written yet."""
    return [i for i in range(len(source.chunks)) if not chunk_file(folder, i).exists()]


def spill_chunk(
    folder: Path, number: int, table: pa.Table, source: Source, whole: Bin, settings: Settings
) -> None:
    """Write one chunk, its rows by part."""
    rows = read_rows(table, settings, places=source.places(number))
    part = part_of(rows.keys, whole.cuts)
    order = np.argsort(part.astype(np.int32), kind="stable")
    sorted_ = _table(table, rows, settings).take(order)
    ends = np.searchsorted(part[order], np.arange(whole.count + 1))
    with written(chunk_file(folder, number)) as aside:
        _write(aside, sorted_, ends.tolist())


def chunk_file(folder: Path, number: int) -> Path:
    """Return where the sorted rows of a chunk stand."""
    return folder / f"chunk-{number:06d}.arrow"


def _table(table: pa.Table, rows: Rows, settings: Settings) -> pa.Table:
    """Return keys, effects and variances as a table."""
    import pyarrow as pa

    columns = []
    for name in settings.by:
        column = table[name]
        if pa.types.is_dictionary(column.type):
            column = column.unify_dictionaries().combine_chunks()
            if len(column.dictionary) * _REPEATED > len(column):
                column = column.dictionary_decode()
        columns.append(column)
    names = [*map(str, range(len(columns))), "yi", "vi"]
    return pa.table([*columns, rows.yi, rows.vi], names=names)


def _write(path: Path, table: pa.Table, ends: list[int]) -> None:
    """Write one batch a part."""
    import pyarrow as pa

    (whole,) = table.combine_chunks().to_batches()
    with pa.ipc.new_file(path, whole.schema) as file:
        for start, stop in itertools.pairwise(ends):
            file.write_batch(whole.slice(start, stop - start))


def read_spilled(folder: Path, part: int, source: Source, settings: Settings) -> Rows:
    """Return the rows of a part from all chunks, in the order of the input."""
    import pyarrow as pa

    tables = []
    for number in range(len(source.chunks)):
        with pa.memory_map(str(chunk_file(folder, number))) as file:
            batch = pa.ipc.open_file(file).get_batch(part)
            tables.append(_encoded(batch))
    table = pa.concat_tables(tables)
    places = Places(table.num_rows)
    keys = tuple(key(table, str(i), places) for i in range(len(settings.by)))
    yi, vi = (floats(table, name, places) for name in ("yi", "vi"))
    return Rows(keys, yi, vi)


def _encoded(batch: Any) -> pa.Table:
    """Return a batch as a table whose names are a dictionary, as they are in other chunks."""
    import pyarrow as pa

    table = pa.Table.from_batches([batch])
    for i, column in enumerate(table.itercolumns()):
        if pa.types.is_string(column.type):
            encoded = column.dictionary_encode()
            table = table.set_column(i, table.field(i).name, encoded)
    return table
