"""Sentences as functions of numbers: one, two and more studies, null and opposite results."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

import comorbid as cb
from comorbid.against_rest import AgainstRest
from comorbid.document import prose, sentences
from comorbid.studies.read import studies_from_bytes


def fit(yi: list[float], vi: list[float], **settings: object) -> cb.Fit:
    return cb.pool(cb.Effects(yi=yi, vi=vi, measure="OR"), **settings)  # type: ignore[arg-type]


WIDE = fit([0.5, -0.9, 0.2], [0.03, 0.08, 0.02])
CLEAR = fit([0.50, 0.60, 0.55, 0.7], [0.003, 0.008, 0.002, 0.004])
OPPOSITE = fit([-0.50, -0.60, -0.55, -0.7], [0.003, 0.008, 0.002, 0.004])
ONE = fit([0.5], [0.03])


def test_interval_that_includes_one_is_said_to() -> None:
    assert "which includes 1, no association" in sentences.average(WIDE)
    assert "a range that includes 1, no association" in sentences.expected(WIDE)


@pytest.mark.parametrize("result", [CLEAR, OPPOSITE])
def test_interval_that_excludes_one_is_given_without_comment(result: cb.Fit) -> None:
    for sentence in (sentences.average(result), sentences.expected(result)):
        assert "includes" not in sentence


def test_opposite_direction_is_given_as_it_is() -> None:
    assert sentences.average(OPPOSITE).startswith(
        "The average over the 4 studies pooled is an odds ratio of 0.56 "
    )


def test_one_study_is_not_called_an_average() -> None:
    assert sentences.average(ONE).startswith("The one study has an odds ratio of 1.65 ")
    assert "cannot be said from 1 study" in sentences.expected(ONE)
    assert sentences.heterogeneity(ONE).startswith("With one study nothing can be said")
    assert "nothing to pool" in sentences.leave_one_out(ONE, cb.leave_one_out(ONE))


def test_equal_effects_speaks_of_a_common_value() -> None:
    equal = fit([0.5, 0.6], [0.03, 0.08], method="EE", test="z")
    assert "The common value of the 2 studies pooled" in sentences.average(equal)
    assert sentences.heterogeneity(equal).startswith("I² is 0 % (Q = 0.09 on 1 degree of freedom")


def test_identity_scale_has_its_own_null() -> None:
    difference = cb.pool(cb.Effects(yi=[0.5, -0.9, 0.2], vi=[0.03, 0.08, 0.02]))
    assert "includes 0, no effect" in sentences.average(difference)


def test_leave_one_out_names_the_ends_and_what_crosses() -> None:
    sentence = sentences.leave_one_out(CLEAR, cb.leave_one_out(CLEAR))
    assert "without Study 4" in sentence
    assert "Every confidence interval excludes 1." in sentence
    crossing = sentences.leave_one_out(WIDE, cb.leave_one_out(WIDE))
    assert "Every confidence interval includes 1." in crossing
    one = fit([0.9, 0.8, 0.1, 0.2], [0.02, 0.03, 0.02, 0.02], test="z")
    some = sentences.leave_one_out(one, cb.leave_one_out(one))
    assert "The confidence interval includes 1 without Study 1 and Study 2." in some


def test_leave_one_out_names_the_predictions_that_reach_no_association() -> None:
    said = sentences.leave_one_out(CLEAR, cb.leave_one_out(CLEAR))
    refits = cb.leave_one_out(CLEAR).to_frame()
    inside = (refits["pi_low"] <= 0) & (refits["pi_high"] >= 0)
    assert not inside.any()
    assert said.endswith("Every prediction interval excludes 1.")
    wide = sentences.leave_one_out(WIDE, cb.leave_one_out(WIDE))
    assert wide.endswith("Every prediction interval includes 1.")
    one = fit([0.5, 0.5, 0.5, 1.5], [0.02] * 4, test="z")
    refits = cb.leave_one_out(one).to_frame()
    inside = (refits["pi_low"] <= 0) & (refits["pi_high"] >= 0)
    some = sentences.leave_one_out(one, cb.leave_one_out(one))
    assert list(refits.index[inside]) == ["Study 1", "Study 2", "Study 3"]
    assert some.endswith("The prediction interval includes 1 without Study 1, Study 2 and Study 3.")
    equal = fit([0.5, 0.6, 0.9], [0.03, 0.08, 0.05], method="EE", test="z")
    assert "prediction" not in sentences.leave_one_out(equal, cb.leave_one_out(equal))


def test_subgroup_of_two_is_never_a_conclusion() -> None:
    studies = cb.datasets.headache_back_pain()
    result = cb.against_rest(studies, where={"headache": ("migraine",)}, label="migraine")
    sentence = sentences.difference(result)
    assert sentence.startswith("With 2 studies on one side these data cannot tell whether")
    assert "p = " in sentence


def test_the_sides_are_headed_by_their_names() -> None:
    apart = [(1.0, "f"), (1.1, "f"), (4.0, "m"), (4.2, "m")]
    rows = [f"s{i},OR,{y},{y / 1.2},{y * 1.2},{sex}" for i, (y, sex) in enumerate(apart)]
    table = "\n".join(["study_id,measure,estimate,ci_low,ci_high,sex", *rows])
    studies = studies_from_bytes(table.encode(), source="s.csv")
    result = cb.against_rest(studies, where={"sex": ("f",)}, label="women", test="z")
    assert result.contrast is not None
    drawing = cb.figures.forest(result.contrast).svg
    assert "other studies" in drawing
    assert "group:" not in drawing


def test_subgroup_without_a_comparison() -> None:
    studies = cb.datasets.headache_back_pain()
    everything = cb.against_rest(studies, where={"measure": ("OR",)}, label="odds ratios")
    assert "nothing to compare it with" in sentences.difference(everything)


def test_large_subgroups_get_the_test_without_a_verdict() -> None:
    rng = np.random.default_rng(1)  # simulated, for the wording only
    effects = cb.Effects(
        yi=rng.normal(0.5, 0.1, 12),
        vi=np.full(12, 0.01),
        measure="OR",
        moderators={"group": ["x"] * 6 + ["other"] * 6},
    )
    contrast = cb.subgroups(effects, by="group")
    sides = [cb.pool(effects.take(rows)) for rows in (range(6), range(6, 12))]
    result = AgainstRest("x", {"group": ("x",)}, sides[0], sides[1], contrast, ())
    sentence = sentences.difference(result)
    assert sentence.startswith("Whether the association differs in x: test between the two: Q = ")
    assert "significant" not in sentence


@pytest.mark.parametrize(
    ("number", "text"),
    [(0.0, "0.00"), (-0.456, "\N{MINUS SIGN}0.46"), (0.004, "0.00"), (1234.5, "1234.50")],
)
def test_values_on_the_identity_scale(number: float, text: str) -> None:
    assert prose.value(number, "identity") == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (1.0, "1.00"),
        (0.0995, "0.10"),
        (0.09949, "0.0995"),
        (0.0004, "< 0.001"),
        (0.0, "< 0.001"),
        (99.99, "99.99"),
        (99.996, "100"),
        (20778.15, "20,800"),
        (float("inf"), "∞"),
    ],
)
def test_values_on_the_log_scale(number: float, text: str) -> None:
    assert prose.value(number) == text


def test_no_sentence_speaks_of_causes_or_bare_significance() -> None:
    fits = [WIDE, CLEAR, OPPOSITE, ONE]
    text = " ".join(
        sentence(result)
        for result in fits
        for sentence in (sentences.expected, sentences.average, sentences.heterogeneity)
    ).lower()
    for word in ("significant", "cause", "effect of", "leads to", "risk factor", "due to"):
        assert word not in text


def test_numbers_in_sentences_are_those_of_the_fit() -> None:
    moved = dataclasses.replace(CLEAR, ci=(0.1, 0.2))
    assert "1.11 to 1.22" in sentences.average(moved)


MEASURES = {
    "OR": ("an odds ratio of 1.20", "1, no association"),
    "RR": ("a risk ratio of 1.20", "1, no difference"),
    "RD": ("a risk difference of 0.18", "0, no difference"),
    "MD": ("a mean difference of 0.18", "0, no difference"),
    "SMD": ("a standardised mean difference of 0.18", "0, no difference"),
    "SMDH": ("a standardised mean difference of 0.18", "0, no difference"),
    "ROM": ("a ratio of means of 1.20", "1, no difference"),
    "COR": ("a correlation of 0.18", "0, no association"),
    "ZCOR": ("a correlation of 0.18", "0, no association"),
    "UCOR": ("a correlation of 0.18", "0, no association"),
    "SMCC": ("a standardised mean change of 0.18", "0, no change"),
    "IRR": ("an incidence rate ratio of 1.20", "1, no difference"),
    "GEN": ("an effect of 0.18", "0, no effect"),
    "PLO": ("a proportion of 0.55", ""),
    "IRLN": ("an incidence rate of 1.20", ""),
    "MN": ("a mean of 0.18", ""),
}


@pytest.mark.parametrize("measure", MEASURES)
def test_every_measure_has_its_own_words_for_its_null(measure: str) -> None:
    """Both intervals include 0 on the analysis scale; what that means depends on the measure.

    With equal variances the average is the mean, 0.185: 1.20 as a ratio, 0.55 as a proportion.
    """
    value, null = MEASURES[measure]
    found = cb.pool(cb.Effects(yi=[0.5, -0.2, 0.2, 0.24], vi=[0.03] * 4, measure=measure))
    assert found.ci[0] < 0 < found.ci[1]
    average, expected = sentences.average(found), sentences.expected(found)
    assert f"The average over the 4 studies pooled is {value} (95 % " in average
    if null:
        assert average.endswith(f", which includes {null}).")
        assert expected.endswith(f", a range that includes {null}.")
    else:
        assert "includes" not in average + expected
        assert "includes" not in sentences.leave_one_out(found, cb.leave_one_out(found))
    for figure in (
        cb.figures.leave_one_out(cb.leave_one_out(found), fit=found),
        cb.figures.cumulative_forest(cb.cumulative(found)),
        cb.figures.drapery(found),
    ):
        assert (null in figure.alt) if null else ("no association" not in figure.alt)


def test_narrow_intervals_get_the_digits_they_need() -> None:
    narrow = fit([0.010, 0.012, 0.011], [1e-6] * 3, test="z")
    assert "an odds ratio of 1.011 (95 % confidence interval 1.010 to 1.012)" in (
        sentences.average(narrow)
    )


@pytest.mark.parametrize(("yi", "vi"), [((3.0, -2.0), (0.2, 0.3)), ((0.5, 0.6), (0.03, 0.08))])
def test_two_studies_and_wide_intervals_are_printed_as_they_are(
    yi: tuple[float, float], vi: tuple[float, float]
) -> None:
    """Of two studies REML is (y1 - y2)^2 / 2 - (v1 + v2) / 2, or 0, and t with one degree 12.706.

    Knapp and Hartung's factor is then Q = (y1 - y2)^2 / (v1 + v2 + 2 tau2).
    """
    tau2 = max(0.0, ((yi[0] - yi[1]) ** 2 - sum(vi)) / 2)
    weight = [1 / (v + tau2) for v in vi]
    mean = sum(w * y for w, y in zip(weight, yi, strict=True)) / sum(weight)
    q = (yi[0] - yi[1]) ** 2 / (sum(vi) + 2 * tau2)
    half = 12.706204736432095 * math.sqrt(tau2 + q / sum(weight))
    found = fit(list(yi), list(vi))
    low, high = (math.exp(mean + sign * half) for sign in (-1, 1))
    text = sentences.expected(found)
    if tau2:
        power = math.floor(math.log10(high))
        assert f"between < 0.001 and {high / 10**power:.2f}×10²³ (95 % prediction" in text
        assert power == 23
    else:
        assert f"between {low:.2f} and {high:.2f} (95 % prediction interval)" in text
    assert "a range that includes 1, no association" in text
    assert "The average over the 2 studies pooled" in sentences.average(found)


def test_a_fixed_tau2_is_not_called_an_estimate() -> None:
    fixed = fit([0.5, 0.6, 0.1, 0.4, 0.2], [0.03] * 5, tau2=0.1)
    assert sentences.heterogeneity(fixed).startswith(
        "Between-study variance (tau²) is set to 0.1; I² is then "
    )


def test_equal_effects_predict_nothing_but_the_common_value() -> None:
    equal = fit([0.5, 0.6], [0.03, 0.08], method="EE", test="z")
    assert sentences.expected(equal) == (
        "The equal-effects model takes a further study to have the same true odds ratio."
    )


@pytest.mark.parametrize(
    ("k", "start"),
    [
        (1, "There is one study: nothing was added to it."),
        (2, "There are two studies: only with the second is there anything to pool."),
        (
            4,
            "From the second study on, the average ranges from 1.69 (after adding Study 2) to 1.79",
        ),
    ],
)
def test_cumulative_sentence(k: int, start: str) -> None:
    """With two studies at tau2 = 0 the average is (0.50 / 3 + 0.60 / 8) / (1 / 3 + 1 / 8) = 0.527.

    exp(0.527) is 1.69; of all four REML gives 1.79, as R's metafor 3.8-1 does.
    """
    part = fit([0.50, 0.60, 0.55, 0.7][:k], [0.003, 0.008, 0.002, 0.004][:k])
    text = sentences.cumulative(cb.cumulative(part))
    assert text.startswith(start)
    assert ("not corrected" in text) is (k > 2)


def test_cumulative_sentence_names_where_the_interval_includes_the_null() -> None:
    moving = fit([-0.2, 0.3, 0.6, 0.7, 0.8], [0.01] * 5, test="z")
    refits = cb.cumulative(moving)
    crossing = [
        label
        for label, row in list(zip(refits.labels, refits.on_scale(), strict=True))[1:]
        if row.ci[0] <= 1 <= row.ci[1]
    ]
    text = sentences.cumulative(refits)
    assert f"includes 1 after adding {prose.listed(crossing)}." in text
    # The first study alone is not pooled, and its interval is no part of the sentence.
    assert 0 < len(crossing) < 4
    first_alone = fit([0.5, 0.6, 0.6, 0.65], [0.09, 0.001, 0.001, 0.001], test="z")
    assert "From the second study on, every confidence interval excludes 1." in (
        sentences.cumulative(cb.cumulative(first_alone))
    )


def test_one_other_row_is_no_range() -> None:
    studies = cb.datasets.headache_back_pain()
    rows = [row for row in studies.frame["estimate_id"] if row in ("yoon2013-1", "yoon2013-2")]
    rows += ["ashina2018-1", "ghandour2004-1"]
    part = studies.select({"estimate_id": rows})
    found = cb.pool(cb.effects(part))
    other = cb.other_rows(found, studies=part)
    assert len(other.labels) == 1
    text = sentences.other_rows(found, other)
    assert "the average is " in text
    assert "ranges" not in text
