"""Figures of one's own, as plugins draw them."""

from __future__ import annotations

import re

import comorbid as cb
from comorbid.document.figures.canvas import own_settings


def paint(pen: cb.figures.Pen) -> None:
    pen.line([(1, 1), (2, 3)], "edge")
    pen.disc(2, 3, 6, cb.figures.ACCENT, "node")


def test_on_a_panel_positions_are_those_of_its_axes() -> None:
    panel = cb.figures.Panel((0, 4), (0, 4), "Effect", "Error", title="A title")
    figure = cb.figures.drawing(paint, on=panel, alt="A line.", caption="What it shows")
    assert figure == cb.figures.drawing(paint, on=panel, alt="A line.", caption="What it shows")
    assert (figure.alt, figure.caption) == ("A line.", "What it shows")
    assert "<title>What it shows</title>" in figure.svg
    assert all(f'id="{name}"' in figure.svg for name in ("edge", "node"))


def test_on_a_sheet_positions_are_points_from_the_lower_left_corner() -> None:
    figure = cb.figures.drawing(lambda pen: pen.line([(10, 20), (50, 20)], "edge"), on=60, alt="")
    width, height = re.findall(r'viewBox="0 0 ([\d.]+) ([\d.]+)"', figure.svg)[0]
    assert (float(width), float(height)) == (round(cb.figures.WIDTH, 6), 60)
    path = re.search(r'id="edge">\s*<path d="M ([\d.]+) ([\d.]+)\s*L ([\d.]+)', figure.svg)
    assert path is not None
    # In SVG heights are counted from above.
    assert tuple(map(float, path.groups())) == (10, 40, 50)


def test_the_users_settings_stay_as_they_are() -> None:
    import matplotlib

    matplotlib.rcParams["lines.linewidth"] = 7
    try:
        changed = cb.figures.drawing(paint, on=20, alt="")
        assert matplotlib.rcParams["lines.linewidth"] == 7
    finally:
        with own_settings():
            defaults = matplotlib.rcParams["lines.linewidth"]
        matplotlib.rcParams["lines.linewidth"] = defaults
    assert changed == cb.figures.drawing(paint, on=20, alt="")
