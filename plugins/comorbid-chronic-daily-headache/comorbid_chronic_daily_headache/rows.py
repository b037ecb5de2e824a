"""Rows: what one line of the study table says about one frequency of headache."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

import comorbid as cb
from comorbid_chronic_daily_headache.covariance import Array

EPISODIC, CHRONIC = "episodic", "chronic"
DEFINITION = "headache_definition"
DAYS = ("headache_days_low", "headache_days_high")
MOST_DAYS = 30.0

_RATIOS = ("OR", "RR", "HR", "IRR")


@dataclass(frozen=True, slots=True)
class Row:
    """One estimate against the study's people without headache.

    Parameters
    ----------
    id, label, study, name : str
        Estimate id and label; study id, and the study's name as printed.
    headache : str
        Cell of the column ``headache``.
    yi, vi : float
        Log ratio and its variance.
    n : float
        People behind it; nan if unknown.
    days : (float, float)
        Ends of the days a month as printed; nan where open or not printed.
    counts : tuple of float
        Cases and people at this frequency, then of the reference; nan if not printed.
    definition : str
        Cell of the column ``headache_definition``, or empty.
    """

    id: str
    label: str
    study: str
    name: str
    headache: str
    yi: float
    vi: float
    n: float
    days: tuple[float, float]
    counts: tuple[float, float, float, float]
    definition: str


def read_rows(context: cb.Context) -> tuple[Row, ...]:
    """Return the rows on episodic or chronic headache, or with days, that give an estimate.

    Raises
    ------
    DataError
        If there is no column ``headache``, or the days of a row end before they begin.
    ModelError
        If the report pools no ratios.
    """
    measure = context.settings.measure
    if measure.id not in _RATIOS:
        raise cb.ModelError(
            f"chronic and episodic headache are compared by ratios ({', '.join(_RATIOS)}), and "
            f"the report pools {measure.id}; take the section off its list"
        )
    frame = context.studies.frame
    if "headache" not in frame:
        raise cb.DataError("no column headache; add it, with episodic or chronic on its rows")
    low, high = (frame[name] if name in frame else np.full(len(frame), np.nan) for name in DAYS)
    days = np.column_stack([low, high]).astype(np.float64)
    _check_days(frame["estimate_id"].tolist(), days)
    has_days = np.asarray(np.isfinite(days).any(axis=1))
    wanted = frame["headache"].isin([EPISODIC, CHRONIC]).to_numpy() | has_days
    if not wanted.any():
        return ()
    effects = _effects(context, frame.loc[wanted, "estimate_id"].tolist())
    cells = dict(zip(frame["estimate_id"], frame.to_dict("records"), strict=True))
    ends = dict(zip(frame["estimate_id"], days.tolist(), strict=True))
    names = _study_names(frame.to_dict("records"))
    return tuple(
        Row(
            id=id_,
            label=effects.labels[i],
            study=effects.studies[i],
            name=names[effects.studies[i]],
            headache=cells[id_]["headache"],
            yi=float(effects.yi[i]),
            vi=float(effects.vi[i]),
            n=float(effects.ni[i]),
            days=(ends[id_][0], ends[id_][1]),
            counts=_counts(cells[id_], context.studies.conditions),
            definition=cells[id_].get(DEFINITION, ""),
        )
        for i, id_ in enumerate(effects.ids)
        if np.isfinite(effects.yi[i] + effects.vi[i])
    )


def _effects(context: cb.Context, ids: Sequence[str]) -> cb.Effects:
    decisions = [entry for entry in context.overrides if entry.estimate in ids]
    table = context.studies.select({"estimate_id": list(ids)})
    return cb.effects(table, measure=context.settings.measure, rows="all", overrides=decisions)


def _check_days(ids: Sequence[str], days: Array) -> None:
    wrong = [
        f"{id_}: {DAYS[0]} is {low:g} and {DAYS[1]} {high:g}"
        for id_, (low, high) in zip(ids, days.tolist(), strict=True)
        if low > high
    ]
    if wrong:
        raise cb.DataError(f"{'; '.join(wrong)}; give the smaller number first")


def _study_names(records: Sequence[Mapping[Hashable, Any]]) -> dict[str, str]:
    """Return the label of each study's primary row, or of its last."""
    ordered = sorted(records, key=lambda cells: bool(cells["primary"]))
    return {cells["study_id"]: cells["label"] for cells in ordered}


def _counts(
    cells: Mapping[Hashable, Any], conditions: tuple[str, str] | None
) -> tuple[float, float, float, float]:
    """Return cases and people at this frequency, and of the reference, where they are printed.

    The counts must be headed in words, so that it is known which condition is headache.
    """
    named = ["headache" in condition for condition in conditions or ()]
    if named.count(True) != 1:
        return (np.nan,) * 4
    only_headache, only_other = ("bi", "ci") if named[0] else ("ci", "bi")
    with_headache = cells["ai"] + cells[only_headache]
    without = cells[only_other] + cells["di"]
    return cells["ai"], with_headache, cells[only_other], without


def all_rows(context: cb.Context) -> cb.DependentRows:
    """Average all rows on chronic headache, as dependent within studies as they are."""
    return cb.dependent_rows(
        context.studies,
        where={"headache": (CHRONIC,)},
        label="chronic headache",
        measure=context.settings.measure,
        overrides=context.overrides,
        level=context.settings.level,
    )
