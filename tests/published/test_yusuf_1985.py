"""Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Beta blockade during and after MI.

Progress in Cardiovascular Diseases 27:335-371, doi:10.1016/S0033-0620(85)80003-7, Table 6: deaths
in 21 short-term trials of oral beta blockers; typical odds ratio by Peto's method.
Read: metafor's test of this analysis. It says "page 107", which the article does not have.
"""

from __future__ import annotations

import pytest
from printed import as_printed, columns

import comorbid as cb


def table_6() -> dict[str, list[float]]:
    raw = columns("dat.yusuf1985")
    rows = [i for i, table in enumerate(raw["table"]) if table == 6]
    return {name: [raw[name][i] for i in rows] for name in ("ai", "n1i", "ci", "n2i")}


@pytest.mark.filterwarnings("ignore:left out, counts are missing:comorbid.DataWarning")
def test_peto() -> None:
    fit = cb.peto(table_6())
    odds = fit.on_scale()
    assert (odds.estimate, *odds.ci) == as_printed("0.93 0.74 1.18")
    assert (fit.k, fit.k_yi) == (21, 18)


@pytest.mark.filterwarnings("ignore::comorbid.DataWarning")
def test_inverse_variance_of_petos_odds_ratios() -> None:
    effects = cb.escalc("PETO", add=0, **table_6())
    odds = cb.pool(effects, method="EE", test="z").on_scale()
    assert (odds.estimate, *odds.ci) == as_printed("0.93 0.74 1.18")
