"""Mantel-Haenszel: pooling of tables that stays unbiased when their counts are small."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array
from comorbid.effects.measures import find_measure
from comorbid.effects.zeros import Zeros
from comorbid.models import text
from comorbid.models.counts import read_counts
from comorbid.models.fit import check_settings
from comorbid.models.strata import Pairs, Recipe
from comorbid.models.stratified import Stratified, stratified
from comorbid.models.table_tests import ChiSquared, informative, odds_ratio_tests, rate_test

if TYPE_CHECKING:
    from comorbid.models.counts import Tables

Correction = Literal["continuity", "none"]
_SINGLE, _POOLED = Zeros(drop00="yes"), Zeros(to="none")


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class MantelHaenszel(Stratified):
    """A Mantel-Haenszel estimate with its tests; made by `mantel_haenszel`.

    It has the attributes of `Stratified`, and

    Attributes
    ----------
    cmh : ChiSquared or None
        Cochran-Mantel-Haenszel test of no association, for OR and IRR.
    cochran : ChiSquared or None
        The same with Cochran's variance (n for n - 1), for OR.
    breslow_day, tarone : ChiSquared or None
        Tests that the tables have the same odds ratio, for OR; Tarone's corrects the other.

    Examples
    --------
    >>> import comorbid as cb
    >>> tables = {"ai": [4, 6], "bi": [119, 300], "ci": [11, 29], "di": [128, 274]}
    >>> fit = cb.mantel_haenszel(tables)
    >>> round(fit.estimate, 4), fit.cmh.df
    (-1.4215, 1)
    """

    cmh: ChiSquared | None
    cochran: ChiSquared | None
    breslow_day: ChiSquared | None
    tarone: ChiSquared | None

    def to_dict(self) -> dict[str, Any]:
        """Return every number, on the analysis scale and in full precision, and the settings."""
        tests = {}
        for name in _TESTS:
            test: ChiSquared | None = getattr(self, name)
            if test is not None:
                tests[name] = {"statistic": test.statistic, "df": test.df, "p_value": test.p_value}
        return {**Stratified.to_dict(self), "tests": tests}

    def _tests(self) -> list[str]:
        lines = []
        for name, title in _TESTS.items():
            test: ChiSquared | None = getattr(self, name)
            if test is not None:
                lines.append(
                    f"{title}: X^2(df = {test.df}) = {text.number(test.statistic)}, "
                    f"p {text.p_value(test.p_value)}"
                )
        return ["", *lines] if lines else []


_TESTS = {
    "cmh": "Cochran-Mantel-Haenszel test",
    "cochran": "Cochran's test",
    "breslow_day": "Breslow-Day test",
    "tarone": "Tarone's test",
}


def mantel_haenszel(
    tables: Tables,
    *,
    measure: str = "OR",
    zeros: Zeros = _SINGLE,
    pooled_zeros: Zeros = _POOLED,
    correction: Correction = "continuity",
    level: float = 0.95,
) -> MantelHaenszel:
    r"""Pool tables by the Mantel-Haenszel method, which takes one true effect for granted.

    With the cells :math:`a, b, c, d` of n people, :math:`n_1 = a + b` and :math:`n_2 = c + d`,

    .. math::
       \mathrm{OR} = \frac{\sum ad/n}{\sum bc/n}, \quad
       \mathrm{RR} = \frac{\sum a n_2/n}{\sum c n_1/n}, \quad
       \mathrm{RD} = \frac{\sum (a n_2 - c n_1)/n}{\sum n_1 n_2/n}

    and for x events in the person-time t, with :math:`T = t_1 + t_2`,

    .. math::
       \mathrm{IRR} = \frac{\sum x_1 t_2/T}{\sum x_2 t_1/T}, \quad
       \mathrm{IRD} = \frac{\sum (x_1 t_2 - x_2 t_1)/T}{\sum t_1 t_2/T}

    The variance is that of Robins, Breslow and Greenland for the log odds ratio, of Greenland and
    Robins for the log risk ratio and both rates, and Sato's for the risk difference. Q, I2 and
    H2 compare the single effects with the pooled one.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row: ``ai, bi, ci, di``, people of group 1 with and without the event, then of
        group 2, or ``ai, n1i, ci, n2i`` with the sizes of the groups; for IRR and IRD
        ``x1i, t1i, x2i, t2i``. Of `Studies` the primary rows. Columns
        ``label`` and ``study_id`` name the rows; others are kept as moderators.
    measure : {"OR", "RR", "RD", "IRR", "IRD"}
    zeros : Zeros
        What is done about zero cells in the tables' own effects: by default 1/2 is added to the
        cells of tables with a zero, and tables with no event, or nothing but events, in both
        groups have no effect.
    pooled_zeros : Zeros
        What is done about them in the pooling: by default nothing, as it needs nothing.
    correction : {"continuity", "none"}
        Of the Cochran-Mantel-Haenszel and Cochran tests: 1/2 is taken from the difference.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    MantelHaenszel
        The estimate is nan, with a note, where the tables do not determine it.

    Raises
    ------
    DataError
        If counts are missing everywhere, negative or infinite.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Mantel N, Haenszel W (1959). J Natl Cancer Inst 22:719-748. doi:10.1093/jnci/22.4.719
    Robins J, Breslow N, Greenland S (1986). Biometrics 42:311-323. doi:10.2307/2531052
    Greenland S, Robins JM (1985). Biometrics 41:55-68. doi:10.2307/2530643
    Sato T, Greenland S, Robins JM (1989). Biometrics 45:1323-1324.
    Tarone RE (1985). Biometrika 72:91-95. doi:10.1093/biomet/72.1.91

    Examples
    --------
    >>> from comorbid.models.mantel_haenszel import mantel_haenszel
    >>> fit = mantel_haenszel({"ai": [10, 5], "bi": [90, 95], "ci": [4, 2], "di": [96, 98]})
    >>> round(fit.on_scale().estimate, 2), round(fit.tarone.p_value, 2)
    (2.64, 0.97)
    """
    check_choice("measure", measure, _RECIPES)
    check_choice("correction", correction, get_args(Correction))
    check_settings("z", level)
    counts = read_counts(tables, find_measure(measure))
    fields = stratified(
        counts,
        _RECIPES[measure],
        method="MH",
        zeros=zeros,
        pooled_zeros=pooled_zeros,
        level=level,
    )
    pooled = fields["strata"].pooled.whole()
    pooled = pooled[:, ~np.isnan(pooled).any(axis=0)]
    taken = 0.5 if correction == "continuity" else 0.0
    tests: dict[str, Any] = dict.fromkeys(_TESTS)
    if measure == "OR":
        tests |= odds_ratio_tests(pooled, fields["estimate"], taken)
    elif measure == "IRR":
        tests["cmh"] = rate_test(pooled, taken)
    k_pos = int(informative(pooled).sum()) if measure == "OR" else None
    return MantelHaenszel(**fields, k_pos=k_pos, **tests)


def _log_ratio(numerator: Array, denominator: Array) -> Array:
    return np.log(numerator) - np.log(denominator)


def _or_terms(values: Array) -> Array:
    a, b, c, d = values
    n = _positive(values.sum(axis=0))
    p, q = (a + d) / n, (b + c) / n
    r, s = a * d / n, b * c / n
    return np.array([r, s, p * r, p * s + q * r, q * s])


def _or_combine(sums: Array) -> Pairs:
    r, s, pr, mixed, qs = sums
    return _log_ratio(r, s), (pr / r**2 + mixed / (r * s) + qs / s**2) / 2


def _rr_terms(values: Array) -> Array:
    a, b, c, d = values
    n1, n2, n = a + b, c + d, _positive(values.sum(axis=0))
    return np.array([a * n2 / n, c * n1 / n, (n1 * n2 * (a + c) - a * c * n) / n**2])


def _ratio_combine(sums: Array) -> Pairs:
    r, s, v = sums
    return _log_ratio(r, s), v / (r * s)


def _rd_terms(values: Array) -> Array:
    a, b, c, d = values
    n1, n2, n = a + b, c + d, _positive(values.sum(axis=0))
    p = (n1**2 * c - n2**2 * a + n1 * n2 * (n2 - n1) / 2) / n**2
    q = (a * d + c * b) / (2 * n)
    return np.array([(a * n2 - c * n1) / n, n1 * n2 / n, p, q])


def _rd_combine(sums: Array) -> Pairs:
    difference, weight, p, q = sums
    estimate = difference / weight
    return estimate, (estimate * p + q) / weight**2


def _irr_terms(values: Array) -> Array:
    x1, t1, x2, t2 = values
    t = t1 + t2
    return np.array([x1 * t2 / t, x2 * t1 / t, (x1 + x2) * t1 * t2 / t**2])


def _ird_terms(values: Array) -> Array:
    x1, t1, x2, t2 = values
    t = t1 + t2
    return np.array([(x1 * t2 - x2 * t1) / t, t1 * t2 / t, (x1 * t2**2 + x2 * t1**2) / t**2])


def _ird_combine(sums: Array) -> Pairs:
    difference, weight, v = sums
    return difference / weight, v / weight**2


def _positive(total: Array) -> Array:
    """Return sizes with nan for empty tables, which add nothing to the sums."""
    return np.where(total > 0, total, np.nan)


_RECIPES = {
    "OR": Recipe(_or_terms, _or_combine, weight=1),
    "RR": Recipe(_rr_terms, _ratio_combine, weight=1),
    "RD": Recipe(_rd_terms, _rd_combine, weight=1),
    "IRR": Recipe(_irr_terms, _ratio_combine, weight=1),
    "IRD": Recipe(_ird_terms, _ird_combine, weight=1),
}
