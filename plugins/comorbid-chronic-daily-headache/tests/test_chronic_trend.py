"""The trend over headache days: doses, lines, versions, and bad input."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from chronic_tables import ASHINA, OTHER, YOON, report, values
from comorbid_chronic_daily_headache.trend import slopes
from published_levels import CARDIOVASCULAR, PRINTED_COVARIANCES

import comorbid as cb


def test_two_levels_among_people_with_headache_are_the_contrast_over_the_days() -> None:
    """Closed form: (y2 - y1) / (x2 - x1), variance (v1 + v2 - 2 cov) / (x2 - x1)^2."""
    slope, variance = slopes(
        [7.5, 22.5], [0.53, 0.64], [[0.035, 0.01], [0.01, 0.19]], line="with-headache"
    )
    assert slope == pytest.approx(0.11 / 15, rel=1e-9)
    assert variance == pytest.approx((0.035 + 0.19 - 0.02) / 225, rel=1e-9)


def test_one_level_from_no_headache_is_its_ratio_over_its_days() -> None:
    slope, variance = slopes([10.0], [0.5], [[0.04]], line="from-none")
    assert (slope, variance) == pytest.approx((0.05, 0.0004), rel=1e-12)


def test_a_straight_line_is_found_whatever_the_covariance() -> None:
    doses = np.array([2.0, 9.0, 20.0])
    covariance = np.diag([0.05, 0.04, 0.2]) + 0.03 * (1 - np.eye(3))
    assert slopes(doses, 0.07 * doses, covariance, line="from-none")[0] == pytest.approx(0.07)
    shifted = slopes(doses, 0.4 + 0.07 * doses, covariance, line="with-headache")[0]
    assert shifted == pytest.approx(0.07)


def test_ashinas_doses_and_lines(tmp_path: Path) -> None:
    """Open ends at 0 and 30: midpoints 7.5 and 22.5, others at quarters; 9 doses, 3 covariances."""
    found = values(report(tmp_path, *ASHINA, OTHER), "headache-days")
    (trend,) = found["trends"]
    assert trend["rows"] == ["a-1", "a-2"]
    assert trend["midpoints"] == [7.5, 22.5]
    contrast = 5 * math.log(1.9 / 1.7)
    slope = trend["slopes"]["with-headache"]["slope"]
    assert slope == pytest.approx([contrast / 15] * 3, rel=1e-9)
    pooled = found["pooled"]["with-headache"]
    assert pooled["versions"] == found["pooled"]["from-none"]["versions"] == 27
    assert pooled["estimate"] == pytest.approx([contrast / 22.5, contrast / 7.5], rel=1e-9)
    assert found["midpoints"]["with-headache"]["versions"] == 3
    assert pooled["k"] == 1


def test_closed_levels_have_one_dose(tmp_path: Path) -> None:
    rows = (
        "a-1,a,OR,1.4,1.0,2.0,any,1,4,,,,,796,yes\n",
        "a-2,a,OR,1.9,1.2,3.0,any,5,14,,,,,796,no\n",
        "a-3,a,OR,2.4,1.4,4.1,any,15,,,,,,796,no\n",
    )
    found = values(report(tmp_path, *rows, OTHER), "headache-days")
    assert found["trends"][0]["midpoints"] == [2.5, 9.5, 22.5]
    doses = [[2.5, 9.5, last] for last in (18.75, 22.5, 26.25)]
    y = np.log([1.4, 1.9, 2.4])
    ends = np.array([[1.0, 2.0], [1.2, 3.0], [1.4, 4.1]])
    v = (np.log(ends[:, 1] / ends[:, 0]) / 2 / 1.959963984540054) ** 2
    shared = (v.min() - 4 / 796) * np.array([0, 0.5, 1])
    covariance = np.diag(v) + shared[:, None, None] * (1 - np.eye(3))
    expected = [slopes(np.array(x) / 5, y, covariance, line="from-none")[0] for x in doses]
    pooled = found["pooled"]["from-none"]["estimate"]
    assert pooled == pytest.approx([np.min(expected), np.max(expected)], rel=1e-9)


def test_two_published_studies_with_counts(tmp_path: Path) -> None:
    """Alcohol and cardiovascular disease as if doses were days: covariances as dosresmeta prints.

    The slopes by generalised least squares with the printed covariances, pooled by REML.
    """
    rows, expected = "", []
    for number in (2, 3):
        study, printed = CARDIOVASCULAR[number], PRINTED_COVARIANCES[number]
        covariance = np.diag(study.variances)
        covariance[np.triu_indices_from(covariance, 1)] = printed
        covariance = np.maximum(covariance, covariance.T)
        x, inverse = np.array(study.doses), np.linalg.inv(covariance)
        variance = 1 / (x @ inverse @ x)
        expected.append((5 * variance * (x @ inverse @ study.log_ratios), 25 * variance))
        a0, n0 = study.cases[0], study.totals[0]
        for i, (dose, y, error, a, n) in enumerate(
            zip(
                study.doses,
                study.log_ratios,
                study.errors,
                study.cases[1:],
                study.totals[1:],
                strict=True,
            )
        ):
            ends = ",".join(f"{math.exp(y + z * error)!r}" for z in (0, -1.959964, 1.959964))
            primary = "yes" if i == 0 else "no"
            rows += (
                f"s{number}-{i},s{number},OR,{ends},any,{dose},{dose},{a},{a0},{n - a},{n0 - a0},"
                f"{n0 + n},{primary}\n"
            )
    found = values(report(tmp_path, rows, OTHER), "headache-days")
    slope = [trend["slopes"]["from-none"]["slope"][0] for trend in found["trends"]]
    assert slope == pytest.approx([y for y, _ in expected], rel=1e-5)
    yi, vi = np.array(expected).T
    fit = cb.pool(cb.Effects(yi=yi, vi=vi))
    pooled = found["midpoints"]["from-none"]
    assert pooled["versions"] == 4  # Greenland and Longnecker or Hamling, in each of two studies
    assert any(end == pytest.approx(fit.estimate, rel=1e-4) for end in pooled["estimate"])


def test_studies_without_a_trend_say_why(tmp_path: Path) -> None:
    overlapping = (
        "c-1,c,OR,2,1,4,any,1,10,,,,,300,yes\n",
        "c-2,c,OR,3,1.5,6,any,8,20,,,,,300,no\n",
    )
    found = values(report(tmp_path, *YOON, *overlapping, OTHER), "headache-days")
    assert found["trends"] == []
    assert (found["midpoints"], found["pooled"]) == ({}, {})
    assert found["left_out"] == {
        "y": "gives days for one level only",
        "c": "has rows whose days overlap",
    }


@pytest.mark.parametrize(("low", "high"), [("31", ""), ("-1", "5"), ("", "30.5")])
def test_impossible_days_are_named_with_their_line(low: str, high: str, tmp_path: Path) -> None:
    row = f"c-1,c,OR,2,1,4,any,{low},{high},,,,,300,yes\n"
    with pytest.raises(cb.DataError, match=r"studies.csv, line 4, column headache_days_\w+"):
        report(tmp_path, OTHER, row)


def test_days_that_end_before_they_begin_are_named(tmp_path: Path) -> None:
    row = "c-1,c,OR,2,1,4,any,15,5,,,,,300,yes\n"
    message = "c-1: headache_days_low is 15 and headache_days_high 5; give the smaller number first"
    with pytest.raises(cb.ReportError, match=message):
        report(tmp_path, OTHER, row)
