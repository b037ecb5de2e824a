"""Sentences as functions of numbers: one, two and more studies, null and opposite results."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

import comorbid as cb
from comorbid.against_rest import AgainstRest
from comorbid.document import prose, sentences


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
    assert "includes 1 without Study 1, Study 2 and Study 3." in crossing


def test_subgroup_of_two_is_never_a_conclusion() -> None:
    studies = cb.datasets.headache_back_pain()
    result = cb.against_rest(studies, where={"headache": ("migraine",)}, label="migraine")
    sentence = sentences.difference(result)
    assert sentence.startswith("With 2 studies on one side these data cannot tell whether")
    assert "p = " in sentence


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
