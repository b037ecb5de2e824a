"""Chronic against episodic headache within studies: variances, versions, and bad input."""

from __future__ import annotations

import itertools
import math
from pathlib import Path

import pytest
from chronic_tables import ASHINA, OTHER, YOON, report, values

import comorbid as cb


def variance(low: float, high: float) -> float:
    return (math.log(high / low) / 2 / 1.959963984540054) ** 2


def test_ashinas_contrast_over_the_whole_range_of_the_covariance(tmp_path: Path) -> None:
    """Log 1.9/1.7; v1 + v2 with a covariance of 0, v1 + v2 - 2 (min(v) - 4/n) with the largest."""
    (found,) = values(report(tmp_path, *ASHINA, OTHER), "chronic-against-episodic")["contrasts"]
    episodic, chronic = variance(1.2, 2.5), variance(0.8, 4.5)
    assert (found["chronic"], found["episodic"]) == ("a-2", "a-1")
    assert found["difference"] == pytest.approx(math.log(1.9 / 1.7), rel=1e-9)
    assert not found["reconstructed"]
    largest = min(episodic, chronic) - 4 / 796
    expected = [episodic + chronic - 2 * share * largest for share in (0, 0.5, 1)]
    assert found["variances"] == pytest.approx(expected, rel=1e-9)
    assert found["covariances"] == ["covariance 0", "half the largest", "covariance largest"]


def test_every_pair_of_every_study_is_pooled_with_every_covariance(tmp_path: Path) -> None:
    """One pair of Ashina, four of Yoon, three covariances each: 3 x 12 = 36 pools."""
    found = values(report(tmp_path, *ASHINA, *YOON, OTHER), "chronic-against-episodic")
    pairs = [(entry["chronic"], entry["episodic"]) for entry in found["contrasts"]]
    assert pairs[0] == ("a-2", "a-1")
    assert set(pairs[1:]) == set(itertools.product(("y-3", "y-4"), ("y-1", "y-2")))
    ratios = [math.exp(entry["difference"]) for entry in found["contrasts"][1:]]
    assert ratios == pytest.approx([13.7 / 2.7, 13.7 / 2.1, 18.3 / 2.7, 18.3 / 2.1], rel=1e-9)
    options = [
        [(entry["difference"], v) for entry in own for v in entry["variances"]]
        for own in (found["contrasts"][:1], found["contrasts"][1:])
    ]
    fits = [
        cb.pool(cb.Effects(yi=[y1, y2], vi=[v1, v2]))
        for (y1, v1), (y2, v2) in itertools.product(*options)
    ]
    pooled = found["pooled"]
    assert (pooled["versions"], pooled["k"]) == (len(fits), 2) == (36, 2)
    expected = {
        "estimate": [fit.estimate for fit in fits],
        "ci_low": [fit.ci[0] for fit in fits],
        "ci_high": [fit.ci[1] for fit in fits],
        "tau2": [fit.tau2 for fit in fits],
    }
    for name, values_ in expected.items():
        assert pooled[name] == pytest.approx([min(values_), max(values_)], rel=1e-9)


def test_printed_counts_give_the_variance_of_the_direct_comparison(tmp_path: Path) -> None:
    """Crude odds ratios from counts: 1/a1 + 1/b1 + 1/a2 + 1/b2 (Woolf), the reference cancels."""
    rows = (
        "c-1,c,,,,,episodic,,,60,50,140,250,500,yes\n",
        "c-2,c,,,,,chronic,,,20,50,30,250,350,no\n",
    )
    (found,) = values(report(tmp_path, *rows, OTHER), "chronic-against-episodic")["contrasts"]
    assert found["difference"] == pytest.approx(math.log((20 / 30) / (60 / 140)), rel=1e-9)
    assert found["reconstructed"]
    direct = 1 / 20 + 1 / 30 + 1 / 60 + 1 / 140
    assert found["covariances"] == ["Greenland and Longnecker", "Hamling"]
    assert found["variances"] == pytest.approx([direct, direct], rel=1e-6)


def test_counts_that_cannot_have_the_ratios_name_their_rows(tmp_path: Path) -> None:
    """A risk ratio of 5 with 20 cases in 21 people: the fitted cases would be more than 21."""
    rows = (
        "c-1,c,RR,5.0,2.0,12.5,episodic,,,20,30,1,70,121,yes\n",
        "c-2,c,RR,1.5,0.8,2.8,chronic,,,20,30,30,70,150,no\n",
    )
    other = OTHER.replace(",OR,", ",RR,")
    with pytest.raises(cb.ReportError, match=r"c-2 and c-1: no counts.*leave out those of c-2"):
        report(tmp_path, *rows, other, more='measure = "RR"')


def test_counts_against_two_references_are_not_used(tmp_path: Path) -> None:
    rows = (
        "c-1,c,,,,,episodic,,,60,50,140,250,500,yes\n",
        "c-2,c,,,,,chronic,,,20,51,30,250,350,no\n",
    )
    (found,) = values(report(tmp_path, *rows, OTHER), "chronic-against-episodic")["contrasts"]
    assert not found["reconstructed"]


def test_two_equal_variances_without_people_leave_out_the_covariance_that_fits_neither(
    tmp_path: Path,
) -> None:
    """With equal variances and no n the largest covariance would make the difference exact."""
    rows = (
        "c-1,c,OR,2,1,4,episodic,,,,,,,,yes\n",
        "c-2,c,OR,3,1.5,6,chronic,,,,,,,,no\n",
    )
    (found,) = values(report(tmp_path, *rows, OTHER), "chronic-against-episodic")["contrasts"]
    assert found["covariances"] == ["covariance 0", "half the largest"]


@pytest.mark.parametrize("rows", [(), ASHINA[:1], ASHINA[1:]])
def test_without_a_study_of_both_there_is_no_contrast(rows: tuple[str], tmp_path: Path) -> None:
    found = values(report(tmp_path, *rows, OTHER), "chronic-against-episodic")
    assert (found["contrasts"], found["pooled"]) == ([], None)


def test_a_row_that_a_decision_excludes_is_not_compared(tmp_path: Path) -> None:
    more = '[[override]]\nestimate = "y-4"\nuse = "exclude"\nreason = "No."\n'
    found = values(report(tmp_path, *YOON, OTHER, more=more), "chronic-against-episodic")
    assert [entry["chronic"] for entry in found["contrasts"]] == ["y-3", "y-3"]


def test_the_order_of_rows_changes_no_number(tmp_path: Path) -> None:
    one = values(report(tmp_path / "1", *ASHINA, *YOON, OTHER), "chronic-against-episodic")
    rows = (OTHER, *reversed(YOON), *reversed(ASHINA))
    two = values(report(tmp_path / "2", *rows), "chronic-against-episodic")
    for name in ("estimate", "ci_low", "ci_high"):
        assert one["pooled"][name] == pytest.approx(two["pooled"][name], rel=1e-9)


def test_a_table_without_headache_and_a_measure_that_is_no_ratio_are_refused(
    tmp_path: Path,
) -> None:
    with pytest.raises(cb.ReportError, match="compared by ratios"):
        report(tmp_path, "c-1,c,,,,,episodic,,,60,50,140,250,500,yes\n", more='measure = "RD"\n')
    path = tmp_path / "studies.csv"
    path.write_text("study_id,measure,estimate,ci_low,ci_high\na,OR,2,1,4\nb,OR,3,1,9\n")
    (tmp_path / "report.toml").write_text(
        (tmp_path / "report.toml").read_text().replace('measure = "RD"', "")
    )
    with pytest.raises(cb.ReportError, match="no column headache"):
        cb.build(tmp_path)
