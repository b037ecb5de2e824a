"""Design matrices: the columns of a meta-regression, and whether they can be told apart."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.errors import ModelError, Problem
from comorbid.models.design import DEPENDENT

INTERCEPT = "Intercept"
# A column that varies by less than this share of its size is constant but for rounding.
_CONSTANT = 1e-12
_STUDIES_EACH = 10


@dataclass(frozen=True, slots=True, eq=False)
class Design(Frozen):
    """The columns that a formula makes of a table.

    Attributes
    ----------
    formula : str
        As given.
    names : tuple of p str
        The coefficients: ``Intercept``, ``year``, ``C(sex)[T.m]``.
    terms : mapping of str to tuple of int
        Which coefficients belong to each term of the formula.
    x : array of shape (k, p)
    columns : tuple of str
        Columns of the table that the formula uses.
    numeric : frozenset of str
        Those of them that hold numbers.
    spec : object
        formulaic's memory of levels and of what was centred or scaled by how much.
    """

    formula: str
    names: tuple[str, ...]
    terms: Mapping[str, tuple[int, ...]]
    x: Array
    columns: tuple[str, ...]
    numeric: frozenset[str]
    spec: Any

    @property
    def tested(self) -> tuple[int, ...]:
        """The coefficients of the omnibus test: all but an intercept beside others."""
        others = tuple(i for i, name in enumerate(self.names) if name != INTERCEPT)
        return others or (0,)

    @property
    def intercept_only(self) -> bool:
        """Whether the model is nothing but a mean."""
        return self.names == (INTERCEPT,)

    @property
    def moderators(self) -> Array | None:
        """The columns as the kernel takes them: None for a mean alone."""
        return None if self.intercept_only else self.x

    @property
    def spans_constant(self) -> bool:
        """Whether the columns can add up to a constant, with or without an intercept."""
        ones = np.ones(self.x.shape[0])
        size = np.abs(self.x).max(axis=0)
        scaled = self.x / np.where(size > 0, size, 1.0)
        rest = ones - scaled @ np.linalg.lstsq(scaled, ones, rcond=None)[0]
        return bool(np.abs(rest).max() < DEPENDENT)


def check_size(design: Design, *, estimated: bool) -> None:
    """Raise `ModelError` if there are too few studies; ``estimated`` says whether tau2 is."""
    k, p = design.x.shape
    saturated = estimated and k == p > 1
    if k < p or saturated:
        rest = "nothing is left to estimate tau2 from; " if saturated else ""
        terms = ", ".join(f"{name} {len(places)}" for name, places in design.terms.items())
        raise ModelError(
            f"{p} coefficients ({terms}) and {k} {'study' if k == 1 else 'studies'}: {rest}"
            "leave moderators out or join levels of factors"
        )


def sparse_notes(design: Design) -> tuple[str, ...]:
    """Say that there are fewer studies than the Cochrane Handbook wants for its moderators."""
    k, p = design.x.shape
    moderators = p - design.spans_constant
    if k >= _STUDIES_EACH * moderators:
        return ()
    coefficients = "1 coefficient" if moderators == 1 else f"{moderators} coefficients"
    return (
        f"{k} studies for {coefficients} of moderators: the Cochrane Handbook (chapter 10) asks "
        f"for at least {_STUDIES_EACH} each; a moderator may seem to matter by chance",
    )


def check_columns(design: Design, among: str = "all studies") -> None:
    """Raise `ModelError` with every column that depends on those before it, and on which.

    ``among`` says which studies the design is of.
    """
    x, names = design.x, design.names
    intercept = INTERCEPT in names
    problems, kept = [], list[int]()
    for term, places in design.terms.items():
        if not places:
            what = "adds nothing to the others" if ":" in term else f"is the same for {among}"
            problems.append(Problem(f"{term} {what}", "leave it out"))
    if design.intercept_only and not problems:
        return
    basis = np.empty((x.shape[0], 0))
    for j, name in enumerate(names):
        column = x[:, j]
        size = np.abs(column).max()
        centred = column - column.mean() if intercept and name != INTERCEPT else column
        length = np.linalg.norm(centred)
        if length <= _CONSTANT * size * np.sqrt(column.size):
            what = "the same" if size else "0"
            problems.append(Problem(f"{name} is {what} for {among}", "leave it out"))
            continue
        rest = centred / length
        for _ in range(2):
            rest = rest - basis @ (basis.T @ rest)
        if np.linalg.norm(rest) <= DEPENDENT:
            problems.append(_dependence(x, names, j, kept, among))
            continue
        kept.append(j)
        basis = np.column_stack([basis, rest / np.linalg.norm(rest)])
    if problems:
        raise ModelError(problems)


def _dependence(
    x: Array, names: Sequence[str], column: int, before: Sequence[int], among: str
) -> Problem:
    """Say which of the columns before it give a column."""
    size = np.abs(x).max(axis=0)
    scaled = x / np.where(size > 0, size, 1.0)
    share = np.linalg.lstsq(scaled[:, list(before)], scaled[:, column], rcond=None)[0]
    parts = [names[i] for i, part in zip(before, share, strict=True) if abs(part) > 1e-6]
    return Problem(
        f"{names[column]} is collinear with {', '.join(parts)}: it says nothing that they do not "
        f"for {among}",
        "leave one of them out",
    )
