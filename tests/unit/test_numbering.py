"""Cross-references and citations: their numbers, their links, and what leads nowhere."""

from __future__ import annotations

import datetime
import io
import re

import pikepdf
import pytest

import comorbid as cb
from comorbid.document.blocks import Block, Reference, References
from comorbid.document.numbering import cited, numbered
from comorbid.document.runs import Jump
from comorbid.report.render import render_html, render_markdown, render_pdf

DATE = datetime.date(2026, 1, 31)
SVG = '<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9"><path d="M0 0h9v9z"/></svg>'
ENTRIES = (
    Reference("first", ("A. First <b>. ", cb.Link("doi:10.1/a", "https://doi.org/10.1/a"), ".")),
    Reference("second", ("B. Second.",)),
)


def figure(name: str = "") -> cb.Figure:
    return cb.Figure(SVG, alt="A triangle.", caption="Shape", name=name)


def table(name: str = "") -> cb.Table:
    return cb.Table(("Study",), (("One",),), "Studies", name=name)


def document(*sections: tuple[Block, ...]) -> cb.Document:
    """Sections called s1, s2, ... of these blocks."""
    made = (
        cb.DocumentSection(f"s{i}", f"Section {i}", blocks, "comorbid@1")
        for i, blocks in enumerate(sections, start=1)
    )
    return cb.Document("A report", DATE, tuple(made))


WHOLE = document(
    (
        cb.Paragraph(("See ", cb.Ref("late"), " and ", cb.Ref("rows"), ".")),
        figure(),
        table(),
        cb.Note((cb.Cite("second", "first"),)),
    ),
    (figure("late"), table("rows"), cb.Items((("Again ", cb.Cite("second")), "plain"))),
    (References(ENTRIES),),
)


def test_figures_tables_and_citations_have_the_numbers_of_where_they_lead() -> None:
    first, second, third = numbered(WHOLE)
    assert first[0].block == cb.Paragraph(
        ("See ", Jump("Figure 2", "figure.2"), " and ", Jump("Table 2", "table.2"), ".")
    )
    assert [part.number for part in (*first, *second, *third)] == [0, 1, 1, 0, 2, 2, 0, 0]
    one, two = Jump("1", "reference.1"), Jump("2", "reference.2")
    assert first[3].block == cb.Note(("[", one, ", ", two, "]"))
    assert second[2].block == cb.Items((("Again ", "[", two, "]"), "plain"))


def test_citations_are_collected_in_order_of_first_appearance() -> None:
    assert cited(WHOLE.sections) == ("second", "first")


def test_html_links_to_the_places() -> None:
    html = render_html(WHOLE)
    assert (
        '<p>See <a class="jump" href="#figure.2">Figure 2</a> and '
        '<a class="jump" href="#table.2">Table 2</a>.</p>'
    ) in html
    assert (
        '[<a class="jump" href="#reference.1">1</a>, <a class="jump" href="#reference.2">2</a>]'
    ) in html
    assert (
        '<li id="reference.1">A. First &lt;b&gt;. <a href="https://doi.org/10.1/a">doi:10.1/a</a>.'
    ) in html
    ids = re.findall(r' id="([^"]+)"', html)
    assert len(ids) == len(set(ids))
    assert set(re.findall(r'href="#([^"]+)"', html)) <= set(ids)


def test_markdown_links_to_the_places() -> None:
    text = render_markdown(WHOLE).decode()
    assert "See [Figure 2](#figure.2) and [Table 2](#table.2)." in text
    assert '<a id="figure.2"></a>**Figure 2.** Shape' in text
    assert '<a id="table.2"></a>**Table 2.** Studies' in text
    assert r"\[[1](#reference.1), [2](#reference.2)\]" in text
    assert (
        '1. <a id="reference.1"></a>A. First \\<b\\>. [doi:10.1/a](<https://doi.org/10.1/a>).\n'
        '2. <a id="reference.2"></a>B. Second.'
    ) in text
    assert "figure.1" not in text  # nobody can refer to it


def test_links_of_the_pdf_lead_to_places_that_exist() -> None:
    with pikepdf.open(io.BytesIO(render_pdf(render_html(WHOLE), date=DATE))) as pdf:
        links = [note for page in pdf.pages for note in page.get("/Annots", [])]
        inner = [str(note.Dest) for note in links if "/Dest" in note]
        names = {str(n) for n in list(pdf.Root.Names.Dests.Names)[::2]}
    assert [name for name in inner if "." in name] == [
        *("figure.2", "table.2", "reference.1", "reference.2", "reference.2"),
    ]
    assert set(inner) <= names


@pytest.mark.parametrize("render", [render_html, render_markdown, numbered])
def test_what_leads_nowhere_is_said_all_at_once(render: object) -> None:
    broken = document(
        (cb.Paragraph((cb.Ref("forst"), cb.Ref("zzz"), cb.Cite("firts"))), figure("forest")),
        (table("forest"), cb.Items(((cb.Cite("unlike"),),)), References(ENTRIES)),
    )
    with pytest.raises(cb.ReportError) as caught:
        render(broken)  # type: ignore[operator]
    assert [str(problem) for problem in caught.value.problems] == [
        "section 's2' (comorbid@1) calls a figure or table 'forest', as section 's1' (comorbid@1) "
        "does; give each a name of its own",
        "section 's1' (comorbid@1) refers to 'forst', which is no figure or table; did you mean "
        "'forest'?",
        "section 's1' (comorbid@1) refers to 'zzz', which is no figure or table; name the one "
        "that is meant; named in this report: forest",
        "section 's1' (comorbid@1) cites 'firts', which is not in the bibliography; did you mean "
        "'first'?",
        "section 's2' (comorbid@1) cites 'unlike', which is not in the bibliography; add an entry "
        "with this key to the report's own, references in report.toml",
    ]


def test_a_document_without_names_says_that_there_are_none() -> None:
    with pytest.raises(cb.ReportError, match="named in this report: none"):
        numbered(document((cb.Paragraph((cb.Ref("x"),)),)))


@pytest.mark.parametrize("name", ["Forest", "a b", "a_b", "-a"])
@pytest.mark.parametrize("make", [figure, table])
def test_names_are_kebab_case(name: str, make: object) -> None:
    with pytest.raises(ValueError, match="not kebab-case"):
        make(name)  # type: ignore[operator]


def test_a_citation_has_keys_each_once() -> None:
    assert cb.Cite("a", "b", "a").keys == ("a", "b")
    for keys in ((), ("",), ("a", " ")):
        with pytest.raises(ValueError, match="needs the keys"):
            cb.Cite(*keys)


@pytest.mark.parametrize(
    ("given", "printed"),
    [
        ("Studies", "Studies."),
        ("Studies.", "Studies."),
        ("Why?", "Why?"),
        ("By year (k = 2)", "By year (k = 2)."),
        ("", ""),
    ],
)
def test_a_caption_ends_as_a_sentence(given: str, printed: str) -> None:
    shape = cb.Figure(SVG, alt="A triangle.", caption=given)
    rows = cb.Table(("Study",), (("One",),), given)
    ((one, other),) = numbered(document((shape, rows)))
    assert isinstance(one.block, cb.Figure)
    assert isinstance(other.block, cb.Table)
    assert (one.block.caption, other.block.caption) == (printed, printed)
