"""Data sets that share their studies, as the estimators of tau2 take them."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.projection import Form, Solution
from comorbid.models.selected_moments import SelectedMoments
from comorbid.models.shared_studies import SharedStudies
from comorbid.models.shared_sums import Sums, product
from comorbid.models.sums import others

# Sums of a data set are trusted while they lose no more than this to cancellation: with effects
# counted from the most precise of all studies, the distance of the mean from it in squared standard
# deviations; and what is left of the squares of weights when a single other study dominates.
_FAR = 1e6
_DOMINATED = 0.01


class Selections:
    """Selections of shared studies, none of them empty (a `Projection`).

    Parameters
    ----------
    studies : SharedStudies
    member : boolean array of shape (k, n)
        Which studies belong, in their own order.

    Notes
    -----
    No formula subtracts the weight of the first study from a sum that holds it. Where another one
    dominates, or the mean is far from the first, `firm` says that digits are lost.
    """

    p = 1
    weights: Array | None = None

    def __init__(self, studies: SharedStudies, member: Mask) -> None:
        self.studies, self.yi, self.origin = studies, studies.yi, studies.origin
        self.member: Mask = member[studies.order]
        self.vi: Array = np.where(self.member, studies.vi, np.inf)

    @cached_property
    def k(self) -> Array:
        """Studies of each selection."""
        return np.asarray(np.add.reduce(self.member, dtype=np.float64))

    @property
    def estimable(self) -> Mask:
        """Every selection has a study."""
        return np.ones(self.vi.shape[1], dtype=np.bool_)

    @property
    def lowest(self) -> Array:
        """Smallest variance of each selection."""
        return np.asarray(self.vi.min(axis=0))

    @property
    def highest(self) -> Array:
        """Largest variance of the studies that belong."""
        return np.asarray(np.where(self.member, self.studies.vi, 0.0).max(axis=0))

    @cached_property
    def at_zero(self) -> SelectedMoments:
        """The moments at tau2 = 0."""
        return SelectedMoments(self.yi, self.vi, self.studies.others)

    @property
    def log_xx(self) -> Array:
        """Log of the number of studies."""
        return np.log(self.k)

    def at(self, tau2: Array, column: Index | slice) -> SelectedMoments:
        """Return the moments at ``tau2``."""
        return SelectedMoments(self.yi, self.vi[:, column] + tau2, self.studies.others)

    def on_ladder(self, room: Array) -> tuple[Sums, Sums]:
        """Return the moments at each node, and with slopes around what is hidden.

        ``room`` is an array of a number a row of the ladder and selection, which is overwritten.
        """
        of = product(self.studies.columns, self.member.astype(np.float64), room)
        g, hidden = self.studies.ladder.nodes.size, self.studies.ladder.hidden
        five = of[: 5 * g].reshape(5, g, -1)
        around = five[:, 1 : hidden + 2]
        return Sums(*five), Sums(*around, *of[5 * g :].reshape(3, hidden + 1, -1))

    def sums(self, tau2: Array) -> Sums:
        """Return the moments at ``tau2`` by fewer operations, which lose digits to cancellation."""
        powers = self.studies.powers
        w = self.vi + tau2
        np.divide(1.0, w, out=w)
        first = powers[:2] @ w
        power = w * w
        second = powers @ power
        power *= w
        return Sums(*first, *second, *(powers @ power))

    def solve(self, tau2: Array) -> Solution:
        """Return the mean at ``tau2``, and what its test needs."""
        moments = self.at(tau2, slice(None)) if tau2.any() else self.at_zero
        root = np.sqrt(1 / moments.w)[None, None]
        q = moments.q
        return Solution(self.estimate(moments)[None], root, q, moments.trace_p, q)

    def estimate(self, moments: SelectedMoments) -> Array:
        """Return the mean; of a single study its effect to the bit."""
        mean = moments.mean + self.origin
        alone = np.flatnonzero(self.k == 1)
        if alone.size:
            mean[alone] = self.studies.effects @ self.member[:, alone]
        return np.asarray(mean)

    @property
    def firm(self) -> Mask:
        """Of which selections sums of squares lose no digits."""
        at, alone = self.at_zero, self.k == 1
        near = at.mean * at.mean * at.w <= _FAR * np.where(alone, 1.0, at.q)
        level = at.trace_p * at.w >= _DOMINATED * at.rest * at.rest
        return np.asarray(near & (alone | level))

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        yi = self.yi
        mean = np.add.reduce(np.where(self.member, yi, 0.0)) / self.k
        residual = np.where(self.member, yi - mean, 0.0)
        total = np.add.reduce(np.where(self.member, self.studies.vi, 0.0))
        return (
            np.add.reduce(residual**2),
            total * (1 - 1 / self.k),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)

    def form(self, weights: Array) -> Form:
        """Return the weighted residual sum of squares, and its matrix."""
        yi, total = self.yi, np.add.reduce(weights)
        mean = np.add.reduce(weights * yi) / total
        return Form(
            q=np.add.reduce(weights * (yi - mean) ** 2),
            diagonal=weights * others(weights) / total,
            columns=np.sqrt(weights / total)[None],
        )

    def take(self, column: Index) -> Selections:
        """Return these selections alone."""
        part = object.__new__(Selections)
        part.studies, part.yi, part.origin = self.studies, self.yi, self.origin
        part.member, part.vi = self.member[:, column], self.vi[:, column]
        return part
