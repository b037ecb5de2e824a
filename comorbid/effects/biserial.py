"""Measures of the correlation of a two-valued and a continuous variable, from two groups."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import Formula, Measure
from comorbid.effects.groups import GROUPS, STANDARDISED_INPUTS, Groups, cohen_variance

_Values = Callable[[Groups], Array]


def _rpb(g: Groups) -> Array:
    return g.d / np.sqrt(g.d**2 + g.df * g.per_head)


def _rpb_stratified(g: Groups) -> Array:
    h = g.df * g.per_head
    return h**2 / (h + g.d**2) ** 3 * cohen_variance(g)


def _rpb_cross_sectional(g: Groups) -> Array:
    r2, share = _rpb(g) ** 2, g.n1 / g.n
    return (1 - r2) ** 2 * (1 - 1.5 * r2 + r2 / (4 * share * (1 - share))) / g.n


def _cut(g: Groups) -> tuple[Array, Array, Array]:
    """Return the share of group 1, the normal quantile above which it lies, and the density."""
    share = g.n1 / g.n
    z = special.ndtri(1 - share)
    return share, z, np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)


def _rbis(g: Groups) -> Array:
    share, _, density = _cut(g)
    return np.sqrt(share * (1 - share)) / density * _rpb(g)


def _rbis_variance(g: Groups) -> Array:
    """Soper's variance; at 1 for an estimate beyond it, as no correlation can be."""
    share, z, density = _cut(g)
    r2: Array = np.minimum(_rbis(g) ** 2, 1)
    tilt = (1 - share * z / density) * (1 + (1 - share) * z / density)
    return (share * (1 - share) / density**2 - (1.5 + tilt) * r2 + r2**2) / (g.n - 1)


def _fisher(value: _Values, variance: _Values) -> _Values:
    return lambda g: variance(g) / (1 - value(g) ** 2) ** 2


def _measure(
    code: str, label: str, text: str, yi: _Values, vi: Mapping[str, _Values], cite: str, scale: str
) -> Measure:
    formula = Formula(GROUPS, STANDARDISED_INPUTS, text, yi, vi)
    return Measure(code, label, STANDARDISED_INPUTS[0], formula, scale, 0.0, cite)


_TATE = "Tate 1954, doi:10.1214/aoms/1177728730"
_SOPER = "Soper 1914, doi:10.1093/biomet/10.2-3.384; Jacobs and Viechtbauer 2017, "
_SOPER += "doi:10.1002/jrsm.1218"
_RPB = {"LS": _rpb_stratified, "ST": _rpb_stratified, "CS": _rpb_cross_sectional}

BISERIAL_MEASURES: tuple[Measure, ...] = (
    _measure(
        "RPB",
        "point-biserial correlation",
        "y = d / sqrt(d^2 + h) with h = (n - 2) (1/n1 + 1/n2); LS and ST (n1, n2 fixed): "
        "v = h^2 / (h + d^2)^3 (1/n1 + 1/n2 + d^2 / (2n)); CS (one sample, q = n1 / n): "
        "(1 - y^2)^2 (1 - 1.5 y^2 + y^2 / (4 q (1 - q))) / n",
        _rpb,
        _RPB,
        _TATE,
        "identity",
    ),
    _measure(
        "ZPB",
        "point-biserial correlation",
        "y = atanh(r), v = v(RPB) / (1 - r^2)^2",
        lambda g: np.arctanh(_rpb(g)),
        {vtype: _fisher(_rpb, variance) for vtype, variance in _RPB.items()},
        _TATE,
        "arctanh",
    ),
    _measure(
        "RBIS",
        "biserial correlation",
        "y = sqrt(q (1 - q)) / f r with q = n1 / n, z the normal quantile of 1 - q, f its density "
        "and r of RPB; v = (q (1 - q) / f^2 - (1.5 + (1 - q z / f) (1 + (1 - q) z / f)) y^2 + y^4)"
        " / (n - 1), with 1 for an estimate beyond 1",
        _rbis,
        {"LS": _rbis_variance},
        _SOPER,
        "identity",
    ),
    _measure(
        "ZBIS",
        "biserial correlation",
        "y = atanh(r), v = v(RBIS) / (1 - r^2)^2",
        lambda g: np.arctanh(_rbis(g)),
        {"LS": _fisher(_rbis, _rbis_variance)},
        _SOPER,
        "arctanh",
    ),
)
