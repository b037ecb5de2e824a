"""GRIM and the bounds of standard deviations, against every data set there is of a small size."""

from __future__ import annotations

import statistics
from fractions import Fraction
from itertools import combinations_with_replacement

import pytest
from hypothesis import given, settings, strategies as st

import comorbid as cb
from comorbid.studies.integers import Whole, exact, why_not

SCALE = range(1, 6)


def every_sample(n: int) -> list[tuple[int, ...]]:
    return list(combinations_with_replacement(SCALE, n))


def as_printed(value: float, decimals: int) -> str:
    return f"{value:.{decimals}f}"


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
@pytest.mark.parametrize("decimals", [1, 2])
def test_no_sample_is_refused_and_no_other_mean_passes(n: int, decimals: int) -> None:
    samples = every_sample(n)
    means = {as_printed(statistics.fmean(sample), decimals) for sample in samples}
    for sample in samples:
        mean = as_printed(statistics.fmean(sample), decimals)
        sd = as_printed(statistics.stdev(sample), decimals)
        assert why_not(Whole(n, low=1, high=5), exact(mean), exact(sd)) == ""
        assert why_not(Whole(n), exact(mean), exact(sd)) == ""
    step = 10**decimals
    texts = [as_printed(i / step, decimals) for i in range(step, 5 * step + 1)]
    passed = {text for text in texts if not why_not(Whole(n, low=1, high=5), exact(text))}
    # Python rounds a half to even; the other way is also a way to print it.
    halves = {
        text
        for text in passed - means
        if any(abs(Fraction(sum(s), n) - exact(text)[0]) == exact(text)[1] for s in samples)
    }
    assert passed == means | halves


@pytest.mark.parametrize("n", [2, 3, 4, 5, 6])
def test_bounds_are_those_of_all_samples(n: int) -> None:
    by_sum: dict[int, list[float]] = {}
    for sample in every_sample(n):
        by_sum.setdefault(sum(sample), []).append(statistics.stdev(sample))
    for total, sds in by_sum.items():
        mean = as_printed(total / n, 6)
        ((low, high),) = cb.grim(mean, n=n, low=1, high=5).sd_bounds
        assert (low, high) == pytest.approx((min(sds), max(sds)), abs=1e-12)


@pytest.mark.parametrize("n", [4, 6])
def test_few_standard_deviations_pass_that_no_sample_has(n: int) -> None:
    """The conditions are necessary: what passes beyond the samples is counted, not denied."""
    real = {
        (as_printed(statistics.fmean(s), 2), as_printed(statistics.stdev(s), 2))
        for s in every_sample(n)
    }
    means = {mean for mean, _ in real}
    tried = [(mean, as_printed(i / 100, 2)) for mean in means for i in range(240)]
    whole = Whole(n, low=1, high=5)
    passed = {pair for pair in tried if not why_not(whole, exact(pair[0]), exact(pair[1]))}
    assert real <= passed
    assert len(passed - real) / len(tried) < 0.01


@settings(max_examples=60, deadline=None)
@given(st.lists(st.integers(0, 30), min_size=2, max_size=60), st.integers(1, 4), st.integers(0, 3))
def test_no_sum_score_is_refused(scores: list[int], items: int, decimals: int) -> None:
    values = [score / items for score in scores]
    found = cb.grim(
        as_printed(statistics.fmean(values), decimals),
        sd=as_printed(statistics.stdev(values), decimals),
        n=len(values),
        items=items,
        low=0,
        high=30,
    )
    assert found.possible == (True,)


def test_a_half_may_be_rounded_either_way() -> None:
    # 9/8 = 1.125
    assert cb.grim(["1.12", "1.13", "1.11"], n=8).possible == (True, True, False)


def test_trailing_zeros_count() -> None:
    # 61/12 = 5.08, 5.1 to one digit
    assert cb.grim(["5.1", "5.10"], n=12).possible == (True, False)


def test_the_scale_limits_means_and_standard_deviations() -> None:
    assert cb.grim("7.20", n=10, low=1, high=7).reason == ("mean",)
    # 5 people, sum 21, on 1 to 7: at most 7 7 5 1 1
    assert cb.grim("4.20", n=5, sd="3.10", low=1, high=7).reason == ("high",)
    assert cb.grim("4.20", n=5, sd="0.30", low=1, high=7).reason == ("low",)
    # from 0 up without end: one person has all 21, as far apart as can be
    ((least, most),) = cb.grim("4.20", n=5, low=0).sd_bounds
    assert (least, most) == pytest.approx(
        (statistics.stdev([4, 4, 4, 4, 5]), statistics.stdev([21, 0, 0, 0, 0]))
    )


def test_negative_scores() -> None:
    assert cb.grim(["-0.33", "-0.35"], n=3, low=-2, high=2).possible == (True, False)


def test_large_n_allows_every_mean_and_is_quick() -> None:
    assert cb.grim("5.19", sd="1.60", n=10**9, low=1, high=7).possible == (True,)


def test_one_person_has_no_standard_deviation() -> None:
    assert cb.grim("5", sd="2.0", n=1).possible == (True,)


def test_percentages() -> None:
    found = cb.grim(["33", "33.3", "33.0", "101"], n=3, unit="percent")
    assert found.possible == (True, True, False, False)
    assert found.nearest[2] == pytest.approx((0, 100 / 3))
    assert found.nearest[3] == (100, 100)
    assert "33.0 %, n = 3: no sum of whole numbers" in found.summary()


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"mean": 5.19}, r'as text such as "5.10"'),
        ({"mean": ["5.19", "x"]}, r"mean\[1\] is 'x'"),
        ({"sd": "-1"}, "a standard deviation is 0 or more"),
        ({"sd": ["1", "2"]}, "sd has 2 figures, mean 1"),
        ({"n": [1, 2]}, "n has 2 numbers, mean 1"),
        ({"n": 2.5}, "n is 2.5"),
        ({"high": 7}, "high is given without low"),
        ({"low": 7, "high": 1}, "low must be below high"),
        ({"unit": "percent", "items": 2}, "a percentage of people has no sd, items"),
        ({"unit": "%"}, "use one of score, percent"),
    ],
)
def test_what_cannot_be_tested_is_refused(settings: dict[str, object], message: str) -> None:
    with pytest.raises(cb.ComorbidError, match=message):
        cb.grim(**{"mean": "5.19", "n": 28, **settings})  # type: ignore[arg-type]


def test_nothing_given() -> None:
    assert cb.grim([], n=5).summary() == "no figures"
