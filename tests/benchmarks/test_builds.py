"""How long a report takes to build from cold and how much memory; printed, none asserted.

The large reports are of a seeded simulation, and say so.
"""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from bench import Bench
from machine import machine
from pypdf import PdfReader
from table import Row
from timing import in_turn

from comorbid.builtin import comorbid_sections
from comorbid.report.context import ROWS_LIMIT

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"
# A process of its own for each build: the peak of one that pytest starts would count pytest's.
MEASURE = """\
import json, resource, subprocess, sys, time
start = time.perf_counter()
run = subprocess.run(sys.argv[1:], capture_output=True, text=True)
seconds = time.perf_counter() - start
used = resource.getrusage(resource.RUSAGE_CHILDREN)
peak = used.ru_maxrss / (1e6 if sys.platform == "darwin" else 1e3)
cpu = used.ru_utime + used.ru_stime
print(json.dumps([run.returncode, run.stderr, seconds, cpu, peak]))
"""
# What all processes of a command hold at once, with memory that they share counted once; looked at
# every 20 ms, in a run of its own, since looking takes time.
TOGETHER = """\
import pathlib, subprocess, sys, time

def held(pid):
    try:
        children = pathlib.Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        lines = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:  # it has ended meanwhile
        return 0
    own = sum(int(line.split()[1]) for line in lines if line.startswith("Pss:"))
    return own + sum(map(held, children))

run = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
most = 0
while run.poll() is None:
    most = max(most, held(run.pid))
    time.sleep(0.02)
print(most * 1024 / 1e6)
"""
SETTINGS = """\
id = "simulated"
title = "A simulation of {k} studies"
subtitle = "Made by a random generator with a fixed seed; no study took place"
date = 2026-01-31
data = "studies.csv"
measure = "OR"
sections = {sections}

[analyses.subgroups]
by = ["population"]

[analyses.meta-regression]
formula = "~ year"

[analyses.burden]
condition1 = "the one"
p1 = 0.25
source1 = "the simulation"
condition2 = "the other"
p2 = 0.3
source2 = "the simulation"
"""
pytestmark = pytest.mark.benchmark


def taken(command: str, folder: Path) -> tuple[float, float, float]:
    """Run a command of comorbid on a folder and return seconds, of all cores, and megabytes."""
    code, messages, *use = json.loads(watched(MEASURE, command, folder))
    assert code == 0, messages
    seconds, used, peak = use
    return seconds, used, peak


def measured(command: str, folder: Path) -> str:
    """Run a command of comorbid on a folder and say what it took."""
    seconds, used, peak = taken(command, folder)
    said = f"{command}: {seconds:.1f} s, computing {used:.1f} s on all cores, at most {peak:.0f} MB"
    if not Path("/proc/self/smaps_rollup").exists():
        return f"{said} in the largest process"
    together = float(watched(TOGETHER, command, folder))
    return f"{said} in the largest process and {together:.0f} MB in all together"


def watched(script: str, command: str, folder: Path) -> str:
    """Run a command of comorbid on a folder from a script and return what the script prints."""
    line = [sys.executable, "-c", script, sys.executable, "-m", "comorbid", command, str(folder)]
    return subprocess.run(line, check=True, capture_output=True, text=True).stdout


def sizes(folder: Path) -> str:
    """Say how large the pages of a report are."""
    pages = len(PdfReader(folder / "report.pdf").pages)
    pdf, html = ((folder / f"report.{kind}").stat().st_size / 1e6 for kind in ("pdf", "html"))
    return f"{pages} pages; PDF {pdf:.1f} MB, HTML {html:.1f} MB"


def simulate(folder: Path, k: int) -> None:
    """Write the report of a simulation: log odds ratios around 0.6, tau 0.3, seed 2026."""
    random = np.random.default_rng(2026)
    sizes = np.exp(random.normal(6.5, 1.0, k)).astype(int) + 50
    effects = random.normal(0.6, 0.3, k)
    rows = []
    for i, (n, effect) in enumerate(zip(sizes, effects, strict=True)):
        without = 0.25 / 0.75
        exposed = 1 / (1 + 1 / (without * np.exp(effect)))
        cells = [int(random.binomial(n // 2, share)) + 1 for share in (exposed, 0.25)]
        rows.append(
            {
                "study_id": f"simulated{i + 1}",
                "label": f"Simulated study {i + 1}",
                "author": "Simulated",
                "year": 1970 + i % 55,
                "population": ("adults", "adolescents", "children")[i % 3],
                "primary": "yes",
                "n": n // 2 * 2 + 4,
                "ai": cells[0],
                "bi": n // 2 + 2 - cells[0],
                "ci": cells[1],
                "di": n // 2 + 2 - cells[1],
            }
        )
    with open(folder / "studies.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    sections = json.dumps([section.id for section in comorbid_sections()])
    settings = SETTINGS.format(k=k, sections=sections)
    (folder / "report.toml").write_text(settings, encoding="utf-8")


def test_headache_report(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shutil.copytree(REPORT, tmp_path, dirs_exist_ok=True)
    lines = [measured(command, tmp_path) for command in ("build", "verify")]
    with capsys.disabled():
        print("", machine(), "Headache and back pain, " + sizes(tmp_path), *lines, sep="\n  ")


def test_cold_start_to_pdf(bench: Bench, tmp_path: Path) -> None:
    shutil.copytree(REPORT, tmp_path, dirs_exist_ok=True)
    seconds = in_turn({"ours": lambda: taken("build", tmp_path)[0]}, runs=3)["ours"]
    assert (tmp_path / "report.pdf").stat().st_size > 10_000
    bench.report.rows.append(Row("comorbid build, headache review, to its PDF", seconds))


@pytest.mark.parametrize("k", [300, ROWS_LIMIT])
def test_large_report(k: int, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    simulate(tmp_path, k)
    lines = [measured(command, tmp_path) for command in ("build", "verify")]
    with capsys.disabled():
        print("", machine(), f"{k} simulated studies, " + sizes(tmp_path), *lines, sep="\n  ")
