"""One meta-analysis of very many studies. metafor holds matrices of k times k numbers."""

from __future__ import annotations

import pytest
from bench import Bench, Work
from data import effects, simulated
from memory import used
from r_side import Control, Found
from table import Row, Target

import comorbid as cb

pytestmark = pytest.mark.benchmark

COLUMNS = ("estimate", "se", "ci_low", "ci_high", "tau2", "i2")


@pytest.mark.parametrize("k", [1000, 10_000, 1_000_000])
def test_one_set(bench: Bench, k: int) -> None:
    data = effects(k)
    fit = cb.pool(data)

    def theirs(control: Control) -> Found:
        assert bench.r is not None
        return bench.r.do("one", *simulated(k), number=1, control=control)

    def check(found: Found) -> dict[str, float]:
        low, high = fit.ci
        ours = (fit.estimate, fit.se, low, high, fit.tau2, fit.i2)
        return dict(zip(COLUMNS, ours, strict=True))

    assert 0.02 < fit.tau2 < 0.04
    million = k == 1_000_000
    bench.measure(
        Work(
            f"one fit, k = {k:,}",
            ours=lambda: cb.pool(data),
            theirs=theirs if k == 1000 else None,
            check=check,
            runs=3,
            least=Target(most=0.05) if million else Target(),
            said="cb.pool() and rma.uni()",
        )
    )


def test_memory_of_a_million(bench: Bench) -> None:
    """Beyond the effects themselves, in arrays of a million numbers."""
    megabytes = used("cb.pool(data)", "cb.pool(effects(14)); data = effects(10**6)").beyond
    least = Target(most=10)
    bench.report.rows.append(
        Row("  its memory, of k numbers each", megabytes / 8, unit="arrays", least=least)
    )


def test_memory_of_metafor(bench: Bench) -> None:
    if bench.r is None:
        pytest.skip("no R with metafor")
    k = 1000
    megabytes = float(bench.r.do("memory", *simulated(k)).columns["megabytes"][0])
    one = 8 * k * k / 1e6
    bench.report.notes.append(
        f"metafor's memory for one fit, k = {k:,}: {megabytes:.0f} MB, as much as"
        f" {megabytes / one:.0f} matrices of k x k numbers, of which one of 1,000,000 studies has"
        " 8 TB: it is not asked for more than 1,000"
    )
    assert megabytes > one
