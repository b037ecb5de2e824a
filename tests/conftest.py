"""What holds for every test."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# Figures are drawn without a window, in subprocesses as well.
os.environ["MPLBACKEND"] = "Agg"

# The same examples on every machine and in every run; no deadline, for machines with slow cores.
settings.register_profile("repeatable", derandomize=True, deadline=None, database=None)
settings.load_profile("repeatable")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything about the plugins needs them to be installed."""
    for item in items:
        if item.path.is_relative_to(ROOT / "tests" / "plugins"):
            item.add_marker(pytest.mark.plugins)
