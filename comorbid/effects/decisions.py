"""Decisions: what the overrides say about each row of a table, and which rows are taken."""

from __future__ import annotations

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

import numpy as np

from comorbid.checks import is_missing
from comorbid.effects.arrays import Mask
from comorbid.effects.formula import Measure
from comorbid.effects.overrides import Override
from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    from comorbid.studies.arrays import Arrays

Rows = Literal["primary", "all"]


def decisions_of(
    table: Arrays, measure: Measure, overrides: Sequence[Override]
) -> Mapping[str, frozenset[str]]:
    """Return the uses decided for each row, pooled or not; each must be possible and said once."""
    ids = set(table["estimate_id"])
    decisions: dict[str, set[str]] = {}
    problems = _impossible(table, measure, overrides)
    for override in overrides:
        if override.use in decisions.get(override.estimate, ()):
            message = f"override of {override.estimate}: {override.use!r} is said twice"
            problems.append(Problem(message, "keep one of them"))
        if override.estimate not in ids:
            near = difflib.get_close_matches(override.estimate, sorted(ids), 1)
            remedy = f"did you mean {near[0]}?" if near else "name an estimate_id of the table"
            problems.append(Problem(f"override of {override.estimate}: no such row", remedy))
        decisions.setdefault(override.estimate, set()).add(override.use)
    for estimate, uses in decisions.items():
        if len(uses - {"primary"}) > 1:
            problems.append(
                Problem(f"overrides of {estimate} contradict each other", "keep one of them")
            )
    if problems:
        raise DataError(problems)
    return {estimate: frozenset(uses) for estimate, uses in decisions.items()}


def _impossible(table: Arrays, measure: Measure, overrides: Sequence[Override]) -> list[Problem]:
    """Name the decisions that a row has no figures for, whether the row is pooled or not."""
    numbers = {"counts": list(measure.columns), "reported": ["estimate"]}
    remedies = {
        "counts": f"fill in its {inputs_in_words(measure)}",
        "reported": "fill in its interval",
    }
    problems = []
    for override in overrides:
        row = table.take(table["estimate_id"] == override.estimate)
        if override.use in numbers and row.rows:
            columns = [row.cells(name) for name in numbers[override.use] if name in row]
            complete = len(columns) == len(numbers[override.use])
            if not complete or any(is_missing(cell) for cells in columns for cell in cells):
                message = f"it says use {override.use!r} but the row has none"
                problems.append(
                    Problem(f"override of {override.estimate}: {message}", remedies[override.use])
                )
    return problems


def rows_to_use(table: Arrays, rows: Rows, decisions: Mapping[str, frozenset[str]]) -> Mask:
    """Return which rows are taken: the primary ones or all, less those excluded."""
    uses = [decisions.get(estimate, frozenset()) for estimate in table["estimate_id"]]
    studies = table["study_id"].tolist()
    promoted = Counter(study for study, use in zip(studies, uses, strict=True) if "primary" in use)
    if any(number > 1 for number in promoted.values()):
        raise DataError(
            [
                Problem(f"study {study}: two overrides make a row primary", "keep one of them")
                for study, number in promoted.most_common()
                if number > 1
            ]
        )
    keep = [
        "exclude" not in use
        and (rows == "all" or "primary" in use or (primary and study not in promoted))
        for study, use, primary in zip(studies, uses, table["primary"].tolist(), strict=True)
    ]
    return np.array(keep, dtype=bool)


def inputs_in_words(measure: Measure) -> str:
    """Return what a measure is computed from, in words."""
    return (
        "2x2 counts" if measure.columns == ("ai", "bi", "ci", "di") else ", ".join(measure.columns)
    )
