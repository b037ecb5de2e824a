"""Group deletion: a multilevel fit without each of its groups in turn."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ComorbidError
from comorbid.models.clusters import clusters_of, columns_of
from comorbid.models.covariance_result import Covariance
from comorbid.models.marginal import first_column
from comorbid.models.multilevel import fit_model
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.random_terms import random_terms

# What data that cannot be fitted may raise; anything else is a mistake in the code.
_FAILURES = (ComorbidError, ArithmeticError, np.linalg.LinAlgError)


@dataclass(frozen=True, slots=True)
class GroupDeletion:
    """A multilevel fit, and the fits without each of m groups of its rows.

    ``by`` is the column of the groups, ``labels`` are the groups in the order of their first rows,
    ``rows`` their positions; ``without`` are the fits, None where there is none, and ``reasons``
    say why, and are otherwise empty.
    """

    fit: Multilevel
    by: str
    labels: tuple[str, ...]
    rows: tuple[Index, ...]
    without: tuple[Multilevel | None, ...]
    reasons: tuple[str, ...]

    @property
    def sizes(self) -> Index:
        """Number of rows of each group."""
        return np.array([rows.size for rows in self.rows])

    def collect(self, what: Callable[[Multilevel], Any]) -> Array:
        """Return a value or an array of each fit, the fits on the last axis; nan without a fit."""
        nothing = np.full(np.shape(what(self.fit)), np.nan)
        found = [nothing if fit is None else what(fit) for fit in self.without]
        return np.stack(found, axis=-1).astype(np.float64)


def without_groups(fit: Multilevel, by: str | None) -> GroupDeletion:
    """Refit without each group of a column; by default of the first random term's outermost.

    Each refit is a search of its own, from as many starts as that of the fit, in which the columns
    of the design stay as they are. One that cannot be made costs its row alone.

    Raises
    ------
    ModelError
        If there is no such column.
    DataError
        If a row has no value in it.
    """
    column = first_column(fit) if by is None else by
    groups = clusters_of(fit.effects, column, name="by")
    rows = groups.rows()
    everything = np.arange(fit.k)
    without, reasons = [], []
    for own in rows:
        found, reason = _refitted(fit, np.setdiff1d(everything, own, assume_unique=True))
        without.append(found)
        reasons.append(reason)
    return GroupDeletion(fit, groups.by, groups.names, tuple(rows), tuple(without), tuple(reasons))


def _refitted(fit: Multilevel, rows: Index) -> tuple[Multilevel | None, str]:
    """Return the fit of some rows, or why there is none."""
    if not rows.size:
        return None, "no row is left"
    try:
        return _of_rows(fit, rows), ""
    except _FAILURES as error:
        return None, f"the refit failed: {' '.join(str(error).split())}"


def _of_rows(fit: Multilevel, rows: Index) -> Multilevel:
    effects, v = fit.effects.take(rows), fit.model.v
    structs = [term.structure.id for term in fit.model.terms if term.levels]
    terms = random_terms(fit.random, structs or None, columns_of(effects), effects.labels)
    if isinstance(v, Covariance):
        taken = v.take(rows)
        v = taken if taken.pairs.size else taken.vi
    else:
        v = v[rows]
    settings = {name: getattr(fit, name) for name in ("method", "test", "dfs", "level", "random")}
    design = replace(fit.design, x=fit.x[rows])
    return fit_model(effects, design, v, terms, settings, notes=fit.effects.warnings)


def component_values(found: GroupDeletion) -> Array:
    """Return the components without each group, of shape (c, n); nan where a level is lost."""
    names = [component.name for component in found.fit.components]

    def values(fit: Multilevel) -> Array:
        own = {component.name: component.value for component in fit.components}
        return np.array([own.get(name, np.nan) for name in names])

    return found.collect(values)
