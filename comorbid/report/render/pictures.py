"""Pictures: the drawings of a page as images that WeasyPrint asks to draw themselves."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from pathlib import Path
from typing import Any

from comorbid.document.figures.lettering import font_file
from comorbid.report.render.operators import numbers
from comorbid.report.render.painting import Line, Painting, painting

FAMILY = "Comorbid Figures"
"""The name under which a page knows the font of the figures."""

_DRAWING = re.compile(r'(?<=<img src=")data:image/svg\+xml;base64,([^"]+)(?=")')
_WEIGHTS = {False: 400, True: 700}
_PIXELS = 4 / 3


def faces() -> str:
    """Return the CSS that brings the figures' font."""
    contents = {
        weight: base64.b64encode(Path(font_file(bold)).read_bytes()).decode()
        for bold, weight in _WEIGHTS.items()
    }
    return "\n".join(
        f'@font-face {{ font-family: "{FAMILY}"; font-weight: {weight}; '
        f'src: url("data:font/ttf;base64,{content}"); }}'
        for weight, content in contents.items()
    )


def with_pictures(html: str, fonts: Any) -> tuple[str, dict[str, Picture]]:
    """Take the drawings of comorbid out of a page.

    Parameters
    ----------
    html : str
        A page with drawings as data URLs.
    fonts : weasyprint.text.fonts.FontConfiguration
        Has the figures' font, of `faces`.

    Returns
    -------
    html : str
        The page with a short address in place of each drawing that is painted here.
    pictures : dict of str to Picture
        What stands there, by address, as WeasyPrint's cache of images holds it.
    """
    letters = Letters(fonts)
    pictures: dict[str, Picture] = {}

    def taken(match: re.Match[str]) -> str:
        painted = _painted(match[1])
        if painted is None:
            return match[0]
        address = f"drawing:{len(pictures) + 1}"
        pictures[address] = Picture(painted, letters)
        return address

    return _DRAWING.sub(taken, html), pictures


def _painted(encoded: str) -> Painting | None:
    """Return the painting of an SVG in base64; what is none is WeasyPrint's to refuse."""
    try:
        return painting(base64.b64decode(encoded, validate=True).decode())
    except ValueError:
        return None


@dataclass(frozen=True, slots=True)
class _Letter:
    """A letter in a PDF: its number in the font, and its width in thousandths of the size."""

    glyph: str
    width: int


class Letters:
    """The letters of the figures' font in one PDF."""

    def __init__(self, fonts: Any) -> None:
        self._fonts = fonts
        self._known: dict[tuple[str, bool], _Letter] = {}
        self._names: dict[bool, str] = {}

    def show(self, line: Line, stream: Any) -> str:
        """Return the operators that write a line of text on a page."""
        letters = [self._letter(char, line.bold, stream) for char, _ in line.letters]
        places = [round(1000 * across) for _, across in line.letters]
        shown = letters[0].glyph
        behind = places[0]
        for (left, letter), place in zip(pairwise(letters), places[1:], strict=True):
            behind += left.width
            if behind != place:
                shown += f">{behind - place}<"
                behind = place
            shown += letter.glyph
        font = self._names[line.bold]
        return f"BT\n/{font} 1 Tf\n{numbers(line.place)} Tm\n[<{shown}>] TJ\nET"

    def _letter(self, char: str, bold: bool, stream: Any) -> _Letter:
        if (char, bold) not in self._known:
            self._known[char, bold] = self._added(char, bold, stream)
        return self._known[char, bold]

    def _added(self, char: str, bold: bool, stream: Any) -> _Letter:
        """Add a letter to what the PDF holds of its font, as WeasyPrint does where it sets one."""
        from weasyprint.css.properties import INITIAL_VALUES
        from weasyprint.svg.text import Style
        from weasyprint.text.ffi import FROM_UNITS
        from weasyprint.text.line_break import split_first_line

        style = Style(INITIAL_VALUES)
        style.font_config = self._fonts
        style.update(font_family=[FAMILY], font_weight=_WEIGHTS[bold], font_size=1000)
        layout = split_first_line(char, style, None, inf, 0)[0]
        layout.reactivate(style)
        run = layout.get_first_line()[0].runs[0].data
        font, size = stream.add_font(run.item.analysis.font)
        info = run.glyphs.glyphs[0]
        width = font.widths.setdefault(
            info.glyph, round(info.geometry.width * 1000 * FROM_UNITS / size)
        )
        font.to_unicode.setdefault(info.glyph, char)
        self._names[bold] = font.hash
        return _Letter(f"{info.glyph:04x}", width)


class Picture:
    """A painting in WeasyPrint's form of an image.

    Parameters
    ----------
    painted : Painting
        What it shows.
    letters : Letters
        Of the PDF.
    """

    def __init__(self, painted: Painting, letters: Letters) -> None:
        self._painted, self._letters = painted, letters

    def get_intrinsic_size(self, resolution: float, font_size: float) -> tuple[float, float, float]:
        """Return width and height in pixels, and their ratio."""
        width, height = self._painted.width, self._painted.height
        return _PIXELS * width, _PIXELS * height, width / height

    def draw(self, stream: Any, width: float, height: float, style: Any) -> None:
        """Draw it on a page, as large as fits into a box and in its middle."""
        scale = min(width / self._painted.width, height / self._painted.height)
        left = (width - scale * self._painted.width) / 2
        top = (height - scale * self._painted.height) / 2
        stream.set_alpha(1, stroke=True, fill=True)
        stream.transform(scale, 0, 0, scale, left, top)
        stream.stream.extend(part.encode() for part in self._operators(stream))

    def _operators(self, stream: Any) -> Iterator[str]:
        for part in self._painted.parts:
            yield self._letters.show(part, stream) if isinstance(part, Line) else part
