"""The PDF. All text is made up for the layout; nothing in it is a study's result."""

from __future__ import annotations

import datetime
import importlib.abc
import importlib.machinery
import io
import os
import re
import sys
from collections.abc import Iterator, Sequence
from importlib.metadata import version
from types import ModuleType
from typing import Any

import pikepdf
import pytest
from pypdf import PdfReader

from comorbid.document.blocks import (
    Block,
    Figure,
    Heading,
    Items,
    Link,
    Note,
    Paragraph,
    Strong,
    Table,
)
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import ComorbidWarning, ReportError
from comorbid.report.render import platform_facts, render_html, render_pdf

DATE = datetime.date(2026, 1, 31)
TITLE = "A report made up for its layout"
WORDS = "This sentence is made up so that a page has something to break. " * 6
LABEL = "A label as long as a study may have, with brackets (1 to 9) and accents é, Ł. " * 3
NAMES = ("Çelik & Łukasz", "O'Brien <script>", "Παπαδόπουλος", "Иванова", LABEL[:200])
ROWS = tuple(
    (f"{NAMES[i % 5]} {i}", str(1980 + i % 40), f"{1 + i / 100:.2f} (0.10 to 9.99)")
    for i in range(300)
)


def svg(height: int, extra: str = "") -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="468pt" height="{height}pt" '
        f'viewBox="0 0 468 {height}"><path fill="#246" d="M9 9h400v{height - 20}z"/>{extra}</svg>'
    )


def document(*blocks: Block) -> Document:
    return Document(TITLE, DATE, (DocumentSection("only", "Only", blocks, "comorbid@1"),))


def render(*blocks: Block) -> bytes:
    return render_pdf(render_html(document(*blocks)), date=DATE)


def sample() -> Document:
    table = Table(("Study", "Year", "Estimate"), ROWS, "Rows.", ("Year", "Estimate"), "Made up.")
    wide = tuple(f"Column {i}" for i in range(14))
    summary = (
        Paragraph(
            (Strong("Weighty"), " and ", Link("linked", "https://example.org/"), ": τ² ≥ −1.")
        ),
        Note(WORDS, title="Mind this"),
        Items(("One", "Two")),
        Note("News.", "information"),
        Paragraph("The last words of the summary."),
    )
    figures = (Figure(svg(300), "A triangle, No 1.", "First."), Paragraph(WORDS)) * 4
    sections = (
        DocumentSection("summary", "Summary", summary, "comorbid@1"),
        DocumentSection(
            "methods", "Methods", (Heading("Inside"), Paragraph(WORDS * 4)), "comorbid@1"
        ),
        DocumentSection("plots", "Plots", figures, "comorbid@1"),
        DocumentSection("rows", "Rows", (Paragraph(WORDS), table), "extra@2"),
        DocumentSection(
            "wide",
            "Wide",
            (
                Table(wide, (tuple("1.23 (0.98 to 1.55)" for _ in wide),) * 3, "W", wide),
                Table(wide, (("ЖШЩ" * 8,) * 14, ("word " * 9,) * 14), "Words."),
                Table(("File", "Digest"), (("a" * 200, "0123456789abcdef" * 4),), "Unbroken."),
            ),
            "comorbid@1",
        ),
    )
    return Document(TITLE, DATE, sections, subtitle="With no result in it")


@pytest.fixture(scope="module")
def pdf() -> bytes:
    return render_pdf(render_html(sample()), date=DATE)


@pytest.fixture(scope="module")
def pages(pdf: bytes) -> list[str]:
    return [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]


@pytest.fixture(scope="module")
def opened(pdf: bytes) -> Iterator[pikepdf.Pdf]:
    with pikepdf.open(io.BytesIO(pdf)) as file:
        yield file


def elements(node: Any) -> Iterator[Any]:
    """Yield the elements of a structure tree in reading order."""
    if isinstance(node, pikepdf.Array):
        for kid in node:
            yield from elements(kid)
    elif isinstance(node, pikepdf.Dictionary):
        if "/S" in node:
            yield node
        if "/K" in node:
            yield from elements(node.K)


def tagged(opened: pikepdf.Pdf, *tags: str) -> list[Any]:
    return [e for e in elements(opened.Root.StructTreeRoot) if str(e.S).removeprefix("/") in tags]


# What PDF/UA asks for (ISO 14289-1)


def test_the_file_says_that_it_is_accessible(opened: pikepdf.Pdf) -> None:
    root = opened.Root
    assert b'pdfuaid:part="1"' in root.Metadata.read_bytes()
    assert TITLE.encode() in root.Metadata.read_bytes()
    assert bool(root.MarkInfo.Marked)
    assert str(root.Lang) == "en"
    assert bool(root.ViewerPreferences.DisplayDocTitle)
    assert str(opened.docinfo["/Title"]) == TITLE


def test_headings_are_tagged_in_order(opened: pikepdf.Pdf) -> None:
    tags = [str(e.S) for e in tagged(opened, "H1", "H2", "H3", "H4", "H5", "H6")]
    assert tags == ["/H1", "/H2", "/H2", "/H2", "/H3", "/H2", "/H2", "/H2"]


def test_every_figure_has_words_one_page_and_its_caption_there(opened: pikepdf.Pdf) -> None:
    figures = tagged(opened, "Figure")
    assert [str(figure.Alt) for figure in figures] == ["A triangle, No 1."] * 4
    for figure in figures:
        caption = [e for e in elements(figure.P.K) if e.S == "/Caption"]
        assert [e.Pg.objgen for e in caption] == [figure.Pg.objgen]


def test_header_cells_have_a_scope_and_data_cells_name_them(opened: pikepdf.Pdf) -> None:
    headers = tagged(opened, "TH")
    for cell in headers:
        in_head = cell.P.P.S == "/THead"
        assert cell.A.Scope == ("/Column" if in_head else "/Row")
    names = [str(part) for part in opened.Root.StructTreeRoot.IDTree.Kids[0].Names][::2]
    assert names == sorted(names)
    assert set(names) == {str(cell.ID) for cell in headers}
    cells = tagged(opened, "TD")
    assert len(cells) == 300 * 2 + 5 * 13 + 1
    for cell in cells:
        assert len(cell.A.Headers) == 2
        assert {str(header) for header in cell.A.Headers} <= set(names)


def test_all_content_is_either_in_the_tree_or_an_artifact(opened: pikepdf.Pdf) -> None:
    owned = {e.objgen for e in elements(opened.Root.StructTreeRoot)}
    numbers = opened.Root.StructTreeRoot.ParentTree.Nums
    for number, page in enumerate(opened.pages):
        operators = list(pikepdf.parse_content_stream(page))
        marks = [i.operands for i in operators if str(i.operator) == "BDC"]
        used = [int(mark[1].MCID) for mark in marks if "/MCID" in mark[1]]
        owners = numbers[2 * number + 1]
        assert len(used) == len(set(used))
        assert all(owners[mark].objgen in owned for mark in used)
        heads = [mark for mark in marks if mark[0] == "/Artifact"]
        assert all(mark[1].Type == "/Pagination" for mark in heads)
        # The running head is two texts, the page number one or more.
        assert len(heads) >= (1 if number == 0 else 3)


def test_links_say_where_they_lead(opened: pikepdf.Pdf) -> None:
    notes = [a for page in opened.pages for a in page.get("/Annots", [])]
    assert [str(note.Contents) for note in notes] == [
        *("https://example.org/", "summary", "methods", "plots", "rows", "wide"),
    ]
    assert all(str(page.Tabs) == "/S" for page in opened.pages)


# What a reader of the pages sees


def test_page_one_carries_the_summary_and_then_the_contents(pages: list[str]) -> None:
    first = pages[0]
    places = [
        first.index(words)
        for words in (
            TITLE,
            "With no result",
            "31 January 2026",
            "Summary",
            "Weighty",
            "last words",
        )
    ]
    assert places == sorted(places)
    holder = next(page for page in pages[:2] if "Contents" in page)
    assert holder is pages[1] or first.index("Contents") > places[-1]


def test_a_summary_that_fills_the_page_sends_the_contents_to_page_two() -> None:
    full = (*[Paragraph(WORDS)] * 7, Paragraph("The last words."))
    sections = (
        DocumentSection("summary", "Summary", full, "comorbid@1"),
        DocumentSection("more", "More", (Paragraph("More."),), "comorbid@1"),
    )
    pdf = render_pdf(render_html(Document(TITLE, DATE, sections)), date=DATE)
    pages = [page.extract_text() for page in PdfReader(io.BytesIO(pdf)).pages]
    assert len(pages) == 2
    assert "The last words." in pages[0]
    assert "Contents" not in pages[0]
    assert pages[1].index("Contents") < pages[1].index("More.")


def test_no_page_is_blank(pages: list[str]) -> None:
    assert min(len(page) for page in pages) > 200


def test_pages_are_numbered_and_headed(pages: list[str]) -> None:
    for number, page in enumerate(pages, start=1):
        assert f"Page {number} of {len(pages)}" in page
    assert pages[0].count(TITLE) == 1
    assert all(TITLE in page for page in pages[1:])
    # A page in the middle of the long table stands under the name of its section.
    middle = next(page for page in pages if " 150 " in page)
    assert "Rows" in middle.replace("Rows.", "")


def test_contents_give_the_right_pages(pdf: bytes, pages: list[str]) -> None:
    reader = PdfReader(io.BytesIO(pdf))
    holder = next(page for page in pages if "Contents" in page)
    listed = re.findall(r"(Summary|Methods|Plots|Rows|Wide) (?:comorbid|extra)@\d\s+(\d+)", holder)
    # A list in the outline holds the headings inside the section before it.
    found = [
        (str(entry.title), reader.get_destination_page_number(entry))
        for entry in reader.outline
        if not isinstance(entry, list)
    ]
    inside = next(entry for entry in reader.outline if isinstance(entry, list))
    sections = [(name, page) for name, page in found if name != "Contents"]
    assert [(name, int(page) - 1) for name, page in listed] == sections
    assert [name for name, _ in found] == [
        "Summary",
        "Contents",
        "Methods",
        "Plots",
        "Rows",
        "Wide",
    ]
    assert [e.title for e in inside if not isinstance(e, list)] == ["Inside"]


def test_a_long_table_is_whole_and_repeats_its_head(pages: list[str]) -> None:
    held = [page for page in pages if "(0.10 to 9.99)" in page]
    assert len(held) > 5
    assert all(re.search(r"Study\s+Year\s+Estimate", page) for page in held)
    shown = " ".join(" ".join(pages).split())
    for row in ROWS:
        assert " ".join(row[1:]) in shown
    for name in NAMES:
        assert name.strip() in shown


def test_nothing_leaves_the_page() -> None:
    import weasyprint

    laid_out = weasyprint.HTML(string=render_html(sample())).render()
    for page in laid_out.pages:
        box = page._page_box
        right = box.content_box_x() + box.width
        words = [
            b for b in box.descendants() if type(b).__name__ in ("TextBox", "InlineReplacedBox")
        ]
        assert words
        assert max(b.position_x + b.width for b in words) <= right + 0.5
        assert min(b.position_x for b in words) >= box.content_box_x() - 16


def test_a_figure_taller_than_a_page_shrinks_to_one() -> None:
    pdf = render(Paragraph("Before."), Figure(svg(3000), "Tall.", "The caption."))
    with pikepdf.open(io.BytesIO(pdf)) as file:
        figures = tagged(file, "Figure")
        assert len(figures) == 1
        caption = tagged(file, "Caption")
        assert [e.Pg.objgen for e in caption] == [figures[0].Pg.objgen]


def test_all_letters_come_from_the_bundled_fonts(opened: pikepdf.Pdf) -> None:
    fonts = {
        str(font.BaseFont).partition("+")[2]: font.DescendantFonts[0].FontDescriptor
        for page in opened.pages
        for font in page.Resources.Font.values()
    }
    assert set(fonts) == {
        *("Comorbid-Serif", "Comorbid-Serif-Bold", "Comorbid-Serif-Italic"),
        *("Comorbid-Sans", "Comorbid-Sans-Bold"),
    }
    assert all("/FontFile2" in descriptor for descriptor in fonts.values())


# What must not happen


def test_nothing_is_logged(pdf: bytes, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("DEBUG"):
        render(Paragraph("Text"), Figure(svg(9), "A"), Table(("A",), (("b",),), "C"))
    records = [r for r in caplog.records if r.name == "weasyprint"]
    assert [record.getMessage() for record in records] == []


OUTSIDE = [
    '<img alt="x" src="{url}">',
    '<p style="background: url({url})">text</p>',
    "<style>@import url({url});</style>",
    '<style>@font-face {{ font-family: "X"; src: url({url}) }}</style><p>text</p>',
    '<link rel="stylesheet" href="{url}">',
]


@pytest.mark.parametrize("markup", OUTSIDE)
@pytest.mark.parametrize("url", ["file:///etc/passwd", "http://127.0.0.1:9/x", "https://[::1]:9/x"])
def test_addresses_outside_the_page_are_refused(
    markup: str, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise AssertionError("a file or an address was opened")

    monkeypatch.setattr("urllib.request.FileHandler.file_open", refuse)
    monkeypatch.setattr("urllib.request.HTTPHandler.http_open", refuse)
    monkeypatch.setattr("urllib.request.HTTPSHandler.https_open", refuse)
    html = f'<html lang="en"><title>T</title>{markup.format(url=url)}</html>'
    with pytest.raises(ReportError, match=re.escape(url)):
        render_pdf(html, date=DATE)


def test_relative_addresses_are_refused() -> None:
    with pytest.raises(ReportError, match="Relative URI"):
        render_pdf('<html lang="en"><title>T</title><img alt="x" src="setup.cfg">', date=DATE)


def test_a_drawing_that_reaches_outside_is_refused_by_its_number() -> None:
    image = '<image href="file:///etc/passwd" width="9" height="9"/>'
    with pytest.raises(ReportError, match="Figure 2") as caught:
        render(Figure(svg(9), "A"), Figure(svg(30, image), "B"))
    assert len(str(caught.value)) < 400


def test_a_broken_drawing_is_an_error_not_a_gap() -> None:
    with pytest.raises(ReportError, match="Figure 1"):
        render(Figure("<svg", "A"))


def test_unknown_css_is_said() -> None:
    html = render_html(document(Paragraph("x"))).replace("</style>", "p { colour: red }</style>")
    with pytest.warns(ComorbidWarning, match="colour"):
        render_pdf(html, date=DATE)


def test_fonts_of_the_machine_are_said() -> None:
    drawing = svg(40, '<text x="9" y="20" font-family="monospace">kept</text>')
    with pytest.warns(ComorbidWarning, match="characters: ekpt"):
        render(Figure(drawing, "A word."))


class NoPango(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Stands in for WeasyPrint on a machine without Pango."""

    def find_spec(
        self, name: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        if name == "weasyprint":
            return importlib.machinery.ModuleSpec(name, self)
        return None

    def exec_module(self, module: ModuleType) -> None:
        print("a long advice")
        raise OSError("cannot load library 'libpango-1.0-0': no such file\nand more lines")


def test_without_pango_the_error_names_the_package(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in [name for name in sys.modules if name.split(".")[0] == "weasyprint"]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "meta_path", [NoPango(), *sys.meta_path])
    html = render_html(document(Paragraph("Text")))
    for call in (lambda: render_pdf(html, date=DATE), platform_facts):
        with pytest.raises(ReportError) as caught:
            call()
        message = str(caught.value)
        assert "libpango-1.0-0': no such file)" in message
        assert "The HTML and the numbers do not need it and are fine." in message
        for command in (
            "apt-get install libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0",
            "dnf install pango",
            "pacman -S pango",
            "apk add pango",
            "brew install pango",
            "pacman -S mingw-w64-ucrt-x86_64-pango",
        ):
            assert command in message
    assert capsys.readouterr().out == ""


# What the bytes depend on


@pytest.mark.parametrize("before", [None, "12345"])
def test_the_date_is_set_for_the_call_only(
    before: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    import weasyprint

    if before is None:
        monkeypatch.delenv("SOURCE_DATE_EPOCH", raising=False)
    else:
        monkeypatch.setenv("SOURCE_DATE_EPOCH", before)
    seen: list[str | None] = []
    outcome: list[Exception | bytes] = [b"%PDF", ValueError("broken")]

    def write_pdf(*_: object, **__: object) -> bytes:
        seen.append(os.environ.get("SOURCE_DATE_EPOCH"))
        result = outcome.pop(0)
        if isinstance(result, Exception):
            raise result
        return result

    monkeypatch.setattr(weasyprint.HTML, "write_pdf", write_pdf)
    assert render_pdf("<p>x</p>", date=DATE) == b"%PDF"
    with pytest.raises(ValueError, match="broken"):
        render_pdf("<p>x</p>", date=DATE)
    # 2026-01-31T00:00:00Z
    assert seen == ["1769817600", "1769817600"]
    assert os.environ.get("SOURCE_DATE_EPOCH") == before


def test_the_only_date_is_the_report_s(opened: pikepdf.Pdf) -> None:
    assert str(opened.docinfo["/CreationDate"]) == "D:20260131"
    assert "/ModDate" not in opened.docinfo
    dates = re.findall(rb"<xmp:\w*Date>([^<]*)<", opened.Root.Metadata.read_bytes())
    assert dates == [b"2026-01-31"]


def test_platform_facts_say_what_was_used() -> None:
    facts = platform_facts()
    assert list(facts) == sorted(facts)
    assert facts["weasyprint"] == version("weasyprint")
    assert facts["python"] == ".".join(map(str, sys.version_info[:3]))
    assert facts["font_subsetting"] in ("harfbuzz-subset", "fonttools")
    assert all(re.fullmatch(r"\d+\.\d+\.\d+", facts[name]) for name in ("pango", "harfbuzz"))
    # Pango 1.44 is the oldest that WeasyPrint works with.
    assert tuple(map(int, facts["pango"].split("."))) >= (1, 44, 0)
    assert all(facts.values())
