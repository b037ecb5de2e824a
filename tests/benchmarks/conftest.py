"""The run of benchmarks: R for all of them, and a table at the end."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec

import pytest
from bench import Bench
from machine import machine
from r_side import metafor
from table import Report

REPORT = pytest.StashKey[Report]()

# Holds no examples; collected for them, one conftest stands in the way of another.
collect_ignore = ["conftest.py"]
if find_spec("pyarrow") is None:  # an extra: these write and read Parquet
    collect_ignore += [
        "phenome.py",
        "test_phenome.py",
        "test_pool_many.py",
        "test_what_limits.py",
    ]


@pytest.fixture(scope="session")
def bench(pytestconfig: pytest.Config) -> Iterator[Bench]:
    """Return where benchmarks measure; R runs until the last has ended."""
    report = pytestconfig.stash.setdefault(REPORT, Report())
    with metafor() as r:
        here = "no R with metafor: its column is left out" if r is None else r.versions
        report.notes.insert(0, f"{machine()}, {here}")
        yield Bench(report, r)


def pytest_terminal_summary(
    terminalreporter: pytest.TerminalReporter, config: pytest.Config
) -> None:
    report = config.stash.get(REPORT, None)
    if report is not None:
        terminalreporter.section("benchmarks")
        terminalreporter.write_line(report.text())
