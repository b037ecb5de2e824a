"""Burden: from an association and two prevalences to the people who have both conditions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from comorbid.checks import check_whole, is_number, shown
from comorbid.effects.co_occurrence import JOINT, bounds, joint_prevalence, quantities
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models import text
from comorbid.models.fit import Fit, Pair
from comorbid.models.pooled import check_fit
from comorbid.models.propagation import DRAWS, Prevalence, cut, exact, outside, simulated
from comorbid.models.views import Views, block, frame

if TYPE_CHECKING:
    import pandas as pd

_COUNTS = ("expected", "both", "extra")
_LABELS = {
    "expected": "both, if independent",
    "both": "both",
    "extra": "both beyond chance",
    "observed_expected": "observed to expected",
    "risk_ratio_1": "risk ratio of 1, with and without 2",
    "risk_ratio_2": "risk ratio of 2, with and without 1",
    "phi": "phi",
    "attributable_fraction_1": "attributable fraction of 1",
    "attributable_fraction_2": "attributable fraction of 2",
}


class Quantity(NamedTuple):
    """A value with the intervals that follow from the fit's confidence and prediction interval."""

    estimate: float
    ci: Pair
    pi: Pair


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Burden(Views):
    """How many people have both conditions; made by `burden`.

    Attributes
    ----------
    expected, both, extra : Quantity
        Share of people with both if the conditions were independent, with the association, and
        the difference; proportions.
    observed_expected : Quantity
        ``both / expected``.
    risk_ratio_1, risk_ratio_2 : Quantity
        How many times as frequent condition 1 is in those with condition 2 as in those without,
        and the other way round.
    phi : Quantity
        Correlation of the two conditions, -1 to 1.
    attributable_fraction_1, attributable_fraction_2 : Quantity
        Share of condition 1 that would not be there if all had the risk of those without
        condition 2, and the other way round. It says what removing a cause would do only if the
        association is one of cause and effect.
    p1, p2 : (float, float, float)
        The prevalences with their intervals; the ends equal the value where none was given.
    measure, method, test : str
        Of the fit.
    level : float
        Of the intervals, a proportion.
    ids : tuple of str
        The effects pooled.
    population : float or None
        How many people ``people`` speaks of.
    warnings : tuple of str
        Those of the fit, and what the numbers assume.
    """

    expected: Quantity
    both: Quantity
    extra: Quantity
    observed_expected: Quantity
    risk_ratio_1: Quantity
    risk_ratio_2: Quantity
    phi: Quantity
    attributable_fraction_1: Quantity
    attributable_fraction_2: Quantity
    p1: Prevalence
    p2: Prevalence
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    population: float | None
    warnings: tuple[str, ...]

    def people(self, size: float | None = None) -> pd.DataFrame:
        """Return how many of ``size`` people have both, expected, observed and beyond chance.

        Parameters
        ----------
        size : float, optional
            Number of people, such as 1,000; otherwise ``population``.

        Raises
        ------
        ModelError
            If there is neither.
        """
        size = self.population if size is None else size
        if size is None:
            raise ModelError("how many people? give size, or population to burden()")
        return self.to_frame().loc[list(_COUNTS)] * size

    def to_frame(self) -> pd.DataFrame:
        """Return one row a quantity: ``estimate, ci_low, ci_high, pi_low, pi_high``."""
        found = {name: self._quantity(name) for name in _LABELS}
        columns = {
            "estimate": [q.estimate for q in found.values()],
            "ci_low": [q.ci[0] for q in found.values()],
            "ci_high": [q.ci[1] for q in found.values()],
            "pi_low": [q.pi[0] for q in found.values()],
            "pi_high": [q.pi[1] for q in found.values()],
        }
        return frame(list(found), "quantity", columns)

    def summary(self) -> str:
        """Return the quantities with their intervals as text."""
        percent = f"{100 * self.level:g}%"
        rows = {label: self._row(name, percent) for name, label in _LABELS.items()}
        if self.population is not None:
            people = self.people()["estimate"]
            rows |= {f"people: {_LABELS[n]}": f"{people[n]:,.0f}" for n in _COUNTS}
        head = f"Burden of an {self.measure}, prevalences {self.p1[0]:g} and {self.p2[0]:.4g}"
        return block(head, rows, self.warnings)

    def _quantity(self, name: str) -> Quantity:
        found: Quantity = getattr(self, name)
        return found

    def _row(self, name: str, percent: str) -> str:
        found = self._quantity(name)
        scale, unit = (100, " %") if name in _COUNTS else (1, "")
        value, ci, pi = (np.asarray(part) * scale for part in found)
        digits = 3 if scale == 1 else 2
        return (
            f"{text.number(float(value), digits)}{unit} ({percent} CI "
            f"{text.pair((ci[0], ci[1]), digits)}; PI {text.pair((pi[0], pi[1]), digits)})"
        )


def burden(
    fit: Fit,
    *,
    p1: float | tuple[float, float, float],
    p2: float | tuple[float, float, float],
    population: float | None = None,
    seed: int = 1,
) -> Burden:
    r"""Turn a pooled association and two prevalences into people with both conditions.

    With an odds ratio the share with both is the smaller root of its definition,

    .. math:: p_{12} = \frac{2\,OR\,p_1 p_2}{S + \sqrt{S^2 - 4\,OR(OR - 1) p_1 p_2}}, \qquad
       S = 1 + (p_1 + p_2)(OR - 1)

    and with the risk ratio or difference of condition 2 in those with condition 1, or with
    :math:`\phi`,

    .. math:: p_{12} = \frac{RR\,p_1 p_2}{1 - p_1 + RR\,p_1}, \quad
       p_{12} = p_1 p_2 + RD\,p_1 (1 - p_1), \quad
       p_{12} = p_1 p_2 + \phi \sqrt{p_1 (1 - p_1) p_2 (1 - p_2)}.

    All else follows from the table of the two conditions: the expected share :math:`p_1 p_2`, the
    risk ratios, :math:`\phi`, and Levin's attributable fraction
    :math:`1 - P(1 | \text{not } 2) / p_1`.

    Parameters
    ----------
    fit : Fit
        Of the measure ``OR``, ``RR``, ``RD`` or ``PHI``. A risk ratio or difference compares those
        with condition 1 to those without, as `effects` has it of counts headed
        ``both, <condition one>_only, <condition two>_only, neither``; the others have no direction.
    p1, p2 : float or (float, float, float)
        Prevalence of each condition in the population in question, a proportion; with an interval
        of the fit's level as ``(value, low, high)``.
    population : float, optional
        Number of people, for `Burden.people`.
    seed : int
        Of the simulation that carries the intervals of prevalences.

    Returns
    -------
    Burden
        At fixed prevalences the expected share is fixed and every other quantity rises with the
        effect, so that its interval has the values at the ends of the fit's, exactly. If a
        prevalence has an interval too, the intervals are percentiles of 100,000 independent draws
        of effect and prevalences: t of the fit for the effect, and for the log odds of a prevalence
        a normal deviate on either side of its value, as wide as that side of its interval. The
        prediction interval is for a population like those of the studies. An interval that reaches
        beyond what two such prevalences allow is cut there, with a warning.

    Raises
    ------
    DataError
        If a prevalence or the population is impossible, or the effect would need more or fewer
        people with both conditions than there can be,
        :math:`\max(0, p_1 + p_2 - 1) \le p_{12} \le \min(p_1, p_2)`; the error gives the bounds.
    ModelError
        If the fit is of another measure.

    References
    ----------
    Plackett RL (1965). A class of bivariate distributions. Journal of the American Statistical
    Association 60:516-522. doi:10.1080/01621459.1965.10480807
    Frechet M (1951). Sur les tableaux de correlation dont les marges sont donnees. Annales de
    l'Universite de Lyon, Section A 14:53-77.
    Joint Committee for Guides in Metrology (2008). JCGM 101: Propagation of distributions using a
    Monte Carlo method (no DOI).
    Levin ML (1953). The occurrence of lung cancer in man. Acta Unio Internationalis Contra Cancrum
    9:531-541.
    Zhang J, Yu KF (1998). What's the relative risk? JAMA 280:1690-1691.
    doi:10.1001/jama.280.19.1690

    Examples
    --------
    1 in 5 and 1 in 30, and an odds ratio of 2: just over one in 100 have both, not 0.67 %.

    >>> import math
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[math.log(2)], vi=[0.01], measure="OR"))
    >>> found = cb.burden(fit, p1=1/5, p2=1/30)
    >>> round(100 * found.expected.estimate, 2), round(100 * found.both.estimate, 2)
    (0.67, 1.09)
    >>> round(found.risk_ratio_1.estimate, 2)
    1.67
    """
    check_fit(fit)
    check_whole("seed", seed, least=0)
    measure = fit.effects.measure
    if measure not in JOINT:
        raise ModelError(
            f"the burden of {measure} cannot be computed; pool one of {', '.join(JOINT)}: odds "
            "ratios, or what the 2x2 counts give by escalc()"
        )
    first, second = _checked(p1=p1, p2=p2, population=population)
    _check_possible(fit, first[0], second[0])
    warnings = list(fit.warnings)
    value = quantities(measure, *map(np.array, (fit.estimate, first[0], second[0])))
    if first[1] == first[2] and second[1] == second[2]:
        ci, pi = (exact(measure, ends, first[0], second[0]) for ends in (fit.ci, fit.pi))
        warnings += cut(fit, first[0], second[0])
    else:
        ci, pi, beyond = simulated(fit, first, second, seed)
        warnings.append(f"intervals by simulation ({DRAWS:,} draws, seed {seed})")
        if beyond:
            warnings.append(f"{beyond:,} draws are cut at what their prevalences allow")
    warnings.append("an attributable fraction presumes that the one condition causes the other")
    return Burden(
        **{n: Quantity(float(value[n]), ci[n], pi[n]) for n in _LABELS},
        p1=first,
        p2=second,
        measure=measure,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        population=population,
        warnings=tuple(warnings),
    )


def _checked(*, p1: Any, p2: Any, population: float | None) -> tuple[Prevalence, Prevalence]:
    """Return both prevalences with their intervals; raise with all problems at once."""
    problems, found = [], []
    for name, given in (("p1", p1), ("p2", p2)):
        value, low, high = given if isinstance(given, tuple) and len(given) == 3 else (given,) * 3
        proportions = all(is_number(part) and 0 < part < 1 for part in (value, low, high))
        if proportions and low <= value <= high:
            found.append((float(value), float(low), float(high)))
        else:
            remedy = "give a proportion between 0 and 1, or (value, low, high)"
            problems.append(Problem(f"{name} is {shown(given)}", remedy))
    if population is not None and not (is_number(population) and 0 < population < np.inf):
        what = f"population is {shown(population)}"
        problems.append(Problem(what, "give a number of people above 0"))
    if problems:
        raise DataError(problems)
    return found[0], found[1]


def _check_possible(fit: Fit, p1: float, p2: float) -> None:
    """Refuse an effect that two such prevalences do not allow."""
    measure, margins = fit.effects.measure, (np.array(p1), np.array(p2))
    if not outside(measure, np.array(fit.estimate), *margins):
        return
    both = float(joint_prevalence(measure, np.array(fit.estimate), *margins))
    low, high = map(float, bounds(*margins))
    raise DataError(
        f"{measure} {fit.on_scale().estimate:.3g} with prevalences {p1:g} and {p2:g} would put "
        f"{both:.3g} of all people in both conditions; that share lies between {low:.3g} and "
        f"{high:.3g}. Use the prevalences of the studies' population, or odds ratios"
    )
