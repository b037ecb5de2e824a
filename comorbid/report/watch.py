"""Watching a report's folder: wait until a file that it is made of changes."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path

from comorbid.report import lock as locks
from comorbid.report.definition import FILE

PAUSE = 0.5
"""Seconds between two looks at the folder."""

_Seen = dict[Path, tuple[int, int]]


def seen(folder: Path) -> _Seen:
    """Return size and time of change of every file in a folder that a build does not write."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        hidden = any(part.startswith(".") for part in name.parts)
        built = len(name.parts) == 1 and (name.stem == "report" or name.name == locks.FILE)
        if hidden or (built and name.name != FILE):
            continue
        try:
            facts = path.stat()
        except OSError:  # gone since it was listed: the next look misses it
            continue
        if path.is_file():
            found[path] = (facts.st_mtime_ns, facts.st_size)
    return found


def next_change(
    folder: Path, before: _Seen, *, sleep: Callable[[float], None] = time.sleep
) -> tuple[str, ...]:
    """Wait until files differ from those seen before and then rest, and return their names.

    An editor may write a file in several steps, so that a change counts once two looks agree.
    """
    last = before
    while True:
        sleep(PAUSE)
        now = seen(folder)
        if now != before and now == last:
            changed = {path for path in {*now, *before} if now.get(path) != before.get(path)}
            return tuple(sorted(path.relative_to(folder).as_posix() for path in changed))
        last = now
