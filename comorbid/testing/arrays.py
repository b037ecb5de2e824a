"""Conformance of what works on arrays: checks of columns, measures, estimators."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from typing import Any

import numpy as np

from comorbid.calls import Calls
from comorbid.contributions import Column, Estimator, Measure
from comorbid.effects.arrays import Array
from comorbid.registry import Declared
from comorbid.report.guards import guarded_column, guarded_estimator, guarded_measure
from comorbid.testing.examples import example_cells, values_of

_SEED = 20260131


def check_column(entry: Declared[Column]) -> None:
    """A column's check answers each value by itself, the same each time."""
    guarded = guarded_column(entry, Calls()).check
    if guarded is None:
        return
    values = values_of(entry.declaration, example_cells(entry.declaration))
    whole = guarded(values)
    require(_same(whole, guarded(values)), "checked twice, the answer is another")
    alone = [guarded(values[i : i + 1])[0] for i in range(len(values))]
    require(_same(whole, alone), "a value's answer depends on the other values")


def check_measure(entry: Declared[Measure]) -> None:
    """A measure gives each row its own effect, nan for missing input, and rows may be none."""
    effect = guarded_measure(entry, Calls()).effect
    columns = entry.declaration.columns
    random = np.random.default_rng(_SEED)
    rows = {name: random.integers(1, 50, size=6).astype(float) for name in columns}
    whole = _quietly(effect, rows)
    require(_same(whole, _quietly(effect, rows)), "computed twice, an effect is another")
    for k in (0, 1, 2):
        part = _quietly(effect, {name: values[:k] for name, values in rows.items()})
        require(_same(part, [values[:k] for values in whole]), f"k = {k} gives other effects")
    missing = _quietly(effect, {name: np.full(2, np.nan) for name in columns})
    require(bool(np.isnan(missing).all()), "missing input gives a number, which is a guess")


def check_estimator(entry: Declared[Estimator]) -> None:
    """An estimator gives each data set its own tau2, whatever the others and the order are."""
    tau2 = guarded_estimator(entry, Calls()).tau2
    random = np.random.default_rng(_SEED)
    for k in (2, 3, 8):
        vi = random.uniform(0.01, 0.2, size=(k, 4))
        yi = random.normal(0.5, np.sqrt(0.1 + vi))
        vi[2:, 3] = np.inf  # the last data set holds two studies
        yi[2:, 3] = 0.0
        whole = tau2(yi, vi)
        require(_same(whole, tau2(yi, vi)), "computed twice, tau2 is another")
        alone = [tau2(yi[:, [i]], vi[:, [i]])[0] for i in range(4)]
        require(_near(whole, alone), f"k = {k}: tau2 depends on the other data sets of a batch")
        require(_near(whole, tau2(yi[::-1], vi[::-1])), f"k = {k}: tau2 depends on the order")
        two = tau2(yi[:2, [3]], vi[:2, [3]])
        require(_near(whole[[3]], two), f"k = {k}: studies with vi = inf change tau2")


def require(holds: bool, message: str) -> None:
    """Raise `AssertionError` with the message unless something holds."""
    if not holds:
        raise AssertionError(message)


def _quietly(function: Callable[[Any], Any], rows: dict[str, Array]) -> Array:
    """Call a function on rows that may have no effect, where NumPy warns."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)
        return np.array(function(rows))


def _same(one: object, other: object) -> bool:
    return bool(np.array_equal(np.asarray(one), np.asarray(other), equal_nan=True))


def _near(one: object, other: object) -> bool:
    return bool(np.allclose(np.asarray(one), np.asarray(other), rtol=1e-6, atol=1e-9))
