"""Mantel-Haenszel and Peto analyses as printed.

Rothman KJ, Greenland S, Lash TL (2008). Modern Epidemiology, 3rd edition, chapter 15: Tables 15-1
(deaths on tolbutamide), 15-2 (deaths of smoking doctors per 10,000 years) and 15-5 (Down syndrome
and spermicides), with 90 % intervals. Two of its figures differ in the last digit from what its
data give, as metafor's page on this chapter also notes; they are marked.
Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Progress in Cardiovascular Diseases
27:335-371, doi:10.1016/S0033-0620(85)80003-7, Table 6, p. 343: oral beta blockers, short-term
trials; typical odds ratio 0.93.
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest

from comorbid.models.mantel_haenszel import mantel_haenszel
from comorbid.models.peto import peto

YUSUF = Path(__file__).parents[1] / "golden" / "data" / "dat.yusuf1985.csv"
TOLBUTAMIDE = {
    "label": ["age < 55", "age 55+"],
    "ai": [8, 22],
    "bi": [98, 76],
    "ci": [5, 16],
    "di": [115, 69],
}
DOCTORS = {
    "label": ["35-44", "45-54", "55-64", "65-74", "75-84"],
    "x1i": [32, 104, 206, 186, 102],
    "t1i": [5.2407, 4.3248, 2.8612, 1.2663, 0.5317],
    "x2i": [2, 12, 28, 28, 31],
    "t2i": [1.8790, 1.0673, 0.5710, 0.2585, 0.1462],
}
DOWN = {
    "label": ["mother < 35", "mother 35+"],
    "ai": [3, 1],
    "bi": [9, 3],
    "ci": [104, 5],
    "di": [1059, 86],
}


def test_rothman_table_15_1_risk_difference() -> None:
    fit = mantel_haenszel(TOLBUTAMIDE, measure="RD", level=0.9)
    assert round(fit.estimate, 3) == 0.035
    assert [round(end, 3) for end in fit.ci] == [-0.018, 0.087]  # printed: 0.088
    assert round(fit.q, 3) == 0.002  # printed: 0.001
    assert round(fit.q_p, 3) == 0.967


def test_rothman_table_15_1_risk_ratio() -> None:
    fit = mantel_haenszel(TOLBUTAMIDE, measure="RR", level=0.9)
    scaled = fit.on_scale()
    assert [round(x, 2) for x in (scaled.estimate, *scaled.ci)] == [1.33, 0.87, 2.03]
    assert (round(fit.q, 3), round(fit.q_p, 3)) == (0.447, 0.504)


def test_rothman_table_15_1_odds_ratio() -> None:
    fit = mantel_haenszel(TOLBUTAMIDE, measure="OR", level=0.9, correction="none")
    scaled = fit.on_scale()
    assert [round(x, 2) for x in (scaled.estimate, *scaled.ci)] == [1.40, 0.84, 2.34]
    assert (round(fit.q, 3), round(fit.q_p, 3)) == (0.347, 0.556)
    assert fit.cmh is not None
    assert fit.cochran is not None
    assert fit.tarone is not None
    assert (round(fit.cmh.statistic, 3), round(fit.cmh.p_value, 3)) == (1.191, 0.275)
    assert (round(fit.cochran.statistic, 3), round(fit.cochran.p_value, 3)) == (1.198, 0.274)
    assert (round(fit.tarone.statistic, 3), round(fit.tarone.p_value, 3)) == (0.349, 0.555)


def test_rothman_table_15_2_rate_difference() -> None:
    fit = mantel_haenszel(DOCTORS, measure="IRD", level=0.9)
    assert [round(x, 2) for x in (fit.estimate, *fit.ci)] == [11.44, 6.35, 16.53]
    assert round(fit.q, 3) == 26.876


def test_rothman_table_15_2_rate_ratio() -> None:
    fit = mantel_haenszel(DOCTORS, measure="IRR", level=0.9)
    scaled = fit.on_scale()
    assert [round(x, 2) for x in (scaled.estimate, *scaled.ci)] == [1.42, 1.19, 1.70]
    assert (round(fit.q, 3), round(fit.q_p, 3)) == (10.412, 0.034)
    assert fit.cmh is not None
    assert round(fit.cmh.statistic, 3) == 10.702
    uncorrected = mantel_haenszel(DOCTORS, measure="IRR", correction="none")
    assert uncorrected.cmh is not None
    assert round(uncorrected.cmh.statistic, 3) == 11.016


def test_rothman_table_15_5_odds_ratio() -> None:
    fit = mantel_haenszel(DOWN, measure="OR", level=0.9, correction="none")
    assert [round(x, 3) for x in (fit.estimate, *fit.ci)] == [1.330, 0.358, 2.302]
    assert round(fit.on_scale().estimate, 2) == 3.78
    assert (round(fit.q, 3), round(fit.q_p, 3)) == (0.138, 0.711)
    assert fit.cmh is not None
    assert fit.cochran is not None
    assert fit.tarone is not None
    assert round(fit.cmh.statistic, 3) == 5.809
    assert round(fit.cochran.statistic, 3) == 5.825
    assert (round(fit.tarone.statistic, 3), round(fit.tarone.p_value, 3)) == (0.139, 0.709)


@pytest.mark.filterwarnings("ignore:left out, counts are missing:comorbid.DataWarning")
def test_yusuf_1985_table_6() -> None:
    with YUSUF.open(encoding="utf-8") as file:
        rows = [row for row in csv.DictReader(file) if row["table"] == "6"]
    table = {
        name: [float(row[name] or "nan") for row in rows] for name in ("ai", "n1i", "ci", "n2i")
    }
    fit = peto({"label": [row["trial"] + " " + row["id"] for row in rows], **table})
    scaled = fit.on_scale()
    assert round(scaled.estimate, 2) == 0.93
    assert np.allclose((scaled.estimate, *scaled.ci), (0.9332, 0.7385, 1.1792), atol=5e-5)
    assert (fit.k, fit.k_yi) == (21, 18)
