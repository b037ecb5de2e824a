"""Effects from what a paper prints: an estimate with its interval, standard error or p-value."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.formula import Rows, Rule, column, positive
from comorbid.effects.scales import SCALES, needs_size
from comorbid.errors import Problem

REPORTED_COLUMNS = ("estimate", "ci_low", "ci_high", "ci_level", "se", "p_value")

_ON_SCALE = ("estimate", "ci_low", "ci_high")
_RULES = (
    positive("se"),
    Rule(("ci_level",), lambda v: (v > 0) & (v < 1), "a proportion, 0.95 for 95 %"),
    Rule(
        ("p_value",),
        lambda v: (v > 0) & (v < 1),
        "between 0 and 1; for one printed as 0.000 or 1.00 take the interval or give more digits",
    ),
)


def reported_effect(
    estimate: Array,
    *,
    ci_low: Array,
    ci_high: Array,
    ci_level: Array,
    se: Array,
    scale: str,
    p_value: Array | None = None,
) -> tuple[Array, Array]:
    r"""Effect and variance from a printed estimate with an interval, its SE or its p-value.

    .. math:: y = g(\hat\theta), \qquad
       v = \left(\frac{g(u) - g(l)}{2 z_{(1 + \gamma)/2}}\right)^2

    with :math:`g` the scale's function (log for ratios), :math:`(l, u)` the interval and
    :math:`\gamma` its level. Where there is no interval, ``se`` (analysis scale) is used, and
    where there is neither, the two-sided p-value of the test of :math:`y = 0`:
    :math:`v = (y / z_{1 - p/2})^2`; the sign is that of the estimate.

    Parameters
    ----------
    estimate, ci_low, ci_high : arrays of shape (k,)
        As printed, on the printed scale (an odds ratio, not its log); missing is nan.
    ci_level : array of shape (k,)
        Level of each interval, a proportion.
    se : array of shape (k,)
        Standard error on the analysis scale; missing is nan.
    scale : str
        Name of the scale.
    p_value : array of shape (k,), optional
        Two-sided, of a normal test; missing is nan.

    Returns
    -------
    yi, vi : arrays of shape (k,)
        On the analysis scale; nan where something is missing, and for a scale that depends on the
        sample size.

    References
    ----------
    Higgins JPT, Li T, Deeks JJ (2019). Cochrane Handbook for Systematic Reviews of
    Interventions, 2nd ed., chapter 6, sections 6.3.1-6.3.2. doi:10.1002/9781119536604.ch6
    (since then https://training.cochrane.org/handbook, version 6.5).
    Altman DG, Bland JM (2011). How to obtain the confidence interval from a P value. BMJ
    343:d2090. doi:10.1136/bmj.d2090

    Examples
    --------
    >>> import numpy as np
    >>> one, none = np.ones(1), np.full(1, np.nan)
    >>> yi, vi = reported_effect(2.5 * one, ci_low=0.8 * one, ci_high=8.0 * one,
    ...                          ci_level=0.95 * one, se=none, scale="log")
    >>> yi.round(4).tolist(), np.sqrt(vi).round(4).tolist()
    ([0.9163], [0.5874])
    """
    if needs_size(scale):
        return np.full_like(estimate, np.nan), np.full_like(estimate, np.nan)
    forward = SCALES[scale].forward
    with np.errstate(all="ignore"):
        yi = forward(estimate)
        z = special.ndtri((1 + ci_level) / 2)
        from_interval = (forward(ci_high) - forward(ci_low)) / (2 * z)
        known = np.where(np.isnan(from_interval), se, from_interval)
        if p_value is not None:
            from_p = np.abs(yi) / -special.ndtri(p_value / 2)
            known = np.where(np.isnan(known), from_p, known)
        return yi, np.asarray(known**2)


def effect_of(rows: Rows, scale: str) -> tuple[Array, Array]:
    """Return effects and variances from columns named as in a table of studies.

    An interval without ``ci_level`` is a 95 % one.
    """
    values = {name: column(rows, name) for name in REPORTED_COLUMNS}
    level = values["ci_level"]
    return reported_effect(
        values["estimate"],
        ci_low=values["ci_low"],
        ci_high=values["ci_high"],
        ci_level=np.where(np.isnan(level), 0.95, level),
        se=values["se"],
        scale=scale,
        p_value=values["p_value"],
    )


def reported_problems(
    rows: Mapping[str, Array], scale: str, labels: Sequence[str]
) -> list[Problem]:
    """Return what is wrong with printed estimates and what belongs to them."""
    values = {name: column(rows, name) for name in REPORTED_COLUMNS}
    problems = [problem for rule in _RULES for problem in rule.problems(values, labels)]
    for name in _ON_SCALE:
        with np.errstate(all="ignore"):
            off = ~np.isnan(values[name]) & ~np.isfinite(SCALES[scale].forward(values[name]))
        problems += [
            Problem(
                f"{labels[i]}: {name} is {values[name][i]:g}",
                f"give it as printed; there is no such value on the {scale} scale",
            )
            for i in np.flatnonzero(off).tolist()
        ]
    estimate, low, high = (values[name] for name in _ON_SCALE)
    outside = (low > high) | (estimate < low) | (estimate > high)
    for i in np.flatnonzero(outside).tolist():
        problems.append(
            Problem(
                f"{labels[i]}: estimate {estimate[i]:g} with the interval "
                f"{low[i]:g} to {high[i]:g}",
                "the estimate lies between ci_low and ci_high; compare with the paper",
            )
        )
    return problems
