"""The GOSH plot of all subsets."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from test_figures_radial import assert_printable
from test_figures_svg import Picture, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.gosh_plot import gosh
from comorbid.sensitivity.subsets import subsets

COLUMNS, ROWS = 72, 50


def percent(picture: Picture) -> tuple[float, float]:
    """Return the heights on the page of an I² of 0 and of 100 %."""
    found = {}
    for name, group in picture.names.items():
        if name.startswith("ytick_"):
            (label,) = picture._words_in(group)
            use = next(e for e in group.iter() if e.tag.endswith("use"))
            found[label.text] = float(use.attrib["y"])
    return found["0 %"], found["100 %"]


def test_few_subsets_are_points_where_metafor_puts_them() -> None:
    # gosh() of metafor 5.0-1, DL, on dat.bcg: the subsets of its first twenty rows that are of two
    # of the first four trials.
    data = golden("bcg", "RR")["gosh"]["DL"]
    rows = [
        (members, *values)
        for members, *values in zip(
            data["incl_first20"],
            data["first20"]["estimate"],
            data["first20"]["I2"],
            strict=True,
        )
        if isinstance(members, list) and max(members) <= 4
    ]
    assert len(rows) == 6
    picture = Picture(gosh(subsets(cb.pool(bcg(4, "RR"), method="DL"))))
    value, (zero, full) = picture.scale(), percent(picture)
    assert len(picture.drawn("subset")) == 11
    for members, estimate, i2 in rows:
        # Subsets are in binary order: trial j has bit j - 1.
        x, y = picture.middle(f"subset-{sum(2 ** (j - 1) for j in members) - 1}")
        assert value(x) == pytest.approx(estimate, abs=1e-3)
        assert 100 * (y - zero) / (full - zero) == pytest.approx(i2, abs=1e-2)


def shaded(picture: Picture, name: str, ends: tuple[float, float]) -> set[tuple[int, int]]:
    """Return column and row of the cells that a shade fills."""
    value, (zero, full) = picture.scale(), percent(picture)
    (path,) = [p.attrib["d"] for p in picture.names[name].iter() if p.tag.endswith("path")]
    cells = set()
    for box in path.split("M")[1:]:
        corners = np.array(re.findall(r"(-?[\d.]+) (-?[\d.]+)", box), dtype=float)
        left, right = (
            round((value(x) - ends[0]) / (ends[1] - ends[0]) * COLUMNS)
            for x in (corners[:, 0].min(), corners[:, 0].max())
        )
        bottom, top = (
            round((y - zero) / (full - zero) * ROWS)
            for y in (corners[:, 1].max(), corners[:, 1].min())
        )
        assert top == bottom + 1
        cells |= {(column, bottom) for column in range(left, right)}
    return cells


def test_many_subsets_are_counted_in_cells() -> None:
    result = subsets(cb.pool(bcg(), method="DL"))
    picture = Picture(gosh(result))
    known = np.isfinite(result.i2)
    x, i2 = result.estimate[known], result.i2[known]
    # The axis reaches 3 % of the range beyond each end.
    margin = 0.03 * (x.max() - x.min())
    ends = float(x.min() - margin), float(x.max() + margin)
    counts = np.zeros((COLUMNS, ROWS), dtype=int)
    columns = ((x - ends[0]) / (ends[1] - ends[0]) * COLUMNS).astype(int)
    np.add.at(counts, (columns, np.minimum(i2 / 100 * ROWS, ROWS - 1).astype(int)), 1)
    assert counts.sum() == 8178
    steps = [1, 3, 10, 30, 100, 300]
    drawn = picture.drawn("shade")
    assert len(drawn) == sum(step <= counts.max() for step in steps)
    for name, step in zip(drawn, steps, strict=False):
        wanted = {(int(a), int(b)) for a, b in np.argwhere(counts >= step)}
        assert shaded(picture, name, ends) == wanted


def test_histograms_count_along_both_axes() -> None:
    result = subsets(cb.pool(bcg(), method="EE"))
    picture = Picture(gosh(result))
    i2 = result.i2[np.isfinite(result.i2)]
    numbers = np.histogram(i2, bins=ROWS, range=(0, 100))[0]
    outline = picture.corners("i2")
    widths = outline[1 : 2 * ROWS : 2, 0] - outline[0, 0]
    assert widths / widths.max() == pytest.approx(numbers / numbers.max(), abs=1e-4)
    top = picture.corners("estimates")
    heights = top[0, 1] - top[1 : 2 * COLUMNS : 2, 1]
    assert heights.max() > 0
    # The outline of bars of equal width holds as much as all subsets together.
    x = result.estimate[np.isfinite(result.i2)]
    margin = 0.03 * (x.max() - x.min())
    bars = np.histogram(x, bins=COLUMNS, range=(x.min() - margin, x.max() + margin))[0]
    assert heights.sum() / heights.max() == pytest.approx(bars.sum() / bars.max(), rel=1e-4)


def test_the_ring_is_the_fit_of_all_studies() -> None:
    fit = cb.pool(bcg(13, "RR"), method="EE")
    figure = gosh(subsets(fit))
    picture = Picture(figure)
    x, y = picture.middle("all")
    zero, full = percent(picture)
    assert picture.scale()(x) == pytest.approx(fit.estimate, abs=1e-3)
    assert 100 * (y - zero) / (full - zero) == pytest.approx(fit.i2, abs=1e-2)
    assert f"{math.exp(fit.estimate):.2f}, I² {fit.i2:.1f} %." in figure.alt


def test_the_words_name_the_study_that_splits_the_cloud() -> None:
    result = subsets(cb.pool(bcg(13, "RR"), method="EE"))
    known = np.isfinite(result.i2)
    # The largest trial of all has by far the largest weight in the equal-effects model.
    inside = result.includes("TPT Madras, 1980")[known]
    x = result.estimate[known]
    medians = [f"{math.exp(np.median(x[half])):.2f}" for half in (inside, ~inside)]
    text = "is {} with TPT Madras, 1980 and {} without.".format(*medians)
    assert text in gosh(result).alt


@pytest.mark.parametrize("k", [2, 3, 9, 40])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    effects = simulated(k) if k > 13 else bcg(k)
    result = subsets(cb.pool(effects, method="DL"), limit=20_000)
    figure = gosh(result, title="A title")
    assert_printable(figure)
    picture = Picture(figure)
    drawn = int(np.isfinite(result.i2).sum())
    assert len(picture.drawn("subset")) == (drawn if drawn <= 256 else 0)
    assert ("all" in picture.names) == (k < 40)
    assert ("a random sample of 1,099,511,627,775" in figure.alt) == (k == 40)
    assert len(figure.svg) < 300_000
    assert figure == gosh(result, title="A title")


def test_studies_that_agree_wholly_can_be_drawn() -> None:
    effects = cb.Effects(yi=[0.5] * 4, vi=[0.1] * 4, measure="OR")
    figure = gosh(subsets(cb.pool(effects, method="DL")))
    assert_printable(figure)
    assert "With and without each study the median is the same." in figure.alt


def test_subsets_of_one_study_are_refused() -> None:
    with pytest.raises(cb.ModelError, match="no subset has an I²"):
        gosh(subsets(cb.pool(bcg(1))))
