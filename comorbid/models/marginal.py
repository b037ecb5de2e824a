"""Marginal covariances of some rows of a multilevel fit, also at the components of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.covariance_result import Covariance
from comorbid.models.random_terms import Random

if TYPE_CHECKING:
    from comorbid.models.multilevel_result import Multilevel


def first_column(fit: Multilevel) -> str:
    """Return the outermost column of the first random term: the studies of ``study / row``."""
    term = fit.model.terms[0]
    return term.columns[-1] if term.levels else term.columns[0]


def matrices_at(fit: Multilevel, other: Multilevel) -> list[Array] | None:
    """Return G of each term of a fit at the components of another of the same model.

    Each of shape (q, q), on the analysis scale; None where the other lacks a level on which they
    depend.
    """
    found = []
    for own, term, g in zip(
        fit.model.terms, other.model.terms, other.model.matrices(other.theta), strict=True
    ):
        if own.structure.id != "CS" and own.levels != term.levels:
            return None
        found.append(_resized(g[0], own) * other.model.unit**2)
    return found


def _resized(g: Array, term: Random) -> Array:
    """Return G of a CS term for the most levels that a group of it has; others as they are."""
    q = term.structure.q
    if len(g) == q or term.structure.id != "CS":
        return g
    together = g[0, 1] if len(g) > 1 else 0.0
    return np.asarray(together + (g[0, 0] - together) * np.eye(q))


def covariances(fit: Multilevel, matrices: Sequence[Array], rows: Index) -> Array:
    """Return the marginal covariances (s, s) of some rows, with these G of the terms."""
    v = fit.model.v
    total = v.among(rows[None])[0] if isinstance(v, Covariance) else np.diag(v[rows])
    for random, g in zip(fit.model.terms, matrices, strict=True):
        term = random.term
        same = term.group[rows][:, None] == term.group[rows]
        total = total + same * g[np.ix_(term.inner[rows], term.inner[rows])]
    return np.asarray(total)
