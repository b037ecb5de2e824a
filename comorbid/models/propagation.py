"""Propagation: intervals of what follows from an effect and the prevalences of two conditions."""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.effects.co_occurrence import bounds, joint_prevalence, quantities
from comorbid.models.fit import Fit, Pair
from comorbid.models.kernel import t_quantile

Prevalence = tuple[float, float, float]

DRAWS = 100_000
_ROUNDING = 1e-12


def exact(measure: str, ends: Pair, p1: float, p2: float) -> dict[str, Pair]:
    """Every quantity rises with the effect, so that its interval has the same ends."""
    found = quantities(measure, np.array(ends), np.array(p1), np.array(p2))
    wide = {name: np.broadcast_to(values, 2).tolist() for name, values in found.items()}
    return {name: (low, high) for name, (low, high) in wide.items()}


def simulated(
    fit: Fit, first: Prevalence, second: Prevalence, seed: int
) -> tuple[dict[str, Pair], dict[str, Pair], int]:
    """Percentiles over draws of effect and prevalences, and how many draws are impossible."""
    draws, measure = np.random.default_rng(seed), fit.effects.measure
    normal = np.isinf(fit.df)
    t = draws.standard_normal(DRAWS) if normal else draws.standard_t(fit.df, DRAWS)
    p1, p2 = (_drawn(prevalence, fit.level, draws) for prevalence in (first, second))
    critical = float(t_quantile(np.array(fit.df), (1 + fit.level) / 2))
    tails = np.array([(1 - fit.level) / 2, (1 + fit.level) / 2])
    ranks = np.rint(tails * (DRAWS - 1)).astype(int)  # no mean of two draws: one may be infinite
    intervals, beyond = [], np.zeros(DRAWS, dtype=bool)
    for _, high in (fit.ci, fit.pi):
        effect = fit.estimate + t * (high - fit.estimate) / critical
        beyond |= outside(measure, effect, p1, p2)
        found = quantities(measure, effect, p1, p2)
        ends = {n: np.partition(np.broadcast_to(v, DRAWS), ranks)[ranks] for n, v in found.items()}
        intervals.append({n: (float(low), float(high)) for n, (low, high) in ends.items()})
    return intervals[0], intervals[1], int(beyond.sum())


def _drawn(prevalence: Prevalence, level: float, draws: np.random.Generator) -> Array:
    """Return draws of a prevalence: half of them above its value, and its interval their ends."""
    value, low, high = special.logit(prevalence)
    z = draws.standard_normal(DRAWS) / special.ndtri((1 + level) / 2)
    drawn: Array = special.expit(value + z * np.where(z < 0, value - low, high - value))
    return drawn


def outside(measure: str, effect: Array, p1: Array, p2: Array) -> Array:
    """Say where the share with both lies beyond the bounds by more than rounding."""
    both, (low, high) = joint_prevalence(measure, effect, p1, p2), bounds(p1, p2)
    return np.asarray((both < low - _ROUNDING) | (both > high + _ROUNDING))


def cut(fit: Fit, p1: float, p2: float) -> list[str]:
    """Say which intervals reach beyond what two such prevalences allow."""
    margins = np.array(p1), np.array(p2)
    return [
        f"the {name} interval is cut where no more people, or no fewer, can have both conditions"
        for name, ends in (("confidence", fit.ci), ("prediction", fit.pi))
        if outside(fit.effects.measure, np.array(ends), *margins).any()
    ]
