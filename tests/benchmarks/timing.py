"""Timing: medians of runs that take turns, so that a busy machine hits all sides alike."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from statistics import median

import numpy as np

Side = Callable[[], float]
"""Does the work and returns how many seconds it took."""

SHORTEST = 0.05
"""Seconds; work that is done sooner is repeated within a run."""


def clocked(work: Callable[[], object]) -> Side:
    """Return a side that times ``work``, as often in a run as makes `SHORTEST` seconds."""
    number = 1

    def side() -> float:
        nonlocal number
        while True:
            start = time.perf_counter()
            for _ in range(number):
                work()
            seconds = time.perf_counter() - start
            if seconds >= SHORTEST:
                return seconds / number
            number = max(number + 1, int(1.2 * number * SHORTEST / max(seconds, 1e-9)))

    return side


def in_turn(sides: Mapping[str, Side], runs: int = 5) -> dict[str, float]:
    """Run the sides in turn, and return the median seconds of each."""
    seconds = [{name: side() for name, side in sides.items()} for _ in range(runs)]
    return {name: median(run[name] for run in seconds) for name in sides}


def exponent(sizes: Sequence[float], seconds: Sequence[float]) -> float:
    """Return b of seconds = a * size^b by least squares of the logarithms; 1 is linear."""
    slope, _ = np.polyfit(np.log(sizes), np.log(seconds), 1)
    return float(slope)
