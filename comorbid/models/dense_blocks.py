"""Dense blocks: columns weighed by any random effects, block by independent block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.covariance_result import Covariance
from comorbid.models.mixed_equations import Term, Weighed
from comorbid.models.partition import Stack, components, stacks

# Rows of one block, beyond which its matrices take minutes.
LARGEST = 3000


@dataclass(frozen=True, slots=True)
class Blocks:
    """A stack of blocks with what the likelihood needs.

    Attributes
    ----------
    stack : Stack
    columns : array of shape (m, s, c)
    v : array of shape (m, s, s)
        Sampling covariances; 1 on the diagonal where there is no row.
    same : list of arrays of shape (m, s, s), one a term
        1 where two rows are of one group.
    levels : list of arrays of shape (m, s, q) or None
        1 at the level of each row; None for random intercepts.
    """

    stack: Stack
    columns: Array
    v: Array
    same: list[Array]
    levels: list[Array | None]

    def variance(self, matrices: Sequence[Array]) -> Array:
        """Return M of shape (T, m, s, s) for matrices G of shape (T, q, q), one a term."""
        total = self.v[None]
        for same, levels, g in zip(self.same, self.levels, matrices, strict=True):
            total = total + self.part(same, levels, g)
        return np.asarray(total)

    @staticmethod
    def part(same: Array, levels: Array | None, g: Array) -> Array:
        """Return what one term adds to M."""
        if levels is None:
            return same * g[:, :, :, None]
        return np.asarray(same * (levels @ g[:, None] @ levels.swapaxes(1, 2)))

    def slope(self, place: int, s: Array) -> Array:
        """Return the slope in G, of shape (T, q, q), from that in M, of shape (T, m, s, s)."""
        same, levels = self.same[place], self.levels[place]
        inside = s * same
        if levels is None:
            return np.asarray(inside.sum(axis=(1, 2, 3))[:, None, None])
        return np.asarray((levels.swapaxes(1, 2) @ inside @ levels).sum(axis=1))


@dataclass(frozen=True, slots=True)
class Solved:
    """A stack at T points: W of shape (T, m, s, s), and W(X, Z, y)."""

    w: Array
    columns: Array

    def rest(self, fitted: Array) -> Array:
        """Return what coefficients (T, c - 1) leave of Wy, of shape (T, m, s)."""
        x, y = self.columns[..., :-1], self.columns[..., -1]
        return np.asarray(y - (x @ fitted[:, None, :, None])[..., 0])

    def without(self, known: Array | None) -> Array:
        """Return the blocks of Q, of shape (T, m, s, s)."""
        if known is None:
            return self.w
        x = self.columns[..., :-1]
        return np.asarray(self.w - x @ known[:, None] @ x.swapaxes(2, 3))


class DenseBlocks:
    r"""Columns weighed by W, the inverse of V and of any random effects, in independent blocks.

    .. math:: \frac{\partial l_R}{\partial\theta} = \tfrac12 \left[
       r'\frac{\partial B}{\partial\theta}r - \operatorname{tr}\left(
       Q \frac{\partial B}{\partial\theta}\right)\right]

    B is a block-diagonal matrix, so that only those blocks of Q are needed.

    Parameters
    ----------
    columns : array of shape (c, k)
    v : Covariance or array of shape (k,)
        Sampling covariances, or variances.
    terms : sequence of Term
    together : array of shape (k,), optional
        The effects whose sampling errors depend on each other, if it is known.
    """

    def __init__(
        self,
        columns: Array,
        v: Covariance | Array,
        terms: Sequence[Term],
        together: Index | None = None,
    ) -> None:
        groupings = [term.group for term in terms]
        if isinstance(v, Covariance):
            groupings.append(v.together if together is None else together)
        joined = components(groupings, None, columns.shape[1])
        _check_size(int(np.bincount(joined).max()))
        self.blocks: list[Blocks] = [
            _blocks(stack, columns.T, v, terms) for stack in stacks(joined)
        ]

    @property
    def cells(self) -> int:
        """How many numbers a point takes."""
        return sum(blocks.v.size + blocks.columns.size for blocks in self.blocks)

    def weigh(self, matrices: Sequence[Array]) -> Weighed:
        """Return products for matrices G of shape (T, q, q)."""
        found = [_solved(blocks, matrices) for blocks in self.blocks]
        products = [
            np.einsum("msa,tmsb->tab", blocks.columns, at.columns, optimize=True)
            for blocks, (at, _) in zip(self.blocks, found, strict=True)
        ]
        log_det = np.sum([each for _, each in found], axis=0)
        return Weighed(np.sum(products, axis=0), log_det, [at for at, _ in found])

    def slopes(
        self, weighed: Weighed, matrices: Sequence[Array], fitted: Array, known: Array | None
    ) -> list[Array]:
        """Return the slopes in each G, of shape (T, q, q)."""
        slopes = [np.zeros_like(matrix) for matrix in matrices]
        for blocks, at in zip(self.blocks, weighed.parts, strict=True):
            rest = at.rest(fitted)
            s = rest[..., :, None] * rest[..., None, :] - at.without(known)
            for place in range(len(slopes)):
                slopes[place] += blocks.slope(place, s) / 2
        return slopes


def _check_size(largest: int) -> None:
    if largest > LARGEST:
        raise ModelError(
            f"{largest:,} effects depend on each other, through crossed groups or V; at most "
            f"{LARGEST:,} can: nest the groups, or leave one grouping out"
        )


def _blocks(stack: Stack, columns: Array, v: Covariance | Array, terms: Sequence[Term]) -> Blocks:
    real = stack.real[:, :, None] & stack.real[:, None, :]
    unit = np.eye(stack.rows.shape[1])
    inside = v.among(stack.rows) if isinstance(v, Covariance) else v[stack.rows][:, :, None] * unit
    levels = [None if term.q == 1 else stack.columns(np.eye(term.q)[term.inner]) for term in terms]
    return Blocks(
        stack,
        stack.columns(columns),
        np.where(real, inside, unit),
        [stack.same(term.group) * real for term in terms],
        levels,
    )


def _solved(blocks: Blocks, matrices: Sequence[Array]) -> tuple[Solved, Array]:
    """Return a stack at T points, and the logs of the determinants."""
    variance = blocks.variance(matrices)
    root = np.linalg.cholesky(variance)
    log_det = 2 * np.log(np.einsum("tmii->tmi", root)).sum(axis=(1, 2))
    w = np.asarray(np.linalg.inv(variance))
    return Solved(w, w @ blocks.columns), log_det
