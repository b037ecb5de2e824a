"""How much memory and time a work needs once, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

_SCRIPT = """\
import sys, time
sys.path.insert(0, {folder!r})
import numpy as np
import comorbid as cb
from data import effects, simulated

def held(name):
    lines = open("/proc/self/status", encoding="utf-8")
    return next(int(line.split()[1]) for line in lines if line.startswith(name)) * 1024 / 1e6

{before}
with open("/proc/self/clear_refs", "w", encoding="utf-8") as file:
    file.write("5")  # the height is counted from here
start, began = held("VmRSS:"), time.perf_counter()
{work}
seconds = time.perf_counter() - began
print(seconds, held("VmHWM:"), held("VmHWM:") - start)
"""


class Use(NamedTuple):
    """Seconds, the most megabytes of the process, and how many of them are beyond the start."""

    seconds: float
    megabytes: float
    beyond: float


def used(work: str, before: str = "") -> Use:
    """Return what a work uses.

    Parameters
    ----------
    work : str
        Python, which may use ``cb``, ``np``, ``effects`` and ``simulated``.
    before : str
        What is done before the start.
    """
    if not Path("/proc/self/clear_refs").exists():
        pytest.skip("memory is measured on Linux")
    script = _SCRIPT.format(folder=str(Path(__file__).parent), before=before, work=work)
    run = subprocess.run([sys.executable, "-c", script], check=True, capture_output=True, text=True)
    return Use(*map(float, run.stdout.split()))
