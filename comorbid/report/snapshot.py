"""Snapshot: what two reports are compared by, read from a folder, a lock or a PDF alone."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from comorbid.errors import Problem, ReportError
from comorbid.report import lock as locks
from comorbid.report.definition import FILE
from comorbid.report.digests import PDF
from comorbid.report.verify import unpacked
from comorbid.studies.read import studies_from_bytes

_EFFECT = {"yi": "effect", "vi": "variance"}


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A report as it was built.

    Attributes
    ----------
    lock : mapping
        What ``results.json`` holds.
    rows : mapping of str to mapping of str to str
        Cells of the study table as text, by the id of the row and the column; of a lock alone the
        effects that were pooled.
    from_table : bool
        Whether the rows are those of the study table.
    """

    lock: Mapping[str, Any]
    rows: Mapping[str, Mapping[str, str]]
    from_table: bool

    def pooled(self) -> Snapshot:
        """Return the same with the effects pooled in place of the study table."""
        return Snapshot(self.lock, _pooled_rows(self.lock), from_table=False)


def snapshot(path: Path) -> Snapshot:
    """Read a report: its folder, its ``results.json`` alone, or its PDF alone.

    Raises
    ------
    ReportError
        If there is no lock, or it cannot be read.
    DataError
        If the study table cannot be read.
    """
    if path.is_dir():
        return _of_folder(path)
    if path.suffix.lower() == PDF:
        with unpacked(path) as (folder, _):
            return _of_folder(folder)
    try:
        content = path.read_bytes()
    except OSError as error:
        problem = Problem(f"cannot be read: {error.strerror or error}", file=str(path))
        raise ReportError([problem]) from error
    lock = locks.parse_lock(content, str(path))
    return Snapshot(lock, _pooled_rows(lock), from_table=False)


def _of_folder(folder: Path) -> Snapshot:
    lock = locks.read_lock(folder)
    table = _table_of(folder)
    if table is None:
        return Snapshot(lock, _pooled_rows(lock), from_table=False)
    studies = studies_from_bytes(table.read_bytes(), source=str(table))
    frame, printed = studies.frame, studies.printed
    for name in printed:
        frame[name] = printed[name]
    rows = {
        str(row["estimate_id"]): {str(name): _cell(cell) for name, cell in row.items()}
        for row in frame.to_dict(orient="records")
    }
    return Snapshot(lock, rows, from_table=True)


def _table_of(folder: Path) -> Path | None:
    """Return the study table that a folder's definition names, if both are there."""
    try:
        data = tomllib.loads((folder / FILE).read_text(encoding="utf-8"))["data"]
        table = (folder / data).resolve()
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError, KeyError, TypeError):
        return None
    return table if table.is_file() and table.is_relative_to(folder.resolve()) else None


def _cell(value: Any) -> str:
    """Return a cell as a reader writes it: whole numbers without a point, a missing one empty."""
    if value is None or value != value:
        return ""
    return f"{value:.12g}" if isinstance(value, float) else str(value)


def _pooled_rows(lock: Mapping[str, Any]) -> dict[str, dict[str, str]]:
    """Return the effects that a lock's main pool has, by the ids of their rows."""
    values = lock["results"].get("pool", {}).get("values", {})
    ids, labels = values.get("ids", []), values.get("labels", [])
    columns = {name: values[key] for key, name in _EFFECT.items() if key in values}
    return {
        id_: {
            "label": labels[i] if i < len(labels) else id_,
            **{name: _cell(float(column[i])) for name, column in columns.items()},
        }
        for i, id_ in enumerate(ids)
    }
