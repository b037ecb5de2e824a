"""Computing a measure from columns, and saying for which studies that cannot be done."""

from __future__ import annotations

import warnings
from collections.abc import Iterable, Sequence

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.formula import Formula, Measure, Rows, column
from comorbid.effects.zeros import Zeros
from comorbid.errors import DataWarning, ModelError, Problem


def compute(
    measure: Measure, rows: Rows, *, zeros: Zeros, vtype: str = "LS"
) -> tuple[Array, Array]:
    """Return effects and variances of shape (k,) from a measure's columns.

    A plugin's measure has one variance, and no counts that anything could be added to.
    """
    if isinstance(measure.effect, Formula):
        return measure.effect.compute(rows, zeros=zeros, vtype=vtype)
    if vtype != "LS" or zeros != Zeros():
        raise ModelError(f"{measure.id} comes from a plugin: it takes no add, to, drop00 or vtype")
    yi, vi = measure.effect({name: column(rows, name) for name in measure.columns})
    return np.array(yi, dtype=np.float64), np.array(vi, dtype=np.float64)


def source_of(measure: Measure) -> str:
    """Return what a measure is computed from: ``counts`` or ``summaries``."""
    return measure.effect.kind.source if isinstance(measure.effect, Formula) else "counts"


def problems_of(measure: Measure, rows: Rows, labels: Sequence[str]) -> list[Problem]:
    """Return what is wrong with the values of the columns."""
    return measure.effect.problems(rows, labels) if isinstance(measure.effect, Formula) else []


def sizes_of(measure: Measure, rows: Rows) -> Array:
    """Return people or person-time behind each effect; nan where it is not known."""
    if isinstance(measure.effect, Formula):
        return measure.effect.kind.size(rows)
    return column(rows, "")


def has_input(measure: Measure, rows: Rows) -> Mask:
    """Return for each study whether one set of columns is complete."""
    complete = [
        np.all([~np.isnan(column(rows, name)) for name in names], axis=0)
        for names in measure.inputs
    ]
    return np.asarray(np.any(complete, axis=0))


def without_zero_variance(vi: Array) -> Array:
    """Return the variances with nan for 0, which no study can be weighted by."""
    return np.where(vi > 0, vi, np.nan)


def gaps(
    measure: Measure, rows: Rows, names: Sequence[str], yi: Array, vi: Array, zeros: Zeros
) -> tuple[str, ...]:
    """Say which studies have no effect or no variance, and why."""
    given = has_input(measure, rows)
    lacking = np.isnan(yi) | np.isnan(vi)
    notes = []
    if (lacking & ~given).any():
        note = getattr(measure.effect, "why_not", "")
        notes.append(
            f"no effect can be computed for {_listed(names, lacking & ~given)}: neither "
            f"{', '.join(measure.columns)} nor an estimate with its interval, standard error or "
            f"p-value" + (f"; {note}" if note else "")
        )
    if (given & np.isnan(yi)).any():
        notes.append(
            f"{measure.id} does not exist for {_listed(names, given & np.isnan(yi))}: "
            + _reason(measure, zeros)
        )
    if (given & ~np.isnan(yi) & np.isnan(vi)).any():
        which = _listed(names, given & ~np.isnan(yi) & np.isnan(vi))
        notes.append(
            f"{measure.id} of {which} has no variance above 0, so the study cannot be weighted and "
            "is left out of any pool"
        )
    return tuple(notes)


def _reason(measure: Measure, zeros: Zeros) -> str:
    if source_of(measure) == "summaries":
        return "too few people, or values for which it is not defined"
    if zeros.drop00 == "yes":
        return (
            "a zero count that nothing is added to, an empty group, or no events or events only "
            "(drop00)"
        )
    return "a zero count that nothing is added to, or an empty group"


def _listed(names: Sequence[str], which: Mask) -> str:
    return ", ".join(names[i] for i in np.flatnonzero(which).tolist())


def warn(notes: Iterable[str]) -> None:
    """Give each note as a warning, at the line that called the public function."""
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=3)
