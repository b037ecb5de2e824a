"""Pages of both themes on both papers. All text is made up; nothing in it is a study's result."""

from __future__ import annotations

import datetime
import itertools
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.document.blocks import Block, Heading, Items, Note, Paragraph, Table
from comorbid.document.document import Document, DocumentSection, Paper
from comorbid.report.render import render_html
from comorbid.testing import studies_csv
from comorbid.themes import COMPACT, JOURNAL, Theme

pytestmark = pytest.mark.slow

SIZES = {"A4": (210, 297), "letter": (215.9, 279.4)}
MM = 96 / 25.4
NAMES = (
    "O'Brien <script>",
    "Çelik & Łukasz",
    "Παπαδόπουλος",
    "Иванова",
    "Nguyễn Thị Phương",
    "A label of words as long as a study may have. " * 4,
    "Unbroken" * 25,
)
REPLACED = ("InlineReplacedBox", "BlockReplacedBox")
WORDS = "These words are made up so that there is something to break over pages. "
KINDS: tuple[tuple[Theme, Paper], ...] = tuple(itertools.product((JOURNAL, COMPACT), ("A4", "letter")))
BOTH = pytest.mark.parametrize(("theme", "paper"), KINDS, ids=[f"{t.id}-{p}" for t, p in KINDS])


def table(count: int) -> Table:
    header = ("Study", "Year", "Estimate", "Adjustment")
    rows = (
        (f"{NAMES[i % 7]} {i}", str(1980 + i % 40), "1.23 (0.98 to 1.55)", "age and sex")
        for i in range(count)
    )
    return Table(header, tuple(rows), f"{count} rows.", ("Year", "Estimate"), "A note.")


def forest(k: int) -> cb.Figure:
    rng = np.random.default_rng(1)
    labels = [f"{NAMES[i % 7]} {i}" for i in range(k)]
    yi, vi = rng.normal(0.5, 0.4, k), rng.uniform(0.01, 0.3, k)
    return cb.figures.forest(cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR", labels=labels)))


def report(paper: Paper) -> Document:
    """A document of all blocks, with tables that end at every place on a page."""
    wide = tuple(f"Column {i}" for i in range(14))
    tables: list[Block] = []
    for count in (3, 8, 1, 9, 2, 10, 8, 12, 4):
        tables += [Paragraph(WORDS * (7 * count % 11)), table(count)]
    sections = (
        (Paragraph(WORDS), Note(WORDS * 3, title=WORDS), Items((WORDS, WORDS)), table(70)),
        (Heading("Inside"), *(forest(k) for k in (1, 2, 3, 60)), Paragraph(WORDS * 20)),
        tuple(tables),
        (Table(wide, (tuple("1.23 (0.98 to 1.55)" for _ in wide),) * 3, "Wide.", wide),),
    )
    return Document(
        (WORDS * 2).strip(),
        datetime.date(2026, 1, 31),
        tuple(DocumentSection(f"s{i}", WORDS, s, "c@1") for i, s in enumerate(sections)),
        paper=paper,
    )


@cache
def pages(theme: Theme, paper: Paper) -> list[Any]:
    """Return the boxes of the pages as WeasyPrint lays them out."""
    import weasyprint

    laid_out = weasyprint.HTML(string=render_html(report(paper), theme)).render()
    return [page._page_box for page in laid_out.pages]


def boxes(root: Any, *kinds: str) -> Iterator[Any]:
    """Yield the boxes of some kinds inside a box, in reading order."""
    for box in root.descendants():
        if type(box).__name__ in kinds:
            yield box


def body_rows(table: Any) -> int:
    return sum(len(group.children) for group in table.children if not group.is_header)


@BOTH
def test_pages_have_the_size_of_their_paper(theme: Theme, paper: Paper) -> None:
    for page in pages(theme, paper):
        size = (page.margin_width() / MM, page.margin_height() / MM)
        assert size == pytest.approx(SIZES[paper], abs=0.1)


@BOTH
def test_nothing_reaches_past_the_content_of_its_page(theme: Theme, paper: Paper) -> None:
    for page in pages(theme, paper):
        (body,) = (child for child in page.children if child.element_tag == "html")
        left, top = page.content_box_x(), page.content_box_y()
        right, bottom = left + page.width, top + page.height
        shown = list(boxes(body, "TextBox", *REPLACED))
        assert shown
        for box in shown:
            what = getattr(box, "text", "a drawing")
            # Marks of list items hang to the left.
            assert box.position_x >= left - 16, what
            assert box.position_x + box.width <= right + 0.5, what
            assert box.position_y >= top - 0.5, what
            assert box.position_y + box.height <= bottom + 0.5, what


@BOTH
def test_cells_do_not_run_into_each_other(theme: Theme, paper: Paper) -> None:
    cells = 0
    for page in pages(theme, paper):
        for cell in boxes(page, "TableCellBox"):
            cells += 1
            right = cell.position_x + cell.border_width()
            for text in boxes(cell, "TextBox"):
                assert text.position_x + text.width <= right + 0.5, text.text
    assert cells > 500


@BOTH
def test_tables_repeat_their_head_and_leave_no_row_alone(theme: Theme, paper: Paper) -> None:
    # How many rows each table has on each page that it reaches.
    held: dict[str, list[int]] = {}
    for page in pages(theme, paper):
        for part in boxes(page, "TableBox"):
            heads = [group for group in part.children if group.is_header]
            assert len(heads) == 1
            assert next(boxes(heads[0], "TextBox")).text in ("Study", "Column 0")
            held.setdefault(str(id(part.element)), []).append(body_rows(part))
    counts = [70, 3, 8, 1, 9, 2, 10, 8, 12, 4, 3]
    assert [sum(parts) for parts in held.values()] == counts
    for count, parts in zip(counts, held.values(), strict=True):
        assert len(parts) == 1 or count > 8, "a small table is broken"
        assert count == 1 or min(parts) >= 2, "a row stands alone"
    assert len(held) < sum(map(len, held.values())) < 30


@BOTH
def test_a_heading_is_followed_by_something_on_its_page(theme: Theme, paper: Paper) -> None:
    for page in pages(theme, paper):
        lines = [box for box in boxes(page, "LineBox", "BlockReplacedBox") if box.element_tag]
        tags = [box.element_tag for box in lines if not box.element_tag.startswith("@")]
        assert tags[-1] not in ("h1", "h2", "h3", "h4", "caption")


@BOTH
def test_each_part_of_a_long_figure_is_as_large_as_its_page_allows(
    theme: Theme, paper: Paper
) -> None:
    drawings = [box for page in pages(theme, paper) for box in boxes(page, *REPLACED)]
    assert len(drawings) == 3 + 2
    # The words at an axis, 8 of the 482 points that a drawing is wide, are at least 6.5 points high.
    assert min(8 * box.width / 482 for box in drawings) * 0.75 >= 6.5



def test_three_hundred_studies_stand_on_pages_of_their_own() -> None:
    import weasyprint

    section = DocumentSection("a", "Studies", (forest(300), table(300)), "c@1")
    document = Document("Three hundred", datetime.date(2026, 1, 31), (section,))
    laid_out = weasyprint.HTML(string=render_html(document)).render()
    whole = [page._page_box for page in laid_out.pages]
    drawings = [len(list(boxes(page, *REPLACED))) for page in whole]
    rows = [sum(map(body_rows, boxes(page, "TableBox"))) for page in whole]
    # 302 rows with the pooled value and the prediction, in parts of at most 50.
    assert drawings[:7] == [1] * 7
    assert sum(drawings) == 7
    assert sum(rows) == 300
    for page in whole:
        bottom = page.content_box_y() + page.height
        for box in boxes(page, *REPLACED):
            assert 0.5 * page.height < box.height
            assert box.position_y + box.height <= bottom


def test_a_report_of_many_studies_is_built_with_its_figures_in_parts(tmp_path: Path) -> None:
    """The build checks every number that is drawn, in each part beside the texts of its row."""
    (tmp_path / "studies.csv").write_text(studies_csv(70), encoding="utf-8")
    toml = 'id="r"\ntitle="T"\ndate=2026-01-31\ndata="studies.csv"\npaper="letter"\n'
    sections = 'sections=["forest", "leave-one-out"]\n'
    (tmp_path / "report.toml").write_text(toml + sections, encoding="utf-8")
    document = cb.build(tmp_path).document
    blocks = [block for section in document.sections for block in section.blocks]
    assert document.paper == "letter"
    assert [len(block.parts) for block in blocks if isinstance(block, cb.Figure)] == [2, 2]


def test_compact_takes_fewer_pages_and_smaller_print() -> None:
    for paper in ("A4", "letter"):
        assert len(pages(COMPACT, paper)) < 0.8 * len(pages(JOURNAL, paper))


def luminance(colour: Any) -> float:
    """Relative luminance as WCAG 2.2 defines it."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def texts_on_paper(box: Any, paper: Any) -> Iterator[tuple[Any, Any, str]]:
    """Yield each text with its colour and that of the nearest background below it."""
    background = box.style["background_color"]
    if background != "currentcolor" and background.alpha == 1:
        paper = tuple(background.to("srgb").coordinates)
    if type(box).__name__ == "TextBox":
        yield tuple(box.style["color"].to("srgb").coordinates), paper, box.text
    for child in getattr(box, "children", ()):
        yield from texts_on_paper(child, paper)


@pytest.mark.parametrize("theme", [JOURNAL, COMPACT], ids=["journal", "compact"])
def test_every_text_stands_out_from_its_paper(theme: Theme) -> None:
    found = {}
    for page in pages(theme, "A4"):
        for ink, paper, text in texts_on_paper(page, (1, 1, 1)):
            found[ink, paper] = text
    assert len(found) >= 4
    for (ink, paper), text in found.items():
        low, high = sorted((luminance(ink), luminance(paper)))
        # WCAG 2.2, success criterion 1.4.3 (contrast, minimum).
        assert (high + 0.05) / (low + 0.05) >= 4.5, text
