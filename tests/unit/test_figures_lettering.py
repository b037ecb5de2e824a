"""Letters of a figure: each where matplotlib sets it, in the outline that matplotlib draws."""

from __future__ import annotations

import re
import string
from typing import Any

import pytest
from matplotlib.font_manager import get_font
from matplotlib.textpath import text_to_path
from test_figures_every import FIGURES, figure
from test_figures_svg import SVG, XLINK, Picture

import comorbid as cb
from comorbid.document.figures.lettering import (
    GROUPS,
    font_file,
    letter,
    name,
    outline,
    places,
)


def laid_out(text: str, bold: bool) -> tuple[list[int], dict[str, Any]]:
    """Return where matplotlib sets the letters of a text, in UNITS, and their outlines."""
    font = get_font(font_file(bold))
    font.set_size(text_to_path.FONT_SCALE, text_to_path.DPI)
    letters, outlines = text_to_path.get_glyphs_with_font(font, text)[:2]
    return [round(64 * x) for _, x, _, _ in letters], outlines


@pytest.mark.parametrize("name", FIGURES)
def test_every_word_of_every_figure_is_set_as_matplotlib_sets_it(name: str) -> None:
    picture = Picture(figure(name))
    groups = [group for id_, group in picture.names.items() if id_.startswith("text_")]
    assert groups
    for group, words in zip(groups, picture.words, strict=True):
        uses = [(use.attrib[f"{XLINK}href"], use.get("x")) for use in group.iter(f"{SVG}use")]
        assert "".join(letter(link[1:].split("-part-")[0]) for link, _ in uses) == words.text
        assert [int(x or 0) for _, x in uses] == laid_out(words.text, words.bold)[0]


@pytest.mark.parametrize("bold", GROUPS)
@pytest.mark.parametrize(
    "text",
    [
        string.printable.strip(),
        "AVATAR To Wo. (Ty, 1.71)",
        "τ² = 0.028; I² = 83.8 %; ρ ≥ −1",
        "O'Brien, Çelik & Łukasz, Dvořák, Ångström",
        "Ἀθηναῖος καὶ Ῥόδιος",
        "Щербаков, Їжак, Ђорђевић",
    ],
)
def test_letters_stand_where_matplotlib_sets_them(text: str, bold: bool) -> None:
    assert list(places(text, bold)[:-1]) == laid_out(text, bold)[0]


@pytest.mark.parametrize("bold", GROUPS)
def test_a_text_ends_where_matplotlib_would_set_what_follows(bold: bool) -> None:
    # After a figure no letter is kerned to another figure.
    for char in "0123456789":
        assert places(char, bold)[-1] == laid_out(f"{char}0", bold)[0][1]
        assert places(f"AV{char}", bold)[-1] == laid_out(f"AV{char}0", bold)[0][3]


@pytest.mark.parametrize("bold", GROUPS)
@pytest.mark.parametrize("char", "aB%8ö€Ж ")
def test_an_outline_is_that_of_matplotlib(char: str, bold: bool) -> None:
    ((corners, codes),) = laid_out(char, bold)[1].values()
    steps = re.findall(r"[MLQCz]|-?[\d.]+", outline(char, bold))
    drawn = [float(step) for step in steps if step not in "MLQCz"]
    ends = [corner for corner, code in zip(corners, codes, strict=True) if code != 79]
    assert drawn == pytest.approx([64 * x for corner in ends for x in corner])
    assert steps.count("z") == list(codes).count(79)


def test_a_name_says_its_letter() -> None:
    assert [letter(name(char, bold=True)) for char in "a Ж\N{MATHEMATICAL BOLD SMALL X}"] == [
        *"a Ж\N{MATHEMATICAL BOLD SMALL X}"
    ]
    assert name("a", bold=True) != name("a", bold=False)


def test_an_accent_without_a_letter_of_its_own_is_set_by_matplotlib() -> None:
    # There is no single character for an x with a caron.
    accented = "<x\N{COMBINING CARON}e--e>"
    assert places(accented, bold=False) == ()
    effects = cb.Effects(yi=[0.1, 0.2], vi=[0.1, 0.1], labels=[accented, "e"])
    svg = cb.figures.estimates(effects).svg
    assert f'id="{name("e", bold=False)}"' in svg
    used = set(re.findall(r'href="#(\S+)"', svg))
    assert len(used - set(re.findall(r'"#([rb][0-9a-f]+)"', svg))) >= 4
    assert used <= set(re.findall(r'id="(\S+)"', svg))


def test_a_character_that_the_font_lacks_is_no_letter() -> None:
    assert places("渡", bold=False) == ()
