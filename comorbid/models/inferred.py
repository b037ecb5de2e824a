"""Inferred: what follows from an estimate, its standard error and tau2 of a one-step model."""

from __future__ import annotations

import math
from typing import Any, cast

import numpy as np
from scipy import special

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array
from comorbid.effects.formula import Formula
from comorbid.effects.table import Effects
from comorbid.effects.zeros import Zeros
from comorbid.errors import DataError, Problem
from comorbid.models.counts import Counts
from comorbid.models.settings import check_level
from comorbid.models.student import t_quantile, t_tail

_NO_PAIR = (math.nan, math.nan)


def check_test(test: str, level: float) -> None:
    """Raise `ModelError` unless the test is z or t, and the level a proportion."""
    check_choice("test", test, ("z", "t"))
    check_level(level)


def check_whole_counts(counts: Counts) -> None:
    """Raise `DataError` unless events and people are whole numbers; person-time need not be."""
    formula = cast("Formula[Any]", counts.measure.effect)
    names = formula.inputs[0]
    problems = [
        Problem(f"{counts.labels[i]}: {name} is {row[i]:g}", "counts must be whole numbers")
        for name, row in zip(names, counts.values, strict=True)
        if not name.startswith("t")
        for i in np.flatnonzero(row != np.round(row)).tolist()
    ]
    if problems:
        raise DataError(problems)


def own_effects(counts: Counts) -> Effects:
    """Return the tables' own effects as they are made by default, uninformative ones as nan."""
    formula = cast("Formula[Any]", counts.measure.effect)
    rows = dict(zip(formula.inputs[0], counts.values, strict=True))
    yi, vi = formula.compute(rows, zeros=Zeros(drop00="yes"))
    exists = np.isfinite(yi) & np.isfinite(vi) & (vi > 0)
    return Effects(
        yi=np.where(exists, yi, np.nan),
        vi=np.where(exists, vi, np.nan),
        labels=counts.labels,
        measure=counts.measure.id,
        scale=counts.measure.scale,
        ids=counts.ids,
        studies=counts.studies,
        source=("counts",) * counts.k,
        moderators=counts.moderators,
        warnings=counts.warnings,
        ni=formula.kind.size(formula.kind.complete(rows)),
    )


def inference(
    estimate: float, se: float, tau2: float, k: int, test: str, level: float
) -> dict[str, Any]:
    """Return the fields of a result for tests and intervals; nan where nothing is left for t."""
    df = math.inf if test == "z" else k - 1.0
    tested = df > 0
    half = float(t_quantile(np.array(df), (1 + level) / 2)) if tested else math.nan
    statistic = estimate / se
    spread = math.sqrt(se**2 + tau2)
    return {
        "estimate": estimate,
        "se": se,
        "statistic": statistic,
        "p_value": 2 * float(t_tail(np.array(df), np.abs(statistic))) if tested else math.nan,
        "ci": (estimate - half * se, estimate + half * se),
        "pi": _NO_PAIR
        if math.isnan(tau2)
        else (estimate - half * spread, estimate + half * spread),
        "df": df,
    }


def spread_shares(effects: Effects, tau2: float) -> dict[str, Any]:
    """Return I2 and H2 of tau2 at the typical sampling variance of the tables' own effects."""
    wi: Array = 1 / effects.vi[np.isfinite(effects.vi)]
    if wi.size < 2:
        return {"i2": math.nan, "h2": math.nan, "k_yi": int(wi.size)}
    typical = (wi.size - 1) / float(wi.sum() - (wi**2).sum() / wi.sum())
    return {
        "i2": 100 * tau2 / (tau2 + typical),
        "h2": tau2 / typical + 1,
        "k_yi": int(wi.size),
    }


def absent(*names: str) -> dict[str, Any]:
    """Return fields that a model does not have, as nan."""
    return dict.fromkeys(names, math.nan)


def chi_squared(statistic: float, df: int) -> float:
    """Return the upper tail of chi-squared; nan without degrees of freedom."""
    return float(special.chdtrc(df, statistic)) if df > 0 else math.nan
