from __future__ import annotations

import math

import numpy as np
import pytest
from test_figures_svg import Picture, bcg, golden, primary, simulated

import comorbid as cb
from comorbid.document.figures import fence

NAN = float("nan")
LONG = (
    "A label of two hundred characters and more that names everybody who took part in the study, "
    "the town, the hospital, the years of recruitment and how the diagnosis was made, "
    "and in the end the year, "
)


def rows(picture: Picture) -> list[tuple[list[str], float, float, float]]:
    """Return per study its texts, and estimate and interval as drawn, analysis scale."""
    value = picture.scale()
    found = []
    for name in picture.drawn("square"):
        x, y = picture.middle(name)
        low, high = picture.interval(y)
        found.append((picture.line_of(y), value(x), value(low), value(high)))
    return found


def test_rows_stand_in_order_with_their_numbers_and_intervals() -> None:
    # Odds ratios and intervals of dat.bcg as metafor 5.0-1 has them: yi +- 1.96 sqrt(vi).
    data, fit = golden("bcg", "OR"), cb.pool(bcg())
    drawn = rows(Picture(cb.figures.forest(fit)))
    assert len(drawn) == 13
    half = 1.959963984540054 * np.sqrt(data["vi"])
    weights = data["weights_pct"]["REML"]
    for i, (texts, estimate, low, high) in enumerate(drawn):
        y = data["yi"][i]
        assert texts[0] == data["slab"][i]
        assert texts[2] == f"{weights[i]:.1f} %"
        printed = [math.exp(y), math.exp(y - half[i]), math.exp(y + half[i])]
        words = [f"{x:.2f}" if x >= 0.0995 else f"{x:.3g}" for x in printed]
        assert texts[1] == f"{words[0]} ({words[1]} to {words[2]})"
        assert [estimate, low, high] == pytest.approx([y, y - half[i], y + half[i]], abs=1e-4)


def test_squares_are_proportional_to_weight() -> None:
    fit = cb.pool(bcg(), method="EE")
    picture = Picture(cb.figures.forest(fit))
    sides = [np.ptp(picture.corners(name), axis=0) for name in picture.drawn("square")]
    areas = np.array([wide * tall for wide, tall in sides])
    assert [wide for wide, _ in sides] == pytest.approx([tall for _, tall in sides], abs=1e-4)
    # Weights of the equal-effects model from metafor 5.0-1.
    weights = np.array(golden("bcg", "OR")["weights_pct"]["EE"])
    assert areas / areas.sum() == pytest.approx(weights / 100, abs=1e-5)


def test_diamond_and_bar_span_what_metafor_gives() -> None:
    expected = golden("bcg", "OR")["fits"]["REML"]["knha"]
    picture = Picture(cb.figures.forest(cb.pool(bcg())))
    value = picture.scale()
    diamond = picture.corners("diamond-13")
    found = [value(diamond[0, 0]), value(diamond[1, 0]), value(diamond[2, 0])]
    wanted = [expected["ci.lb"], expected["beta"], expected["ci.ub"]]
    assert found == pytest.approx(wanted, abs=1e-4)
    bar = picture.corners("bar-14")[:, 0]
    wanted = [expected["predict"]["pi.lb"], expected["predict"]["pi.ub"]]
    assert [value(bar.min()), value(bar.max())] == pytest.approx(wanted, abs=1e-4)
    assert picture.line_of(picture.middle("diamond-13")[1]) == [
        "Random-effects model (k = 13)",
        "0.47 (0.32 to 0.71)",
        "100.0 %",
    ]
    assert picture.line_of(picture.middle("bar-14")[1]) == [
        "95 % prediction interval",
        "(0.13 to 1.79)",
    ]


def test_lines_stand_at_no_association_and_at_the_pooled_value() -> None:
    fit = cb.pool(bcg())
    picture = Picture(cb.figures.forest(fit))
    value = picture.scale()
    assert value(picture.corners("null")[0, 0]) == pytest.approx(0, abs=1e-4)
    assert value(picture.corners("pooled")[0, 0]) == pytest.approx(fit.estimate, abs=1e-4)


def test_words_below_and_alternative_text_of_the_review() -> None:
    # Reference pool of the bundled review, from metafor 5.0-1 (REML, Knapp-Hartung): 2.29 (1.88 to
    # 2.80), prediction interval 1.43 to 3.69, tau2 0.028069, I2 83.8, Q 42.5168 on 5 df.
    figure = cb.figures.forest(primary())
    texts = [words.text for words in Picture(figure).words]
    numbers = "k = 6; τ² = 0.028; I² = 83.8 % (from τ²); Q = 42.52 on 5 df, p < 0.001"
    assert numbers in [text.replace("\N{NO-BREAK SPACE}", " ") for text in texts]
    assert "Random-effects model, REML; Knapp-Hartung interval." in texts
    for part in (
        "6 studies",
        "Pooled odds ratio 2.29, 95 % confidence interval 1.88 to 2.80",
        "95 % prediction interval 1.43 to 3.69",
        numbers,
        "from 1.70 (Ashina 2018) to 2.86 (Swain 2014)",
        "Largest weight: Swain 2014",
    ):
        assert part in figure.alt


def test_one_study_is_not_pooled() -> None:
    figure = cb.figures.forest(cb.pool(bcg(1)))
    picture = Picture(figure)
    assert len(picture.drawn("square")) == 1
    assert picture.drawn("diamond") + picture.drawn("bar") == []
    assert "pooled" not in picture.names
    assert "nothing is pooled" in figure.alt
    assert "τ²" not in figure.alt
    assert "one study" in figure.caption


def test_two_studies_are_pooled_with_a_caution() -> None:
    figure = cb.figures.forest(cb.pool(bcg(2)))
    picture = Picture(figure)
    assert [len(picture.drawn(kind)) for kind in ("square", "diamond", "bar")] == [2, 1, 1]
    caution = "With 2 studies neither the pooled interval nor the prediction can be relied on."
    assert picture.find(caution).x > 0
    assert caution in figure.alt


@pytest.mark.parametrize(("k", "parts"), [(48, 1), (49, 2), (60, 2), (200, 5)])
def test_many_studies_all_stand_there(k: int, parts: int) -> None:
    """Fifty rows, with pooled value and prediction, are one drawing, and more are several."""
    effects = simulated(k)
    fit = cb.pool(effects)
    figure = cb.figures.forest(fit)
    pictures = [Picture(part) for part in figure.parts or (figure,)]
    assert len(pictures) == parts
    drawn = [row for picture in pictures for row in rows(picture)]
    assert [texts[0] for texts, *_ in drawn] == list(effects.labels)
    assert [x for _, x, *_ in drawn] == pytest.approx(effects.yi, abs=0.01)
    # All on the axis of the first, and as large that they can be read on a page.
    assert len({tuple((x, text) for x, text, _ in picture.ticks) for picture in pictures}) == 1
    assert all(picture.find("Study").size >= 7.5 for picture in pictures)
    assert max(picture.height for picture in pictures) < 640
    assert [len(picture.drawn("diamond")) for picture in pictures] == [0] * (parts - 1) + [1]
    assert pictures[-1].middle(f"diamond-{k}") is not None
    if parts > 1:
        begun, before = "Continued in a further part", "Continued from the part before"
        notes = [begun, *[f"{before}, and in a further one"] * (parts - 2), before]
        for picture, note in zip(pictures, notes, strict=True):
            assert picture.find(f"{note}, on the same axis.").x > 0
        first = effects.labels[len(rows(pictures[0]))]
        assert figure.parts[1].alt.startswith(f"Continued: {first} to ")


@pytest.mark.parametrize(("last", "rows", "first"), [(36, 40, "square"), (40, 43, "heading")])
def test_no_part_ends_with_a_heading_or_begins_with_a_pooled_row(
    last: int, rows: int, first: str
) -> None:
    """Half of 84 rows falls before a prediction, half of 88 behind the second heading."""
    own = simulated(40 + last)
    groups = ["a"] * 40 + ["b"] * last
    effects = cb.Effects(yi=own.yi, vi=own.vi, moderators={"group": groups})
    above, below = (Picture(p) for p in cb.figures.forest(cb.subgroups(effects, by="group")).parts)
    drawn = [len(above.drawn(kind)) for kind in ("square", "diamond", "bar")]
    assert drawn == ([39, 0, 0] if first == "square" else [40, 1, 1])
    assert sum(drawn) + 1 == rows
    tops = {kind: below.middle(below.drawn(kind)[0])[1] for kind in ("square", "diamond")}
    assert tops["square"] < tops["diamond"]
    heading = [words.y for words in below.words if words.text == "group: b"]
    assert (heading[0] < tops["square"]) == (first == "heading")


def test_equal_effects_have_no_prediction_interval() -> None:
    figure = cb.figures.forest(cb.pool(bcg(), method="EE"))
    picture = Picture(figure)
    assert picture.drawn("bar") == []
    assert picture.line_of(picture.middle("diamond-13")[1])[0] == "Equal-effects model (k = 13)"
    assert "No prediction interval." in figure.alt
    assert "τ²" not in figure.alt


def test_an_extreme_interval_is_cut_and_printed_in_full() -> None:
    effects = cb.Effects(
        yi=[0.5, 0.6, 0.7, 0.4, 0.55, 2.0],
        vi=[0.02, 0.03, 0.05, 0.04, 0.03, 30.0],
        labels=list("ABCDEF"),
        measure="OR",
    )
    picture = Picture(cb.figures.forest(cb.pool(effects)))
    arrows = [name for name in picture.names if name.startswith("arrow-")]
    assert sorted(arrows) == ["arrow-left-5", "arrow-right-5"]
    # exp(2 +- 1.959964 * sqrt(30)) = 0.00016, 339,137
    assert picture.line_of(picture.middle("square-5")[1])[1] == "7.39 (< 0.001 to 339,000)"
    assert picture.find("An arrow marks an interval that reaches beyond the axis.").x > 0
    value = picture.scale()
    ends = picture.paths("intervals")[0][:, 0]
    assert value(ends[0]) > -5
    assert value(ends[1]) < 9
    assert value(picture.corners("arrow-right-5")[0, 0]) == pytest.approx(value(ends[1]), abs=1e-4)


def test_an_interval_far_from_the_others_does_not_hide_them() -> None:
    effects = cb.Effects(yi=[0.5, 2.8], vi=[0.02, 0.03], labels=["A", "B"], measure="OR")
    picture = Picture(cb.figures.forest(cb.pool(effects)))
    assert {"arrow-left-2", "arrow-right-2", "arrow-left-3", "arrow-right-3"} <= set(picture.names)
    low, high = picture.paths("intervals")[1][:, 0]
    assert high - low > 8  # points


def test_an_identity_scale_has_a_linear_axis_and_enough_decimals() -> None:
    data = golden("bcg", "RD")
    figure = cb.figures.forest(cb.pool(bcg(measure="RD")))
    picture = Picture(figure)
    value = picture.scale(log=False)
    found = [value(picture.middle(name)[0]) for name in picture.drawn("square")]
    assert found == pytest.approx(data["yi"], abs=1e-5)
    expected = data["fits"]["REML"]["knha"]
    diamond = picture.corners("diamond-13")
    assert [value(diamond[0, 0]), value(diamond[2, 0])] == pytest.approx(
        [expected["ci.lb"], expected["ci.ub"]], abs=1e-5
    )
    # -0.04662 (-0.10137 to 0.00814), from yi and vi of metafor 5.0-1.
    assert picture.line_of(picture.middle("square-0")[1])[1] == "−0.0466 (−0.1014 to 0.0081)"
    assert "linear axis" in figure.alt


def test_long_labels_are_shortened_apart_and_given_in_full() -> None:
    labels = [f"{LONG}1999", f"{LONG}2000", "W" * 200, "W" * 201, "Short"]
    assert len(labels[0]) > 200
    effects = cb.Effects(yi=[0.1, 0.2, 0.3, 0.4, 0.5], vi=[0.1] * 5, labels=labels, measure="OR")
    figure = cb.figures.forest(cb.pool(effects))
    picture = Picture(figure)
    starts = [picture.paths("intervals")[0][:, 0].min(), picture.corners("null")[0, 0]]
    drawn = [texts[0] for texts, *_ in rows(picture)]
    assert len(set(drawn)) == 5
    assert drawn[0].endswith("1999")
    assert drawn[1].endswith("2000")
    assert drawn[4] == "Short"
    for text in drawn:
        assert picture.find(text).right < min(starts)
    assert all(label in figure.alt for label in labels[:4])


def test_labels_that_look_like_code_are_only_text() -> None:
    labels = [r"$\frac{$", "<b>&amp; -- \x00\x1b", "two\nlines", "%s {0}", "3.5", "4"]
    effects = cb.Effects(yi=[0.1] * 6, vi=[0.1] * 6, labels=labels)
    picture = Picture(cb.figures.forest(cb.pool(effects), title=r"$\alpha & <x>"))
    assert picture.find(r"$\frac{$").x > 0
    assert picture.find("two lines").x > 0
    assert picture.find("3.5").x > 0
    assert picture.find(r"$\alpha & <x>").bold


def test_a_study_may_be_called_as_the_pooled_row() -> None:
    labels = ["Random-effects model (k = 2)", "95 % prediction interval"]
    effects = cb.Effects(yi=[0.1, 0.2], vi=[0.1, 0.1], labels=labels)
    picture = Picture(cb.figures.forest(cb.pool(effects)))
    assert len(picture.drawn("square")) == 2
    assert len({words.text for words in picture.words if words.x < 3}) >= 5


def test_studies_that_agree_exactly_still_show_their_diamond() -> None:
    effects = cb.Effects(yi=[0.5] * 4, vi=[0.02] * 4, measure="OR")
    picture = Picture(cb.figures.forest(cb.pool(effects)))
    (path,) = picture.names["diamond-4"].iter("{http://www.w3.org/2000/svg}path")
    assert "stroke-width: 1.6" in path.attrib["style"]


def test_values_beyond_floating_point_are_drawn() -> None:
    effects = cb.Effects(yi=[800.0, 0.0, 1.0], vi=[0.5, 1.0, 2.0], measure="OR")
    figure = cb.figures.forest(cb.pool(effects, test="z"))
    # exp(800) = 2.7264e347
    assert "2.73×10³⁴⁷" in figure.alt
    assert len(Picture(figure).drawn("square")) == 3


def test_the_level_of_the_fit_is_printed() -> None:
    figure = cb.figures.forest(cb.pool(bcg(), level=0.9))
    texts = [words.text for words in Picture(figure).words]
    assert "Odds ratio (90 % CI)" in texts
    assert "90 % prediction interval" in texts
    assert "90 % confidence interval" in figure.alt


def test_forestplot_that_draws_other_rows_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    real = fence._forestplot()

    def without_the_first(rows: object, **settings: object) -> object:
        return real(rows[1:], **settings)  # type: ignore[index]

    monkeypatch.setattr(fence, "_forestplot", lambda: without_the_first)
    with pytest.raises(RuntimeError, match="forestplot drew 12 rows for 13"):
        cb.figures.forest(cb.pool(bcg()))
