"""Dense blocks: the likelihood of any random effects, block by independent block."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.covariance_result import Covariance
from comorbid.models.partition import Stack, components, stacks
from comorbid.models.profiled import Likelihood, Profiled, profiled

# Numbers held at a time.
_CELLS = 2**21
# Rows of one block, beyond which its matrices take minutes.
LARGEST = 3000


@dataclass(frozen=True, slots=True)
class Term:
    """Random effects of groups, one for each level of an inner factor.

    Attributes
    ----------
    group, inner : integer arrays of shape (k,)
        The group of each row, and the level of its inner factor; 0 for random intercepts.
    q : int
        Number of levels.
    """

    group: Index
    inner: Index
    q: int


@dataclass(frozen=True, slots=True)
class Blocks:
    """A stack of blocks with what the likelihood needs.

    Attributes
    ----------
    stack : Stack
    columns : array of shape (m, s, p + 1)
        The design, and the effects.
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
        total = np.broadcast_to(self.v, (len(matrices[0]), *self.v.shape))
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
    """A stack at T points: W of shape (T, m, s, s), W(X, y), and the logs of the determinants."""

    w: Array
    columns: Array
    log_det: Array


class DenseBlocks:
    r"""k effects in independent blocks, with any random effects and sampling covariances.

    .. math:: \frac{\partial l_R}{\partial\theta} = \tfrac12 \left[
       r'\frac{\partial M}{\partial\theta}r - \operatorname{tr}\left(
       P \frac{\partial M}{\partial\theta}\right)\right], \quad
       r = Py, \quad P = W - WX(X'WX)^{-1}X'W

    with W in place of P in the trace for ML. M is a block-diagonal matrix, so that only those
    blocks of P are needed.

    Parameters
    ----------
    columns : array of shape (p + 1, k)
        The design, and below it the effects.
    v : Covariance or array of shape (k,)
        Sampling covariances, or variances.
    terms : sequence of Term
    method : {"REML", "ML"}
    """

    def __init__(
        self, columns: Array, v: Covariance | Array, terms: Sequence[Term], method: Likelihood
    ) -> None:
        self.method: Likelihood = method
        self.terms = tuple(terms)
        joined = components(
            [term.group for term in terms], v.pairs if isinstance(v, Covariance) else None
        )
        _check_size(int(np.bincount(joined).max()))
        self.blocks: list[Blocks] = [
            _blocks(stack, columns.T, v, self.terms) for stack in stacks(joined)
        ]

    def evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        """Return heights (T,), and their slopes in G, for matrices G of shape (T, q, q)."""
        parts = [self._evaluate(part) for part in self._parts(matrices)]
        height = np.concatenate([part[0] for part in parts])
        return height, [np.concatenate(s) for s in zip(*(part[1] for part in parts), strict=True)]

    def profile(self, matrices: Sequence[Array]) -> Profiled:
        """Return coefficients and height for matrices G of shape (T, q, q)."""
        parts = [self.solve(part)[0] for part in self._parts(matrices)]
        return Profiled(
            *(
                np.concatenate([getattr(part, name) for part in parts])
                for name in ("coefficients", "unit_vcov", "height")
            )
        )

    def solve(self, matrices: Sequence[Array]) -> tuple[Profiled, list[Solved]]:
        """Return coefficients and height, and each stack solved."""
        solved = [_solved(blocks, matrices) for blocks in self.blocks]
        products = sum(
            np.einsum("msa,tmsb->tab", blocks.columns, at.columns, optimize=True)
            for blocks, at in zip(self.blocks, solved, strict=True)
        )
        log_det = np.sum([at.log_det for at in solved], axis=0)
        return profiled(np.asarray(products), log_det, self.method), solved

    def _parts(self, matrices: Sequence[Array]) -> list[list[Array]]:
        """Return as many points at a time as memory is meant for."""
        at_once = max(1, _CELLS // sum(blocks.v.size for blocks in self.blocks))
        starts = range(0, len(matrices[0]), at_once)
        return [[matrix[i : i + at_once] for matrix in matrices] for i in starts]

    def _evaluate(self, matrices: Sequence[Array]) -> tuple[Array, list[Array]]:
        found, solved = self.solve(matrices)
        slopes = [np.zeros_like(matrix) for matrix in matrices]
        for blocks, at in zip(self.blocks, solved, strict=True):
            x, y = at.columns[..., :-1], at.columns[..., -1]
            rest = y - (x @ found.coefficients[:, None, :, None])[..., 0]
            s = rest[..., :, None] * rest[..., None, :] - at.w
            if self.method == "REML":
                s += x @ found.unit_vcov[:, None] @ x.swapaxes(2, 3)
            for place in range(len(slopes)):
                slopes[place] += blocks.slope(place, s) / 2
        return found.height, slopes


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


def _solved(blocks: Blocks, matrices: Sequence[Array]) -> Solved:
    variance = blocks.variance(matrices)
    root = np.linalg.cholesky(variance)
    log_det = 2 * np.log(np.einsum("tmii->tmi", root)).sum(axis=(1, 2))
    w = np.asarray(np.linalg.inv(variance))
    return Solved(w, w @ blocks.columns, log_det)
