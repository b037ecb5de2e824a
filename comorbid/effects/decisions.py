"""Decisions: what the overrides say about each row of a table, and which rows are taken."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal

from comorbid.effects.formula import Measure
from comorbid.effects.overrides import Override
from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    import pandas as pd

Rows = Literal["primary", "all"]


def decisions_of(
    frame: pd.DataFrame, measure: Measure, overrides: Sequence[Override]
) -> Mapping[str, frozenset[str]]:
    """Return the uses decided for each row, pooled or not; each must be possible and said once."""
    ids = set(frame["estimate_id"])
    decisions: dict[str, set[str]] = {}
    problems = _impossible(frame, measure, overrides)
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


def _impossible(
    frame: pd.DataFrame, measure: Measure, overrides: Sequence[Override]
) -> list[Problem]:
    """Name the decisions that a row has no figures for, whether the row is pooled or not."""
    numbers = {"counts": list(measure.columns), "reported": ["estimate"]}
    remedies = {
        "counts": f"fill in its {inputs_in_words(measure)}",
        "reported": "fill in its interval",
    }
    problems = []
    for override in overrides:
        row = frame.loc[frame["estimate_id"] == override.estimate]
        if override.use in numbers and len(row):
            columns = [name for name in numbers[override.use] if name in frame]
            complete = len(columns) == len(numbers[override.use])
            if not (complete and row[columns].notna().all(axis=None)):
                message = f"it says use {override.use!r} but the row has none"
                problems.append(
                    Problem(f"override of {override.estimate}: {message}", remedies[override.use])
                )
    return problems


def rows_to_use(
    frame: pd.DataFrame, rows: Rows, decisions: Mapping[str, frozenset[str]]
) -> pd.Series[bool]:
    """Return which rows are taken: the primary ones or all, less those excluded."""
    promoted = {e for e, uses in decisions.items() if "primary" in uses}
    excluded = {e for e, uses in decisions.items() if "exclude" in uses}
    is_promoted = frame["estimate_id"].isin(promoted)
    several = frame.loc[is_promoted, "study_id"].value_counts()
    if (several > 1).any():
        raise DataError(
            [
                Problem(f"study {study}: two overrides make a row primary", "keep one of them")
                for study in several.index[several > 1]
            ]
        )
    replaced = frame["study_id"].isin(frame.loc[is_promoted, "study_id"])
    primary = is_promoted | (frame["primary"] & ~replaced)
    keep = primary if rows == "primary" else frame["estimate_id"].notna()
    return keep & ~frame["estimate_id"].isin(excluded)


def inputs_in_words(measure: Measure) -> str:
    """Return what a measure is computed from, in words."""
    return (
        "2x2 counts" if measure.columns == ("ai", "bi", "ci", "di") else ", ".join(measure.columns)
    )
