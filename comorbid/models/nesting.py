"""Nesting: whether the covariances of one model's random effects are among those of another."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import Problem
from comorbid.models.random_terms import Random

# Matrices further from a span than this share of their size are outside of it.
_OUTSIDE = 1e-8
# What a term of HCS or AR can be in a smaller model, if it has three levels or more.
_WITHIN = {"HCS": ("intercept", "CS", "DIAG", "HCS"), "AR": ("intercept", "AR")}


class Nesting(NamedTuple):
    """How the random effects of a larger and of a smaller model are related.

    Attributes
    ----------
    lacking : tuple of Random
        Terms of the smaller model whose covariances the larger one cannot have.
    ends : tuple of Random
        Terms of the larger model that are at the end of their range in the smaller one.
    single : bool
        Whether what is at its end there is one variance, and nothing else.
    """

    lacking: tuple[Random, ...]
    ends: tuple[Random, ...]
    single: bool


class _Term(NamedTuple):
    """A term, and the values of its matrices at T pairs of vectors, of shape (T, n)."""

    random: Random
    values: Array

    @property
    def id(self) -> str:
        return self.random.structure.id

    @property
    def curved(self) -> bool:
        """Whether its matrices are no linear space."""
        return self.id in _WITHIN and len(self.random.levels) > 2

    @property
    def identity(self) -> Array:
        """The values of the matrix with G = I."""
        n = len(self.random.levels) if self.id in ("DIAG", "HCS", "UN") else 1
        return np.asarray(self.values[:, :n].sum(axis=1, keepdims=True))


def nesting(full: Sequence[Random], reduced: Sequence[Random]) -> Nesting:
    r"""Relate the random terms of two models of the same rows.

    The covariances :math:`\sum_j Z_j (I \otimes G_j) Z_j'` that a model allows lie in the span of
    one matrix B for each variance and covariance of its :math:`G_j`; no model contains another
    whose span is not within its own. A matrix is known by its values :math:`u'Bv` at random u and
    v, more of them than there are matrices, so that none of the size of the rows is made.
    """
    if not full:
        return Nesting(tuple(reduced), (), False)
    every = _with_values([*full, *reduced])
    larger, smaller = every[: len(full)], every[len(full) :]
    lacking = [term for term in smaller if _outside(term.values, larger).any()]
    lacking = lacking or _off_curves(larger, smaller)
    ends = [term for term in larger if _outside(term.identity, smaller).any()]
    single = len(ends) == 1 and ends[0].id in ("intercept", "CS")
    single = single and _outside(ends[0].values, smaller).sum() == 1
    return Nesting(tuple(t.random for t in lacking), tuple(t.random for t in ends), bool(single))


def redundant(terms: Sequence[Random]) -> list[Problem]:
    """Name a term with variances that other terms can stand for, whatever the effects are.

    It has a matrix in the span of the others'. Curves say nothing here.
    """
    if len(terms) < 2 or not any(term.levels for term in terms):
        return []
    flat = [term for term in _with_values(terms) if not term.curved]
    inside = [~_outside(t.values, [other for other in flat if other is not t]) for t in flat]
    for how, found in (("all", np.all), ("part", np.any)):
        for term, matrices in zip(flat[::-1], inside[::-1], strict=True):
            if found(matrices):
                message = f"random term {term.random.name}: others already allow for {how} of it"
                remedy = "its variances cannot be told apart from theirs; leave it out, or them"
                return [Problem(message, remedy)]
    return []


def _with_values(terms: Sequence[Random]) -> list[_Term]:
    """Return terms with the values of their matrices at the same pairs of vectors."""
    count = 5 + sum(_count(term) for term in terms)
    probes = np.random.default_rng(0).normal(size=(count, 2, terms[0].group.size))
    return [_Term(term, _values(term, probes)) for term in terms]


def _count(term: Random) -> int:
    """Return the number of matrices that span what a term can be."""
    q = len(term.levels)
    counts = {"intercept": 1, "CS": 2, "AR": q, "DIAG": q, "HCS": q + 1, "UN": q * (q + 1) // 2}
    return counts[term.structure.id]


def _values(term: Random, probes: Array) -> Array:
    """Return the values of these matrices, first of those with variances alone.

    Then, for CS and HCS, of the matrix of ones.
    """
    q = max(len(term.levels), 1)
    cells = term.group * q + term.inner
    c = np.empty((len(probes), q, q))
    for t, pair in enumerate(probes):
        u, v = (np.bincount(cells, x, len(term.groups) * q).reshape(-1, q) for x in pair)
        c[t] = u.T @ v + v.T @ u
    own, (i, j) = np.einsum("taa->ta", c), np.triu_indices(q, 1)
    across = 2 * c[:, i, j]
    kind = term.structure.id
    if kind in ("CS", "AR"):
        own = own.sum(axis=1, keepdims=True)
    if kind == "AR":
        across = np.column_stack([across[:, j - i == lag].sum(axis=1) for lag in range(1, q)])
    if kind in ("CS", "HCS"):
        across = (own.sum(axis=1) + across.sum(axis=1))[:, None]
    return np.hstack([own, across[:, : 0 if kind == "DIAG" else None]])


def _outside(matrices: Array, terms: Sequence[_Term]) -> Mask:
    """Return which matrices are in no sum of those of some terms."""
    size = np.linalg.norm(matrices, axis=0)
    span = np.hstack([np.empty((len(matrices), 0)), *(term.values for term in terms)])
    length = np.linalg.norm(span, axis=0)
    span = span[:, length > 0] / length[length > 0]
    if not span.shape[1]:
        return np.asarray(size > 0)
    rest = matrices - span @ np.linalg.lstsq(span, matrices, rcond=None)[0]
    return np.asarray(np.linalg.norm(rest, axis=0) > _OUTSIDE * size)


def _off_curves(larger: Sequence[_Term], smaller: Sequence[_Term]) -> list[_Term]:
    """Return the terms of a smaller model within the span of the larger that it still lacks.

    HCS and AR are curves in their span: of several terms they can be one, or for HCS the sum of
    intercepts; and HCS itself is within HCS and UN alone.
    """
    flat = [term for term in larger if not term.curved]
    rest = [term for term in smaller if _outside(term.values, flat).any()]
    for term in larger:
        mine = [other for other in rest if not _outside(other.values, [*flat, term]).any()]
        kinds = [other.id for other in mine]
        one = len(kinds) < 2 and set(kinds) <= set(_WITHIN.get(term.id, kinds))
        if term.curved and not (one or (term.id == "HCS" and set(kinds) == {"intercept"})):
            return mine
    homes = [term for term in larger if term.id in ("HCS", "UN")]
    return [
        term
        for term in smaller
        if term.curved and term.id == "HCS"
        if all(_outside(term.values, [home]).any() for home in homes)
    ]
