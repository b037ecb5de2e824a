"""From a table of studies to effects: which rows, and for each which of its two sources."""

from __future__ import annotations

import difflib
import warnings
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.measures import MEASURES, Measure
from comorbid.effects.overrides import Override
from comorbid.effects.reported import reported_effect
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning, ModelError, Problem

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.studies.table import Studies

Rows = Literal["primary", "all"]
_NOT_MODERATORS = {
    *("estimate_id", "study_id", "label", "measure", "estimate", "ci_low", "ci_high", "ci_level"),
    *("se", "ai", "bi", "ci", "di", "primary"),
}


def effects(
    studies: Studies,
    *,
    measure: str | Measure = "OR",
    rows: Rows = "primary",
    overrides: Sequence[Override] = (),
) -> Effects:
    """Turn studies into effects and variances on the analysis scale.

    A row's printed estimate is used where it is of this measure, otherwise the row's counts;
    an `Override` decides otherwise for one row, with its reason.

    Parameters
    ----------
    studies : Studies
        The table of studies.
    measure : str or Measure
        The measure to pool.
    rows : {"primary", "all"}
        ``primary`` takes one row a study, the one marked primary; ``all`` takes every row:
        several rows of one study rest on the same people and are not independent.
    overrides : sequence of Override
        Decisions about single rows.

    Returns
    -------
    Effects
        In the order of the table. A row that gives no effect is kept as nan, with a warning.

    Raises
    ------
    DataError
        If a row reports another measure and has no counts, or an override does not fit.
    ModelError
        If the measure is unknown.

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    >>> cb.effects(table, measure="OR", overrides=[counts]).source[2]
    'counts'
    """
    chosen = find_measure(measure)
    if rows not in get_args(Rows):
        raise ModelError(f"rows is {rows!r}; use one of {', '.join(get_args(Rows))}")
    frame = studies.frame
    decisions = _decisions(frame, overrides)
    keep = _rows_to_use(frame, rows, decisions)
    frame = frame.loc[keep].reset_index(drop=True)
    yi, vi, source, problems = _row_effects(frame, chosen, decisions)
    if problems:
        raise DataError(problems)
    return Effects(
        yi=yi,
        vi=vi,
        labels=tuple(frame["label"]),
        measure=chosen.id,
        scale=chosen.scale,
        ids=tuple(frame["estimate_id"]),
        studies=tuple(frame["study_id"]),
        source=source,
        moderators={c: list(frame[c]) for c in frame.columns if c not in _NOT_MODERATORS},
        overrides=tuple(overrides),
        warnings=(*_dependence_warnings(frame, rows), *_missing_effect_warnings(frame, yi, vi)),
    )


def find_measure(measure: str | Measure) -> Measure:
    """Return the measure of this id; a `Measure` is returned as it is."""
    if isinstance(measure, Measure):
        return measure
    known = {entry.id: entry for entry in MEASURES}
    if measure not in known:
        raise ModelError(f"measure is {measure!r}; use one of {', '.join(known)}")
    return known[measure]


def _decisions(frame: pd.DataFrame, overrides: Sequence[Override]) -> Mapping[str, frozenset[str]]:
    ids = set(frame["estimate_id"])
    decisions: dict[str, set[str]] = {}
    problems = []
    for override in overrides:
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


def _rows_to_use(
    frame: pd.DataFrame, rows: Rows, decisions: Mapping[str, frozenset[str]]
) -> pd.Series[bool]:
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
    keep = primary if rows == "primary" else primary | True
    return keep & ~frame["estimate_id"].isin(excluded)


def _row_effects(
    frame: pd.DataFrame, measure: Measure, decisions: Mapping[str, frozenset[str]]
) -> tuple[Array, Array, tuple[str, ...], list[Problem]]:
    def column(name: str) -> Array:
        if name not in frame:
            return np.full(len(frame), np.nan)
        return frame[name].to_numpy(dtype=np.float64)

    y_counts, v_counts = measure.effect({name: column(name) for name in measure.columns})
    y_reported, v_reported = reported_effect(
        column("estimate"),
        ci_low=column("ci_low"),
        ci_high=column("ci_high"),
        ci_level=column("ci_level"),
        se=column("se"),
        scale=measure.scale,
    )
    has_counts = np.isfinite(y_counts) & np.isfinite(v_counts)
    same_measure = (frame["measure"] == measure.id).to_numpy()
    has_reported = same_measure & np.isfinite(y_reported) & np.isfinite(v_reported)
    uses = [decisions.get(estimate, frozenset()) for estimate in frame["estimate_id"]]
    wants_counts = np.array(["counts" in use for use in uses], dtype=bool)
    wants_reported = np.array(["reported" in use for use in uses], dtype=bool)
    from_counts = wants_counts | (~has_reported & ~wants_reported & has_counts)
    source = tuple("counts" if flag else "reported" for flag in from_counts)
    other = (frame["measure"] != "").to_numpy() & ~same_measure & np.isfinite(column("estimate"))
    problems = [
        *_unusable(frame, wants_counts & ~has_counts, "counts", "fill in its 2x2 counts"),
        *_unusable(frame, wants_reported & ~has_reported, "reported", "fill in its interval"),
        *_other_measure(frame, other & ~from_counts, measure),
    ]
    yi = np.where(from_counts, y_counts, np.where(has_reported, y_reported, np.nan))
    vi = np.where(from_counts, v_counts, np.where(has_reported, v_reported, np.nan))
    return yi, vi, source, problems


def _unusable(frame: pd.DataFrame, bad: Mask, use: str, remedy: str) -> list[Problem]:
    return [
        Problem(f"override of {estimate}: it says use {use!r} but the row has none", remedy)
        for estimate in frame.loc[bad, "estimate_id"]
    ]


def _other_measure(frame: pd.DataFrame, bad: Mask, measure: Measure) -> list[Problem]:
    return [
        Problem(
            f"{row.estimate_id} reports {row.measure}, not {measure.id}, and has no counts",
            "exclude it by an override with a reason, or pool that measure separately",
        )
        for row in frame.loc[bad].itertuples()
    ]


def _dependence_warnings(frame: pd.DataFrame, rows: Rows) -> tuple[str, ...]:
    """Warn where no primary row tells several rows about the same people apart."""
    repeated = sorted(set(frame.loc[frame["study_id"].duplicated(), "study_id"]))
    if rows == "all" or not repeated:
        return ()
    message = (
        f"several rows about the same people are taken as independent: {', '.join(repeated)}; "
        "mark one row of each study in a column primary"
    )
    warnings.warn(message, DataWarning, stacklevel=3)
    return (message,)


def _missing_effect_warnings(frame: pd.DataFrame, yi: Array, vi: Array) -> tuple[str, ...]:
    missing = np.isnan(yi) | np.isnan(vi)
    if not missing.any():
        return ()
    names = ", ".join(frame.loc[missing, "estimate_id"])
    message = f"no effect can be computed for {names}: neither counts nor an estimate with interval"
    warnings.warn(message, DataWarning, stacklevel=3)
    return (message,)
