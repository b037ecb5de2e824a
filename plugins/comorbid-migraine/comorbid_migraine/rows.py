"""Rows about migraine, and the other rows of the studies that have one."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

import comorbid as cb

if TYPE_CHECKING:
    import pandas as pd

FloatArray = npt.NDArray[np.float64]

EPISODIC, CHRONIC = "episodic migraine", "chronic migraine"
MIGRAINE = ("migraine", EPISODIC, CHRONIC)


@dataclass(frozen=True, slots=True, eq=False)
class Within:
    """Rows of the studies that have one about migraine and another one; not to be pooled.

    Parameters
    ----------
    rows : Effects
    level : float
        Of each row's own interval.
    """

    rows: cb.Effects
    level: float

    def sides(self) -> Iterator[Sides]:
        """Yield migraine and other headache of each study with both, on the printed scale.

        Rows on migraine together with another headache stand on neither side.
        """
        rows = self.rows
        headache = [str(value) for value in rows.moderators.get("headache", ())]
        about = np.isin(headache, MIGRAINE)
        other = np.array(["migraine" not in value for value in headache], dtype=bool)
        back = _printed(rows, rows.yi)
        for study in dict.fromkeys(rows.studies):
            mine = np.array([entry == study for entry in rows.studies]) & np.isfinite(rows.yi)
            own, others = back[mine & about], back[mine & other]
            if own.size and others.size:
                label = rows.labels[int(np.flatnonzero(mine)[0])]
                yield Sides(label, tuple(own.tolist()), tuple(others.tolist()))

    def to_frame(self) -> pd.DataFrame:
        """Return the rows indexed by label."""
        return self.rows.to_frame()

    def to_dict(self) -> dict[str, Any]:
        """Return the rows with their intervals, and the ends of each side, as plain values."""
        half = float(ndtri((1 + self.level) / 2)) * np.sqrt(self.rows.vi)
        ends = {"yi": self.rows.yi, "yi_low": self.rows.yi - half, "yi_high": self.rows.yi + half}
        return {
            **self.rows.to_dict(),
            "level": self.level,
            "estimates": int(np.isfinite(self.rows.yi).sum()),
            "on_scale": {name: _printed(self.rows, x).tolist() for name, x in ends.items()},
            "sides": [side.to_dict() for side in self.sides()],
        }


@dataclass(frozen=True, slots=True)
class Sides:
    """What one study found of migraine and of other headache, on the printed scale."""

    label: str
    migraine: tuple[float, ...]
    others: tuple[float, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the ends of each side, and the number of other rows."""
        return {
            "label": self.label,
            "migraine": [min(self.migraine), max(self.migraine)],
            "others": [min(self.others), max(self.others)],
            "other_rows": len(self.others),
        }


def _printed(rows: cb.Effects, values: FloatArray) -> FloatArray:
    return np.exp(values) if rows.scale == "log" else values


def within_studies(context: cb.Context) -> Within:
    """Return every row of the studies that have a row about migraine and another one.

    Parameters
    ----------
    context : Context

    Returns
    -------
    Within
        Without a row where no study has both. Rows of one study rest on the same people and are
        not to be pooled.

    Raises
    ------
    DataError
        If there is no column ``headache``.
    """
    frame = context.studies.frame
    if "headache" not in frame:
        raise cb.DataError("no column headache; add it, with migraine on its rows")
    about = frame["headache"].isin(MIGRAINE)
    with_both = [
        study
        for study, own in about.groupby(frame["study_id"], sort=False)
        if own.any() and not own.all()
    ]
    level = context.settings.level
    if not with_both:
        return Within(context.effects.take([]), level)
    table = context.studies.select({"study_id": with_both})
    ids = set(table.frame["estimate_id"])
    rows = cb.effects(
        table,
        measure=context.settings.measure,
        rows="all",
        overrides=[decision for decision in context.overrides if decision.estimate in ids],
    )
    return Within(rows, level)


def all_rows(context: cb.Context) -> cb.DependentRows:
    """Average all rows about migraine, as dependent within studies as they are."""
    return cb.dependent_rows(
        context.studies,
        where={"headache": MIGRAINE},
        label="migraine",
        measure=context.settings.measure,
        overrides=context.overrides,
        level=context.settings.level,
    )
