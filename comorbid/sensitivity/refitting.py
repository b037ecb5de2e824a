"""Refitting: many refits in blocks of bounded memory, where one that fails costs only its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar

import numpy as np

from comorbid.checks import check_type
from comorbid.effects.arrays import Index, Mask
from comorbid.errors import ComorbidError
from comorbid.models.fit import Fit
from comorbid.models.kernel import Batch
from comorbid.models.refits import Refits
from comorbid.models.selections import refit
from comorbid.models.stratified import Stratified

Pooled = Fit | Stratified
Data = TypeVar("Data")

_ALL = tuple(field.name for field in fields(Batch))
# Studies times data sets of one block: its arrays stay in the processor's cache.
_CELLS = 2**16
# What an estimator may raise for data that it cannot fit; anything else is a mistake in the code.
_NO_ESTIMATE = "the refit failed: its studies, or their weights, give no finite estimate"
_FAILURES = (ComorbidError, ArithmeticError, np.linalg.LinAlgError)


def check_pooled(fit: object) -> None:
    """Raise `DataError` unless it is a fit that can be refitted without some of its studies."""
    remedy = "give what pool(), mantel_haenszel() or peto() returns"
    check_type("fit", fit, (Fit, Stratified), remedy)


def refit_in_blocks(
    prepare: Callable[[slice], Data],
    refit_rows: Callable[[Data, slice], Batch],
    *,
    k: Index,
    studies: int,
    columns: Sequence[str] = _ALL,
) -> tuple[dict[str, Any], dict[int, str]]:
    """Refit n data sets block by block; a block that raises is halved until only failures fail.

    Parameters
    ----------
    prepare : callable
        ``prepare(block)``: the data sets ``block``, a slice of range(n); called once a block, in
        order.
    refit_rows : callable
        ``refit_rows(data, rows) -> Batch``: the fits of a slice of what ``prepare`` returned.
    k : integer array of shape (n,)
        Studies in each data set.
    studies : int
        Rows that each data set takes in memory.
    columns : sequence of str
        Which columns of the batches are kept.

    Returns
    -------
    dict of str to array of shape (n,)
        The columns; nan where a refit failed.
    dict of int to str
        For each data set whose refit failed, why.
    """
    kept: dict[str, Any] = {
        name: k.copy() if name == "k" else np.full(k.size, np.nan) for name in columns
    }
    reasons: dict[int, str] = {}
    size = max(1, _CELLS // max(1, studies))
    for start in range(0, k.size, size):
        block = slice(start, min(start + size, k.size))
        data = prepare(block)
        todo = [slice(0, block.stop - start)]
        while todo:
            rows = todo.pop()
            try:
                batch = refit_rows(data, rows)
            except _FAILURES as error:
                middle = (rows.start + rows.stop) // 2
                if middle == rows.start:
                    reasons[start + middle] = f"the refit failed: {error}"
                else:
                    todo += [slice(middle, rows.stop), slice(rows.start, middle)]
                continue
            for name, values in kept.items():
                values[start + rows.start : start + rows.stop] = getattr(batch, name)
            for row in np.flatnonzero(_without_estimate(batch)).tolist():
                reasons[start + rows.start + row] = _NO_ESTIMATE
    return kept, reasons


def _without_estimate(batch: Batch) -> Mask:
    """Return which refits have studies but gave no estimate, or no tau2 from several."""
    no_tau2 = (batch.k > 1) & ~np.isfinite(batch.tau2)
    return np.asarray((batch.k > 0) & ~np.isfinite(batch.estimate) | no_tau2)


def refit_members(fit: Pooled, members: Mask) -> Batch:
    """Refit selections of a fit's studies, given as a boolean array of shape (k, n)."""
    if isinstance(fit, Fit):
        return refit(fit, "", (), members).batch
    return fit.refit(members)


def refit_selections(
    fit: Pooled,
    kind: str,
    labels: Sequence[str],
    members: Callable[[slice], Mask],
    *,
    k: Index,
    few: Mapping[int, str],
) -> Refits:
    """Refit n selections of a fit's studies by its own method, test and level.

    Parameters
    ----------
    fit : Fit, MantelHaenszel or Peto
        Where studies and settings come from.
    kind : str
        What the selections are.
    labels : sequence of n str
        One a selection.
    members : callable
        ``members(part)``: which studies belong to the selections ``part``, of shape (k, m).
    k : integer array of shape (n,)
        Studies in each selection.
    few : mapping of int to str
        What a row of no study and of one study says.

    Returns
    -------
    Refits
        Each row that is incomplete says why.
    """
    columns, failures = refit_in_blocks(
        members, lambda data, rows: refit_members(fit, data[:, rows]), k=k, studies=fit.effects.k
    )
    pooled = columns["k"].tolist()
    return Refits(
        kind=kind,
        labels=tuple(labels),
        batch=Batch(**columns),
        reasons=tuple(failures.get(i, few.get(n, "")) for i, n in enumerate(pooled)),
        measure=fit.effects.measure,
        scale=fit.effects.scale,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )
