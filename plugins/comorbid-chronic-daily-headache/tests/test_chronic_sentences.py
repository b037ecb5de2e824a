"""The sentences as functions of numbers: no study, one, two, many, null, wide, the other way."""

from __future__ import annotations

import itertools
import math
import re
from collections.abc import Sequence

import numpy as np
import pytest
from comorbid_chronic_daily_headache import sentences
from comorbid_chronic_daily_headache.contrasts import Contrast, Contrasts
from comorbid_chronic_daily_headache.rows import Row
from comorbid_chronic_daily_headache.trend import LINES, Trend, Trends

import comorbid as cb

CAUSAL = re.compile(
    r"\b(caus\w*|effects?|lead(s|ing)? to|due to|because|risk factors?|increases?)\b"
)
SHARES = ("covariance 0", "covariance largest")


def row(study: str, headache: str, yi: float, days: tuple[float, float] = (math.nan,) * 2) -> Row:
    nothing = (math.nan,) * 4
    return Row(
        f"{study}-{headache}", study, study, study, headache, yi, 0.1, 500, days, nothing, ""
    )


def contrast(study: str, ratio: float, variance: float = 0.1) -> Contrast:
    """A ratio of chronic to episodic; made up for the wording."""
    chronic, episodic = (
        row(study, "chronic", math.log(2 * ratio)),
        row(study, "episodic", math.log(2)),
    )
    return Contrast(chronic, episodic, (variance, 0.6 * variance), SHARES, False)


def contrasts(ratios: Sequence[float], variance: float = 0.1) -> Contrasts:
    found = tuple(contrast(f"S{i}", ratio, variance) for i, ratio in enumerate(ratios))
    pooled = None
    if len(found) > 1:
        versions = list(itertools.product(*[entry.options() for entry in found]))
        pooled = cb.pool_versions(
            [[option.yi for option in study] for study in zip(*versions, strict=True)],
            vi=[[option.vi for option in study] for study in zip(*versions, strict=True)],
            labels=["; ".join(o.label for o in version) for version in versions],
            measure="ratio of odds ratios",
            scale="log",
        )
    return Contrasts(found, pooled, "odds ratio", 0.95)


def trends(slopes: Sequence[float], variance: float = 0.01) -> Trends:
    found = tuple(
        Trend(
            (
                row(f"S{i}", "episodic", 0.5, (math.nan, 15)),
                row(f"S{i}", "chronic", 0.6, (15, math.nan)),
            ),
            np.array([[7.5, 22.5]]),
            {line: (np.array([[slope]]), np.array([[variance]])) for line in LINES},
            ("covariance 0",),
        )
        for i, slope in enumerate(slopes)
    )
    name = "odds ratio per 5 headache days a month"
    pooled = {
        line: cb.pool_versions(
            np.array(slopes)[:, None],
            vi=np.full((len(slopes), 1), variance),
            labels=["v"],
            measure=name,
            scale="log",
        )
        for line in LINES
        if found
    }
    return Trends(found, pooled, pooled, {}, name)


@pytest.mark.parametrize(
    ("ratios", "variance", "expected"),
    [
        ([], 0.1, "there is nothing to compare"),
        ([3.0], 0.1, "One study has an estimate for chronic and one for episodic headache"),
        ([3.0], 0.1, "cannot be concluded"),
        ([1.1, 6.0], 0.1, "With 2 studies these data cannot tell"),
        ([6.0, 6.1], 0.001, "With 2 studies these data cannot tell"),
        ([2.0, 2.1, 1.9, 2.2, 2.0], 0.01, "is higher in chronic than in episodic headache"),
        ([0.5, 0.45, 0.55, 0.5, 0.5], 0.01, "is lower in chronic than in episodic headache"),
        ([1.0, 1.1, 0.9, 1.0, 1.0], 0.1, "do not show that the odds ratio differs"),
        ([0.2, 9.0, 0.5, 4.0, 1.0], 3.0, "do not show that the odds ratio differs"),
    ],
)
def test_conclusion(ratios: list[float], variance: float, expected: str) -> None:
    assert expected in sentences.conclusion(contrasts(ratios, variance))


def test_conclusion_depends_on_what_is_open_where_only_some_intervals_exclude_1() -> None:
    result = contrasts([1.30, 1.31, 1.32, 1.30, 1.31], 0.13)
    assert result.pooled is not None
    zs = cb.pool_versions(
        [[math.log(1.3)] * 2] * 5, vi=[[0.13, 0.07]] * 5, labels=["a", "b"], scale="log", test="z"
    )
    text = sentences.conclusion(Contrasts(result.contrasts, zs, "odds ratio", 0.95))
    assert "depends on what is not known" in text
    assert "1 of 2 include 1, no difference" in text


def test_average_of_versions_is_a_range_and_never_one_number() -> None:
    text = sentences.conclusion(contrasts([1.1, 6.0]))
    assert "Pooled in 4 versions" in text
    assert re.search(r"average ratio of chronic to episodic is \d\.\d\d( to \d\.\d\d)?", text)
    assert "the 95 % intervals reach from" in text


@pytest.mark.parametrize(
    ("ratio", "variance", "expected"),
    [
        (1.1, 0.2, "1.10 times that for episodic headache. Its 95 % intervals reach from"),
        (1.1, 0.2, "every one includes 1, no difference"),
        (6.0, 0.1, "every one excludes 1"),
        (0.2, 0.1, "0.20 times that for episodic headache"),
        (2.0, 0.15, "1 of 2 include 1, no difference"),
    ],
)
def test_one_study(ratio: float, variance: float, expected: str) -> None:
    text = sentences.study([contrast("S", ratio, variance)], measure="odds ratio", level=0.95)
    assert expected in text


def test_several_pairs_of_one_study_are_a_range() -> None:
    pairs = [contrast("Y", 5.07), contrast("Y", 8.71)]
    text = sentences.study(pairs, measure="odds ratio", level=0.95)
    assert "5.07 to 8.71 times" in text
    assert "by which of 2 pairs of its estimates is taken" in text


def test_disagreement_names_both_ends() -> None:
    text = sentences.disagreement(contrasts([1.12, 8.71]))
    assert "goes from 1.12 (S0) to 8.71 (S1)" in text
    assert sentences.disagreement(contrasts([1.12])) == ""


@pytest.mark.parametrize(
    ("slopes", "expected"),
    [
        ([], "cannot be estimated, and beyond chronic against episodic nothing can be said"),
        ([0.02], "One study gives headache days for several levels, S0."),
        ([0.02], "is 1.02 times as high with 5 headache days a month more"),
        ([0.9], "These data cannot tell whether the odds ratio rises or falls"),
        ([0.5, 0.55, 0.5, 0.45, 0.5], "is higher with more headache days, under every assumption"),
        ([-0.5, -0.55, -0.5, -0.45, -0.5], "is lower with more headache days"),
        ([0.0, 0.1, -0.1, 0.0, 0.0], "These data cannot tell whether the odds ratio rises"),
    ],
)
def test_trend(slopes: list[float], expected: str) -> None:
    assert expected in sentences.trend(trends(slopes), level=0.95)


def test_doses_are_called_assumptions_and_open_ends_are_named() -> None:
    text = sentences.days(trends([0.1]).trends)
    assert "The doses are assumptions" in text
    assert "S0: 7.5 and 22.5 days a month" in text
    assert "taken as 0 or 30 days" in text


def test_left_out() -> None:
    assert sentences.left_out({"Y": "has rows whose days overlap"}) == (
        "Y has no trend: it has rows whose days overlap."
    )
    assert sentences.left_out({}) == ""


def test_no_sentence_speaks_of_causes() -> None:
    every = [
        *(
            sentences.conclusion(contrasts([ratio] * k))
            for ratio in (0.5, 1, 6)
            for k in (0, 1, 2, 6)
        ),
        *(
            sentences.trend(trends([slope] * k), level=0.95)
            for slope in (-1, 0, 1)
            for k in (0, 1, 6)
        ),
        sentences.study([contrast("S", 6)], measure="odds ratio", level=0.95),
        sentences.days(trends([0.1]).trends),
        sentences.disagreement(contrasts([1, 6])),
    ]
    assert not [text for text in every if CAUSAL.search(text)]
