"""Forest plots of subgroups and of meta-regressions."""

from __future__ import annotations

import gzip
import json
import math
import re
from typing import Any

import numpy as np
import pytest
from scipy import special
from test_figures_bubble import trials
from test_figures_svg import GOLDEN, Picture, assert_printable, bcg, golden

import comorbid as cb

Z = 1.959963984540054
LONG = (
    "A name of two hundred characters and more that says who took part in the study, in which "
    "town and hospital, the years of recruitment and how the diagnosis was made by whom, and in "
    "the end the year, "
)


def more() -> Any:
    """Return what metafor 5.0-1 made of the log risk ratios of dat.bcg."""
    with gzip.open(GOLDEN / "dat.bcg.json.gz", "rt", encoding="utf-8") as file:
        return json.load(file)


def by_allocation(**settings: Any) -> cb.Subgroups:
    return cb.subgroups(trials(), by="alloc", **{"test": "z", **settings})


def left_column(picture: Picture) -> list[str]:
    """Return the texts at the left below the head, from the top."""
    head = picture.find("Study").y
    bottom = max(label.y for _, _, label in picture.ticks)
    column = [words for words in picture.words if words.x < 3 and head < words.y < bottom]
    return [words.text for words in sorted(column, key=lambda words: words.y)]


def simulated(k: int, groups: int, *, measure: str, label: str = "") -> cb.Effects:
    """Return effects simulated with a fixed seed, in groups in turn."""
    random = np.random.default_rng(20260131)
    vi = np.exp(random.normal(-3.0, 1.2, k))
    yi = random.normal(0.5, 0.4, k) + random.normal(0, np.sqrt(vi))
    return cb.Effects(
        yi=yi,
        vi=vi,
        labels=[f"{label}Study {i}" for i in range(k)],
        measure=measure,
        scale="log" if measure == "OR" else "identity",
        moderators={
            "group": [f"{label}group {i % groups}" for i in range(k)],
            "x": random.normal(size=k).tolist(),
        },
    )


def test_studies_stand_below_the_heading_of_their_subgroup() -> None:
    effects = trials()
    expected = []
    for name in ("random", "alternate", "systematic"):
        inside = zip(effects.labels, effects.moderators["alloc"], strict=True)
        expected += [f"alloc: {name}", *(label for label, group in inside if group == name)]
        expected += ["k = ", "95 % prediction interval"]
    expected += ["All studies (k = 13)", "95 % prediction interval"]
    picture = Picture(cb.figures.forest(by_allocation()))
    assert [re.sub("k = .; .*", "k = ", text) for text in left_column(picture)] == expected
    assert picture.find("alloc: random").bold
    assert not picture.find("Aronson, 1948").bold


def test_squares_are_the_studies_with_their_weight_among_all() -> None:
    # Effects and weights of metafor 5.0-1, REML, over all studies.
    data, effects = golden("bcg", "RR"), trials()
    picture = Picture(cb.figures.forest(by_allocation()))
    value = picture.scale()
    squares = picture.drawn("square")
    assert len(squares) == 13
    areas = {}
    for name in squares:
        x, y = picture.middle(name)
        label, printed, share = picture.line_of(y)
        i = effects.labels.index(label)
        low, high = picture.interval(y)
        half = Z * math.sqrt(data["vi"][i])
        wanted = [data["yi"][i], data["yi"][i] - half, data["yi"][i] + half]
        assert [value(x), value(low), value(high)] == pytest.approx(wanted, abs=1e-3)
        assert printed.startswith(f"{math.exp(data['yi'][i]):.2f} (")
        assert share == f"{data['weights_pct']['REML'][i]:.1f} %"
        areas[i] = float(np.prod(np.ptp(picture.corners(name), axis=0)))
    sizes = np.array([areas[i] for i in range(13)])
    expected = np.array(data["weights_pct"]["REML"]) / 100
    assert sizes / sizes.sum() == pytest.approx(expected, abs=1e-5)


def test_each_subgroup_has_the_diamond_and_the_prediction_of_its_own_fit() -> None:
    # rma(yi, vi, subset = alloc == ...) of metafor 5.0-1, REML and z tests.
    expected = more()["more"]["subgroups_alloc_RR"]
    weights = np.array(golden("bcg", "RR")["weights_pct"]["REML"])
    groups = np.array(trials().moderators["alloc"])
    picture = Picture(cb.figures.forest(by_allocation()))
    value = picture.scale()
    diamonds, bars = picture.drawn("diamond"), picture.drawn("bar")
    assert [len(diamonds), len(bars)] == [4, 4]
    for name, diamond, bar in zip(
        ("random", "alternate", "systematic"), diamonds[:3], bars[:3], strict=True
    ):
        fit, corners = expected[name], picture.corners(diamond)
        drawn = [value(corners[i, 0]) for i in range(3)]
        assert drawn == pytest.approx([fit["ci.lb"], fit["beta"], fit["ci.ub"]], abs=1e-3)
        ends = picture.corners(bar)[:, 0]
        wanted = [fit["predict"]["pi.lb"], fit["predict"]["pi.ub"]]
        assert [value(ends.min()), value(ends.max())] == pytest.approx(wanted, abs=1e-3)
        words, printed, share = picture.line_of(picture.middle(diamond)[1])
        assert words == f"k = {fit['k']}; τ² = {fit['tau2']:.3f}; I² = {fit['I2']:.1f} %"
        assert printed.startswith(f"{math.exp(fit['beta']):.2f} (")
        assert share == f"{weights[groups == name].sum():.1f} %"


def test_all_studies_together_stand_last() -> None:
    fit = golden("bcg", "RR")["fits"]["REML"]["z"]
    picture = Picture(cb.figures.forest(by_allocation()))
    value = picture.scale()
    diamond, bar = picture.corners(picture.drawn("diamond")[-1]), picture.drawn("bar")[-1]
    drawn = [value(diamond[i, 0]) for i in range(3)]
    assert drawn == pytest.approx([fit["ci.lb"], fit["beta"], fit["ci.ub"]], abs=1e-3)
    ends = [value(x) for x in picture.corners(bar)[[0, 1], 0]]
    assert ends == pytest.approx([fit["predict"]["pi.lb"], fit["predict"]["pi.ub"]], abs=1e-3)
    assert value(picture.corners("pooled")[0, 0]) == pytest.approx(fit["beta"], abs=1e-3)
    assert picture.line_of(picture.middle(bar)[1])[0] == "95 % prediction interval"


def test_the_test_between_subgroups_stands_below_and_in_the_words() -> None:
    """Q of the three estimates of metafor 5.0-1 around their weighted mean, on 2 df."""
    fits = more()["more"]["subgroups_alloc_RR"].values()
    y, w = np.array([fit["beta"] for fit in fits]), np.array([fit["se"] ** -2 for fit in fits])
    q = (w * (y - (w * y).sum() / w.sum()) ** 2).sum()
    line = f"Test between subgroups: Q = {q:.2f} on 2 df, p = {special.chdtrc(2, q):.2f}."
    figure = cb.figures.forest(by_allocation())
    assert line in [words.text for words in Picture(figure).words]
    assert line in figure.alt
    for part in (
        "Forest plot of 13 studies in 3 subgroups by alloc, risk ratio on a log axis.",
        "alternate, 2 studies: 0.58 (0.34 to 1.01); 95 % prediction interval 0.24 to 1.44; "
        "τ² = 0.133; I² = 82.0 %.",
        "All together: Pooled risk ratio 0.49",
        "ranges from 0.20 (Vandiviere et al, 1973) to 1.56 (Comstock & Webster, 1969)",
    ):
        assert part in figure.alt


def test_equal_effects_have_neither_tau2_nor_predictions() -> None:
    figure = cb.figures.forest(by_allocation(method="EE"))
    picture = Picture(figure)
    assert picture.drawn("bar") == []
    assert len(picture.drawn("diamond")) == 4
    assert not [text for text in left_column(picture) if "τ²" in text]
    assert "τ²" not in figure.alt
    assert "prediction interval" not in figure.caption


def test_a_subgroup_of_one_study_is_not_pooled() -> None:
    effects = cb.Effects(
        yi=bcg().yi,
        vi=bcg().vi,
        labels=bcg().labels,
        measure="OR",
        moderators={"region": ["north"] * 6 + ["south"] + ["east"] * 6},
    )
    figure = cb.figures.forest(cb.subgroups(effects, by="region"))
    picture = Picture(figure)
    column = left_column(picture)
    place = column.index("region: south (1 study, not pooled)")
    assert column[place + 1 : place + 3] == ["Vandiviere et al, 1973", "region: east"]
    assert len(picture.drawn("diamond")) == 3
    assert "south, 1 study, not pooled: 0.20 (0.0767 to 0.50)." in figure.alt
    assert "A subgroup of one study is not pooled." in figure.caption
    assert_printable(figure)


@pytest.mark.filterwarnings("ignore:left out, no effect")
def test_a_subgroup_without_an_effect_keeps_its_heading() -> None:
    yi = np.array(bcg().yi)
    yi[6] = math.nan
    effects = cb.Effects(
        yi=yi,
        vi=bcg().vi,
        labels=bcg().labels,
        measure="OR",
        moderators={"region": ["north"] * 6 + ["south"] + ["east"] * 6},
    )
    result = cb.subgroups(effects, by="region")
    assert result.to_frame()["k"].tolist() == [6, 0, 6]
    assert result.q_between_df == 1
    figure = cb.figures.forest(result)
    picture = Picture(figure)
    column = left_column(picture)
    place = column.index("region: south (no study with an effect)")
    assert column[place + 1] == "region: east"
    assert "Vandiviere et al, 1973" not in column
    assert len(picture.drawn("square")) == 12
    assert "south, no study with an effect." in figure.alt
    summary = cb.figures.subgroups(result)
    assert Picture(summary).drawn("diamond") == ["diamond-0", "diamond-2"]
    assert "south, no study with an effect." in summary.alt


def test_subgroups_of_two_studies_come_with_a_caution() -> None:
    caution = "With 2 studies neither the pooled interval nor the prediction can be relied on."
    texts = [words.text for words in Picture(cb.figures.forest(by_allocation())).words]
    assert caution in texts
    without = cb.figures.forest(by_allocation(method="EE"))
    assert caution not in [words.text for words in Picture(without).words]


def test_one_study_in_all_is_only_itself() -> None:
    effects = cb.Effects(yi=[0.5], vi=[0.1], measure="OR", moderators={"sex": ["f"]})
    figure = cb.figures.forest(cb.subgroups(effects, by="sex"))
    picture = Picture(figure)
    assert left_column(picture) == ["sex: f (1 study, not pooled)", "Study 1"]
    assert picture.drawn("diamond") == []
    assert "pooled" not in picture.names
    assert "nothing is pooled" in figure.alt
    assert "one study" in figure.caption
    assert_printable(figure)


def test_studies_without_a_value_are_counted_below() -> None:
    effects = cb.Effects(
        yi=[0.5, 0.6, 1.4], vi=[0.1] * 3, measure="OR", moderators={"sex": ["f", "", "m"]}
    )
    texts = [w.text for w in Picture(cb.figures.forest(cb.subgroups(effects, by="sex"))).words]
    assert "1 study has no sex and is left out." in texts
    assert "Study 2" not in texts


@pytest.mark.parametrize("measure", ["OR", "MD"])
@pytest.mark.parametrize(("k", "groups"), [(3, 1), (3, 3), (6, 2), (14, 8), (60, 8)])
def test_long_names_many_rows_and_either_scale_have_room(k: int, groups: int, measure: str) -> None:
    effects = simulated(k, groups, measure=measure, label=LONG)
    assert all(len(label) > 190 for label in effects.labels)
    figure = cb.figures.forest(cb.subgroups(effects, by="group"))
    assert_printable(figure)
    pictures = [Picture(part) for part in figure.parts or (figure,)]
    assert sum(len(picture.drawn("square")) for picture in pictures) == k
    named = [text for picture in pictures for text in left_column(picture) if "…" in text]
    assert len(named) == len(set(named)) == k + groups
    for picture in pictures:
        left = min([path[:, 0].min() for path in picture.paths("intervals")])
        assert all(picture.find(text).right < left for text in left_column(picture) if "…" in text)
    assert all(label in figure.alt for label in effects.labels)
    assert_printable(cb.figures.forest(cb.regress(effects, "~ x", test="z")))


def test_a_study_may_be_called_like_a_heading_or_a_pooled_row() -> None:
    labels = ["sex: f", "95 % prediction interval", "All studies (k = 4)", "D"]
    effects = cb.Effects(
        yi=[0.1, 0.2, 0.4, 0.3],
        vi=[0.1] * 4,
        labels=labels,
        moderators={"sex": ["f", "f", "m", "m"]},
    )
    picture = Picture(cb.figures.forest(cb.subgroups(effects, by="sex")))
    assert len(picture.drawn("square")) == 4
    column = left_column(picture)
    assert [column.count(text) for text in ("sex: f", "sex: f [2]", "sex: m")] == [1, 1, 1]
    assert column.count("95 % prediction interval") == 4


def test_a_regression_draws_what_it_fits_behind_each_study() -> None:
    # rma(yi, vi, mods = ~ ablat) of metafor 5.0-1, REML and z tests: fitted values, and their
    # standard errors from its covariances of the coefficients.
    fit, effects = more()["metareg"]["RR_ablat"]["REML"]["z"], trials()
    fitted = np.array(fit["fitted"])
    x = np.column_stack([np.ones(13), effects.moderators["ablat"]])
    se = np.sqrt(np.einsum("ij,jk,ik->i", x, np.array(fit["vb"]), x))
    weights = 1 / (effects.vi + fit["tau2"])
    picture = Picture(cb.figures.forest(cb.regress(effects, "~ ablat", test="z")))
    value = picture.scale()
    squares, bands = picture.drawn("square"), picture.drawn("fitted")
    assert [len(squares), len(bands)] == [13, 13]
    order = []
    for square, band in zip(squares, bands, strict=True):
        x_middle, y = picture.middle(square)
        label, _, expected, share = picture.line_of(y)
        i = effects.labels.index(label)
        order.append(fitted[i])
        corners = picture.corners(band)
        drawn = [value(corners[j, 0]) for j in range(3)]
        wanted = [fitted[i] - Z * se[i], fitted[i], fitted[i] + Z * se[i]]
        assert drawn == pytest.approx(wanted, abs=1e-3)
        assert picture.middle(band)[1] == pytest.approx(y, abs=0.05)
        assert value(x_middle) == pytest.approx(effects.yi[i], abs=1e-3)
        assert expected == f"{math.exp(fitted[i]):.2f}"
        assert share == f"{100 * weights[i] / weights.sum():.1f} %"
    assert order == sorted(order)


def test_the_words_of_a_regression_are_its_numbers() -> None:
    expected = more()["metareg"]["RR_ablat"]["REML"]["z"]
    figure = cb.figures.forest(cb.regress(trials(), "~ ablat", test="z"))
    low, high = (math.exp(x) for x in (min(expected["fitted"]), max(expected["fitted"])))
    for part in (
        "Forest plot of 13 studies with the meta-regression ~ ablat, risk ratio on a log axis.",
        f"The fitted risk ratio ranges from {low:.2f} (Ferguson & Simes, 1949) to {high:.2f} "
        "(TPT Madras, 1980).",
        f"τ² left {expected['tau2']:.3f}; R² {expected['R2']:.1f} %.",
        f"Test of the moderators: QM = {expected['QM']:.2f} on 1 df, p < 0.001.",
        f"Residual heterogeneity: QE = {expected['QE']:.2f} on 11 df, p = {expected['QEp']:.3f}.",
    ):
        assert part in figure.alt
    assert "the pale diamond behind it is the risk ratio" in figure.caption
    note = "Pale: what ~ ablat fits, with its 95\N{NO-BREAK SPACE}% confidence interval."
    assert note in [words.text for words in Picture(figure).words]


def test_without_moderators_every_band_is_the_pooled_value() -> None:
    fit = cb.pool(bcg())
    figure = cb.figures.forest(cb.regress(bcg(), "~ 1"))
    picture = Picture(figure)
    value = picture.scale()
    for name in picture.drawn("fitted"):
        ends = picture.corners(name)[:3, 0]
        assert [value(x) for x in ends] == pytest.approx(
            [fit.ci[0], fit.estimate, fit.ci[1]], abs=1e-3
        )
    assert f"The fitted odds ratio is {math.exp(fit.estimate):.2f} throughout." in figure.alt
    assert "Test of the moderators" not in figure.alt


def test_a_band_beyond_the_axis_is_cut_and_said_to_be() -> None:
    effects = trials().take([0, 1, 2])
    picture = Picture(cb.figures.forest(cb.regress(effects, "~ year")))
    note = "A pale shape that the axis cuts off reaches beyond it."
    assert note in [words.text for words in picture.words]
    assert note not in [w.text for w in Picture(cb.figures.forest(cb.pool(effects))).words]


def test_other_results_are_refused_with_those_that_can_be_drawn() -> None:
    fit = cb.pool(bcg())
    known = r"of Refits; give .*\(Fit, Subgroups, Regression or Multilevel\)"
    with pytest.raises(cb.ModelError, match=known):
        cb.figures.forest(cb.leave_one_out(fit))  # type: ignore[arg-type]
    with pytest.raises(cb.ModelError, match="of list"):
        cb.figures.forest([0.1, 0.2])  # type: ignore[arg-type]
