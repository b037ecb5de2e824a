"""Co-occurrence: how many have both conditions, from an effect and the prevalence of each."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array

# Log ratios beyond it leave nobody with one condition alone; their squares would overflow.
_LARGEST = 300.0


def bounds(p1: Array, p2: Array) -> tuple[Array, Array]:
    """Return the Frechet bounds: the least and the most people who can have both."""
    return np.maximum(0.0, p1 + p2 - 1), np.minimum(p1, p2)


def joint_prevalence(measure: str, effect: Array, p1: Array, p2: Array) -> Array:
    """Return the share with both conditions; ``effect`` is on the analysis scale of its measure.

    Of any measure but ``OR`` it may lie outside the bounds: no population has that effect.
    """
    return JOINT[measure](effect, p1, p2)


def _by_odds_ratio(effect: Array, p1: Array, p2: Array) -> Array:
    # Of two equal conditions one table is the other turned over: the form without cancellation.
    turned = effect < 0
    q2 = np.where(turned, 1 - p2, p2)
    excess = np.expm1(np.minimum(np.abs(effect), _LARGEST))
    s = 1 + (p1 + q2) * excess
    root = np.sqrt(s**2 - 4 * (excess + 1) * excess * p1 * q2)
    both = 2 * (excess + 1) * p1 * q2 / (s + root)
    return np.where(turned, p1 - both, both)


def _by_risk_ratio(effect: Array, p1: Array, p2: Array) -> Array:
    ratio = np.exp(np.minimum(effect, _LARGEST))
    return np.asarray(ratio * p1 * p2 / (1 - p1 + ratio * p1))


def _by_risk_difference(effect: Array, p1: Array, p2: Array) -> Array:
    return np.asarray(p1 * p2 + effect * p1 * (1 - p1))


def _by_phi(effect: Array, p1: Array, p2: Array) -> Array:
    return np.asarray(p1 * p2 + effect * np.sqrt(p1 * (1 - p1) * p2 * (1 - p2)))


JOINT: dict[str, Callable[[Array, Array, Array], Array]] = {
    "OR": _by_odds_ratio,
    "RR": _by_risk_ratio,
    "RD": _by_risk_difference,
    "PHI": _by_phi,
}
"""By measure, the share with both; a risk ratio or difference compares those with condition 1."""


def quantities(measure: str, effect: Array, p1: Array, p2: Array) -> dict[str, Array]:
    """Return all that follows from an effect and two prevalences, by the names of `Burden`.

    A share beyond the bounds is taken as the bound.
    """
    both = np.clip(joint_prevalence(measure, effect, p1, p2), *bounds(p1, p2))
    expected = p1 * p2
    with_2, without_2 = both / p2, (p1 - both) / (1 - p2)
    with_1, without_1 = both / p1, (p2 - both) / (1 - p1)
    with np.errstate(divide="ignore"):  # where all have both, a ratio is infinite
        risk_ratio_1, risk_ratio_2 = with_2 / without_2, with_1 / without_1
    return {
        "expected": expected,
        "both": both,
        "extra": both - expected,
        "observed_expected": both / expected,
        "risk_ratio_1": risk_ratio_1,
        "risk_ratio_2": risk_ratio_2,
        "phi": (both - expected) / np.sqrt(p1 * (1 - p1) * p2 * (1 - p2)),
        "attributable_fraction_1": 1 - without_2 / p1,
        "attributable_fraction_2": 1 - without_1 / p2,
    }
