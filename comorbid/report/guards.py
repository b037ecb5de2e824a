"""Guards: a plugin's functions get copies that cannot be written to, and return what they must.

Comorbid's own functions are tested here and need none.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from comorbid.calls import Calls, is_core
from comorbid.contributions import Column, Context, Estimator, Measure
from comorbid.effects.arrays import Array
from comorbid.errors import PluginError, Problem
from comorbid.registry import Declared

_REMEDY = "update the plugin, or use another"


def guarded_column(entry: Declared[Column], calls: Calls) -> Column:
    """Return the column with its check guarded."""
    column, what = entry.declaration, f"the check of column {entry.declaration.name!r}"
    check = column.check
    if check is None or is_core(entry.origin):
        return column

    def guarded(values: Array) -> Array:
        answer = np.asarray(calls.make(entry.origin, what, check, _read_only(values)))
        fits = answer.shape == values.shape and answer.dtype == np.bool_
        _expect(fits, entry, what, "does not return one bool for each value")
        return answer

    return replace(column, check=guarded)


def guarded_measure(entry: Declared[Measure], calls: Calls) -> Measure:
    """Return the measure with its function guarded."""
    measure, what = entry.declaration, f"measure {entry.declaration.id!r}"
    if is_core(entry.origin):
        return measure

    def guarded(rows: Mapping[str, Array]) -> tuple[Array, Array]:
        own = MappingProxyType({name: _read_only(values) for name, values in rows.items()})
        returned = calls.make(entry.origin, what, measure.effect, own)
        shapes = {values.shape for values in rows.values()}
        try:
            yi, vi = (np.asarray(values, dtype=np.float64) for values in returned)
        except (TypeError, ValueError):
            yi = vi = np.empty((0, 0))
        fits = {yi.shape, vi.shape} <= shapes
        _expect(fits, entry, what, "does not return (yi, vi), one effect and variance a row")
        bad = ~np.isnan(vi) & ~(vi >= 0)
        _expect(not bad.any(), entry, what, "gives a variance below 0")
        return yi, vi

    return replace(measure, effect=guarded)


def guarded_estimator(entry: Declared[Estimator], calls: Calls) -> Estimator:
    """Return the estimator with its functions guarded."""
    estimator, what = entry.declaration, f"estimator {entry.declaration.id!r}"
    if is_core(entry.origin):
        return estimator

    def guarded(yi: Array, vi: Array) -> Array:
        arguments = _read_only(yi), _read_only(vi)
        returned = calls.make(entry.origin, what, estimator.tau2, *arguments)
        try:
            tau2 = np.asarray(returned, dtype=np.float64)
        except (TypeError, ValueError):
            tau2 = np.empty((0, 0))
        fits = tau2.shape == (yi.shape[1],)
        _expect(fits, entry, what, "does not return one tau2 for each data set")
        _expect(
            bool(np.all(np.isfinite(tau2) & (tau2 >= 0))),
            entry,
            what,
            "gives a tau2 that is negative or no number",
        )
        return tau2

    return replace(estimator, tau2=guarded)


def fingerprints(context: Context) -> dict[str, str]:
    """Return a digest of everything that a context gives to read, by what it is."""
    effects = context.effects
    moderators = {name: list(values) for name, values in effects.moderators.items()}
    return {
        "the study table": _of_frame(context.studies.frame) + _of_frame(context.studies.printed),
        "the effects": _digest(repr((effects.to_dict(), moderators))),
        **{f"the table {name!r}": _of_frame(t.frame) for name, t in context.tables.items()},
        **{result_name(id_): digest_of(r.to_dict()) for id_, r in context.results.items()},
    }


def result_name(id_: str) -> str:
    """Return what `fingerprints` calls a result."""
    return f"the result {id_!r}"


def digest_of(said: Mapping[str, Any]) -> str:
    """Return a digest of what a result says of itself by ``to_dict``."""
    return _digest(json.dumps(said, sort_keys=True, default=repr))


def check_unchanged(before: Mapping[str, str], context: Context, origin: str, what: str) -> None:
    """Raise `PluginError` if a plugin changed what a context gives to read."""
    if is_core(origin):
        return
    after = fingerprints(context)
    changed = [name for name in after if after[name] != before[name]]
    if changed:
        remedy = "only read what a context holds, or change a copy; ask the plugin's author"
        raise PluginError([Problem(f"{origin}, {what} changed {', '.join(changed)}", remedy)])


def _read_only(values: Array) -> Array:
    copy = np.array(values)
    copy.flags.writeable = False
    return copy


def _expect(fits: bool, entry: Declared[Any], what: str, otherwise: str) -> None:
    if not fits:
        raise PluginError([Problem(f"{entry.origin}, {what} {otherwise}", _REMEDY)])


def _of_frame(frame: pd.DataFrame) -> str:
    rows = pd.util.hash_pandas_object(frame).to_numpy().tobytes()
    return hashlib.sha256(repr(list(frame.columns)).encode() + rows).hexdigest()


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()
