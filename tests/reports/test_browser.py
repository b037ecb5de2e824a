"""The page as a browser shows it. All text is made up; nothing in it is a study's result."""

from __future__ import annotations

import datetime
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import browser
import pytest

import comorbid as cb
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
from comorbid.report.render import render_html
from comorbid.themes import COMPACT, JOURNAL, Theme

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        browser.PROGRAM is None, reason="no Chromium on this machine (apt-get install chromium)"
    ),
]

NAMES = (
    "O'Brien <script>alert(1)</script>",
    "Çelik & Łukasz",
    "Nguyễn Thị Phương",
    "Παπαδόπουλος",
    "Иванова",
    "A label of two hundred characters, " * 6,
    "Unbroken" * 25,
)
# One row a name: a count, an interval, an estimate as printed, a share.
CELLS = (
    ("1,200", "0.95 (0.12 to 1.34)", "1.70 (1.20 to 2.50)", "84 %"),
    ("90", "10.20 (8.00 to 13.00)", "counts only", "over 99 %"),
    ("–", "−0.50 (−1.00 to 0.10)", "10.2", "9 %"),
    ("88", "< 0.001 to 4.00", "1.09", "0 %"),
    ("404,206", "2.86 (2.82 to 2.90)", "1.5", "100 %"),
    ("8", "–", "–", "7 %"),
    ("796", "1e-05 (0.00 to 1.00)", "9.9", "–"),
)
ROWS = tuple((name, *cells) for name, cells in zip(NAMES, CELLS, strict=True))
HEADER = ("Study", "People", "Estimate", "As printed", "I²")
STUDIES = Table(HEADER, ROWS, "The studies. " * 9, ("People", "Estimate", "I²"), "Made up.")
WORDS = "These words are made up so that there is something to break over lines. " * 4


def report() -> Document:
    text = ("See ", Strong("here"), " or ", Link("there", f"https://example.org/{'long' * 30}"))
    wide = tuple(f"Column {i}" for i in range(14))
    fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.7], vi=[0.03, 0.08, 0.02], labels=NAMES[:3]))
    figures: tuple[Block, ...] = (cb.figures.forest(fit, title=""), cb.figures.funnel(fit))
    blocks = (
        (Paragraph(text), Note(text, title=WORDS), Note(WORDS, "information"), Items((text, text))),
        (Heading("Inside"), Paragraph(WORDS), Heading("Deeper " * 20, 3), STUDIES, *figures),
        (Table(wide, (tuple("1.23 (0.98 to 1.55)" for _ in wide),) * 3, "Wide.", wide),),
    )
    titles = ("Summary", "A title of many words " * 9, "Unbroken" * 20)
    sections = tuple(
        DocumentSection(f"s{i}", titles[i], blocks[i], "comorbid-of-a-long-name@1.0.0")
        for i in range(3)
    )
    date = datetime.date(2026, 1, 31)
    return Document("A report on " + "Headacheandbackpain" * 4, date, sections, subtitle=WORDS)


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("pages")
    themes: tuple[Theme, ...] = (JOURNAL, COMPACT)
    for theme in themes:
        html = render_html(report(), theme)
        (folder / f"{theme.id}.html").write_text(html, encoding="utf-8")
    return {theme.id: folder / f"{theme.id}.html" for theme in themes}


@pytest.fixture(scope="module")
def page() -> Iterator[browser.Page]:
    with browser.browser() as page:
        yield page


# How far anything reaches to the right that no box of its own scrolls or cuts.
REACH = """Math.max(...[...document.querySelectorAll("body *")]
    .filter(e => !e.parentElement.closest(".scroll, figure") && !e.matches(".skip"))
    .map(e => e.getBoundingClientRect().right))"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [320, 768, 1280])
@pytest.mark.parametrize("theme", ["journal", "compact"])
def test_the_page_fits_its_window_and_asks_for_nothing(
    page: browser.Page, files: dict[str, Path], theme: str, width: int, scheme: str
) -> None:
    page.open(files[theme], width=width, scheme=scheme)
    inner = page.evaluate("document.documentElement.clientWidth")
    assert width - 20 <= inner <= width
    assert page.evaluate("document.documentElement.scrollWidth") == inner
    assert page.evaluate(REACH) <= inner
    assert page.complaints == []
    asked = [url for url in page.requests if not url.startswith("data:")]
    assert asked == [files[theme].as_uri()]
    fonts = page.evaluate("[...document.fonts].map(f => f.family + ' ' + f.status)")
    assert {text.rpartition(" ")[2] for text in fonts} <= {"loaded", "unloaded"}
    assert "Comorbid Serif loaded" in {text.replace('"', "") for text in fonts}


# The least contrast of a text with what is behind it, as WCAG 2.2 defines it, and that text.
CONTRAST = """(() => {
  const parts = c => c.match(/[\\d.]+/g).map(Number);
  const light = c => parts(c).slice(0, 3).map(v => v / 255)
    .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    const c = getComputedStyle(e).backgroundColor;
    return parts(c)[3] === 0 ? behind(e.parentElement) : c;
  };
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  let least = [99, ""], texts = 0;
  while (walk.nextNode()) {
    const node = walk.currentNode, e = node.parentElement;
    if (!node.textContent.trim() || e.matches("script")) continue;
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    texts += 1;
    if (ratio < least[0]) least = [ratio, node.textContent.trim().slice(0, 40)];
  }
  return [...least, texts, getComputedStyle(document.body).backgroundColor];
})()"""


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("theme", ["journal", "compact"])
def test_every_text_stands_out_from_what_is_behind_it(
    page: browser.Page, files: dict[str, Path], theme: str, scheme: str
) -> None:
    page.open(files[theme], width=1280, scheme=scheme)
    ratio, text, texts, paper = page.evaluate(CONTRAST)
    # WCAG 2.2, success criterion 1.4.3 (contrast, minimum).
    assert ratio >= 4.5, text
    assert texts > 100
    assert (paper == "rgb(255, 255, 255)") == (scheme == "light")


def column(page: browser.Page, number: int, table: int = 0) -> list[str]:
    cells: list[str] = page.evaluate(
        f"[...document.querySelectorAll('table')[{table}].tBodies[0].rows]"
        f".map(row => row.cells[{number}].textContent)"
    )
    return [cell.replace("\N{NO-BREAK SPACE}", " ") for cell in cells]


def focused(page: browser.Page) -> Any:
    """Say what has the focus: tag, text, whether it shows that and stands in the window."""
    return page.evaluate(
        """new Promise(requestAnimationFrame).then(() => {
          const e = document.activeElement, box = e.getBoundingClientRect();
          const style = getComputedStyle(e);
          const seen = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0;
          return [e.tagName, e.id || e.textContent.trim(), seen, box.bottom > 0 && box.top < 800];
        })"""
    )


def test_the_keyboard_reaches_everything_in_order(
    page: browser.Page, files: dict[str, Path]
) -> None:
    page.open(files["journal"], width=320)
    wanted = page.evaluate(
        "[...document.querySelectorAll('a, button, [tabindex=\"0\"]')]"
        ".map(e => [e.tagName, e.id || e.textContent.trim()])"
    )
    reached = []
    for _ in wanted:
        page.press("Tab")
        tag, name, seen, inside = focused(page)
        assert seen, name
        assert inside, name
        reached.append([tag, name])
    assert reached == wanted
    assert {tag for tag, _ in reached} == {"A", "BUTTON", "DIV", "FIGURE"}


def test_the_first_key_leads_past_the_head(page: browser.Page, files: dict[str, Path]) -> None:
    page.open(files["journal"], width=768)
    page.press("Tab")
    assert focused(page) == ["A", "Skip to the report", True, True]
    page.press("Enter")
    assert focused(page)[:2] == ["MAIN", "page.main"]


SORTED = {
    0: [0, 5, 6, 1, 2, 3, 4],
    1: [5, 3, 1, 6, 0, 4, 2],
    2: [2, 6, 3, 0, 4, 1, 5],
    3: [3, 4, 0, 6, 2, 1, 5],
    4: [3, 5, 2, 0, 1, 4, 6],
}


@pytest.mark.parametrize("key", ["Enter", " "])
def test_the_study_table_sorts_by_keyboard(
    page: browser.Page, files: dict[str, Path], key: str
) -> None:
    page.open(files["journal"], width=1280)
    page.evaluate("document.querySelectorAll('table')[0].querySelectorAll('button')[2].focus()")
    sort = "[...document.querySelectorAll('table')[0].querySelectorAll('th[scope=col]')]"
    sort += ".map(th => th.getAttribute('aria-sort'))"
    printed = [row[2] for row in ROWS]
    assert column(page, 2) == printed
    seen = []
    for _ in range(3):
        page.press(key)
        seen.append((page.evaluate(sort)[2], column(page, 2)))
    rising = [printed[i] for i in (2, 6, 3, 0, 4, 1)]
    assert seen == [
        ("ascending", [*rising, "–"]),
        ("descending", [*reversed(rising), "–"]),
        (None, printed),
    ]
    assert page.complaints == []


@pytest.mark.parametrize("number", range(5))
def test_each_column_sorts_as_what_it_is(
    page: browser.Page, files: dict[str, Path], number: int
) -> None:
    page.open(files["compact"], width=768)
    page.evaluate(f"document.querySelectorAll('table')[0].querySelectorAll('button')[{number}].click()")
    names = column(page, 0)
    if number:
        assert [NAMES.index(name) for name in names] == SORTED[number]
    else:
        # Words in the alphabetical order of the page's language, Greek and Cyrillic after Latin.
        assert [name[0] for name in names] == ["A", "Ç", "N", "O", "U", "Π", "И"]
    sorts = page.evaluate("[...document.querySelectorAll('th[aria-sort]')].length")
    assert sorts == 1


def test_without_a_script_the_page_is_whole(page: browser.Page, files: dict[str, Path]) -> None:
    page.open(files["journal"], width=768, scripts=False)
    page.send("Emulation.setScriptExecutionDisabled", value=False)
    assert page.evaluate("document.querySelectorAll('button').length") == 0
    assert column(page, 0) == list(NAMES)


def test_printed_from_the_browser_heads_look_like_heads(
    page: browser.Page, files: dict[str, Path]
) -> None:
    page.open(files["journal"], width=768, scheme="dark", media="print")
    style = """(() => {
      const style = getComputedStyle(document.querySelector("th button"));
      const of = s => getComputedStyle(document.querySelector(s));
      return [style.borderTopWidth, style.backgroundColor, style.fontWeight,
              getComputedStyle(document.querySelector("th button"), "::after").content,
              of(".skip").display, of("body").backgroundColor, of("body").color];
    })()"""
    assert page.evaluate(style) == [
        *("0px", "rgba(0, 0, 0, 0)", "700", "none"),
        *("none", "rgb(255, 255, 255)", "rgb(27, 27, 29)"),
    ]


def test_a_script_in_the_data_does_not_run(page: browser.Page, tmp_path: Path) -> None:
    """Even where a template forgot to escape, the policy holds: only the script's own hash runs."""
    html = render_html(report()).replace(
        "</main>", "<script>document.title = 'changed'</script><img src=x onerror='alert(1)'></main>"
    )
    file = tmp_path / "page.html"
    file.write_text(html, encoding="utf-8")
    page.open(file, width=768)
    assert page.evaluate("document.title").startswith("A report")
    assert len(page.complaints) >= 2
    assert all("Content Security Policy" in text for text in page.complaints)


def test_words_in_figures_can_be_read_on_a_phone(
    page: browser.Page, files: dict[str, Path]
) -> None:
    page.open(files["journal"], width=320)
    # Figures are 482 points wide and their smallest words 8 points high.
    sizes = page.evaluate("[...document.images].map(i => 8 * i.clientWidth / 482)")
    assert len(sizes) == 2
    assert min(sizes) >= 8
    kept = "[...document.querySelectorAll('figcaption')].map(e => e.getBoundingClientRect().right)"
    assert max(page.evaluate(kept)) <= 320
    page.evaluate("document.querySelector('figure').scrollLeft = 200")
    assert page.evaluate("document.querySelector('figure').scrollLeft") == 200
    assert max(page.evaluate(kept)) <= 320
