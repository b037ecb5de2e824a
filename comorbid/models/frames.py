"""Frames: tables with one row a study, as results return and print them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.table import Effects
from comorbid.models import text

if TYPE_CHECKING:
    import pandas as pd


def labelled(
    labels: Sequence[str], columns: Mapping[str, Any], reasons: Sequence[str] = ()
) -> pd.DataFrame:
    """Return the columns by label, and ``reason`` where a row is incomplete."""
    import pandas as pd

    table = pd.DataFrame(dict(columns), index=pd.Index(labels, name="label"))
    if any(reasons):
        table["reason"] = list(reasons)
    return table


def of_studies(effects: Effects, weights: Array, level: float) -> pd.DataFrame:
    """Return the studies by label, with their own intervals: ``estimate, ..., weight``."""
    low, high = own_intervals(effects, level)
    columns = {
        "estimate": effects.yi,
        "se": np.sqrt(effects.vi),
        "ci_low": low,
        "ci_high": high,
        "weight": weights,
    }
    return labelled(effects.labels, columns)


def own_intervals(effects: Effects, level: float) -> tuple[Array, Array]:
    """Return the ends of each study's own normal interval, analysis scale."""
    half = special.ndtri((1 + level) / 2) * np.sqrt(effects.vi)
    return effects.yi - half, effects.yi + half


def as_text(table: pd.DataFrame) -> str:
    """Return a table as text, with four decimals; what does not exist is a dash."""
    shown = table.drop(columns="reason", errors="ignore")
    return str(shown.to_string(float_format=lambda value: text.number(value, 4), na_rep="-"))
