"""2x2 tables: group 1 has ``ai`` with and ``bi`` without, group 2 ``ci`` and ``di``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    Formula,
    Kind,
    Measure,
    Rows,
    Rule,
    column,
    first_known,
    weighted_mean,
)
from comorbid.effects.zeros import Zeros

_CELLS = ("ai", "bi", "ci", "di")
_INPUTS = (_CELLS, ("ai", "n1i", "ci", "n2i"))
Values = Callable[["Tables"], Array]


@dataclass(frozen=True, slots=True)
class Tables:
    """2x2 tables, arrays of shape (k,): a, b in group 1, c, d in group 2."""

    a: Array
    b: Array
    c: Array
    d: Array

    @property
    def n1(self) -> Array:
        """Size of group 1."""
        return self.a + self.b

    @property
    def n2(self) -> Array:
        """Size of group 2."""
        return self.c + self.d

    @property
    def n(self) -> Array:
        """Size of both groups."""
        return self.n1 + self.n2

    @property
    def p1(self) -> Array:
        """Risk in group 1."""
        return self.a / self.n1

    @property
    def p2(self) -> Array:
        """Risk in group 2."""
        return self.c / self.n2

    def with_mean_risks(self) -> Tables:
        """Return tables of the same sizes with each group's mean risk over all studies."""
        p1, p2 = weighted_mean(self.p1, self.n1), weighted_mean(self.p2, self.n2)
        n1, n2 = self.n1, self.n2
        return Tables(n1 * p1, n1 * (1 - p1), n2 * p2, n2 * (1 - p2))


def _complete(rows: Rows) -> Rows:
    ai, bi, ci, di, n1i, n2i = (column(rows, name) for name in (*_CELLS, "n1i", "n2i"))
    return {"ai": ai, "bi": first_known(bi, n1i - ai), "ci": ci, "di": first_known(di, n2i - ci)}


def _prepare(rows: Rows, zeros: Zeros, default: float) -> Tables:
    a, b, c, d = cells = np.stack([rows[name] for name in _CELLS])
    uninformative = ((a == 0) & (c == 0)) | ((b == 0) & (d == 0))
    corrected = zeros.correct(cells, default=default, uninformative=uninformative)
    # Where a group is empty, an effect would be made of what is added and nothing else.
    nobody = (a + b == 0) | (c + d == 0)
    return Tables(*np.where(nobody, np.nan, corrected))


def _size(rows: Rows) -> Array:
    return np.asarray(sum(_complete(rows).values()))


COUNTS = Kind(
    complete=_complete,
    prepare=_prepare,
    size=_size,
    rules=(
        Rule(
            _CELLS,
            lambda values: values >= 0,
            "0 or more; where n1i and n2i are given, bi is n1i - ai and di is n2i - ci",
        ),
    ),
    source="counts",
)


def woolf(t: Tables) -> Array:
    """Return Woolf's variance of the log odds ratio."""
    return 1 / t.a + 1 / t.b + 1 / t.c + 1 / t.d


def count_measure(
    code: str,
    label: str,
    text: str,
    yi: Values,
    vi: Mapping[str, Values],
    cite: str,
    *,
    scale: str = "identity",
    add: float = 0.5,
) -> Measure:
    """Return a measure of 2x2 counts."""
    formula = Formula(COUNTS, _INPUTS, text, yi, vi, add)
    return Measure(code, label, _CELLS, formula, scale, 0.0, cite)
