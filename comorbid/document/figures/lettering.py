"""Lettering: outlined words of a drawing as text again, for a page that has the figures' font.

A figure's letters are outlines, so that it looks the same wherever it is opened. A printer of
pages that has the font sets text far faster than it draws outlines, and the text can be searched.
"""

from __future__ import annotations

import functools
import re
import unicodedata
from pathlib import Path
from xml.sax.saxutils import escape, unescape

from comorbid.document.figures.canvas import font_file

FONTS = {400: Path(font_file(bold=False)), 700: Path(font_file(bold=True))}
"""Files of the figures' font by weight."""

_LETTER = r'<use xlink:href="#ComorbidFigures-(?:Regular|Bold)-\w+"(?: transform="[^"]*")?/>'
_WORDS = re.compile(
    r"<!-- (?P<text>[^\n]*) -->\s*"
    r'<g (?:style="(?P<style>[^"]*)" )?'
    r'transform="(?P<place>translate\([^)]*\)(?: rotate\([^)]*\))?)'
    r' scale\((?P<scale>[\d.]+) -(?P=scale)\)">\s*'
    r"(?P<outlines>(?><defs>.*?</defs>)\s*)?"
    rf"(?P<letters>(?:{_LETTER}\s*)+)</g>",
    re.DOTALL,
)
_PLACE = re.compile(r'ComorbidFigures-(\w+)-\w+"(?: transform="translate\((\S+) (\S+)\)")?')
# An attribute is read faster than a style.
_PROPERTY = re.compile(r"([\w-]+): ([^;]+)(?:; )?")
_ATTRIBUTE = r' \1="\2"'


def as_text(svg: str, family: str) -> str:
    """Return a drawing with its words as text, each letter where its outline was, without spaces.

    Words of which an outline is no single letter, such as an accent set above one, stay as they
    are, and so does everything that comorbid's figures do not contain.

    Parameters
    ----------
    svg : str
        A whole SVG document.
    family : str
        The name under which the page knows the files `FONTS`.

    Returns
    -------
    str
        A whole SVG document.

    Examples
    --------
    >>> import comorbid as cb
    >>> figure = cb.figures.forest(cb.pool(cb.Effects(yi=[0.1, 0.3], vi=[0.2, 0.1])))
    >>> ">Study</text>" in as_text(figure.svg, "Comorbid Figures")
    True
    """
    text = _WORDS.sub(functools.partial(_lettered, family, outlines=False), svg)
    if 'href="#ComorbidFigures-' not in text:
        return text
    # Outlines are defined where they are first drawn, and used again in other words.
    return _WORDS.sub(functools.partial(_lettered, family, outlines=True), svg)


def _lettered(family: str, words: re.Match[str], *, outlines: bool) -> str:
    """Return words as text, with the outlines that they define or without."""
    if not _spells(words):
        return words[0]
    scale = float(words["scale"])
    drawn = [
        (escape(letter), f"{scale * float(x or 0):.3f}")
        for letter, (_, x, _) in zip(_text(words), _places(words), strict=True)
        if not letter.isspace()
    ]
    letters, across = zip(*drawn, strict=True) if drawn else ((), ())
    weight = 700 if _places(words)[0][0] == "Bold" else 400
    return (
        f'{(words["outlines"] or "") if outlines else ""}<text font-family="{family}"'
        f' font-size="{100 * scale:g}" font-weight="{weight}"'
        f"{_PROPERTY.sub(_ATTRIBUTE, words['style'] or '')}"
        f' transform="{words["place"]}" x="{" ".join(across)}" y="0">{"".join(letters)}</text>'
    )


def _text(words: re.Match[str]) -> str:
    return unescape(words["text"])


def _places(words: re.Match[str]) -> list[tuple[str, str, str]]:
    """Return the weight of each outline, and where it stands, across and up."""
    return _PLACE.findall(words["letters"])


def _spells(words: re.Match[str]) -> bool:
    """Say whether the outlines are those of a text's characters, one each on one line."""
    text, places = _text(words), _places(words)
    return (
        len(text) == len(places)
        and all(float(up or 0) == 0 for _, _, up in places)
        and not any(map(unicodedata.combining, text))
    )
