"""Variance components: the variances and correlations of a fit, by the names metafor gives them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.models.random_terms import Random
from comorbid.models.variance_search import split_by

_LETTERS = (("tau2", "rho"), ("gamma2", "phi"))
_AT_END = 1e-9


@dataclass(frozen=True, slots=True)
class Component:
    """A variance of random effects, or a correlation between them.

    Attributes
    ----------
    name : str
        For random intercepts the columns of their groups; ``tau2`` and ``rho`` for the first term
        with an inner factor, ``gamma2`` and ``phi`` for the second, with levels in brackets.
    kind : {"variance", "correlation"}
    symbol : {"sigma2", "tau2", "rho", "gamma2", "phi"}
    value : float
        On the analysis scale, a variance squared; nan for a correlation of effects that do not
        vary.
    groups : int
        Number of groups.
    on_boundary : bool
        Whether it is at the end of its range: a variance of 0, or a correlation as far as it goes.
    """

    name: str
    kind: str
    symbol: str
    value: float
    groups: int
    on_boundary: bool

    def to_dict(self) -> dict[str, Any]:
        """Return the fields."""
        return asdict(self)


def components_of(terms: Sequence[Random], theta: Array, unit: float) -> tuple[Component, ...]:
    """Return the components at coordinates (n,) in units of the search."""
    found: list[Component] = []
    letters = iter(_LETTERS)
    for term, part in zip(terms, parts_of(terms, theta), strict=True):
        variances, correlations = term.structure.natural(part)
        groups = len(term.groups)
        if not term.levels:
            value = float(variances[0]) * unit**2
            found.append(Component(term.name, "variance", "sigma2", value, groups, value == 0))
            continue
        variance, correlation = next(letters)
        names = _variance_names(term, variance)
        found += [
            Component(name, "variance", variance, float(v) * unit**2, groups, v == 0)
            for name, v in zip(names, variances, strict=True)
        ]
        pairs = np.transpose(np.triu_indices(len(term.levels), 1))
        for i, rho in enumerate(correlations.tolist()):
            ends = rho > 1 - _AT_END or rho < _least(term) + _AT_END * (1 - _least(term))
            label = correlation
            if term.structure.id == "UN":
                first, second = (term.levels[level] for level in pairs[i])
                label = f"{correlation}[{first}, {second}]"
            found.append(Component(label, "correlation", correlation, rho, groups, ends))
    return tuple(found)


def parts_of(terms: Sequence[Random], theta: Any) -> list[Any]:
    """Return the coordinates of each term, along the last axis."""
    return split_by([term.structure.size for term in terms], theta)


def meaningless(terms: Sequence[Random], theta: Array, on_fold: Mask) -> Mask:
    """Return the coordinates that say nothing, as variances are 0 or matrices singular."""
    found = []
    for term, part, fold in zip(
        terms, parts_of(terms, theta), parts_of(terms, on_fold), strict=True
    ):
        structure = term.structure
        of = np.zeros(part.size, dtype=bool)
        if structure.id == "UN" and fold.any():
            # A column of the root with nothing on the diagonal may turn into the later ones.
            of[structure.variances :] = fold[np.tril_indices(structure.q, -1)[1]]
        elif structure.id in ("HCS", "AR"):
            vary = (~fold[: structure.variances]).sum()
            of[structure.variances :] = vary < min(structure.variances, 2)
        found.append(of)
    return np.concatenate(found)


def singular_notes(terms: Sequence[Random], theta: Array) -> tuple[str, ...]:
    """Say which matrices of three or more random effects are singular with no correlation of 1."""
    notes = []
    for term, part in zip(terms, parts_of(terms, theta), strict=True):
        if term.structure.id != "UN" or term.structure.q < 3:
            continue
        g = term.structure.matrix(part[None])[0]
        sd = np.sqrt(np.diagonal(g))
        if sd.min() > 0 and np.linalg.eigvalsh(g / np.outer(sd, sd))[0] < _AT_END:
            notes.append(
                f"the covariance matrix of {term.name} is singular: a combination of its effects "
                "does not vary, as far as the data show"
            )
    return tuple(notes)


def _variance_names(term: Random, symbol: str) -> list[str]:
    if term.structure.variances == 1:
        return [symbol]
    return [f"{symbol}[{level}]" for level in term.levels]


def _least(term: Random) -> float:
    return -1.0 if term.structure.id == "UN" else term.structure.least
