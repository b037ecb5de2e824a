"""Columns: the values of a moderator, or of the study identifiers, that analyses go by."""

from __future__ import annotations

from typing import Any

from comorbid.checks import is_missing, is_one_of, shown
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem


def column_values(effects: Effects, by: str) -> tuple[Any, ...]:
    """Return the column ``by``: a moderator, or ``study_id``.

    Raises
    ------
    ModelError
        If there is no such column.
    DataError
        If a study has no value in it.
    """
    columns = {"study_id": effects.studies, **effects.moderators}
    if not is_one_of(by, columns):
        raise ModelError(f"by is {shown(by)}; the effects have the columns: {', '.join(columns)}")
    values = tuple(columns[by])
    without = [
        Problem(f"{label} has no {by}", "fill it in, or leave the study out before pooling")
        for label, value in zip(effects.labels, values, strict=True)
        if is_missing(value) or str(value).strip() == ""
    ]
    if without:
        raise DataError(without)
    return values
