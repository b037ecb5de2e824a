"""Settings of a fit: which are allowed, and what they cannot give."""

from __future__ import annotations

from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from comorbid.effects.arrays import Array, Mask
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.estimators import ESTIMATORS, Estimator, fix_tau2
from comorbid.models.kernel import Test


def find_estimator(method: str | Estimator) -> Estimator:
    """Return the estimator of this id; an `Estimator` is returned as it is."""
    if isinstance(method, Estimator):
        return method
    known = {estimator.id: estimator for estimator in ESTIMATORS}
    if method not in known:
        raise ModelError(f"method is {method!r}; use one of {', '.join(known)}")
    return known[method]


def with_fixed_tau2(estimator: Estimator, tau2: float | None) -> Estimator:
    """Return the estimator, or one that gives ``tau2`` if there is one."""
    if tau2 is None:
        return estimator
    if estimator.id == "EE":
        raise ModelError("the equal-effects model has no tau2 to fix; choose another method")
    if not (np.isfinite(tau2) and tau2 >= 0):
        raise ModelError(f"tau2 is {tau2!r}; give a finite variance of at least 0")
    return fix_tau2(estimator, float(tau2))


def check_settings(test: str, level: float) -> None:
    """Raise `ModelError` unless the test exists and the level is a proportion."""
    if test not in get_args(Test):
        raise ModelError(f"test is {test!r}; use one of {', '.join(get_args(Test))}")
    check_level(level)


def check_level(level: float) -> None:
    """Raise `ModelError` unless the level is a proportion."""
    if not 0 < level < 1:
        raise ModelError(f"level is {level!r}; give a proportion between 0 and 1, such as 0.95")


def check_weights(weights: ArrayLike, effects: Effects, used: Mask) -> Array:
    """Return the weights of the effects used, read-only.

    Raises
    ------
    DataError
        If there is not one a row, or one is missing, infinite or negative, or all are 0.
    """
    values = np.array(weights, dtype=np.float64)
    if values.shape != effects.yi.shape:
        raise DataError(
            f"weights has shape {values.shape} for {effects.k} effects; give one a row of effects"
        )
    bad = used & ~(np.isfinite(values) & (values >= 0))
    if bad.any():
        raise DataError(
            [
                Problem(
                    f"{effects.labels[i]}: weight {values[i]}",
                    "a weight must be finite and not negative",
                )
                for i in np.flatnonzero(bad)
            ]
        )
    values = values[used]
    if not values.sum() > 0:
        raise DataError("the weights sum to 0; give at least one study a weight above 0")
    values.flags.writeable = False
    return values


def few_studies_notes(k: int, method: str) -> tuple[str, ...]:
    """Say what a fit of so few studies cannot give."""
    if k == 1:
        return (
            "one study: nothing is pooled; its own interval (z) is given, and tau2, I2, the test "
            "of heterogeneity and a prediction interval cannot be",
        )
    if k == 2 and method != "EE":
        return (
            "two studies: tau2 rests on one difference, and the t distribution has one degree of "
            "freedom; neither the interval nor the prediction interval can be relied on",
        )
    if method == "EE":
        return ("equal-effects model: no prediction interval, as it assumes one true effect",)
    return ()
