"""What limits a computation: calls of NumPy, arithmetic, or the way to memory.

A computation is done once with arrays that count what is done to them. Each kind of operation is
then timed by itself: with one number of each array, which is what a call costs; with as much as
stays in the processor's cache, whose excess over that is the arithmetic; and with the largest
arrays that it was given, whose excess over that, by elements, is the way to memory.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from functools import partial
from typing import Any
from unittest.mock import patch

import numpy as np
from data import Array

from comorbid.models.spare import Spare

Again = Callable[[int | None], Callable[[], object]]
"""Gives an operation again, with so many numbers along each axis at most, or all if None."""

CACHED = 4096


@dataclass(slots=True)
class Kind:
    """What was done by one kind of operation: how often, to how many elements, and an example."""

    calls: int = 0
    elements: int = 0
    size: int = 0
    cached: int = 0
    again: Again | None = None


@dataclass(slots=True)
class Tally:
    """The operations by name, and the bytes that they read and wrote."""

    kinds: dict[str, Kind] = field(default_factory=dict)
    moved: int = 0

    def add(self, function: Any, arrays: list[Any], again: Again) -> None:
        """Count a call with these arrays."""
        kind = self.kinds.setdefault(_name(function), Kind())
        size = max(np.size(array) for array in arrays)
        kind.calls += 1
        kind.elements += size
        self.moved += sum(getattr(array, "nbytes", 0) for array in arrays)
        if size > kind.size:
            kind.size, kind.again = size, again
            kind.cached = max(np.size(_cut(array, CACHED)) for array in arrays)


class Counted(np.ndarray[Any, np.dtype[Any]]):
    """An array whose operations, and those of what is made from it, go to a tally."""

    tally = Tally()

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        raw, options = _raw(inputs), _raw(options)
        work = getattr(ufunc, method)
        found = work(*raw, **options)
        options.pop("out", None)
        self.tally.add(work, [*raw, found], _repeated(work, raw, options))
        return _counted(found)

    def __array_function__(self, func: Any, types: Any, args: Any, kwargs: Any) -> Any:
        args, kwargs = _raw(args), _raw(kwargs)
        found = func(*args, **kwargs)
        arrays = [value for value in (*args, found) if isinstance(value, np.ndarray)]
        kwargs.pop("out", None)
        if arrays:
            self.tally.add(func, arrays, _repeated(func, args, kwargs))
        return _counted(found)

    def __getitem__(self, key: Any) -> Any:
        own = self.view(np.ndarray)
        found = own[_raw(key)]
        if isinstance(found, np.ndarray) and not np.may_share_memory(found, own):
            self.tally.add(np.take, [found, found], partial(_taken, own, _raw(key), found))
        return _counted(found)


def _taken(own: Any, key: Any, found: Any, most: int | None) -> Callable[[], object]:
    return partial(own.__getitem__, key) if most is None else _cut(found, most).copy


def _repeated(work: Any, args: Any, kwargs: Any) -> Again:
    def again(most: int | None) -> Callable[[], object]:
        return partial(work, *(args if most is None else _cut(args, most)), **kwargs)

    return again


def _cut(value: Any, most: int) -> Any:
    if isinstance(value, np.ndarray):
        return value[(slice(0, most),) * value.ndim]
    return tuple(_cut(part, most) for part in value) if isinstance(value, tuple) else value


def _raw(value: Any) -> Any:
    if isinstance(value, Counted):
        return value.view(np.ndarray)
    if isinstance(value, tuple | list):
        return type(value)(_raw(part) for part in value)
    if isinstance(value, dict):
        return {name: _raw(part) for name, part in value.items()}
    return value


def _counted(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_counted(part) for part in value)
    return value.view(Counted) if isinstance(value, np.ndarray) else value


HEADS = (
    "what limits it",
    "time",
    "calls",
    "of calls",
    "arithmetic",
    "memory",
    "rest",
    "scipy.special",
    "operations/s",
    "GB/s",
    "most of it",
)


@dataclass(frozen=True, slots=True)
class Shares:
    """Where the time of a computation goes; seconds.

    Attributes
    ----------
    total : float
        Of the computation.
    calls : int
        Of NumPy, SciPy's ufuncs among them.
    overhead, memory : float
        Of calling, and of the way to memory, pages that are new to the process among it.
    arithmetic : dict of str to float
        Of element operations in the processor's cache, by name.
    elements, moved : int
        Element operations, and bytes read and written by them.
    """

    total: float
    calls: int
    overhead: float
    memory: float
    arithmetic: dict[str, float]
    elements: int
    moved: int

    def cells(self, name: str) -> tuple[str, ...]:
        """Return the shares as text, a cell a head."""
        done = sum(self.arithmetic.values())
        special = sum(t for name, t in self.arithmetic.items() if name.startswith("special."))
        largest = sorted(self.arithmetic.items(), key=lambda item: -item[1])[:3]
        parts = (self.overhead, done, self.memory)
        times = (*parts, self.total - sum(parts), special)
        return (
            name,
            f"{1e3 * self.total:.3g} ms",
            f"{self.calls}",
            *(self._percent(seconds) for seconds in times),
            f"{self.elements / self.total / 1e9:.2g}e9",
            f"{self.moved / self.total / 1e9:.3g}",
            ", ".join(f"{name} {self._percent(seconds)}" for name, seconds in largest),
        )

    def _percent(self, seconds: float) -> str:
        return f"{100 * seconds / self.total:.0f} %"


def shares(work: Callable[..., object], *arrays: Array) -> Shares:
    """Return where the time of ``work(*arrays)`` goes; it is to work in one thread."""
    total = least(lambda: work(*arrays))
    Counted.tally = tally = Tally()
    # Arrays that the kernel makes for what it computes count as well.
    with patch.object(Spare, "empty", lambda self, *shape: np.ndarray.__new__(Counted, shape)):
        work(*(array.view(Counted) for array in arrays))
    overhead, memory, arithmetic = 0.0, 0.0, {}
    with np.errstate(all="ignore"):
        for name, kind in tally.kinds.items():
            call, cached, whole = _costs(kind)
            overhead += kind.calls * call
            arithmetic[name] = kind.elements * cached
            memory += kind.elements * max(0.0, whole - cached)
    return Shares(
        total=min(total, least(lambda: work(*arrays))),
        calls=sum(kind.calls for kind in tally.kinds.values()),
        overhead=overhead,
        memory=memory,
        arithmetic=arithmetic,
        elements=sum(kind.elements for kind in tally.kinds.values()),
        moved=tally.moved,
    )


def _costs(kind: Kind) -> tuple[float, float, float]:
    """Return seconds a call, and an element beyond that in cache and in the largest arrays."""
    assert kind.again is not None
    call, cached, whole = (least(kind.again(most), 0.02) for most in (1, CACHED, None))
    size = min(kind.size, kind.cached)
    return call, max(0.0, cached - call) / size, max(0.0, whole - call) / kind.size


def least(work: Callable[[], object], seconds: float = 0.3) -> float:
    """Return the least time of five runs at least, and of as many as there are in ``seconds``."""
    end, times = time.perf_counter() + seconds, []
    while len(times) < 5 or time.perf_counter() < end:
        start = time.perf_counter()
        work()
        times.append(time.perf_counter() - start)
    return min(times)


def _name(function: Any) -> str:
    """Return the name of a function, or of a ufunc and its method."""
    from scipy import special

    ufunc = getattr(function, "__self__", function)
    name = str(ufunc.__name__)
    if getattr(special, name, None) is ufunc:
        return f"special.{name}"
    method = str(function.__name__)
    return name if method in (name, "__call__") else f"{name}.{method}"


def copy_bandwidth() -> float:
    """Return the bytes a second that all cores together read and write in a copy."""
    cores = os.cpu_count() or 1
    parts = [(np.ones(2**23), np.empty(2**23)) for _ in range(cores)]
    with ThreadPoolExecutor(cores) as threads:
        seconds = least(lambda: list(threads.map(lambda p: np.copyto(p[1], p[0]), parts)), 1.0)
    return float(2 * sum(part[0].nbytes for part in parts) / seconds)


def divide_rate() -> float:
    """Return the divisions a second of one core, of numbers in its cache."""
    one, two, out = np.ones(2**12), np.full(2**12, 2.0), np.empty(2**12)
    return float(one.size / least(lambda: np.divide(one, two, out=out), 0.2))
