"""The same document gives the same bytes, whatever the process it is printed in.

All text is made up for the layout; nothing in it is a study's result.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import comorbid

SCRIPT = """
import datetime
import sys
from pathlib import Path

from comorbid.document.blocks import Figure, Heading, Items, Note, Paragraph, Strong, Table
from comorbid.document.document import Document, DocumentSection
from comorbid.report.render import render_html, render_pdf

svg = (
    '<svg xmlns="http://www.w3.org/2000/svg" width="300pt" height="90pt" viewBox="0 0 300 90">'
    '<path fill="#246" d="M9 9h280v70z"/></svg>'
)
rows = tuple((f"Çelik & Łukasz {i}", f"{i / 7:.2f}", "Иванова τ²") for i in range(60))
blocks = (
    Paragraph(("Made up, ", Strong("all of it"), ".")),
    Note("Mind this."),
    Items(("One", "Two")),
    Heading("Inside"),
    Table(("Row", "Number", "Letters"), rows, "Rows.", ("Number",), "A note."),
    Figure(svg, "A triangle.", "A shape."),
)
sections = tuple(DocumentSection(i, i.title(), blocks, "comorbid@1") for i in ("one", "two"))
date = datetime.date(2026, 1, 31)
html = render_html(Document("Bytes", date, sections, subtitle="For comparison"))
Path(sys.argv[1]).write_text(html, encoding="utf-8")
Path(sys.argv[2]).write_bytes(render_pdf(html, date=date))
"""


def printed(folder: Path, **environment: str) -> tuple[bytes, bytes]:
    folder.mkdir()
    paths = [folder / "out.html", folder / "out.pdf"]
    source = str(Path(comorbid.__file__).parents[1])
    subprocess.run(
        [sys.executable, "-W", "error", "-c", SCRIPT, *map(str, paths)],
        env={**os.environ, "PYTHONPATH": source, **environment},
        cwd=folder,
        check=True,
    )
    html, pdf = (path.read_bytes() for path in paths)
    return html, pdf


def test_bytes_do_not_depend_on_the_process(tmp_path: Path) -> None:
    here = printed(tmp_path / "a", TZ="UTC", LC_ALL="C", PYTHONHASHSEED="1", SOURCE_DATE_EPOCH="1")
    there = printed(
        tmp_path / "a folder with a longer name",
        TZ="Pacific/Kiritimati",
        LC_ALL="tr_TR.UTF-8",
        LANG="de_DE.UTF-8",
        PYTHONHASHSEED="4242",
        TMPDIR=str(tmp_path),
    )
    assert here[0] == there[0]
    assert here[1] == there[1]
    assert here[1].startswith(b"%PDF-1.7")
    assert str(tmp_path).encode() not in here[0] + here[1]
