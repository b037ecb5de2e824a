"""Multilevel models: speed beside metafor in the same run, memory, and coverage; printed.

Run with ``tox run -e bench``. Effects are seeded simulations; metafor is R's, where it is there.
"""

from __future__ import annotations

import shutil
import subprocess
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import comorbid as cb

pytestmark = pytest.mark.benchmark

COVERED = 0.4
SCRIPT = """
suppressMessages(library(metafor))
d <- read.csv("{path}")
V <- with(d, 0.6 * sqrt(outer(vi, vi)) * outer(study, study, "=="))
diag(V) <- d$vi
least <- function(f) {{
  f()
  times <- replicate(10, {{ t <- system.time(f()); c(t[["elapsed"]], t[[1]] + t[[2]]) }})
  apply(times, 1, min)
}}
cat(least(function() rma.mv(yi, vi, random = ~ 1 | study/row, data=d)),
    least(function() rma.mv(yi, V, random = ~ 1 | study/row, data=d)))
"""


def simulated(clusters: int, rows: int, seed: int) -> cb.Effects:
    """True effects about 0.4, with a variance of 0.09 between and of 0.04 within clusters."""
    rng = np.random.default_rng(seed)
    cluster = np.repeat(np.arange(clusters), rows)
    vi = rng.uniform(0.02, 0.2, cluster.size)
    between, within = rng.normal(0, 0.3, clusters), rng.normal(0, 0.2, cluster.size)
    yi = COVERED + between[cluster] + within + rng.normal(0, np.sqrt(vi))
    return cb.Effects(yi=yi, vi=vi, studies=[f"Study {i}" for i in cluster])


def correlated(effects: cb.Effects, rho: float = 0.6) -> np.ndarray:
    studies = np.array(effects.studies)
    v = rho * np.sqrt(np.outer(effects.vi, effects.vi)) * (studies[:, None] == studies)
    np.fill_diagonal(v, effects.vi)
    return v


def least(call: Callable[[], object], times: int = 30) -> tuple[float, float]:
    """Seconds by the clock, and of the processor."""
    call()
    seconds = []
    for _ in range(times):
        start = time.perf_counter(), time.process_time()
        call()
        seconds.append((time.perf_counter() - start[0], time.process_time() - start[1]))
    return min(wall for wall, _ in seconds), min(cpu for _, cpu in seconds)


def test_100_rows_beside_metafor(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Three levels, 100 rows in 20 clusters: with independent errors, and with V."""
    rscript = shutil.which("Rscript")
    if rscript is None:
        pytest.skip("R is not installed")
    effects = simulated(20, 5, seed=1)
    v = correlated(effects)
    path = tmp_path / "effects.csv"
    rows = zip(effects.yi, effects.vi, effects.studies, range(effects.k), strict=True)
    lines = [f"{float(y)!r},{float(vi)!r},{study},{i}" for y, vi, study, i in rows]
    path.write_text("\n".join(["yi,vi,study,row", *lines]), encoding="utf-8")
    ours = [least(lambda: cb.multilevel(effects)), least(lambda: cb.multilevel(effects, V=v), 10)]
    script = tmp_path / "fits.R"
    script.write_text(SCRIPT.format(path=path.as_posix()), encoding="utf-8")
    run = subprocess.run([rscript, "--vanilla", script], capture_output=True, text=True, check=True)
    theirs = [float(number) for number in run.stdout.split()]
    assert len(theirs) == 4
    both = [
        (what, by) for what in ("independent errors", "with V") for by in ("clock", "processor")
    ]
    with capsys.disabled():
        for (what, by), a, b in zip(both, (*ours[0], *ours[1]), theirs, strict=True):
            print(
                f"\n{what}, {by}: {1000 * a:.1f} ms, metafor {1000 * b:.0f} ms, {b / a:.0f} times"
            )


def test_10000_rows(capsys: pytest.CaptureFixture[str]) -> None:
    """In 2,000 clusters, without a matrix of 10,000 x 10,000 (800 MB)."""
    effects = simulated(2000, 5, seed=2)
    cb.multilevel(effects.take(range(20)))
    tracemalloc.start()
    fit = cb.multilevel(effects)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    seconds = least(lambda: cb.multilevel(effects), 5)[0]
    assert peak < 100e6
    assert fit.sigma2.tolist() == pytest.approx([0.09, 0.04], abs=0.02)
    with capsys.disabled():
        print(f"\n10,000 rows: {1000 * seconds:.0f} ms, {peak / 1e6:.0f} MB")


@pytest.mark.parametrize("random", [["study_id", "item"], ["study_id / estimate_id", "item"]])
def test_1828_rows_of_crossed_groups(random: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    """Of 100 studies and 50 items, without a matrix of all rows."""
    rng = np.random.default_rng(3)
    study, item = rng.integers(0, 100, 1828), rng.integers(0, 50, 1828)
    vi = rng.uniform(0.02, 0.2, 1828)
    yi = rng.normal(0, 0.3, 100)[study] + rng.normal(0, 0.25, 50)[item]
    yi += rng.normal(0, np.sqrt(vi + 0.03))
    effects = cb.Effects(
        yi=yi, vi=vi, studies=[f"Study {i}" for i in study], moderators={"item": item.tolist()}
    )
    fit = cb.multilevel(effects, random=random)
    found = dict(zip((c.name for c in fit.components), fit.sigma2.tolist(), strict=True))
    assert found["study_id"] == pytest.approx(0.09, abs=0.04)
    assert found["item"] == pytest.approx(0.0625, abs=0.04)
    wall, cpu = least(lambda: cb.multilevel(effects, random=random), 3)
    with capsys.disabled():
        print(f"\n1,828 rows, {' + '.join(random)}: {wall:.2f} s, processor {cpu:.2f} s")


@pytest.mark.parametrize("clusters", [5, 10, 40])
def test_coverage(clusters: int, capsys: pytest.CaptureFixture[str]) -> None:
    """How often 95 % intervals hold the true mean: of 500 simulated reviews of 4 rows a study."""
    held = dict.fromkeys(("multilevel z", "multilevel t, containment", "rows as independent"), 0)
    n = 500
    for seed in range(n):
        effects = simulated(clusters, 4, seed=10_000 + seed)
        z = cb.multilevel(effects)
        t = cb.multilevel(effects, test="t", dfs="contain")
        naive = cb.pool(effects)
        ends = [(f.ci_low[0], f.ci_high[0]) for f in (z, t)] + [naive.ci]
        for name, (low, high) in zip(held, ends, strict=True):
            held[name] += low <= COVERED <= high
    assert held["multilevel t, containment"] / n > 0.9
    with capsys.disabled():
        shown = ", ".join(f"{name} {100 * count / n:.1f} %" for name, count in held.items())
        print(f"\ncoverage with {clusters} clusters: {shown}")
