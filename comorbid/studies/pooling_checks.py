"""Checks of what the main pool puts together: measures, adjustments, and people counted twice."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from itertools import chain, combinations
from typing import Any

from comorbid.studies.columns import GROUP_COLUMNS
from comorbid.studies.finding import Finding, Repair
from comorbid.studies.table import Studies

Cells = Mapping[str, Any]

ENOUGH_DIGITS, MANY_DIGITS = 5, 7
"""Significant digits that two rows must share to be told of, and to be no chance.

No two rows of the 11 sets of 2x2 tables in tests/golden have the same counts, of however few
digits; rare events in groups of the same size could.
"""

NEAR_YEARS = 5
"""Years between two publications that may be about the same people."""

_CO_AUTHORS = re.compile(r",| et al| and | & ")
_ADJUSTED, _CRUDE = ("adjust", "multivari"), ("crude", "unadjust", "univari")


def mixed_measures(studies: Studies) -> Iterator[Finding]:
    """Find that the main pool has estimates of several measures.

    An odds ratio is farther from 1 than the risk ratio of the same people, the more so the more
    common the outcome.
    """
    rows = [row for row in _pooled(studies) if row["measure"] and not math.isnan(row["estimate"])]
    measures = Counter(row["measure"] for row in rows).most_common()
    if len(measures) < 2:
        return
    others = tuple(row["estimate_id"] for row in rows if row["measure"] != measures[0][0])
    counted = ", ".join(f"{measure} on {count}" for measure, count in measures)
    yield Finding(
        "mixed-measures",
        "warning",
        others,
        "A pool holds one measure: an odds ratio is not a risk ratio.",
        f"Of the {len(rows)} rows of the main pool with an estimate the measure is {counted}.",
        f"Use counts, convert, or take {', '.join(others)} out of the main pool.",
    )


def mixed_adjustment(studies: Studies) -> Iterator[Finding]:
    """Find that the main pool has crude and adjusted estimates."""
    rows = [row for row in _pooled(studies) if not math.isnan(row["estimate"])]
    adjusted, crude = (
        tuple(r["estimate_id"] for r in rows if _says(r, words)) for words in (_ADJUSTED, _CRUDE)
    )
    if not adjusted or not crude:
        return
    unclear = len(rows) - len(adjusted) - len(crude)
    found = f"The main pool has {len(adjusted)} adjusted and {len(crude)} crude estimates"
    say = "says" if unclear == 1 else "say"
    found += f"; {unclear} of the {len(rows)} {say} neither." if unclear else "."
    repairs = [
        Repair(f"by leaving out the {name} estimates ({', '.join(out)})", exclude=out)
        for name, out in (("crude", crude), ("adjusted", adjusted))
        if len(rows) - len(out) > 1
    ]
    yield Finding(
        "mixed-adjustment",
        "note",
        min(adjusted, crude, key=len),
        "Crude and adjusted estimates answer different questions, and a pool of both mixes them.",
        found,
        "Pool them apart as well, and say so.",
        repairs=tuple(repairs),
    )


def same_figures(studies: Studies) -> Iterator[Finding]:
    """Find rows of different studies in the main pool that have the same figures.

    The counts of a row, or its means, or else its estimate with interval and n, must all be the
    same. With 5 or 6 significant digits in all of them chance could explain it (note), with 7 or
    more hardly (warning).
    """
    seen: dict[tuple[float, ...], list[Cells]] = {}
    for row in _pooled(studies):
        figures = _figures(row)
        if sum(map(_digits, figures)) >= ENOUGH_DIGITS:
            seen.setdefault(figures, []).append(row)
    for figures, rows in seen.items():
        if len({row["study_id"] for row in rows}) < 2:
            continue
        ids = tuple(row["estimate_id"] for row in rows)
        said = ", ".join(f"{figure:.10g}" for figure in figures)
        yield Finding(
            "same-figures",
            "warning" if sum(map(_digits, figures)) >= MANY_DIGITS else "note",
            ids,
            "Different people give different figures.",
            f"{_listed([row['label'] for row in rows])} have the same figures: {said}.",
            "Look whether these are the same people; a pool takes one row about them.",
            repairs=(Repair(f"by leaving out {', '.join(ids[1:])}", exclude=ids[1:]),),
        )


def same_people(studies: Studies) -> Iterator[Finding]:
    """Find rows of different studies in the main pool that may be about the same people.

    The first author is the same, and either the country, with years at most 5 apart, or n.
    """
    by_author: dict[str, list[Cells]] = {}
    for row in _pooled(studies):
        by_author.setdefault(_CO_AUTHORS.split(_text(row, "author"))[0], []).append(row)
    by_author.pop("", None)
    for one, other in chain.from_iterable(combinations(rows, 2) for rows in by_author.values()):
        if one["study_id"] == other["study_id"]:
            continue
        near = abs(_number(one, "year") - _number(other, "year")) <= NEAR_YEARS
        shared = ["the first author"]
        shared += ["the country"] if near and _same(one, other, "country") else []
        shared += ["n"] if _number(one, "n") == _number(other, "n") else []
        if len(shared) < 2:
            continue
        ids = (one["estimate_id"], other["estimate_id"])
        yield Finding(
            "same-people",
            "note",
            ids,
            "The studies of a pool are about different people.",
            f"{one['label']} and {other['label']} share {_listed(shared)}.",
            "Look whether people are in both; a pool takes one row about them.",
            repairs=tuple(Repair(f"by leaving out {row}", exclude=(row,)) for row in ids),
        )


def _pooled(studies: Studies) -> list[Cells]:
    return list(studies.arrays.take(studies.arrays["primary"]).records())


def _says(row: Cells, words: tuple[str, ...]) -> bool:
    return _text(row, "adjustment").startswith(words)


def _figures(row: Cells) -> tuple[float, ...]:
    """The figures of a row that everything else about it follows from; empty if incomplete."""
    counts = ("ai", "bi", "ci", "di")
    means = tuple(name for names in GROUP_COLUMNS[:2] for name in names)
    interval = ("estimate", "ci_low", "ci_high", "n")
    error = ("estimate", "se", "n")
    for names in (counts, means, interval, interval[:3], error, error[:2]):
        figures = tuple(_number(row, name) for name in names)
        if not any(map(math.isnan, figures)):
            return figures
    return ()


def _digits(number: float) -> int:
    """Return the significant digits of a number, without zeros at its ends."""
    return len(f"{abs(number):.15g}".split("e")[0].replace(".", "").strip("0"))


def _same(one: Cells, other: Cells, name: str) -> bool:
    return bool(_text(one, name)) and _text(one, name) == _text(other, name)


def _text(row: Cells, name: str) -> str:
    value = row.get(name, "")
    return " ".join(value.split()).casefold() if isinstance(value, str) else ""


def _number(row: Cells, name: str) -> float:
    value = row.get(name, math.nan)
    return value if isinstance(value, float) else math.nan


def _listed(words: Sequence[str]) -> str:
    return " and ".join([", ".join(words[:-1]), words[-1]] if len(words) > 1 else words)
