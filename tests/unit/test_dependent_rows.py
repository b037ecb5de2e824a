"""All rows of a subgroup, several of one study: the model, and what is said of it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

import comorbid as cb
from comorbid.dependent_rows import DependentRows
from comorbid.document.sections.dependent_rows import dependent_rows_blocks
from comorbid.studies.read import studies_from_bytes

WHERE = {"kind": ["x"]}
Row = tuple[str, float, float]
"""A study, an odds ratio, and the standard error of its logarithm."""


def table(rows: Sequence[Row]) -> cb.Studies:
    """Rows made up for the wording, and two of another kind."""
    lines = ["study_id,estimate_id,measure,estimate,se,kind,primary"]
    seen: set[str] = set()
    for i, (study, ratio, se) in enumerate([*rows, ("o1", 2.0, 0.2), ("o2", 2.0, 0.3)]):
        primary = "no" if study in seen else "yes"
        seen.add(study)
        kind = "other" if study in ("o1", "o2") else "x"
        lines.append(f"{study},{study}-{i},OR,{ratio!r},{se},{kind},{primary}")
    return studies_from_bytes("\n".join(lines).encode(), source="made up")


def found(rows: Sequence[Row], **settings: Any) -> tuple[DependentRows, str]:
    """The result, and all that is printed about it."""
    studies = table(rows)
    result = cb.dependent_rows(studies, where=WHERE, label="pain", **settings)
    one = cb.against_rest(studies, where=WHERE, label="pain").fit
    return result, printed(result, one)


def printed(result: DependentRows, one: cb.Fit | None) -> str:
    """All that is printed, a table row by row."""
    return " ".join(
        "; ".join(" | ".join(row) for row in (block.header, *block.rows)) + f" {block.note}"
        if isinstance(block, cb.Table)
        else str(block.text)
        for block in dependent_rows_blocks(result, one=one)
    )


def several(ratios: Sequence[float], spread: float = 0.0, se: float = 0.1) -> list[Row]:
    """Two rows a study, the first at the ratio, the second further by ``spread`` in its log."""
    return [
        (f"s{i}", float(ratio * np.exp(shift)), se)
        for i, ratio in enumerate(ratios)
        for shift in (0.0, spread)
    ]


def test_it_is_the_model_of_correlated_and_hierarchical_effects() -> None:
    result, _ = found(several([1.5, 2.0, 2.2, 3.0, 1.2, 1.9], 0.2))
    assert result.effects is not None
    assert result.robust is not None
    for rho, fit in [(0.6, result.robust), *result.others]:
        by_hand = cb.che(result.effects, rho=rho)
        assert fit.to_frame().equals(by_hand.to_frame())
    assert [rho for rho, _ in result.others] == [0.2, 0.8]
    assert result.to_frame().index.tolist() == [0.6, 0.2, 0.8]


COUNTS = """study_id,estimate_id,ai,bi,ci,di,kind,primary
a,a1,20,80,10,90,x,yes
a,a2,30,70,10,90,x,no
b,b1,12,60,15,80,x,yes
b,b2,25,64,15,80,x,no
c,c1,9,40,11,90,x,yes
c,c2,15,40,17,80,x,no
"""


def test_a_shared_group_gives_the_covariance() -> None:
    # Crude log odds ratios against one group have its variance in common: 1/c + 1/d
    # (Greenland and Longnecker 1992, p. 1302). c's rows have none in common.
    studies = studies_from_bytes(COUNTS.encode(), source="made up")
    result = cb.dependent_rows(studies, where=WHERE)
    assert result.effects is not None
    assert result.robust is not None
    v = np.diag(result.effects.vi)
    v[0, 1] = v[1, 0] = 1 / 10 + 1 / 90
    v[2, 3] = v[3, 2] = 1 / 15 + 1 / 80
    v[4, 5] = v[5, 4] = 0.6 * np.sqrt(v[4, 4] * v[5, 5])
    by_hand = cb.robust(cb.multilevel(result.effects, V=v))
    assert result.robust.estimate == pytest.approx(by_hand.estimate, rel=1e-9)
    assert result.robust.ci == pytest.approx(by_hand.ci, rel=1e-9)
    assert len(result.shared) == 2
    one = cb.against_rest(studies, where=WHERE).fit
    text = printed(result, one)
    assert "all | 0.6 |" in text
    assert "Where counts give the covariance, it is that." in text
    assert "The covariances of a and b follow from the counts of a group that their rows" in text
    assert "in other studies their sampling errors are taken to be correlated by 0.6." in text


def test_covariances_that_all_follow_from_counts_have_no_others() -> None:
    lines = [line for line in COUNTS.split() if not line.startswith("c,")]
    studies = studies_from_bytes("\n".join(lines).encode(), source="made up")
    result = cb.dependent_rows(studies, where=WHERE)
    text = printed(result, cb.against_rest(studies, where=WHERE).fit)
    assert text.count("; all | from counts | ") == 1
    assert text.count("; all | ") == 1


def shared_of(rows: Sequence[str], n: str = "") -> tuple[str, ...]:
    """The studies whose covariances follow from counts, in `COUNTS` with other rows of study b."""
    lines = COUNTS.split()
    text = "\n".join([f"{lines[0]},n", *(f"{line}," for line in (*lines[1:3], *lines[5:]))])
    text += "".join(f"\n{row},{n}" for row in rows)
    studies = studies_from_bytes(text.encode(), source="made up")
    return cb.dependent_rows(studies, where=WHERE).shared


def test_the_same_people_twice_share_more_than_a_reference() -> None:
    # Two estimates of one table, such as a crude and an adjusted one, are no two levels.
    assert len(shared_of(["b,b1,12,60,15,80,x,yes", "b,b2,12,60,15,80,x,no"])) == 1
    assert len(shared_of(["b,b1,12,60,15,80,x,yes", "b,b2,12,61,15,80,x,no"])) == 2


def test_levels_with_more_people_than_the_study_are_not_apart() -> None:
    # b has 72 + 89 people at two levels and 95 at the reference.
    rows = ["b,b1,12,60,15,80,x,yes", "b,b2,25,64,15,80,x,no"]
    assert [len(shared_of(rows, n)) for n in ("", "256", "255")] == [2, 2, 1]


def test_an_odds_ratio_may_share_the_other_way_round() -> None:
    turned = "\n".join(
        ",".join((*row[:2], row[2], row[4], row[3], *row[5:]))
        for row in (line.split(",") for line in COUNTS.split())
    ).replace("ci,bi", "bi,ci", 1)
    way, other = (
        cb.dependent_rows(studies_from_bytes(text.encode(), source="made up"), where=WHERE)
        for text in (COUNTS, turned)
    )
    assert way.robust is not None
    assert other.robust is not None
    assert len(other.shared) == 2
    assert other.robust.estimate == pytest.approx(way.robust.estimate, rel=1e-9)


def test_no_study_with_several_rows() -> None:
    result, text = found([("a", 2.0, 0.1), ("b", 3.0, 0.1)])
    assert (result.robust, result.reason) == (None, "No study has several rows.")
    assert text == (
        "No study has several rows on pain: the pool of one row a study leaves none out."
    )


@pytest.mark.parametrize("rows", [[], [("a", 2.0, 0.1)]])
def test_none_or_one_row(rows: list[Row]) -> None:
    result, text = found(rows)
    assert (result.robust, result.k) == (None, len(rows))
    assert bool(text) == bool(rows)


def test_several_rows_of_one_study_are_not_averaged() -> None:
    result, text = found([("a", 2.0, 0.1), ("a", 3.0, 0.1)])
    assert result.robust is None
    assert text == (
        "All rows of each study 1 study has 2 rows on pain. All rows are of one study. There is "
        "no average of all of them that allows for their dependence."
    )


def test_two_studies_are_too_few_to_rely_on() -> None:
    result, text = found(several([2.0, 3.0], 0.1))
    assert result.robust is not None
    assert result.robust.df.item() < 4
    assert "2 studies have 4 rows on pain; 2 have several" in text
    assert "rests on 1.0 degrees of freedom. Below 4 it cannot be relied on" in text
    assert "cannot be told from so few studies" in text
    assert "within the other's interval" not in text
    assert re.search(r"of all rows is [0-9.]+; of one row a study it is [0-9.]+\. What", text)
    assert re.search(r"; one a study \| – \| [0-9.]+ \| [<0-9.]+ to [0-9.]+ \| 1;", text)
    assert re.search(r"; all \| 0\.2 \| [0-9.]+ \| [<0-9.]+ to [0-9.]+ \| 1\.0;", text)


def test_many_studies_whose_rows_agree() -> None:
    result, text = found(several([1.5, 2.0, 2.2, 3.0, 1.2, 1.9, 2.5, 1.7], 0.05))
    assert result.robust is not None
    assert result.robust.df.item() > 4
    assert "degrees of freedom" not in text
    assert "cluster-robust intervals" in text
    assert "Each average lies within the other's interval" in text
    assert "their sampling errors are taken to be correlated by 0.6." in text
    own = [f"{np.exp(x.item()):.2f}" for x in (result.robust.ci_low, result.robust.ci_high)]
    assert re.search(rf"; all \| 0\.6 \| [0-9.]+ \| {own[0]} to {own[1]} \| 7\.0;", text)
    assert all(f"; all | {rho} | " in text for rho in (0.2, 0.6, 0.8))


@pytest.mark.parametrize("spread", [2.0, -2.0])
def test_rows_that_differ(spread: float) -> None:
    _, text = found(several([1.9, 2.0, 2.1, 2.05, 1.95, 2.0, 2.0, 2.1], spread))
    assert "Each average lies outside the other's interval: the result depends on which" in text


@pytest.mark.parametrize("turned", [1, -1])
def test_an_average_outside_one_of_the_intervals(turned: int) -> None:
    first, second = [1.0, 4.0, 1.5, 3.0, 2.0, 1.0, 4.0, 2.0], [2.6, 2.8, 2.7] * 3
    pairs = zip(first, second, strict=False)
    rows = [
        (f"s{i}", float(ratio**turned), se)
        for i, (one, other) in enumerate(pairs)
        for ratio, se in ((one, 0.5), (other, 0.05))
    ]
    _, text = found(rows)
    assert "The average of one row a study lies outside the interval of all rows" in text
    assert "the choice of rows may matter" in text


@pytest.mark.parametrize(
    ("ratio", "spread", "which"),
    [(1.0, 0.6, "one row a study"), (1.35, -0.6, "all rows"), (1 / 1.35, 0.6, "all rows")],
)
def test_one_interval_alone_includes_no_association(
    ratio: float, spread: float, which: str
) -> None:
    rows = several(ratio * np.array([0.9, 1.0, 1.1, 1.02, 0.98, 1.0, 0.95, 1.05]), spread)
    _, text = found(rows)
    assert f"Only the interval of {which} includes 1, no association." in text


def test_wide_intervals_print() -> None:
    _, text = found(several([0.01, 1.0, 100.0, 0.1, 10.0, 1.0], 0.1, se=5.0))
    assert "nan" not in text
    assert "inf" not in text


def test_rows_without_an_effect_are_left_out() -> None:
    with_gap = (
        "study_id,estimate_id,measure,estimate,se,kind\n"
        "a,1,OR,2,0.1,x\na,2,OR,,,x\nb,3,OR,3,0.1,x\n"
    )
    studies = studies_from_bytes(with_gap.encode(), source="made up")
    with pytest.warns(cb.DataWarning):
        assert cb.dependent_rows(studies, where=WHERE).k == 2


@pytest.mark.parametrize("rho", [-0.1, 1.0, "half"])
def test_a_correlation_out_of_range(rho: Any) -> None:
    with pytest.raises(cb.ModelError, match=r"a correlation is .*; give a number from 0"):
        cb.dependent_rows(table([]), where=WHERE, rho=rho)
