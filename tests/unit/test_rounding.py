"""Rounding: every value that prints as published numbers do, through the pool."""

from __future__ import annotations

import itertools
import math
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.document.sections import rounding as section
from comorbid.effects.digits import Digits
from comorbid.sensitivity.mean_bounds import mean_bounds
from comorbid.sensitivity.printed_values import PrintedValues, printed_values
from comorbid.sensitivity.rounding_result import OfStudy, Range, Rounding
from comorbid.studies.published import published_rows
from comorbid.studies.read import studies_from_bytes
from comorbid.testing import build_section

STUDIES = cb.datasets.headache_back_pain()
COUNTS = (
    cb.Override("ghandour2004-1", use="counts", reason="The interval is impossible."),
    cb.Override("swain2014-1", use="counts", reason="The interval is rounded."),
)
FIT = cb.pool(cb.effects(STUDIES, overrides=COUNTS))
FOUND = cb.rounding(FIT)
N = 200_000
Z = 1.959963984540054


def values(*digits: Digits, scale: str = "log", z: float = Z) -> PrintedValues:
    estimate = np.array([float(own.estimate) for own in digits])
    yi = np.log(estimate) if scale == "log" else estimate
    return printed_values(digits, yi, (yi / z) ** 2, scale)


def interval(estimate: str, low: str, high: str, level: float = 0.95) -> Digits:
    return Digits(estimate, low, high, "", level)


def table(*rows: str, head: str = "study_id,measure,estimate,ci_low,ci_high") -> cb.Studies:
    return studies_from_bytes("\n".join([head, *rows]).encode(), source="s.csv")


SWAIN = interval("2.9", "2.8", "2.9")


def test_an_effect_knows_the_digits_that_it_comes_from() -> None:
    effects = cb.effects(STUDIES, overrides=COUNTS)
    assert [effects.source[i] for i in (0, 2)] == ["counts", "counts"]
    assert effects.digits[0] is effects.digits[2] is None
    assert effects.digits[1] == interval("2.5", "0.8", "8.0")
    assert str(effects.take([4]).digits[0]) == "2.55 (1.49 to 4.38)"
    assert cb.effects(STUDIES).digits[2] == SWAIN
    assert cb.Effects(yi=[0.5], vi=[0.1]).digits == (None,)
    comma = table("a;OR;2,50;1,2;5", head="study_id;measure;estimate;ci_low;ci_high")
    assert cb.effects(comma).digits == (interval("2.50", "1.2", "5"),)


def test_swain_leaves_its_standard_error_open_by_a_factor_of_two() -> None:
    """Printed as 2.9 (2.8-2.9) the SE is 0.0090, and may be anything from 0 to twice that."""
    (effect, (narrowest, widest)) = values(SWAIN).ends()
    row = next(row for row in published_rows(STUDIES) if row.id == "swain2014-1")
    assert row.interval is not None
    assert row.counts is not None
    expected = [row.interval.se_narrowest, row.interval.se_widest]
    assert [narrowest[0], widest[0]] == pytest.approx(expected)
    assert widest[0] / row.interval.se == pytest.approx(2, abs=0.01)
    assert np.exp(np.ravel(effect)) == pytest.approx([2.85, 2.95])
    # Its 2x2 table gives 2.857 (2.819-2.896): within what is printed.
    assert row.counts.odds_ratio is not None
    assert row.counts.se is not None
    assert 2.85 <= row.counts.odds_ratio <= 2.95
    assert narrowest[0] <= row.counts.se <= widest[0]


def test_bejia_prints_what_its_counts_give() -> None:
    """51/125 v 24/150 is 2.55 (1.49-4.38) by Woolf's formula, to the digit."""
    (low, high), (narrow, wide) = values(interval("2.55", "1.49", "4.38")).ends()
    y, se = math.log(51 * 150 / (125 * 24)), math.sqrt(1 / 51 + 1 / 125 + 1 / 24 + 1 / 150)
    assert low[0] <= y <= high[0]
    assert narrow[0] <= se <= wide[0]
    assert wide[0] - narrow[0] < 0.003


def test_draws_lie_within_the_digits() -> None:
    own = values(SWAIN, interval("1.7", "1.2", "2.5"), interval("8", "3", "20", 0.9))
    yi, vi = own.draw(np.random.default_rng(1), N)
    effect, se = own.ends()
    assert yi.shape == vi.shape == (3, N)
    for drawn, (least, most) in ((yi, effect), (np.sqrt(vi), se)):
        assert (drawn >= least[:, None]).all()
        assert (drawn <= most[:, None]).all()
        reached = (drawn.max(axis=1) - drawn.min(axis=1)) / (most - least)
        assert (reached > 0.95).all()


@pytest.mark.parametrize(
    ("digits", "mean", "second"),
    [
        # All three uniform, and the estimate nowhere near an end: uniform on 1.65 to 1.75.
        (interval("1.7", "1.2", "2.5"), 1.7, 0.1**2 / 12),
        # Below 2.95 the room for the upper end is 2.95 - e: the density falls to 0.
        (SWAIN, 2.85 + 0.1 / 3, 0.1**2 / 18),
        # The lower end has 1.5 at most, as the estimate: the room e - 0.5 rises from 0.
        (interval("1", "1", "2"), 0.5 + 2 / 3, 1 / 18),
        # Room on both sides, (e - 0.95)(1.05 - e): a parabola on 0.1.
        (interval("1.0", "1.0", "1.0"), 1.0, 0.1**2 / 20),
    ],
)
def test_draws_have_the_density_that_is_said(digits: Digits, mean: float, second: float) -> None:
    """Mean and variance in closed form of the density of an estimate within its interval."""
    estimate = np.exp(values(digits).draw(np.random.default_rng(2), N)[0][0])
    assert estimate.mean() == pytest.approx(mean, abs=5 * math.sqrt(second / N))
    assert estimate.var() == pytest.approx(second, rel=0.02)


def test_draws_are_those_that_rejection_gives() -> None:
    """Uniform triples of which those with low <= estimate <= high are kept."""
    rng = np.random.default_rng(3)
    e, low, high = (
        rng.uniform(*ends, 10 * N) for ends in ((0.95, 1.05), (0.85, 0.95), (0.95, 1.05))
    )
    kept = (low <= e) & (e <= high)
    se = (np.log(high) - np.log(low))[kept] / (2 * Z)
    yi, vi = values(interval("1.0", "0.9", "1.0")).draw(np.random.default_rng(4), N)
    for q in (0.05, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(np.sqrt(vi), q) == pytest.approx(np.quantile(se, q), rel=0.01)
        assert np.quantile(yi, q) == pytest.approx(np.quantile(np.log(e[kept]), q), abs=5e-4)


def test_what_cannot_be_is_not_drawn() -> None:
    """An odds ratio printed 0.0 is above 0, a correlation printed 1.0 below 1."""
    zero = printed_values([interval("0.0", "0.0", "0.2")], np.zeros(1), np.ones(1), "log")
    yi, vi = zero.draw(np.random.default_rng(1), 1000)
    assert np.isfinite(yi).all()
    assert np.isfinite(vi).all()
    (least, most), (_, widest) = values(interval("0.1", "0.0", "0.4")).ends()
    assert widest[0] == math.inf
    assert np.exp([least[0], most[0]]) == pytest.approx([0.05, 0.15])
    one = values(interval("0.9", "0.8", "1.0"), scale="arctanh")
    assert one.high[1].tolist() == [1.0]


def test_a_printed_standard_error_and_a_p_value() -> None:
    """Uniform SE of 0.095 to 0.105; with p the SE is the effect over its z, 1.0 here."""
    own = values(Digits("2.0", "", "", "0.10", 0.95), Digits("2.0", "", "", "", 0.95), z=1.0)
    yi, vi = own.draw(np.random.default_rng(1), N)
    se = np.sqrt(vi)
    assert [se[0].min(), se[0].max()] == pytest.approx([0.095, 0.105], abs=1e-5)
    assert se[1] == pytest.approx(np.abs(yi[1]))
    assert np.array(own.ends()[1])[:, 1] == pytest.approx(np.log([1.95, 2.05]))


def corners(effects: Any, weights: Any) -> tuple[float, float]:
    """Return the least and largest mean over every corner, one by one."""
    means = [
        np.average(y, weights=w)
        for y in itertools.product(*zip(*effects, strict=True))
        for w in itertools.product(*zip(*weights, strict=True))
    ]
    return min(means), max(means)


@pytest.mark.parametrize("seed", range(20))
def test_the_bounds_of_a_mean_are_those_of_its_corners(seed: int) -> None:
    rng = np.random.default_rng(seed)
    y, w = rng.normal(size=4), rng.uniform(0.1, 2, 4)
    effects, weights = (y, y + rng.uniform(size=4)), (w, w * rng.uniform(1, 5, 4))
    assert mean_bounds(effects, weights) == pytest.approx(corners(effects, weights))


def test_bounds_by_hand() -> None:
    """Two effects, 0 to 1 and 1 to 3, with weights of 1 to 3 and of 1 alone."""
    effects = np.array([0.0, 1.0]), np.array([1.0, 3.0])
    weights = np.array([1.0, 1.0]), np.array([3.0, 1.0])
    # Least: (3 * 0 + 1) / 4; largest: (1 * 1 + 3) / 2.
    assert mean_bounds(effects, weights) == pytest.approx((0.25, 2.0))
    endless = np.array([1.0, 1.0]), np.array([1.0, np.inf])
    assert mean_bounds(effects, endless) == pytest.approx((0.5, 3.0))
    assert mean_bounds((effects[0][:1], effects[1][:1]), (np.zeros(1), np.ones(1))) == (0.0, 1.0)


def test_bounds_of_a_common_effect_hold_every_draw_and_those_of_weights_are_closed_forms() -> None:
    effects = cb.effects(STUDIES)
    common = cb.rounding(cb.pool(effects, method="EE", test="z"))
    assert common.bounds_of == "common effect"
    drawn = common.ranges["estimate"]
    assert common.bounds[0] < drawn.lowest < drawn.highest < common.bounds[1]
    a = np.arange(1.0, 7.0)
    weighted = cb.rounding(cb.pool(effects, weights=a))
    ends = [
        [float(row.estimate.low), float(row.estimate.high)]
        for row in published_rows(STUDIES.primary())
        if row.estimate is not None
    ]
    ends[0][0] = 2.085  # Ghandour's estimate is not below the least lower end, 2.085
    assert weighted.bounds_of == "weights of the analyst"
    assert weighted.bounds == pytest.approx(np.log(ends).T @ a / a.sum())
    fixed = cb.rounding(cb.pool(effects, tau2=0.02))
    assert fixed.bounds_of == "fixed tau2"
    drawn = fixed.ranges["estimate"]
    assert fixed.bounds[0] < drawn.lowest < drawn.highest < fixed.bounds[1]
    assert FOUND.bounds_of == ""
    assert math.isnan(FOUND.bounds[0])


def test_each_draw_is_what_pool_gives() -> None:
    """The draws of the seed, pooled one by one."""
    n = 100
    rows = [1, 3, 4, 5]
    digits = [own for own in FIT.effects.digits if own is not None]
    own = printed_values(digits, FIT.effects.yi[rows], FIT.effects.vi[rows], "log")
    yi, vi = own.draw(np.random.default_rng(7), n)
    fits = []
    for i in range(n):
        y, v = FIT.effects.yi.copy(), FIT.effects.vi.copy()
        y[rows], v[rows] = yi[:, i], vi[:, i]
        fits.append(cb.pool(cb.Effects(yi=y, vi=v, measure="OR")))
    found = cb.rounding(FIT, n=n, seed=7).ranges
    for name, drawn in (
        ("estimate", [fit.estimate for fit in fits]),
        ("ci_low", [fit.ci[0] for fit in fits]),
        ("pi_high", [fit.pi[1] for fit in fits]),
        ("tau2", [fit.tau2 for fit in fits]),
        ("i2", [fit.i2 for fit in fits]),
    ):
        row = found[name]
        assert [row.lowest, row.highest] == pytest.approx([min(drawn), max(drawn)], rel=1e-7)
        assert [row.low, row.high] == pytest.approx(np.quantile(drawn, [0.025, 0.975]), rel=1e-7)
    assert found["estimate"].value == FIT.estimate
    assert found["ci_high"].value == FIT.ci[1]


def test_what_comes_from_counts_stays() -> None:
    assert [of.label for of in FOUND.studies] == [
        "Sjolie 2002", "Ashina 2018", "Bejia 2005", "Yoon 2013",
    ]  # fmt: skip
    assert sum(of.percent for of in FOUND.studies) == pytest.approx(100)
    # Bejia prints two decimals where the others print one.
    assert min(FOUND.studies, key=lambda of: of.percent).label == "Bejia 2005"
    locked = FOUND.to_dict()
    assert (locked["studies_rounded"], locked["studies_exact"]) == (4, 2)
    assert FOUND.to_frame().loc["tau2", "value"] == FIT.tau2


def test_the_same_seed_gives_the_same() -> None:
    assert repr(cb.rounding(FIT, n=200).to_dict()) == repr(cb.rounding(FIT, n=200).to_dict())
    assert cb.rounding(FIT, n=200, seed=2).ranges != cb.rounding(FIT, n=200).ranges


def test_another_digit_leaves_a_tenth() -> None:
    """1.70 (1.20-2.50) leaves a tenth of what 1.7 (1.2-2.5) leaves."""
    coarse, fine = (
        cb.rounding(cb.pool(cb.effects(table(*rows)), method="EE", test="z"))
        for rows in (
            ("a,OR,1.7,1.2,2.5", "b,OR,2.4,1.3,4.4"),
            ("a,OR,1.70,1.20,2.50", "b,OR,2.40,1.30,4.40"),
        )
    )
    for name in ("estimate", "ci_low", "ci_high"):
        widths = [found.ranges[name].high - found.ranges[name].low for found in (coarse, fine)]
        assert widths[0] / widths[1] == pytest.approx(10, rel=0.05)


def test_rounding_alone_can_decide_the_conclusion() -> None:
    """1.3 (1.0-1.7) and 1.1 (0.9-1.3): the interval of the common effect ends near 1."""
    rows = ("a,OR,1.3,1.0,1.7", "b,OR,1.1,0.9,1.3")
    fit = cb.pool(cb.effects(table(*rows)), method="EE", test="z")
    found = cb.rounding(fit, n=2000)
    assert found.conclusion == ("excludes" if fit.ci[0] > 0 else "includes")
    assert 0 < found.changed < 2000
    low = found.ranges["ci_low"]
    assert low.lowest < 0 < low.highest
    assert found.to_dict()["changed_percent"] == found.changed / 20


def test_a_result_in_the_other_direction_is_the_same() -> None:
    """Differences, which round alike on either side of 0."""
    one, other = (
        cb.rounding(cb.pool(cb.effects(table(*rows), measure="MD")), n=5000)
        for rows in (
            ("a,MD,1.3,0.1,2.5", "b,MD,2.2,1.0,3.4", "c,MD,0.4,-0.8,1.6"),
            ("a,MD,-1.3,-2.5,-0.1", "b,MD,-2.2,-3.4,-1.0", "c,MD,-0.4,-1.6,0.8"),
        )
    )
    assert one.conclusion == other.conclusion == "includes"
    assert one.ranges["estimate"].high == pytest.approx(-other.ranges["estimate"].low, abs=0.005)
    assert one.ranges["tau2"].value == pytest.approx(other.ranges["tau2"].value)


def test_what_has_no_printed_digits_is_refused() -> None:
    given = cb.pool(cb.Effects(yi=[0.5, 0.9], vi=[0.03, 0.08], measure="OR"))
    counts = cb.pool(cb.escalc("OR", ai=[5, 9], bi=[20, 30], ci=[3, 4], di=[22, 31]))
    for fit in (given, counts):
        with pytest.raises(cb.DataError, match="no effect comes from printed numbers") as caught:
            cb.rounding(fit)
        assert "read_studies()" in str(caught.value)
    with pytest.raises(cb.ModelError, match="n is 99"):
        cb.rounding(FIT, n=99)
    with pytest.raises(cb.ModelError, match="n is 2000000 for 6 studies; give at most 1666666"):
        cb.rounding(FIT, n=2_000_000)
    with pytest.raises(cb.DataError, match=r"digits has '2.9'"):
        cb.Effects(yi=[0.5], vi=[0.1], digits=["2.9"])  # type: ignore[arg-type]
    with pytest.raises(cb.DataError, match="digits has 1 values for 2 effects"):
        cb.Effects(yi=[0.5, 0.6], vi=[0.1, 0.2], digits=[SWAIN])  # type: ignore[arg-type]


def test_what_is_taken_for_granted_is_noted() -> None:
    rows = ("a,OR,1.5,1.0,2.0,,", "b,OR,1.5,,,,0.04", "c,OR,1.4,,,0.2,")
    fit = cb.pool(
        cb.effects(table(*rows, head="study_id,measure,estimate,ci_low,ci_high,se,p_value"))
    )
    found = cb.rounding(fit, n=100)
    assert found.warnings == ("b: its p-value is taken as exact",)
    assert [of.printed for of in found.studies] == ["1.5 (1.0 to 2.0)", "1.5", "1.4 (SE 0.2)"]


def test_one_study_and_a_measure_without_null() -> None:
    one = cb.rounding(cb.pool(cb.effects(table("a,OR,1.5,0.9,2.5"))), n=100)
    assert math.isnan(one.ranges["tau2"].low)
    assert [one.ranges["estimate"].low > math.log(1.45), one.studies[0].percent] == [True, 100]
    assert "tau2" in one.summary()
    rows = ("a,PLO,0.10,0.05,0.19", "b,PLO,0.20,0.12,0.31")
    plain = cb.rounding(cb.pool(cb.effects(table(*rows), measure="PLO")), n=100)
    assert (plain.conclusion, plain.changed) == ("", 0)
    assert section.conclusion(plain).startswith("This measure has no null value")


def result(**changes: Any) -> Rounding:
    return replace(FOUND, **changes)


def test_sentences() -> None:
    assert section.what_is_rounded(FOUND) == (
        "4 of the 6 effects come from printed numbers, each of which stands for every value that "
        "rounds to it; the other 2 are taken as exact."
    )
    (one, *_) = FOUND.studies
    assert section.what_is_rounded(result(studies=(one,), ids=("a", "b"))).startswith(
        "1 of the 2 effects comes from printed numbers, "
    )
    assert section.what_is_rounded(result(studies=(one,), ids=("a", "b"))).endswith(
        "; the other is taken as exact."
    )
    assert section.what_is_rounded(result(studies=(one, one), ids=("a", "b"))) == (
        "Both effects come from printed numbers, each of which stands for every value that rounds "
        "to it."
    )
    assert section.what_is_rounded(result(ids=tuple("abcd"))).startswith("All 4 effects come")
    assert section.average(FOUND) == (
        "Over 10,000 draws of such values the average lies between 2.26 and 2.32, in 95 % of them "
        "between 2.27 and 2.31; with the numbers as printed it is 2.29."
    )
    same = result(
        ranges={"estimate": Range(*[math.log(2)] * 5)}, bounds=(0.0, 1.0), bounds_of="fixed tau2"
    )
    assert section.average(same) == (
        "Over 10,000 draws of such values the average is 2.00, as printed. No values that print so "
        "put it outside 1.00 to 2.72."
    )
    assert section.conclusion(FOUND) == (
        "The 95 % confidence interval excludes 1 in all of the draws, as it does with the numbers "
        "as printed."
    )
    assert section.conclusion(result(conclusion="includes", changed=1)) == (
        "With the numbers as printed the 95 % confidence interval includes 1; in 1 of the 10,000 "
        "draws this is different, through rounding alone."
    )
    assert section.most(FOUND) == (
        "Of the variance that rounding leaves to the average, 53 % is due to the digits of Ashina "
        "2018 and 47 % to those of Yoon 2013."
    )
    assert section.most(result(studies=(one,))) == ""
    nothing = OfStudy("a", "1.0", 0.0, 0.0, math.nan)
    assert section.most(result(studies=(nothing, nothing))) == ""


def test_the_section_in_a_report() -> None:
    blocks = build_section("rounding")
    table = next(block for block in blocks if isinstance(block, cb.Table))
    assert [row[0] for row in table.rows][-2:] == ["tau²", "I²"]


def test_without_printed_numbers_the_section_says_so() -> None:
    csv = "study_id,ai,bi,ci,di\na,10,90,7,88\nb,20,70,15,75\n"
    (only,) = build_section("rounding", studies=csv)
    assert "No effect comes from printed numbers" in str(only)
    (one,) = build_section(
        "rounding", studies="study_id,measure,estimate,ci_low,ci_high\na,OR,2,1,4\n"
    )
    assert "With one study nothing is pooled" in str(one)
