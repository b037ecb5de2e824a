"""Measures of the difference of two groups' means."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.counts import LOGISTIC, NORMAL
from comorbid.effects.formula import Measure, weighted_mean
from comorbid.effects.groups import (
    STANDARDISED_INPUTS,
    Groups,
    Values,
    cohen_variance,
    group_measure,
    pooled_variance,
)
from comorbid.effects.hedges import hedges_j


def _difference(g: Groups) -> Array:
    return g.m1 - g.m2


def _hedges_g(g: Groups) -> Array:
    return hedges_j(g.df) * g.d


def _unbiased(df: Callable[[Groups], Array], value: Values) -> Values:
    def variance(g: Groups) -> Array:
        m = df(g)
        return g.per_head + (1 - (m - 2) / (m * hedges_j(m) ** 2)) * value(g) ** 2

    return variance


def _mean_square(g: Groups, value: Values) -> float:
    return weighted_mean(value(g), g.n) ** 2


def _smdh(g: Groups) -> Array:
    return hedges_j(g.df) * _difference(g) / np.sqrt((g.sd1**2 + g.sd2**2) / 2)


def _smdh_variance(less: int) -> Values:
    """Bonett's variance, each group's size less ``less``."""

    def variance(g: Groups) -> Array:
        s2, n1, n2 = (g.sd1**2 + g.sd2**2) / 2, g.n1 - less, g.n2 - less
        spread = g.sd1**4 / n1 + g.sd2**4 / n2
        return _smdh(g) ** 2 * spread / (8 * s2**2) + (g.sd1**2 / n1 + g.sd2**2 / n2) / s2

    return variance


def _smd1(g: Groups) -> Array:
    return hedges_j(g.n2 - 1) * _difference(g) / g.sd2


def _smd1_large_sample_2(g: Groups) -> Array:
    d = _difference(g) / g.sd2
    return hedges_j(g.n2 - 1) ** 2 * (g.per_head + d**2 / (2 * g.n2))


def _smd1h_variance(g: Groups) -> Array:
    return (g.sd1 / g.sd2) ** 2 / (g.n1 - 1) + 1 / (g.n2 - 1) + _smd1(g) ** 2 / (2 * (g.n2 - 1))


def _or_from_d(code: str, factor: float, name: str) -> Measure:
    return group_measure(
        code,
        "odds ratio from standardised mean differences",
        f"y = s d, v = s^2 (1/n1 + 1/n2 + d^2 / (2n)) with s = {name}, d = (m1 - m2) / sd pooled",
        lambda g: factor * g.d,
        {"LS": lambda g: factor**2 * cohen_variance(g)},
        "Sanchez-Meca et al. 2003, doi:10.1037/1082-989X.8.4.448",
        scale="log",
        inputs=STANDARDISED_INPUTS,
    )


MEAN_MEASURES: tuple[Measure, ...] = (
    group_measure(
        "MD",
        "mean difference",
        "y = m1 - m2, v = sd1^2 / n1 + sd2^2 / n2; HO: sd^2 (1/n1 + 1/n2), sd pooled",
        _difference,
        {
            "LS": lambda g: g.sd1**2 / g.n1 + g.sd2**2 / g.n2,
            "HO": lambda g: pooled_variance(g) * g.per_head,
        },
        "Borenstein 2009, The Handbook of Research Synthesis and Meta-Analysis, 221-235",
    ),
    group_measure(
        "SMD",
        "standardised mean difference",
        "y = J(m) d with d = (m1 - m2) / sd pooled, m = n1 + n2 - 2, "
        "J(m) = Gamma(m/2) / (sqrt(m/2) Gamma((m - 1)/2)); LS: v = 1/n1 + 1/n2 + y^2 / (2n); "
        "UB: 1/n1 + 1/n2 + (1 - (m - 2) / (m J^2)) y^2; LS2: J^2 (1/n1 + 1/n2 + d^2 / (2n)); "
        "AV: LS at the mean y of all studies",
        _hedges_g,
        {
            "LS": lambda g: g.per_head + _hedges_g(g) ** 2 / (2 * g.n),
            "UB": _unbiased(lambda g: g.df, _hedges_g),
            "LS2": lambda g: hedges_j(g.df) ** 2 * cohen_variance(g),
            "AV": lambda g: g.per_head + _mean_square(g, _hedges_g) / (2 * g.n),
        },
        "Hedges 1981, doi:10.3102/10769986006002107",
        inputs=STANDARDISED_INPUTS,
    ),
    group_measure(
        "SMDH",
        "standardised mean difference, unequal variances",
        "y = J(n - 2) (m1 - m2) / s with s^2 = (sd1^2 + sd2^2) / 2, v = y^2 (sd1^4 / (n1 - 1) + "
        "sd2^4 / (n2 - 1)) / (8 s^4) + (sd1^2 / (n1 - 1) + sd2^2 / (n2 - 1)) / s^2; "
        "LS2: n1 and n2 for n1 - 1 and n2 - 1; J as of SMD",
        _smdh,
        {"LS": _smdh_variance(1), "LS2": _smdh_variance(0)},
        "Bonett 2009, doi:10.1037/a0016619",
    ),
    group_measure(
        "SMD1",
        "mean difference in standard deviations of group 2",
        "y = J(n2 - 1) (m1 - m2) / sd2, v = 1/n1 + 1/n2 + y^2 / (2 n2); J, UB, LS2, AV: as of SMD",
        _smd1,
        {
            "LS": lambda g: g.per_head + _smd1(g) ** 2 / (2 * g.n2),
            "UB": _unbiased(lambda g: g.n2 - 1, _smd1),
            "LS2": _smd1_large_sample_2,
            "AV": lambda g: g.per_head + _mean_square(g, _smd1) / (2 * g.n2),
        },
        "Hedges 1981, doi:10.3102/10769986006002107",
        inputs=(("m1i", "n1i", "m2i", "sd2i", "n2i"),),
    ),
    group_measure(
        "SMD1H",
        "mean difference in standard deviations of group 2, unequal variances",
        "y = J(n2 - 1) (m1 - m2) / sd2, "
        "v = (sd1 / sd2)^2 / (n1 - 1) + 1 / (n2 - 1) + y^2 / (2 (n2 - 1)); J as of SMD",
        _smd1,
        {"LS": _smd1h_variance},
        "Bonett 2008, doi:10.1037/1082-989X.13.2.99",
    ),
    _or_from_d("D2OR", LOGISTIC, "pi / sqrt(3)"),
    _or_from_d("D2ORL", LOGISTIC, "pi / sqrt(3)"),
    _or_from_d("D2ORN", NORMAL, "1.65"),
)
