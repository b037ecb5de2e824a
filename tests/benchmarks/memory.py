"""How much memory a work needs, in a process of its own."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

_SCRIPT = """\
import sys
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
start = held("VmRSS:")
{work}
print(held("VmHWM:"), held("VmHWM:") - start)
"""


def peak(work: str, before: str = "") -> tuple[float, float]:
    """Return the most megabytes that a process holds, and how many of them are beyond its start.

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
    total, beyond = map(float, run.stdout.split())
    return total, beyond
