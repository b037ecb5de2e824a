"""Checks of a whole table: whose rows they are, and what its review says of them."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np

from comorbid.studies.finding import Finding, Repair, Severity
from comorbid.studies.table import Studies

_CELLS = ("ai", "bi", "ci", "di")


def several_rows(studies: Studies) -> Iterator[Finding]:
    """Find studies that have several rows."""
    arrays = studies.arrays
    ids = list(zip(arrays["study_id"], arrays["estimate_id"], strict=True))
    size = Counter(arrays["study_id"])
    several = {study: rows for study, rows in size.items() if rows > 1}
    if not several:
        return
    rows = tuple(row for study, row in ids if study in several)
    in_pool = Counter(arrays["study_id"][arrays["primary"]])
    clash = [study for study in several if in_pool[study] > 1]
    found = "Several rows are about the same people: " + ", ".join(
        f"{study} has {count}" for study, count in several.items()
    )
    expected = "A pool takes one row of each study; rows about the same people are not independent."
    if clash:
        remedy = (
            "Add a column primary with yes on one row of each study and no on the others; or pool "
            f"all rows as dependent as they are, in a multilevel model: {_multilevel(studies)}."
        )
        found += f"; more than one row is in the main pool for {', '.join(clash)}"
    else:
        remedy = "Keep to the primary rows in a pool; use the others for subgroups one at a time."
    severity: Severity = "warning" if clash else "note"
    pooled = [
        (study, row)
        for (study, row), primary in zip(ids, arrays["primary"], strict=True)
        if primary and in_pool[study] > 1
    ]
    repairs = tuple(_one_of_each(pooled, keep) for keep in ("first", "last") if clash)
    yield Finding("several-rows-per-study", severity, rows, expected, found + ".", remedy, repairs)


def _multilevel(studies: Studies) -> str:
    """Return what pools several rows a study; 0.6 is the correlation assumed of their errors."""
    arrays = studies.arrays
    measures = Counter(name for name in arrays["measure"] if name)
    if not measures and np.isfinite([arrays[name] for name in _CELLS]).all(axis=0).any():
        measures["OR"] = 1
    measure = f'"{measures.most_common(1)[0][0]}"' if measures else "measure"
    code = f'cb.che(cb.effects(studies, measure={measure}, rows="all"), rho=0.6)'
    return code if measures else f'{code}, with the id of your measure, such as "SMD"'


def _one_of_each(pooled: Sequence[tuple[str, str]], keep: str) -> Repair:
    """Return that one row of each study is pooled; which of them, only the paper can say."""
    kept = set(dict(pooled if keep == "last" else reversed(pooled)).values())
    out = tuple(row for _, row in pooled if row not in kept)
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
    arrays, printed = studies.arrays, studies.digits["estimate"]
    beyond = (arrays["measure"] == "OR") & (
        (arrays["estimate"] < low) | (arrays["estimate"] > high)
    )
    if beyond.any():
        values = zip(arrays["estimate_id"][beyond], printed[beyond], strict=True)
        named = ", ".join(f"{row} {text}" for row, text in values)
        yield Finding(
            "outside-review-range",
            "note",
            tuple(arrays["estimate_id"][beyond]),
            f"The review says that odds ratios are between {low:g} and {high:g}.",
            f"Outside the range of the review: {named}.",
            "Find out whether the review counts these rows, and say so where its range is quoted.",
        )
