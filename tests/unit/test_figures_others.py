"""Leave-one-out, subgroup and funnel plots."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest
from test_figures_svg import Picture, bcg, golden, primary, simulated

import comorbid as cb

NAN = float("nan")


def grouped(groups: list[str]) -> cb.Effects:
    effects = bcg(len(groups))
    return cb.Effects(
        yi=effects.yi,
        vi=effects.vi,
        labels=effects.labels,
        measure="OR",
        moderators={"allocation": groups},
    )


# Allocation of the BCG trials, as in dat.bcg: random, alternate or systematic.
ALLOCATION = [
    *(["random"] * 4),
    *(["alternate"] * 2),
    *(["random"] * 3),
    *(["systematic"] * 2),
    "random",
    "systematic",
]


def test_leave_one_out_rows_are_those_of_metafor() -> None:
    # leave1out() of metafor 5.0-1, REML with Knapp and Hartung's test, on dat.bcg.
    expected, fit = golden("bcg", "OR")["leave1out"]["REML_knha"], cb.pool(bcg())
    picture = Picture(cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit))
    value = picture.scale()
    assert len(picture.drawn("circle")) == 13
    for i, name in enumerate(picture.drawn("circle")):
        x, y = picture.middle(name)
        low, high = picture.interval(y)
        drawn = [value(x), value(low), value(high)]
        wanted = [expected[column][i] for column in ("estimate", "ci.lb", "ci.ub")]
        assert drawn == pytest.approx(wanted, abs=1e-3)
        texts = picture.line_of(y)
        assert texts[0] == fit.effects.labels[i]
        estimate, lower, upper = (f"{math.exp(number):.2f}" for number in wanted)
        assert texts[1] == f"{estimate} ({lower} to {upper})"
        assert texts[2:] == [f"{expected['I2'][i]:.1f} %", f"{expected['tau2'][i]:.3f}"]


def test_leave_one_out_shows_all_studies_as_band_line_and_diamond() -> None:
    fit = primary()
    figure = cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit)
    picture = Picture(figure)
    value = picture.scale()
    for name in ("band", "diamond-6"):
        xs = picture.corners(name)[:, 0]
        assert [value(xs.min()), value(xs.max())] == pytest.approx(fit.ci, abs=1e-4)
    assert value(picture.corners("pooled")[0, 0]) == pytest.approx(fit.estimate, abs=1e-4)
    # Without Swain 2014: 2.12 (metafor 5.0-1), and no heterogeneity is left.
    assert "ranges from 2.12 (without Swain 2014)" in figure.alt
    assert "I² ranges from 0.0 % (without Swain 2014)" in figure.alt
    assert "Pooled odds ratio 2.29, 95 % confidence interval 1.88 to 2.80" in figure.alt
    assert "No confidence interval includes 1, no association." in figure.alt


def test_leave_one_out_names_the_studies_on_which_the_interval_rests() -> None:
    effects = cb.Effects(
        yi=[0.9, 0.8, 0.1, 0.2], vi=[0.02, 0.03, 0.02, 0.02], labels=list("ABCD"), measure="OR"
    )
    fit = cb.pool(effects, test="z")
    refits = cb.leave_one_out(fit)
    table = refits.to_frame()
    crossing = (table["ci_low"] <= 0) & (table["ci_high"] >= 0)
    assert list(table.index[crossing]) == ["A", "B"]
    figure = cb.figures.leave_one_out(refits, fit=fit)
    assert "The confidence interval includes 1, no association, without: A; B." in figure.alt


@pytest.mark.parametrize("k", [1, 2, 3])
def test_leave_one_out_of_few_studies(k: int) -> None:
    fit = cb.pool(bcg(k))
    figure = cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit)
    picture = Picture(figure)
    texts = [words.text for words in picture.words]
    assert all(label in texts for label in fit.effects.labels)
    if k == 1:
        assert picture.drawn("circle") == ["circle-1"]
        assert ("band" in picture.names, "pooled" in picture.names) == (False, False)
        assert "Without the one study none is left." in figure.alt
        assert "–" in picture.line_of(picture.find("Aronson, 1948").y - 3)
    elif k == 2:
        assert "the other is left, which is not pooled." in figure.alt
    else:
        assert len(picture.drawn("circle")) == 3


def test_leave_one_out_without_between_study_variance_has_no_such_column() -> None:
    fit = cb.pool(bcg(), method="EE")
    picture = Picture(cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit))
    texts = [words.text for words in picture.words]
    assert "I²" in texts
    assert "τ²" not in texts


def test_leave_one_out_of_another_fit_is_refused() -> None:
    fit = cb.pool(bcg())
    refits = cb.leave_one_out(fit)
    with pytest.raises(cb.ModelError, match="made from another fit"):
        cb.figures.leave_one_out(refits, fit=cb.pool(bcg(), test="z"))
    with pytest.raises(cb.ModelError, match="made from another fit"):
        cb.figures.leave_one_out(refits, fit=cb.pool(bcg(12)))
    with pytest.raises(cb.ModelError, match="these refits are subgroups"):
        cb.figures.leave_one_out(dataclasses.replace(refits, kind="subgroups"), fit=fit)


def test_subgroups_are_diamonds_as_wide_as_their_intervals() -> None:
    result = cb.subgroups(grouped(ALLOCATION), by="allocation", test="z")
    figure = cb.figures.subgroups(result)
    picture = Picture(figure)
    value = picture.scale()
    table = result.to_frame()
    assert picture.drawn("square") == []
    for i, name in enumerate(picture.drawn("diamond")):
        corners, row = picture.corners(name), table.iloc[i]
        drawn = [value(corners[0, 0]), value(corners[1, 0]), value(corners[2, 0])]
        assert drawn == pytest.approx([row["ci_low"], row["estimate"], row["ci_high"]], abs=1e-4)
        texts = picture.line_of(picture.middle(name)[1])
        assert texts[0] == table.index[i]
        assert texts[2:] == [str(int(row["k"])), f"{row['i2']:.1f} %"]
    assert [len(picture.drawn("diamond")), list(table["k"])] == [3, [8, 2, 3]]
    test = f"Q = {result.q_between:.2f} on 2 df, p = {result.q_between_p:.2f}"
    assert f"Test between subgroups: {test}." in figure.alt
    assert any(test in words.text for words in picture.words)


def test_the_intervals_of_diamonds_are_not_drawn_twice() -> None:
    picture = Picture(cb.figures.subgroups(cb.subgroups(grouped(ALLOCATION), by="allocation")))
    assert len(picture.drawn("diamond")) == 3
    assert "intervals" not in picture.names or picture.paths("intervals") == []


def test_a_subgroup_of_one_study_is_a_square_and_says_so() -> None:
    result = cb.subgroups(grouped(["a"] * 12 + ["b"]), by="allocation")
    figure = cb.figures.subgroups(result)
    picture = Picture(figure)
    assert (picture.drawn("diamond"), picture.drawn("square")) == (["diamond-0"], ["square-1"])
    texts = picture.line_of(picture.middle("square-1")[1])
    # Comstock et al, 1976: odds ratio 0.98 (0.58 to 1.66).
    assert texts == ["b (1 study, not pooled)", "0.98 (0.58 to 1.66)", "1", "–"]
    assert "b, 1 study, not pooled: 0.98 (0.58 to 1.66)." in figure.alt
    assert "not pooled" in figure.caption


def test_one_subgroup_has_no_test() -> None:
    figure = cb.figures.subgroups(cb.subgroups(grouped(["a"] * 13), by="allocation"))
    assert "Test between subgroups: not possible" in figure.alt


def test_the_funnel_has_its_limits_and_its_studies_in_place() -> None:
    fit = cb.pool(bcg())
    picture = Picture(cb.figures.funnel(fit))
    value = picture.scale()
    left, apex, right = picture.corners("limits")
    assert value(apex[0]) == pytest.approx(fit.estimate, abs=1e-4)
    depth = (value(right[0]) - value(left[0])) / (2 * 1.959963984540054)
    per_point = depth / (left[1] - apex[1])
    assert depth == pytest.approx(1.06 * math.sqrt(fit.effects.vi.max()), abs=1e-4)
    for i in range(13):
        x, y = picture.middle(f"study-{i}")
        assert value(x) == pytest.approx(fit.effects.yi[i], abs=1e-3)
        assert (y - apex[1]) * per_point == pytest.approx(math.sqrt(fit.effects.vi[i]), abs=1e-3)
    labels = [w.text for w in picture.words if w.x < 46 and w.text.replace(".", "").isdigit()]
    assert sorted(labels) == ["0.0", "0.2", "0.4", "0.6"]
    assert picture.find("0.0").y < picture.find("0.6").y


@pytest.mark.parametrize("k", [1, 6, 9, 10, 60])
def test_asymmetry_is_not_judged_on_fewer_than_ten_studies(k: int) -> None:
    figure = cb.figures.funnel(cb.pool(simulated(k)))
    note = "fewer than ten, asymmetry cannot be judged."
    texts = [words.text for words in Picture(figure).words]
    places = [note in figure.alt, note in figure.caption, any(note in text for text in texts)]
    assert places == [k < 10] * 3


def test_the_funnel_counts_the_studies_outside() -> None:
    fit = primary()
    outside = np.abs(fit.effects.yi - fit.estimate) > 1.959964 * np.sqrt(fit.effects.vi)
    assert [fit.effects.labels[i] for i in np.flatnonzero(outside)] == ["Swain 2014"]
    alt = cb.figures.funnel(fit).alt
    assert "1 study lies outside the 95 % limits: Swain 2014." in alt
    assert "Pooled odds ratio 2.29" in alt
