"""The HTML page. All text is made up for the layout; nothing in it is a study's result."""

from __future__ import annotations

import base64
import datetime
import hashlib
import re
from html.parser import HTMLParser
from importlib import resources
from xml.etree import ElementTree

import pytest

from comorbid.document.blocks import (
    Block,
    Cite,
    Figure,
    Heading,
    Items,
    Link,
    Note,
    Paragraph,
    Reference,
    References,
    Strong,
    Table,
)
from comorbid.document.document import Document, DocumentSection, Paper
from comorbid.errors import ReportError
from comorbid.report.render import render_html

DATE = datetime.date(2026, 1, 31)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
NASTY = "\"'><script>alert(1)</script>&amp; O'Brien {{ 7 * 7 }} ]]> <!--"
TAGS = {
    *("html", "head", "meta", "title", "style", "script", "body", "header", "main", "section"),
    "nav",
    *("h1", "h2", "h3", "p", "time", "a", "strong", "span", "div", "ul", "ol", "li", "aside"),
    *("table", "caption", "thead", "tbody", "tr", "th", "td", "figure", "img", "figcaption"),
}
VOID = {"meta", "img", "br", "hr"}
THEME = resources.files("comorbid.report") / "themes" / "journal"


class Tree(HTMLParser):
    """A page as elements; fails on a tag that is not closed where it should be."""

    def __init__(self, html: str) -> None:
        super().__init__(convert_charrefs=True)
        self.builder = ElementTree.TreeBuilder()
        self.open: list[str] = []
        self.feed(html)
        self.close()
        assert self.open == []
        self.root = self.builder.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.builder.start(tag, {name: value or "" for name, value in attrs})
        if tag in VOID:
            self.builder.end(tag)
        else:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag
        self.builder.end(tag)

    def handle_data(self, data: str) -> None:
        if self.open:
            self.builder.data(data)


def page(html: str) -> ElementTree.Element:
    return Tree(html).root


def document(*blocks: Block) -> Document:
    return Document("A report", DATE, (DocumentSection("only", "Only", blocks, "comorbid@1"),))


def render(*blocks: Block) -> ElementTree.Element:
    return page(render_html(document(*blocks)))


def text(element: ElementTree.Element | None) -> str:
    assert element is not None
    return " ".join("".join(element.itertext()).split())


def texts(root: ElementTree.Element, path: str) -> list[str]:
    return [text(element) for element in root.iterfind(path)]


@pytest.fixture(scope="module")
def whole() -> Document:
    table = Table(("Row", "n"), (("First", "1"), ("Second", "22")), "Counts.", ("n",), "Made up.")
    return Document(
        "A report",
        DATE,
        (
            DocumentSection("summary", "Summary", (Paragraph("First."), table), "comorbid@1"),
            DocumentSection(
                "more",
                "More",
                (
                    Heading("Part"),
                    Heading("Detail", 3),
                    Figure(SVG, "A triangle.", "A shape."),
                    Figure(SVG, "The same triangle."),
                ),
                "comorbid@1",
            ),
            DocumentSection("added", "Added", (table, Figure(SVG, "Again.")), "extra@2"),
        ),
        subtitle="For layout",
    )


@pytest.fixture(scope="module")
def root(whole: Document) -> ElementTree.Element:
    return page(render_html(whole))


def test_the_head_says_what_the_page_is(root: ElementTree.Element) -> None:
    meta = {m.get("name"): m.get("content") for m in root.iter("meta")}
    assert root.get("lang") == "en"
    assert texts(root, "head/title") == ["A report"]
    assert meta["description"] == "For layout"
    assert meta["dcterms.created"] == "2026-01-31"
    assert meta["viewport"] == "width=device-width, initial-scale=1"
    assert texts(root, "body/header/p/time") == ["31 January 2026"]


def test_the_language_is_the_document_s() -> None:
    german = Document("Bericht", DATE, (), language="de")
    assert page(render_html(german)).get("lang") == "de"


def test_headings_form_one_outline(root: ElementTree.Element) -> None:
    levels = [
        (element.tag, text(element))
        for element in root.iter()
        if re.fullmatch("h[1-6]", element.tag)
    ]
    assert levels == [
        ("h1", "A report"),
        ("h2", "Summary"),
        ("h2", "Contents"),
        ("h2", "More"),
        ("h3", "Part"),
        ("h4", "Detail"),
        ("h2", "Added"),
    ]


def test_contents_follow_the_first_section_and_lead_to_all(root: ElementTree.Element) -> None:
    main = root.find("body/main")
    assert main is not None
    assert [child.tag for child in main] == ["section", "nav", "section", "section"]
    assert texts(main, "nav/ol/li") == ["Summary comorbid@1", "More comorbid@1", "Added extra@2"]
    links = [a.get("href") for a in main.iterfind("nav/ol/li/a")]
    assert links == [f"#{section.get('id')}" for section in main.iterfind("section")]


def test_one_section_needs_no_contents() -> None:
    assert render(Paragraph("Text")).find(".//nav") is None


def test_identifiers_are_unique_and_labels_exist(root: ElementTree.Element) -> None:
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    labels = [e.attrib["aria-labelledby"] for e in root.iter() if "aria-labelledby" in e.attrib]
    assert len(ids) == len(set(ids))
    assert len(labels) == 9
    assert set(labels) <= set(ids)


def test_a_section_may_be_called_like_anything_else_on_the_page() -> None:
    names = ("figure-1", "table-1", "contents", "only", "only-title")
    sections = tuple(
        DocumentSection(name, name, (Figure(SVG, "A"), Table(("A",), (("b",),), "C")), "c@1")
        for name in names
    )
    root = page(render_html(Document("T", DATE, sections)))
    ids = [element.attrib["id"] for element in root.iter() if "id" in element.attrib]
    assert len(ids) == len(set(ids))


def test_figures_and_tables_are_numbered_through_the_document(root: ElementTree.Element) -> None:
    assert texts(root, ".//figcaption") == ["Figure 1. A shape.", "Figure 2.", "Figure 3."]
    assert texts(root, ".//caption") == ["Table 1. Counts.", "Table 2. Counts."]


def test_a_figure_is_its_svg_and_its_words(root: ElementTree.Element) -> None:
    image = root.find(".//figure/img")
    assert image is not None
    head, _, data = image.attrib["src"].partition(",")
    assert head == "data:image/svg+xml;base64"
    assert base64.b64decode(data).decode() == SVG
    assert image.attrib["alt"] == "A triangle."


def test_header_cells_have_a_scope(root: ElementTree.Element) -> None:
    table = root.find(".//table")
    assert table is not None
    rows = [[(cell.tag, cell.get("scope"), text(cell)) for cell in row] for row in table.iter("tr")]
    assert rows == [
        [("th", "col", "Row"), ("th", "col", "n")],
        [("th", "row", "First"), ("td", None, "1")],
        [("th", "row", "Second"), ("td", None, "22")],
    ]
    assert [cell.get("class") for cell in table.iter("td")] == ["number", "number"]
    assert texts(root, ".//p[@class='table-note']") == ["Made up.", "Made up."]


def test_a_table_may_be_empty() -> None:
    root = render(Table(("Row", "n"), (), "Nothing.", ("n",)))
    assert texts(root, ".//thead/tr/th") == ["Row", "n"]
    assert root.find(".//tbody/tr") is None


def test_runs_items_and_notes() -> None:
    root = render(
        Paragraph(
            ("Plain, ", Strong("strong"), " and ", Link("a link", "https://example.org/?a=1&b=2"))
        ),
        Items(("One", ("Two ", Strong("2")))),
        Note("Mind this.", title="Gap"),
        Note(("It is ", Strong("new"), "."), "information"),
    )
    assert texts(root, ".//section/p") == ["Plain, strong and a link"]
    link = root.find(".//section/p/a")
    assert link is not None
    assert link.get("href") == "https://example.org/?a=1&b=2"
    assert texts(root, ".//section/ul/li") == ["One", "Two 2"]
    assert texts(root, ".//aside[@role='note']") == [
        "Caution Gap Mind this.",
        "Information It is new.",
    ]
    assert [a.get("class") for a in root.iter("aside")] == ["note caution", "note information"]


def test_text_from_data_is_never_markup() -> None:
    link = Link(NASTY, f"https://example.org/{NASTY}")
    runs = (NASTY, Strong(NASTY), link)
    blocks: tuple[Block, ...] = (
        Heading(NASTY),
        Paragraph(NASTY),
        Paragraph(runs),
        Items((NASTY, runs)),
        Table((NASTY, "b"), ((NASTY, NASTY),), NASTY, (), NASTY),
        Figure(SVG, NASTY, NASTY),
        Note(NASTY, title=NASTY),
        Note(runs, "information"),
    )
    sections = (
        DocumentSection("a", NASTY, blocks, NASTY),
        DocumentSection("b", NASTY, (), NASTY),
    )
    html = render_html(Document(NASTY, DATE, sections, subtitle=NASTY, language='"><script>'))
    root = page(html)
    # No element but those of the templates.
    assert {element.tag for element in root.iter()} == TAGS
    # Twice the title, the subtitle, two section titles twice each, two origins, 20 in blocks.
    assert text(root).count(" ".join(NASTY.split())) == 29
    images = [image.get("alt") for image in root.iter("img")]
    assert images == [NASTY]
    meta = {m.get("name"): m.get("content") for m in root.iter("meta")}
    assert meta["description"] == NASTY
    assert [s.get("data-origin") for s in root.iter("section")] == [NASTY, NASTY]
    assert html.count("<script") == 1


def test_the_page_asks_for_nothing(whole: Document) -> None:
    html = render_html(whole)
    root = page(html)
    (script,) = re.findall("<script>(.*)</script>", html, re.DOTALL)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    policy = {m.get("http-equiv"): m.get("content") for m in root.iter("meta")}
    assert policy["Content-Security-Policy"] == (
        "default-src 'none'; img-src data:; font-src data:; style-src 'unsafe-inline'; "
        f"script-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    )
    assert not {"link", "iframe", "object", "base"} & {e.tag for e in root.iter()}
    assert not [name for e in root.iter() for name in e.attrib if name.startswith("on")]
    assert all(e.attrib["src"].startswith("data:") for e in root.iter() if "src" in e.attrib)
    style = text(root.find("head/style"))
    addresses = re.findall(r"url\(\s*[\"']?([a-z]*:?)", style)
    # Five fonts; the address that is left stands inside attr(), as a type.
    assert addresses == ["data:"] * 5
    assert "@import" not in style
    assert not [e for e in root.iter() if "style" in e.attrib]


def test_the_same_document_gives_the_same_small_page(whole: Document) -> None:
    html = render_html(whole)
    assert html == render_html(whole)
    assert len(html.encode()) < 700_000


def test_all_problems_are_reported_at_once() -> None:
    sections = (
        DocumentSection("one", "One", (Paragraph("x"), Figure(SVG, "  ")), "comorbid@1"),
        DocumentSection("one", "Again", (), "comorbid@1"),
        DocumentSection("Not_Kebab", "Odd", (Figure(SVG, ""),), "extra@2"),
    )
    with pytest.raises(ReportError) as caught:
        render_html(Document("T", DATE, sections))
    messages = [problem.message for problem in caught.value.problems]
    assert messages == [
        "2 sections have the id 'one'",
        "the section id 'Not_Kebab' is not kebab-case",
        "block 2 of section 'one' (comorbid@1) is a figure without alternative text",
        "block 1 of section 'Not_Kebab' (extra@2) is a figure without alternative text",
    ]


@pytest.mark.parametrize(
    ("columns", "cell", "numeric", "density"),
    [
        (3, "0.95 (0.12 to 1.34)", True, "normal"),
        (5, "0.95 (0.12 to 1.34)", True, "dense"),
        (8, "0.95 (0.12 to 1.34)", True, "tight"),
        (40, "0.95", True, "crammed"),
        (3, "a sentence that may be broken at every space in it", False, "normal"),
    ],
)
def test_wide_tables_are_set_closer(columns: int, cell: str, numeric: bool, density: str) -> None:
    names = tuple(f"c{number}" for number in range(columns))
    table = Table(
        ("Row", *names), (("Label", *[cell] * columns),), "Width", names if numeric else ()
    )
    element = render(table).find(".//div[@id='table.1']")
    assert element is not None
    assert element.get("class") == f"table {density} short"


def test_words_that_fit_no_column_may_be_broken() -> None:
    root = render(Table(("File", "Digest"), (("a.csv", "0123456789abcdef" * 4),), "Digests"))
    assert [cell.get("class") for cell in root.iter("td")] == ["words long"]


def test_small_tables_are_kept_together() -> None:
    for rows, classes in ((8, "table normal short"), (9, "table normal")):
        element = render(Table(("A",), (("b",),) * rows, "C")).find(".//div[@id='table.1']")
        assert element is not None
        assert element.get("class") == classes


def test_a_number_keeps_its_per_cent_sign() -> None:
    text = "a 95 % interval, 100 % of 3"
    html = render_html(
        document(Paragraph((text, Strong(text))), Table((text,), ((text,),), text), Note(text))
    )
    kept = "a 95\N{NO-BREAK SPACE}% interval, 100\N{NO-BREAK SPACE}% of 3"
    assert html.count(kept) == 6
    assert text not in html


def test_an_interval_is_broken_only_before_its_bracket() -> None:
    cell = "0.95 (0.12 to 1.34)"
    html = render_html(document(Table(("Row", "OR"), (("a (b c)", cell),), "C", ("OR",))))
    assert "0.95 (0.12\N{NO-BREAK SPACE}to\N{NO-BREAK SPACE}1.34)" in html
    assert "a (b c)" in html


@pytest.mark.parametrize("paper", ["A4", "letter"])
def test_the_paper_is_the_document_s(paper: Paper) -> None:
    root = page(render_html(Document("T", DATE, (), paper=paper)))
    assert text(root.find("head/style")).endswith(f"@media print {{ @page {{ size: {paper} }} }}")
    body = root.find("body")
    assert body is not None
    assert body.get("class") == paper


def test_running_heads_are_cut_to_their_room() -> None:
    title = "A title of many words " * 10
    root = page(render_html(Document(title.strip(), DATE, ())))
    head = root.find("body/header/h1")
    assert head is not None
    assert title.startswith(head.attrib["data-short"].removesuffix("…"))
    assert 50 < len(head.attrib["data-short"]) <= 68


def colours(scheme: str) -> dict[str, str]:
    css = (THEME / "style.css").read_text(encoding="utf-8")
    light, dark = re.findall(r":root \{([^}]*--paper[^}]*)\}", css)
    found = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", light))
    if scheme == "dark":
        found |= dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", dark))
    return found


def luminance(colour: str) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    channels = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("front", "back"),
    [
        ("ink", "paper"),
        ("muted", "paper"),
        ("accent", "paper"),
        ("ink", "caution-paper"),
        ("accent", "caution-paper"),
        ("caution-label", "caution-paper"),
        ("ink", "information-paper"),
        ("accent", "information-paper"),
        ("information-label", "information-paper"),
    ],
)
def test_text_stands_out_from_its_paper(scheme: str, front: str, back: str) -> None:
    named = colours(scheme)
    low, high = sorted((luminance(named[front]), luminance(named[back])))
    # WCAG 2.2, success criterion 1.4.3 (contrast, minimum).
    assert (high + 0.05) / (low + 0.05) >= 4.5


def test_fonts_are_whole_small_and_licensed() -> None:
    from matplotlib.ft2font import FT2Font

    fonts = THEME / "fonts"
    names = sorted(item.name for item in fonts.iterdir())
    assert len([name for name in names if name.endswith(".woff2")]) == 5
    assert sum(len((fonts / name).read_bytes()) for name in names) < 1_500_000
    for name in ("OFL-source-sans.txt", "OFL-source-serif.txt"):
        assert "SIL OPEN FONT LICENSE Version 1.1" in (fonts / name).read_text(encoding="utf-8")
    for weight, style in (("regular", "Regular"), ("bold", "Bold")):
        sans = resources.files("comorbid.document") / "fonts" / f"comorbid-figures-{weight}.ttf"
        with resources.as_file(sans) as path:
            font = FT2Font(str(path))
            assert (font.family_name, font.style_name) == ("Comorbid Figures", style)
            letters = "AzÇŁłşğñßờ αωΔτχ²άΉ ЯжёЇґ −±×÷≤≥≈√∞→·•–—…’“”½‰"
            assert [c for c in letters if ord(c) not in font.get_charmap()] == []


def test_a_citation_stays_with_the_word_before_it() -> None:
    own = DocumentSection("only", "Only", (Paragraph(("As they say ", Cite("a"), ".")),), "c@1")
    entry = Reference("a", ("A book.",))
    listed = DocumentSection("references", "References", (References((entry,)),), "c@1")
    html = render_html(Document("T", DATE, (own, listed)))
    assert "As they say&nbsp;[<a" in html
