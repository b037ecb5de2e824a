"""Measures of events over person-time: of two groups, and of one."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    Formula,
    Kind,
    Measure,
    Rows,
    column,
    not_negative,
    positive,
    unchanged,
)
from comorbid.effects.scales import double_square_root
from comorbid.effects.zeros import Zeros

_TWO = ("x1i", "t1i", "x2i", "t2i")
_ONE = ("xi", "ti")


@dataclass(frozen=True, slots=True)
class Pairs:
    """Events x and person-time t of two groups; arrays of shape (k,)."""

    x1: Array
    t1: Array
    x2: Array
    t2: Array


@dataclass(frozen=True, slots=True)
class Rates:
    """Events x and person-time t of one group; arrays of shape (k,)."""

    x: Array
    t: Array


def _prepare_pairs(rows: Rows, zeros: Zeros, default: float) -> Pairs:
    x1, t1, x2, t2 = (column(rows, name) for name in _TWO)
    none = (x1 == 0) & (x2 == 0)
    x1, x2 = zeros.correct(np.stack([x1, x2]), default=default, uninformative=none)
    return Pairs(x1, t1, x2, t2)


def _prepare_rates(rows: Rows, zeros: Zeros, default: float) -> Rates:
    (x,) = zeros.correct(column(rows, "xi")[np.newaxis], default=default)
    return Rates(x, column(rows, "ti"))


PAIRS = Kind(
    complete=unchanged,
    prepare=_prepare_pairs,
    size=lambda rows: column(rows, "t1i") + column(rows, "t2i"),
    rules=(not_negative("x1i", "x2i"), positive("t1i", "t2i")),
    source="counts",
)
RATES = Kind(
    complete=unchanged,
    prepare=_prepare_rates,
    size=lambda rows: column(rows, "ti"),
    rules=(not_negative("xi"), positive("ti")),
    source="counts",
)


def _two(
    code: str,
    label: str,
    text: str,
    yi: Callable[[Pairs], Array],
    vi: Callable[[Pairs], Array],
    scale: str,
    add: float = 0.5,
) -> Measure:
    formula = Formula(PAIRS, (_TWO,), text, yi, {"LS": vi}, add)
    cite = "Rothman et al. 2008, Modern Epidemiology, ch. 14"
    if code == "IRSD":
        cite = "Bagos and Nikolopoulos 2009, doi:10.2202/1557-4679.1168"
    return Measure(code, label, _TWO, formula, scale, 0.0, cite)


def _one(
    code: str,
    text: str,
    yi: Callable[[Rates], Array],
    vi: Callable[[Rates], Array],
    scale: str,
    add: float = 0.5,
) -> Measure:
    formula = Formula(RATES, (_ONE,), text, yi, {"LS": vi}, add)
    cite = "Rothman et al. 2008, Modern Epidemiology, ch. 14"
    if add == 0:
        cite = "Freeman and Tukey 1950, doi:10.1214/aoms/1177729756"
    return Measure(code, "incidence rate", _ONE, formula, scale, float("nan"), cite)


RATE_MEASURES: tuple[Measure, ...] = (
    _two(
        "IRR",
        "incidence rate ratio",
        "y = log((x1 / t1) / (x2 / t2)), v = 1/x1 + 1/x2",
        lambda r: np.log(r.x1 / r.t1) - np.log(r.x2 / r.t2),
        lambda r: 1 / r.x1 + 1 / r.x2,
        "log",
    ),
    _two(
        "IRD",
        "incidence rate difference",
        "y = x1 / t1 - x2 / t2, v = x1 / t1^2 + x2 / t2^2",
        lambda r: r.x1 / r.t1 - r.x2 / r.t2,
        lambda r: r.x1 / r.t1**2 + r.x2 / r.t2**2,
        "identity",
    ),
    _two(
        "IRSD",
        "difference of the square roots of incidence rates",
        "y = sqrt(x1 / t1) - sqrt(x2 / t2), v = 1/(4 t1) + 1/(4 t2)",
        lambda r: np.sqrt(r.x1 / r.t1) - np.sqrt(r.x2 / r.t2),
        lambda r: 1 / (4 * r.t1) + 1 / (4 * r.t2),
        "identity",
        add=0.0,
    ),
    _one("IR", "y = x / t, v = x / t^2", lambda r: r.x / r.t, lambda r: r.x / r.t**2, "identity"),
    _one("IRLN", "y = log(x / t), v = 1/x", lambda r: np.log(r.x / r.t), lambda r: 1 / r.x, "log"),
    _one(
        "IRS",
        "y = sqrt(x / t), v = 1/(4t)",
        lambda r: np.sqrt(r.x / r.t),
        lambda r: 1 / (4 * r.t),
        "square-root",
        add=0.0,
    ),
    _one(
        "IRFT",
        "y = (sqrt(x / t) + sqrt((x + 1) / t)) / 2, v = 1/(4t); back with the harmonic mean of t",
        lambda r: double_square_root(r.x / r.t, r.t),
        lambda r: 1 / (4 * r.t),
        "double-square-root",
        add=0.0,
    ),
)
