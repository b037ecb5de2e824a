"""Work: the folder beside a result that is being made, from which an interrupted run goes on."""

from __future__ import annotations

import contextlib
import json
import os
import secrets
import shutil
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from comorbid.errors import DataError, DataWarning, Problem

_MANIFEST = "manifest.json"
_LOCK = "lock"
_ASIDE = ".aside"
ELSEWHERE = "by-workers-"
"""What the folder of a run begins with whose files are written by other processes than its own."""
_OWN = ("parts.json*", "chunk-*.arrow*", "part-*.arrow*", "result.parquet*", "*.aside")


@contextlib.contextmanager
def written(path: Path) -> Iterator[Path]:
    """Give a path to write to that is renamed to ``path`` once all is written.

    It is another one each time: of two that write the same, each writes its own.
    """
    aside = path.with_name(f"{path.name}.{secrets.token_hex(4)}{_ASIDE}")
    yield aside
    with aside.open("rb") as file:
        os.fsync(file.fileno())
    aside.replace(path)


@contextlib.contextmanager
def work_folder(out: Path, manifest: dict[str, Any]) -> Iterator[Path]:
    """Give the folder ``OUT.work``, with what an interrupted run of the same manifest left there.

    It is locked for this process, and removed at the end; where the process ends before, it
    stays.

    Parameters
    ----------
    out : Path
        The file that is being made.
    manifest : dict
        What the result depends on: input, settings and software. Where the folder holds work on
        another one, that is removed, with a warning.

    Raises
    ------
    DataError
        If another process is at work on the same file, or nothing can be written there.
    """
    folder = out.with_name(f"{out.name}.work")
    with contextlib.ExitStack() as stack:
        try:
            stack.enter_context(_locked(folder, out))
            _prepare(folder, manifest)
        except OSError as error:
            raise cannot_write(out, error) from error
        yield folder
        remove(folder)


def cannot_write(out: Path, error: OSError) -> DataError:
    """Return the error that says that a file cannot be written."""
    remedy = "make its folder writable or free some space, and run again: it goes on from there"
    return DataError([Problem(f"cannot write: {error.strerror or error}", remedy, file=str(out))])


def remove(folder: Path) -> None:
    """Remove a work folder: the manifest first, so that what is left of it is not gone on from."""
    _clear(folder)
    with contextlib.suppress(OSError):  # another process may have found it empty, and begun
        (folder / _LOCK).unlink(missing_ok=True)
        folder.rmdir()


def _clear(folder: Path, *, only: str = "*") -> None:
    """Remove what runs leave in a work folder, and nothing else."""
    for pattern in (_MANIFEST, *_OWN):
        for file in folder.glob(pattern):
            if file.match(only):
                file.unlink()
    for part in folder.glob(f"{ELSEWHERE}*"):
        if part.match(only):
            shutil.rmtree(part, ignore_errors=True)  # a worker may be at the end of its last task


def _prepare(folder: Path, manifest: dict[str, Any]) -> None:
    """Clear what does not belong to this manifest, and what was being written."""
    path = folder / _MANIFEST
    wanted = json.loads(json.dumps(manifest))
    before = json.loads(path.read_text("utf-8")) if path.exists() else None
    changed = [name for name in wanted if before is not None and before.get(name) != wanted[name]]
    if changed:
        warnings.warn(
            f"{folder}: not gone on from, because {' and '.join(changed)} changed since; "
            "everything is computed afresh",
            DataWarning,
            stacklevel=5,
        )
    keep = before == wanted
    _clear(folder, only=f"*{_ASIDE}" if keep else "*")
    if not keep:
        with written(path) as aside:
            aside.write_text(json.dumps(wanted, indent=1, sort_keys=True), "utf-8")


@contextlib.contextmanager
def _locked(folder: Path, out: Path) -> Iterator[None]:
    """Hold the lock of the folder, which the system gives back when the process ends."""
    file = None
    while file is None:
        folder.mkdir(exist_ok=True)
        file = _opened(folder / _LOCK, out)
    with file:
        yield


def _opened(path: Path, out: Path) -> IO[bytes] | None:
    """Return the locked file; None where another process removed it meanwhile."""
    with contextlib.ExitStack() as stack:
        try:
            file = stack.enter_context(path.open("ab"))
        except FileNotFoundError:
            return None
        if not _lock(file):
            remedy = "wait until it ends, or write to another file"
            raise DataError([Problem("another process is making this file", remedy, file=str(out))])
        if not _same(file, path):
            return None
        stack.pop_all()
    return file


def _same(file: IO[bytes], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(file.fileno()), path.stat())
    except FileNotFoundError:
        return False


def _lock(file: IO[bytes]) -> bool:
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
