"""Becker BJ (2005). Failsafe N or file-drawer number.

Rothstein HR, Sutton AJ, Borenstein M (eds), Publication bias in meta-analysis, chapter 7: teachers'
expectations (19 studies), passive smoking (37).
Read: metafor's test of fail-safe N and Viechtbauer's R code for the book (github.com/wviechtb/
meta_analysis_books), which say where the chapter differs. Pages are not known.
"""

from __future__ import annotations

import math

from printed import columns, expectancy

import comorbid as cb


def passive_smoking() -> cb.Fit:
    raw = columns("dat.hackshaw1998")
    return cb.pool(cb.Effects(yi=raw["yi"], vi=raw["vi"], measure="OR"), method="EE")


def test_rosenthal() -> None:
    """The chapter has 23 and 398; its p-values are those of t-tests, and rounded.

    metafor has 26 and 393 as well.
    """
    assert cb.fail_safe_n(cb.pool(expectancy(), method="EE")).n == 26
    assert cb.fail_safe_n(passive_smoking()).n == 393


def test_orwin() -> None:
    """Means of 0.06 and 0.185 brought down to 0.05 and 0.049: the chapter has 4 and 103.

    The smallest number that is enough is rounded up, to 4 and 104.
    """
    few = cb.fail_safe_n(cb.pool(expectancy(), method="EE"), kind="orwin", target=0.05)
    assert few.n == 4
    many = cb.fail_safe_n(passive_smoking(), kind="orwin", target=0.049)
    assert many.n == 104
    assert math.floor(37 * (0.185 - 0.049) / 0.049 + 0.5) == 103


def test_rosenberg() -> None:
    """Figures of metafor on the same data; Rosenberg's method is not in the chapter."""
    assert cb.fail_safe_n(cb.pool(expectancy(), method="EE"), kind="rosenberg").n == 0
    assert cb.fail_safe_n(passive_smoking(), kind="rosenberg").n == 202
