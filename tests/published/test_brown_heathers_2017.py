"""Brown NJL, Heathers JAJ (2017). The GRIM test.

Social Psychological and Personality Science 8:363-369, doi:10.1177/1948550616673876. The article
was not at hand. Read: its example 5.19 of 28 in the documentation of the R package rsprite2 0.2.1
(which gives 5.18 as the nearest); 5.93 of 49 in The Economist of 18 June 2016 on the preprint;
3.45 of 10 in Allard 2018 (below); 3.48 of 20 in Wikipedia, "GRIM test"; and what the R package
scrutiny prints in its README for means and percentages that its author made up (pigs1, pigs2).

GRIMMER: Anaya J (2016), doi:10.7287/peerj.preprints.2400v1, as Allard A (2018) made it analytic,
https://aurelienallard.netlify.app/post/anaytic-grimmer-possibility-standard-deviations/. Read: the
tests of rsprite2 0.2.1 and scrutiny (pigs5).

SPRITE: Heathers JA, Anaya J, van der Zee T, Brown NJL (2018), doi:10.7287/peerj.preprints.26968v1.
Read: the limits of standard deviations in the tests of rsprite2 0.2.1.
"""

from __future__ import annotations

import pytest

import comorbid as cb

MEANS = "7.22 4.74 5.23 2.57 6.77 2.68 7.01 7.38 3.14 6.89 5.00 0.24"
SDS = "5.30 6.55 2.55 2.57 2.18 2.59 6.68 3.65 5.32 4.18 2.18 6.43"
PERCENTAGES = "67.4 54.2 54.0 69.8 68.1 55.4"


@pytest.mark.parametrize(
    ("mean", "n", "possible"),
    [("5.19", 28, False), ("5.93", 49, False), ("3.45", 10, False), ("3.48", 20, False)],
)
def test_examples_of_the_authors(mean: str, n: int, possible: bool) -> None:
    assert cb.grim(mean, n=n).possible == (possible,)


def test_the_means_next_to_an_impossible_one() -> None:
    assert cb.grim("5.19", n=28).nearest == ((145 / 28, 146 / 28),)


def test_two_items() -> None:
    """rsprite2: 5.18 of 14 people with two items each, as of 28 with one."""
    assert cb.grim("5.18", n=14, items=2).possible == (True,)
    assert cb.grim("5.18", n=14).possible == (False,)


def test_means_of_scrutiny() -> None:
    means = MEANS.split()
    sizes = [32, 25, 29, 24, 27, 28, 29, 26, 27, 31, 25, 28]
    consistent = {"7.22", "2.68", "7.38", "5.00"}
    found = cb.grim(means, n=sizes)
    assert {mean for mean, can in zip(means, found.possible, strict=True) if can} == consistent


def test_percentages_of_scrutiny() -> None:
    found = cb.grim(PERCENTAGES.split(), n=150, unit="percent")
    assert found.possible == (False, False, True, False, False, False)


def test_standard_deviations_of_scrutiny() -> None:
    """The third fails by the parity of the sum of squares, scrutiny's "test 3"."""
    means = MEANS.split()
    found = cb.grim(means, sd=SDS.split(), n=[38, 31, 35, 30, 33, 34, 35, 32, 33, 37, 31, 34])
    reasons = {"7.22": "mean", "5.23": "squares", "6.77": "mean", "7.01": "mean", "3.14": "mean"}
    assert found.reason == tuple(reasons.get(mean, "") for mean in means)


def test_standard_deviations_of_rsprite2() -> None:
    found = cb.grim(["5.21", "3.44"], sd=["1.6", "2.47"], n=[28, 18])
    assert found.reason == ("", "squares")


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
