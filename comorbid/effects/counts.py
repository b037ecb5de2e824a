"""Measures of two risks, from 2x2 counts."""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import Measure
from comorbid.effects.tables import Tables, Values, count_measure, woolf

LOGISTIC, NORMAL = np.pi / np.sqrt(3), 1.65
"""Standard deviation of the standard logistic distribution; Cox and Snell's factor for normals."""


def _log_or(t: Tables) -> Array:
    return np.log(t.a) - np.log(t.b) - np.log(t.c) + np.log(t.d)


def _log_rr(t: Tables) -> Array:
    return np.log(t.p1) - np.log(t.p2)


def _rr_variance(t: Tables) -> Array:
    return 1 / t.a - 1 / t.n1 + 1 / t.c - 1 / t.n2


def _rd_variance(t: Tables) -> Array:
    return t.p1 * (1 - t.p1) / t.n1 + t.p2 * (1 - t.p2) / t.n2


def _rd_unbiased(t: Tables) -> Array:
    return t.p1 * (1 - t.p1) / (t.n1 - 1) + t.p2 * (1 - t.p2) / (t.n2 - 1)


def _at_means(variance: Values) -> Values:
    return lambda t: variance(t.with_mean_risks())


def _arcsine(t: Tables) -> Array:
    return np.arcsin(np.sqrt(t.p1)) - np.arcsin(np.sqrt(t.p2))


def _peto_variance(t: Tables) -> Array:
    events = t.a + t.c
    return t.n1 * t.n2 * events * (t.n - events) / (t.n**2 * (t.n - 1))


def _peto(t: Tables) -> Array:
    return (t.a - t.n1 * (t.a + t.c) / t.n) / _peto_variance(t)


def _probit(t: Tables) -> Array:
    z1: Array = special.ndtri(t.p1)
    z2: Array = special.ndtri(t.p2)
    return z1 - z2


def _probit_variance(t: Tables) -> Array:
    def of_one(p: Array, n: Array) -> Array:
        z: Array = special.ndtri(p)
        return 2 * np.pi * p * (1 - p) * np.exp(z**2) / n

    return of_one(t.p1, t.n1) + of_one(t.p2, t.n2)


def _times(values: Values, factor: float) -> Values:
    return lambda t: values(t) * factor


def _d_from_or(code: str, label: str, factor: float, name: str) -> Measure:
    variances = {"LS": woolf, "AV": _at_means(woolf)}
    return count_measure(
        code,
        label,
        f"y = log(ad / bc) / s, v = (1/a + 1/b + 1/c + 1/d) / s^2 with s = {name}; "
        "AV: at the mean risks of all studies",
        _times(_log_or, 1 / factor),
        {vtype: _times(variance, 1 / factor**2) for vtype, variance in variances.items()},
        "Sanchez-Meca et al. 2003, doi:10.1037/1082-989X.8.4.448",
    )


COUNT_MEASURES: tuple[Measure, ...] = (
    count_measure(
        "OR",
        "odds ratio",
        "y = log(ad / bc), v = 1/a + 1/b + 1/c + 1/d; AV: at the mean risks of all studies",
        _log_or,
        {"LS": woolf, "AV": _at_means(woolf)},
        "Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x",
        scale="log",
    ),
    count_measure(
        "RR",
        "risk ratio",
        "y = log(p1 / p2), v = 1/a - 1/n1 + 1/c - 1/n2; AV: at the mean risks of all studies",
        _log_rr,
        {"LS": _rr_variance, "AV": _at_means(_rr_variance)},
        "Katz et al. 1978, doi:10.2307/2530610",
        scale="log",
    ),
    count_measure(
        "RD",
        "risk difference",
        "y = p1 - p2, v = p1 (1 - p1) / n1 + p2 (1 - p2) / n2; UB: over n1 - 1 and n2 - 1; "
        "AV: at the mean risks of all studies",
        lambda t: t.p1 - t.p2,
        {"LS": _rd_variance, "UB": _rd_unbiased, "AV": _at_means(_rd_variance)},
        "Fleiss and Berlin 2009, The Handbook of Research Synthesis and Meta-Analysis, 237-253",
    ),
    count_measure(
        "AS",
        "arcsine difference",
        "y = asin(sqrt(p1)) - asin(sqrt(p2)), v = 1/(4 n1) + 1/(4 n2)",
        _arcsine,
        {"LS": lambda t: 1 / (4 * t.n1) + 1 / (4 * t.n2)},
        "Ruecker et al. 2009, doi:10.1002/sim.3511",
        add=0.0,
    ),
    count_measure(
        "PETO",
        "Peto odds ratio",
        "y = (a - E) / V, v = 1/V, with E = n1 (a + c) / n and "
        "V = n1 n2 (a + c) (b + d) / (n^2 (n - 1))",
        _peto,
        {"LS": lambda t: 1 / _peto_variance(t)},
        "Yusuf et al. 1985, doi:10.1016/S0033-0620(85)80003-7",
        scale="log",
    ),
    count_measure(
        "PBIT",
        "standardised mean difference from probits",
        "y = z(p1) - z(p2), v = sum of 2 pi p (1 - p) exp(z(p)^2) / n over the two groups",
        _probit,
        {"LS": _probit_variance},
        "Sanchez-Meca et al. 2003, doi:10.1037/1082-989X.8.4.448",
    ),
    _d_from_or("OR2D", "standardised mean difference from odds ratios", LOGISTIC, "pi / sqrt(3)"),
    _d_from_or("OR2DL", "standardised mean difference from odds ratios", LOGISTIC, "pi / sqrt(3)"),
    _d_from_or("OR2DN", "standardised mean difference from odds ratios", NORMAL, "1.65"),
)
