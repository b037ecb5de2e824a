"""`comorbid pool FILE` from a cold start, beside a script of R that does the same."""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import time
from pathlib import Path

import pytest
from bench import Bench
from table import Row, Target
from timing import Side, in_turn

from comorbid.testing import studies_csv

pytestmark = pytest.mark.benchmark

SCRIPT = Path(__file__).with_name("pool.R")


def test_pool_of_a_file(bench: Bench, tmp_path: Path) -> None:
    """Both print the fit of 14 odds ratios; the numbers of metafor's line are in ours."""
    file = tmp_path / "studies.csv"
    file.write_text(studies_csv(14), encoding="utf-8")
    ours = [sys.executable, "-m", "comorbid", "pool", str(file)]
    sides = {"ours": _started(ours)}
    if bench.r is not None:
        theirs = [str(shutil.which("Rscript")), "--vanilla", str(SCRIPT), str(file)]
        sides["metafor"] = _started(theirs)
        row = next(line for line in _output(theirs).splitlines() if "<.0001" in line)
        numbers = re.findall(r"\d+\.\d+", row)
        assert len(numbers) >= 5
        assert set(numbers) <= set(re.findall(r"\d+\.\d+", _output(ours)))
    seconds = in_turn(sides, runs=7)
    targets = {"least": Target(times=1), "goal": Target(times=2)}
    bench.report.rows.append(
        Row("comorbid pool FILE from a cold start", seconds.pop("ours"), **seconds, **targets)
    )


def _started(command: list[str]) -> Side:
    def side() -> float:
        start = time.perf_counter()
        _output(command)
        return time.perf_counter() - start

    return side


def _output(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
