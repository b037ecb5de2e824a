"""Checks of spread, on the golden data sets and on simulated rows with a seed."""

from __future__ import annotations

import numpy as np
import pytest
from injected import EXACT, clean_tables, se_for_sd as with_se_for_sd, studies_of

from comorbid.studies.out_of_line import FEWEST, out_of_line
from comorbid.studies.spread_checks import (
    like_standard_errors,
    precision_out_of_line,
    sd_for_se,
    se_for_sd,
)

RNG = np.random.default_rng(0)
FRANCHINI = clean_tables()["franchini2012, means"]


@pytest.mark.parametrize("name", ["normand1999", "curtis1998", "franchini2012"])
def test_clean_means_raise_nothing(name: str) -> None:
    assert list(se_for_sd(studies_of(clean_tables()[f"{name}, means"]))) == []


@pytest.mark.parametrize("i", range(len(FRANCHINI)))
def test_standard_errors_are_found_and_put_right(i: int) -> None:
    wrong = with_se_for_sd(FRANCHINI, i, RNG)
    assert wrong is not None
    (finding,) = se_for_sd(studies_of(wrong))
    id_ = FRANCHINI[i]["study_id"]
    assert (finding.code, finding.severity, finding.rows) == ("se-for-sd", "warning", (id_,))
    assert finding.remedy == "Look in the paper whether sd1i and sd2i hold standard errors."
    assert "they are like them." in finding.found
    (repair,) = finding.repairs
    for name in ("sd1i", "sd2i"):
        # the standard error was written with three digits
        assert repair.values[id_][name] == pytest.approx(float(FRANCHINI[i][name]), rel=5e-3)


def test_one_group_alone() -> None:
    wrong = [dict(row) for row in FRANCHINI]
    # 3.7/sqrt(172) = 0.282
    assert (wrong[1]["sd1i"], wrong[1]["n1i"]) == ("3.7", "172")
    wrong[1]["sd1i"] = "0.282"
    (finding,) = se_for_sd(studies_of(wrong))
    assert finding.found == (
        "s2: sd1i 0.282 is far below the other studies; times the square root of n, 3.7, it is like"
        " them."
    )
    assert finding.remedy == "Look in the paper whether sd1i holds a standard error."
    assert list(finding.repairs[0].values["s2"]) == ["sd1i"]


def test_too_few_other_rows() -> None:
    wrong = with_se_for_sd(FRANCHINI[:FEWEST], 1, RNG)
    assert wrong is not None
    assert list(se_for_sd(studies_of(wrong))) == []


def test_scales_of_their_own() -> None:
    """Where every study has a scale of its own the rows say nothing about each other."""
    scaled = [
        {
            **row,
            **{name: f"{float(row[name]) * 4**i:.4g}" for name in ("m1i", "sd1i", "m2i", "sd2i")},
        }
        for i, row in enumerate(FRANCHINI)
    ]
    wrong = with_se_for_sd(scaled, 3, RNG)
    assert wrong is not None
    assert list(se_for_sd(studies_of(wrong))) == []


@pytest.mark.parametrize("name", ["raudenbush1985", "bangertdrowns2004"])
def test_standard_deviation_for_standard_error(name: str) -> None:
    rows = clean_tables()[f"{name}, standard errors"]
    assert list(sd_for_se(studies_of(rows))) == []
    se, n = float(rows[0]["se"]), float(rows[0]["n"])
    wrong = [{**rows[0], "se": f"{se * n**0.5:.3f}"}, *rows[1:]]
    (finding,) = sd_for_se(studies_of(wrong))
    assert (finding.code, finding.rows) == ("sd-for-se", ("s1",))
    assert finding.repairs[0].values["s1"]["se"] == pytest.approx(se, rel=1e-3)


@pytest.mark.parametrize("name", ["bangertdrowns2004", "raudenbush1985"])
def test_precision_out_of_line(name: str) -> None:
    rows = clean_tables()[f"{name}, standard errors"]
    assert list(precision_out_of_line(studies_of(rows))) == []
    se, n = float(rows[0]["se"]), float(rows[0]["n"])
    small = [{**rows[0], "se": f"{se / 3:.4f}"}, *rows[1:]]
    assert list(precision_out_of_line(studies_of(small))) == []  # impossible, which says more
    large = [{**rows[0], "se": f"{3 * se:.4f}"}, *rows[1:]]
    (finding,) = precision_out_of_line(studies_of(large))
    assert (finding.code, finding.severity, finding.rows) == (
        *("precision-out-of-line", "note"),
        ("s1",),
    )
    assert f"the standard error {3 * se:.3g} for {n:,.0f} people is " in finding.found
    assert "times as large as" in finding.found
    assert finding.repairs[0].exclude == ("s1",)


def test_intervals_have_a_precision_too() -> None:
    rows = clean_tables()["viechtbauer2021, estimates"]
    assert list(precision_out_of_line(studies_of(rows))) == []
    # the ends are 1.96 standard deviations away, the standard error times the square root of n
    middle, width = map(float, rows[0][EXACT].split())
    ends = {
        name: f"{np.exp(middle + sign * width * float(rows[0]['n']) ** 0.5):.4g}"
        for name, sign in (("ci_low", -1), ("ci_high", 1))
    }
    (finding,) = sd_for_se(studies_of([{**rows[0], **ends}, *rows[1:]]))
    assert finding.remedy == "Look in the paper whether the interval is of a standard deviation."
    assert finding.repairs == ()


def test_a_factor_of_two_is_nothing_much() -> None:
    rows = clean_tables()["bangertdrowns2004, standard errors"]
    larger = [{**rows[0], "se": f"{2 * float(rows[0]['se']):.4f}"}, *rows[1:]]
    assert list(precision_out_of_line(studies_of(larger))) == []


def test_how_often_the_rule_errs() -> None:
    """The rates in the docstring of `se_for_sd` at s = 0.3; normal data, with a seed."""
    rng = np.random.default_rng(20130313)
    tables, k = 150, 10
    accused = both = one = 0
    for _ in range(tables):
        sizes = np.exp(rng.uniform(np.log(8), np.log(400), (k, 2))).round()
        sampled = np.sqrt(rng.chisquare(sizes - 1) / (sizes - 1))
        sds = np.exp(rng.normal(0, 0.3, (k, 1))) * sampled
        means = rng.normal(0, 1, (k, 2))
        accused += like_standard_errors(means, sds, sizes).any(axis=1).sum()
        wrong = sds.copy()
        wrong[0] /= np.sqrt(sizes[0])
        both += like_standard_errors(means, wrong, sizes)[0].all()
        wrong[0, 1] = sds[0, 1]
        one += like_standard_errors(means, wrong, sizes)[0, 0]
    assert accused / (tables * k) < 0.005
    assert both / tables > 0.65
    assert one / tables > 0.8


def test_missing_values_are_passed_over() -> None:
    values = np.array([np.nan, 0.1, 0.0, 0.2, 0.1, -0.1, -1.9])
    assert out_of_line(values, np.full(7, 2.0), np.zeros(7)).tolist() == [False] * 6 + [True]
    assert not out_of_line(values, np.full(7, np.nan), np.zeros(7)).any()
