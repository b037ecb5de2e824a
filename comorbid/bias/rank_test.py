"""Rank test: whether effects and their variances are correlated."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fit import Fit
from comorbid.models.instead import SMALL_STUDIES
from comorbid.models.pooled import check_fit
from comorbid.models.views import Views, block, few_studies, frame

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd

    Distribution = Literal["exact", "normal"]

_DISTRIBUTIONS = ("exact", "normal")
_MOST_EXACT = 1000


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RankTest(Views):
    """Begg and Mazumdar's rank correlation test; made by `rank_test`.

    Attributes
    ----------
    tau : float
        Kendall's tau-b between standardised effects and variances.
    p_value : float
        Two-sided.
    distribution : {"exact", "normal"}
        Where the p-value comes from.
    measure : str
        Of the effects.
    k : int
        Number of studies.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Cautions.
    """

    tau: float
    p_value: float
    distribution: str
    measure: str
    k: int
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the test as one row: ``tau, p_value, distribution, k``."""
        names = ("tau", "p_value", "distribution", "k")
        return frame(["rank test"], "test", {name: [getattr(self, name)] for name in names})

    def summary(self) -> str:
        """Return the test as text."""
        rows = {
            "Kendall's tau": text.number(self.tau),
            "p": f"{text.p_value(self.p_value)} ({self.distribution})",
        }
        title = f"Rank correlation test for funnel plot asymmetry (k = {self.k})"
        return block(title, rows, self.warnings)


def rank_test(fit: Fit, *, distribution: Distribution = "exact") -> RankTest:
    r"""Test by ranks whether small studies find other effects than large ones.

    Kendall's tau between the variances :math:`v_i` and the standardised effects

    .. math:: t_i = \frac{y_i - \bar y}{\sqrt{v_i - 1 / \sum_j w_j}}, \qquad
       \bar y = \frac{\sum w_i y_i}{\sum w_i}, \quad w_i = 1 / v_i

    Method, test and level of the fit play no part.

    Parameters
    ----------
    fit : Fit
        Where the effects come from.
    distribution : {"exact", "normal"}
        Of tau if there is no asymmetry. Where values are tied there is no exact one, and for
        over 1,000 studies it takes long: the normal approximation that allows for ties is used.
        For two studies there is no normal one.

    Returns
    -------
    RankTest
        With a caution below ten studies.

    Raises
    ------
    ModelError
        If there is one study, or all have the same variance or the same standardised effect.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Begg CB, Mazumdar M (1994). Biometrics 50:1088-1101. doi:10.2307/2533446
    Kendall MG (1938). Biometrika 30:81-93. doi:10.1093/biomet/30.1-2.81

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.9, 0.7, 0.2, 0.3, 0.25], vi=[0.30, 0.20, 0.08, 0.03, 0.01])
    >>> found = cb.rank_test(cb.pool(effects))
    >>> round(found.tau, 2), round(found.p_value, 4)
    (0.8, 0.0833)
    """
    from scipy import stats

    check_fit(fit, Multilevel=SMALL_STUDIES)
    check_choice("distribution", distribution, _DISTRIBUTIONS)
    if fit.k < 2:
        raise ModelError("one study: ranks need at least two, and ten to mean much")
    standardised = standardised_effects(fit.effects.yi, fit.effects.vi)
    notes = list(fit.effects.warnings)
    values = (standardised, fit.effects.vi)
    distinct = [np.unique(column).size for column in values]
    if min(distinct) == 1:
        raise ModelError(
            "all variances, or all standardised effects, are the same: there is no order to "
            "correlate; a rank test cannot be made of these studies"
        )
    used = _usable(distribution, fit.k, tied=min(distinct) < fit.k, notes=notes)
    found = stats.kendalltau(*values, method="exact" if used == "exact" else "asymptotic")
    return RankTest(
        tau=float(found.statistic),
        p_value=float(found.pvalue),
        distribution=used,
        measure=fit.effects.measure,
        k=fit.k,
        ids=fit.effects.ids,
        warnings=(*notes, *few_studies(fit.k)),
    )


def _usable(distribution: Distribution, k: int, *, tied: bool, notes: list[str]) -> Distribution:
    """Return the distribution that can be used, and note why it is not the one wanted."""
    if distribution == "normal" and k == 2:
        notes.append("two studies: the p-value is exact, as the normal approximation needs three")
        return "exact"
    if distribution == "exact" and tied:
        notes.append("values are tied: the p-value is that of the normal approximation")
        return "normal"
    if distribution == "exact" and k > _MOST_EXACT:
        notes.append(
            f"more than {_MOST_EXACT} studies: the p-value is normal, which differs little"
        )
        return "normal"
    return distribution


def standardised_effects(yi: Array, vi: Array) -> Array:
    r"""Return the effects less the weighted mean, over the standard error of that difference.

    Both are sums over the other studies, :math:`y_i - \bar y = \sum_j w_j (y_i - y_j) / \sum w`
    and :math:`v_i - 1/\sum w = v_i \sum_{j \ne i} w_j / \sum w`, which loses no digits where one
    study has nearly all the weight. Studies with the same effect and variance are worked out
    once, so that they stay tied.
    """
    pairs, where, count = np.unique(
        np.stack([yi, vi]), axis=1, return_inverse=True, return_counts=True
    )
    y, v = pairs
    w = count / v
    total = w.sum()
    others = np.where(np.eye(y.size, dtype=bool), 0.0, w).sum(axis=1) + (count - 1) / v
    distance = (w * (y[:, None] - y)).sum(axis=1) / total
    standardised = distance / np.sqrt(v * others / total)
    return np.asarray(standardised[where.ravel()])
