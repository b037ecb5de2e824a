"""Hedges LV, Olkin I (1985). Statistical methods for meta-analysis. Academic Press.

Standardised mean differences: the correction J of page 81 and the variance of page 86, on the 18
studies of self-concept in open and traditional education.
Read: not the book. R documentation gives the pages of the two formulas. The documentation of
boot.heterogeneity (Jiang, Du, Ke) 1.1.5 names the book for these data, has sizes and g, and prints
Q = 23.391659, p = 0.136929 with the approximate J; the same studies' variances to three decimals
are in metafor's test of Viechtbauer (2005), page 272. What the book itself makes of them was not
seen.
"""

from __future__ import annotations

import numpy as np
from printed import as_printed

import comorbid as cb

N1 = [100, 131, 40, 40, 97, 28, 60, 72, 87, 80, 79, 70, 36, 9, 14, 21, 133, 83]
N2 = [180, 138, 40, 40, 47, 61, 55, 102, 45, 49, 55, 109, 93, 18, 16, 22, 124, 45]
G = [
    *(0.100, -0.162, -0.090, -0.049, -0.046, -0.010, -0.431, -0.261, 0.134),
    *(0.019, 0.175, 0.056, 0.045, 0.103, 0.121, -0.482, 0.290, 0.342),
]


def self_concept() -> cb.Effects:
    return cb.escalc("SMD", di=G, n1i=N1, n2i=N2)


def test_correction() -> None:
    """Page 81: J(m) is about 1 - 3 / (4m - 1); comorbid has the exact one.

    With the smallest study, 9 and 18 people, the two differ by 0.00005.
    """
    m = np.array(N1) + np.array(N2) - 2
    approximate = 1 - 3 / (4 * m - 1)
    exact = self_concept().yi / np.array(G)
    assert np.allclose(exact, approximate, rtol=0, atol=5.5e-5)
    assert np.abs(exact - approximate).max() == as_printed("0.00005")


def test_variances() -> None:
    """Page 86: 1/n1 + 1/n2 + d^2 / (2 (n1 + n2)).

    Of the 12th study, where Viechtbauer (2005) has 0.034, sizes of 70 and 109 give 0.023: one of
    the two sources has a misprint.
    """
    vi = self_concept().vi
    assert np.delete(vi, 11) == as_printed(
        "0.016 0.015 0.050 0.050 0.032 0.052 0.036 0.024 0.034 0.033 0.031 0.039 0.167 0.134 "
        "0.096 0.016 0.035"
    )
    assert vi[11] == as_printed("0.023")
    assert vi[11] != as_printed("0.034")


def test_homogeneity() -> None:
    """The last digits are those of the approximate J, which gives them to all six decimals."""
    fit = cb.pool(self_concept(), method="EE", test="z")
    assert (fit.q, fit.q_p) == as_printed("23.39 0.137")
    n1, n2 = np.array(N1), np.array(N2)
    d = np.array(G) * (1 - 3 / (4 * (n1 + n2 - 2) - 1))
    given = cb.Effects(yi=d, vi=1 / n1 + 1 / n2 + d**2 / (2 * (n1 + n2)))
    approximate = cb.pool(given, method="EE", test="z")
    assert (approximate.q, approximate.q_p) == as_printed("23.391659 0.136929")
