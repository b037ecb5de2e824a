"""Missing studies: how many there are on one side of a funnel, by Duval and Tweedie."""

from __future__ import annotations

import math

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError

ESTIMATORS = ("L0", "R0", "Q0")


def settled(estimator: str, yi: Array, estimates: Array) -> int:
    """Return the number of missing studies that reproduces itself."""
    k0, seen = 0, [0]
    while True:
        new = max(0, round(missing(estimator, yi - estimates[k0])))
        if new == k0:
            return k0
        if new in seen:
            swing = ", ".join(str(value) for value in seen[seen.index(new) :])
            raise ModelError(
                f"the number of missing studies does not settle: it goes around {swing}; use "
                "another estimator or side"
            )
        seen.append(new)
        k0 = new


def missing(estimator: str, centred: Array) -> float:
    """Return the number of studies missing on the left of zero, before it is rounded."""
    k = centred.size
    rank = np.empty(k)
    rank[np.argsort(np.abs(centred), kind="stable")] = np.arange(1, k + 1)
    right = float(rank[centred > 0].sum())
    if estimator == "L0":
        value = (4 * right - k * (k + 1)) / (2 * k - 1)
    elif estimator == "R0":
        value = float((rank[centred > 0] > rank[centred < 0].max(initial=0.0)).sum()) - 1
    else:
        root = 2 * k**2 - 4 * right + 0.25
        value = k - 0.5 - math.sqrt(root) if root >= 0 else math.inf
    if value >= k - 0.5:
        raise ModelError(
            f"{estimator} says that as many studies are missing as were found; use another "
            "estimator or side"
        )
    return float(value)


def standard_error(estimator: str, k: int, k0: float) -> float:
    """Return the standard error of the number of missing studies, before it is rounded.

    Duval and Tweedie's (2000b) approximation; nan where it gives a negative variance.
    """
    if estimator == "R0":
        return math.sqrt(2 * max(0.0, k0) + 2)
    variance = (
        k * (k + 1) * (2 * k + 1)
        + 10 * k0**3
        + 27 * k0**2
        + 17 * k0
        - 18 * k * k0**2
        - 18 * k * k0
        + 6 * k**2 * k0
    ) / 24
    if variance < 0:
        return math.nan
    if estimator == "L0":
        return 4 * math.sqrt(variance) / (2 * k - 1)
    return 2 * math.sqrt(variance / ((k - 0.5) ** 2 - k0 * (2 * k - k0 - 1)))
