"""What limits the kernel now, and how its cost grows; printed beside the rates of this machine."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import numpy as np
import phenome
import pyarrow as pa
import pytest
from bench import Bench
from data import effects, simulated
from limits import HEADS, Rates, clocked_calls, least, limits
from table import aligned
from test_many_sets import fitted
from timing import clocked, exponent, in_turn

import comorbid as cb
from comorbid.many import fitting
from comorbid.many.core import pool_groups
from comorbid.many.settings import settings_for
from comorbid.models.compiled import Engine, available

pytestmark = pytest.mark.benchmark

BLOCK = 2**16 // 14
"""Data sets of 14 studies that the kernel fits at once; of more it fits as many blocks."""


def _pool(k: int) -> Callable[[], object]:
    data = effects(k)
    return lambda: cb.pool(data)


def _leave_one_out(k: int) -> Callable[[], object]:
    fit = cb.pool(effects(k))
    return lambda: cb.leave_one_out(fit)


def _sets(n: int, engine: Engine = "numpy") -> Callable[[], object]:
    yi, vi = simulated(14, n)
    return lambda: fitted(yi, vi, engine)


def _subsets(n: int) -> Callable[[], object]:
    fit = cb.pool(effects(20))
    return lambda: cb.subsets(fit, limit=n)


def _all_subsets(k: int) -> Callable[[], object]:
    fit = cb.pool(effects(k))
    return lambda: cb.subsets(fit)


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


def test_what_limits_it(bench: Bench) -> None:
    rates = Rates.measured()
    bench.report.notes.append(
        f"one core of this machine divides {rates.divisions / 1e9:.3g} billion numbers a second in"
        f" its cache, and reads and writes {rates.copied / 1e9:.3g} GB/s in a copy"
    )
    block = [BLOCK // 8, BLOCK // 4, BLOCK // 2, BLOCK]
    # Of up to 100 studies, which are computed in the same way.
    fits = [14, 30, 60, 100]
    rows = {
        "one fit, k = 14": limits(_pool, fits, at=14, studies=lambda k: k),
        "leave-one-out, k = 100": limits(
            _leave_one_out, [25, 50, 100, 200], at=100, studies=lambda k: k * (k - 1)
        ),
        "all subsets, k = 12": limits(
            _all_subsets, [9, 10, 11, 12], at=12, studies=lambda k: k * (2**k - 1)
        ),
        f"{BLOCK:,} bootstraps, k = 14": limits(
            _bootstraps, block, at=BLOCK, studies=lambda n: 14 * n
        ),
        f"{BLOCK:,} sets, k = 14": limits(_sets, block, at=BLOCK, studies=lambda n: 14 * n),
        "one fit, k = 1,000,000": limits(
            _pool, [250_000, 500_000, 1_000_000], at=1_000_000, studies=lambda k: k
        ),
    }
    if available():
        many = [12_500, 25_000, 50_000, 100_000]
        rows["100,000 sets, k = 14, numba"] = limits(
            partial(_sets, engine="compiled"), many, at=100_000, studies=lambda n: 14 * n
        )
    bench.report.notes += aligned([HEADS, *(row.cells(name, rates) for name, row in rows.items())])
    assert all(row.total > 0 for row in rows.values())


def test_what_limits_pool_many(bench: Bench) -> None:
    """The share of the fits of groups, as wholes and without each study, of a table in memory."""
    design = phenome.design(conditions=142, seed=1)
    table = pa.concat_tables(
        [estimates for estimates, _ in phenome.parts(design, model="normal")]
    ).unify_dictionaries()
    for engine in ("numpy", "compiled") if available() else ("numpy",):
        settings = settings_for(table.schema.names, by=["exposure", "outcome"], kernel=engine)
        with clocked_calls(fitting, "fit_groups") as spent:
            seconds = least(lambda: pool_groups(table, settings))  # noqa: B023
        fits = min(spent) / seconds
        assert 0 < fits < 1
        bench.report.notes.append(
            f"pool_many, 10,011 groups in memory, {engine}: {1e3 * seconds:.3g} ms, of which fits"
            f" {100 * fits:.0f} %"
        )
