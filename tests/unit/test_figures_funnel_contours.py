"""The funnel plot with contours of significance and with studies filled in."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special
from test_figures_radial import upright
from test_figures_svg import Picture, assert_printable, bcg, golden, simulated

import comorbid as cb
from comorbid.bias.trim_and_fill import trim_and_fill

CONTOURS = (0.90, 0.95, 0.99)


def hackshaw() -> cb.Fit:
    """Return the fit of passive smoking and lung cancer, dat.hackshaw1998 of metafor."""
    data = golden("hackshaw1998", "logOR")
    return cb.pool(cb.Effects(yi=data["yi"], vi=data["vi"], measure="OR"), test="z")


def test_contours_are_where_a_study_would_be_significant() -> None:
    fit = cb.pool(bcg())
    picture = Picture(cb.figures.funnel(fit, contours=CONTOURS))
    across, height = picture.scale(), upright(picture)
    assert len(picture.drawn("contour")) == 4
    # From the outside to the inside.
    for name, level in zip(
        ("contour-1", "contour-2", "contour-3"), (0.99, 0.95, 0.90), strict=True
    ):
        apex, *_ = sorted(picture.corners(name).tolist(), key=lambda point: point[1])
        assert across(apex[0]) == pytest.approx(0, abs=1e-4)
        points = [(across(x), height(y)) for x, y in picture.corners(name)]
        z = [abs(x) / se for x, se in points if se > 0.01 and abs(x) / se < 2.6]
        assert max(z) == pytest.approx(special.ndtri((1 + level) / 2), abs=1e-3)


def test_regions_are_counted_and_shaded_from_the_inside() -> None:
    effects = bcg()
    figure = cb.figures.funnel(cb.pool(effects), contours=CONTOURS)
    p = 2 * special.ndtr(-np.abs(effects.yi) / np.sqrt(effects.vi))
    counts = np.histogram(p, [0, 0.01, 0.05, 0.1, 1.01])[0][::-1]
    assert counts.tolist() == [5, 0, 2, 6]
    words = (
        f"{counts[0]} with p > 0.10, {counts[1]} with p 0.05 to 0.10, {counts[2]} with p 0.01 to "
        f"0.05 and {counts[3]} with p < 0.01."
    )
    assert f"Each study's own test against 1, no association: {words}" in figure.alt
    picture = Picture(figure)
    texts = [w.text for w in sorted(picture.words, key=lambda w: w.x) if w.text.startswith("p ")]
    assert texts == ["p > 0.10", "p 0.05 to 0.10", "p 0.01 to 0.05", "p < 0.01"]
    colors = [fill(picture, name) for name in picture.drawn("contour")]
    # The key is from the inside, the regions are drawn from the outside.
    assert [fill(picture, name) for name in picture.drawn("key")] == colors[::-1]
    assert len(set(colors)) == 4


def fill(picture: Picture, name: str) -> str:
    path = next(picture.names[name].iter("{http://www.w3.org/2000/svg}path"))
    return path.attrib["style"].split("fill: ")[1][:7]


def test_the_order_of_contours_does_not_matter() -> None:
    fit = cb.pool(bcg())
    assert cb.figures.funnel(fit, contours=(0.99, 0.90, 0.95, 0.95)) == cb.figures.funnel(
        fit, contours=CONTOURS
    )


def test_without_contours_nothing_changes() -> None:
    fit = cb.pool(bcg())
    plain = cb.figures.funnel(fit)
    assert cb.figures.funnel(fit, contours=None, filled=None) == plain
    assert cb.figures.funnel(fit, contours=()) == plain
    assert not Picture(plain).drawn("contour")


def test_filled_studies_are_hollow_and_where_metafor_puts_them() -> None:
    fit = hackshaw()
    expected = golden("hackshaw1998", "logOR")["trimfill"]["REML_L0"]
    figure = cb.figures.funnel(fit, contours=CONTOURS, filled=trim_and_fill(fit))
    picture = Picture(figure)
    across = picture.scale()
    assert len(picture.drawn("study")) == 37
    drawn = sorted(across(picture.middle(name)[0]) for name in picture.drawn("filled"))
    assert drawn == pytest.approx(sorted(expected["filled_yi"]), abs=1e-3)
    assert fill(picture, "filled-0") != fill(picture, "study-0")
    dotted = picture.corners("refitted")
    assert across(dotted[0, 0]) == pytest.approx(expected["beta"], abs=1e-4)
    # trimfill() of metafor 5.0-1: 7 on the left, log odds ratio 0.174 (0.080 to 0.269).
    value, low, high = (math.exp(expected[name]) for name in ("beta", "ci.lb", "ci.ub"))
    pooled = f"pooled with them: {value:.2f} ({low:.2f} to {high:.2f})."
    assert f"Trim and fill (L0) adds 7 studies on the left; {pooled}" in figure.alt
    assert_printable(figure)


def test_nothing_filled_says_so() -> None:
    fit = cb.pool(bcg(), test="z")
    found = trim_and_fill(fit)
    assert found.k0 == golden("bcg", "OR")["trimfill"]["REML_L0"]["k0"] == 0
    figure = cb.figures.funnel(fit, filled=found)
    picture = Picture(figure)
    assert "refitted" not in picture.names
    assert "adds no study" in figure.alt
    assert any("Trim and fill adds no study." in words.text for words in picture.words)


@pytest.mark.parametrize("k", [1, 2, 3, 40])
@pytest.mark.parametrize("contours", [(0.95,), CONTOURS, (0.5, 0.8, 0.9, 0.95, 0.99, 0.999)])
def test_every_number_of_studies_can_be_printed(k: int, contours: tuple[float, ...]) -> None:
    fit = cb.pool(simulated(k) if k > 13 else bcg(k))
    figure = cb.figures.funnel(fit, contours=contours, title="A title")
    assert_printable(figure)
    assert len(Picture(figure).drawn("contour")) == len(contours) + 1


def test_what_cannot_be_drawn_is_refused() -> None:
    fit = cb.pool(bcg())
    with pytest.raises(cb.ModelError, match=r"contours are 95, 1\.0; give proportions"):
        cb.figures.funnel(fit, contours=(0.9, 95, 1.0))
    with pytest.raises(cb.ModelError, match="filled in from another fit"):
        cb.figures.funnel(fit, filled=trim_and_fill(hackshaw()))
    shares = cb.pool(cb.Effects(yi=[-1.0, -0.5], vi=[0.1, 0.2], measure="PLO"))
    with pytest.raises(cb.ModelError, match="PLO has no value of no association"):
        cb.figures.funnel(shares, contours=CONTOURS)
    assert "null" not in Picture(cb.figures.funnel(shares)).names
