"""What holds for every test."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import settings

ROOT = Path(__file__).parents[1]

# Holds no examples; collected for them, one conftest stands in the way of another.
collect_ignore = ["conftest.py"]

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


@pytest.fixture
def install() -> Callable[..., None]:
    """Make a folder look like one in which a distribution with a comorbid plugin is installed."""

    def install(
        folder: Path, name: str, source: str, *, version: str = "1.0", requires: str = ""
    ) -> None:
        module = name.replace("-", "_")
        info = folder / f"{module}-{version}.dist-info"
        info.mkdir(parents=True)
        needs = f"Requires-Dist: {requires}\n" if requires else ""
        metadata = f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}"
        (info / "METADATA").write_text(metadata, encoding="utf-8")
        points = f"[comorbid]\n{name} = {module}\n"
        (info / "entry_points.txt").write_text(points, encoding="utf-8")
        (folder / f"{module}.py").write_text(source, encoding="utf-8")

    return install
