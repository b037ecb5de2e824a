"""Measures of the association of two conditions as a coefficient, from 2x2 counts."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.formula import Measure
from comorbid.effects.tables import Tables, Values, count_measure, woolf
from comorbid.effects.tetrachoric import tetrachoric


def _phi(t: Tables) -> Array:
    margins = t.n1 * t.n2 * (t.a + t.c) * (t.b + t.d)
    return (t.a * t.d - t.b * t.c) / np.sqrt(margins)


def _phi_cross_sectional(t: Tables) -> Array:
    phi, n = _phi(t), t.n
    row1, row2, first, second = t.n1 / n, t.n2 / n, (t.a + t.c) / n, (t.b + t.d) / n
    rows, columns = row1 * row2, first * second
    skew = (row1 - row2) * (first - second) / np.sqrt(rows * columns)
    spread = (row1 - row2) ** 2 / rows + (first - second) ** 2 / columns
    return (1 - phi**2 + phi * (1 + phi**2 / 2) * skew - 0.75 * phi**2 * spread) / n


def _phi_stratified(t: Tables) -> Array:
    """Delta method on phi as a function of the two risks, the group sizes being fixed."""
    share1, share2, risk = t.n1 / t.n, t.n2 / t.n, (t.a + t.c) / t.n
    spread = risk * (1 - risk)
    slope = (t.p1 - t.p2) * (1 - 2 * risk) / (2 * spread)
    weight = share1 * share2 / spread
    return weight * (
        (1 - slope * share1) ** 2 * t.p1 * (1 - t.p1) / t.n1
        + (1 + slope * share2) ** 2 * t.p2 * (1 - t.p2) / t.n2
    )


def _yule_q(t: Tables) -> Array:
    q = (t.a * t.d - t.b * t.c) / (t.a * t.d + t.b * t.c)
    return _unless_zero(t, q)


def _yule_y(t: Tables) -> Array:
    agree: Array = np.sqrt(t.a * t.d)
    differ: Array = np.sqrt(t.b * t.c)
    return _unless_zero(t, (agree - differ) / (agree + differ))


def _unless_zero(t: Tables, value: Array) -> Array:
    """Return nan for a table with a zero cell, whose log odds ratio is infinite."""
    return np.where(np.isfinite(woolf(t)), value, np.nan)


def _fisher(value: Values) -> Values:
    return lambda t: np.arctanh(value(t))


def _of_fisher(value: Values, variance: Values) -> Values:
    return lambda t: variance(t) / (1 - value(t) ** 2) ** 2


def _tetrachoric_r(t: Tables) -> Array:
    return tetrachoric(t.a, t.b, t.c, t.d)[0]


def _tetrachoric_v(t: Tables) -> Array:
    return tetrachoric(t.a, t.b, t.c, t.d)[1]


ASSOCIATION_MEASURES: tuple[Measure, ...] = (
    count_measure(
        "PHI",
        "phi coefficient",
        "y = (ad - bc) / sqrt(n1 n2 (a + c) (b + d)); LS and CS (one sample): v = (1 - y^2 + "
        "y (1 + y^2 / 2) r c / sqrt(R C) - 3/4 y^2 (r^2 / R + c^2 / C)) / n with "
        "r = (n1 - n2) / n, R = n1 n2 / n^2, c = (a + c - b - d) / n, C = (a + c) (b + d) / n^2; "
        "ST: the delta method with n1 and n2 fixed",
        _phi,
        {"LS": _phi_cross_sectional, "ST": _phi_stratified, "CS": _phi_cross_sectional},
        "Yule 1912, doi:10.2307/2340126",
        add=0.0,
    ),
    count_measure(
        "ZPHI",
        "phi coefficient",
        "y = atanh(phi), v = v(phi) / (1 - phi^2)^2",
        _fisher(_phi),
        {
            "LS": _of_fisher(_phi, _phi_cross_sectional),
            "ST": _of_fisher(_phi, _phi_stratified),
            "CS": _of_fisher(_phi, _phi_cross_sectional),
        },
        "Yule 1912, doi:10.2307/2340126",
        scale="arctanh",
        add=0.0,
    ),
    count_measure(
        "YUQ",
        "Yule's Q",
        "y = (ad - bc) / (ad + bc), v = (1 - y^2)^2 (1/a + 1/b + 1/c + 1/d) / 4",
        _yule_q,
        {"LS": lambda t: (1 - _yule_q(t) ** 2) ** 2 * woolf(t) / 4},
        "Yule 1912, doi:10.2307/2340126",
    ),
    count_measure(
        "YUY",
        "Yule's Y",
        "y = (sqrt(ad) - sqrt(bc)) / (sqrt(ad) + sqrt(bc)), "
        "v = (1 - y^2)^2 (1/a + 1/b + 1/c + 1/d) / 16",
        _yule_y,
        {"LS": lambda t: (1 - _yule_y(t) ** 2) ** 2 * woolf(t) / 16},
        "Yule 1912, doi:10.2307/2340126",
    ),
    count_measure(
        "RTET",
        "tetrachoric correlation",
        "y = r with Phi2(z(n1/n), z((a + c)/n); r) = a/n; v by the delta method",
        _tetrachoric_r,
        {"LS": _tetrachoric_v},
        "Pearson 1900, doi:10.1098/rsta.1900.0022; Hamdan 1970, doi:10.1093/biomet/57.1.212",
        add=0.0,
    ),
    count_measure(
        "ZTET",
        "tetrachoric correlation",
        "y = atanh(r), v = v(r) / (1 - r^2)^2",
        _fisher(_tetrachoric_r),
        {"LS": _of_fisher(_tetrachoric_r, _tetrachoric_v)},
        "Pearson 1900, doi:10.1098/rsta.1900.0022; Hamdan 1970, doi:10.1093/biomet/57.1.212",
        scale="arctanh",
        add=0.0,
    ),
)
