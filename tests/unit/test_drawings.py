"""Drawings of plugins: one that runs something or asks for something from elsewhere is refused."""

from __future__ import annotations

import base64
import contextlib
import datetime
import io
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
from pypdf import PdfReader

import comorbid as cb
from comorbid.document.blocks import Figure
from comorbid.document.document import Document, DocumentSection
from comorbid.report.drawings import drawing_problems
from comorbid.report.render.html import render_html
from comorbid.report.render.pdf import render_pdf

DATE = datetime.date(2026, 1, 31)
SVG = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink" {}>{}</svg>'
)
HARMLESS = (
    '<defs><linearGradient id="a"/></defs><path d="M0 0h9" fill="url(#a)" style="stroke:url(#a)"/>',
    "<use xlink:href='#a'/><style>text { font-family: 'Comorbid Sans' }</style><text>url</text>",
    '<image href="data:image/png;base64,iVBORw0KGgo="/>',
)
HOSTILE = (
    ('<image width="90" height="90" href="{0}"/>', "it asks for '{0}'"),
    ('<image xlink:href="{0}"/>', "it asks for '{0}'"),
    ('<use href="{0}#a"/>', "it asks for '{0}#a'"),
    ('<a href="{0}"><text>x</text></a>', "it asks for '{0}'"),
    ('<a href="javascript:alert(1)"/>', "it asks for 'javascript:alert(1)'"),
    ('<path fill="url({0}#a)"/>', "it asks for '{0}#a'"),
    ("<path style=\"fill: URL( '{0}')\"/>", "it asks for '{0}'"),
    ("<style>@import '{0}';</style>", "it has an @import"),
    ("<style>@font-face {{ src: url({0}) }}</style>", "it asks for '{0}'"),
    ("<script>alert(1)</script>", "it has a script"),
    ('<path onclick="alert(1)"/>', "it runs onclick"),
    ("<foreignObject><p>x</p></foreignObject>", "it has a foreignobject"),
    ('<set attributeName="xlink:href" to="{0}"/>', "it animates an address"),
    ("<path>", "it is no well-formed SVG"),
)


@pytest.fixture
def listening() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.settimeout(0.05)
        yield server


def nobody_came(server: socket.socket) -> bool:
    try:
        server.accept()
    except TimeoutError:
        return True
    return False


@pytest.mark.parametrize("inner", HARMLESS)
def test_a_drawing_that_holds_all_it_shows(inner: str) -> None:
    assert drawing_problems(SVG.format("", inner)) == []


def test_every_figure_of_comorbid_is_such_a_drawing() -> None:
    fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[0.03, 0.08, 0.02], measure="OR"))
    assert drawing_problems(cb.figures.forest(fit).svg) == []


@pytest.mark.parametrize(("inner", "message"), HOSTILE)
def test_what_is_refused(inner: str, message: str) -> None:
    address = "http://127.0.0.1:9/x"
    found = drawing_problems(SVG.format("", inner.format(address)))
    assert len(found) == 1
    assert found[0].startswith(message.format(address))


@pytest.mark.parametrize(
    "before",
    [
        '<!DOCTYPE svg [<!ENTITY e SYSTEM "file:///secret">]>',
        '<!DOCTYPE svg PUBLIC "a" "b" [ <!ENTITY e "x"> ]>',
        '<?xml-stylesheet href="http://127.0.0.1:9/x.css"?>',
    ],
)
def test_entities_and_style_sheets_are_refused_before_anything_is_read(before: str) -> None:
    assert drawing_problems(before + SVG.format("", "<text>&e;</text>"))[0].startswith("it has <")


def pdf_text(inner: str) -> str:
    """What a PDF with this drawing says; nothing if there is none."""
    figure = Figure(SVG.format('width="90" height="90"', inner), "A figure.")
    section = DocumentSection("only", "Only", (figure,), "extra@1")
    html = render_html(Document("A report", DATE, (section,)))
    with contextlib.suppress(cb.ReportError):
        return PdfReader(io.BytesIO(render_pdf(html, date=DATE))).pages[0].extract_text()
    return ""


TEXT = SVG.format('width="90" height="90"', '<text y="20">unheard-of</text>')


@pytest.mark.usefixtures("recwarn")
def test_a_drawing_inside_a_drawing_would_be_seen() -> None:
    """So that the next test can fail."""
    data = base64.b64encode(TEXT.encode()).decode()
    image = f'<image width="90" height="90" href="data:image/svg+xml;base64,{data}"/>'
    assert "unheard-of" in pdf_text(image)


@pytest.mark.parametrize("inner", [entry for entry, _ in HOSTILE])
@pytest.mark.usefixtures("recwarn")
def test_pages_load_nothing_even_so(inner: str, listening: socket.socket, tmp_path: Path) -> None:
    """The renderers do not rely on the check: WeasyPrint gets to fetch nothing but data."""
    secret = tmp_path / "secret.svg"
    secret.write_text(TEXT, encoding="utf-8")
    for address in (f"http://127.0.0.1:{listening.getsockname()[1]}/x", secret.as_uri()):
        assert "unheard-of" not in pdf_text(inner.format(address))
        assert nobody_came(listening)
