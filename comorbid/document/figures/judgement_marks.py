"""Judgements as marks: a disc with a colour and a sign for each, and the key to them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MARGIN,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    between,
    one_line,
    text_width,
)
from comorbid.document.figures.pen import LEADING, Pen
from comorbid.document.figures.words import capitalized

if TYPE_CHECKING:
    from comorbid.risk_of_bias import RiskOfBias
    from comorbid.studies.table import Studies

DISC = 10.5
"""Diameter of a mark in points."""

NOT_JUDGED = "not judged"
_NAMES = {"low": "low risk", "some": "some concerns", "high": "high risk", "critical": "critical"}
_GAP = 14.0
# The colours between are too dark for dark words and too pale for white ones.
_HALF = 0.6


@dataclass(frozen=True, slots=True)
class Look:
    """How a judgement is drawn: its sign, the colour of the disc, and that of the sign on it."""

    sign: str
    fill: str
    ink: str = INK


# From light to dark as the risk rises, so that they are told apart without colour.
_LOOKS = {
    "low": Look("+", "#c4e6d3"),
    "some": Look("!", "#eebb33"),
    "high": Look("\N{MINUS SIGN}", "#b93a0a", PAPER),
    "critical": Look("\N{MULTIPLICATION SIGN}", "#5c0f1d", PAPER),
    "unclear": Look("?", "#a9adb5"),
    "": Look("", PAPER),
}


def look_of(cell: str) -> Look:
    """Return how a judgement is drawn; a score is the darker the fewer points it has."""
    from comorbid.studies.judgements import score_of

    score = score_of(cell)
    if score is None:
        return _LOOKS[cell]
    lost = 1 - score[0] / score[1]
    if lost <= _HALF:
        return Look(cell, between(PALE, ACCENT, 0.8 * lost))
    return Look(cell, between(PALE, ACCENT, 0.4 + 0.6 * lost), PAPER)


def name_of(cell: str, words: Mapping[str, str]) -> str:
    """Return a judgement in words: those of the table, or of the levels where it is brief."""
    word = words.get(cell, cell)
    return word if word != cell else _NAMES.get(cell, cell or NOT_JUDGED)


def mark(pen: Pen, x: float, height: float, cell: str, name: str) -> None:
    """Draw a judgement at a place on the axes; of what was not judged a small empty disc."""
    look = look_of(cell)
    size = DISC if cell else DISC / 3
    pen.disc(x, height, size, look.fill, name, edge=INK, width=0.7, order=2)
    if look.sign:
        write_sign(pen, pen.from_left(x), height, look)


def write_sign(pen: Pen, x: float, height: float, look: Look) -> None:
    """Write the sign of a judgement, ``x`` points from the left, over what is drawn there."""
    size = SMALL if len(look.sign) == 1 else 6.0
    pen.text(x, height, look.sign, size=size, bold=True, color=look.ink, align="center")


def levels_in(found: RiskOfBias) -> list[str]:
    """Return the judgements that occur, without scores, from the lowest risk on."""
    cells = {cell for own in found.judgements for cell in own}
    return [level for level in _LOOKS if level in cells]


def key_lines(found: RiskOfBias) -> list[list[tuple[float, str]]]:
    """Return the key in lines: each judgement that occurs, and how far from the left it stands."""
    lines: list[list[tuple[float, str]]] = [[]]
    x = MARGIN + DISC / 2
    for level in levels_in(found):
        width = DISC + text_width(capitalized(name_of(level, found.words)), size=SMALL) + _GAP
        if lines[-1] and x + width > WIDTH:
            lines.append([])
            x = MARGIN + DISC / 2
        lines[-1].append((x, level))
        x += width
    return lines if lines[0] else []


def key_height(found: RiskOfBias) -> float:
    """Return how many points below the axes the key takes."""
    return KEY_PITCH * len(key_lines(found)) + 4


def draw_key(pen: Pen, found: RiskOfBias, below: float) -> None:
    """Draw the key so many points below the axes."""
    bottom, number = pen.axes.get_ylim()[0], 0
    for i, line in enumerate(key_lines(found)):
        height = bottom - pen.up(below + KEY_PITCH * (i + 0.5))
        for x, level in line:
            mark(pen, pen.at(x), height, level, f"key-{number}")
            text = capitalized(name_of(level, found.words))
            pen.text(x + DISC / 2 + 4, height, text, size=SMALL)
            number += 1


def has_scores(found: RiskOfBias) -> bool:
    """Say whether any judgement is a score."""
    from comorbid.studies.judgements import score_of

    return any(score_of(cell) for own in found.judgements for cell in own)


def in_words(found: RiskOfBias, amounts: Iterable[Mapping[str, str]]) -> list[str]:
    """Return a sentence a domain: each judgement, and how much there is of it."""
    return [
        f"{capitalized(one_line(domain))}: "
        f"{', '.join(f'{name_of(cell, found.words)} {much}' for cell, much in own.items())}."
        for domain, own in zip(found.domains, amounts, strict=True)
    ]


def judged(studies: Studies | RiskOfBias) -> RiskOfBias:
    """Return the judgements of a table; what `risk_of_bias` has made stays as it is."""
    from comorbid.risk_of_bias import RiskOfBias, risk_of_bias

    return studies if isinstance(studies, RiskOfBias) else risk_of_bias(studies)


KEY_PITCH = max(DISC + 2, SMALL * LEADING)
SCORES = "A score is points of how many: the darker, the fewer."
