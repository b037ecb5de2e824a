"""Colours of figures as colour-blind readers see them, and that no figure needs colour alone."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator

import numpy as np
import pytest
from test_figures_every import FIGURES, figure
from test_figures_svg import SVG, Picture

from comorbid.document.figures.canvas import ACCENT, INK, MUTED, PALE, PAPER, SHADE
from comorbid.document.figures.contours import contours_key

# How linear sRGB is seen without one kind of cones: Machado GM, Oliveira MM, Fernandes LAF (2009).
# A physiologically-based model for simulation of color vision deficiency. IEEE Transactions on
# Visualization and Computer Graphics 15:1291-1298, doi:10.1109/TVCG.2009.113, severity 1.0.
VIEWS = {
    "usual": np.eye(3),
    "protanopia": np.array(
        [
            [0.152286, 1.052583, -0.204868],
            [0.114503, 0.786281, 0.099216],
            [-0.003882, -0.048116, 1.051998],
        ]
    ),
    "deuteranopia": np.array(
        [
            [0.367322, 0.860646, -0.227968],
            [0.280085, 0.672501, 0.047413],
            [-0.011820, 0.042940, 0.968881],
        ]
    ),
    "tritanopia": np.array(
        [
            [1.255528, -0.076749, -0.178779],
            [-0.078411, 0.930809, 0.147602],
            [0.004733, 0.691367, 0.303900],
        ]
    ),
    # No cones at all: relative luminance of WCAG 2.2 in every channel.
    "achromatopsia": np.tile([0.2126, 0.7152, 0.0722], (3, 1)),
}
# Linear sRGB to XYZ, and the white of D65: IEC 61966-2-1.
XYZ = np.array(
    [
        [0.4124564, 0.3575761, 0.1804375],
        [0.2126729, 0.7151522, 0.0721750],
        [0.0193339, 0.1191920, 0.9503041],
    ]
)


def seen(color: str, view: str) -> np.ndarray:
    """Return a colour as linear sRGB, as it is seen."""
    parts = np.array([int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)])
    linear = np.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return np.clip(VIEWS[view] @ linear, 0, 1)


def lab(color: str, view: str) -> np.ndarray:
    """Return L*, a* and b* of CIE 1976."""
    x, y, z = XYZ @ seen(color, view) / (XYZ @ np.ones(3))
    f = [v ** (1 / 3) if v > (6 / 29) ** 3 else v / (3 * (6 / 29) ** 2) + 4 / 29 for v in (x, y, z)]
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


def distance(first: str, second: str, view: str) -> float:
    """Return the CIE 1976 distance of two colours; 2.3 is just noticeable."""
    return float(np.linalg.norm(lab(first, view) - lab(second, view)))


def contrast(first: str, second: str, view: str) -> float:
    low, high = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in
                       (seen(first, view), seen(second, view)))  # fmt: skip
    return (high + 0.05) / (low + 0.05)


def test_the_distance_is_that_of_the_standard() -> None:
    # Lab of sRGB red and white in D65, as IEC 61966-2-1 and CIE 15 give them.
    assert lab("#ff0000", "usual") == pytest.approx([53.24, 80.09, 67.20], abs=0.02)
    assert lab("#ffffff", "usual") == pytest.approx([100, 0, 0], abs=0.02)
    # Red and green that are told apart are not by deuteranopes.
    assert distance("#c05030", "#707830", "usual") > 45
    assert distance("#c05030", "#707830", "deuteranopia") < 20


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("back", [PAPER, PALE])
def test_marks_stand_out_from_what_is_behind_them(back: str, view: str) -> None:
    # WCAG 2.2, success criterion 1.4.11 (non-text contrast): 3 to 1.
    for color in (INK, ACCENT, MUTED):
        assert contrast(color, back, view) >= 4.5
    assert contrast(SHADE, PAPER, view) >= 3


def keys(name: str) -> Iterator[tuple[str, str, str]]:
    """Yield shape, inside and outline of each sample in the key of a figure."""
    for part in figure(name).parts or (figure(name),):
        for gid, group in Picture(part).names.items():
            if re.fullmatch(r"key-\d+", gid):
                (path,) = group.iter(f"{SVG}path")
                style = dict(re.findall(r"(fill|stroke): (#[0-9a-f]{6})", path.attrib["style"]))
                shape = "disc" if "C" in path.attrib["d"] else "box"
                yield shape, style["fill"], style.get("stroke", "")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("name", FIGURES)
def test_samples_in_a_key_are_told_apart(name: str, view: str) -> None:
    samples = list(keys(name))
    for (shape, fill, _), (other, filled, _) in itertools.combinations(samples, 2):
        if shape == other:
            assert distance(fill, filled, view) >= 7


def test_figures_with_a_key_are_among_these() -> None:
    assert {name for name in FIGURES if list(keys(name))} == {
        *("bubble", "funnel with contours", "gosh", "risk_of_bias_summary", "traffic_light"),
    }
    assert len(contours_key((0.9, 0.95, 0.99))) == 4


@pytest.mark.parametrize("name", FIGURES)
def test_no_two_fills_differ_by_hue_alone(name: str) -> None:
    """Whoever sees no colour at all tells as many apart. Ink and muted are for lines and words."""
    pictures = [Picture(part) for part in figure(name).parts or (figure(name),)]
    fills = {
        color
        for picture in pictures
        for element in picture.root.iter()
        for color in re.findall(r"fill: (#[0-9a-f]{6})", element.get("style", ""))
    }
    assert PAPER in fills
    for first, second in itertools.combinations(sorted(fills - {INK, MUTED}), 2):
        if distance(first, second, "usual") >= 7:
            assert distance(first, second, "achromatopsia") >= 5, (first, second)
