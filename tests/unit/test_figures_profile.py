"""The profile of the between-study variance."""

from __future__ import annotations

import json
from typing import Any

import numpy as np
import pytest
from test_figures_radial import assert_printable, upright
from test_figures_svg import GOLDEN, Picture, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.profile_plot import profile

# profile(rma(yi, vi, method=...), xlim=c(0.2, 0.8), steps=4) of metafor 3.8-1 on the odds ratios
# of dat.bcg: log-likelihoods at these tau2.
AT = [0.2, 0.4, 0.6, 0.8]
HEIGHTS = {
    "REML": [-13.0923324577773, -12.6253828735834, -13.1214601897353, -13.7594383506070],
    "ML": [-13.4060957368770, -13.2139089736538, -13.8803030347482, -14.6431605891075],
}


def curve(picture: Picture) -> tuple[list[float], list[float]]:
    """Return tau2 and log-likelihood of the curve, read with a ruler."""
    across, height = picture.scale(log=False), upright(picture)
    points = picture.corners("profile")
    return [across(x) for x in points[:, 0]], [height(y) for y in points[:, 1]]


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_the_curve_is_that_of_metafor(method: str) -> None:
    picture = Picture(profile(cb.pool(bcg(), method=method)))
    x, height = curve(picture)
    assert np.interp(AT, x, height) == pytest.approx(HEIGHTS[method], abs=3e-3)
    texts = [words.text for words in picture.words]
    name = "Restricted log-likelihood" if method == "REML" else "Log-likelihood"
    assert name in texts


@pytest.mark.parametrize("method", ["REML", "ML"])
def test_peak_and_interval_are_those_of_metafor(method: str) -> None:
    # confint(type="PL") of metafor 5.0-1 on dat.bcg.
    expected = golden("bcg", "OR")["confint"][f"PL_{method}"]
    figure = profile(cb.pool(bcg(), method=method))
    picture = Picture(figure)
    across, height = picture.scale(log=False), upright(picture)
    x, y = picture.middle("highest")
    assert across(x) == pytest.approx(expected["estimate"][0], abs=1e-4)
    _, heights = curve(picture)
    assert height(y) == pytest.approx(max(heights), abs=1e-3)
    region = picture.corners("interval")[:, 0]
    drawn = [across(region.min()), across(region.max())]
    assert drawn == pytest.approx([expected["ci.lb"][0], expected["ci.ub"][0]], abs=1e-4)
    # Half the 95 % quantile of chi-squared with one degree of freedom.
    cut = picture.corners("cut")
    assert height(y) - height(cut[0, 1]) == pytest.approx(3.841458820694124 / 2, abs=1e-4)
    assert "profile-likelihood interval, cut 1.92 lower" in figure.alt


def test_the_alternative_text_has_the_numbers() -> None:
    alt = profile(cb.pool(bcg())).alt
    # metafor 5.0-1: tau2 0.3378 (0.1259 to 1.0326); log-likelihood -12.576, at tau2 = 0 -76.991.
    assert "13 studies: the restricted log-likelihood is highest, −12.58, at τ² = 0.338." in alt
    assert "0.126 to 1.033" in alt
    assert "At τ² = 0 it is −76.99." in alt


def test_the_tau2_of_another_method_is_marked() -> None:
    fit = cb.pool(bcg(), method="DL")
    figure = profile(fit)
    picture = Picture(figure)
    marked = picture.corners("fit")[0, 0]
    assert picture.scale(log=False)(marked) == pytest.approx(fit.tau2, abs=1e-4)
    assert f"The fit itself (random-effects model, DL) has τ² = {fit.tau2:.3f}." in figure.alt
    assert "fit" not in Picture(profile(cb.pool(bcg()))).names


def two_peaks() -> list[dict[str, Any]]:
    """Return simulated data sets whose restricted likelihood has two maxima."""
    text = (GOLDEN / "reml-global-maximum.json").read_text(encoding="utf-8")
    return [case for case in json.loads(text) if case["maxima"] == 2]


def test_a_curve_with_two_peaks_says_so() -> None:
    cases = two_peaks()
    assert len(cases) >= 20
    for case in cases[:3]:
        figure = profile(cb.pool(cb.Effects(yi=case["yi"], vi=case["vi"])))
        assert "It has 2 peaks, at τ² = " in figure.alt
        picture = Picture(figure)
        _, heights = curve(picture)
        turns = np.diff(np.sign(np.diff(heights)))
        peaks = int((turns < 0).sum()) + int(heights[0] > heights[1])
        assert peaks == 2
        x, _ = picture.middle("highest")
        assert picture.scale(log=False)(x) == pytest.approx(case["tau2"], abs=1e-3)


@pytest.mark.parametrize("k", [2, 3, 40])
@pytest.mark.parametrize("method", ["REML", "ML", "EE", "SJ"])
def test_every_number_of_studies_can_be_printed(k: int, method: str) -> None:
    fit = cb.pool(simulated(k) if k > 13 else bcg(k), method=method, test="z")
    figure = profile(fit, title="A title")
    assert_printable(figure)
    assert figure == profile(fit, title="A title")


@pytest.mark.parametrize("vi", [[1e-12, 1e-6, 1.0], [1e-9] * 3, [1e4, 2e4, 3e4]])
def test_variances_over_many_orders_of_magnitude(vi: list[float]) -> None:
    for yi in ([0.5, 0.7, 0.2], [0.5] * 3):
        assert_printable(profile(cb.pool(cb.Effects(yi=yi, vi=vi), test="z")))


def test_one_study_has_no_profile() -> None:
    with pytest.raises(cb.ModelError, match="one study: there is no tau2"):
        profile(cb.pool(bcg(1)))


def test_a_fixed_tau2_is_marked_on_the_restricted_likelihood() -> None:
    figure = profile(cb.pool(bcg(), tau2=0.1))
    assert "The fit itself (fixed, not estimated) has τ² = 0.100." in figure.alt
    assert "the restricted log-likelihood is highest, −12.58, at τ² = 0.338" in figure.alt
