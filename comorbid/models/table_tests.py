"""Tests of 2x2 tables: whether there is an association, and whether it is the same in all."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Mask

_NAN = float("nan")


@dataclass(frozen=True, slots=True)
class ChiSquared:
    """A chi-squared test: statistic, degrees of freedom and p-value; nan where it has no basis."""

    statistic: float
    df: int
    p_value: float


def informative(values: Array) -> Mask:
    """Return which tables, of shape (4, k), have both events and non-events."""
    a, b, c, d = values
    return np.asarray((a + c > 0) & (b + d > 0))


def rate_test(values: Array, taken: float) -> ChiSquared:
    r"""Cochran-Mantel-Haenszel test of equal incidence rates.

    .. math:: X^2 = \frac{(|\sum (x_1 - m t_1/T)| - c)^2}{\sum m t_1 t_2 / T^2}, \quad
       m = x_1 + x_2

    with ``taken`` for c.

    References
    ----------
    Rothman KJ, Greenland S, Lash TL (2008). Modern Epidemiology, 3rd edition, ch. 15.
    """
    x1, t1, x2, t2 = values
    share = t1 / (t1 + t2)
    excess = abs((x1 - (x1 + x2) * share).sum())
    return _one_df(excess - taken, ((x1 + x2) * share * (1 - share)).sum())


def odds_ratio_tests(values: Array, estimate: float, taken: float) -> dict[str, ChiSquared]:
    r"""Tests of no association, and of the same odds ratio in all tables.

    .. math:: X^2 = \frac{(|\sum (a - n_1 m_1/n)| - c)^2}{\sum n_1 n_2 m_1 m_2 / (n^2 (n - 1))}

    for ``cmh``, with n for n - 1 for ``cochran``, and ``taken`` for c; ``breslow_day`` and
    ``tarone`` at the pooled log odds ratio ``estimate``.

    References
    ----------
    Mantel N, Haenszel W (1959). J Natl Cancer Inst 22:719-748. doi:10.1093/jnci/22.4.719
    Cochran WG (1954). Biometrics 10:417-451. doi:10.2307/3001616
    """
    several = values[:, values.sum(axis=0) > 1]
    a, b, c, d = several
    n1, n2, m1, m2 = a + b, c + d, a + c, b + d
    n = n1 + n2
    product = n1 * n2 * m1 * m2 / n**2
    excess = abs((a - n1 * m1 / n).sum())
    breslow_day, tarone = _same_odds_ratio(values, estimate)
    return {
        "cmh": _one_df(excess - taken, (product / (n - 1)).sum()),
        "cochran": _one_df(excess - taken, (product / n).sum()),
        "breslow_day": breslow_day,
        "tarone": tarone,
    }


def _one_df(difference: float, variance: float) -> ChiSquared:
    if not variance > 0:
        return ChiSquared(_NAN, 1, _NAN)
    return _tested(float(difference**2 / variance), 1)


def _tested(statistic: float, df: int) -> ChiSquared:
    return ChiSquared(statistic, df, float(special.chdtrc(df, statistic)))


def _same_odds_ratio(values: Array, estimate: float) -> tuple[ChiSquared, ChiSquared]:
    r"""Breslow and Day's test and Tarone's, from the cells expected at the pooled odds ratio.

    The expected cell e solves :math:`e (n_2 - m_1 + e) = \mathrm{OR}\,(n_1 - e)(m_1 - e)`, and
    with its variance :math:`V = (1/e + 1/(n_1 - e) + 1/(m_1 - e) + 1/(n_2 - m_1 + e))^{-1}`

    .. math:: X^2_{BD} = \sum (a - e)^2 / V, \qquad
       X^2_T = X^2_{BD} - \frac{(\sum (a - e))^2}{\sum V}

    References
    ----------
    Breslow NE, Day NE (1980). Statistical Methods in Cancer Research 1. IARC, Lyon, p. 142.
    Tarone RE (1985). Biometrika 72:91-95. doi:10.1093/biomet/72.1.91
    """
    a, b, c, d = values[:, informative(values) & (values.sum(axis=0) > 0)]
    df = a.size - 1
    if df < 1 or not np.isfinite(estimate):
        nothing = ChiSquared(_NAN, max(0, df), _NAN)
        return nothing, nothing
    e = _expected(a + b, c + d, a + c, float(np.exp(estimate)))
    with np.errstate(divide="ignore"):
        variance = 1 / (1 / e + 1 / (a + b - e) + 1 / (a + c - e) + 1 / (d - a + e))
    possible = variance > 0
    gap, variance = (a - e)[possible], variance[possible]
    statistic = float((gap**2 / variance).sum())
    corrected = statistic - float(gap.sum() ** 2 / variance.sum())
    return _tested(statistic, df), _tested(corrected, df)


def _expected(n1: Array, n2: Array, m1: Array, ratio: float) -> Array:
    """Return the first cells of tables with these margins and this odds ratio."""
    linear = n2 - m1 + ratio * (n1 + m1)
    root = np.sqrt(linear**2 + 4 * (1 - ratio) * ratio * n1 * m1)
    with np.errstate(divide="ignore", invalid="ignore"):
        # Two forms of the same root; each subtracts nearly equal numbers where the other does not.
        return np.where(
            linear > 0, 2 * ratio * n1 * m1 / (linear + root), (root - linear) / (2 * (1 - ratio))
        )
