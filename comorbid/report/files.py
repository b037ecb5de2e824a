"""Files: written aside and renamed, so that what was there before stays whole until the end."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Mapping
from hashlib import file_digest
from pathlib import Path

from comorbid.errors import Problem, ReportError


def write_together(folder: Path, contents: Mapping[str, bytes]) -> None:
    """Write files into a folder: all of them aside first, then each renamed into place.

    Parameters
    ----------
    folder : Path
        An existing folder.
    contents : mapping of str to bytes
        File names and what they hold; renamed in this order.

    Raises
    ------
    ReportError
        If anything cannot be written, as on a full disk; the earlier files are then unchanged.
    """
    aside = {name: folder / f".{name}.{os.getpid()}.part" for name in contents}
    _refuse_folders(folder, contents)
    try:
        for name in contents:
            for left_over in folder.glob(f".{name}.*.part"):
                left_over.unlink(missing_ok=True)
        for name, content in contents.items():
            with aside[name].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for name, path in aside.items():
            path.replace(folder / name)
    except OSError as error:
        remedy = "make the folder writable or free some space; the earlier files are unchanged"
        problem = Problem(f"cannot write: {error.strerror or error}", remedy, file=str(folder))
        raise ReportError([problem]) from error
    finally:
        for path in aside.values():
            with contextlib.suppress(OSError):
                path.unlink(missing_ok=True)


def _refuse_folders(folder: Path, names: Iterable[str]) -> None:
    """Find out before anything is renamed what a rename would fail on."""
    problems = [
        Problem("is a folder", "move it away", file=str(folder / name))
        for name in names
        if (folder / name).is_dir()
    ]
    if problems:
        raise ReportError(problems)


def file_hash(path: Path) -> str:
    """Return the sha256 of a file, in hexadecimal; a file that cannot be read has none: error."""
    try:
        with path.open("rb") as file:
            return file_digest(file, "sha256").hexdigest()
    except OSError as error:
        problem = Problem(f"cannot read: {error.strerror or error}", "restore it", file=str(path))
        raise ReportError([problem]) from error
