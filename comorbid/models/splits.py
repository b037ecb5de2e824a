"""Splits: which random terms make independent blocks of rows, and which are crossed with them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import chain as joined, combinations
from typing import NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.covariance_result import Covariance
from comorbid.models.dense_blocks import LARGEST, DenseBlocks
from comorbid.models.mixed_equations import Inner, MixedEquations, Term
from comorbid.models.nested_levels import NestedLevels, chain, turned
from comorbid.models.partition import components
from comorbid.models.profiled import Likelihood

# Blocks that take no more multiplications than this are left as they are.
_FAST = 1e6


class Split(NamedTuple):
    """A way to weigh effects.

    Attributes
    ----------
    crossed : tuple of int
        The places of the terms that are crossed with the others.
    nested : bool
        Whether the others are nested intercepts, and V is within the groups of the finest.
    largest : int
        The rows of the largest block of the others and V, if they are not.
    effects : int
        The number of crossed random effects.
    work : float
        About how many multiplications a point of the likelihood takes.
    """

    crossed: tuple[int, ...]
    nested: bool
    largest: int
    effects: int
    work: float


def equations(
    columns: Array,
    v: Covariance | Array,
    together: Index | None,
    terms: Sequence[Term],
    method: Likelihood,
) -> MixedEquations[Inner]:
    """Return the likelihood of effects, by group sums where the terms allow it.

    Parameters
    ----------
    columns : array of shape (p + 1, k)
        The design, and below it the effects.
    v : Covariance or array of shape (k,)
        Sampling covariances, or variances.
    together : array of shape (k,) or None
        For each effect the number of those that V makes it depend on; None for variances.
    terms : sequence of Term
    method : {"REML", "ML"}

    Raises
    ------
    ModelError
        If too many effects depend on each other.
    """
    split = best_split(together, terms, columns.shape, sums=True)
    all_of = _with_crossed(columns, terms, split)
    within = [term for place, term in enumerate(terms) if place not in split.crossed]
    groupings = [term.group for term in within]
    inner: Inner
    if not split.nested:
        inner = DenseBlocks(all_of, v, within, together)
    elif isinstance(v, Covariance) and together is not None:
        all_of, vi = turned(np.vstack([np.ones(v.k), all_of]), v, together)
        inner = NestedLevels(all_of[1:], vi, groupings, all_of[0])
    else:
        inner = NestedLevels(all_of, np.asarray(v), groupings)
    crossed = [(place, terms[place]) for place in split.crossed]
    return MixedEquations(inner, len(columns) - 1, crossed, method)


def block_equations(
    columns: Array,
    v: Covariance | Array,
    together: Index | None,
    terms: Sequence[Term],
    method: Likelihood,
) -> MixedEquations[DenseBlocks]:
    """Return the likelihood of effects by blocks, of which the matrices are known."""
    split = best_split(together, terms, columns.shape, sums=False)
    within = [term for place, term in enumerate(terms) if place not in split.crossed]
    inner = DenseBlocks(_with_crossed(columns, terms, split), v, within, together)
    crossed = [(place, terms[place]) for place in split.crossed]
    return MixedEquations(inner, len(columns) - 1, crossed, method)


def best_split(
    together: Index | None, terms: Sequence[Term], shape: tuple[int, ...], sums: bool
) -> Split:
    """Return the way that takes the least work for columns of this shape."""
    places = range(len(terms))
    found = []
    for crossed in joined.from_iterable(combinations(places, n) for n in range(len(terms) + 1)):
        split = _split(crossed, together, terms, shape, sums)
        if split.largest > LARGEST or split.effects > LARGEST:
            continue
        if not crossed and split.work <= _FAST:
            return split
        found.append(split)
    if not found:
        raise ModelError(_too_many(together, terms))
    return min(found, key=lambda split: split.work)


def _with_crossed(columns: Array, terms: Sequence[Term], split: Split) -> Array:
    """Return (X, Z, y)' with the columns of the crossed terms."""
    if not split.crossed:
        return columns
    z = [terms[place].columns for place in split.crossed]
    return np.vstack([columns[:-1], *z, columns[-1:]])


def _split(
    crossed: tuple[int, ...],
    together: Index | None,
    terms: Sequence[Term],
    shape: tuple[int, ...],
    sums: bool,
) -> Split:
    effects = sum(terms[place].size for place in crossed)
    within = [term for place, term in enumerate(terms) if place not in crossed]
    c, k = shape[0] + effects, shape[1]
    across = 3.0 * effects**3
    if sums and _nested(within, together, k):
        groups = [int(term.group.max()) + 1 for term in within]
        return Split(crossed, True, 1, effects, across + k * c + sum(groups) * c**2)
    groupings = [term.group for term in within] + ([] if together is None else [together])
    size = np.bincount(components(groupings, None, k)).astype(float)
    work = across + float((4 * size**3 + 2 * c * size**2).sum()) + k * c**2
    return Split(crossed, False, int(size.max()), effects, work)


def _nested(within: Sequence[Term], together: Index | None, k: int) -> bool:
    """Return whether terms are nested intercepts, with errors independent between groups."""
    if any(term.q > 1 for term in within) or chain([term.group for term in within]) is None:
        return False
    if together is None:
        return True
    first = np.unique(together, return_index=True)[1][together]
    several = [term.group for term in within if int(term.group.max()) + 1 < k]
    return all((group == group[first]).all() for group in several)


def _too_many(together: Index | None, terms: Sequence[Term]) -> str:
    largest = 1 if together is None else int(np.bincount(together).max())
    if largest > LARGEST:
        return (
            f"V lets {largest:,} effects depend on each other; at most {LARGEST:,} can: let only "
            "effects of one study do"
        )
    sizes = ", ".join(f"{term.size:,}" for term in terms)
    return (
        f"the random terms have {sizes} random effects, crossed in a way that leaves too many to "
        f"be solved for together; at most {LARGEST:,} effects in a block, or random effects that "
        "are crossed with the blocks, can: nest the groups, or leave one grouping out"
    )
