"""How long the main things take; printed, with nothing asserted about time.

Run with ``tox run -e bench``. 14 studies: the number in the headache review; their effects here
are a seeded simulation.
"""

from __future__ import annotations

import re
import subprocess
import sys

import numpy as np
import pytest
from data import effects
from pytest_benchmark.fixture import BenchmarkFixture

import comorbid as cb
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import studies_csv

pytestmark = pytest.mark.benchmark


@pytest.mark.parametrize("method", ["EE", "DL", "PM", "REML"])
def test_pool_of_14_studies(benchmark: BenchmarkFixture, method: str) -> None:
    fit = benchmark(cb.pool, effects(14), method=method)
    assert fit.k == 14


def test_multiverse(benchmark: BenchmarkFixture, capsys: pytest.CaptureFixture[str]) -> None:
    """Of 14 studies with 6 rules about moderators that are drawn at random."""
    data, rng = effects(14), np.random.default_rng(1)
    names = "abcdef"
    moderators = {name: rng.choice(["in", "out"], 14, p=[0.8, 0.2]).tolist() for name in names}
    labelled = cb.Effects(yi=data.yi, vi=data.vi, measure="OR", moderators=moderators)
    rules = {name: {name: ["in"]} for name in names}
    found = benchmark(cb.multiverse, labelled, rules=rules)
    assert len(found) > 5_000
    with capsys.disabled():
        rate = len(found) / benchmark.stats.stats.mean
        print(f"\n{len(found):,} specifications, {rate:,.0f} a second")


@pytest.mark.parametrize("k", [14, 100])
def test_rounding(benchmark: BenchmarkFixture, k: int) -> None:
    """10,000 draws of all studies and as many of single ones."""
    studies = studies_from_bytes(studies_csv(k).encode(), source="studies.csv")
    found = benchmark(cb.rounding, cb.pool(cb.effects(studies)))
    assert len(found.studies) == k


def test_import_on_top_of_bare_python(capsys: pytest.CaptureFixture[str]) -> None:
    """The cumulative time that ``-X importtime`` gives for ``import comorbid``; least of 5."""
    command = [sys.executable, "-X", "importtime", "-c", "import comorbid"]
    microseconds = []
    for _ in range(5):
        run = subprocess.run(command, capture_output=True, text=True, check=True)
        line = next(line for line in run.stderr.splitlines() if line.endswith("| comorbid"))
        microseconds.append(int(re.findall(r"\d+", line)[1]))
    assert len(microseconds) == 5
    with capsys.disabled():
        print(f"\nimport comorbid: {min(microseconds) / 1000:.1f} ms")
