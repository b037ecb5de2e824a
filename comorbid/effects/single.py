"""Measures of one group's mean and standard deviation, and of a scale's reliability."""

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
    Rule,
    column,
    finite,
    not_negative,
    positive,
    unchanged,
)
from comorbid.effects.hedges import hedges_j
from comorbid.effects.zeros import Zeros

_MEAN = ("mi", "sdi", "ni")
_ALPHA = ("ai", "mi", "ni")


@dataclass(frozen=True, slots=True)
class Means:
    """Mean, standard deviation and size of one group; arrays of shape (k,)."""

    m: Array
    sd: Array
    n: Array


@dataclass(frozen=True, slots=True)
class Alphas:
    """Cronbach's alpha of a scale of m items in n people; arrays of shape (k,)."""

    alpha: Array
    m: Array
    n: Array


def _prepare_means(rows: Rows, zeros: Zeros, default: float) -> Means:
    return Means(*(column(rows, name) for name in _MEAN))


def _prepare_alphas(rows: Rows, zeros: Zeros, default: float) -> Alphas:
    return Alphas(*(column(rows, name) for name in _ALPHA))


MEANS = Kind(
    complete=unchanged,
    prepare=_prepare_means,
    size=lambda rows: column(rows, "ni"),
    rules=(finite("mi"), not_negative("sdi"), positive("ni")),
    source="summaries",
)
ALPHAS = Kind(
    complete=unchanged,
    prepare=_prepare_alphas,
    size=lambda rows: column(rows, "ni"),
    rules=(
        Rule(("ai",), lambda values: values <= 1, "at most 1"),
        Rule(("mi",), lambda values: values >= 2, "2 items or more"),
        positive("ni"),
    ),
    source="summaries",
)


def _pooled(m: Means) -> Array:
    both = ~np.isnan(m.sd) & ~np.isnan(m.n)
    df = (m.n - 1)[both]
    return np.asarray((df * m.sd[both] ** 2).sum() / df.sum())


def _smn(m: Means) -> Array:
    return hedges_j(m.n - 1) * m.m / m.sd


def _cv(m: Means) -> Array:
    return m.sd**2 / (m.n * m.m**2)


def _mean(
    code: str,
    label: str,
    text: str,
    yi: Callable[[Means], Array],
    vi: dict[str, Callable[[Means], Array]],
    cite: str,
    scale: str,
    columns: tuple[str, ...] = _MEAN,
) -> Measure:
    return Measure(
        code, label, columns, Formula(MEANS, (columns,), text, yi, vi), scale, float("nan"), cite
    )


def _alpha(
    code: str,
    text: str,
    yi: Callable[[Alphas], Array],
    vi: Callable[[Alphas], Array],
    cite: str,
    scale: str,
) -> Measure:
    formula = Formula(ALPHAS, (_ALPHA,), text, yi, {"LS": vi})
    return Measure(code, "Cronbach's alpha", _ALPHA, formula, scale, float("nan"), cite)


_NAKAGAWA = "Nakagawa et al. 2015, doi:10.1111/2041-210X.12309"

SINGLE_MEASURES: tuple[Measure, ...] = (
    _mean(
        "MN",
        "mean",
        "y = m, v = sd^2 / n; HO: with the sd pooled over all studies",
        lambda m: m.m,
        {"LS": lambda m: m.sd**2 / m.n, "HO": lambda m: _pooled(m) / m.n},
        "Lipsey and Wilson 2001, Practical Meta-Analysis, 41-42",
        "identity",
    ),
    _mean(
        "SMN",
        "standardised mean",
        "y = J(n - 1) m / sd, v = 1/n + y^2 / (2n); J as of SMD",
        _smn,
        {"LS": lambda m: 1 / m.n + _smn(m) ** 2 / (2 * m.n)},
        "Hedges 1981, doi:10.3102/10769986006002107",
        "identity",
    ),
    _mean(
        "MNLN",
        "mean",
        "y = log(m), v = sd^2 / (n m^2)",
        lambda m: np.log(m.m),
        {"LS": _cv},
        "Hedges et al. 1999, doi:10.1890/0012-9658(1999)080[1150:TMAORR]2.0.CO;2",
        "log",
    ),
    _mean(
        "SDLN",
        "standard deviation",
        "y = log(sd) + 1/(2 (n - 1)), v = 1/(2 (n - 1))",
        lambda m: np.log(m.sd) + 1 / (2 * (m.n - 1)),
        {"LS": lambda m: 1 / (2 * (m.n - 1))},
        f"{_NAKAGAWA}; Raudenbush and Bryk 1987, doi:10.3102/10769986012003241",
        "log",
        ("sdi", "ni"),
    ),
    _mean(
        "CVLN",
        "coefficient of variation",
        "y = log(sd / m) + 1/(2 (n - 1)), v = 1/(2 (n - 1)) + sd^2 / (n m^2)",
        lambda m: np.log(m.sd / m.m) + 1 / (2 * (m.n - 1)),
        {"LS": lambda m: 1 / (2 * (m.n - 1)) + _cv(m)},
        _NAKAGAWA,
        "log",
    ),
    _alpha(
        "ARAW",
        "y = alpha, v = 2 m (1 - alpha)^2 / ((m - 1) (n - 2))",
        lambda a: a.alpha,
        lambda a: 2 * a.m * (1 - a.alpha) ** 2 / ((a.m - 1) * (a.n - 2)),
        "Bonett 2010, doi:10.1037/a0020142",
        "identity",
    ),
    _alpha(
        "AHW",
        "y = 1 - (1 - alpha)^(1/3), v = 18 m (n - 1) (1 - alpha)^(2/3) / ((m - 1) (9n - 11)^2)",
        lambda a: 1 - np.cbrt(1 - a.alpha),
        lambda a: (
            18 * a.m * (a.n - 1) * np.cbrt(1 - a.alpha) ** 2 / ((a.m - 1) * (9 * a.n - 11) ** 2)
        ),
        "Hakstian and Whalen 1976, doi:10.1007/BF02291840",
        "cube-root-complement",
    ),
    _alpha(
        "ABT",
        "y = -log(1 - alpha), v = 2 m / ((m - 1) (n - 2))",
        lambda a: -np.log1p(-a.alpha),
        lambda a: 2 * a.m / ((a.m - 1) * (a.n - 2)),
        "Bonett 2002, doi:10.3102/10769986027004335",
        "log-complement",
    ),
)
