"""Conversions between measures, each of which rests on an assumption."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_choice, check_type, numbers
from comorbid.effects.arrays import Array
from comorbid.effects.counts import LOGISTIC
from comorbid.effects.effsize import correlation_from_d, d_from_correlation
from comorbid.effects.measures import find_measure
from comorbid.effects.table import Effects
from comorbid.errors import AssumptionWarning, DataError, ModelError, Problem

_ORDER = ("RR", "OR", "SMD", "COR")
"""The measures that are converted; each step is between neighbours."""


@dataclass(frozen=True, slots=True)
class _Step:
    """One conversion, ``run(y, v, baseline_risk) -> (y, v)`` with the delta method for v."""

    run: Callable[[Array, Array, Array], tuple[Array, Array]]
    assumption: str


def convert(effects: Effects, *, to: str, baseline_risk: ArrayLike | None = None) -> Effects:
    r"""Convert odds ratios, risk ratios, standardised differences and correlations.

    With the baseline risk :math:`p_0`, variances by the delta method,

    .. math:: RR = \frac{OR}{1 - p_0 + p_0\, OR}, \qquad d = \frac{\sqrt3}{\pi} \log OR, \qquad
       r = \frac{d}{\sqrt{d^2 + 4}}

    and the inverses of these; a conversion that needs several takes them one after the other. Each
    rests on an assumption, which is given as a warning and kept in the result's ``warnings``.

    Parameters
    ----------
    effects : Effects
        Of the measure OR, RR, SMD or COR.
    to : {"OR", "RR", "SMD", "COR"}
        The measure wanted.
    baseline_risk : float or array_like of shape (k,), optional
        The risk without the exposure, a proportion; needed from and to RR only.

    Returns
    -------
    Effects
        Of the same studies, on the analysis scale of the new measure.

    Raises
    ------
    ModelError
        If there is no such conversion, or the baseline risk is missing.
    DataError
        If a baseline risk is no proportion, or a risk ratio times it is 1 or more.

    Warns
    -----
    AssumptionWarning
        One a step.

    References
    ----------
    Zhang J, Yu KF (1998). What's the relative risk? JAMA 280:1690-1691.
    doi:10.1001/jama.280.19.1690
    Chinn S (2000). A simple method for converting an odds ratio to effect size. Statistics in
    Medicine 19:3127-3131.
    doi:10.1002/1097-0258(20001130)19:22<3127::AID-SIM784>3.0.CO;2-M
    Borenstein M, Hedges LV, Higgins JPT, Rothstein HR (2009). Introduction to Meta-Analysis,
    chapter 7. doi:10.1002/9780470743386.ch7

    Examples
    --------
    An odds ratio of 2 at a risk of 1 in 5 is a risk ratio of 1.67:

    >>> import warnings
    >>> import comorbid as cb
    >>> odds_ratio = cb.Effects(yi=[np.log(2)], vi=[0.04], measure="OR")
    >>> with warnings.catch_warnings():
    ...     warnings.simplefilter("ignore")
    ...     risk_ratio = convert(odds_ratio, to="RR", baseline_risk=0.2)
    >>> np.exp(risk_ratio.yi).round(2).tolist()
    [1.67]
    >>> risk_ratio.warnings
    ('OR to RR: the baseline risk given holds in every study, and is known without error',)
    """
    check_type("effects", effects, Effects, "give what escalc() or effects() returns")
    check_choice("to", to, _ORDER)
    if effects.measure not in _ORDER:
        raise ModelError(f"{effects.measure} cannot be converted; only {', '.join(_ORDER)} can")
    steps = list(_steps(effects.measure, to))
    risk = np.full(effects.k, np.nan)
    if any("RR" in pair for pair in steps):
        risk = _checked_risk(effects, baseline_risk)
    yi, vi, notes = effects.yi, effects.vi, list(effects.warnings)
    for pair in steps:
        if pair == ("RR", "OR"):
            _check_risk_ratios(effects, yi, risk)
        with np.errstate(all="ignore"):
            yi, vi = _STEPS[pair].run(yi, vi, risk)
        notes.append(f"{pair[0]} to {pair[1]}: {_STEPS[pair].assumption}")
        warnings.warn(notes[-1], AssumptionWarning, stacklevel=2)
    scale = find_measure(to).scale
    return replace(effects, yi=yi, vi=vi, measure=to, scale=scale, warnings=tuple(notes))


def _steps(start: str, end: str) -> Iterator[tuple[str, str]]:
    """Yield the pairs of neighbours on the way."""
    here, there = _ORDER.index(start), _ORDER.index(end)
    step = 1 if there > here else -1
    for i in range(here, there, step):
        yield _ORDER[i], _ORDER[i + step]


def _checked_risk(effects: Effects, baseline_risk: ArrayLike | None) -> Array:
    if baseline_risk is None:
        raise ModelError("baseline_risk is missing; give the risk without the exposure, as 0.2")
    risk = numbers("baseline_risk", baseline_risk)
    if risk.ndim > 1 or risk.size not in (1, effects.k):
        raise DataError(f"baseline_risk has shape {risk.shape}; give one, or one a study")
    risk = np.broadcast_to(risk, effects.k)
    problems = [
        Problem(
            f"{effects.labels[i]}: baseline risk {risk[i]:g}", "give a proportion between 0 and 1"
        )
        for i in np.flatnonzero(~((risk > 0) & (risk < 1))).tolist()
    ]
    if problems:
        raise DataError(problems)
    return risk


def _check_risk_ratios(effects: Effects, yi: Array, risk: Array) -> None:
    with np.errstate(all="ignore"):
        exposed = np.exp(yi) * risk
    problems = [
        Problem(
            f"{effects.labels[i]}: a risk ratio of {np.exp(yi[i]):.3g} at the baseline risk "
            f"{risk[i]:g} is a risk of {exposed[i]:.3g}",
            "give a lower baseline risk",
        )
        for i in np.flatnonzero(exposed >= 1).tolist()
    ]
    if problems:
        raise DataError(problems)


def _or_to_rr(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    spread = np.logaddexp(np.log1p(-risk), np.log(risk) + y)
    return y - spread, v * np.exp(2 * (np.log1p(-risk) - spread))


def _rr_to_or(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    spared = -risk * np.exp(y)
    return y + np.log1p(-risk) - np.log1p(spared), v / (1 + spared) ** 2


def _or_to_d(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    return y / LOGISTIC, v / LOGISTIC**2


def _d_to_or(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    return y * LOGISTIC, v * LOGISTIC**2


def _d_to_r(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    return correlation_from_d(y), 16 * v / (y**2 + 4) ** 3


def _r_to_d(y: Array, v: Array, risk: Array) -> tuple[Array, Array]:
    return d_from_correlation(y), 4 * v / (1 - y**2) ** 3


_RISK = "the baseline risk given holds in every study, and is known without error"
_CUT = (
    "the outcome is a continuous one cut in two, with a logistic distribution and the same spread "
    "in both groups"
)
_EQUAL = "the two groups are of the same size"

_STEPS = {
    ("OR", "RR"): _Step(_or_to_rr, _RISK),
    ("RR", "OR"): _Step(_rr_to_or, _RISK),
    ("OR", "SMD"): _Step(_or_to_d, _CUT),
    ("SMD", "OR"): _Step(_d_to_or, _CUT),
    ("SMD", "COR"): _Step(_d_to_r, _EQUAL),
    ("COR", "SMD"): _Step(_r_to_d, _EQUAL),
}
