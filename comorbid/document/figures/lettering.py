"""Lettering: where the letters of a text stand, and how each is outlined, once for all texts.

The figures' font has no ligatures and kerns by pairs, so that what is known of every pair of
neighbours sets a text. matplotlib lays out every text anew and outlines its letters in every
figure.
"""

from __future__ import annotations

import unicodedata
from functools import cache, lru_cache
from itertools import accumulate, pairwise
from pathlib import Path
from typing import Any

GROUPS = {False: "ComorbidFigures-Regular", True: "ComorbidFigures-Bold"}
"""Names of the groups in which a drawing defines its letters, by whether they are bold."""

UNITS = 6400
"""Units of outlines and places in the size of the font."""

_FONTS = Path(__file__).parent.parent / "fonts"
_COMMANDS = {1: "M", 2: "L", 3: "Q", 4: "C", 79: "z"}
_CORNERS = {1: 1, 2: 1, 3: 2, 4: 3, 79: 1}


def font_file(bold: bool) -> str:
    """Return the path of the bundled font."""
    return str(_FONTS / f"comorbid-figures-{'bold' if bold else 'regular'}.ttf")


@lru_cache(maxsize=10_000)
def places(text: str, bold: bool) -> tuple[int, ...]:
    """Return how far each letter of a text, and its end, stand from its left end, in `UNITS`.

    Nothing is returned for a text of which a character is no single letter beside its neighbours,
    such as an accent that is set above the letter before it.

    Examples
    --------
    >>> places("To", bold=False)[1] < places("TT", bold=False)[1]
    True
    >>> places("x\N{COMBINING CARON}", bold=False)
    ()
    """
    if not text or not all(_stands_alone(letter, bold) for letter in text):
        return ()
    steps = [_step(first, second, bold) for first, second in pairwise(text)]
    known = [step for step in steps if step is not None]
    if len(known) < len(steps):
        return ()
    return tuple(accumulate([*known, _advance(text[-1], bold)], initial=0))


def name(letter: str, bold: bool) -> str:
    """Return the name of a letter's outline in a drawing."""
    return f"{'b' if bold else 'r'}{ord(letter):x}"


def letter(name: str) -> str:
    """Return the letter that an outline of this name shows."""
    return chr(int(name[1:], 16))


@cache
def outline(char: str, bold: bool) -> str:
    """Return the outline of a letter as the data of an SVG path, heights upwards, in `UNITS`."""
    from matplotlib.textpath import text_to_path

    _, outlines = text_to_path.get_glyphs_with_font(_font(bold), char)[:2]
    ((corners, codes),) = outlines.values()
    numbers = [f"{64 * x:g} {64 * y:g}" for x, y in corners]
    parts: list[str] = []
    i = 0
    while i < len(codes):
        count = _CORNERS[int(codes[i])]
        command = _COMMANDS[int(codes[i])]
        parts.append(command if command == "z" else command + " ".join(numbers[i : i + count]))
        i += count
    return "".join(parts)


@cache
def _step(first: str, second: str, bold: bool) -> int | None:
    """Return how far a letter stands from the one before, if they are set as two."""
    letters = _set(first + second, bold)
    return round(64 * letters[1][1]) if len(letters) == 2 else None


@cache
def _advance(letter: str, bold: bool) -> int:
    """Return how wide a letter is."""
    from matplotlib.ft2font import LoadFlags

    glyph = _font(bold).load_char(ord(letter), flags=LoadFlags.NO_HINTING)
    return round(float(glyph.linearHoriAdvance) / 1024)


@cache
def _stands_alone(letter: str, bold: bool) -> bool:
    """Say whether a character is one letter of the font, on the line."""
    known = _font(bold).get_char_index(ord(letter)) > 0
    return known and not unicodedata.combining(letter) and len(_set(letter, bold)) == 1


def _set(text: str, bold: bool) -> list[tuple[str, float, float, float]]:
    """Return the letters of a text as matplotlib sets them, each with its place."""
    from matplotlib.textpath import text_to_path

    return list(text_to_path.get_glyphs_with_font(_font(bold), text)[0])


def _font(bold: bool) -> Any:
    """Return the font in the size in which matplotlib outlines."""
    from matplotlib.font_manager import get_font
    from matplotlib.textpath import text_to_path

    font = get_font(font_file(bold))
    font.set_size(text_to_path.FONT_SCALE, text_to_path.DPI)
    return font
