"""What a blind reader meets: the structure of the PDF, read by pikepdf alone (ISO 14289-1)."""

from __future__ import annotations

import io
import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pikepdf
import pytest
import test_pages

import comorbid as cb
from comorbid.report.render import render_html, render_pdf
from comorbid.themes import COMPACT

pytestmark = pytest.mark.slow

ROOT = Path(__file__).parents[2]
# The structure types of ISO 32000-1, 14.8.4, that need no role map.
STANDARD = {
    *("Document", "Part", "Art", "Sect", "Div", "BlockQuote", "Caption", "TOC", "TOCI", "Index"),
    *("NonStruct", "P", "H1", "H2", "H3", "H4", "H5", "H6", "L", "LI", "Lbl", "LBody", "Table"),
    *("TR", "TH", "TD", "THead", "TBody", "TFoot", "Span", "Quote", "Note", "Reference"),
    *("BibEntry", "Code", "Link", "Annot", "Figure", "Formula", "Form"),
}
PAINTING = {
    *("S", "s", "f", "F", "f*", "B", "B*", "b", "b*", "sh", "Do", "Tj", "TJ", "'", '"', "EI"),
}


@dataclass
class Printed:
    """A page as HTML and as PDF."""

    html: str
    file: pikepdf.Pdf

    def elements(self, *tags: str) -> list[Any]:
        found = elements(self.file.Root.StructTreeRoot.K)
        return [e for e in found if not tags or str(e.S)[1:] in tags]


def elements(node: Any) -> Iterator[Any]:
    """Yield the elements of a structure tree in reading order."""
    if isinstance(node, pikepdf.Array):
        for kid in node:
            yield from elements(kid)
    elif isinstance(node, pikepdf.Dictionary) and "/S" in node:
        yield node
        yield from elements(node.get("/K"))


@pytest.fixture(
    scope="module",
    params=["nasty", pytest.param("headache-back-pain", marks=pytest.mark.plugins)],
)
def printed(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Printed]:
    if request.param == "nasty":
        document = test_pages.report("letter")
        html = render_html(document, COMPACT)
        pdf = render_pdf(html, date=document.date)
    else:
        folder = tmp_path_factory.mktemp("report") / "copy"
        shutil.copytree(ROOT / "reports" / request.param, folder)
        report = cb.build(folder)
        html, pdf = report.html, report.pdf()
    with pikepdf.open(io.BytesIO(pdf)) as file:
        yield Printed(html, file)


def test_the_file_says_what_it_is(printed: Printed) -> None:
    root = printed.file.Root
    metadata = root.Metadata.read_bytes()
    (title,) = re.findall("<title>(.*?)</title>", printed.html)
    title = " ".join(title.split())
    assert b'pdfuaid:part="1"' in metadata
    assert title.encode() in metadata
    assert str(printed.file.docinfo["/Title"]) == title
    assert root.ViewerPreferences.DisplayDocTitle is True
    assert root.MarkInfo.Marked is True
    assert str(root.Lang) == "en"
    assert all(page.Tabs == "/S" for page in printed.file.pages)


def test_every_tag_is_a_standard_one(printed: Printed) -> None:
    assert {str(e.S)[1:] for e in printed.elements()} <= STANDARD


def test_headings_begin_at_the_top_and_skip_no_level(printed: Printed) -> None:
    levels = [int(str(e.S)[2]) for e in printed.elements("H1", "H2", "H3", "H4", "H5", "H6")]
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in zip(levels, levels[1:], strict=False))


def test_bookmarks_are_the_headings(printed: Printed) -> None:
    def titles(entries: Any) -> Iterator[str]:
        for entry in entries:
            yield str(entry.title)
            yield from titles(entry.children)

    texts = [texts for tag, texts in blocks(printed.html) if tag in ("h2", "h3", "h4")]
    with printed.file.open_outline() as outline:
        assert [squeezed(title) for title in titles(outline.root)] == texts


def test_every_figure_has_words_and_a_place_on_its_page(printed: Printed) -> None:
    figures = printed.elements("Figure")
    alts = [texts for tag, texts in blocks(printed.html) if tag == "img"]
    assert [squeezed(str(figure.Alt)) for figure in figures] == alts
    assert len(alts) >= 5
    assert all(len(alt) > 20 for alt in alts)
    for figure in figures:
        left, low, right, high = map(float, figure.A.BBox)
        _, _, width, height = map(float, figure.Pg.MediaBox)
        assert 0 < left < right < width
        assert 0 < low < high < height


def test_header_cells_say_what_they_head(printed: Printed) -> None:
    headers = printed.elements("TH")
    assert len(headers) > 100
    assert {str(cell.A.Scope) for cell in headers} == {"/Row", "/Column"}
    assert all(cell.A.Scope == "/Column" for cell in headers if cell.P.P.S == "/THead")
    names = [str(cell.ID) for cell in headers]
    assert len(names) == len(set(names))
    for cell in printed.elements("TD"):
        assert len(cell.A.Headers) == 2
        assert {str(name) for name in cell.A.Headers} <= set(names)


def test_rows_of_a_table_are_equally_long(printed: Printed) -> None:
    for table in printed.elements("Table"):
        rows = [e for e in elements(table.K) if e.S == "/TR"]
        lengths = {sum(e.S in ("/TH", "/TD") for e in elements(row.K)) for row in rows}
        assert len(lengths) == 1


def test_items_of_a_list_are_in_a_list(printed: Printed) -> None:
    assert all(e.P.S == "/L" for e in printed.elements("LI"))
    assert all(e.P.S == "/LI" for e in printed.elements("Lbl", "LBody"))
    assert {str(k.S) for e in printed.elements("L") for k in e.K} == {"/LI"}


def test_links_say_where_they_lead(printed: Printed) -> None:
    links = printed.elements("Link")
    annotated = []
    for link in links:
        (reference,) = (k for k in link.K if isinstance(k, pikepdf.Dictionary) and "/Obj" in k)
        annotated.append(reference.Obj)
        assert str(reference.Obj.Contents).strip()
        assert any(isinstance(kid, int) for kid in link.K), "a link without text"
    everywhere = [a for page in printed.file.pages for a in page.get("/Annots", [])]
    assert sorted(a.objgen for a in annotated) == sorted(a.objgen for a in everywhere)


def test_fonts_are_embedded_with_their_characters(printed: Printed) -> None:
    fonts = [f for page in printed.file.pages for f in page.Resources.Font.values()]
    for font in fonts:
        assert "/ToUnicode" in font
        assert "/FontFile2" in font.DescendantFonts[0].FontDescriptor


def marks(page: Any) -> dict[int, str]:
    """Return the text of each marked piece of a page; all that is painted is in one."""
    fonts = {name: characters(font) for name, font in page.Resources.Font.items()}
    found: dict[int, str] = {}
    stack: list[int | None] = []
    font: dict[bytes, str] = {}
    for operands, operator in pikepdf.parse_content_stream(page):
        match str(operator):
            case "BMC" | "BDC":
                here = operands[1].get("/MCID") if len(operands) == 2 else None
                assert (here is None) == (operands[0] == "/Artifact")
                assert not stack, "marks inside each other"
                stack.append(None if here is None else int(here))
                if here is not None:
                    found[int(here)] = ""
            case "EMC":
                stack.pop()
            case "Tf":
                font = fonts[str(operands[0])]
            case "Tj" | "TJ" as kind:
                texts = operands[0] if kind == "TJ" else operands
                codes = b"".join(bytes(t) for t in texts if isinstance(t, pikepdf.String))
                pairs = [codes[i : i + 2] for i in range(0, len(codes), 2)]
                if stack[-1] is not None:
                    found[stack[-1]] += "".join(font[pair] for pair in pairs)
        assert stack or str(operator) not in PAINTING, f"{operator} outside the structure"
    assert not stack
    return found


def characters(font: Any) -> dict[bytes, str]:
    """Return what the codes of a font stand for."""
    lines = re.findall(rb"<([0-9a-f]{4})> <([0-9a-f]+)>", font.ToUnicode.read_bytes())
    return {bytes.fromhex(a.decode()): bytes.fromhex(b.decode()).decode("utf-16-be") for a, b in lines}


def spoken(printed: Printed) -> Iterator[str]:
    """Yield what is read out, in order: texts, and alternatives in place of figures."""
    texts = {page.objgen: marks(page) for page in printed.file.pages}
    for element in printed.elements():
        if element.S == "/Figure":
            yield str(element.Alt)
        elif element.S != "/Lbl" and not any(a.S == "/Lbl" for a in ancestors(element)):
            for kid in element.K:
                if isinstance(kid, int):
                    yield texts[element.Pg.objgen][kid]


def ancestors(element: Any) -> Iterator[Any]:
    while "/P" in element and "/S" in element.P:
        element = element.P
        yield element


class Blocks(HTMLParser):
    """The texts of a page by the smallest block that holds them."""

    KINDS = {"h1", "h2", "h3", "h4", "p", "li", "th", "td", "caption", "figcaption"}

    def __init__(self, html: str) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.inside = False
        self.feed(html[html.index("<header>") :])

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in self.KINDS:
            self.found.append((tag, ""))
            self.inside = True
        elif tag == "img":
            self.found.append((tag, squeezed(dict(attrs)["alt"] or "")))

    def handle_endtag(self, tag: str) -> None:
        if tag in self.KINDS:
            self.inside = False

    def handle_data(self, data: str) -> None:
        if self.inside:
            tag, text = self.found[-1]
            self.found[-1] = tag, text + squeezed(data)


def blocks(html: str) -> list[tuple[str, str]]:
    """Return the texts of a page without the origins in the contents, which a theme may hide."""
    return Blocks(re.sub('<span class="origin">.*?</span>', "", html)).found


def squeezed(text: str) -> str:
    """Leave out what a line break, a capital or a ligature may change."""
    return "".join(text.casefold().split()).replace("\N{SOFT HYPHEN}", "")


def test_the_reading_order_is_that_of_the_document(printed: Printed) -> None:
    read = squeezed("".join(spoken(printed)))
    # What comes beside the texts of the page: in the contents origins and page numbers, and the
    # heads of tables again on a further page.
    heads = {"".join(row) for row in rows(printed.html)}
    place, between = 0, []
    for _, text in blocks(printed.html):
        found = read.index(text, place)
        between.append(read[place:found])
        place = found + len(text)
    between.append(read[place:])
    beside = [text for text in between if text and not re.fullmatch(r"(\S+@\d[\d.]*)?\d*·?", text)]
    assert set(beside) <= heads
    assert len(beside) <= len(printed.file.pages)


def rows(html: str) -> Iterator[list[str]]:
    """Yield the heads of the tables."""
    for table in re.findall(r"<thead>(.*?)</thead>", html, re.DOTALL):
        yield [text for _, text in Blocks(f"<header>{table}").found]
