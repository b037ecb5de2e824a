"""Co-occurrence: how many have both conditions, from a ratio and the prevalence of each."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array

# Log ratios beyond it leave nobody with one condition alone; their squares would overflow.
_LARGEST = 300.0


def risk_with(effect: Array, p1: Array, p2: Array) -> Array:
    """Return the risk of condition 1 in those with 2, by a log risk ratio; impossible above 1."""
    ratio = np.exp(np.minimum(effect, _LARGEST))
    return np.asarray(ratio * p1 / (1 - p2 + ratio * p2))


def joint_prevalence(measure: str, effect: Array, p1: Array, p2: Array) -> Array:
    """Return the share with both conditions; ``effect`` is a log odds or log risk ratio."""
    if measure == "RR":
        return p2 * np.minimum(risk_with(effect, p1, p2), 1.0)
    # Of two equal conditions one table is the other turned over: the form without cancellation.
    turned = effect < 0
    q2 = np.where(turned, 1 - p2, p2)
    excess = np.expm1(np.minimum(np.abs(effect), _LARGEST))
    s = 1 + (p1 + q2) * excess
    root = np.sqrt(s**2 - 4 * (excess + 1) * excess * p1 * q2)
    both = 2 * (excess + 1) * p1 * q2 / (s + root)
    return np.where(turned, p1 - both, both)


def quantities(measure: str, effect: Array, p1: Array, p2: Array) -> dict[str, Array]:
    """Return all that follows from a log ratio and two prevalences, by the names of `Burden`."""
    both = joint_prevalence(measure, effect, p1, p2)
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
