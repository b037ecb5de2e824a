"""Beta-binomial: a one-step model in which the arms' risks vary, for tables with many zeros."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from scipy import special

from comorbid.checks import check_choice
from comorbid.effects.arrays import Array
from comorbid.effects.measures import find_measure
from comorbid.errors import ModelError
from comorbid.models.arrow import Maximum, maximise
from comorbid.models.count_setup import check_events
from comorbid.models.counts import read_counts
from comorbid.models.cumulants import log_choose, remainder
from comorbid.models.inferred import absent, check_test, check_whole_counts, inference, own_effects
from comorbid.models.jets import Jet, parameters
from comorbid.models.one_step import OneStep

if TYPE_CHECKING:
    from comorbid.models.counts import Tables

# Starts of the intraclass correlation, as log odds.
_STARTS = (-6.0, -3.0, -0.5)
# It is taken as 0 where its log odds are lower than the first and it adds a smaller share than the
# second to the variance of the largest arm.
_ZERO, _SHARE, _SAME = -12.0, 1e-3, 1e-7
# Above this a correlation is 1 but for rounding.
_ONE = 0.999


def beta_binomial(
    tables: Tables,
    *,
    measure: Literal["OR", "PLO"] = "OR",
    test: Literal["z", "t"] = "z",
    level: float = 0.95,
) -> OneStep:
    r"""Pool 2x2 tables, or proportions, by beta-binomial regression.

    The events of each arm are binomial with a risk drawn from a beta distribution of mean
    :math:`\pi` and correlation :math:`\rho` within the arm:

    .. math:: y \sim \mathrm{BB}(n, \pi, \rho), \quad \mathrm{logit}\,\pi = \alpha + \beta x, \quad
       P(y) = \binom ny \frac{B(y + a, n - y + b)}{B(a, b)}, \quad
       a = \pi \frac{1 - \rho}\rho,\ b = (1 - \pi) \frac{1 - \rho}\rho

    with :math:`x = 1` in group 1 and 0 in group 2. Every arm counts, those of tables without
    events too, and nothing is added to zeros. The arms of a table are taken as independent, so
    that the comparison is not within tables: where the risks differ much between tables, or the
    sizes of the groups do, `glmm` is the better choice. The odds ratio is one of mean risks.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row, as in `mantel_haenszel`; for PLO ``xi, ni``, or ``xi, mi``.
    measure : {"OR", "PLO"}
    test : {"z", "t"}
        Standard normal, or t with k - 1 degrees of freedom.
    level : float
        Of the intervals, a proportion between 0 and 1.

    Returns
    -------
    OneStep
        ``rho`` is the correlation within an arm; it is 0, with a note, where the counts vary no
        more than binomially. There is no tau2 and no prediction interval.

    Raises
    ------
    DataError
        If counts are missing everywhere, negative, infinite or no whole numbers, or a group has
        no events at all, or nothing else.
    ModelError
        If a setting is none of those allowed, or the likelihood has no maximum.

    References
    ----------
    Kuss O (2015). Statistics in Medicine 34:1097-1116. doi:10.1002/sim.6383

    Examples
    --------
    >>> import comorbid as cb
    >>> tables = {"ai": [0, 2, 6], "n1i": [50, 90, 60], "ci": [0, 5, 9], "n2i": [52, 88, 61]}
    >>> fit = cb.beta_binomial(tables)
    >>> round(fit.on_scale().estimate, 2), fit.k
    (0.66, 3)
    """
    check_choice("measure", measure, ("OR", "PLO"))
    check_test(test, level)
    counts = read_counts(tables, find_measure(measure))
    check_whole_counts(counts)
    check_events(counts)
    if measure == "OR":
        groups = [(counts.values[0], counts.values[1]), (counts.values[2], counts.values[3])]
    else:
        groups = [(counts.values[0], counts.values[1] - counts.values[0])]
    y = np.concatenate([events for events, _ in groups])
    n = np.concatenate([events + others for events, others in groups])
    x = np.repeat([1.0, 0.0][: len(groups)], counts.k)
    found, agreed, rho = _fit(_Arms(y[:, None], n[:, None], x[:, None], len(groups)))
    se = float(np.sqrt(np.linalg.inv(found.information)[0, 0]))
    effects = own_effects(counts)
    notes = ["no tau2 and no prediction interval: what varies are the risks of the arms"]
    if rho == 0:
        notes.append("the counts vary no more than binomially: rho is 0")
    if rho > _ONE:
        notes.append(
            "nearly every arm has events in all people or in none: rho is 1 but for rounding, so "
            "that an arm counts as one person; the estimate should not be relied on"
        )
    return OneStep(
        effects=effects,
        model="BB",
        method="ML",
        test=test,
        level=level,
        **inference(float(found.common[0]), se, math.nan, counts.k, test, level),
        **absent("tau2", "se_tau2", "sigma2", "i2", "h2"),
        **absent("qe_wld", "qe_wld_p", "qe_lrt", "qe_lrt_p"),
        rho=rho,
        qe_df=counts.k - 1,
        log_likelihood=found.log_likelihood,
        parameters=1 + len(groups),
        observations=y.size,
        k=counts.k,
        k_yi=int(np.isfinite(effects.vi).sum()),
        informative=np.ones(counts.k, dtype=bool),
        nodes=0,
        starts=len(_STARTS),
        agreed=agreed,
        gradient=found.gain,
        warnings=(*counts.warnings, *notes),
    )


@dataclass(frozen=True, slots=True, eq=False)
class _Arms:
    """Events y of n people in each arm, and whether it is of group 1; arrays of shape (arms, 1)."""

    y: Array
    n: Array
    x: Array
    groups: int

    @property
    def constant(self) -> Array:
        """The binomial coefficients' logs."""
        return log_choose(self.n, self.y)

    def logits(self, theta: list[Jet]) -> Jet:
        """Return the logits of the mean risks."""
        return theta[0] * self.x + theta[1] if self.groups == 2 else theta[0]

    def binomial(self, theta: Array) -> Jet:
        """Return the log-likelihoods if rho is 0."""
        eta = self.logits(parameters(theta))
        p, q = special.expit(eta.value), special.expit(-eta.value)
        total = eta.map((self.n * np.logaddexp(0.0, eta.value), self.n * p, self.n * p * q))
        return (eta * self.y - total + self.constant).only()

    def beta_binomial(self, theta: Array) -> Jet:
        """Return the log-likelihoods; the last parameter is the logit of rho."""
        terms = parameters(theta)
        eta, last = self.logits(terms), terms[-1]
        odds = np.exp(-last.value)
        size = last.map((odds, -odds, odds))
        p, q = special.expit(eta.value), special.expit(-eta.value)
        a = eta.map((p, p * q, p * q * (q - p))) * size
        b = eta.map((q, -p * q, p * q * (p - q))) * size
        falls = _rising(a, self.y) + _rising(b, self.n - self.y)
        return (falls - _rising(size * np.ones_like(self.n), self.n) + self.constant).only()


def _rising(a: Jet, y: Array) -> Jet:
    """Return log(a (a + 1) ... (a + y - 1)), of which large parts are never subtracted."""
    low, high = a.value, a.value + y
    away = y * np.log(low) + (high - 1) * np.log1p(y / low) - y
    derivatives = (
        away + remainder(high) - remainder(low),
        special.digamma(high) - special.digamma(low),
        special.polygamma(1, high) - special.polygamma(1, low),
    )
    return a.map(derivatives)


def _fit(arms: _Arms) -> tuple[Maximum, int, float]:
    """Return the highest maximum, how many starts led there, and rho."""
    middle = (arms.y.sum() + 0.5) / (arms.n.sum() + 1)
    begin = np.zeros((arms.groups, 1))
    begin[-1] = special.logit(middle)
    k = len(arms.y)
    (without,) = maximise(arms.binomial, np.zeros((0, 1)), begin, k)
    if not without.curved:
        raise ModelError("the binomial likelihood has no maximum; check the counts")
    starts = np.repeat(without.common[:, None], len(_STARTS), axis=1)
    found = maximise(
        arms.beta_binomial, np.zeros((0, len(_STARTS))), np.vstack([starts, _STARTS]), k
    )
    zero = min(_ZERO, math.log(_SHARE / float(arms.n.max())))
    inside = [each for each in found if each.curved and each.common[-1] > zero]
    top = max([without, *inside], key=lambda each: each.log_likelihood)
    if max(each.log_likelihood for each in found) > top.log_likelihood + _SAME:
        raise ModelError(
            "the likelihood of the correlation within an arm has no maximum that was found; use "
            "glmm() or penalised_logistic()"
        )
    if top is without or top.log_likelihood <= without.log_likelihood + _SAME:
        return without, len(found) - len(inside), 0.0
    agreed = sum(each.log_likelihood >= top.log_likelihood - _SAME for each in inside)
    return top, agreed, float(special.expit(top.common[-1]))
