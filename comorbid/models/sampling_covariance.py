"""Sampling covariance: whether a matrix V can be that of the effects' errors."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from comorbid.checks import numbers
from comorbid.effects.arrays import Array, Index
from comorbid.effects.table import Effects
from comorbid.errors import DataError, Problem
from comorbid.models.covariance_result import Covariance, of_matrix
from comorbid.models.partition import components, stacks

_SYMMETRIC, _SAME = 1e-8, 1e-6
# Correlation matrices with an eigenvalue below this are singular but for rounding.
_SINGULAR = 1e-10
_MOST_NAMED = 6


def check_covariance(v: object, effects: Effects, rows: Index) -> Covariance | Array:
    """Return the covariances of the rows used; their variances (k,) where all others are 0.

    Parameters
    ----------
    v : Covariance or array_like of shape (rows of effects, rows of effects)
    effects : Effects
        All of them.
    rows : integer array
        Positions of those used.

    Raises
    ------
    DataError
        If V is not square, symmetric and finite, does not have the effects' variances on its
        diagonal, or is not positive definite; the rows are named.
    """
    if isinstance(v, Covariance):
        if v.ids != effects.ids or not np.array_equal(v.vi, effects.vi, equal_nan=True):
            raise DataError("V is of other effects; make it from these, in their order")
        taken = v.take(rows)
        return taken if taken.dependent else np.array(taken.vi)
    _check_order(v, effects)
    given = numbers("V", v)
    if given.shape != (effects.k, effects.k):
        raise DataError(
            f"V has shape {given.shape} for {effects.k} effects; give a square matrix with one row "
            "and column an effect, in their order"
        )
    used = given[np.ix_(rows, rows)]
    labels = [effects.labels[i] for i in rows]
    problems = _entry_problems(used, effects.vi[rows], labels)
    if problems:
        raise DataError(problems)
    used = (used + used.T) / 2
    off = used - np.diag(np.diagonal(used))
    if not off.any():
        return np.array(np.diagonal(used))
    problems = _definite_problems(used, labels)
    if problems:
        raise DataError(problems)
    return of_matrix(effects, rows, used).take(rows)


def _check_order(v: Any, effects: Effects) -> None:
    """Raise `DataError` if a table names the effects in another order than theirs."""
    for axis in ("index", "columns") if hasattr(v, "columns") and hasattr(v, "index") else ():
        named = [str(name) for name in getattr(v, axis)]
        for names in (effects.labels, effects.ids):
            if sorted(named) == sorted(names) and tuple(named) != names:
                i = next(i for i, name in enumerate(named) if name != names[i])
                raise DataError(
                    [
                        Problem(
                            f"V has its {axis} in another order than the effects: {named[i]} where "
                            f"they have {names[i]}",
                            "V.loc[order, order] puts them in order, with "
                            "order = list(effects.labels), or their ids",
                        )
                    ]
                )


def _entry_problems(v: Array, vi: Array, labels: Sequence[str]) -> list[Problem]:
    if not np.isfinite(v).all():
        bad = np.flatnonzero(~np.isfinite(v).all(axis=1))
        return [Problem(f"V: missing or infinite values for {_named(bad, labels)}", "fill them in")]
    problems = []
    scale = np.sqrt(np.outer(vi, vi))
    if (np.abs(v - v.T) > _SYMMETRIC * scale).any():
        i, j = np.argwhere(np.triu(np.abs(v - v.T) > _SYMMETRIC * scale))[0]
        problems.append(
            Problem(
                f"V is not symmetric: {v[i, j]:g} for {labels[i]} and {labels[j]}, and {v[j, i]:g} "
                "the other way round",
                "give one covariance for both",
            )
        )
    other = np.flatnonzero(np.abs(np.diagonal(v) - vi) > _SAME * vi)
    if other.size:
        i = other[0]
        problems.append(
            Problem(
                f"the diagonal of V is not the variances of {_named(other, labels)}: {v[i, i]:g} "
                f"and {vi[i]:g} for {labels[i]}",
                "make V from these effects, in their order, or give them its diagonal as vi",
            )
        )
    return problems


def _definite_problems(v: Array, labels: Sequence[str]) -> list[Problem]:
    """Name the blocks that are not positive definite, and how far to shrink their correlations."""
    sd = np.sqrt(np.diagonal(v))
    problems = []
    for stack in stacks(components([], np.argwhere(np.tril(v, -1)), len(v))):
        real = stack.real[:, :, None] & stack.real[:, None, :]
        inside = (v / np.outer(sd, sd))[stack.rows[:, :, None], stack.rows[:, None, :]]
        least = np.linalg.eigvalsh(np.where(real, inside, np.eye(real.shape[1])))[:, 0]
        for b in np.flatnonzero(least < _SINGULAR):
            rows = stack.rows[b][stack.real[b]]
            why = "its correlations there contradict each other"
            if least[b] > -_SINGULAR:
                why = "one of these effects is determined by the others"
            share = np.floor(100 / (1 - least[b] + 1e-3)) / 100
            problems.append(
                Problem(
                    f"V is not positive definite among {_named(rows, labels)}: {why} (smallest "
                    f"eigenvalue {least[b]:.2g})",
                    f"correlations of {share:g} times these would do; check those of 1 and of "
                    "opposite sign",
                )
            )
    return problems


def _named(rows: Index, labels: Sequence[str]) -> str:
    named = ", ".join(labels[i] for i in rows[:_MOST_NAMED])
    return named + (f" and {rows.size - _MOST_NAMED} more" if rows.size > _MOST_NAMED else "")
