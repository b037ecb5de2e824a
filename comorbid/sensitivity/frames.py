"""Frames: tables with one row a study, as every result of a sensitivity analysis returns them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from comorbid.models import text

if TYPE_CHECKING:
    import pandas as pd


def labelled(
    labels: Sequence[str], columns: Mapping[str, Any], reasons: Sequence[str]
) -> pd.DataFrame:
    """Return the columns by label, and ``reason`` where a row is incomplete."""
    import pandas as pd

    table = pd.DataFrame(dict(columns), index=pd.Index(labels, name="label"))
    if any(reasons):
        table["reason"] = list(reasons)
    return table


def as_text(table: pd.DataFrame) -> str:
    """Return a table as text, with four decimals; what does not exist is a dash."""
    shown = table.drop(columns="reason", errors="ignore")
    return str(shown.to_string(float_format=lambda value: text.number(value, 4), na_rep="-"))


def notes(labels: Sequence[str], reasons: Sequence[str]) -> list[str]:
    """Return a line for each row that is incomplete."""
    pairs = zip(labels, reasons, strict=True)
    return [f"Note: {label}: {reason}" for label, reason in pairs if reason]
