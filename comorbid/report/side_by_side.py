"""Side by side: sections of a report are built in two processes, this one and a copy of it.

The outcome is that of building one after the other. The copy builds sections of the core alone,
and what it cannot build without a word is built here again. What plugins declare is built here,
so that their functions meet one process only.
"""

from __future__ import annotations

import contextlib
import os
import pickle
import select
import signal
import sys
import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from io import FileIO
from typing import IO, Any, NoReturn

from comorbid.calls import Call, Calls, is_core
from comorbid.contributions import Section
from comorbid.document.blocks import Block
from comorbid.errors import ProblemsError
from comorbid.registry import Declared

Built = tuple[Block, ...] | ProblemsError
# How long the copy may need for its last section when this process has nothing left to do.
_PATIENCE = 60.0


@dataclass(slots=True)
class _Work:
    """Sections to build, what was made of them, and what was said meanwhile, by their places."""

    entries: Sequence[Declared[Section]]
    build: Callable[[Declared[Section]], Built]
    calls: Calls
    built: dict[int, Built] = field(default_factory=dict)
    warned: dict[int, list[warnings.WarningMessage]] = field(default_factory=dict)
    made: dict[int, list[Call]] = field(default_factory=dict)

    def do(self, i: int) -> None:
        """Build a section."""
        start = len(self.calls.made)
        with warnings.catch_warnings(record=True) as self.warned[i]:
            try:
                self.built[i] = self.build(self.entries[i])
            finally:
                self.made[i] = self.calls.made[start:]
                del self.calls.made[start:]

    def tell(self) -> None:
        """Pass on what was said, in the order of the sections."""
        told: dict[Any, int] = {}
        for i in sorted(self.made):
            self.calls.made += self.made[i]
            for w in self.warned.get(i, ()):
                text = str(w.message)
                warnings.warn_explicit(text, w.category, w.filename, w.lineno, registry=told)


def side_by_side(
    entries: Sequence[Declared[Section]], build: Callable[[Declared[Section]], Built], calls: Calls
) -> list[Built]:
    """Build sections, in two processes where that is possible.

    Parameters
    ----------
    entries : sequence of Declared
        The sections.
    build : callable
        ``build(entry)`` returns the blocks of a section, or why it cannot be built.
    calls : Calls
        The calls that it makes.

    Returns
    -------
    list
        What ``build`` returns for each entry. Warnings and calls are in the same order.
    """
    work = _Work(entries, build, calls)
    shared = [i for i, entry in enumerate(entries) if i and is_core(entry.origin)]
    try:
        if 1 < len(shared) < 200 and _can_copy():
            work.do(0)  # before there are two, which both need what is imported for it
            with _copy(work, shared) as tasks:
                for i in range(1, len(entries)):
                    if i not in shared:
                        work.do(i)
                for i in _taken(tasks):
                    work.do(i)
        for i in range(len(entries)):
            if i not in work.built:
                work.do(i)
    finally:
        work.tell()
    return [work.built[i] for i in range(len(entries))]


def _can_copy() -> bool:
    """Whether a copy of this process can go on as it would, which no other thread may hinder."""
    if sys.platform != "linux":
        return False
    return threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


@contextlib.contextmanager
def _copy(work: _Work, shared: Sequence[int]) -> Iterator[FileIO]:
    """Share sections with a copy of this process; in the end those that it built are there."""
    taking, giving = os.pipe()
    os.write(giving, bytes(shared))
    os.close(giving)
    hearing, saying = os.pipe()
    with FileIO(taking) as tasks, os.fdopen(hearing, "rb") as answers:
        pid = _fork()
        if pid == 0:
            _build_there(work, tasks, saying)
        os.close(saying)
        try:
            yield tasks
            _receive(work, answers)
        finally:
            if pid:
                os.kill(pid, signal.SIGKILL)
                os.waitpid(pid, 0)


def _fork() -> int | None:
    with warnings.catch_warnings():
        # Python counts threads that the system knows of; those of linear algebra end with a fork.
        warnings.simplefilter("ignore", DeprecationWarning)
        try:
            return os.fork()
        except OSError:  # no room for another process, and one can do without
            return None


def _taken(tasks: FileIO) -> Iterator[int]:
    """Yield what neither process has taken yet."""
    while task := tasks.read(1):
        yield task[0]


def _build_there(work: _Work, tasks: FileIO, saying: int) -> NoReturn:
    """Build in the copy, hand over what was built without a word, and end."""
    try:
        work.calls.hush()
        done = {}
        for i in _taken(tasks):
            work.do(i)
            if not work.warned[i] and isinstance(work.built[i], tuple):
                done[i] = work.built[i], work.made[i]
        with os.fdopen(saying, "wb") as answers:
            pickle.dump(done, answers)
    finally:
        os._exit(0)


def _receive(work: _Work, answers: IO[bytes]) -> None:
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        if select.select([answers], [], [], _PATIENCE)[0]:
            for i, (built, made) in pickle.load(answers).items():  # noqa: S301 (of our own making)
                work.built[i], work.made[i] = built, made
                work.calls.begin(f"section {work.entries[i].declaration.id!r}")
