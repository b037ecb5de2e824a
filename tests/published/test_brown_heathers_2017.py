"""Brown NJL, Heathers JAJ (2017). The GRIM test.

Social Psychological and Personality Science 8:363-369, doi:10.1177/1948550616673876.
Read: in a copy of the page at its publisher the abstract and the opening of the article (answers
from 1 to 7 by 28 and 27 people); not the rest, and so not what it says of the example. That 5.19 of
28 is impossible and 5.18 is the nearest is in the documentation of the R package rsprite2 0.2.1.
Ages of 12 people from Heathers' account of the test, medium.com 23 May 2016, as quoted by
K. Koehntopp, 27 February 2017; 5.93 of 49 in The Economist of 18 June 2016 on the preprint; 3.45 of
10 in Allard 2018 (below); 3.48 of 20 in Wikipedia, "GRIM test"; and what the R package scrutiny
prints in its README for means and percentages that its author made up (pigs1, pigs2).

GRIMMER: Anaya J (2016), doi:10.7287/peerj.preprints.2400v1, as Allard A (2018) made it analytic,
https://aurelienallard.netlify.app/post/anaytic-grimmer-possibility-standard-deviations/. Read: the
tests of rsprite2 0.2.1 and scrutiny (pigs5).
"""

from __future__ import annotations

import pytest
from printed import as_printed

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


def test_the_example_of_the_article() -> None:
    """Its opening, so page 363: 5.19 (SD 1.34) of 28 people and 3.86 (SD 1.41) of 27, from 1 to 7.

    Next to 5.19 are 145 / 28, 5.18, and 146 / 28, 5.21; next to 3.86 are 104 / 27, 3.85, and
    105 / 27, 3.89.
    """
    found = cb.grim(["5.19", "3.86"], sd=["1.34", "1.41"], n=[28, 27], low=1, high=7)
    assert found.possible == (False, False)
    assert found.reason == ("mean", "mean")
    assert found.nearest == ((145 / 28, 146 / 28), (104 / 27, 105 / 27))
    assert [x for pair in found.nearest for x in pair] == as_printed("5.18 5.21 3.85 3.89")
    assert cb.grim(["5.18", "5.21", "3.85", "3.89"], n=[28, 28, 27, 27]).possible == (True,) * 4


def test_the_age_of_twelve_people() -> None:
    """Their ages sum to 251, a mean of 20.92; one birthday later it is 21 exactly."""
    ages = [17, 19, 19, 20, 20, 21, 21, 21, 21, 22, 24, 26]
    assert sum(ages) / 12 == as_printed("20.92")
    assert cb.grim(["20.92", "21.00"], n=12).possible == (True, True)
    between = cb.grim([f"20.{cents}" for cents in range(93, 100)], n=12)
    assert not any(between.possible)
    assert set(between.nearest) == {(251 / 12, 21.0)}


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
