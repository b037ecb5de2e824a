"""Pinned: the highest likelihood where one variance or correlation has a given value."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.structures import Structure
from comorbid.models.variance_components import parts_of
from comorbid.models.variance_maximum import starting_point, uneven
from comorbid.models.variance_search import Surface, climb

if TYPE_CHECKING:
    from comorbid.models.multilevel_result import Multilevel

# A root of a variance that is about 0, in units of the search.
_SMALL = 0.05


@dataclass(frozen=True, slots=True)
class Pinned:
    """The likelihood of a fit as a function of one component.

    Attributes
    ----------
    surface : Surface
    structure : Structure
        Of the component's term, with the component as one coordinate.
    which, place : int
        That coordinate, among those of the term and among all.
    unit2 : float
        What a variance of the search is times, on the analysis scale; 1 for correlations.
    starts : array of shape (T, n)
        Where climbs start from.
    constant : float
        What a height lacks of the log-likelihood.
    best : float
        The coordinate of the maximum.
    """

    surface: Surface
    structure: Structure
    which: int
    place: int
    unit2: float
    starts: Array
    constant: float
    best: float

    def heights(self, coordinates: Array) -> tuple[Array, Array]:
        """Return log-likelihoods, and slopes in the coordinate, each of shape (m,)."""
        m, t = coordinates.size, len(self.starts)
        theta = np.tile(self.starts, (m, 1))
        theta[:, self.place] = np.repeat(coordinates, t)
        free = np.ones(theta.shape, dtype=bool)
        free[:, self.place] = False
        found = climb(self.surface, theta, free)
        height = np.where(found.converged, found.height, -np.inf).reshape(m, t)
        lost = np.flatnonzero(~np.isfinite(height).any(axis=1))
        if lost.size:
            value = self.value(float(coordinates[lost[0]]))
            raise ModelError(
                f"the profile likelihood could not be found at {value:.4g}, as may be where the "
                "covariance matrix is singular there, or variances are many orders of magnitude "
                "apart; give values= without it, or the term a simpler struct"
            )
        top = height.argmax(axis=1)
        rows = np.arange(m)
        slope = found.gradient.reshape(m, t, -1)[rows, top, self.place]
        return height[rows, top] + self.constant, slope

    def coordinate(self, value: float) -> float:
        """Return the coordinate of a value on the analysis scale."""
        return self.structure.coordinate(value / self.unit2, self.which)

    def value(self, coordinate: float) -> float:
        """Return the value of a coordinate, on the analysis scale."""
        return self.structure.value(coordinate, self.which) * self.unit2

    @property
    def ends(self) -> tuple[float, float]:
        """The coordinates between which it can be."""
        if self.which < self.structure.variances:
            return 0.0, np.inf
        return -np.pi / 2, np.pi / 2


def pin(fit: Multilevel, component: str) -> Pinned:
    """Return the likelihood of a fit as a function of the component of this name.

    Raises
    ------
    ModelError
        If there is none, or it is a correlation of effects that do not vary.
    """
    names = [c.name for c in fit.components]
    if component not in names:
        raise ModelError(f"there is no component {component!r}; there are: {', '.join(names)}")
    chosen = fit.components[names.index(component)]
    if np.isnan(chosen.value):
        raise ModelError(f"{component} has no profile: a variance that it is of is 0")
    terms = fit.model.terms
    number, within = _place(fit, names.index(component))
    structure = terms[number].structure
    if within < structure.variances:
        new, which = structure.pinned(within, None)
    else:
        pairs = np.transpose(np.triu_indices(structure.q, 1))
        i, j = pairs[within - structure.variances] if structure.id == "UN" else (0, 1)
        new, which = structure.pinned(None, (int(i), int(j)))
    surface = fit.model.surface()
    structures = [term.structure for term in terms]
    structures[number] = new
    parts = parts_of(terms, fit.theta)
    parts[number] = structure.recast(parts[number], new)
    place = sum(s.size for s in structures[:number]) + which
    unit2 = fit.model.unit**2 if chosen.kind == "variance" else 1.0
    other = starting_point(structures, fit.model.typical)
    low = []
    if chosen.kind == "correlation":
        # Far from the best correlation the highest may be where a variance is 0.
        variances = place - which + np.arange(structure.variances)
        low = [np.where(np.arange(other.size) == i, _SMALL, other) for i in variances]
    surface = replace(surface, structures=tuple(structures))
    low += uneven(surface, fit.model.typical)
    pinned = Pinned(
        surface=surface,
        structure=new,
        which=which,
        place=place,
        unit2=unit2,
        starts=np.vstack([_off_folds(parts, structures, other), other, *low]),
        constant=fit.model.constant,
        best=0.0,
    )
    return replace(pinned, best=pinned.coordinate(chosen.value))


def _off_folds(parts: Sequence[Array], structures: Sequence[Structure], other: Array) -> Array:
    """Return the maximum, with what is at the end of its range moved a little inside."""
    theta = np.concatenate(parts)
    pairs = zip(structures, parts, strict=True)
    fold = np.concatenate([structure.at_fold(part) for structure, part in pairs])
    near = np.abs(theta - fold) < 1e-3
    return np.where(near, theta + np.where(fold == 0, other / 20, -0.1), theta)


def _place(fit: Multilevel, position: int) -> tuple[int, int]:
    """Return the term of a component, and its place there."""
    number = 0
    for term in fit.model.terms:
        if position < term.structure.size:
            break
        position -= term.structure.size
        number += 1
    return number, position
