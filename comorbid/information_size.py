"""Information size: how many people a study would need to find an effect that matters."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from comorbid.models.pooled import Fit
from comorbid.models.study_rows import rows_of
from comorbid.studies.table import Studies

POWER = 0.8
_COUNTS = ["ai", "bi", "ci", "di"]


@dataclass(frozen=True, slots=True)
class InformationSize:
    """How many people one study would need, and how many there are; made by `information_size`.

    Attributes
    ----------
    needed : float
        People in both groups, a whole number; nan where it cannot be said.
    people : float
        People in the studies pooled.
    risk, other : float
        Risk in group 2 of all studies together, and in group 1 by the threshold; proportions.
    power, alpha : float
        Of the study, two-sided; proportions.
    reason : str
        Why it cannot be said, or nothing.
    """

    needed: float
    people: float
    risk: float
    other: float
    power: float
    alpha: float
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, the proportions as percentages."""
        names = ("risk", "other", "power", "alpha")
        return {
            "needed_people": self.needed,
            "people": self.people,
            "reason": self.reason,
            **{f"{name}_percent": 100 * getattr(self, name) for name in names},
        }


def information_size(fit: Fit, *, studies: Studies, threshold: float) -> InformationSize:
    r"""Return the size of a study that finds an effect with 80 % power, and that of the pool.

    With :math:`p_2` the risk in group 2 of all studies together, :math:`p_1` what the threshold
    makes of it, :math:`r = n_2 / n_1` and :math:`\bar p = (p_1 + r p_2) / (r + 1)`,

    .. math:: n_1 = \frac{\left(z_{1-\alpha/2} \sqrt{(r + 1) \bar p (1 - \bar p)} + z_{1-\beta}
       \sqrt{r p_1 (1 - p_1) + p_2 (1 - p_2)}\right)^2}{r (p_1 - p_2)^2}.

    Differences between studies do not enter: it is the size of a single study.

    Parameters
    ----------
    fit : Fit
        Of odds ratios, risk ratios or risk differences; alpha is 1 less its level.
    studies : Studies
        With the counts of every study pooled.
    threshold : float
        The smallest effect that counts, on the printed scale: an odds ratio, not its log.

    Returns
    -------
    InformationSize

    References
    ----------
    Fleiss JL, Tytun A, Ury HK (1980). A simple approximation for calculating sample sizes for
    comparing independent proportions. Biometrics 36:343-346. doi:10.2307/2529990
    Guyatt GH, Oxman AD, Kunz R, et al. (2011). GRADE guidelines 6. Journal of Clinical
    Epidemiology 64:1283-1293. doi:10.1016/j.jclinepi.2011.01.012

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> fit = cb.pool(cb.effects(table))
    >>> information_size(fit, studies=table, threshold=1.25).reason
    'the counts of 3 of the 6 studies are not known'
    """
    measure = fit.effects.measure
    if measure not in _RISK:
        return _none(fit, f"it is defined here for {', '.join(_RISK)}, not for {measure}")
    table = rows_of(fit, studies)[_COUNTS]
    known = table.notna().all(axis=1)
    if not known.all():
        return _none(
            fit, f"the counts of {int((~known).sum())} of the {fit.k} studies are not known"
        )
    a, b, c, d = table.sum().to_numpy(dtype=np.float64).tolist()
    n1, n2 = a + b, c + d
    p2 = c / n2
    p1 = _RISK[measure](threshold, p2)
    if not (0 < p2 < 1 and 0 < p1 < 1) or p1 == p2:
        return _none(fit, "the threshold allows no risk in group 1 that differs from group 2")
    r, alpha = n2 / n1, 1 - fit.level
    mean = (p1 + r * p2) / (r + 1)
    root = special.ndtri(1 - alpha / 2) * math.sqrt((r + 1) * mean * (1 - mean))
    root += special.ndtri(POWER) * math.sqrt(r * p1 * (1 - p1) + p2 * (1 - p2))
    first = root**2 / (r * (p1 - p2) ** 2)
    needed = float(math.ceil(first) + math.ceil(r * first))
    return InformationSize(needed, n1 + n2, p2, p1, POWER, alpha, "")


def _by_odds_ratio(ratio: float, p2: float) -> float:
    return ratio * p2 / (1 - p2 + ratio * p2)


def _by_risk_ratio(ratio: float, p2: float) -> float:
    return ratio * p2


def _by_risk_difference(difference: float, p2: float) -> float:
    return p2 + difference


_RISK = {"OR": _by_odds_ratio, "RR": _by_risk_ratio, "RD": _by_risk_difference}


def _none(fit: Fit, reason: str) -> InformationSize:
    nan = math.nan
    return InformationSize(nan, nan, nan, nan, POWER, 1 - fit.level, reason)
