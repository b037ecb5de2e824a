"""Painting: a page shows of a figure what WeasyPrint would draw, and its words as text."""

from __future__ import annotations

import datetime
import io
import math
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from pypdf import PdfReader
from pypdf.generic import ContentStream
from test_figures_every import FIGURES, figure
from test_figures_svg import Picture

import comorbid as cb
from comorbid.document.blocks import Figure
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import ReportError
from comorbid.report.render import pictures, render_html, render_pdf
from comorbid.report.render.operators import PLAIN, matrix, path, times
from comorbid.report.render.painting import Line, painting
from comorbid.themes import JOURNAL, Theme

DATE = datetime.date(2026, 1, 31)
WORDS = re.compile(r'<g id="text_\d+">.*?</g>\s*</g>', re.DOTALL)
HEAD = (
    '<svg xmlns="http://www.w3.org/2000/svg" xmlns:xlink="http://www.w3.org/1999/xlink"'
    ' width="{0}" height="9pt" viewBox="0 0 9 9">{1}</svg>'
)


def drawing(inner: str, width: str = "9pt") -> str:
    return HEAD.format(width, inner)


def page_of(drawn: Figure, theme: Theme = JOURNAL) -> Any:
    section = DocumentSection("forest", "Forest", (drawn,), "comorbid@1")
    html = render_html(Document("A report", DATE, (section,)), theme)
    (page,) = PdfReader(io.BytesIO(render_pdf(html, date=DATE))).pages
    return page


@pytest.mark.parametrize("name", FIGURES)
def test_every_figure_is_painted_with_its_words_as_lines(name: str) -> None:
    for part in figure(name).parts or (figure(name),):
        painted, picture = painting(part.svg), Picture(part)
        assert painted is not None
        assert (painted.width, painted.height) == (picture.width, picture.height)
        lines = [line for line in painted.parts if isinstance(line, Line)]
        for line, words in zip(lines, picture.words, strict=True):
            assert "".join(char for char, _ in line.letters) == words.text
            assert line.bold == words.bold
            turned = (0, -1, -1, 0) if words.turned else (1, 0, 0, -1)
            expected = [*(words.size * x for x in turned), words.x, words.y]
            assert line.place == pytest.approx(expected, abs=1e-4)


Shape = tuple[str, list[float], list[float], list[float], float]


def painted_shapes(page: Any) -> list[Shape]:
    """Return what a page fills and draws in its figure, in its order, in points of the page."""
    now: dict[str, Any] = {"place": PLAIN, "rg": [], "RG": [], "w": 1.0}
    before: list[dict[str, Any]] = []
    points: list[float] = []
    found: list[Shape] = []
    start: tuple[float, ...] = ()
    last, inside = b"", False
    for operands, operator in ContentStream(page.get_contents(), page.pdf).operations:
        values = [float(x) for x in operands if isinstance(x, (int, float))]
        match operator.decode():
            case "BDC" | "BMC" | "EMC":
                inside = operator == b"BDC" and operands[0] == "/Figure"
            case "q":
                before.append(dict(now))
            case "Q":
                now = before.pop()
            case "cm":
                now["place"] = times(tuple(values), now["place"])  # type: ignore[arg-type]
            case "rg" | "RG" | "w" as name:
                now[name] = values[0] if name == "w" else values
            case "m" | "l" | "c":
                ends = [
                    times((1, 0, 0, 1, x, y), now["place"])[4:]
                    for x, y in zip(values[::2], values[1::2], strict=True)
                ]
                # WeasyPrint moves to the corner of the drawing before it moves to a start.
                points = points[:-2] if operator == last == b"m" else points
                start = ends[0] if operator == b"m" else start
                # A line back to the start may be left to what closes the path.
                back = operator == b"l" and math.dist(ends[0], start) < 2e-3
                points += [] if back else [x for end in ends for x in end]
            case "f" | "S" | "B" as paint:
                if inside:
                    fill, line = paint in "fB", paint in "SB"
                    width = now["w"] if line else 0.0
                    colors = [now["rg"] if fill else [], now["RG"] if line else []]
                    found.append((paint, points, *colors, width))  # type: ignore[arg-type]
                points = []
            case "n":
                points = []
        last = operator
    return found


@pytest.mark.parametrize("name", ["forest", "funnel", "influence_plot", "bubble", "gosh", "people"])
def test_shapes_are_those_that_weasyprint_draws(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn = figure(name)
    mute = replace(drawn, svg=WORDS.sub("", drawn.svg))
    ours = painted_shapes(page_of(mute))
    monkeypatch.setattr(pictures, "painting", lambda svg: None)
    theirs = painted_shapes(page_of(mute))
    assert len(ours) == len(theirs) > 5
    for shape, other in zip(ours, theirs, strict=True):
        assert shape[0] == other[0]
        for mine, same in zip(shape[1:], other[1:], strict=True):
            assert mine == pytest.approx(same, abs=2e-3)


@pytest.mark.parametrize(
    "svg",
    [
        drawing('<circle r="3"/>'),
        drawing('<path d="M 0 0 L 1 1" style="opacity: 0.5"/>'),
        drawing('<path d="M 0 0 L 1 1" fill="#ff0000"/>'),
        drawing('<path d="M 0 0 L 1 1" style="fill: red"/>'),
        drawing('<path d="M 0 0 L 1 1" style="fill: url(#a)"/>'),
        drawing('<path d="M 0 0 L 1 1" style="stroke: #ff0000; stroke-linecap: inherit"/>'),
        drawing('<path d="M 0 0 L 1 1" style="stroke: #ff0000; stroke-width: 1mm"/>'),
        drawing('<path d="m 0 0 l 1 1"/>'),
        drawing('<path d="M 0 0 L 1e3 1"/>'),
        drawing('<path d="M 0 0 L 1 1" transform="matrix(1 0 0 1 0 0)"/>'),
        drawing('<path d="M 0 0 L 1 1" transform="rotate(90 1)"/>'),
        drawing("<text>words</text>"),
        drawing("<g><text>words</text></g>"),
        drawing('<use xlink:href="#nothing"/>'),
        drawing('<defs><g id="a"/></defs><use xlink:href="#a"/>'),
        drawing("<style>path {fill: #ff0000}</style>"),
        drawing('<path d="M 0 0 L 1 1" clip-path="url(#a)"/>'),
        drawing(
            '<defs><clipPath id="a"><circle r="2"/></clipPath></defs>'
            '<path d="M 0 0 L 1 1" clip-path="url(#a)"/>'
        ),
        drawing(
            '<defs><clipPath id="a"><rect x="0" y="0" width="2" height="2"/></clipPath></defs>'
            '<g transform="scale(2)"><path d="M 0 0 L 1 1" clip-path="url(#a)"/></g>'
        ),
        drawing('<path d="M 0 0 L 1 1"/>', width="100%"),
        drawing('<path d="M 0 0 L 1 1"/>', width="9px"),
        drawing('<path d="M 0 0 L 1 1"/>').replace("viewBox", "viewbox"),
        drawing('<path d="M 0 0 L 1 1"/>').replace("</svg>", ""),
        '<path d="M 0 0 L 1 1"/>',
    ],
)
def test_what_comorbid_does_not_draw_is_left_to_weasyprint(svg: str) -> None:
    assert painting(drawing('<path d="M 0 0 L 1 1"/>')) is not None
    assert painting(svg) is None


@pytest.mark.parametrize("encoded", ["A", "PHN2Zy8+#a", "/w=="])
def test_an_image_that_cannot_be_read_stays_for_weasyprint_to_refuse(encoded: str) -> None:
    html = f'<img src="data:image/svg+xml;base64,{encoded}">'
    assert pictures.with_pictures(html, None) == (html, {})
    with pytest.raises(ReportError, match=r"Failed to load image|Error fetching"):
        render_pdf(f"<!DOCTYPE html><title>A</title>{html}", date=DATE)


def test_letters_count_only_where_they_are_defined_as_such() -> None:
    shape = '<path id="r53" d="M 0 0 L 1 1 z"/>'
    used = '<g transform="scale(0.1 -0.1)"><use xlink:href="#r53"/></g>'
    plain = painting(drawing(f"<defs>{shape}</defs>{used}"))
    assert plain is not None
    assert not any(isinstance(part, Line) for part in plain.parts)
    group = f'<defs><g id="ComorbidFigures-Regular">{shape}</g></defs>'
    lettered = painting(drawing(group + used))
    assert lettered is not None
    assert [p.letters for p in lettered.parts if isinstance(p, Line)] == [(("S", 0.0),)]
    beside = painting(drawing(group + used.replace("</g>", '<path d="M 0 0 L 1 1"/></g>')))
    assert beside is not None
    assert not any(isinstance(part, Line) for part in beside.parts)


def test_what_a_use_is_given_gives_way_to_what_the_mark_has() -> None:
    svg = drawing(
        '<defs><path id="m" d="M 0 0 L 1 1" style="fill: #ff0000"/></defs>'
        '<use xlink:href="#m" x="1" y="2" style="fill: #00ff00; stroke: #0000ff"/>'
    )
    painted = painting(svg)
    assert painted is not None
    (part,) = painted.parts
    assert str(part).split("\n") == [
        "4 M", "1 0 0 rg", "0 0 1 RG", "1 w", "[] 0 d", "0 J", "1 j",
        "q 1 0 0 1 1 2 cm", "0 0 m", "1 1 l", "B", "Q", "",
    ]  # fmt: skip


def test_a_curve_of_one_control_point_is_the_same_with_two() -> None:
    # Both ends are drawn to the control point by two thirds of the way: raising the degree of a
    # Bezier curve, Farin (2002), Curves and Surfaces for CAGD, 5th ed., section 6.1.
    assert path("M 0 3 Q 3 6 9 0").split("\n") == ["0 3 m", "2 5 5 4 9 0 c"]


def test_transforms_are_applied_from_the_last_to_the_first() -> None:
    assert matrix("translate(10 20) rotate(-90) scale(2 -2)") == pytest.approx(
        (0, -2, -2, 0, 10, 20), abs=1e-12
    )


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
    effects = cb.Effects(yi=[0.1, 0.3], vi=[0.2, 0.1], labels=["AVATAR To 1971", "Ødegård β"])
    drawn = cb.figures.forest(cb.pool(effects))
    page = page_of(drawn, theme)
    # One shape of the font is both kinds of space.
    written = page.extract_text().replace("\N{NO-BREAK SPACE}", " ")
    for words in Picture(drawn).words:
        text = words.text.replace("\N{NO-BREAK SPACE}", " ")
        assert text.strip("\N{FIGURE SPACE} ") in written
    fonts = {
        str(font["/BaseFont"]).partition("+")[2] for font in page["/Resources"]["/Font"].values()
    }
    assert fonts == {"Comorbid-Figures", "Comorbid-Figures-Bold", "S", "S-Bold"}


def test_letters_end_where_the_drawing_has_them() -> None:
    # Kerned pairs: the numbers between letters must add up to where each of them stands.
    drawn = cb.figures.forest(
        cb.pool(cb.Effects(yi=[0.1, 0.3], vi=[0.2, 0.1], labels=["AVATAR To. Wy", "b"]))
    )
    painted = painting(drawn.svg)
    assert painted is not None
    (line,) = [
        part
        for part in painted.parts
        if isinstance(part, Line) and "".join(c for c, _ in part.letters) == "AVATAR To. Wy"
    ]
    page = page_of(drawn)
    runs = re.findall(rb"\[<([-0-9a-f<>]+)>\] TJ", page.get_contents().get_data())
    (shown,) = [run.decode() for run in runs if len(re.findall(rb"[0-9a-f]{4}", run)) == 13]
    font = next(
        font["/DescendantFonts"][0]
        for font in page["/Resources"]["/Font"].values()
        if str(font["/BaseFont"]).endswith("Comorbid-Figures")
    )
    widths: dict[int, int] = {}
    listed = list(font["/W"])
    for first, given in zip(listed[::2], listed[1::2], strict=True):
        widths.update((int(first) + i, int(width)) for i, width in enumerate(given))
    places, x = [], 0
    for glyph, gap in re.findall(r"([0-9a-f]{4})(?:>(-?\d+)<)?", shown):
        places.append(x / 1000)
        x += widths[int(glyph, 16)] - int(gap or 0)
    assert places == pytest.approx([across for _, across in line.letters], abs=6e-4)
