"""The local engine: part after part in bounded memory, each result kept until all are there."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comorbid.errors import ComorbidError, DataError, Problem
from comorbid.many.adjust import Adjust
from comorbid.many.core import pool_rows
from comorbid.many.looks import find_parts
from comorbid.many.output import Totals, assemble, part_file, write_part
from comorbid.many.parts import Bin, Parts, part_of
from comorbid.many.rows import Rows, read_rows
from comorbid.many.settings import Settings
from comorbid.many.source import Source
from comorbid.many.spill import read_spilled, spill
from comorbid.many.work import cannot_write, remove, work_folder, written

if TYPE_CHECKING:
    import pyarrow as pa

Step = Callable[[int, int, str], None]
_LAYOUT = 2  # of what is kept in the work folder: one of another is not gone on from


@dataclass(frozen=True, slots=True)
class Engine:
    """Who looks through an input and pools its parts.

    Attributes
    ----------
    find : callable
        Returns how the input is cut, from the work folder if an earlier run has found it.
    pool : callable
        Writes the result of every part that is not there yet.
    place : str
        What the folder in the work folder begins with that it writes to; empty for none.
    """

    find: Callable[[Path, Source, Settings, Step], Parts]
    pool: Callable[[Path, Source, Parts, Settings, Step], None]
    place: str = ""

    def folder(self, work: Path, manifest: dict[str, Any]) -> Path:
        """Return where to write; the name of a place is that of what the results depend on."""
        if not self.place:
            return work
        made = hashlib.sha256(json.dumps(manifest, sort_keys=True).encode()).hexdigest()[:16]
        folder = work / f"{self.place}{made}"
        folder.mkdir(exist_ok=True)
        return folder


def run(
    source: Source,
    settings: Settings,
    *,
    out: Path,
    adjust: Adjust,
    step: Step,
    engine: Engine,
) -> Totals:
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
    engine : Engine
        Who does it.

    Raises
    ------
    DataError
        If rows cannot be used, the input changes meanwhile, another process is writing the same
        file, or nothing can be written.
    """
    made = settings.to_dict() | {"adjust": adjust}
    software_ = software(settings)
    manifest = {
        "input": source.fingerprint(),
        "settings": made,
        "software": software_,
        "layout": _LAYOUT,
    }
    with work_folder(out, manifest) as work:
        try:
            folder = engine.folder(work, manifest)
            parts = engine.find(folder, source, settings, step)
            engine.pool(folder, source, parts, settings, step)
            if source.fingerprint() != manifest["input"]:
                remedy = "run again once nothing writes to it"
                raise DataError([Problem("the input changed while it was read", remedy)])
            step(1, 1, "writing the result")
            result = work / "result.parquet"
            totals = assemble(folder, parts, result, settings, adjust)
            result.replace(out)
        except OSError as error:
            raise cannot_write(out, error) from error
        except ComorbidError:
            remove(work)
            raise
    return totals


def software(settings: Settings) -> dict[str, str]:
    """Return the versions that the bits of a result may depend on."""
    names = ["comorbid", "numpy", "scipy", "pandas", "pyarrow"]
    names += ["numba"] if settings.kernel == "compiled" else []
    return {name: metadata.version(name) for name in names}


def known_parts(folder: Path, find: Callable[[], Parts]) -> Parts:
    """Return how the input is cut, as an earlier run found it or by looking through it."""
    path = folder / "parts.json"
    if not path.exists():
        found = json.dumps(find().to_dict())
        with written(path) as aside:
            aside.write_text(found, "utf-8")
    return read_parts(folder)


def read_parts(folder: Path) -> Parts:
    """Return how the input is cut, once that is found."""
    return Parts.from_dict(json.loads((folder / "parts.json").read_text("utf-8")))


def parts_left(folder: Path, parts: Parts) -> list[int]:
    """Return the parts whose result is not there yet."""
    return [part for part in range(parts.count) if not part_file(folder, part).exists()]


def pool_part(
    folder: Path, part: int, source: Source, settings: Settings, *, chunks: Chunks | None
) -> None:
    """Write the result of a part, of rows straight from chunks or of those that were sorted."""
    if chunks is not None:
        rows = read_rows(chunks.part(part), settings)
    else:
        rows = read_spilled(folder, part, source, settings)
    write_part(part_file(folder, part), pool_rows(rows, settings), settings)


def _find(folder: Path, source: Source, settings: Settings, step: Step) -> Parts:
    checking = partial(_step, step, "checking the rows")
    return known_parts(folder, lambda: find_parts(source, settings, step=checking))


def _pool(folder: Path, source: Source, parts: Parts, settings: Settings, step: Step) -> None:
    left = parts_left(folder, parts)
    if left and not parts.straight:
        sorting = partial(_step, step, "sorting the rows")
        spill(folder, source, parts.bins[0], settings, step=sorting)
    chunks = Chunks(source, parts, settings) if parts.straight else None
    for part in left:
        step(part + 1, parts.count, "pooling the groups")
        pool_part(folder, part, source, settings, chunks=chunks)


LOCAL = Engine(_find, _pool)
"""This process."""


def _step(step: Step, what: str, number: int, total: int) -> None:
    step(number + 1, total, what)


class Chunks:
    """The chunks of the input that are in use, each read once where parts follow one another."""

    def __init__(self, source: Source, parts: Parts, settings: Settings) -> None:
        self._source, self._parts, self._settings = source, parts, settings
        self._held: dict[int, tuple[Any, Any]] = {}

    def part(self, part: int) -> pa.Table:
        """Return the rows of a part."""
        import pyarrow as pa

        own, number = self._parts.find(part)
        wanted = own.chunks_of(number)
        self._held = {i: self._held[i] for i in wanted if i in self._held}
        new = [i for i in wanted if i not in self._held]
        for i, table in self._source.read(self._settings, numbers=new):
            self._held[i] = table, self._numbers(table, own, i)
        held = (self._held[i] for i in wanted)
        tables = [
            table if numbers is None else table.filter(pa.array(numbers == number))
            for table, numbers in held
        ]
        return pa.concat_tables(tables)

    def _numbers(self, table: Any, own: Bin, chunk: int) -> Any:
        """Return which part of a bin each row of a chunk is of, unless all are of one."""
        first, last = own.span(chunk)
        if first == last:
            return None
        rows: Rows = read_rows(table, self._settings)
        return part_of(rows.keys, own.cuts)
