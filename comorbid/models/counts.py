"""Counts: the 2x2 tables, or events and person-time, that methods without effects pool."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from comorbid.checks import numbers
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.formula import Formula, Measure, column
from comorbid.effects.zeros import Zeros
from comorbid.errors import DataError, DataWarning, Problem

if TYPE_CHECKING:
    import pandas as pd
    from numpy.typing import ArrayLike

    from comorbid.studies.table import Studies

    Tables = Studies | pd.DataFrame | Mapping[str, ArrayLike]

_NAMES = ("label", "estimate_id", "study_id")
_NO_MODERATORS = {
    *("measure", "estimate", "ci_low", "ci_high", "ci_level", "se", "primary"),
    *("ai", "bi", "ci", "di", "n1i", "n2i"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Adjusted:
    """Tables after zero cells were treated.

    ``plain`` and ``added`` have shape (4, k), with nan for tables that are left out. Selections
    that hold a table of ``trigger`` use ``added``, the others ``plain``: only the rule ``if0all``
    depends on which tables are selected. ``kept`` are the tables not left out.
    """

    plain: Array
    added: Array
    trigger: Mask
    kept: Mask

    def triggered(self, members: Mask) -> Mask:
        """Return which of n selections, given as (k, n), use the tables with something added."""
        return np.asarray((members & self.trigger[:, None]).any(axis=0))

    def whole(self) -> Array:
        """Return the tables as the selection of all sees them."""
        return self.added if self.trigger.any() else self.plain


@dataclass(frozen=True, slots=True, eq=False)
class Counts:
    """Tables with complete counts, one a study.

    ``values`` has shape (4, k): the cells a, b, c, d (group 1 with and without the event, group 2
    with and without), or x1, t1, x2, t2 (events and person-time of group 1, then of group 2) where
    ``rates`` is true.
    """

    measure: Measure
    values: Array
    rates: bool
    labels: tuple[str, ...]
    ids: tuple[str, ...]
    studies: tuple[str, ...]
    moderators: Mapping[str, Sequence[Any]] = field(default_factory=dict)
    warnings: tuple[str, ...] = ()

    @property
    def k(self) -> int:
        """Number of tables."""
        return int(self.values.shape[1])

    @property
    def sizes(self) -> Array:
        """People in each table, or their person-time; of shape (k,)."""
        return np.asarray((self.values[[1, 3]] if self.rates else self.values).sum(axis=0))

    @property
    def zero(self) -> Mask:
        """Which tables have a zero cell."""
        counted = self.values[[0, 2]] if self.rates else self.values
        return np.asarray((counted == 0).any(axis=0))

    def adjusted(self, zeros: Zeros) -> Adjusted:
        """Return the tables with their zero cells treated."""
        counted = self.values[[0, 2]] if self.rates else self.values
        empty = (self.values[[0, 2]] == 0).all(axis=0)
        if not self.rates:
            empty |= (self.values[[1, 3]] == 0).all(axis=0)

        def treated(how: Zeros) -> Array:
            cells = how.correct(counted, default=0.5, uninformative=empty)
            if self.rates:
                times = np.where(np.isnan(cells[0]), np.nan, self.values[[1, 3]])
                return np.stack([cells[0], times[0], cells[1], times[1]])
            return cells

        kept = ~(empty & (zeros.drop00 == "yes"))
        if zeros.to != "if0all":
            values = treated(zeros)
            return Adjusted(values, values, np.zeros(self.k, dtype=bool), kept)
        plain, added = (treated(replace(zeros, to=to)) for to in ("none", "all"))
        return Adjusted(plain, added, self.zero & kept, kept)


def read_counts(tables: Tables, measure: Measure) -> Counts:
    """Read the tables that a measure needs; rows without all counts are left out with a warning.

    Raises
    ------
    DataError
        If columns are missing or differ in length, a value is impossible, or no row is complete.
    """
    from comorbid.studies.table import Studies

    rows: Any = tables.primary().frame if isinstance(tables, Studies) else tables
    if not (isinstance(rows, Mapping) or hasattr(rows, "columns")):
        remedy = "give a study table, a DataFrame, or a dict of columns"
        raise DataError([Problem(f"tables is of type {type(tables).__name__}", remedy)])
    single = [str(name) for name in rows if np.ndim(rows[name]) != 1]
    if single:
        raise DataError(f"{', '.join(single)}: give one value a table, as a list")
    taken = {str(name): np.asarray(rows[name], dtype=object).tolist() for name in rows}
    formula = cast("Formula[Any]", measure.effect)
    inputs = [names for names in formula.inputs if set(names) <= taken.keys()]
    if not inputs:
        choices = ", or ".join(" ".join(names) for names in formula.inputs)
        raise DataError(
            f"{measure.id} needs the columns {choices}; the tables have "
            f"{', '.join(taken) or 'none'}"
        )
    lengths = {name: len(values) for name, values in taken.items()}
    if len(set(lengths.values())) > 1:
        listing = ", ".join(f"{name} {length}" for name, length in lengths.items())
        raise DataError(f"the columns differ in length: {listing}; give one value a table")
    return _checked(measure, formula, taken, inputs[0])


def _checked(
    measure: Measure, formula: Formula[Any], taken: Mapping[str, list[Any]], columns: Sequence[str]
) -> Counts:
    given = {name: numbers(name, taken[name]) for name in columns}
    k = len(taken[columns[0]])
    labels = [str(x) for x in taken.get("label", [f"Study {i + 1}" for i in range(k)])]
    names = {
        name: [str(x) for x in taken[name]] for name in ("label", "estimate_id") if name in taken
    }
    problems = [
        Problem(f"{name} repeats: {', '.join(repeated)}", "make each unique")
        for name, values in names.items()
        if (repeated := _repeated(values))
    ]
    problems += formula.problems(given, labels)
    if problems:
        raise DataError(problems)
    full = formula.kind.complete(given)
    values = np.stack([column(full, name) for name in formula.inputs[0]])
    complete = np.asarray(~np.isnan(values).any(axis=0))
    if not complete.any():
        raise DataError("no table to pool: every row misses a count")
    return _kept(measure, values, labels, taken, complete)


def _repeated(names: Sequence[str]) -> list[str]:
    return sorted(name for name, times in Counter(names).items() if times > 1)


def _kept(
    measure: Measure,
    values: Array,
    labels: Sequence[str],
    taken: Mapping[str, list[Any]],
    complete: Mask,
) -> Counts:
    """Keep the complete rows, with a note on the others and on rows about the same people."""

    def kept(sequence: Sequence[Any]) -> tuple[Any, ...]:
        return tuple(x for x, keep in zip(sequence, complete, strict=True) if keep)

    names = [str(name) for name in taken.get("estimate_id", labels)]
    studies = kept([str(name) for name in taken.get("study_id", names)])
    notes = []
    if not complete.all():
        left_out = ", ".join(np.array(labels)[~complete])
        notes.append(f"left out, counts are missing: {left_out}")
    if repeated := _repeated(studies):
        notes.append(
            f"several rows about the same people are taken as independent: {', '.join(repeated)}"
        )
    for note in notes:
        warnings.warn(note, DataWarning, stacklevel=5)
    chosen = np.ascontiguousarray(values[:, complete])
    chosen.flags.writeable = False
    return Counts(
        measure=measure,
        values=chosen,
        rates="t1i" in measure.columns,
        labels=kept(labels),
        ids=kept(names),
        studies=studies,
        moderators={
            name: kept(cells)
            for name, cells in taken.items()
            if name not in _NO_MODERATORS and name not in (*_NAMES, *measure.columns)
        },
        warnings=tuple(notes),
    )
