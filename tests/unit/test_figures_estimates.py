"""The plot of estimates that are not pooled."""

from __future__ import annotations

import math

import numpy as np
import pytest
from test_figures_svg import Picture

import comorbid as cb

# Ashina 2018: episodic and chronic headache, as printed in the review's Table 3.
ROWS = cb.Effects(
    yi=np.log([1.7, 1.9]),
    vi=[(math.log(2.5 / 1.2) / 3.92) ** 2, (math.log(4.5 / 0.8) / 3.92) ** 2],
    labels=["episodic", "chronic"],
    measure="OR",
)


def test_each_estimate_is_drawn_on_its_own_interval_and_nothing_is_pooled() -> None:
    picture = Picture(cb.figures.estimates(ROWS))
    value = picture.scale()
    ends = {round(path[0, 1], 2): path[:, 0] for path in picture.paths("intervals")}
    assert picture.drawn("square") == ["square-0", "square-1"]
    assert not picture.drawn("diamond")
    for i, name in enumerate(picture.drawn("square")):
        x, y = picture.middle(name)
        low, high = ends[round(y, 2)]
        half = 1.959964 * math.sqrt(ROWS.vi[i])
        expected = [ROWS.yi[i], ROWS.yi[i] - half, ROWS.yi[i] + half]
        assert [value(x), value(low), value(high)] == pytest.approx(expected, abs=1e-3)
        ratio, lower, upper = (f"{math.exp(number):.2f}" for number in expected)
        assert picture.line_of(y) == [ROWS.labels[i], f"{ratio} ({lower} to {upper})"]


def test_squares_have_one_size() -> None:
    picture = Picture(cb.figures.estimates(ROWS))
    sides = [np.ptp(picture.corners(name)[:, 0]) for name in picture.drawn("square")]
    assert sides[0] == pytest.approx(sides[1], abs=1e-3)


def test_a_level_and_a_measure_in_words_are_said() -> None:
    effects = cb.Effects(
        yi=[0.1, 0.2], vi=[0.01, 0.02], measure="ratio of odds ratios", scale="log"
    )
    figure = cb.figures.estimates(effects, level=0.9)
    assert figure.caption == (
        "Ratio of odds ratios of each row with its 90 % confidence interval, not pooled."
    )
    assert "Study 1: 1.11 (0.94 to 1.30)." in figure.alt


def test_a_row_without_an_estimate_is_kept() -> None:
    nothing = cb.Effects(yi=[0.5, math.nan], vi=[0.1, math.nan], labels=["A", "B"], measure="OR")
    figure = cb.figures.estimates(nothing)
    assert "B: no estimate." in figure.alt
    assert Picture(figure).drawn("square") == ["square-0"]


def test_errors() -> None:
    empty = cb.Effects(yi=[math.nan], vi=[math.nan], measure="OR")
    with pytest.raises(cb.DataError, match="no estimate to draw"):
        cb.figures.estimates(empty)
    with pytest.raises(cb.ModelError, match="level is 95"):
        cb.figures.estimates(ROWS, level=95)
