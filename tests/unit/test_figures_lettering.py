"""Words of a figure as text: the same words, each letter where its outline is drawn."""

from __future__ import annotations

import datetime
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import pytest
from pypdf import PdfReader
from test_figures_every import FIGURES, figure
from test_figures_svg import SVG, Picture, Words, text_width

import comorbid as cb
from comorbid.document.document import Document, DocumentSection
from comorbid.document.figures.lettering import as_text
from comorbid.report.render import render_html, render_pdf
from comorbid.themes import Theme

FAMILY = "Any name"
LETTERS = "#ComorbidFigures-"


def placed(svg: str) -> list[tuple[Words, list[float]]]:
    """Return each text of a drawing, and where its letters stand from its left end."""
    found = []
    for text in ET.fromstring(svg).iter(f"{SVG}text"):
        assert text.attrib["font-family"] == FAMILY
        place = re.match(r"translate\((\S+) (\S+)\)(.*)", text.attrib["transform"])
        assert place is not None
        words = Words(
            text.text or "",
            float(place[1]),
            float(place[2]),
            float(text.attrib["font-size"]),
            text.attrib["font-weight"] == "700",
            "rotate(-90)" in place[3],
        )
        found.append((words, [float(x) for x in text.attrib["x"].split()]))
    return found


@pytest.mark.parametrize("name", FIGURES)
def test_every_word_of_every_figure_becomes_text_where_it_was(name: str) -> None:
    drawn = figure(name)
    text = as_text(drawn.svg, FAMILY)
    assert LETTERS not in text
    for (words, across), was in zip(placed(text), Picture(drawn).words, strict=True):
        letters = [i for i, letter in enumerate(was.text) if not letter.isspace()]
        assert words == replace(was, text="".join(was.text[i] for i in letters))
        assert len(across) == len(letters)
        for end in (len(letters) // 2, len(letters) - 1):
            # How far matplotlib, which laid the figure out, writes what stands before.
            before = text_width(was.text[: letters[end]], size=was.size, bold=was.bold)
            # Two letters may be set closer together than the first of them is wide.
            assert across[end] == pytest.approx(before, abs=0.06 * was.size)


def test_everything_else_stays() -> None:
    drawn = figure("forest")
    before, after = (ET.fromstring(svg) for svg in (drawn.svg, as_text(drawn.svg, FAMILY)))
    for root in (before, after):
        for group in list(root.iter(f"{SVG}g")):
            if str(group.attrib.get("id")).startswith("text_"):
                group.clear()
    assert ET.tostring(before) == ET.tostring(after)


def test_what_is_not_ours_stays() -> None:
    other = '<svg xmlns="http://www.w3.org/2000/svg"><!-- a --><g><use href="#a"/></g></svg>'
    assert as_text(other, FAMILY) == other


def test_words_end_where_their_group_does() -> None:
    # The first group holds more than letters; the letter of the second is not its own.
    group = '<!-- a -->\n<g transform="translate(1 2) scale(0.08 -0.08)">\n<defs></defs>\n{}</g>\n'
    letter = f'<use xlink:href="{LETTERS}Regular-a"/>\n'
    first, second = group.format(f"<circle/>{letter}"), group.format(letter)
    text = as_text(first + second, FAMILY)
    assert text.startswith(first)
    assert text.count("<text") == 1


def test_an_accent_without_a_letter_of_its_own_stays_an_outline() -> None:
    # There is no single character for an x with a caron; the e of the other word is drawn there
    # first and defined there.
    effects = cb.Effects(yi=[0.1, 0.2], vi=[0.1, 0.1], labels=["<x\N{COMBINING CARON}e--e>", "e"])
    text = as_text(cb.figures.estimates(effects).svg, FAMILY)
    assert "<x\N{COMBINING CARON}" not in [words.text for words, _ in placed(text)]
    assert "e" in [words.text for words, _ in placed(text)]
    used = set(re.findall(rf'href="{LETTERS}(\S+)"', text))
    assert len(used) >= 4
    assert used <= set(re.findall(rf'id="{LETTERS[1:]}(\S+)"', text))


# A theme that brings none of comorbid's fonts.
SERIF = "comorbid.report:themes/journal/fonts/comorbid-serif-regular.woff2"


def test_the_pdf_has_the_words_of_a_figure_as_text_in_the_figures_font(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    css = (
        '@font-face { font-family: "S"; src: url("fonts/comorbid-serif-regular.woff2"); }\n'
        'html { font-family: "S" }\n'
    )
    (tmp_path / "plain_theme").mkdir()
    (tmp_path / "plain_theme" / "__init__.py").touch()
    (tmp_path / "plain_theme" / "style.css").write_text(css, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    theme = Theme("plain", "plain_theme:style.css", fonts=(SERIF,))
    drawn = figure("forest")
    section = DocumentSection("forest", "Forest", (drawn,), "comorbid@1")
    date = datetime.date(2026, 1, 31)
    html = render_html(Document("A report", date, (section,)), theme)
    (page,) = PdfReader(io.BytesIO(render_pdf(html, date=date))).pages
    # Words are set letter by letter; a reader finds their gaps by where the letters are.
    written = re.sub(r"\s", "", page.extract_text())
    for words in Picture(drawn).words:
        assert re.sub(r"\s", "", words.text) in written
    fonts = {
        str(font["/BaseFont"]).partition("+")[2] for font in page["/Resources"]["/Font"].values()
    }
    assert fonts == {"Comorbid-Figures", "Comorbid-Figures-Bold", "S", "S-Bold"}
