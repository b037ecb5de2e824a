"""What limits the kernel now, and how its cost grows; printed beside the rates of this machine."""

from __future__ import annotations

import os
from collections.abc import Callable

import numpy as np
import pytest
from bench import Bench
from data import effects, simulated
from limits import HEADS, copy_bandwidth, divide_rate, least, shares
from table import aligned
from test_many_sets import fitted
from timing import clocked, exponent, in_turn

import comorbid as cb
from comorbid.models.compiled import available

pytestmark = pytest.mark.benchmark

BLOCK = 2048
"""Data sets that the kernel fits at once, in one thread."""


def _pool(k: int) -> Callable[[], object]:
    data = effects(k)
    return lambda: cb.pool(data)


def _leave_one_out(k: int) -> Callable[[], object]:
    fit = cb.pool(effects(k))
    return lambda: cb.leave_one_out(fit)


def _sets(n: int) -> Callable[[], object]:
    yi, vi = simulated(14, n)
    return lambda: fitted(yi, vi)


def _subsets(n: int) -> Callable[[], object]:
    fit = cb.pool(effects(20))
    return lambda: cb.subsets(fit, limit=n)


def _bootstraps(n: int) -> Callable[[], object]:
    fit = cb.pool(effects(14))
    return lambda: cb.bootstrap(fit, n=n)


@pytest.mark.parametrize(
    ("name", "work", "sizes"),
    [
        ("sets of 14 studies", _sets, (10_000, 100_000, 1_000_000)),
        ("studies of one fit", _pool, (10_000, 100_000, 1_000_000)),
        ("leave-one-out of n studies, n (n - 1) in all", _leave_one_out, (100, 300, 1000)),
        ("subsets of 20 studies", _subsets, (2**14, 2**16, 2**18)),
        ("bootstraps of 14 studies", _bootstraps, (3_000, 10_000, 100_000)),
    ],
)
def test_growth(
    bench: Bench, name: str, work: Callable[[int], Callable[[], object]], sizes: tuple[int, ...]
) -> None:
    seconds = in_turn({str(size): clocked(work(size)) for size in sizes}, runs=3)
    power = exponent(sizes, list(seconds.values()))
    each = ", ".join(f"{size:,}: {seconds[str(size)]:.3g} s" for size in sizes)
    bench.report.notes.append(f"cost of {name}: as n^{power:.2f} ({each})")
    assert np.isfinite(power)


def test_overhead(bench: Bench) -> None:
    """The line through the times of few data sets: what it costs before there is one, and each."""
    sizes = (1, 16, 64, 256, 1024)
    seconds = [least(_sets(n)) for n in sizes]
    each, none = np.polyfit(sizes, seconds, 1)
    whole = least(_pool(14))
    bench.report.notes.append(
        f"the kernel with n sets of 14 studies, up to {sizes[-1]}: {1e3 * none:.3g} ms + n x"
        f" {1e6 * each:.3g} us; cb.pool() of one {1e3 * whole:.3g} ms, of which the kernel"
        f" {100 * seconds[0] / whole:.0f} %"
    )
    assert each > 0


def test_what_limits_it(bench: Bench) -> None:
    copied, divided = copy_bandwidth(), divide_rate()
    bench.report.notes.append(
        f"this machine: all cores copy {copied / 1e9:.3g} GB/s, one divides {divided / 1e9:.3g}"
        " billion a second in its cache"
    )
    rows = [HEADS]
    for name, n in {
        "kernel, one set of 14 studies": 1,
        f"kernel, {BLOCK:,} sets of 14 studies in one thread": BLOCK,
    }.items():
        found = shares(fitted, *simulated(14, n))
        rows.append(found.cells(name))
        # Fewer would mean that the kernel computes with arrays that do not count.
        assert found.elements > found.calls > 100
    bench.report.notes += aligned(rows)
    if available():
        yi, vi = simulated(14, 100_000)
        seconds = least(lambda: fitted(yi, vi, "compiled"))
        divisions = seconds * divided * (os.cpu_count() or 1) / yi.size
        bench.report.notes.append(
            f"kernel with numba, 100,000 sets of 14 studies: {1e9 * seconds / yi.size:.3g} ns a"
            f" study, in which all cores do {divisions:.0f} divisions"
        )


def test_what_limits_a_large_set(bench: Bench) -> None:
    """How often its effects and variances could be read meanwhile, at the rate of a copy."""
    yi, vi = simulated(1_000_000, 1)
    seconds = least(lambda: fitted(yi, vi))
    passes = seconds * copy_bandwidth() / (yi.nbytes + vi.nbytes)
    bench.report.notes.append(
        f"kernel, one set of 1,000,000 studies: {1e3 * seconds:.3g} ms, in which all cores could"
        f" read its 16 MB {passes:.0f} times"
    )
    assert passes > 1
