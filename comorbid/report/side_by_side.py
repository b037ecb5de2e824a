"""Side by side: parts of a report are made in two processes, this one and a copy of it.

The outcome is that of making one after the other. The copy makes parts of the core alone, and what
it cannot make without a word is made here again. What plugins declare is made here, so that their
functions meet one process only.
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
from typing import IO, Any, Generic, NoReturn, TypeVar

from comorbid.calls import Call, Calls, is_core
from comorbid.errors import ProblemsError
from comorbid.registry import Declared

Part = TypeVar("Part", bound=Declared[Any])
Made = TypeVar("Made", bound=tuple[Any, ...])
# How long the copy may need for its last part when this process has nothing left to do.
_PATIENCE = 60.0


@dataclass(slots=True)
class _Work(Generic[Part, Made]):
    """Parts to make, and what was said meanwhile, by their places."""

    parts: Sequence[Part]
    make: Callable[[Part], Made | ProblemsError]
    calls: Calls
    warned: dict[int, list[warnings.WarningMessage]] = field(default_factory=dict)
    called: dict[int, list[Call]] = field(default_factory=dict)

    def do(self, i: int) -> Made | ProblemsError:
        """Make a part."""
        start = len(self.calls.made)
        with warnings.catch_warnings(record=True) as self.warned[i]:
            try:
                return self.make(self.parts[i])
            finally:
                self.called[i] = self.calls.made[start:]
                del self.calls.made[start:]

    def tell(self) -> None:
        """Pass on what was said, in the order of the parts."""
        told: dict[Any, int] = {}
        for i in sorted(self.called):
            self.calls.made += self.called[i]
            for w in self.warned.get(i, ()):
                text = str(w.message)
                warnings.warn_explicit(text, w.category, w.filename, w.lineno, registry=told)


def side_by_side(
    parts: Sequence[Part],
    make: Callable[[Part], Made | ProblemsError],
    calls: Calls,
    *,
    ready: Callable[[Part], bool] = lambda part: True,
) -> Iterator[tuple[int, Made | ProblemsError]]:
    """Make parts of a report, in two processes where that is possible.

    Parameters
    ----------
    parts : sequence of Declared
        What is to be made.
    make : callable
        ``make(part)`` returns what is made of a part, or why it cannot be.
    calls : Calls
        The calls that it makes.
    ready : callable
        Whether a part can be made as soon as the first one is there.

    Yields
    ------
    tuple
        The place of a part and what ``make`` returns for it, in the order in which they are made.
        Warnings and calls are in the order of the parts when all are.
    """
    work = _Work(parts, make, calls)
    there: set[int] = set()
    try:
        for i in range(len(parts)):
            if i not in there:
                yield i, work.do(i)
            if i == 0:  # with what is imported for it, which both processes need
                for j, made in _shared(work, ready):
                    there.add(j)
                    yield j, made
    finally:
        work.tell()


def _shared(
    work: _Work[Part, Made], ready: Callable[[Part], bool]
) -> Iterator[tuple[int, Made | ProblemsError]]:
    """Make what is ready after the first part, where a copy of this process can share in it."""
    can = [i for i, part in enumerate(work.parts) if i and ready(part)]
    shared = [i for i in can if is_core(work.parts[i].origin)]
    own = [i for i in can if i not in shared]
    if not 1 < len(shared) < 200 or not _can_copy():
        return
    with _copy(work, shared) as (tasks, answers):
        for i in own:
            yield i, work.do(i)
        for i in _taken(tasks):
            yield i, work.do(i)
        yield from _received(work, answers)


def _can_copy() -> bool:
    """Whether a copy of this process can go on as it would, which no other thread may hinder."""
    if sys.platform != "linux":
        return False
    return threading.active_count() == 1 and len(os.sched_getaffinity(0)) > 1


@contextlib.contextmanager
def _copy(work: _Work[Part, Made], shared: Sequence[int]) -> Iterator[tuple[FileIO, IO[bytes]]]:
    """Share parts with a copy of this process: who takes one makes it."""
    taking, giving = os.pipe()
    os.write(giving, bytes(shared))
    os.close(giving)
    hearing, saying = os.pipe()
    with FileIO(taking) as tasks, os.fdopen(hearing, "rb") as answers:
        pid = _fork()
        if pid == 0:
            _make_there(work, tasks, saying)
        os.close(saying)
        try:
            yield tasks, answers
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


def _make_there(work: _Work[Part, Made], tasks: FileIO, saying: int) -> NoReturn:
    """Make parts in the copy, hand over what was made without a word, and end."""
    try:
        work.calls.hush()
        done = {}
        for i in _taken(tasks):
            made = work.do(i)
            if not work.warned[i] and not isinstance(made, ProblemsError):
                with contextlib.suppress(TypeError, AttributeError, pickle.PicklingError):
                    done[i] = pickle.dumps((made, work.called[i]))
        with os.fdopen(saying, "wb") as answers:
            pickle.dump(done, answers)
    finally:
        os._exit(0)


def _received(work: _Work[Part, Made], answers: IO[bytes]) -> Iterator[tuple[int, Made]]:
    """Yield what the copy made."""
    done: dict[int, bytes] = {}
    with contextlib.suppress(EOFError, pickle.UnpicklingError):
        if select.select([answers], [], [], _PATIENCE)[0]:
            done = pickle.load(answers)  # noqa: S301 (of our own making)
    for i, content in done.items():
        made, work.called[i] = pickle.loads(content)  # noqa: S301
        for call in work.called[i][-1:]:
            work.calls.begin(call.what)
        yield i, made
