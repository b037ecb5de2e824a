from __future__ import annotations

import datetime

import pytest

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
from comorbid.report.render.markdown import render_markdown


def rendered(*blocks: Block, title: str = "T", subtitle: str = "") -> str:
    """The Markdown of a section of these blocks, without what stands before it."""
    section = DocumentSection("one", "One", blocks, "comorbid@1")
    document = Document(title, datetime.date(2026, 1, 31), (section,), subtitle=subtitle)
    return render_markdown(document).decode()


@pytest.mark.parametrize(
    ("block", "expected"),
    [
        (Heading("Head", 2), "### Head"),
        (Heading("Head", 3), "#### Head"),
        (Paragraph("a *b* [c] <d> `e` f_g"), r"a \*b\* \[c\] \<d\> \`e\` f\_g"),
        (Paragraph("two\nlines"), "two lines"),
        (Paragraph("1. no list"), r"1\. no list"),
        (Paragraph("- no list"), r"\- no list"),
        (Paragraph(("a ", Strong("b*"), " ", Link("c", "https://x.org/a"))), r"a **b\*** [c](<https://x.org/a>)"),
        (Paragraph("two\rlines & more"), r"two lines \& more"),
        (Paragraph((Link("c", "https://x.org/> <b>"),)), "[c](<https://x.org/%3E%20%3Cb%3E>)"),
        (Items(("one", ("two ", Strong("three")))), "- one\n- two **three**"),
        (Note("text", title="Title."), "> **Caution:** Title.\n>\n> text"),
        (Note("text", kind="information"), "> **Information:**\n>\n> text"),
        (Figure("<svg/>", "what it is", "A caption."), "**Figure 1.** A caption.\n\n> what it is"),
        (
            Table(("a", "n|m"), (("x", "1"), ("y", "2")), "Numbers", ("n|m",), "Note."),
            "**Table 1.** Numbers.\n\n| a | n\\|m |\n| --- | ---: |\n| x | 1 |\n| y | 2 |\n\nNote.",
        ),
    ],
)  # fmt: skip
def test_each_block(block: Block, expected: str) -> None:
    assert rendered(block) == f"# T\n\n2026-01-31\n\n## One\n\n{expected}\n"


def test_title_subtitle_and_numbers_run_through_the_document() -> None:
    figure, table = Figure("<svg/>", "alt"), Table(("a",), (("x",),), "C")
    text = rendered(figure, table, figure, title="A # B", subtitle="Sub")
    assert text.startswith("# A \\# B\n\nSub\n\n2026-01-31\n\n## One\n\n")
    assert [f"**Figure {n}.**" in text for n in (1, 2, 3)] == [True, True, False]
    assert "**Table 1.**" in text
    assert text == rendered(figure, table, figure, title="A # B", subtitle="Sub")
