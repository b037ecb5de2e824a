"""Refitting: many refits in blocks of bounded memory, where one that fails costs only its row."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import fields
from typing import Any, TypeVar, overload

import numpy as np

from comorbid.effects.arrays import Index, Mask
from comorbid.errors import ComorbidError
from comorbid.models.fit import Fit
from comorbid.models.fits import Outlines
from comorbid.models.fitted import Fitted
from comorbid.models.instead import check_kind
from comorbid.models.kernel import Batch, DesignFits
from comorbid.models.refits import Refits
from comorbid.models.regression_refits import RegressionRefits
from comorbid.models.regression_result import Regression
from comorbid.models.stratified import Stratified

Pooled = Fit | Stratified
Data = TypeVar("Data")
# Studies times data sets of one block, of which the kernel makes smaller ones.
_CELLS = 2**19
# What an estimator may raise for data that it cannot fit; anything else is a mistake in the code.
_NO_ESTIMATE = "the refit failed: its studies, or their weights, give no finite estimate"
_NOT_APART = "its studies, or their weights, cannot tell the coefficients apart"
NONE_LEFT = "no study is left"
ONE_LEFT = "one study is left: nothing is pooled"
_SATURATED = "as many studies as coefficients are left: there is no tau2"
_FAILURES = (ComorbidError, ArithmeticError, np.linalg.LinAlgError)


def check_refittable(fit: object) -> None:
    """Raise `DataError` unless it is a fit that can be refitted without some of its studies."""
    remedy = "give what pool(), regress(), mantel_haenszel() or peto() returns"
    check_kind(fit, (Fit, Stratified, Regression), remedy)


def refit_in_blocks(
    prepare: Callable[[slice], Data],
    refit_rows: Callable[[Data, slice], Batch | DesignFits | Outlines],
    *,
    k: Index,
    studies: int,
    kept: dict[str, Any],
    nothing: str = _NO_ESTIMATE,
) -> dict[int, str]:
    """Refit n data sets block by block; a block that raises is halved until only failures fail.

    Parameters
    ----------
    prepare : callable
        ``prepare(block)``: the data sets ``block``, a slice of range(n); called once a block, in
        order.
    refit_rows : callable
        ``refit_rows(data, rows)``: the fits of a slice of what ``prepare`` returned.
    k : integer array of shape (n,)
        Studies in each data set.
    studies : int
        Rows that each data set takes in memory.
    kept : dict of str to array
        The quantities of the fits that are wanted, nan until they are written here; their last
        axis is the data sets.
    nothing : str
        Why a refit that did not fail gives no estimate.

    Returns
    -------
    dict of int to str
        For each data set whose refit failed, why.
    """
    reasons: dict[int, str] = {}
    size = max(1, _CELLS // max(1, studies))
    for start in range(0, k.size, size):
        block = slice(start, min(start + size, k.size))
        data = prepare(block)
        todo = [slice(0, block.stop - start)]
        while todo:
            rows = todo.pop()
            try:
                fits = refit_rows(data, rows)
            except _FAILURES as error:
                middle = (rows.start + rows.stop) // 2
                if middle == rows.start:
                    reasons[start + middle] = f"the refit failed: {error}"
                else:
                    todo += [slice(middle, rows.stop), slice(rows.start, middle)]
                continue
            for name, values in kept.items():
                values[..., start + rows.start : start + rows.stop] = getattr(fits, name)
            for row in np.flatnonzero((fits.k > 0) & ~fits.complete).tolist():
                reasons[start + rows.start + row] = nothing
    return reasons


@overload
def refit_selections(
    fit: Pooled,
    kind: str,
    labels: Sequence[str],
    members: Callable[[slice], Mask],
    *,
    k: Index,
    few: Mapping[int, str],
) -> Refits: ...
@overload
def refit_selections(
    fit: Regression,
    kind: str,
    labels: Sequence[str],
    members: Callable[[slice], Mask],
    *,
    k: Index,
    few: Mapping[int, str],
) -> RegressionRefits: ...
def refit_selections(
    fit: Pooled | Regression,
    kind: str,
    labels: Sequence[str],
    members: Callable[[slice], Mask],
    *,
    k: Index,
    few: Mapping[int, str],
) -> Refits | RegressionRefits:
    """Refit n selections of a fit's studies by its own method, test and level.

    Parameters
    ----------
    fit : Fit, MantelHaenszel, Peto or Regression
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
    Refits, or RegressionRefits for a regression
        Each row that is incomplete says why.
    """
    settings: dict[str, Any] = {
        "kind": kind,
        "labels": tuple(labels),
        "measure": fit.effects.measure,
        "ids": fit.effects.ids,
        **{name: getattr(fit, name) for name in ("method", "test", "level", "warnings")},
    }
    if isinstance(fit, Regression):
        fits, reasons = refit_designs(fit, members, k=k)
        return RegressionRefits(
            names=fit.names, fits=fits, reasons=reasons, formula=fit.formula, **settings
        )
    kept, refit = blank(k), fit.refit
    failures = refit_in_blocks(
        members, lambda data, rows: refit(data[:, rows]), k=k, studies=fit.effects.k, kept=kept
    )
    return Refits(
        batch=Batch(**kept),
        reasons=tuple(failures.get(i, few.get(n, "")) for i, n in enumerate(kept["k"].tolist())),
        scale=fit.effects.scale,
        **settings,
    )


def blank(k: Index) -> dict[str, Any]:
    """Return the columns of a `Batch` of data sets with k studies, before they are fitted."""
    return {
        field.name: k.copy() if field.name == "k" else np.full(k.size, np.nan)
        for field in fields(Batch)
    }


def refit_designs(
    fit: Fitted, members: Callable[[slice], Mask], *, k: Index
) -> tuple[DesignFits, tuple[str, ...]]:
    """Refit n selections of a fit's studies; return all that the kernel knows of each.

    Parameters
    ----------
    fit : Fit or Regression
        Where studies, moderators and settings come from.
    members, k
        As in `refit_selections`.

    Returns
    -------
    fits : DesignFits
    reasons : tuple of n str
        Why a row is incomplete, or empty.
    """
    kept = DesignFits.blank(fit.p, k.size)
    failures = refit_in_blocks(
        members,
        lambda data, rows: fit.fits_of(data[:, rows]),
        k=k,
        studies=fit.k * fit.p,
        kept=kept,
        nothing=_NO_ESTIMATE if fit.p == 1 else _NOT_APART,
    )
    kept["k"] = k.astype(np.float64)
    few = {0: NONE_LEFT}
    if fit.estimates_tau2:
        few[fit.p] = ONE_LEFT if fit.p == 1 else _SATURATED
    rows = enumerate(k.tolist())
    return DesignFits(**kept), tuple(failures.get(i, few.get(n, "")) for i, n in rows)
