"""Measures and the formulas that comorbid's own are made of."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array, Mask
from comorbid.effects.scales import SCALES
from comorbid.effects.zeros import Zeros
from comorbid.errors import Problem

Rows = Mapping[str, Array]
Source = Literal["counts", "summaries"]
Data = TypeVar("Data")


@dataclass(frozen=True, slots=True, repr=False)
class Measure:
    """An effect measure; prints its formula, scale and reference.

    Parameters
    ----------
    id : str
        Short name, metafor's where it has one: ``"OR"``.
    label : str
        Name as printed: ``"odds ratio"``.
    columns : tuple of str
        Columns of the study table that `effect` reads.
    effect : callable
        ``effect(rows) -> (yi, vi)``: ``rows`` maps each of `columns` to a float array of shape
        (k,), missing values as nan; returns effects and sampling variances of shape (k,) on the
        analysis scale. Pure and vectorised; missing input gives nan, never a guess.
    scale : str
        Name of the scale, such as ``"log"`` or ``"identity"``: how the analysis scale relates to
        the printed one. `comorbid.effects.scales.SCALES` has them all.
    null : float
        The value of no association on the analysis scale; nan where there is none, as for a
        proportion.
    cite : str
        The paper that the formula comes from, with its DOI.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.find_measure("ZCOR")
    ZCOR: correlation
      computed from  ri, ni; or ti, ni; or pi, ni
      formula        y = atanh(r), v = 1 / (n - 3)
      scale          arctanh; printed as tanh(y)
      reference      Fisher 1921, Metron 1:3-32, hdl:2440/15169
    """

    id: str
    label: str
    columns: tuple[str, ...]
    effect: Callable[[Rows], tuple[Array, Array]]
    scale: str
    null: float
    cite: str

    @property
    def inputs(self) -> tuple[tuple[str, ...], ...]:
        """Sets of columns that each suffice; the first is `columns`."""
        return self.effect.inputs if isinstance(self.effect, Formula) else (self.columns,)

    @property
    def formula(self) -> str:
        """Formula of effect and variance; empty where a plugin gives none."""
        return self.effect.text if isinstance(self.effect, Formula) else ""

    def __repr__(self) -> str:
        rows = {
            "computed from": "; or ".join(", ".join(names) for names in self.inputs),
            "formula": self.formula,
            "scale": f"{self.scale}; printed as {SCALES[self.scale].text}",
            "reference": self.cite,
        }
        lines = [
            textwrap.fill(f"  {name:<15}{value}", 88, subsequent_indent=" " * 17)
            for name, value in rows.items()
            if value
        ]
        return "\n".join([f"{self.id}: {self.label}", *lines])


@dataclass(frozen=True, slots=True)
class Rule:
    """What the values of some columns must be; missing ones are not looked at."""

    columns: tuple[str, ...]
    holds: Callable[[Array], Mask]
    must: str

    def problems(self, rows: Rows, labels: Sequence[str]) -> list[Problem]:
        """Return one problem a value that breaks the rule."""
        found = []
        for name in self.columns:
            values = column(rows, name)
            bad = ~np.isnan(values) & ~(self.holds(values) & np.isfinite(values))
            found += [
                Problem(f"{labels[i]}: {name} is {values[i]:g}", f"it must be {self.must}")
                for i in np.flatnonzero(bad).tolist()
            ]
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Kind(Generic[Data]):
    """A kind of input, such as 2x2 tables, that several measures are computed from.

    Parameters
    ----------
    complete : callable
        ``complete(rows) -> rows`` fills columns from others that say the same, such as the cell
        ``bi`` from ``n1i - ai``.
    prepare : callable
        ``prepare(rows, zeros, default) -> data``: what the formulas work on; ``default`` is what
        is added to zero counts unless ``zeros`` says otherwise.
    size : callable
        ``size(rows) -> array of shape (k,)``: people behind each effect, or their person-time.
    rules : tuple of Rule
        What completed rows must fulfil.
    source : {"counts", "summaries"}
        What the input is.
    """

    complete: Callable[[Rows], Rows]
    prepare: Callable[[Rows, Zeros, float], Data]
    size: Callable[[Rows], Array]
    rules: tuple[Rule, ...]
    source: Source


@dataclass(frozen=True, slots=True, eq=False)
class Formula(Generic[Data]):
    """How a measure of the core is computed; called with rows it is a `Measure`'s ``effect``.

    Parameters
    ----------
    kind : Kind
        What it is computed from.
    inputs : tuple of tuple of str
        The sets of columns that each suffice; the first is the measure's own.
    text : str
        The formula of effect and variances.
    yi : callable
        ``yi(data) -> array of shape (k,)``.
    vi : mapping of str to callable
        The variance by ``vtype``, metafor's word for how it is estimated; has ``LS``.
    add : float
        What is added to zero counts by default.
    why_not : str
        Why it cannot be computed from other input that a table may have.
    """

    kind: Kind[Data]
    inputs: tuple[tuple[str, ...], ...]
    text: str
    yi: Callable[[Data], Array]
    vi: Mapping[str, Callable[[Data], Array]]
    add: float = 0.5
    why_not: str = ""

    def __call__(self, rows: Rows) -> tuple[Array, Array]:
        """Return effects and variances by the defaults."""
        return self.compute(rows)

    def compute(
        self, rows: Rows, *, zeros: Zeros | None = None, vtype: str = "LS"
    ) -> tuple[Array, Array]:
        """Return effects and variances of shape (k,); nan where they do not exist.

        Raises
        ------
        ModelError
            If there is no variance of this type.
        """
        check_choice("vtype", vtype, self.vi)
        with np.errstate(all="ignore"):
            data = self.kind.prepare(self.kind.complete(rows), zeros or Zeros(), self.add)
            yi, vi = np.array(self.yi(data)), np.array(self.vi[vtype](data))
        yi[~np.isfinite(yi)] = np.nan
        vi[~np.isfinite(vi) | np.isnan(yi) | (vi < 0)] = np.nan
        return yi, vi

    def problems(self, rows: Rows, labels: Sequence[str]) -> list[Problem]:
        """Return what is wrong with the values given."""
        with np.errstate(all="ignore"):
            full = self.kind.complete(rows)
            return [p for rule in self.kind.rules for p in rule.problems(full, labels)]

    def __str__(self) -> str:
        return self.text


def column(rows: Rows, name: str) -> Array:
    """Return a column as floats; nan where there is none."""
    if name in rows:
        return np.asarray(rows[name], dtype=np.float64)
    return np.full(max((np.size(values) for values in rows.values()), default=0), np.nan)


def first_known(*choices: Array) -> Array:
    """Return the first that is not nan, study by study."""
    known = choices[0]
    for other in choices[1:]:
        known = np.where(np.isnan(known), other, known)
    return known


def weighted_mean(values: Array, weights: Array) -> float:
    """Return the mean over the studies that have both."""
    both = ~np.isnan(values) & ~np.isnan(weights)
    return float((values[both] * weights[both]).sum() / weights[both].sum())


def unchanged(rows: Rows) -> Rows:
    """Return the rows: there is nothing to fill in."""
    return rows


def not_negative(*columns: str) -> Rule:
    """Return the rule that counts, times and standard deviations follow."""
    return Rule(columns, lambda values: values >= 0, "0 or more")


def positive(*columns: str) -> Rule:
    """Return the rule that sample sizes follow."""
    return Rule(columns, lambda values: values > 0, "more than 0")


def finite(*columns: str) -> Rule:
    """Return the rule that a mean follows."""
    return Rule(columns, np.isfinite, "a finite number")


def correlation(*columns: str) -> Rule:
    """Return the rule that a correlation follows."""
    return Rule(columns, lambda values: np.abs(values) <= 1, "between -1 and 1")


SIGNED_P = Rule(
    ("pi",),
    lambda values: (values != 0) & (np.abs(values) <= 1),
    "a two-sided p-value with the sign of the effect",
)
