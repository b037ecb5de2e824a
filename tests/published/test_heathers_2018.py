"""Heathers JA, Anaya J, van der Zee T, Brown NJL (2018). Recovering data from summary statistics.

PeerJ Preprints 6:e26968v1, doi:10.7287/peerj.preprints.26968v1: SPRITE, which looks for whole
numbers with a printed mean and standard deviation. It starts from the data with the least and the
greatest standard deviation, which are what `grim` has of it; the search is not ours.
Read: of the preprint its beginning, without numbers. Its figures in the code that draws them
(pSPRITE, https://github.com/OmnesRes/pSPRITE, folders carrots and soup; the figures there are not
numbered as in the preprint) and that code's example; the example in Brown's introduction to it of
30 May 2018; the limits of standard deviations in the tests of the R package rsprite2 0.2.1.
"""

from __future__ import annotations

import numpy as np
import pytest
from printed import as_printed

import comorbid as cb


def test_answers_of_twenty_people() -> None:
    """Brown's introduction: 20 people, 1 to 5, mean 2.35, standard deviation 1.39."""
    assert cb.grim("2.35", sd="1.39", n=20, low=1, high=5).possible == (True,)


@pytest.mark.parametrize("most", [46, 51, 56])
def test_carrots(most: int) -> None:
    """A mean of 19.4 and a standard deviation of 19.9 carrots of 45 children.

    The code finds numbers of carrots with no more than 46, 51 and 56.
    """
    assert cb.grim("19.4", sd="19.9", n=45, low=0, high=most).possible == (True,)


# What the code finds, as values and how many people have each.
SOUP = {0: 10, 1: 1, 15: 18, 16: 2}
REFILLED = {0: 5, 1: 1, 3: 3, 4: 1, 5: 1, 7: 1, 8: 1, 10: 1, 16: 9}
EXAMPLE = {1: 2, 2: 3, 3: 3, 6: 1, 7: 1}


@pytest.mark.parametrize(
    ("found", "mean", "sd", "low", "high"),
    [
        (SOUP, "9.8", "7.31", 0, 16),
        (REFILLED, "8.2", "6.91", 0, 16),
        (EXAMPLE, "3.00", "2.00", 1, 7),
    ],
)
def test_what_was_found_is_possible(
    found: dict[int, int], mean: str, sd: str, low: int, high: int
) -> None:
    data = np.repeat(list(found), list(found.values()))
    assert [data.mean(), data.std(ddof=1)] == as_printed(f"{mean} {sd}")
    assert cb.grim(mean, sd=sd, n=data.size, low=low, high=high).possible == (True,)


def test_ounces_of_soup() -> None:
    """9.8 with a standard deviation of 9.2 of 31 people cannot be where nobody is above 16.

    The code, which has 2 of them at 16 and the others at most at 15, comes no nearer than 7.31.
    The same with 8.2 and 6.9 of 23 people, and 9 at 16, can be.
    """
    found = cb.grim(["9.8", "8.2"], sd=["9.2", "6.9"], n=[31, 23], low=0, high=16)
    assert found.reason == ("high", "")
    assert 7.31 < found.sd_bounds[0][1] < 9.15


@pytest.mark.parametrize(
    ("mean", "n", "items", "least", "most"),
    [
        ("4.2", 5, 1, 0.45, 3.03),
        ("4.2", 5, 2, 0.27, 3.03),
        # rsprite2 takes 1 for exactly 1, here to two digits
        ("1.00", 100, 1, 0, 0),
    ],
)
def test_limits_of_rsprite2(mean: str, n: int, items: int, least: float, most: float) -> None:
    ((low, high),) = cb.grim(mean, n=n, items=items, low=1, high=7).sd_bounds
    assert (round(low, 2), round(high, 2)) == (least, most)
