"""Solution: what a multilevel fit says row by row and group by group, at its maximum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.dense_blocks import Blocks, DenseBlocks, Solved
from comorbid.models.mixed_equations import Joint, MixedEquations, Term
from comorbid.models.splits import block_equations

if TYPE_CHECKING:
    from comorbid.models.multilevel_result import Multilevel


@dataclass(frozen=True, slots=True)
class Solution:
    """The equations of a fit, solved; in units of the search.

    Attributes
    ----------
    equations : MixedEquations
    terms : tuple of Term
    matrices : list of arrays of shape (1, q, q)
        G of each term.
    blocks : list of (Blocks, Solved)
    joint : Joint
    known : array of shape (1, p + n, p + n)
        Covariances of the errors of coefficients and crossed random effects.
    """

    equations: MixedEquations[DenseBlocks]
    terms: tuple[Term, ...]
    matrices: list[Array]
    blocks: list[tuple[Blocks, Solved]]
    joint: Joint
    known: Array

    def projected(self, at: Solved) -> tuple[Array, Array]:
        """Return Py of shape (m, s), and the blocks of P, of shape (m, s, s)."""
        return at.rest(self.joint.fitted)[0], at.without(self.known)[0]

    def effects(self, place: int) -> tuple[Array, Array]:
        r"""Return the random effect of a term for each row, and the variance of its error.

        .. math:: G Z'Py, \qquad G - G Z'PZ G
        """
        for crossed, part, _ in self.equations.slices:
            if crossed == place:
                cells = self.terms[place].cells
                errors = np.diagonal(self.known[0])[part]
                return self.joint.fitted[0, part][cells], errors[cells]
        within = self.equations.within(range(len(self.terms))).index(place)
        pred, variance = np.empty((2, self.terms[place].group.size))
        for blocks, at in self.blocks:
            real, rows = blocks.stack.real, blocks.stack.rows[blocks.stack.real]
            rest, p = self.projected(at)
            d = blocks.part(blocks.same[within], blocks.levels[within], self.matrices[place])[0]
            pred[rows] = (d @ rest[..., None])[..., 0][real]
            variance[rows] = np.einsum("mii->mi", d - d @ p @ d)[real]
        return pred, variance

    def weighed_design(self) -> Array:
        """Return the inverse of M times the design, of shape (k, p)."""
        p = self.equations.p
        found = np.empty((self.terms[0].group.size, p))
        for blocks, at in self.blocks:
            z = at.columns[0, ..., p:-1]
            own = at.columns[0, ..., :p] - z @ self.joint.carried[0]
            found[blocks.stack.rows[blocks.stack.real]] = own[blocks.stack.real]
        return found


def solution(fit: Multilevel) -> Solution:
    """Return the equations of a fit, solved."""
    model = fit.model
    terms = tuple(term.term for term in model.terms)
    equations = block_equations(model.columns, model.scaled_v, model.together, terms, "REML")
    matrices = model.matrices(fit.theta)
    weighed = equations.inner.weigh(equations.within(matrices))
    joint = equations.joint(weighed, matrices)
    blocks = list(zip(equations.inner.blocks, weighed.parts, strict=True))
    known = joint.known("REML")
    return Solution(equations, terms, matrices, blocks, joint, np.asarray(known))
