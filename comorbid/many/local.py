"""The local engine: part after part in bounded memory, each result kept until all are there."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comorbid.errors import ComorbidError, DataError, Problem
from comorbid.many.adjust import Adjust
from comorbid.many.core import pool_rows
from comorbid.many.output import Totals, assemble, part_file, write_part
from comorbid.many.parts import Parts, find_parts, part_of
from comorbid.many.rows import Rows, read_rows
from comorbid.many.settings import Settings
from comorbid.many.source import Source
from comorbid.many.spill import read_spilled, spill
from comorbid.many.work import cannot_write, remove, work_folder, written

if TYPE_CHECKING:
    import pyarrow as pa

Step = Callable[[int, int, str], None]


def run(source: Source, settings: Settings, *, out: Path, adjust: Adjust, step: Step) -> Totals:
    """Pool every group of Parquet files into one Parquet file.

    A run that ended before it was done is gone on from: its folder ``OUT.work`` has the chunks
    and results that were written.

    Parameters
    ----------
    source : Source
        The files.
    settings : Settings
        What to pool by.
    out : Path
        The file to write; one that is there is replaced at the end.
    adjust : {"BH", "storey", "none"}
        How p-values are adjusted.
    step : callable
        Called with number, total and name of each step.

    Raises
    ------
    DataError
        If rows cannot be used, the input changes meanwhile, another process is writing the same
        file, or nothing can be written.
    """
    made = settings.to_dict() | {"adjust": adjust}
    manifest = {"input": source.fingerprint(), "settings": made, "software": _software()}
    with work_folder(out, manifest) as folder:
        try:
            parts = _parts(folder, source, settings, step)
            _pool_parts(folder, source, parts, settings, step)
            if source.fingerprint() != manifest["input"]:
                remedy = "run again once nothing writes to it"
                raise DataError([Problem("the input changed while it was read", remedy)])
            step(1, 1, "writing the result")
            result = folder / "result.parquet"
            totals = assemble(folder, parts.count, result, settings, adjust)
            result.replace(out)
        except OSError as error:
            raise cannot_write(out, error) from error
        except ComorbidError:
            remove(folder)
            raise
    return totals


def _software() -> dict[str, str]:
    """Return the versions that the bits of a result may depend on."""
    names = ("comorbid", "numpy", "scipy", "pandas", "pyarrow")
    return {name: metadata.version(name) for name in names}


def _parts(folder: Path, source: Source, settings: Settings, step: Step) -> Parts:
    """Return how the input is cut, as an earlier run found it or by looking through it."""
    path = folder / "parts.json"
    if not path.exists():
        parts = find_parts(source, settings, step=partial(_step, step, "checking the rows"))
        with written(path) as aside:
            aside.write_text(json.dumps(parts.to_dict()), "utf-8")
    return Parts.from_dict(json.loads(path.read_text("utf-8")))


def _pool_parts(folder: Path, source: Source, parts: Parts, settings: Settings, step: Step) -> None:
    """Write the result of every part that is not there yet."""
    left = [part for part in range(parts.count) if not part_file(folder, part).exists()]
    if left and not parts.straight:
        spill(folder, source, parts, settings, step=partial(_step, step, "sorting the rows"))
    chunks = _Chunks(source, parts, settings)
    for part in left:
        step(part + 1, parts.count, "pooling the groups")
        if parts.straight:
            rows = read_rows(chunks.part(part), settings)
        else:
            rows = read_spilled(folder, part, source, settings)
        write_part(part_file(folder, part), pool_rows(rows, settings), settings)


def _step(step: Step, what: str, number: int, total: int) -> None:
    step(number + 1, total, what)


class _Chunks:
    """The chunks of the input that are in use, each read once where parts follow one another."""

    def __init__(self, source: Source, parts: Parts, settings: Settings) -> None:
        self._source, self._parts, self._settings = source, parts, settings
        self._held: dict[int, tuple[Any, Any]] = {}

    def part(self, part: int) -> pa.Table:
        """Return the rows of a part."""
        import pyarrow as pa

        wanted = self._parts.chunks_of(part)
        self._held = {i: self._held[i] if i in self._held else self._read(i) for i in wanted}
        tables = [
            table if number is None else table.filter(pa.array(number == part))
            for table, number in self._held.values()
        ]
        return pa.concat_tables(tables)

    def _read(self, chunk: int) -> tuple[Any, Any]:
        """Return a chunk, and the part of each of its rows unless all are of one."""
        table = self._source.chunk(chunk, self._settings)
        first, last = self._parts.spans[chunk]
        if first == last:
            return table, None
        rows: Rows = read_rows(table, self._settings)
        return table, part_of(rows.keys, self._parts.cuts)
