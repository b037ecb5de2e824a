"""Few events: whether 2x2 tables have too few for a normal distribution of their effects."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.formula import Formula, Measure, Rows, column

CELLS = ("ai", "bi", "ci", "di")
FEW, LEAST = 5.0, 1.0
_NORMAL = ("OR", "RR", "RD")
_BEGIN = "few events in the counts of "
_MOST_NAMED = 5


def smallest_expected(cells: Array) -> Array:
    """Return the smallest expected cell of each table under no association, of shape (k,).

    Parameters
    ----------
    cells : array of shape (4, k)
        Events and others of group 1, then of group 2.
    """
    a, b, c, d = cells
    n1, n2 = a + b, c + d
    smallest: Array = np.minimum(n1, n2) * np.minimum(a + c, b + d) / np.maximum(n1 + n2, 1.0)
    return smallest


def too_few(smallest: Array, *, zero: bool) -> bool:
    """Return whether the normal method should not be relied on alone.

    Where a cell is 0, so that a correction enters; or, by Cochran's rule, where an expected cell
    is below 1, or below 5 in more than a fifth of the tables.
    """
    few = int((smallest < FEW).sum()) > smallest.size / 5
    return zero or few or bool((smallest < LEAST).any())


def few_events_note(
    measure: Measure, rows: Rows, labels: Sequence[str], used: Mask
) -> tuple[str, ...]:
    """Say whose effects, of those ``used``, come from too few events, if there are any."""
    if measure.id not in _NORMAL or not isinstance(measure.effect, Formula):
        return ()
    complete = measure.effect.kind.complete(rows)
    cells = np.array([column(complete, name) for name in CELLS])
    at = np.flatnonzero(used & np.isfinite(cells).all(axis=0))
    cells = cells[:, at]
    zero, smallest = (cells == 0).any(axis=0), smallest_expected(cells)
    if not at.size or not too_few(smallest, zero=bool(zero.any())):
        return ()
    named = [labels[i] for i in at[zero | (smallest < FEW)]]
    others = " and others" if len(named) > _MOST_NAMED else ""
    return (
        f"{_BEGIN}{', '.join(named[:_MOST_NAMED])}{others}: a cell of zero, or expected cells "
        "below Cochran's limits; a pool of such effects cannot be relied on alone, sparse() tells "
        "of the tables, and glmm() pools the counts themselves",
    )


def few_events_notes(notes: Sequence[str]) -> tuple[str, ...]:
    """Return of the notes on effects the one on few events, which a pool of them has too."""
    return tuple(note for note in notes if note.startswith(_BEGIN))
