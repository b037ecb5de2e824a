"""Progress: plain lines in a file or pipe, the current step on a terminal."""

from __future__ import annotations

import datetime
import io
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from comorbid.starter import write_review
from comorbid.terminal import Progress


@pytest.fixture
def build(tmp_path: Path) -> list[str]:
    """The command that builds a small report, as HTML only."""
    folder = tmp_path / "a-report"
    write_review(folder, date=datetime.date(2026, 1, 31))
    text = (folder / "report.toml").read_text(encoding="utf-8")
    text = re.sub(r"^sections = \[.*?\]", 'sections = ["methods"]', text, flags=re.S | re.M)
    text = text.replace('#formats = ["html", "pdf"]', 'formats = ["html"]')
    (folder / "report.toml").write_text(text, encoding="utf-8")
    return [sys.executable, "-m", "comorbid", "build", str(folder)]


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def screen(written: str) -> list[str]:
    """The lines that a terminal shows after this: a carriage return begins the line again."""
    lines = [""]
    for part in written.replace("\r\n", "\n").split("\n"):
        shown = ""
        for piece in part.split("\r"):
            shown = piece + shown[len(piece) :]
        lines[-1] = shown.rstrip()
        lines.append("")
    return lines[:-1]


def test_a_terminal_shows_the_step_below_the_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    with Progress(stream) as shown:
        shown.line("studies: 13 rows")
        shown.step(1, 4, "the first")
        shown.step(3, 4, "the third")
        assert screen(stream.getvalue())[-1] == "[##########..........] 3 of 4: the third"
        shown.line("results: all")
        assert screen(stream.getvalue()) == [
            "studies: 13 rows",
            "results: all",
            "[##########..........] 3 of 4: the third",
        ]
        shown.step(4, 4, "a name that is longer than the terminal is wide")
        assert len(screen(stream.getvalue())[-1]) == 59
    assert screen(stream.getvalue()) == ["studies: 13 rows", "results: all", ""]


def test_a_failure_leaves_a_clean_line() -> None:
    stream = Terminal()

    def fail() -> None:
        with Progress(stream) as shown:
            shown.step(1, 2, "the first")
            raise ValueError("stop")

    with pytest.raises(ValueError, match="stop"):
        fail()
    assert screen(stream.getvalue()) == [""]


def test_a_pipe_gets_plain_lines(build: list[str]) -> None:
    done = subprocess.run(build, capture_output=True, text=True, check=True)
    assert done.stderr.startswith("definition: a-report\n")
    assert "\r" not in done.stderr
    assert "[" not in done.stderr


def test_a_terminal_gets_steps_and_the_same_lines(build: list[str]) -> None:
    pty = pytest.importorskip("pty", reason="no pseudo-terminals here")
    ours, theirs = pty.openpty()
    with subprocess.Popen(
        build, stdout=subprocess.DEVNULL, stderr=theirs, env={**os.environ, "COLUMNS": "80"}
    ) as process:
        os.close(theirs)
        written = b""
        while part := _read(ours):
            written += part
    os.close(ours)
    assert process.returncode == 0
    text = written.decode()
    assert "analysis 'pool'" in text
    assert "[....................] 1 of " in text
    shown = screen(text)
    assert shown[0] == "definition: a-report"
    assert not [line for line in shown if line.startswith("[")]


def _read(terminal: int) -> bytes:
    try:
        return os.read(terminal, 4096)
    except OSError:  # Linux says in this way that the other end was closed
        return b""
