"""Viechtbauer W (2007). Confidence intervals for the amount of heterogeneity in meta-analysis.

Statistics in Medicine 26:37-52, doi:10.1002/sim.2514, Table II, page 44. Diuretics and
pre-eclampsia, 9 trials of Collins R, Yusuf S, Peto R (1985), BMJ 290:17-23; counts as in
metadat's dat.collins1985b.
Read: metafor's test of this analysis, which names table and page and has three decimals where
the article has two. The Biggerstaff-Tweedie and bootstrap intervals are not reproduced: comorbid
has the exact form of the first, and no such bootstrap.
"""

from __future__ import annotations

import pytest
from printed import as_printed
from scipy import stats

import comorbid as cb

DIURETICS = cb.escalc(
    "OR",
    ai=[14, 21, 14, 6, 12, 138, 15, 6, 65],
    n1i=[131, 385, 57, 38, 1011, 1370, 506, 108, 153],
    ci=[14, 17, 24, 18, 35, 175, 20, 2, 40],
    n2i=[136, 134, 48, 40, 760, 1336, 524, 103, 102],
)


@pytest.mark.parametrize(
    ("method", "printed"), [("DL", "0.230"), ("ML", "0.239"), ("REML", "0.301"), ("SJ", "0.456")]
)
def test_estimates(method: str, printed: str) -> None:
    assert cb.pool(DIURETICS, method=method).tau2 == as_printed(printed)


def test_q_profile() -> None:
    assert cb.pool(DIURETICS, method="DL").tau2_ci() == as_printed("0.072 2.203")


@pytest.mark.parametrize(("method", "printed"), [("ML", "0.027 1.131"), ("REML", "0.043 1.475")])
def test_profile_likelihood(method: str, printed: str) -> None:
    assert cb.pool(DIURETICS, method=method).tau2_ci("PL") == as_printed(printed)


@pytest.mark.parametrize(("method", "printed"), [("ML", "-0.101 0.578"), ("REML", "-0.131 0.732")])
def test_wald(method: str, printed: str) -> None:
    """The ends are not kept within the possible values; comorbid gives the standard error."""
    fit = cb.pool(DIURETICS, method=method)
    half = 1.96 * fit.se_tau2
    assert (fit.tau2 - half, fit.tau2 + half) == as_printed(printed)


def test_sidik_jonkman() -> None:
    tau2 = cb.pool(DIURETICS, method="SJ").tau2
    assert 8 * tau2 / stats.chi2.ppf([0.975, 0.025], 8) == as_printed("0.208 1.675")
