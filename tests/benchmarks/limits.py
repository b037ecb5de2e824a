"""What limits a computation: calls from Python, tails of distributions, arithmetic, or memory.

All is measured in one thread, in time of the processor, which other processes hardly change.
Calls are what the computation takes on the line through its times at
several sizes where that line has size 0: Python, and NumPy before and after it computes. Tails are
clocked around each call of `scipy.special`. What is left works through arrays: it is said in
divisions for each study of each data set, at the rate that this core divides in its cache, and in
how often effects and variances could be copied meanwhile, at the rate that memory copies.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from unittest.mock import patch

import numpy as np
from scipy import special

TAILS = ("stdtr", "stdtrit", "ndtr", "ndtri", "chdtrc", "chdtri", "fdtrc")
HEADS = (
    "what limits it, in one thread",
    "time",
    "calls",
    "tails",
    "arrays",
    "divisions a study",
    "copies of the data",
)


@dataclass(frozen=True, slots=True)
class Rates:
    """What one core does in a second: divisions in its cache, and bytes read and written."""

    divisions: float
    copied: float

    @classmethod
    def measured(cls) -> Rates:
        """Return the rates of this machine."""
        one, two, out = np.ones(2**12), np.full(2**12, 2.0), np.empty(2**12)
        large, copy = np.ones(2**23), np.empty(2**23)
        return cls(
            one.size / least(lambda: np.divide(one, two, out=out)),
            2 * large.nbytes / least(lambda: np.copyto(copy, large)),
        )


@dataclass(frozen=True, slots=True)
class Limits:
    """Where the time of a computation goes; seconds.

    Attributes
    ----------
    total : float
        Of the computation.
    calls, tails : float
        Of what would be left of it at size 0, and of `scipy.special` beyond that.
    studies : int
        Studies of all data sets.
    """

    total: float
    calls: float
    tails: float
    studies: int

    def cells(self, name: str, rates: Rates) -> tuple[str, ...]:
        """Return the shares as text, a cell a head."""
        arrays = self.total - self.calls - self.tails
        parts = (self.calls, self.tails, arrays)
        return (
            name,
            f"{1e3 * self.total:.3g} ms",
            *(f"{100 * seconds / self.total:.0f} %" for seconds in parts),
            f"{arrays * rates.divisions / self.studies:.3g}",
            f"{self.total * rates.copied / (16 * self.studies):.3g}",
        )


def limits(
    work: Callable[[int], Callable[[], object]],
    sizes: Sequence[int],
    *,
    at: int,
    studies: Callable[[int], int],
) -> Limits:
    """Return where the time goes of work of the size ``at``, one of several.

    Parameters
    ----------
    work : callable
        ``work(size)`` returns what is to be done.
    sizes : sequence of int
        Through whose times the line goes.
    at : int
    studies : callable
        ``studies(size)``: how many there are in all data sets, which time is linear in.
    """
    with patch.object(os, "cpu_count", return_value=1):
        seconds = {size: least(work(size)) for size in sizes}
        x, y = np.array([studies(size) for size in sizes]), np.array(list(seconds.values()))
        # By relative distance.
        _, none = np.polyfit(x, y, 1, w=1 / y)
        few, many = (_tails(work(size)) for size in (min(sizes), max(sizes)))
    calls = min(max(none, 0.0), seconds[at])
    tails = (many - few) / (x.max() - x.min()) * studies(at)
    return Limits(seconds[at], calls, min(max(tails, 0.0), seconds[at] - calls), studies(at))


def _tails(work: Callable[[], object]) -> float:
    """Return the least seconds in tails of several runs."""
    runs = []
    for _ in range(7):
        with clocked_calls(special, *TAILS) as spent:
            work()
        runs.append(sum(spent))
    assert spent
    return min(runs)


@contextmanager
def clocked_calls(owner: object, *names: str) -> Iterator[list[float]]:
    """Give a list that gets the seconds of every call of these functions of a module."""
    spent: list[float] = []

    def clocked(function: Any) -> Any:
        def call(*args: Any, **options: Any) -> Any:
            start = time.process_time()
            found = function(*args, **options)
            spent.append(time.process_time() - start)
            return found

        return call

    with patch.multiple(owner, **{name: clocked(getattr(owner, name)) for name in names}):
        yield spent


def least(work: Callable[[], object], seconds: float = 0.3) -> float:
    """Return the least time of the processor of five runs, or of as many as ``seconds`` hold."""
    times: list[float] = []
    while len(times) < 5 or sum(times) < seconds:
        start = time.process_time()
        work()
        times.append(time.process_time() - start)
    return min(times)
