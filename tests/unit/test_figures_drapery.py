"""The drapery plot."""

from __future__ import annotations

import math
import re

import numpy as np
import pytest
from scipy import special
from test_figures_radial import upright
from test_figures_svg import Picture, assert_printable, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.drapery_plot import drapery


def curve(picture: Picture, name: str, *, log: bool = True) -> tuple[list[float], list[float]]:
    """Return effects and p-values of a curve, read with a ruler."""
    across, height = picture.scale(log=log), upright(picture)
    points = picture.corners(name)
    return [across(x) for x in points[:, 0]], [height(y) for y in points[:, 1]]


@pytest.mark.parametrize("test", ["z", "knha"])
def test_the_pooled_curve_is_as_wide_as_the_interval_at_its_level(test: str) -> None:
    fit = cb.pool(bcg(), test=test)  # type: ignore[arg-type]
    x, p = curve(Picture(drapery(fit)), "pooled")
    assert max(p) == pytest.approx(1, abs=1e-4)
    assert x[int(np.argmax(p))] == pytest.approx(fit.estimate, abs=1e-4)
    assert np.interp(fit.ci, x, p) == pytest.approx([0.05, 0.05], abs=2e-3)
    assert np.interp(0.0, x, p) == pytest.approx(fit.p_value, abs=2e-3)


def test_the_region_is_as_wide_as_the_prediction_interval_at_its_level() -> None:
    fit = cb.pool(bcg())
    picture = Picture(drapery(fit))
    x, p = curve(picture, "prediction-edge")
    assert np.interp(fit.pi, x, p) == pytest.approx([0.05, 0.05], abs=1e-3)
    region = picture.corners("prediction")
    assert region[1:-1] == pytest.approx(picture.corners("prediction-edge"), abs=1e-3)


def test_a_study_has_the_normal_curve_of_its_own() -> None:
    effects = bcg()
    picture = Picture(drapery(cb.pool(effects)))
    assert len(picture.drawn("study")) == 13
    for i, name in enumerate(picture.drawn("study")):
        x, p = curve(picture, name)
        z = np.abs(np.array(x) - effects.yi[i]) / math.sqrt(effects.vi[i])
        assert p == pytest.approx(2 * special.ndtr(-z), abs=5e-3)
        assert max(p) == pytest.approx(1, abs=1e-4)


def test_the_axis_at_the_right_is_the_level() -> None:
    picture = Picture(drapery(cb.pool(bcg())))
    height = upright(picture)
    levels = {
        w.text: height(w.y - 0.33 * w.size)
        for w in picture.words
        if re.fullmatch(r"[\d.]+ %", w.text)
    }
    for text, p in levels.items():
        level = float(text.replace("%", "")) / 100
        assert p == pytest.approx(1 - level, abs=0.01)
    assert {"95 %", "80 %", "0 %"} <= set(levels)
    line = picture.corners("level")
    assert height(line[0, 1]) == pytest.approx(0.05, abs=1e-4)


@pytest.mark.parametrize("level", [0.5, 0.8, 0.82, 0.9, 0.99])
def test_labels_at_the_right_leave_room_for_the_level(level: float) -> None:
    figure = drapery(cb.pool(bcg(), level=level))
    assert_printable(figure)
    texts = [words.text for words in Picture(figure).words]
    assert texts.count(f"{100 * level:g} %") == 1


def test_the_alternative_text_has_the_numbers() -> None:
    effects = bcg()
    fit = cb.pool(effects)
    alt = drapery(fit).alt
    p = 2 * special.ndtr(-np.abs(effects.yi) / np.sqrt(effects.vi))
    assert f"{(p < 0.05).sum()} of 13 studies have p below 0.05" in alt
    assert "Drapery plot of 13 studies" in alt
    assert "Against 1, no association: pooled p = 0.002" in alt
    assert "95 % prediction interval 0.13 to 1.79" in alt


def test_equal_effects_have_no_prediction_region() -> None:
    figure = drapery(cb.pool(bcg(), method="EE", test="z"))
    assert "prediction" not in Picture(figure).names
    assert "shaded" not in figure.caption
    assert "No prediction interval." in figure.alt


@pytest.mark.parametrize("k", [1, 2, 3, 40])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    fit = cb.pool(simulated(k) if k > 13 else bcg(k))
    figure = drapery(fit, title="A title")
    assert_printable(figure)
    assert len(Picture(figure).drawn("study")) == (k if k > 1 else 0)
    assert figure == drapery(fit, title="A title")


def test_other_measures_can_be_printed() -> None:
    data = golden("raudenbush1985", "SMD")
    fit = cb.pool(cb.Effects(yi=data["yi"], vi=data["vi"], measure="SMD", scale="identity"))
    figure = drapery(fit)
    assert_printable(figure)
    assert "Against 0, no difference" in figure.alt


def test_studies_that_agree_wholly_make_a_spike() -> None:
    # Knapp and Hartung's standard error is 0 where all effects are the same.
    fit = cb.pool(cb.Effects(yi=[0.5] * 4, vi=[0.1, 0.2, 0.1, 0.3], measure="OR"))
    assert fit.se == 0
    picture = Picture(drapery(fit))
    x, p = curve(picture, "pooled")
    assert max(p) == pytest.approx(1, abs=1e-4)
    assert {round(value, 4) for value in p} == {0.0, 1.0}
    assert x[int(np.argmax(p))] == pytest.approx(0.5, abs=1e-4)


def test_a_proportion_is_tested_against_nothing() -> None:
    fit = cb.pool(cb.Effects(yi=[-1.2, -0.4, 0.3], vi=[0.1, 0.2, 0.1], measure="PLO"))
    figure = drapery(fit)
    assert "null" not in Picture(figure).names
    assert "no association" not in figure.alt
    assert_printable(figure)


@pytest.mark.parametrize("vi", [[1e-12, 1e-6, 1.0], [1e-9] * 3, [1e4, 2e4, 3e4]])
def test_variances_over_many_orders_of_magnitude(vi: list[float]) -> None:
    for test in ("z", "knha"):
        fit = cb.pool(cb.Effects(yi=[0.5, 0.7, 0.2], vi=vi, measure="OR"), test=test)  # type: ignore[arg-type]
        figure = drapery(fit)
        assert_printable(figure)
        picture = Picture(figure)
        p = [upright(picture)(y) for y in picture.corners("pooled")[:, 1]]
        assert max(p) == pytest.approx(1, abs=1e-3)
