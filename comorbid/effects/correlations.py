"""Measures of a correlation ``ri`` of ``ni`` people."""

from __future__ import annotations

from collections.abc import Callable
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
    correlation,
    first_known,
    positive,
    weighted_mean,
)
from comorbid.effects.zeros import Zeros

_LARGE = 20  # third parameter above which the series has fewer than a hundred terms
_INPUTS = (("ri", "ni"), ("ti", "ni"), ("pi", "ni"))


@dataclass(frozen=True, slots=True)
class Correlations:
    """Correlations and numbers of people; arrays of shape (k,)."""

    r: Array
    n: Array


def _complete(rows: Rows) -> Rows:
    ni, p = column(rows, "ni"), column(rows, "pi")
    from_p = -np.sign(p) * special.stdtrit(ni - 2, np.abs(p) / 2)
    t = first_known(column(rows, "ti"), from_p)
    ri = first_known(column(rows, "ri"), t / np.sqrt(t**2 + ni - 2))
    return {"ri": ri, "ni": ni, "pi": p}


def _prepare(rows: Rows, zeros: Zeros, default: float) -> Correlations:
    return Correlations(rows["ri"], rows["ni"])


CORRELATIONS = Kind(
    complete=_complete,
    prepare=_prepare,
    size=lambda rows: column(rows, "ni"),
    rules=(correlation("ri"), positive("ni"), SIGNED_P),
    source="summaries",
)


def _large_sample(r: Array | float, n: Array) -> Array:
    return np.where(n > 3, (1 - r**2) ** 2 / (n - 1), np.nan)


def _hypergeometric(a: float, b: float, c: Array, z: Array) -> Array:
    """Gauss's 2F1 for z from 0 to 1; scipy's gives inf or nan for a large c and z near 1."""
    large = c > _LARGE
    value: Array = special.hyp2f1(a, b, np.where(large, np.nan, c), z)
    term = np.where(large, 1.0, 0.0)
    total, k = term.copy(), 0
    while (term > np.finfo(float).eps / 8).any():
        term = term * ((a + k) * (b + k) / (k + 1)) * z / (c + k)
        total, k = total + term, k + 1
    return np.where(large, total, value)


def unbiased_correlation(r: Array, n: Array) -> Array:
    r"""Return the unbiased estimate of a correlation.

    .. math:: r\; {}_2F_1\!\left(\tfrac12, \tfrac12; \tfrac{n - 2}{2}; 1 - r^2\right)

    Parameters
    ----------
    r, n : arrays of shape (k,)
        Correlations, and numbers of people; nan below 5 people.

    References
    ----------
    Olkin I, Pratt JW (1958). Annals of Mathematical Statistics 29:201-211, equation 2.3.
    doi:10.1214/aoms/1177706717

    Examples
    --------
    >>> unbiased_correlation(np.array([0.5]), np.array([10.0])).round(4).tolist()
    [0.529]
    """
    factor = _hypergeometric(0.5, 0.5, (n - 2) / 2, 1 - r**2)
    return np.asarray(np.where(n > 4, r * factor, np.nan))


def _ucor(c: Correlations) -> Array:
    return unbiased_correlation(c.r, c.n)


def _ucor_unbiased(c: Correlations) -> Array:
    """Return y^2 less the unbiased estimate of the squared correlation."""
    series = _hypergeometric(1.0, 1.0, c.n / 2, 1 - c.r**2)
    return _ucor(c) ** 2 - 1 + (c.n - 3) / (c.n - 2) * (1 - c.r**2) * series


def _mean(value: Callable[[Correlations], Array], c: Correlations) -> float:
    return weighted_mean(value(c), c.n)


def _cor(c: Correlations) -> Array:
    return c.r


def _measure(
    code: str,
    label: str,
    text: str,
    yi: Callable[[Correlations], Array],
    vi: dict[str, Callable[[Correlations], Array]],
    cite: str,
    scale: str = "identity",
) -> Measure:
    formula = Formula(CORRELATIONS, _INPUTS, text, yi, vi)
    return Measure(code, label, _INPUTS[0], formula, scale, 0.0, cite)


CORRELATION_MEASURES: tuple[Measure, ...] = (
    _measure(
        "COR",
        "correlation",
        "y = r, v = (1 - r^2)^2 / (n - 1); AV: at the mean r of all studies",
        _cor,
        {
            "LS": lambda c: _large_sample(c.r, c.n),
            "AV": lambda c: _large_sample(_mean(_cor, c), c.n),
        },
        "Borenstein 2009, The Handbook of Research Synthesis and Meta-Analysis, 221-235",
    ),
    _measure(
        "UCOR",
        "correlation, unbiased",
        "y = r 2F1(1/2, 1/2; (n - 2)/2; 1 - r^2), v = (1 - y^2)^2 / (n - 1); "
        "UB: y^2 - 1 + (n - 3) / (n - 2) (1 - r^2) 2F1(1, 1; n/2; 1 - r^2); "
        "AV: LS at the mean y of all studies",
        _ucor,
        {
            "LS": lambda c: _large_sample(_ucor(c), c.n),
            "UB": _ucor_unbiased,
            "AV": lambda c: _large_sample(_mean(_ucor, c), c.n),
        },
        "Olkin and Pratt 1958, doi:10.1214/aoms/1177706717; "
        "Hedges 1989, doi:10.1037/0021-9010.74.3.469",
    ),
    _measure(
        "ZCOR",
        "correlation",
        "y = atanh(r), v = 1 / (n - 3)",
        lambda c: np.arctanh(c.r),
        {"LS": lambda c: 1 / (c.n - 3)},
        "Fisher 1921, Metron 1:3-32, hdl:2440/15169",
        "arctanh",
    ),
)
