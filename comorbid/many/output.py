"""Output: results of parts, kept as files of their own and put together in one Parquet file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.many.adjust import Adjust, adjust_p, null_share
from comorbid.many.merge import merged
from comorbid.many.parts import Parts
from comorbid.many.settings import RESULT_COLUMNS, Settings
from comorbid.many.work import written

if TYPE_CHECKING:
    import pandas as pd
    import pyarrow as pa

_WHOLE = ("k", "missing")
_TEXT = ("flags", "reason")


@dataclass(frozen=True, slots=True)
class Totals:
    """What is counted over all groups."""

    groups: int
    estimates: int
    missing: int
    null_share: float

    @classmethod
    def of(cls, k: Array, missing: Array, p: Array, adjust: Adjust) -> Totals:
        """Return the totals of the columns of a result."""
        share = null_share(p) if adjust == "storey" else float("nan")
        return cls(k.size, int(k.sum()), int(missing.sum()), share)


def part_file(folder: Path, part: int) -> Path:
    """Return where the result of a part stands."""
    return folder / f"part-{part:06d}.arrow"


def as_table(frame: pd.DataFrame, settings: Settings) -> pa.Table:
    """Return a result as an Arrow table, each column of its one type."""
    import pyarrow as pa

    def type_of(name: str) -> pa.DataType:
        if name in settings.by:
            return pa.int64() if frame[name].dtype == np.int64 else pa.string()
        if name in _WHOLE:
            return pa.int64()
        if name in _TEXT:
            return pa.string()
        return pa.bool_() if name == "loo_crosses_null" else pa.float64()

    schema = pa.schema([(name, type_of(name)) for name in frame.columns])
    table = pa.Table.from_pandas(frame, schema=schema, preserve_index=False)
    return table.replace_schema_metadata(None)


def write_part(path: Path, frame: pd.DataFrame, settings: Settings) -> None:
    """Write the result of a part aside, and rename it."""
    import pyarrow as pa

    table = as_table(frame, settings)
    with written(path) as aside, pa.ipc.new_file(aside, table.schema) as file:
        file.write_table(table)


def assemble(folder: Path, parts: Parts, path: Path, settings: Settings, adjust: Adjust) -> Totals:
    """Put the results of all parts into one Parquet file, with adjusted p-values."""
    columns = [
        np.concatenate(found)
        for found in zip(*(_counted(table) for table in _parts(folder, parts)), strict=True)
    ]
    k, missing, p = columns
    adjusted = None if adjust == "none" else adjust_p(p, adjust=adjust)
    tables = with_adjusted(_parts(folder, parts), adjusted, settings)
    if len(parts.bins) > 1:  # whose keys lie between one another
        tables = merged(list(tables), settings)
    write_result(path, tables, settings, adjust)
    return Totals.of(k, missing, p, adjust)


def with_adjusted(
    tables: Iterable[Any], adjusted: Array | None, settings: Settings
) -> Iterator[Any]:
    """Yield the tables with the adjusted p-values in their place."""
    start = 0
    for table in tables:
        own = None if adjusted is None else adjusted[start : start + table.num_rows]
        start += table.num_rows
        yield table if own is None else _with_adjusted(table, own, settings)


def write_result(path: Path, tables: Iterable[Any], settings: Settings, adjust: Adjust) -> None:
    """Write tables as one Parquet file, a row group each, aside and renamed."""
    from pyarrow import parquet

    made = json.dumps(settings.to_dict() | {"adjust": adjust}, sort_keys=True)
    writer = None
    with written(path) as aside:
        try:
            for table in tables:
                if writer is None:
                    schema = table.schema.with_metadata({"comorbid": made})
                    writer = parquet.ParquetWriter(aside, schema)
                writer.write_table(table.replace_schema_metadata({"comorbid": made}))
        finally:
            if writer is not None:
                writer.close()


def _parts(folder: Path, parts: Parts) -> Iterator[Any]:
    import pyarrow as pa

    for part in range(parts.count):
        with pa.memory_map(str(part_file(folder, part))) as file:
            yield pa.ipc.open_file(file).read_all()


def _counted(table: pa.Table) -> list[Array]:
    return [np.array(table[name]) for name in ("k", "missing", "p_value")]


def _with_adjusted(table: pa.Table, adjusted: Array, settings: Settings) -> pa.Table:
    """Return the table with the adjusted p-values in their place."""
    import pyarrow as pa

    columns = {name: table[name] for name in table.schema.names}
    columns["p_adjusted"] = pa.array(adjusted)
    order = [*settings.by, *(name for name in RESULT_COLUMNS if name in columns)]
    return pa.table({name: columns[name] for name in order})
