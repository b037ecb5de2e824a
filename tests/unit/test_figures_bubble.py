"""The bubble plot of a meta-regression."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable

import numpy as np
import pytest
from test_figures_svg import GOLDEN, Picture, assert_printable, golden, simulated

import comorbid as cb
from comorbid.document.figures.bubble_plot import bubble
from comorbid.models.regression import Regression, regress

# predict(r, newmods = c(13, 55)) of metafor 3.8-1, with r <- rma(yi, vi, mods = ~ ablat), REML and
# z tests, on the log risk ratios of dat.bcg.
LINE = {
    "pred": [-0.126854215144, -1.34912666563],
    "ci.lb": [-0.458738364726, -1.74327175936],
    "ci.ub": [0.205029934438, -0.954981571906],
    "pi.lb": [-0.762019271111, -2.01893105087],
    "pi.ub": [0.508310840823, -0.679322280393],
}


def trials() -> cb.Effects:
    """Return the BCG trials with their distance from the equator and their allocation."""
    data = golden("bcg", "RR")
    with open(GOLDEN / "dat.bcg.csv", encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return cb.Effects(
        yi=data["yi"],
        vi=data["vi"],
        labels=data["slab"],
        measure="RR",
        moderators={
            "ablat": [int(row["ablat"]) for row in rows],
            "year": [int(row["year"]) for row in rows],
            "alloc": [row["alloc"] for row in rows],
        },
    )


def on_latitude(test: str = "z", method: str = "REML") -> Regression:
    return regress(trials(), "~ ablat", test=test, method=method)  # type: ignore[arg-type]


def upright(picture: Picture) -> Callable[[float], float]:
    """Return the function from a height on the page to a log ratio."""
    found = []
    for name, group in picture.names.items():
        if name.startswith("ytick_"):
            use = next(e for e in group.iter() if e.tag.endswith("use"))
            (label,) = picture._words_in(group)
            found.append((float(use.attrib["y"]), math.log(float(label.text))))
    (a, low), (b, high) = found[0], found[-1]
    return lambda y: low + (y - a) / (b - a) * (high - low)


def test_studies_are_where_they_belong_and_as_large_as_their_weights() -> None:
    effects, regression = trials(), on_latitude()
    picture = Picture(bubble(regression))
    value, height = picture.scale(log=False), upright(picture)
    middles = [picture.middle(name) for name in picture.drawn("study")]
    latitudes = effects.to_frame()["ablat"].tolist()
    assert [value(x) for x, _ in middles] == pytest.approx(latitudes, abs=1e-3)
    assert [height(y) for _, y in middles] == pytest.approx(effects.yi.tolist(), abs=1e-3)
    sizes = np.array([np.ptp(picture.corners(name)[:, 0]) for name in picture.drawn("study")])
    # tau2 of the same regression in metafor 3.8-1.
    weights = 1 / (effects.vi + 0.0763)
    assert (sizes / sizes.max()) ** 2 == pytest.approx(weights / weights.max(), abs=1e-3)


def test_line_and_bands_are_those_of_metafor() -> None:
    picture = Picture(bubble(on_latitude()))
    value, height = picture.scale(log=False), upright(picture)
    line = picture.corners("line")
    assert [value(x) for x in (line[0, 0], line[-1, 0])] == pytest.approx([13, 55], abs=1e-3)
    assert [height(y) for y in (line[0, 1], line[-1, 1])] == pytest.approx(LINE["pred"], abs=1e-3)
    for name, low, high in (("confidence", "ci.lb", "ci.ub"), ("prediction", "pi.lb", "pi.ub")):
        corners = picture.corners(name)
        for column, latitude in enumerate((13, 55)):
            ys = sorted(
                {round(height(y), 6) for x, y in corners if abs(value(x) - latitude) < 1e-3}
            )
            wanted = [LINE[low][column], LINE[high][column]]
            assert [ys[0], ys[-1]] == pytest.approx(wanted, abs=1e-3)


def test_a_bent_line_is_that_of_the_formula() -> None:
    regression = regress(trials(), "~ ablat + I(ablat**2)", test="z")
    figure = bubble(regression)
    picture = Picture(figure)
    value, height = picture.scale(log=False), upright(picture)
    a, b, c = regression.estimate
    for x, y in picture.corners("line"):
        latitude = value(x)
        assert height(y) == pytest.approx(a + b * latitude + c * latitude**2, abs=2e-3)
    assert "Per unit" not in figure.alt


def test_the_words_have_the_numbers() -> None:
    figure = bubble(on_latitude())
    # The same regression in metafor 3.8-1: slope -0.0291 (-0.0432 to -0.0150), so that its
    # exponential is 0.971 (0.958 to 0.985); tau2 0.0763, R2 75.63 %.
    assert "against ablat, from 13 to 55." in figure.alt
    assert "is multiplied by 0.97 (95 % confidence interval 0.96 to 0.99; p < 0.001)" in figure.alt
    assert "τ² left 0.076; R² 75.6 %." in figure.alt
    assert "Largest bubble: TPT Madras, 1980." in figure.alt


def test_an_equal_effects_model_has_no_prediction_band() -> None:
    figure = bubble(on_latitude(method="EE"))
    picture = Picture(figure)
    assert "prediction" not in picture.names
    assert "confidence" in picture.names
    assert "Equal-effects meta-regression" in figure.alt
    assert "new studies" not in figure.caption


def test_effects_that_are_no_ratios_change_by_an_amount() -> None:
    effects = trials()
    plain = cb.Effects(
        yi=effects.yi,
        vi=effects.vi,
        measure="MD",
        scale="identity",
        moderators={"ablat": effects.to_frame()["ablat"].tolist()},
    )
    figure = bubble(regress(plain, "~ ablat", test="z"))
    assert_printable(figure)
    assert "changes by −0.029 (95 % confidence interval −0.043 to −0.015" in figure.alt


@pytest.mark.parametrize("k", [3, 13, 40])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    effects = simulated(k)
    ages = np.random.default_rng(20260131).normal(45, 10, k).round(1)
    with_ages = cb.Effects(
        yi=effects.yi, vi=effects.vi, measure="OR", moderators={"mean age": ages.tolist()}
    )
    regression = regress(with_ages, "~ `mean age`")
    figure = bubble(regression, title="A title")
    assert_printable(figure)
    picture = Picture(figure)
    assert len(picture.drawn("study")) == k
    assert "mean age" in [words.text for words in picture.words]
    assert figure == bubble(regression, title="A title")


@pytest.mark.parametrize("values", [[1e-9, 2e-9, 4e-9, 9e-9], [-3e6, 0, 1e6, 5e6]])
def test_moderators_of_any_size(values: list[float]) -> None:
    effects = cb.Effects(
        yi=[0.1, 0.4, 0.2, 0.9], vi=[0.1] * 4, measure="OR", moderators={"dose": values}
    )
    assert_printable(bubble(regress(effects, "~ dose", test="z")))


def test_what_has_not_one_numeric_moderator_is_refused() -> None:
    with pytest.raises(cb.ModelError, match="'~ 1': it has none"):
        bubble(regress(trials(), "~ 1"))
    with pytest.raises(cb.ModelError, match="it has 2: ablat, year"):
        bubble(regress(trials(), "~ ablat + year"))
    with pytest.raises(cb.ModelError, match="alloc is a factor"):
        bubble(regress(trials(), "~ alloc"))
    with pytest.raises(cb.ModelError, match="ablat is a factor"):
        bubble(regress(trials(), "~ C(ablat > 30)"))
