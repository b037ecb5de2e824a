"""Measures of a proportion: ``xi`` of ``ni`` people."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import (
    Formula,
    Kind,
    Measure,
    Rows,
    column,
    first_known,
    not_negative,
    positive,
    weighted_mean,
)
from comorbid.effects.scales import double_arcsine
from comorbid.effects.zeros import Zeros

_INPUTS = (("xi", "ni"), ("xi", "mi"))
_Values = Callable[["Proportions"], Array]


@dataclass(frozen=True, slots=True)
class Proportions:
    """People with (x) and without (m); arrays of shape (k,)."""

    x: Array
    m: Array

    @property
    def n(self) -> Array:
        """Number of people."""
        return self.x + self.m

    @property
    def p(self) -> Array:
        """Proportion with."""
        return self.x / self.n

    def with_mean(self) -> Proportions:
        """Return the same numbers of people with the mean proportion of all studies."""
        p = weighted_mean(self.p, self.n)
        return Proportions(self.n * p, self.n * (1 - p))


def _complete(rows: Rows) -> Rows:
    xi, mi, ni = (column(rows, name) for name in ("xi", "mi", "ni"))
    rest = first_known(ni - xi, mi)
    return {"xi": xi, "ni - xi": rest, "ni": xi + rest}


def _prepare(rows: Rows, zeros: Zeros, default: float) -> Proportions:
    counts = np.stack([rows["xi"], rows["ni - xi"]])
    return Proportions(*zeros.correct(counts, default=default))


PROPORTIONS = Kind(
    complete=_complete,
    prepare=_prepare,
    size=lambda rows: _complete(rows)["ni"],
    rules=(not_negative("xi", "ni - xi"), positive("ni")),
    source="counts",
)


def _variance(p: Proportions) -> Array:
    return p.p * (1 - p.p) / p.n


def _log_variance(p: Proportions) -> Array:
    return 1 / p.x - 1 / p.n


def _logit_variance(p: Proportions) -> Array:
    return 1 / p.x + 1 / p.m


def _probit_variance(p: Proportions) -> Array:
    z: Array = special.ndtri(p.p)
    return 2 * np.pi * p.p * (1 - p.p) * np.exp(z**2) / p.n


def _at_mean(variance: _Values) -> _Values:
    return lambda p: variance(p.with_mean())


def _measure(
    code: str,
    text: str,
    yi: _Values,
    vi: dict[str, _Values],
    cite: str,
    scale: str,
    add: float = 0.5,
) -> Measure:
    formula = Formula(PROPORTIONS, _INPUTS, text, yi, vi, add)
    return Measure(code, "proportion", _INPUTS[0], formula, scale, float("nan"), cite)


_FREEMAN_TUKEY = "Freeman and Tukey 1950, doi:10.1214/aoms/1177729756"
_LIPSEY_WILSON = "Lipsey and Wilson 2001, Practical Meta-Analysis, 39-41"

PROPORTION_MEASURES: tuple[Measure, ...] = (
    _measure(
        "PR",
        "y = x / n, v = y (1 - y) / n; UB: over n - 1; AV: at the mean y of all studies",
        lambda p: p.p,
        {
            "LS": _variance,
            "UB": lambda p: p.p * (1 - p.p) / (p.n - 1),
            "AV": _at_mean(_variance),
        },
        _LIPSEY_WILSON,
        "identity",
    ),
    _measure(
        "PLN",
        "y = log(x / n), v = 1/x - 1/n; AV: at the mean x / n of all studies",
        lambda p: np.log(p.p),
        {"LS": _log_variance, "AV": _at_mean(_log_variance)},
        _LIPSEY_WILSON,
        "log",
    ),
    _measure(
        "PLO",
        "y = log(x / (n - x)), v = 1/x + 1/(n - x); AV: at the mean x / n of all studies",
        lambda p: np.log(p.x / p.m),
        {"LS": _logit_variance, "AV": _at_mean(_logit_variance)},
        _LIPSEY_WILSON,
        "logit",
    ),
    _measure(
        "PRZ",
        "y = z(x / n), v = 2 pi p (1 - p) exp(y^2) / n",
        lambda p: special.ndtri(p.p),
        {"LS": _probit_variance},
        "Sanchez-Meca et al. 2003, doi:10.1037/1082-989X.8.4.448",
        "probit",
    ),
    _measure(
        "PAS",
        "y = asin(sqrt(x / n)), v = 1 / (4n)",
        lambda p: np.arcsin(np.sqrt(p.p)),
        {"LS": lambda p: 1 / (4 * p.n)},
        "Ruecker et al. 2009, doi:10.1002/sim.3511",
        "arcsine",
        add=0.0,
    ),
    _measure(
        "PFT",
        "y = (asin(sqrt(x / (n + 1))) + asin(sqrt((x + 1) / (n + 1)))) / 2, v = 1 / (4n + 2); "
        "back by Miller 1978 with the harmonic mean of n",
        lambda p: double_arcsine(p.p, p.n),
        {"LS": lambda p: 1 / (4 * p.n + 2)},
        f"{_FREEMAN_TUKEY}; Miller 1978, doi:10.1080/00031305.1978.10479283",
        "double-arcsine",
        add=0.0,
    ),
)
