from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

import comorbid as cb
from comorbid.effects.measures import find_measure
from comorbid.effects.reported import reported_effect
from comorbid.studies.arrays import Arrays

log_odds_ratio = find_measure("OR").effect


def read(folder: Path, text: str) -> cb.Studies:
    path = folder / "studies.csv"
    path.write_text(text, encoding="utf-8")
    return cb.read_studies(path)


def cells(*table: float) -> dict[str, np.ndarray]:
    names = ("ai", "bi", "ci", "di")
    return {name: np.array([count]) for name, count in zip(names, table, strict=True)}


def test_zero_cell_adds_half_to_all_four() -> None:
    """Closed form: (0, 10, 5, 20) becomes (0.5, 10.5, 5.5, 20.5)."""
    yi, vi = log_odds_ratio(cells(0.0, 10.0, 5.0, 20.0))
    assert yi[0] == pytest.approx(math.log(0.5 * 20.5 / (10.5 * 5.5)), rel=1e-14)
    assert vi[0] == pytest.approx(1 / 0.5 + 1 / 10.5 + 1 / 5.5 + 1 / 20.5, rel=1e-14)


def test_table_without_zero_is_not_corrected() -> None:
    yi, vi = log_odds_ratio(cells(3.0, 10.0, 5.0, 20.0))
    assert yi[0] == pytest.approx(math.log(60 / 50), rel=1e-14)
    assert vi[0] == pytest.approx(1 / 3 + 1 / 10 + 1 / 5 + 1 / 20, rel=1e-14)


def test_zero_in_both_groups_gives_a_finite_effect() -> None:
    """The default of metafor keeps such a study: log(0.5 * 20.5 / (10.5 * 0.5))."""
    yi, vi = log_odds_ratio(cells(0.0, 10.0, 0.0, 20.0))
    assert yi[0] == pytest.approx(math.log(20.5 / 10.5), rel=1e-14)
    assert vi[0] == pytest.approx(2 / 0.5 + 1 / 10.5 + 1 / 20.5, rel=1e-14)


def test_missing_count_gives_nan() -> None:
    yi, vi = log_odds_ratio(cells(math.nan, 10.0, 5.0, 20.0))
    assert np.isnan([yi[0], vi[0]]).all()


def test_products_of_large_counts_do_not_overflow() -> None:
    """Swain 2014: 104,527 x 140,501 is past 2^31; the odds ratio is 2.857."""
    yi, _ = log_odds_ratio(cells(104527.0, 45029.0, 114149.0, 140501.0))
    assert math.exp(yi[0]) == pytest.approx(2.857, abs=5e-4)


@pytest.mark.parametrize(("level", "z"), [(0.9, 1.6448536269514722), (0.99, 2.5758293035489004)])
def test_reported_interval_of_any_level(level: float, z: float) -> None:
    """Closed form; the quantiles are R 4.2.2's qnorm((1 + level) / 2)."""
    one = np.ones(1)
    yi, vi = reported_effect(
        2 * one,
        ci_low=1 * one,
        ci_high=4 * one,
        ci_level=level * one,
        se=np.full(1, np.nan),
        scale="log",
    )
    assert yi[0] == pytest.approx(math.log(2), rel=1e-14)
    assert math.sqrt(vi[0]) == pytest.approx(math.log(4) / (2 * z), rel=1e-12)


def test_standard_error_is_used_without_an_interval(tmp_path: Path) -> None:
    studies = read(tmp_path, "study_id,measure,estimate,se\na,OR,2,0.3\nb,OR,3,0.4\n")
    assert cb.effects(studies).vi.tolist() == pytest.approx([0.09, 0.16])


def test_level_column_reaches_the_variance(tmp_path: Path) -> None:
    text = "study_id,measure,estimate,ci_low,ci_high,ci_level\na,OR,2,1,4,0.9\nb,OR,2,1,4,0.95\n"
    wide, narrow = cb.effects(read(tmp_path, text)).vi
    assert wide > narrow


def test_another_measure_is_never_pooled_silently(tmp_path: Path) -> None:
    """Jones 2003 reports a risk ratio, 1.6 (0.97-2.8): NOTES, trap 10."""
    studies = read(
        tmp_path,
        "study_id,measure,estimate,ci_low,ci_high\njones2003,RR,1.6,0.97,2.8\nb,OR,2,1,4\n",
    )
    with pytest.raises(cb.DataError, match="jones2003 reports RR, not OR, and has no counts"):
        cb.effects(studies)
    excluded = cb.Override("jones2003", use="exclude", reason="A risk ratio of new pain.")
    assert cb.effects(studies, overrides=[excluded]).ids == ("b",)


def test_all_problems_of_overrides_at_once() -> None:
    studies = cb.datasets.headache_back_pain()
    overrides = [
        cb.Override("swain2014", use="counts", reason="r"),
        cb.Override("sjolie2002-1", use="counts", reason="r"),
        cb.Override("bejia2005-1", use="counts", reason="r"),
        cb.Override("bejia2005-1", use="reported", reason="r"),
    ]
    with pytest.raises(cb.DataError) as caught:
        cb.effects(studies, overrides=overrides)
    assert "did you mean swain2014-1?" in str(caught.value)
    assert "overrides of bejia2005-1 contradict each other" in str(caught.value)
    with pytest.raises(cb.DataError, match="sjolie2002-1: it says use 'counts' but the row has"):
        cb.effects(studies, overrides=overrides[1:2])


def test_override_needs_a_known_use_and_a_reason() -> None:
    with pytest.raises(cb.DataError) as caught:
        cb.Override("a", use="count", reason=" ")  # type: ignore[arg-type]
    assert len(caught.value.problems) == 2
    assert "counts, reported, primary, exclude" in str(caught.value)


def test_two_primary_overrides_of_one_study_are_refused() -> None:
    both = [cb.Override(f"yoon2013-{i}", use="primary", reason="r") for i in (2, 3)]
    with pytest.raises(cb.DataError, match="study yoon2013: two overrides make a row primary"):
        cb.effects(cb.datasets.headache_back_pain(), overrides=both)


def test_rows_all_keeps_every_row_and_primary_one_a_study() -> None:
    studies = cb.datasets.headache_back_pain()
    assert cb.effects(studies, rows="all").k == 13
    effects = cb.effects(studies)
    assert effects.k == len(set(effects.studies)) == 6


def test_unknown_measure_lists_the_known_ones() -> None:
    with pytest.raises(cb.ComorbidError, match="use one of OR"):
        cb.effects(cb.datasets.headache_back_pain(), measure="odds")


def test_bad_arrays_are_named_all_at_once() -> None:
    with pytest.raises(cb.DataError) as caught:
        cb.Effects(yi=[0.1, math.inf, 0.3], vi=[0.0, 0.1, -1.0], labels=["A", "B", "C"])
    assert [problem.message for problem in caught.value.problems] == [
        "B: effect inf",
        "A: variance 0.0",
        "C: variance -1.0",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"yi": [1.0, 2.0], "vi": [1.0]}, "one value a study"),
        ({"yi": [1.0], "vi": [1.0], "labels": ["a", "b"]}, "labels has 2 values for 1 effects"),
        ({"yi": [1.0, 2.0], "vi": [1.0, 1.0], "labels": ["a", "a"]}, "labels repeat: a"),
        ({"yi": [1.0], "vi": [1.0], "scale": "lg"}, "use one of arcsine, arctanh, cube-root"),
        ({"yi": [1.0], "vi": [1.0], "moderators": {"x": []}}, "x has 0 values"),
    ],
)
def test_ill_formed_effects(arguments: dict[str, object], message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        cb.Effects(**arguments)  # type: ignore[arg-type]


def test_effects_cannot_be_changed() -> None:
    given = np.array([0.1, 0.2])
    effects = cb.Effects(yi=given, vi=[1.0, 1.0])
    given[0] = 9.0
    assert effects.yi[0] == 0.1
    with pytest.raises(ValueError, match="read-only"):
        effects.yi[0] = 5.0
    with pytest.raises(AttributeError):
        effects.measure = "RR"  # type: ignore[misc]


def test_rows_of_one_study_without_a_primary_column_are_warned_about(tmp_path: Path) -> None:
    text = "study_id,estimate_id,measure,estimate,se\na,a-1,OR,2,0.3\na,a-2,OR,3,0.4\n"
    with pytest.warns(cb.DataWarning, match="same people are taken as independent: a;"):
        effects = cb.effects(read(tmp_path, text))
    assert "mark one row of each study" in effects.warnings[0]


MEANS = "study_id,m1i,sd1i,n1i,m2i,sd2i,n2i\nedinburgh,55,47,155,75,64,156\nmild,27,7,31,29,4,32\n"


def test_columns_of_other_measures_are_found_among_the_moderators(tmp_path: Path) -> None:
    """Normand 1999, table 2; metafor 5.0-1, escalc(measure="SMD")."""
    effects = cb.effects(read(tmp_path, MEANS), measure="SMD")
    assert effects.yi.tolist() == pytest.approx([-0.355169640940107, -0.347940022739099], rel=1e-12)
    assert effects.source == ("summaries", "summaries")
    assert effects.ni.tolist() == [311, 63]


def test_missing_columns_are_named(tmp_path: Path) -> None:
    studies = read(tmp_path, MEANS.replace("sd2i", "sd_2"))
    with pytest.raises(cb.DataError, match=r"SMD is computed from .*, and the table has no sd2i;"):
        cb.effects(studies, measure="SMD")


def test_reported_estimates_need_no_columns(tmp_path: Path) -> None:
    text = "study_id,measure,estimate,ci_low,ci_high\na,SMD,0.4,0.1,0.7\nb,SMD,0.2,0.0,0.4\n"
    effects = cb.effects(read(tmp_path, text), measure="SMD")
    assert effects.source == ("reported", "reported")
    assert effects.vi[0] == pytest.approx((0.6 / 2 / 1.959963984540054) ** 2, rel=1e-12)


def test_text_where_numbers_are_needed_is_named(tmp_path: Path) -> None:
    studies = read(tmp_path, MEANS.replace("47", "about 47"))
    with pytest.raises(cb.DataError, match="the column sd1i holds text"):
        cb.effects(studies, measure="MD")


def test_impossible_values_in_a_table_are_named_by_row(tmp_path: Path) -> None:
    studies = read(tmp_path, MEANS.replace("47", "-47").replace("32", "0"))
    with pytest.raises(cb.DataError) as caught:
        cb.effects(studies, measure="MD")
    assert [problem.message for problem in caught.value.problems] == [
        "edinburgh: sd1i is -47",
        "mild: n2i is 0",
    ]


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, [0.0, math.log(0.5 * 20.5 / (10.5 * 5.5))]),
        ({"to": "all"}, [math.log(3.5 * 8.5 / (3.5 * 8.5)), math.log(0.5 * 20.5 / (10.5 * 5.5))]),
        ({"add": 1, "to": "if0all"}, [0.0, math.log(1 * 21 / (11 * 6))]),
    ],
)
def test_zero_options_reach_the_table(
    tmp_path: Path, options: dict[str, object], expected: list[float]
) -> None:
    """Closed forms of the tables 3, 8, 3, 8 and 0, 10, 5, 20."""
    text = "study_id,ai,bi,ci,di\na,3,8,3,8\nb,0,10,5,20\n"
    effects = cb.effects(read(tmp_path, text), **options)  # type: ignore[arg-type]
    assert effects.yi.tolist() == pytest.approx(expected, rel=1e-12, abs=1e-15)


def test_dropped_and_impossible_effects_are_said(tmp_path: Path) -> None:
    text = "study_id,ai,bi,ci,di\na,3,8,3,8\nb,0,10,0,20\n"
    with pytest.warns(cb.DataWarning, match=r"OR does not exist for b: .* \(drop00\)"):
        effects = cb.effects(read(tmp_path, text), drop00="yes")
    assert np.isnan(effects.yi).tolist() == [False, True]
    with pytest.warns(cb.DataWarning, match="RD of b has no variance above 0"):
        effects = cb.effects(read(tmp_path, text), measure="RD", to="none")
    assert np.isnan(effects.vi).tolist() == [False, True]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"to": "some"}, "use one of only0, all, if0all, none"),
        ({"drop00": True}, "use one of no, yes"),
        ({"add": -1}, "a number from 0 up"),
    ],
)
def test_unknown_zero_options_list_the_known_ones(options: dict[str, object], message: str) -> None:
    with pytest.raises(cb.ModelError, match=message):
        cb.effects(cb.datasets.headache_back_pain(), **options)  # type: ignore[arg-type]


def test_hazard_ratio_from_counts_says_why_there_is_none(tmp_path: Path) -> None:
    measure = find_measure("HR")
    yi, vi = measure.effect(cells(3.0, 8.0, 3.0, 8.0))
    assert np.isnan([yi, vi]).all()
    text = (
        "study_id,measure,estimate,ci_low,ci_high,ai,bi,ci,di\n"
        "a,HR,0.8,0.6,1.05,3,8,3,8\nb,,,,,3,8,3,8\n"
    )
    with pytest.warns(cb.DataWarning, match="2x2 counts hold no times, so they give no hazard"):
        effects = cb.effects(read(tmp_path, text), measure="HR")
    assert effects.yi[0] == pytest.approx(math.log(0.8))
    assert effects.source[0] == "reported"


def test_sample_sizes_come_from_counts_or_columns(tmp_path: Path) -> None:
    text = (
        "study_id,measure,estimate,se,n,n_analysed,ai,bi,ci,di\n"
        "a,OR,2,0.3,100,90,,,,\nb,,,,200,,3,8,3,8\nc,OR,2,0.3,50,,,,,\n"
    )
    assert cb.effects(read(tmp_path, text)).ni.tolist() == [90, 22, 50]


def test_p_values_serve_where_there_is_no_interval() -> None:
    """The p-value of z = 2; one written as text is left alone."""
    import dataclasses

    studies = cb.datasets.headache_back_pain()
    nothing, two = np.full(len(studies), math.nan), np.full(len(studies), 0.04550026389635842)
    printed = dict.fromkeys(("ci_low", "ci_high", "se"), nothing)
    numeric = dataclasses.replace(
        studies, arrays=Arrays({**studies.arrays, **printed, "p_value": two})
    )
    effects = cb.effects(numeric)
    assert effects.vi.tolist() == pytest.approx((effects.yi**2 / 4).tolist())
    below = np.array(["< 0.05"] * len(studies), dtype=object)
    text = dataclasses.replace(studies, arrays=Arrays({**studies.arrays, "p_value": below}))
    assert cb.effects(text).vi.tolist() == cb.effects(studies).vi.tolist()
