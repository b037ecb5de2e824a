"""The report on the BCG vaccine: trials, another field, an effect that protects.

Nothing in it may speak of conditions that occur together, and its numbers are those that metafor
gives and that Viechtbauer W (2010) prints. Journal of Statistical Software 36(3):1-48,
doi:10.18637/jss.v036.i03.
"""

from __future__ import annotations

import csv
import gzip
import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.report import build as building

ROOT = Path(__file__).parents[2]
REPORT = ROOT / "reports" / "bcg-vaccine"
DATA = ROOT / "tests" / "golden" / "data"


@pytest.fixture(scope="module")
def report() -> building.Report:
    return cb.build(REPORT)


@pytest.fixture(scope="module")
def text(report: building.Report) -> str:
    return report.render("markdown").decode()


def golden() -> dict[str, Any]:
    with gzip.open(DATA / "dat.bcg.json.gz", "rt", encoding="utf-8") as file:
        return dict(json.load(file)["analyses"]["RR"])


def test_the_table_is_that_of_metadat() -> None:
    """dat.bcg of metadat 1.2-0, trial by trial."""
    with (DATA / "dat.bcg.csv").open(encoding="utf-8") as file:
        trials = list(csv.DictReader(file))
    with (REPORT / "studies.csv").open(encoding="utf-8") as file:
        ours = list(csv.DictReader(file))
    names = {"ai": "tpos", "bi": "tneg", "ci": "cpos", "di": "cneg"}
    names |= {"author": "author", "year": "year", "latitude": "ablat", "allocation": "alloc"}
    assert [{name: row[name] for name in names} for row in ours] == [
        {name: trial[theirs] for name, theirs in names.items()} for trial in trials
    ]


def test_the_lock_has_metafor_s_numbers() -> None:
    """metafor 5.0-1: rma(yi, vi, method="REML", test="knha") and leave1out() of it.

    Closed forms to 1e-9; what rests on the iterated tau2 to 1e-7, the golden files' own limit.
    """
    results = json.loads((REPORT / "results.json").read_text(encoding="utf-8"))["results"]
    values, fit = results["pool"]["values"], golden()["fits"]["REML"]["knha"]
    for ours, theirs in {
        **{"estimate": "beta", "se": "se", "statistic": "zval", "p_value": "pval"},
        **{"ci_low": "ci.lb", "ci_high": "ci.ub", "tau2": "tau2", "i2": "I2", "h2": "H2"},
    }.items():
        assert values[ours] == pytest.approx(fit[theirs], rel=1e-7), ours
    assert (values["q"], values["q_p"]) == pytest.approx((fit["QE"], fit["QEp"]), rel=1e-9)
    assert (values["pi_low"], values["pi_high"]) == pytest.approx(
        (fit["predict"]["pi.lb"], fit["predict"]["pi.ub"]), rel=1e-7
    )
    refits, theirs = results["leave-one-out"]["values"], golden()["leave1out"]["REML_knha"]
    for name, key in {"estimate": "estimate", "ci_low": "ci.lb", "ci_high": "ci.ub"}.items():
        np.testing.assert_allclose(refits[name], theirs[key], rtol=1e-7)


def close(values: dict[str, Any], fit: dict[str, Any], names: dict[str, str]) -> None:
    for ours, theirs in names.items():
        np.testing.assert_allclose(values[ours], fit[theirs], rtol=1e-7, err_msg=ours)


def test_the_regression_on_latitude_is_metafor_s() -> None:
    """metafor 5.0-1: rma(yi, vi, mods = ~ ablat, method="REML", test="knha")."""
    lock = json.loads((REPORT / "results.json").read_text(encoding="utf-8"))
    values = lock["results"]["meta-regression"]["values"]["fit"]
    with gzip.open(DATA / "dat.bcg.json.gz", "rt", encoding="utf-8") as file:
        fit = json.load(file)["metareg"]["RR_ablat"]["REML"]["knha"]
    assert values["formula"] == "~ latitude"
    close(values, fit, {"estimate": "beta", "se": "se", "ci_low": "ci.lb", "ci_high": "ci.ub"})
    close(values, fit, {"p_value": "pval", "tau2": "tau2", "r2": "R2", "i2": "I2", "qe": "QE"})
    close(values, fit, {"qm": "QM", "qm_p": "QMp", "qe_p": "QEp"})


def test_egger_is_that_of_the_article() -> None:
    """Viechtbauer 2010, page 30: t = -1.4013 on 11 degrees of freedom, p = 0.1887."""
    lock = json.loads((REPORT / "results.json").read_text(encoding="utf-8"))
    values = lock["results"]["small-study-effects"]["values"]["tests"]["egger"]
    assert (round(values["statistic"], 4), round(values["p_value"], 4)) == (-1.4013, 0.1887)
    assert values["df"] == 11


def test_the_published_numbers() -> None:
    """Viechtbauer 2010, pages 14 and 21: tau2 0.3132, I2 92.22 %, RR 0.49 (0.34 to 0.70), Q 152.23.

    The article's interval is the normal one; the report's, by Knapp and Hartung, is wider.
    """
    fit = cb.pool(cb.effects(cb.read_studies(REPORT / "studies.csv"), measure="RR"))
    classic = cb.pool(fit.effects, test="z").on_scale()
    assert [round(x, 2) for x in (classic.estimate, *classic.ci)] == [0.49, 0.34, 0.70]
    assert (round(fit.tau2, 4), round(fit.i2, 2), round(fit.q, 2)) == (0.3132, 92.22, 152.23)


def test_it_says_what_was_found(text: str) -> None:
    for part in (
        "a risk ratio of 0.49 (95 % confidence interval 0.33 to 0.73)",
        "between 0.14 and 1.76 (95 % prediction interval), a range that includes 1, no difference",
        "I² as 92 % (Q = 152.23 on 12 degrees of freedom, p \\< 0.001)",
        "| Aronson 1948 | 262 | 4 of 123 | 11 of 139 | 0.41 |",
        "Every confidence interval excludes 1.",
        "regressed on latitude (formula \\~ latitude)",
        "random, 7 studies: 0.38 (0.20 to 0.70)",
    ):
        assert part in text


@pytest.mark.parametrize(
    "words",
    [
        *("go together", "occur together", "co-occur", "both conditions", "condition"),
        *("headache", "back pain", "an? odds ratio", "odds ratio is", "no association"),
        *("associat", "prevalence", "burden", "adjusted"),
    ],
)
def test_nothing_is_left_of_comorbidity(text: str, words: str) -> None:
    assert not re.search(words, text, re.IGNORECASE)


def test_the_committed_lock_is_what_a_build_gives(report: building.Report) -> None:
    assert report.moved == ()
    committed = json.loads((REPORT / "results.json").read_text(encoding="utf-8"))
    assert {**report.lock, "bytes": None} == {**committed, "bytes": None}
