"""`comorbid build --watch`: built again at each change, errors printed, Ctrl-C ends it well."""

from __future__ import annotations

import datetime
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from comorbid.report.watch import next_change, seen
from comorbid.starter import write_review


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "watched"
    write_review(home, date=datetime.date(2026, 1, 31))
    return home


def write(path: Path, text: str) -> None:
    path.write_text(text, encoding="utf-8")


def test_what_a_build_writes_is_no_change(folder: Path) -> None:
    before = seen(folder)
    for name in ("report.html", "report.pdf", "report.md", "results.json", ".report.html.1.part"):
        write(folder / name, "written")
    assert seen(folder) == before
    (folder / "tables").mkdir()
    write(folder / "tables" / "report.csv", "an input")
    assert seen(folder) != before


def test_a_change_counts_once_it_rests(folder: Path) -> None:
    before, path = seen(folder), folder / "studies.csv"
    steps = iter(["", "half", "the whole", "", ""])
    looks = []

    def sleep(_seconds: float) -> None:
        text = next(steps)
        looks.append(text)
        if text:
            write(path, text)

    assert next_change(folder, before, sleep=sleep) == ("studies.csv",)
    assert looks == ["", "half", "the whole", ""]


def test_files_that_come_and_go_are_changes(folder: Path) -> None:
    before = seen(folder)
    (folder / "README.md").unlink()
    write(folder / "more.csv", "x")
    assert next_change(folder, before, sleep=lambda _: None) == ("README.md", "more.csv")


class Watch:
    """`comorbid build --watch` in a process of its own, with what it says line by line."""

    def __init__(self, folder: Path) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "comorbid", "build", str(folder), "--watch"],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self.lines: Queue[str] = Queue()
        self.listener = threading.Thread(target=self._listen, daemon=True)
        self.listener.start()

    def _listen(self) -> None:
        assert self.process.stdout is not None
        with self.process.stdout as said:
            for line in said:
                self.lines.put(line.rstrip("\n"))

    def until(self, start: str) -> list[str]:
        """Return the lines up to one that begins like this."""
        said: list[str] = []
        while not said or not said[-1].startswith(start):
            try:
                said.append(self.lines.get(timeout=120))
            except Empty:
                pytest.fail(f"no line {start!r} among {said}")
        return said


@pytest.fixture
def watch(folder: Path) -> Iterator[Watch]:
    text = (folder / "report.toml").read_text(encoding="utf-8")
    write(folder / "report.toml", text.replace('#formats = ["html", "pdf"]', 'formats = ["html"]'))
    started = Watch(folder)
    yield started
    started.process.kill()
    started.process.wait()
    started.listener.join()


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Ctrl-C cannot be sent to one process alone")
def test_a_watch_goes_on_after_an_error_and_ends_well(folder: Path, watch: Watch) -> None:
    waiting = "waiting for a change"
    assert f"written: {folder / 'report.html'}" in watch.until(waiting)
    whole = (folder / "report.toml").read_text(encoding="utf-8")

    write(folder / "report.toml", whole.replace('title = "Watched"', "title = 1"))
    said = watch.until(waiting)
    assert said[0] == "changed: report.toml"
    assert [line for line in said if line.startswith("error: ") and "title is 1" in line]

    write(folder / "report.toml", whole.replace('title = "Watched"', 'title = "Again"'))
    assert f"written: {folder / 'report.html'}" in watch.until(waiting)
    assert "<title>Again</title>" in (folder / "report.html").read_text(encoding="utf-8")

    watch.process.send_signal(signal.SIGINT)
    assert watch.until("ended")[-1] == "ended"
    assert watch.process.wait(timeout=60) == 0
