"""Rothman KJ, Greenland S, Lash TL (2008). Modern epidemiology, 3rd edition, chapter 15.

Tables 15-1 (deaths on tolbutamide), 15-2 (deaths of smoking doctors, per 10,000 person-years) and
15-5 (Down syndrome and spermicides), with 90 % intervals; the pages are not known.
Read: metafor's test of this analysis, which names the tables and where the chapter differs.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed

import comorbid as cb

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


def counts(table: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: values for name, values in table.items() if name != "label"}


def crude(table: dict[str, list[float]]) -> dict[str, list[float]]:
    return {name: [sum(values)] for name, values in counts(table).items()}


def test_table_15_1_strata() -> None:
    """Risk differences and ratios of the two age groups, and crude ones."""
    risk = cb.escalc("RD", **counts(TOLBUTAMIDE))
    assert risk.yi == as_printed("0.0338 0.0363")
    assert np.sqrt(risk.vi) == as_printed("0.0315 0.0598")
    ratio = cb.escalc("RR", **counts(TOLBUTAMIDE))
    assert np.exp(ratio.yi) == as_printed("1.81 1.19")
    assert np.sqrt(ratio.vi) == as_printed("0.55 0.29")
    assert cb.escalc("RD", **crude(TOLBUTAMIDE)).yi == as_printed("0.0446")
    assert np.exp(cb.escalc("RR", **crude(TOLBUTAMIDE)).yi) == as_printed("1.44")


def test_table_15_1_risk_difference() -> None:
    """The chapter has 0.088 for the upper end, ours is 0.0874, and 0.001 for Q, ours is 0.0017."""
    fit = cb.mantel_haenszel(TOLBUTAMIDE, measure="RD", level=0.9)
    assert (fit.estimate, fit.ci[0]) == as_printed("0.035 -0.018")
    assert fit.ci[1] == as_printed("0.087")
    assert fit.ci[1] != as_printed("0.088")
    assert (fit.q, fit.q_p) == as_printed("0.002 0.967")
    assert fit.q != as_printed("0.001")


def test_table_15_1_risk_ratio() -> None:
    fit = cb.mantel_haenszel(TOLBUTAMIDE, measure="RR", level=0.9)
    scaled = fit.on_scale()
    assert (scaled.estimate, *scaled.ci) == as_printed("1.33 0.87 2.03")
    assert (fit.q, fit.q_p) == as_printed("0.447 0.504")


def test_table_15_1_odds_ratio() -> None:
    fit = cb.mantel_haenszel(TOLBUTAMIDE, measure="OR", level=0.9, correction="none")
    scaled = fit.on_scale()
    assert (scaled.estimate, *scaled.ci) == as_printed("1.40 0.84 2.34")
    assert (fit.q, fit.q_p) == as_printed("0.347 0.556")
    assert fit.cmh is not None
    assert fit.cochran is not None
    assert fit.tarone is not None
    assert (fit.cmh.statistic, fit.cmh.p_value) == as_printed("1.191 0.275")
    assert (fit.cochran.statistic, fit.cochran.p_value) == as_printed("1.198 0.274")
    assert (fit.tarone.statistic, fit.tarone.p_value) == as_printed("0.349 0.555")


def test_table_15_2_strata() -> None:
    """Rate differences and ratios of the five age groups, and crude ones."""
    difference = cb.escalc("IRD", **counts(DOCTORS))
    assert difference.yi == as_printed("5.0417 12.8040 22.9610 38.5674 -20.2008")
    ratio = cb.escalc("IRR", **counts(DOCTORS))
    assert np.exp(ratio.yi) == as_printed("5.74 2.14 1.47 1.36 0.90")
    assert cb.escalc("IRD", **crude(DOCTORS)).yi == as_printed("18.537")
    assert np.exp(cb.escalc("IRR", **crude(DOCTORS)).yi) == as_printed("1.72")


def test_table_15_2_rate_difference() -> None:
    fit = cb.mantel_haenszel(DOCTORS, measure="IRD", level=0.9)
    assert (fit.estimate, *fit.ci) == as_printed("11.44 6.35 16.53")
    assert fit.q == as_printed("26.876")


def test_table_15_2_rate_ratio() -> None:
    fit = cb.mantel_haenszel(DOCTORS, measure="IRR", level=0.9)
    scaled = fit.on_scale()
    assert (scaled.estimate, *scaled.ci) == as_printed("1.42 1.19 1.70")
    assert (fit.q, fit.q_p) == as_printed("10.412 0.034")
    assert fit.cmh is not None
    assert (fit.cmh.statistic, fit.cmh.p_value) == as_printed("10.702 0.001")
    uncorrected = cb.mantel_haenszel(DOCTORS, measure="IRR", correction="none")
    assert uncorrected.cmh is not None
    assert uncorrected.cmh.statistic == as_printed("11.016")


def test_table_15_5_odds_ratio() -> None:
    fit = cb.mantel_haenszel(DOWN, measure="OR", level=0.9, correction="none")
    assert (fit.estimate, *fit.ci) == as_printed("1.330 0.358 2.302")
    scaled = fit.on_scale()
    assert (scaled.estimate, *scaled.ci) == as_printed("3.78 1.43 10.00")
    assert (fit.q, fit.q_p) == as_printed("0.138 0.711")
    assert fit.cmh is not None
    assert fit.cochran is not None
    assert fit.tarone is not None
    assert (fit.cmh.statistic, fit.cmh.p_value) == as_printed("5.809 0.016")
    assert (fit.cochran.statistic, fit.cochran.p_value) == as_printed("5.825 0.016")
    assert (fit.tarone.statistic, fit.tarone.p_value) == as_printed("0.139 0.709")
