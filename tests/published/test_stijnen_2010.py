"""Stijnen T, Hamza TH, Oezdemir P (2010). Random effects meta-analysis of event outcome.

Statistics in Medicine 29:3046-3067, doi:10.1002/sim.4040. Infections with treated and untreated
venous catheters: 18 trials with counts (Niel-Weise 2007), 9 with infections per 1,000 catheter
days (Niel-Weise 2008); the normal-normal models of Tables II, III, VII and VIII.
Read: metafor's test of this analysis, which names tables and pages and where the article differs.
The article's generalised linear mixed models are not reproduced here.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed, columns
from scipy import special

import comorbid as cb


def risks(group: str) -> cb.Fit:
    raw = columns("dat.nielweise2007")
    events, people = {"treated": ("ai", "n1i"), "untreated": ("ci", "n2i")}[group]
    return cb.pool(cb.escalc("PLO", xi=raw[events], ni=raw[people]), test="z")


def rates(group: str) -> cb.Fit:
    raw = columns("dat.nielweise2008")
    events, days = {"treated": ("x1i", "t1i"), "untreated": ("x2i", "t2i")}[group]
    effects = cb.escalc("IRLN", xi=raw[events], ti=np.array(raw[days]) / 1000)
    return cb.pool(effects, test="z")


def test_table_ii_untreated() -> None:
    """Page 3050. The article's 0.056 is what -3.30 (0.24) gives; ours is 0.0555.

    It has 0.035 for the risk, where ours is 0.0355 and -3.30 gives 0.0356.
    """
    fit = risks("untreated")
    assert (fit.estimate, fit.se) == as_printed("-3.30 0.24")
    assert fit.tau2 == as_printed("0.663")
    risk = fit.on_scale()
    assert (risk.estimate, *risk.ci) == as_printed("0.036 0.023 0.055")
    assert (risk.estimate, risk.ci[1]) != as_printed("0.035 0.056")
    assert special.expit(-3.30 + 1.96 * 0.24) == as_printed("0.056")


def test_table_ii_treated() -> None:
    """Page 3050."""
    fit = risks("treated")
    assert (fit.estimate, fit.se) == as_printed("-4.26 0.26")
    assert fit.tau2 == as_printed("0.393")
    risk = fit.on_scale()
    assert (risk.estimate, *risk.ci) == as_printed("0.014 0.008 0.023")


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
def test_table_iii() -> None:
    """Page 3052. The article has 0.244 and an upper end of 0.62; ours are 0.2435 and 0.605.

    0.62 does not follow from its own figures either: exp(-0.980 + 1.96 * 0.244) is 0.61.
    """
    raw = columns("dat.nielweise2007")
    table = {name: raw[name] for name in ("ai", "n1i", "ci", "n2i")}
    fit = cb.pool(cb.escalc("OR", drop00="yes", **table), test="z")
    assert (fit.estimate, fit.se) == as_printed("-0.980 0.243")
    assert fit.se != as_printed("0.244")
    assert fit.tau2**0.5 == as_printed("0.19")
    odds = fit.on_scale()
    assert (odds.estimate, odds.ci[0]) == as_printed("0.38 0.23")
    assert odds.ci[1] == as_printed("0.60")
    assert odds.ci[1] != as_printed("0.62")
    assert np.exp(-0.980 + 1.96 * 0.244) == as_printed("0.61")


def test_table_vii_untreated() -> None:
    """Page 3054. The article's 6.99 is what 1.468 (0.243) gives; ours is 6.984."""
    fit = rates("untreated")
    assert (fit.estimate, fit.se) == as_printed("1.468 0.243")
    assert fit.tau2 == as_printed("0.370")
    rate = fit.on_scale()
    assert (rate.estimate, *rate.ci) == as_printed("4.34 2.70 6.98")
    assert rate.ci[1] != as_printed("6.99")
    assert np.exp(1.468 + 1.96 * 0.243) == as_printed("6.99")


def test_table_vii_treated() -> None:
    """Page 3054."""
    fit = rates("treated")
    assert (fit.estimate, fit.se) == as_printed("0.981 0.326")
    assert fit.tau2 == as_printed("0.639")
    rate = fit.on_scale()
    assert (rate.estimate, *rate.ci) == as_printed("2.67 1.41 5.05")


def test_table_viii() -> None:
    """Page 3055. The article has 0.223, ours is 0.2268, and from it an upper end of 1.04."""
    raw = columns("dat.nielweise2008")
    table = {name: raw[name] for name in ("x1i", "t1i", "x2i", "t2i")}
    fit = cb.pool(cb.escalc("IRR", **table), test="z")
    assert fit.estimate == as_printed("-0.396")
    assert fit.se == as_printed("0.227")
    assert fit.se != as_printed("0.223")
    assert fit.tau2**0.5 == as_printed("0.31")
    ratio = fit.on_scale()
    assert (ratio.estimate, ratio.ci[0]) == as_printed("0.67 0.43")
    assert ratio.ci[1] == as_printed("1.05")
    assert ratio.ci[1] != as_printed("1.04")
    assert np.exp(-0.396 + 1.96 * 0.223) == as_printed("1.04")
