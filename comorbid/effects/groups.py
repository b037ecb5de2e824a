"""Means and standard deviations of two groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    SIGNED_P,
    Formula,
    Kind,
    Measure,
    Rows,
    column,
    finite,
    first_known,
    not_negative,
    positive,
)
from comorbid.effects.zeros import Zeros

_COLUMNS = ("m1i", "sd1i", "n1i", "m2i", "sd2i", "n2i")
# Cohen's d, the t statistic or the signed p-value says as much as means and standard deviations.
STANDARDISED_INPUTS = (_COLUMNS, *((name, "n1i", "n2i") for name in ("di", "ti", "pi")))
Values = Callable[["Groups"], Array]


@dataclass(frozen=True, slots=True)
class Groups:
    """Means, standard deviations and sizes of two groups, and Cohen's d; arrays of shape (k,)."""

    m1: Array
    sd1: Array
    n1: Array
    m2: Array
    sd2: Array
    n2: Array
    d: Array

    @property
    def df(self) -> Array:
        """Degrees of freedom of the pooled standard deviation."""
        return self.n1 + self.n2 - 2

    @property
    def n(self) -> Array:
        """Size of both groups."""
        return self.n1 + self.n2

    @property
    def per_head(self) -> Array:
        """Variance of a difference of means in units of the pooled one: 1/n1 + 1/n2."""
        return 1 / self.n1 + 1 / self.n2

    @property
    def cv1(self) -> Array:
        """Squared coefficient of variation of the mean of group 1."""
        return self.sd1**2 / (self.n1 * self.m1**2)

    @property
    def cv2(self) -> Array:
        """Squared coefficient of variation of the mean of group 2."""
        return self.sd2**2 / (self.n2 * self.m2**2)


def _complete(rows: Rows) -> Rows:
    m1, sd1, n1, m2, sd2, n2 = (column(rows, name) for name in _COLUMNS)
    df = n1 + n2 - 2
    p = column(rows, "pi")
    from_p = -np.sign(p) * special.stdtrit(df, np.abs(p) / 2)
    t = first_known(column(rows, "ti"), from_p)
    pooled = np.sqrt(((n1 - 1) * sd1**2 + (n2 - 1) * sd2**2) / df)
    pooled[pooled == 0] = np.nan
    d = first_known(column(rows, "di"), t * np.sqrt(1 / n1 + 1 / n2), (m1 - m2) / pooled)
    return {**dict(zip(_COLUMNS, (m1, sd1, n1, m2, sd2, n2), strict=True)), "di": d, "pi": p}


def _prepare(rows: Rows, zeros: Zeros, default: float) -> Groups:
    return Groups(*(rows[name] for name in (*_COLUMNS, "di")))


def _size(rows: Rows) -> Array:
    return column(rows, "n1i") + column(rows, "n2i")


GROUPS = Kind(
    complete=_complete,
    prepare=_prepare,
    size=_size,
    rules=(
        not_negative("sd1i", "sd2i"),
        positive("n1i", "n2i"),
        finite("m1i", "m2i", "di"),
        SIGNED_P,
    ),
    source="summaries",
)


def pooled_variance(g: Groups) -> Array:
    """Return the squared standard deviation pooled over the two groups."""
    return ((g.n1 - 1) * g.sd1**2 + (g.n2 - 1) * g.sd2**2) / g.df


def cohen_variance(g: Groups) -> Array:
    """Return the large-sample variance of Cohen's d: 1/n1 + 1/n2 + d^2 / (2n)."""
    return g.per_head + g.d**2 / (2 * g.n)


def group_measure(
    code: str,
    label: str,
    text: str,
    yi: Values,
    vi: Mapping[str, Values],
    cite: str,
    *,
    scale: str = "identity",
    inputs: tuple[tuple[str, ...], ...] = (_COLUMNS,),
) -> Measure:
    """Return a measure of two groups' means and standard deviations."""
    formula = Formula(GROUPS, inputs, text, yi, vi)
    return Measure(code, label, inputs[0], formula, scale, 0.0, cite)
