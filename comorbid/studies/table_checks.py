"""Checks of a whole table: whose rows they are, and what its review says of them."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

import pandas as pd

from comorbid.studies.finding import Finding, Repair, Severity
from comorbid.studies.table import Studies


def several_rows(studies: Studies) -> Iterator[Finding]:
    """Find studies that have several rows."""
    frame = studies.frame
    size = frame["study_id"].value_counts(sort=False)
    several = {str(study): int(rows) for study, rows in size.items() if rows > 1}
    if not several:
        return
    rows = tuple(frame.loc[frame["study_id"].isin(several), "estimate_id"])
    in_pool = frame.loc[frame["primary"], "study_id"].value_counts()
    clash = [study for study in several if in_pool.get(study, 0) > 1]
    found = "Several rows are about the same people: " + ", ".join(
        f"{study} has {count}" for study, count in several.items()
    )
    expected = "A pool takes one row of each study; rows about the same people are not independent."
    if clash:
        remedy = "Add a column primary with yes on one row of each study and no on the others."
        found += f"; more than one row is in the main pool for {', '.join(clash)}"
    else:
        remedy = "Keep to the primary rows in a pool; use the others for subgroups one at a time."
    severity: Severity = "warning" if clash else "note"
    repairs = tuple(_one_of_each(frame, clash, keep) for keep in ("first", "last") if clash)
    yield Finding("several-rows-per-study", severity, rows, expected, found + ".", remedy, repairs)


def _one_of_each(frame: pd.DataFrame, clash: list[str], keep: Literal["first", "last"]) -> Repair:
    """Return that one row of each study is pooled; which of them, only the paper can say."""
    pooled = frame[frame["primary"] & frame["study_id"].isin(clash)]
    out = tuple(pooled.loc[pooled["study_id"].duplicated(keep=keep), "estimate_id"])
    return Repair(f"with the {keep} row of each study alone", exclude=out)


def incomplete_coverage(studies: Studies) -> Iterator[Finding]:
    """Find that the table holds fewer studies than its review."""
    if studies.review is None:
        return
    coverage = studies.review.coverage(studies)
    if coverage.studies >= coverage.of_studies:
        return
    yield Finding(
        "incomplete-coverage",
        "warning",
        (),
        "It should hold every study of the review.",
        f"The table holds {coverage.summary()}.",
        "Say so beside every pooled value.",
    )


def not_pooled(studies: Studies) -> Iterator[Finding]:
    """Find that the authors of the review did not pool its studies."""
    if studies.review is None or studies.review.pooled_by_authors:
        return
    reason = studies.review.why_not_pooled
    why = f' and gave the reason: "{reason}"' if reason else ", without a reason on record."
    yield Finding(
        "not-pooled-by-authors",
        "warning",
        (),
        "The authors of a review pool its studies where they find that this makes sense.",
        f"The authors of the review (doi:{studies.review.doi}) did not pool its studies{why}",
        "Say so beside every pooled value, and lead with the prediction interval.",
    )


def outside_range(studies: Studies) -> Iterator[Finding]:
    """Find odds ratios beyond the range that the review says its studies have."""
    review = studies.review
    if review is None or review.lowest_odds_ratio is None or review.highest_odds_ratio is None:
        return
    low, high = review.lowest_odds_ratio.estimate, review.highest_odds_ratio.estimate
    frame, printed = studies.frame, studies.printed["estimate"]
    beyond = (frame["measure"] == "OR") & ~frame["estimate"].between(low, high)
    beyond &= frame["estimate"].notna()
    if beyond.any():
        values = [f"{row} {text}" for row, text in zip(frame["estimate_id"], printed, strict=True)]
        named = ", ".join(value for value, out in zip(values, beyond, strict=True) if out)
        yield Finding(
            "outside-review-range",
            "note",
            tuple(frame.loc[beyond, "estimate_id"]),
            f"The review says that odds ratios are between {low:g} and {high:g}.",
            f"Outside the range of the review: {named}.",
            "Find out whether the review counts these rows, and say so where its range is quoted.",
        )
