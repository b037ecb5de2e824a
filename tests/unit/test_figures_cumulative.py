"""The cumulative forest plot."""

from __future__ import annotations

import math

import pytest
from test_figures_svg import Picture, bcg, golden, simulated

import comorbid as cb
from comorbid.document.figures.cumulative_plot import cumulative_forest
from comorbid.models.mantel_haenszel import mantel_haenszel
from comorbid.sensitivity.cumulative import cumulative


def assert_no_overlap(picture: Picture) -> None:
    placed = sorted((w.y, w.x, w.right, w.size, w.text) for w in picture.words)
    for i, (y, left, right, size, text) in enumerate(placed):
        assert 0 <= left < right <= picture.width, text
        for other_y, other_left, other_right, other_size, other in placed[i + 1 :]:
            if other_y - y >= 0.85 * max(size, other_size):
                break
            assert right <= other_left or other_right <= left, (text, other)


def test_rows_are_those_of_metafor() -> None:
    # cumul() of metafor 5.0-1, REML with z tests, on dat.bcg its ids the order of addition.
    data = golden("bcg", "RR")
    expected = data["cumul"]["REML_z"]
    order = expected["ids"]
    fit = cb.pool(bcg(13, "RR"), test="z")
    picture = Picture(cumulative_forest(cumulative(fit, by=[i - 1 for i in order])))
    value = picture.scale()
    assert len(picture.drawn("circle")) == 13
    for i, name in enumerate(picture.drawn("circle")):
        x, y = picture.middle(name)
        low, high = picture.interval(y)
        wanted = [expected[column][i] for column in ("estimate", "ci.lb", "ci.ub")]
        assert [value(x), value(low), value(high)] == pytest.approx(wanted, abs=1e-3)
        texts = picture.line_of(y)
        assert texts[0] == data["slab"][order[i] - 1]
        estimate, lower, upper = (f"{math.exp(number):.2f}" for number in wanted)
        assert texts[1] == f"{estimate} ({lower} to {upper})"
        if i:
            assert texts[2:] == [f"{expected['I2'][i]:.1f} %", f"{expected['tau2'][i]:.3f}"]
        else:
            assert texts[2:] == ["–", "–"]


def test_band_and_line_are_those_of_all_studies() -> None:
    fit = cb.pool(bcg())
    picture = Picture(cumulative_forest(cumulative(fit)))
    value = picture.scale()
    xs = picture.corners("band")[:, 0]
    assert [value(xs.min()), value(xs.max())] == pytest.approx(fit.ci, abs=1e-4)
    assert value(picture.corners("pooled")[0, 0]) == pytest.approx(fit.estimate, abs=1e-4)


def test_the_alternative_text_says_from_when_on_the_interval_holds() -> None:
    effects = cb.Effects(
        yi=[0.1, 1.0, 0.9, 0.8], vi=[0.02, 0.02, 0.02, 0.02], labels=list("ABCD"), measure="OR"
    )
    fit = cb.pool(effects, test="z")
    table = cumulative(fit).to_frame()
    assert ((table["ci_low"] <= 0) & (table["ci_high"] >= 0)).tolist() == [True, True, False, False]
    alt = cumulative_forest(cumulative(fit)).alt
    assert "From C, study 3 of 4, on no confidence interval includes 1, no association." in alt
    assert "With the first study alone, A: odds ratio 1.11, 95 % confidence interval" in alt
    last = cumulative_forest(cumulative(fit, by=["D", "C", "B", "A"])).alt
    assert "No confidence interval includes 1, no association." in last


@pytest.mark.parametrize("k", [1, 2, 3, 40])
def test_every_number_of_studies_can_be_printed(k: int) -> None:
    effects = simulated(k) if k > 13 else bcg(k)
    figure = cumulative_forest(cumulative(cb.pool(effects)), title="A title")
    picture = Picture(figure)
    assert len(picture.drawn("circle")) == k
    assert_no_overlap(picture)
    assert ("band" in picture.names) == (k > 1)
    assert ("One study: nothing is pooled" in figure.alt) == (k == 1)
    assert figure == cumulative_forest(cumulative(cb.pool(effects)), title="A title")


def test_an_equal_effects_model_has_no_tau2() -> None:
    picture = Picture(cumulative_forest(cumulative(cb.pool(bcg(), method="EE"))))
    texts = [words.text for words in picture.words]
    assert ("I²" in texts, "τ²" in texts) == (True, False)


def test_the_mantel_haenszel_method_is_named() -> None:
    tables = {"ai": [10, 5, 7], "bi": [90, 95, 40], "ci": [4, 2, 9], "di": [96, 98, 41]}
    figure = cumulative_forest(cumulative(mantel_haenszel(tables)))
    assert "Mantel-Haenszel method; z interval." in figure.alt
    assert "τ²" not in [words.text for words in Picture(figure).words]


def test_refits_of_another_kind_are_refused() -> None:
    with pytest.raises(cb.ModelError, match="these refits are leave-one-out"):
        cumulative_forest(cb.leave_one_out(cb.pool(bcg())))
