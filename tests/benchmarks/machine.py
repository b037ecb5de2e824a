"""The machine that figures were measured on, as far as it says itself."""

from __future__ import annotations

import importlib.util
import os
import platform
from importlib.metadata import version
from pathlib import Path


def machine() -> str:
    """Return processor, cores, memory and versions, in one line."""
    parts = [_processor(), f"{os.cpu_count()} cores", *_memory()]
    parts.append(f"Python {platform.python_version()}")
    for name in ("numpy", "scipy", "numba", "comorbid", "pymare"):
        here = importlib.util.find_spec(name) is not None
        parts.append(f"{name} {version(name)}" if here else f"no {name}")
    return ", ".join(parts)


def _processor() -> str:
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return models[0] if models else platform.processor() or platform.machine()


def _memory() -> list[str]:
    if "SC_PHYS_PAGES" not in os.sysconf_names:
        return []
    return [f"{os.sysconf('SC_PHYS_PAGES') * os.sysconf('SC_PAGE_SIZE') / 1e9:.0f} GB"]
