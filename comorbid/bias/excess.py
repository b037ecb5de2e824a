"""Excess significance: whether more studies are significant than their power allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from comorbid.checks import check_choice, check_proportion
from comorbid.effects.arrays import Array, Mask
from comorbid.models import text
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit
from comorbid.models.views import Views, block, frame, frozen

if TYPE_CHECKING:
    from typing import Literal

    import pandas as pd

    ExcessTest = Literal["exact", "binom", "chi2"]
    Alternative = Literal["two.sided", "greater", "less"]

_TESTS = ("exact", "binom", "chi2")
_ALTERNATIVES = ("two.sided", "greater", "less")
_MOST_TERMS = 10**6
_TINY = 1e-15


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ExcessSignificance(Views):
    """The test of excess significance; made by `excess_significance`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    power : array of shape (k,)
        Probability that each is significant if the estimate is true.
    significant : boolean array of shape (k,)
        Whether it is.
    observed, expected : int, float
        Number of significant studies, and the sum of ``power``.
    ratio : float
        ``observed / expected``.
    test : {"exact", "binom", "chi2"}
    statistic : float
        Chi-squared on 1 degree of freedom; nan for the other tests.
    p_value : float
        One-sided: that this many, or more, are significant.
    estimate, tau2 : float
        What the power rests on, from the fit.
    limit : float
        The true effect at which the p-value would be ``limit_alpha``, in the direction of the
        estimate; nan if it is above that even where nothing is true.
    alpha, limit_alpha : float
        Of the tests of the studies, and of the limit.
    alternative : {"two.sided", "greater", "less"}
        Of the tests of the studies.
    measure, method : str
        How the fit was made.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Cautions.
    """

    labels: tuple[str, ...]
    power: Array
    significant: Mask
    observed: int
    expected: float
    ratio: float
    test: str
    statistic: float
    p_value: float
    estimate: float
    tau2: float
    limit: float
    alpha: float
    limit_alpha: float
    alternative: str
    measure: str
    method: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``power`` and ``significant`` by label."""
        return frame(self.labels, "label", {"power": self.power, "significant": self.significant})

    def summary(self) -> str:
        """Return observed and expected number, and the test."""
        rows = {
            "observed": str(self.observed),
            "expected": text.number(self.expected),
            "ratio": text.number(self.ratio),
            "test": f"{self.test}, p {text.p_value(self.p_value)}",
            "limit": f"{text.number(self.limit)} (p = {self.limit_alpha:g})",
        }
        title = f"Test of excess significance (k = {len(self.labels)}, alpha {self.alpha:g})"
        return block(title, rows, self.warnings)


def excess_significance(
    fit: Fit,
    *,
    test: ExcessTest | None = None,
    alternative: Alternative = "two.sided",
    alpha: float = 0.05,
    limit_alpha: float = 0.10,
) -> ExcessSignificance:
    r"""Test whether more studies are significant than is expected from their power.

    Study i is significant if its :math:`z_i = y_i / \sqrt{v_i}` is; its power, with the fit's
    estimate and tau2 taken as true, is, for two-sided tests with the critical value c,

    .. math:: \pi_i = \Phi\left(\frac{\hat\mu - c\sqrt{v_i}}{\sqrt{v_i + \hat\tau^2}}\right)
       + \Phi\left(\frac{-\hat\mu - c\sqrt{v_i}}{\sqrt{v_i + \hat\tau^2}}\right)

    The number observed O is compared with :math:`E = \sum \pi_i`: exactly, by the distribution of
    a sum of k independent events with these probabilities; as binomial with the mean
    probability; or by :math:`X^2 = (O - E)^2/E + (O - E)^2/(k - E)`.

    Parameters
    ----------
    fit : Fit
        Where effects, estimate and tau2 come from.
    test : {"exact", "binom", "chi2"}, optional
        By default ``exact``, unless the sum over all sets of O or more studies has over a million
        terms; then ``chi2``, as in metafor. The exact test itself is fast for any k.
    alternative : {"two.sided", "greater", "less"}
        Of the tests of the studies.
    alpha : float
        Of the tests of the studies.
    limit_alpha : float
        p-value that defines the limit.

    Returns
    -------
    ExcessSignificance

    Raises
    ------
    ModelError
        If a setting is none of those allowed.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Ioannidis JPA, Trikalinos TA (2007). Clinical Trials 4:245-253.
    doi:10.1177/1740774507079441
    Francis G (2013). Journal of Mathematical Psychology 57:153-169.
    doi:10.1016/j.jmp.2013.02.003

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.41, 0.45, 0.52, 0.2], vi=[0.04, 0.05, 0.06, 0.01])
    >>> found = cb.excess_significance(cb.pool(effects, method="EE"))
    >>> found.observed, round(found.expected, 2), round(found.p_value, 3)
    (4, 1.65, 0.016)
    """
    check_fit(fit)
    _check(test, alternative, alpha, limit_alpha)
    vi = fit.effects.vi
    tau2 = 0.0 if math.isnan(fit.tau2) else fit.tau2
    power = _power_function(np.sqrt(vi), tau2, alternative, alpha)
    significant = _significant(fit.effects.yi / np.sqrt(vi), alternative, alpha)
    observed = int(significant.sum())
    chosen = test or _default_test(fit.k, observed)
    at_estimate = power(np.array([fit.estimate]))
    statistic, p_value = _compare(chosen, observed, at_estimate)
    expected = float(at_estimate.sum())

    def p_at(effect: Array) -> Array:
        return _compare(chosen, observed, power(effect))[1]

    return ExcessSignificance(
        labels=fit.effects.labels,
        power=frozen(at_estimate[:, 0]),
        significant=frozen(significant),
        observed=observed,
        expected=expected,
        ratio=observed / expected if expected > 0 else math.nan,
        test=chosen,
        statistic=float(statistic[0]),
        p_value=float(p_value[0]),
        estimate=fit.estimate,
        tau2=tau2,
        limit=_limit(p_at, fit, tau2, limit_alpha, alternative),
        alpha=alpha,
        limit_alpha=limit_alpha,
        alternative=alternative,
        measure=fit.effects.measure,
        method=fit.method,
        ids=fit.effects.ids,
        warnings=(*fit.effects.warnings, _CAUTION),
    )


_CAUTION = (
    "a test of whether results fit their power, not of publication bias; with heterogeneous "
    "effects it depends on how they vary"
)


def _check(test: str | None, alternative: str, alpha: float, limit_alpha: float) -> None:
    if test is not None:
        check_choice("test", test, _TESTS)
    check_choice("alternative", alternative, _ALTERNATIVES)
    check_proportion("alpha", alpha, such_as=0.05)
    check_proportion("limit_alpha", limit_alpha, such_as=0.1)


def _significant(z: Array, alternative: str, alpha: float) -> Mask:
    if alternative == "two.sided":
        return np.asarray(np.abs(z) >= -special.ndtri(alpha / 2))
    return np.asarray((z if alternative == "greater" else -z) >= -special.ndtri(alpha))


def _power_function(
    se: Array, tau2: float, alternative: str, alpha: float
) -> Callable[[Array], Array]:
    """Return the function from effects (n,) to the power (k, n) of each study."""
    sides = {"two.sided": (1.0, -1.0), "greater": (1.0,), "less": (-1.0,)}[alternative]
    critical = -float(special.ndtri(alpha / len(sides))) * se[:, None]
    spread = np.sqrt(se**2 + tau2)[:, None]

    def power(effect: Array) -> Array:
        return np.asarray(sum(special.ndtr((side * effect - critical) / spread) for side in sides))

    return power


def _default_test(k: int, observed: int) -> ExcessTest:
    terms = sum(math.comb(k, j) for j in range(observed, k + 1))
    return "exact" if terms <= _MOST_TERMS else "chi2"


def _compare(test: str, observed: int, power: Array) -> tuple[Array, Array]:
    """Return statistic and one-sided p-value for power of shape (k, n); both of shape (n,)."""
    k, n = power.shape
    expected = power.sum(axis=0)
    if test == "chi2":
        gap = (observed - expected) ** 2
        with np.errstate(divide="ignore", invalid="ignore"):
            statistic = np.where(gap > 0, gap / expected + gap / (k - expected), 0.0)
        tail = special.chdtrc(1, statistic) / 2
        return statistic, np.where(observed > expected, tail, 1 - tail)
    if test == "binom":
        upper = special.bdtrc(observed - 1, k, expected / k) if observed else np.ones(n)
        return np.full(n, math.nan), np.asarray(upper)
    return np.full(n, math.nan), count_distribution(power)[observed:].sum(axis=0)


def count_distribution(power: Array) -> Array:
    """Return the distribution of the number of k independent events, of shape (k + 1, n).

    Parameters
    ----------
    power : array of shape (k, n)
        Probability of each event, in n settings.
    """
    count = np.zeros((power.shape[0] + 1, power.shape[1]))
    count[0] = 1.0
    for i, p in enumerate(power, start=1):
        count[1 : i + 1] = count[1 : i + 1] * (1 - p) + count[:i] * p
        count[0] *= 1 - p
    return count


def _limit(
    p_at: Callable[[Array], Array], fit: Fit, tau2: float, limit_alpha: float, alternative: str
) -> float:
    """Return the effect at which the p-value is ``limit_alpha``; nan where there is none.

    The p-value grows with the power, and so with the distance of the effect from 0.
    """
    from scipy import optimize

    direction = {"two.sided": math.copysign(1.0, fit.estimate), "greater": 1.0, "less": -1.0}
    sign = direction[alternative]
    if p_at(np.zeros(1))[0] > limit_alpha:
        return math.nan
    reach = 10 * float(np.sqrt(fit.effects.vi.max() + tau2))
    while p_at(np.array([sign * reach]))[0] <= limit_alpha:
        reach *= 2

    def excess(distance: float) -> float:
        return float(p_at(np.array([sign * distance]))[0]) - limit_alpha

    return sign * float(optimize.brentq(excess, 0.0, reach, xtol=_TINY * reach, rtol=_TINY))
