"""`comorbid new plugin`: what it writes works."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.version import Version

import comorbid as cb
from comorbid.starter import write_plugin


@pytest.mark.parametrize("name", ["adults", "comorbid-adults"])
def test_files_and_names(name: str, tmp_path: Path) -> None:
    written = [path.relative_to(tmp_path).as_posix() for path in write_plugin(name, tmp_path)]
    assert written == [
        "comorbid-adults/pyproject.toml",
        "comorbid-adults/README.md",
        "comorbid-adults/comorbid_adults/__init__.py",
        "comorbid-adults/comorbid_adults/py.typed",
        "comorbid-adults/tests/test_comorbid_adults.py",
    ]
    project = tomllib.loads((tmp_path / written[0]).read_text(encoding="utf-8"))
    assert project["project"]["name"] == "comorbid-adults"
    assert project["project"]["entry-points"]["comorbid"] == {"adults": "comorbid_adults"}
    # As in the guide: made for this comorbid, and refused by the next major version.
    (needed,) = map(Requirement, project["project"]["dependencies"])
    major = Version(metadata.version("comorbid")).major
    assert needed.name == "comorbid"
    assert metadata.version("comorbid") in needed.specifier
    assert f"{major + 1}.0" not in needed.specifier
    assert all("$" not in (tmp_path / path).read_text(encoding="utf-8") for path in written)


@pytest.mark.parametrize(
    "name", ["Adults", "old adults", "old_adults", "", "comorbid-", "a-", "1a"]
)
def test_a_name_that_cannot_be_one(name: str, tmp_path: Path) -> None:
    with pytest.raises(cb.PluginError, match="use lower-case words with hyphens between"):
        write_plugin(name, tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_section_of_comorbid_is_no_name_for_a_plugin(tmp_path: Path) -> None:
    with pytest.raises(cb.PluginError, match="comorbid has a section 'summary'; choose another"):
        write_plugin("summary", tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    (tmp_path / "comorbid-adults").mkdir()
    with pytest.raises(cb.PluginError, match="comorbid-adults: is there already"):
        write_plugin("adults", tmp_path)


def test_its_own_test_passes(tmp_path: Path) -> None:
    """In a process of its own, as its author would run it, with warnings as errors."""
    write_plugin("old-adults", tmp_path)
    folder = tmp_path / "comorbid-old-adults"
    path = [str(folder), *filter(None, [os.environ.get("PYTHONPATH")])]
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", "tests"],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": os.pathsep.join(path)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert "6 passed" in done.stdout
