"""Peto: pooling of 2x2 tables with rare events from observed minus expected counts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.measures import find_measure
from comorbid.effects.zeros import Zeros
from comorbid.models.counts import read_counts
from comorbid.models.fit import check_settings
from comorbid.models.strata import Pairs, Recipe
from comorbid.models.stratified import Stratified, stratified

if TYPE_CHECKING:
    from comorbid.models.counts import Tables

_SINGLE, _POOLED = Zeros(drop00="yes"), Zeros(to="none")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Peto(Stratified):
    """Peto's one-step odds ratio; made by `peto`. Its attributes are those of `Stratified`.

    Examples
    --------
    >>> import comorbid as cb
    >>> tables = {"ai": [4, 6], "bi": [119, 300], "ci": [11, 29], "di": [128, 274]}
    >>> round(cb.peto(tables).on_scale().estimate, 2)
    0.29
    """


def peto(
    tables: Tables,
    *,
    zeros: Zeros = _SINGLE,
    pooled_zeros: Zeros = _POOLED,
    level: float = 0.95,
) -> Peto:
    r"""Pool 2x2 tables by Peto's one-step method.

    With :math:`n_1 = a + b`, :math:`n_2 = c + d`, :math:`m_1 = a + c`, :math:`m_2 = b + d`,

    .. math:: \log\mathrm{OR} = \frac{\sum (a - n_1 m_1 / n)}{\sum V}, \quad
       \mathrm{se} = \frac{1}{\sqrt{\sum V}}, \quad V = \frac{n_1 n_2 m_1 m_2}{n^2 (n - 1)}

    It suits rare events, effects that are not large, and groups of similar size; otherwise it is
    biased.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row, as in `mantel_haenszel`.
    zeros, pooled_zeros : Zeros
        What is done about zero cells in the tables' own effects, and in the pooling, as in
        `mantel_haenszel`. Q compares the effects that the pooling sees.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    Peto
        The estimate is nan where no table has both events and non-events.

    Raises
    ------
    DataError
        If counts are missing everywhere, negative or infinite.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Yusuf S, Peto R, Lewis J, Collins R, Sleight P (1985). Progress in Cardiovascular Diseases
    27:335-371. doi:10.1016/S0033-0620(85)80003-7

    Examples
    --------
    >>> from comorbid.models.peto import peto
    >>> fit = peto({"ai": [10, 5], "bi": [90, 95], "ci": [4, 2], "di": [96, 98]})
    >>> round(fit.on_scale().estimate, 2), round(fit.se, 3)
    (2.47, 0.449)
    """
    check_settings("z", level)
    counts = read_counts(tables, find_measure("PETO"))
    fields = stratified(
        counts, _RECIPE, method="PETO", zeros=zeros, pooled_zeros=pooled_zeros, level=level
    )
    return Peto(**fields, k_pos=int((_terms(fields["strata"].pooled.whole())[1] > 0).sum()))


def _terms(values: Array) -> Array:
    a, b, c, d = values
    n1, n2, m1, m2 = a + b, c + d, a + c, b + d
    n = np.where(n1 + n2 > 1, n1 + n2, np.nan)
    return np.array([a - n1 * m1 / n, n1 * n2 * m1 * m2 / (n**2 * (n - 1))])


def _combine(sums: Array) -> Pairs:
    difference, variance = sums
    return difference / variance, 1 / variance


_RECIPE = Recipe(_terms, _combine, weight=1, q_from="pooled")
