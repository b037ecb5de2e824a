"""The canvas: font, colours, matplotlib's settings, and how a drawing becomes a figure."""

from __future__ import annotations

import io
import unicodedata
import warnings
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from comorbid.document.blocks import Figure
from comorbid.document.figures.lettering import UNITS, font_file, places
from comorbid.errors import DataWarning

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing
    from matplotlib.font_manager import FontProperties

WIDTH = 170 / 25.4 * 72
"""Width of a figure in points: the text width of an A4 page."""

MARGIN = 2.0
"""Left and right of it, in points."""

SMALL = 8.0
"""Size of the words at an axis and below it, in points."""

INK = "#1b1b1d"
MUTED = "#55585f"
ACCENT = "#0b4a7d"
SHADE = "#7592b0"
PALE = "#dfe8f1"
HAIRLINE = "#c3c6cc"
PAPER = "#ffffff"

CAP_HEIGHT = 0.66
"""Height of a capital letter as a share of the font size."""


def between(first: str, last: str, share: float) -> str:
    """Return the colour that lies a share of the way from one to another.

    Examples
    --------
    >>> between("#000000", "#ffffff", 0.2)
    '#333333'
    """
    ends = [[int(color[i : i + 2], 16) for i in (1, 3, 5)] for color in (first, last)]
    parts = [round(a + share * (b - a)) for a, b in zip(*ends, strict=True)]
    return "#" + "".join(f"{part:02x}" for part in parts)


@contextmanager
def own_settings() -> Iterator[None]:
    """Draw with matplotlib's defaults and ours, whatever the user has set; restored after."""
    import matplotlib

    with matplotlib.rc_context():
        matplotlib.rcdefaults()
        matplotlib.rcParams["svg.fonttype"] = "path"
        matplotlib.rcParams["svg.hashsalt"] = "comorbid"
        matplotlib.rcParams["text.parse_math"] = False
        yield


@cache
def font(size: float, bold: bool = False) -> FontProperties:
    """Return the bundled font; by its file, so that matplotlib's font list stays as it is."""
    from matplotlib.font_manager import FontProperties

    return FontProperties(fname=font_file(bold), size=size)


@cache
def _characters() -> frozenset[int]:
    from matplotlib.font_manager import get_font

    return frozenset(get_font(font_file(bold=False)).get_charmap())


def new_drawing(height: float) -> Drawing:
    """Return an empty drawing of the full width; ``height`` in points."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure as Drawing

    drawing = Drawing(figsize=(WIDTH / 72, height / 72), dpi=72)
    FigureCanvasAgg(drawing)
    return drawing


def text_width(text: str, *, size: float, bold: bool = False) -> float:
    """Return how wide a text is drawn in the font of the figures.

    Parameters
    ----------
    text : str
        On one line.
    size : float
        Of the font, in points.
    bold : bool
        Whether it is drawn in bold.

    Returns
    -------
    float
        In points.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.figures.text_width("usual care", size=8) < cb.figures.text_width("usual care", size=9)
    True
    """
    return size * _unit_width(text, bold) if text else 0.0


def _unit_width(text: str, bold: bool) -> float:
    """Return the width of a text in multiples of the font's size."""
    if known := places(text, bold):
        return known[-1] / UNITS
    return _set_width(text, bold)


@lru_cache(maxsize=1_000)
def _set_width(text: str, bold: bool) -> float:
    """Return the width of a text with accents that are no letters of their own."""
    from matplotlib.textpath import text_to_path

    width, _, _ = text_to_path.get_text_width_height_descent(text, font(1.0, bold), ismath=False)
    return float(width)


def one_line(text: str) -> str:
    """Return the text on one line, accents joined to their letters, only characters that show."""
    line = " ".join(unicodedata.normalize("NFC", text).split())
    return "".join(char for char in line if _shows(char))


def _shows(char: str) -> bool:
    """Say whether a character is no control, format or half character, nor one XML forbids."""
    return unicodedata.category(char) not in ("Cc", "Cf", "Cs") and char not in "\ufffe\uffff"


def printable(text: str) -> str:
    """Return the text as the font can draw it: on one line, unknown characters as a box.

    Warns, naming the characters that it could not draw.
    """
    line = one_line(text)
    unknown = sorted({char for char in line if ord(char) not in _characters()})
    if unknown:
        warnings.warn(
            f"{line!r}: the figures' font has no {', '.join(map(repr, unknown))}; "
            "a box is drawn instead",
            DataWarning,
            stacklevel=2,
        )
        line = "".join("\N{WHITE SQUARE}" if char in unknown else char for char in line)
    return line


def shorten(text: str, width: float, size: float, bold: bool = False) -> str:
    """Return the text if it is no wider than ``width`` points, or its two ends with an ellipsis.

    The last third is kept from the end of the text, where a label has its year.
    """
    if text_width(text, size=size, bold=bold) <= width:
        return text
    low, high = 0, len(text)
    while high - low > 1:
        middle = (low + high) // 2
        if text_width(_ends(text, middle), size=size, bold=bold) <= width:
            low = middle
        else:
            high = middle
    return _ends(text, low)


def _ends(text: str, kept: int) -> str:
    tail = kept // 3
    return f"{text[: kept - tail].rstrip()}…{text[len(text) - tail :].lstrip()}"


def wrapped(text: str, size: float, bold: bool = False) -> list[str]:
    """Return the text broken between words into lines of the full width."""
    lines: list[str] = []
    for word in printable(text).replace(" %", "\N{NO-BREAK SPACE}%").split(" "):
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and text_width(longer, size=size, bold=bold) <= WIDTH - 2 * MARGIN:
            lines[-1] = longer
        elif word:
            lines.append(shorten(word, WIDTH - 2 * MARGIN, size, bold))
    return lines


def finished(
    draw: Callable[[str], Drawing], *, title: str | None, default: str, alt: str, caption: str
) -> Figure:
    """Draw a figure and return it with its words.

    Parameters
    ----------
    draw : callable
        Returns the drawing below the title that it is given.
    title : str or None
        What the user wants above the figure: nothing if it is empty; None for the default.
    default : str
        What the figure is.
    alt, caption : str
        Its words.
    """
    shown = default if title is None else title
    with own_settings():
        svg = to_svg(draw(shown), title=shown or default, description=alt)
    return Figure(svg=svg, alt=alt, caption=caption)


def to_svg(drawing: Drawing, *, title: str, description: str) -> str:
    """Return the drawing as a whole SVG document that depends on nothing but what is drawn."""
    from comorbid.document.figures.renderer import Renderer

    buffer = io.StringIO()
    metadata = {
        "Date": None,
        "Creator": None,
        "Title": one_line(title),
        "Description": one_line(description),
    }
    width, height = (72 * float(inches) for inches in drawing.get_size_inches())
    renderer = Renderer(width, height, buffer, metadata=metadata)
    drawing.draw(renderer)
    renderer.finalize()
    lines = (line.rstrip() for line in buffer.getvalue().splitlines())
    return "\n".join(lines) + "\n"
