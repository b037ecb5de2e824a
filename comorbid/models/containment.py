"""Containment: degrees of freedom of tests, from the groups that a moderator varies between."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.random_terms import Random

Dfs = Literal["residual", "contain"]


def freedom(dfs: Dfs, x: Array, terms: Sequence[Random]) -> Array:
    r"""Return the degrees of freedom of each coefficient, of shape (p,), at least 1.

    ``residual``: k - p. ``contain``: g - p, with the smallest number g of groups, among the
    groupings inside whose groups the column of the coefficient does not vary; k where it varies
    within all.

    Pinheiro JC, Bates DM (2000). Mixed-effects models in S and S-PLUS, chapter 2. Springer.
    doi:10.1007/b98882
    """
    k, p = x.shape
    if dfs == "residual":
        return np.full(p, float(max(k - p, 1)))
    groups = [codes for term in terms for codes in _groupings(term)]
    found = np.full(p, k)
    for codes in groups:
        first = np.unique(codes, return_index=True)[1]
        constant = (x == x[first[np.unique(codes, return_inverse=True)[1]]]).all(axis=0)
        found = np.where(constant, np.minimum(found, first.size), found)
    return np.asarray(np.maximum(found - p, 1), dtype=np.float64)


def term_freedom(dfs: str, k: int, p: int, groups: int) -> float:
    """Return the degrees of freedom of the effects of a random term of so many groups."""
    return float(max((k if dfs == "residual" else groups) - p, 1))


def _groupings(term: Random) -> list[Index]:
    if not term.levels:
        return [term.group]
    return [term.group, term.group * len(term.levels) + term.inner]
