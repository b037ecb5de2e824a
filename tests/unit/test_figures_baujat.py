"""The Baujat plot."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from test_figures_radial import assert_printable, places
from test_figures_svg import Picture, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.baujat_plot import baujat_plot
from comorbid.sensitivity.baujat import baujat


@pytest.mark.parametrize("method", ["REML", "EE"])
def test_studies_stand_where_metafor_puts_them(method: str) -> None:
    # baujat() of metafor 5.0-1 on dat.bcg.
    expected = golden("bcg", "RR")[f"baujat_{method}"]
    figure = baujat_plot(baujat(cb.pool(bcg(13, "RR"), method=method, test="z")))
    x, y = places(Picture(figure))
    assert x == pytest.approx(expected["x"], abs=1e-4 * max(expected["x"]))
    assert y == pytest.approx(expected["y"], abs=1e-4 * max(expected["y"]))


def test_labels_stand_beside_the_most_extreme_studies() -> None:
    effects = bcg(13, "RR")
    figure = baujat_plot(baujat(cb.pool(effects, method="EE")))
    picture = Picture(figure)
    # TPT Madras and Hart & Sutherland: the largest influence and the largest share of Q.
    for i in (7, 3):
        label = picture.find(effects.labels[i])
        x, y = picture.middle(f"study-{i}")
        assert abs(label.y - 0.33 * label.size - y) < 3
        assert min(abs(label.x - x), abs(label.right - x)) < 8
    assert "Most influential: TPT Madras, 1980." in figure.alt
    assert "Largest contribution: Hart & Sutherland, 1977, 34 % of the sum of all." in figure.alt


@pytest.mark.parametrize("k", [2, 3, 40, 300])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    effects = simulated(k) if k > 13 else bcg(k)
    result = baujat(cb.pool(effects))
    figure = baujat_plot(result, title="A title")
    assert_printable(figure)
    picture = Picture(figure)
    assert len(picture.drawn("study")) == k
    labelled = [words for words in picture.words if words.text in effects.labels]
    assert 1 <= len(labelled) <= 6
    discs = np.array([picture.middle(name) for name in picture.drawn("study")])
    for words in labelled:
        top, bottom = words.y - 0.7 * words.size, words.y
        inside = (discs[:, 0] > words.x) & (discs[:, 0] < words.right)
        assert not (inside & (discs[:, 1] > top) & (discs[:, 1] < bottom)).any(), words.text
    assert figure == baujat_plot(result, title="A title")


def test_studies_that_agree_wholly_can_be_drawn() -> None:
    effects = cb.Effects(yi=[0.5] * 4, vi=[0.1] * 4, measure="OR")
    figure = baujat_plot(baujat(cb.pool(effects, test="z")))
    assert_printable(figure)
    assert "from 0 to 0" in figure.alt


def test_a_study_without_a_point_is_named() -> None:
    result = baujat(cb.pool(bcg(4)))
    y = result.y.copy()
    y[2] = np.nan
    figure = baujat_plot(dataclasses.replace(result, y=y))
    picture = Picture(figure)
    assert picture.drawn("study") == ["study-0", "study-1", "study-3"]
    assert f"Not drawn: {result.labels[2]}." in figure.alt
    assert [w for w in picture.words if w.text.startswith("Not drawn")]


def test_what_has_no_point_is_refused() -> None:
    with pytest.raises(cb.ModelError, match="no study has a point"):
        baujat_plot(baujat(cb.pool(bcg(1))))
    # By Knapp and Hartung studies that agree wholly leave a standard error of 0.
    alike = cb.Effects(yi=[0.5] * 3, vi=[0.1] * 3, measure="OR")
    with pytest.raises(cb.ModelError, match="fit with the test z"):
        baujat_plot(baujat(cb.pool(alike)))
