"""The press, a second process for the PDF: the same bytes and errors as in one process."""

from __future__ import annotations

import datetime
import sys
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import pytest

from comorbid.document.blocks import Block, Figure, Paragraph, Table
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import ComorbidWarning, ReportError
from comorbid.report.press import Press
from comorbid.report.render import platform_facts, render_html, render_pdf
from comorbid.themes import COMPACT, JOURNAL, Theme

DRAWING = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="468pt" height="90pt" viewBox="0 0 468 90">'
    '<path fill="#246" d="M9 9h400v70z"/>{}</svg>'
)
BROKEN = DRAWING.format('<image href="data:image/png;base64,AAAA" width="9" height="9"/>')
STRANGE = DRAWING.format('<text x="9" y="20" font-family="monospace">kept</text>')


def document(*blocks: Block) -> Document:
    section = DocumentSection("only", "Only", blocks, "comorbid@1")
    attached = {"studies.csv": b"a,b\n1,2\n", "results.json": b"{}\n"}
    date = datetime.date(2026, 1, 31)
    return Document("Made up for its layout", date, (section,), attachments=attached)


def alone(given: Document, theme: Theme) -> bytes:
    return render_pdf(render_html(given, theme), date=given.date, attachments=given.attachments)


def never(_document: Document, _theme: Theme) -> bytes:
    raise AssertionError("the press did not print")


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files that tells whether one is left."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


@pytest.mark.parametrize("theme", [JOURNAL, COMPACT])
def test_the_bytes_are_those_of_one_process(theme: Theme, temporary: Path) -> None:
    table = Table(("Study", "Year"), (("Çelik", "1999"),) * 60, "Rows.", ("Year",), "Made up.")
    given = document(
        Paragraph("Some words: τ² ≥ −1."), table, Figure(DRAWING.format(""), "A line.")
    )
    with Press() as press:
        assert press.facts() == platform_facts()
        press.hand_over(given, theme)
        printed = press.instead_of(never)(given, theme)
    assert printed == alone(given, theme)
    assert not list(temporary.iterdir())


def test_warnings_are_those_of_one_process() -> None:
    given = document(Figure(STRANGE, "A word."))
    with pytest.warns(ComorbidWarning, match="characters: ekpt") as expected:
        alone(given, JOURNAL)
    with pytest.warns(ComorbidWarning) as told, Press() as press:
        press.instead_of(never)(given, JOURNAL)
    assert [str(w.message) for w in told] == [str(w.message) for w in expected]


def test_errors_are_those_of_one_process() -> None:
    given = document(Figure(BROKEN, "A broken picture."))
    with pytest.raises(ReportError) as expected:
        alone(given, JOURNAL)
    with pytest.raises(ReportError) as told, Press() as press:
        press.instead_of(never)(given, JOURNAL)
    assert told.value.problems == expected.value.problems


def test_what_comes_back_is_of_the_document_asked_for() -> None:
    first, second = document(Paragraph("The first.")), document(Paragraph("The second."))
    with Press() as press:
        press.hand_over(first, JOURNAL)
        assert press.instead_of(alone)(second, JOURNAL) == alone(second, JOURNAL)
        assert press.instead_of(alone)(first, JOURNAL) == alone(first, JOURNAL)


def kill(press: Press) -> None:
    assert press._process is not None
    press._process.kill()


def kill_at_work(press: Press) -> None:
    press.facts()
    press.hand_over(document(Paragraph("word " * 90_000)), JOURNAL)
    time.sleep(0.3)
    kill(press)


def do_nothing(_press: Press) -> None: ...


@pytest.mark.parametrize("before", [kill, kill_at_work, do_nothing])
def test_without_a_press_this_process_prints(
    before: Callable[[Press], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    given = document(Paragraph("Printed here."))
    if before is do_nothing:
        monkeypatch.setattr(sys, "executable", "/no/such/python")
    with Press() as press:
        before(press)
        asked = []

        def render(document: Document, theme: Theme) -> bytes:
            asked.append(document)
            return alone(document, theme)

        if before is not kill_at_work:
            press.hand_over(given, JOURNAL)
        else:
            monkeypatch.setattr(press, "_document", given)
        assert press.instead_of(render)(given, JOURNAL) == alone(given, JOURNAL)
        assert asked == [given]
        assert press.facts() == platform_facts()


@pytest.mark.parametrize("ends", ["at once", "when ready", "at work", "in an error"])
def test_nothing_is_left_of_it(ends: str, temporary: Path) -> None:
    press = Press()
    process = press._process
    assert process is not None
    start = time.monotonic()
    try:
        with press:
            if ends != "at once":
                press.facts()
            if ends == "at work":
                press.hand_over(document(Paragraph("word " * 90_000)), JOURNAL)
                while not list(temporary.iterdir()) and time.monotonic() < start + 30:
                    time.sleep(0.01)
            if ends == "in an error":
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert ends == "in an error"
    assert process.returncode is not None
    assert not list(temporary.iterdir())


def test_without_pango_the_error_is_that_of_one_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = 'print("a long advice")\nraise OSError("cannot load library \'libpango-1.0-0\'")\n'
    (tmp_path / "weasyprint.py").write_text(source, encoding="utf-8")
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.syspath_prepend(tmp_path)
    given = document(Paragraph("Text"))
    with pytest.raises(ReportError, match="apt-get install libpango") as expected:
        alone(given, JOURNAL)
    with Press() as press:
        for call in (press.facts, lambda: press.instead_of(alone)(given, JOURNAL)):
            with pytest.raises(ReportError) as told:
                call()
            assert told.value.problems == expected.value.problems


def test_it_runs_nothing_from_the_working_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("weasyprint", "comorbid", "json", "pickle", "signal"):
        source = f'open({str(tmp_path / "ran")!r}, "w").close()\n'
        (tmp_path / f"{name}.py").write_text(source, encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        sys, "path", [entry for entry in sys.path if entry and Path(entry).is_absolute()]
    )
    with Press() as press:
        assert press._begun() == platform_facts()
    assert not (tmp_path / "ran").exists()


def test_it_does_without_what_only_computing_needs() -> None:
    with warnings.catch_warnings(), Press() as press:
        assert press._process is not None
        press.facts()
        maps = Path(f"/proc/{press._process.pid}/maps")
        if not maps.exists():
            pytest.skip("the libraries of a process cannot be listed here")
        libraries = maps.read_text(encoding="utf-8")
    assert "pango" in libraries
    assert "/pandas/" not in libraries
    assert "/numpy/" not in libraries
