"""The author's guide: what it tells an author to write and run is written and run."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import sysconfig
import venv
from pathlib import Path

import pytest
from hook_reference import GUIDE, LABELS, reference, with_reference

TEXT = GUIDE.read_text(encoding="utf-8")
BUILD_TOOLS = ("setuptools", "pip", "wheel", "pkg_resources", "_distutils", "distutils")
BLOCK = r"\n```\w+\n(.*?)^```$"


def blocks(marker: str) -> list[tuple[str, str]]:
    """Name and content of the code blocks that follow a comment of this kind."""
    pattern = rf"^<!-- {marker}:? ?(\S*) -->{BLOCK}"
    return re.findall(pattern, TEXT, re.DOTALL | re.MULTILINE)


def test_hook_reference_is_made_from_the_specifications() -> None:
    assert with_reference(TEXT) == TEXT
    for label in LABELS:
        assert reference().count(f"- *{label}:* ") == 9


def test_every_function_of_the_kit_is_in_the_guide() -> None:
    from comorbid import testing

    assert set(re.findall(r"^\| `(\w+)\(", TEXT, re.MULTILINE)) == set(testing.__all__)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """A fresh environment within reach of what this one has, except the tools that build."""
    folder, borrowed = tmp_path / "environment", tmp_path / "borrowed"
    venv.create(folder, with_pip=True)
    borrowed.mkdir()
    for entry in Path(sysconfig.get_path("purelib")).iterdir():
        if not entry.name.startswith(BUILD_TOOLS):
            (borrowed / entry.name).symlink_to(entry)
    (site,) = folder.glob("lib/python*/site-packages")
    line = f"import site; site.addsitedir({str(borrowed)!r})\n"
    (site / "borrowed.pth").write_text(line, encoding="utf-8")
    script = folder / "bin" / "comorbid"
    script.write_text(
        f"#!{folder / 'bin' / 'python'}\nfrom comorbid.cli import main\nmain()\n", encoding="utf-8"
    )
    script.chmod(0o755)
    return folder


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="the commands are those of a POSIX shell")
def test_the_plugin_of_the_guide_works(tmp_path: Path, environment: Path) -> None:
    files = blocks("file")
    assert len(files) == 4
    for name, content in files:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, encoding="utf-8")
    ((_, commands),) = blocks("run")
    ((_, says),) = blocks("says")
    done = subprocess.run(
        ["sh", "-e", "-x", "-c", commands],
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{environment / 'bin'}{os.pathsep}{os.environ['PATH']}"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout
    assert says in done.stdout
    assert re.search(r"\b5 passed|\b[6-9] passed", done.stdout)
    page = (tmp_path / "report" / "report.md").read_text(encoding="utf-8")
    assert "## Adults\n\n3 studies are of adults." in page
    assert "comorbid-adults" in (tmp_path / "report" / "results.json").read_text(encoding="utf-8")
