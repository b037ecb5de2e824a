"""Settings of a fit: which are allowed, and what they cannot give."""

from __future__ import annotations

import math
from collections import Counter
from typing import get_args

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import check_choice, check_proportion, is_number, numbers, shown
from comorbid.effects.arrays import Array, Mask, read_only
from comorbid.effects.measures import null_of
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.estimators import ESTIMATORS, Estimator, fix_tau2
from comorbid.models.student import Test

# Beyond this, and below its inverse, squares and products of weights could overflow.
_RANGE = 1e100
_KNOWN = {estimator.id: estimator for estimator in ESTIMATORS}
_TESTS = get_args(Test)


def find_estimator(method: str | Estimator) -> Estimator:
    """Return the estimator of this id; an `Estimator` is returned as it is."""
    if isinstance(method, Estimator):
        return method
    check_choice("method", method, _KNOWN)
    return _KNOWN[method]


def with_fixed_tau2(estimator: Estimator, tau2: float | None) -> Estimator:
    """Return the estimator, or one that gives ``tau2`` if there is one."""
    if tau2 is None:
        return estimator
    if estimator.id == "EE":
        raise ModelError("the equal-effects model has no tau2 to fix; choose another method")
    if not (is_number(tau2) and np.isfinite(tau2) and tau2 >= 0):
        raise ModelError(f"tau2 is {shown(tau2)}; give a finite variance of at least 0")
    return fix_tau2(estimator, float(tau2))


def check_settings(test: str, level: float) -> None:
    """Raise `ModelError` unless the test exists and the level is a proportion."""
    check_choice("test", test, _TESTS)
    check_level(level)


def check_level(level: float) -> None:
    """Raise `ModelError` unless the level is a proportion."""
    check_proportion("level", level, such_as=0.95)


def check_weights(weights: ArrayLike, effects: Effects, used: Mask) -> Array:
    """Return the weights of the effects used, read-only.

    Raises
    ------
    DataError
        If there is not one a row, or one is missing, infinite or negative, or all are 0.
    """
    values = numbers("weights", weights)
    if values.shape != effects.yi.shape:
        raise DataError(
            f"weights has shape {values.shape} for {effects.k} effects; give one a row of effects"
        )
    bad = used & ~((values == 0) | ((values >= 1 / _RANGE) & (values <= _RANGE)))
    if bad.any():
        raise DataError(
            [
                Problem(
                    f"{effects.labels[i]}: weight {values[i]}",
                    f"a weight must be 0, or between {1 / _RANGE:g} and {_RANGE:g}",
                )
                for i in np.flatnonzero(bad)
            ]
        )
    values = values[used]
    if not values.sum() > 0:
        raise DataError("the weights sum to 0; give at least one study a weight above 0")
    return read_only(values)


def check_determined(tau2: float, k: int, p: int) -> None:
    """Raise `ModelError` if tau2 of k studies and p coefficients is not a number."""
    if k > p and np.isnan(tau2):
        few = "two" if p == 1 else p + 1
        raise ModelError(
            f"the weights do not determine tau2: at least {few} studies need a weight above 0"
        )


def few_studies_notes(k: int, estimator: Estimator) -> tuple[str, ...]:
    """Say what a fit of so few studies cannot give."""
    if k == 1 and estimator.fixed is not None:
        return (
            "one study: nothing is pooled; its interval (z) is that of the fixed tau2, and I2 and "
            "the test of heterogeneity cannot be given",
        )
    if k == 1:
        return (
            "one study: nothing is pooled; its own interval (z) is given, and tau2, I2, the test "
            "of heterogeneity and a prediction interval cannot be",
        )
    if estimator.id == "EE":
        return ("equal-effects model: no prediction interval, as it assumes one true effect",)
    return ()


def dependence_notes(effects: Effects) -> tuple[str, ...]:
    """Say that several effects of one study are taken as independent of each other."""
    if effects.studies is effects.ids or len(set(effects.studies)) == effects.k:
        return ()
    numbers = Counter(effects.studies)
    names = ", ".join(name for name, number in numbers.items() if number > 1)
    return (
        f"several effects of one study are taken as independent: {names}; allow for what they "
        "share by che(effects, rho=0.6), multilevel(), robust() or aggregate()",
    )


def no_spread_notes(se: float) -> tuple[str, ...]:
    """Say that a standard error of 0, which Knapp and Hartung's is for equal effects, is none."""
    if se > 0:
        return ()
    return (
        "the effects do not differ at all, so that the Knapp-Hartung standard error is 0: neither "
        "the interval nor the p-value can be relied on; use test='adhoc' or 'z'",
    )


def value_or_null(measure: str, value: float | None, *, name: str) -> float:
    """Return a value on the analysis scale, by default that of no association.

    Raises
    ------
    ModelError
        If it is no finite number, or the measure has no value of no association and none is given.
    """
    chosen = null_of(measure) if value is None else value
    if value is None and math.isnan(chosen):
        raise ModelError(f"{measure} has no value of no association; give {name}")
    if not (is_number(chosen) and math.isfinite(chosen)):
        raise ModelError(
            f"{name} is {shown(chosen)}; give a number on the analysis scale, such as 0"
        )
    return float(chosen)
