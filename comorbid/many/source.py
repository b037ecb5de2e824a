"""Source: Parquet files, read in chunks of bounded size, always in the same order."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Any

from comorbid.errors import DataError, Problem
from comorbid.many.arrow import as_key, as_numbers
from comorbid.many.folders import FolderKeys, folder_keys, with_keys
from comorbid.many.rows import Places
from comorbid.many.settings import Settings

if TYPE_CHECKING:
    import pyarrow as pa

CHUNK_ROWS = 2**20
"""Rows of a chunk, at most."""
_END = 8  # bytes after the footer: its length and the mark of the format


@dataclass(frozen=True, slots=True)
class Piece:
    """Rows ``start`` to ``stop`` of a row group; ``row`` is where the first stands in its file."""

    file: int
    group: int
    start: int
    stop: int
    row: int
    whole: bool


def size_of(chunk: Sequence[Piece]) -> int:
    """Return the rows of a chunk."""
    return sum(piece.stop - piece.start for piece in chunk)


@dataclass(frozen=True)
class Source:
    """Parquet files with the same columns; made by `open_source`.

    Attributes
    ----------
    paths : tuple of Path
        The files, in the order in which they are read.
    names : tuple of str
        What they are called: relative to the folder, if there is one.
    rows : tuple of tuple of int
        Rows of each row group of each file.
    folders : mapping
        Keys that files have from the names of their folders, where they lack the column.
    """

    paths: tuple[Path, ...]
    names: tuple[str, ...]
    rows: tuple[tuple[int, ...], ...]
    folders: FolderKeys

    @cached_property
    def chunks(self) -> tuple[tuple[Piece, ...], ...]:
        """The pieces that are read together: whole row groups, or parts of one that is larger.

        A file begins a chunk unless it fits into that of the files before it as a whole, so that
        files which share no groups are in chunks which share none.
        """
        found: list[tuple[Piece, ...]] = []
        pending: list[Piece] = []
        held = 0
        for piece in self._pieces():
            size = piece.stop - piece.start
            if piece.row == 0:
                size = sum(self.rows[piece.file])
            if held + size > CHUNK_ROWS and pending:
                found.append(tuple(pending))
                pending, held = [], 0
            pending.append(piece)
            held += piece.stop - piece.start
        return (*found, tuple(pending)) if pending else tuple(found)

    def _pieces(self) -> Iterator[Piece]:
        for file, groups in enumerate(self.rows):
            before = [0, *accumulate(groups)]
            for group, size in enumerate(groups):
                for start in range(0, size, CHUNK_ROWS):
                    stop = min(start + CHUNK_ROWS, size)
                    yield Piece(file, group, start, stop, before[group] + start, size <= CHUNK_ROWS)

    @property
    def size(self) -> int:
        """Rows of all files."""
        return sum(map(sum, self.rows))

    @property
    def in_order(self) -> bool:
        """Whether any chunk can be read without those before it."""
        return all(piece.whole for chunk in self.chunks for piece in chunk)

    @property
    def torn(self) -> list[tuple[int, int]]:
        """The chunks, in pairs, that a row group too large for one begins and goes on in."""
        return [(i - 1, i) for i, chunk in enumerate(self.chunks) if chunk[0].start > 0]

    def read(
        self, settings: Settings, *, numbers: Iterable[int] | None = None
    ) -> Iterator[tuple[int, Any]]:
        """Yield the number and the table of each chunk, or of those given, in order."""
        stream = _Stream()
        for number in range(len(self.chunks)) if numbers is None else numbers:
            yield number, self._table(number, settings, stream)

    def chunk(self, number: int, settings: Settings) -> pa.Table:
        """Return the table of one chunk."""
        return self._table(number, settings, _Stream())

    def _table(self, number: int, settings: Settings, stream: _Stream) -> pa.Table:
        """Return a chunk, the whole row groups of a file read together."""
        import pyarrow as pa

        runs = groupby(self.chunks[number], key=_run_of)
        return pa.concat_tables([self._read(list(run), settings, stream) for _, run in runs])

    def _read(self, pieces: list[Piece], settings: Settings, stream: _Stream) -> pa.Table:
        from pyarrow import ArrowInvalid, parquet

        first = pieces[0]
        found = {name: self.folder_key(first.file, name) for name in settings.by}
        keys = {name: value for name, value in found.items() if value is not None}

        def opened() -> Any:
            return parquet.ParquetFile(
                self.paths[first.file],
                memory_map=True,
                read_dictionary=[name for name in settings.by if name not in keys],
            )

        columns = [name for name in dict.fromkeys(settings.columns) if name not in keys]
        try:
            if first.whole:
                with opened() as file:
                    table = file.read_row_groups([piece.group for piece in pieces], columns)
            else:
                table = stream.read(pieces, opened, columns)
        except (OSError, ArrowInvalid) as error:
            raise DataError([_unreadable(self.names[first.file], error)]) from error
        return _normal(with_keys(table, keys), settings)

    def folder_key(self, file: int, name: str) -> Any:
        """Return the key that a file has from its folders; None if it has none."""
        return self.folders[name][file] if name in self.folders else None

    def places(self, number: int) -> Places:
        """Return what the rows of a chunk are called in an error."""
        return _ChunkPlaces(self.chunks[number], self.names)

    def fingerprint(self) -> list[dict[str, Any]]:
        """Return what says that a file is still the same: its size, time and footer."""
        files = zip(self.names, self.paths, strict=True)
        return [{"name": name, **_state(path)} for name, path in files]


def _run_of(piece: Piece) -> tuple[int, int]:
    """Return what pieces have in common that are read together."""
    return piece.file, -1 if piece.whole else piece.group


class _Stream:
    """A row group too large to be read at once, read on from where the last piece ended."""

    def __init__(self) -> None:
        self._at: tuple[int, int, int] | None = None
        self._batches: Iterator[Any] = iter(())

    def read(self, pieces: list[Piece], opened: Callable[[], Any], columns: list[str]) -> pa.Table:
        """Return the rows of pieces of one row group."""
        import pyarrow as pa

        piece, stop = pieces[0], pieces[-1].stop
        if self._at != (piece.file, piece.group, piece.start):
            self._batches = opened().iter_batches(
                CHUNK_ROWS // 16, row_groups=[piece.group], columns=columns
            )
            self._take(piece.start)
        batches = self._take(stop - piece.start)
        self._at = (piece.file, piece.group, stop)
        return pa.Table.from_batches(batches)

    def _take(self, rows: int) -> list[Any]:
        """Return the next batches, which end where a chunk does."""
        found = []
        while rows > 0:
            batch = next(self._batches)
            if batch.num_rows > rows:
                self._batches = _chained(batch.slice(rows), self._batches)
                batch = batch.slice(0, rows)
            rows -= batch.num_rows
            found.append(batch)
        return found


def _chained(first: Any, rest: Iterator[Any]) -> Iterator[Any]:
    yield first
    yield from rest


class _ChunkPlaces(Places):
    """The rows of a chunk by file."""

    def __init__(self, pieces: Sequence[Piece], names: Sequence[str]) -> None:
        super().__init__(size_of(pieces))
        self._pieces, self._names = pieces, names

    def __getitem__(self, i: Any) -> Any:
        for piece in self._pieces:
            if i < piece.stop - piece.start:
                return f"{self._names[piece.file]}, row {piece.row + i + 1}"
            i -= piece.stop - piece.start
        raise IndexError(i)


def open_source(path: Path) -> Source:
    """Return the Parquet files that a path stands for: itself, or those of a folder.

    Raises
    ------
    DataError
        If there is none, one cannot be read, or they hold no rows.
    """
    from pyarrow import ArrowInvalid, parquet

    paths = _files(path)
    root = path if path.is_dir() else path.parent
    names = tuple(file.relative_to(root).as_posix() for file in paths)
    rows, problems = [], []
    own: list[Collection[str]] = []
    for name, file in zip(names, paths, strict=True):
        try:
            meta = parquet.read_metadata(file)
        except (OSError, ArrowInvalid) as error:
            problems.append(_unreadable(name, error))
        else:
            rows.append(tuple(meta.row_group(i).num_rows for i in range(meta.num_row_groups)))
            own.append(set(meta.schema.names))
    if not problems and not any(map(sum, rows)):
        problems.append(Problem("holds no rows", "add an estimate", file=str(path)))
    if problems:
        raise DataError(problems)
    return Source(paths, names, tuple(rows), folder_keys(names, own))


def _files(path: Path) -> tuple[Path, ...]:
    if path.is_file():
        return (path,)
    if not path.is_dir():
        raise DataError([Problem("is no file and no folder", "check the path", file=str(path))])
    found = sorted(
        file
        for file in path.rglob("*.parquet")
        if file.is_file()
        and not any(part.startswith((".", "_")) for part in file.relative_to(path).parts)
    )
    if not found:
        remedy = "give a folder of files that end in .parquet"
        raise DataError([Problem("holds no Parquet file", remedy, file=str(path))])
    return tuple(found)


def _unreadable(name: str, error: Exception) -> Problem:
    what = " ".join(str(error).split())
    remedy = "is it whole, and a Parquet file? copy or write it again"
    return Problem(f"cannot be read: {what}", remedy, file=name)


def _normal(table: pa.Table, settings: Settings) -> pa.Table:
    """Return the table with one type for all names, all whole numbers and all numbers."""
    import pyarrow as pa

    columns = {name: as_key(name, table[name]) for name in settings.by}
    columns |= {name: as_numbers(name, table[name]) for _, name in settings.inputs}
    return pa.table(columns)


def _state(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        status = os.fstat(file.fileno())
        file.seek(max(0, status.st_size - _END))
        length = int.from_bytes(file.read(4), "little")
        file.seek(max(0, status.st_size - _END - length))
        footer = hashlib.sha256(file.read()).hexdigest()
    return {"bytes": status.st_size, "modified": status.st_mtime_ns, "footer": footer}
