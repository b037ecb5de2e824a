"""Wild interval: the values of a coefficient that a wild cluster bootstrap does not reject."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.sandwich import Adjusted, adjusted
from comorbid.models.settings import check_level
from comorbid.models.wild_draws import (
    EQUAL,
    in_blocks,
    moved,
    null_residuals,
    patterns,
    random_signs,
    share,
)

if TYPE_CHECKING:
    from comorbid.models.wild_bootstrap import WildBootstrap

# Distances from the estimate at which p is looked at, as parts of the standard error: the robust
# one, or the model's where clusters do not differ.
_STEPS = np.append(0.0, np.geomspace(0.05, 1e5, 150))
_HALVINGS = 60
# A sum of squares below this part of its terms is 0 but for rounding.
_NOTHING = 1e-14


def interval(found: WildBootstrap, level: float) -> tuple[float, float]:
    """Return the ends of the values around the estimate whose p is above 1 - ``level``."""
    check_level(level)
    if len(found.names) > 1:
        raise ModelError(
            f"{', '.join(found.names)} are tested together; an interval is of one coefficient"
        )
    of = found.clustered
    row = of.names.index(found.names[0])
    estimate = float(np.ravel(of.fit.estimate)[row])
    sandwich = adjusted(of.working, found.correction)
    se = float(np.sqrt((sandwich.u[:, row] ** 2).sum() or of.working.vcov[row, row]))
    p_value = _p_values(found, sandwich, row)
    ends = []
    for side in (-1.0, 1.0):
        at = side * se * _STEPS
        below = np.flatnonzero(p_value(at) <= 1 - level)
        end = side * np.inf
        if below.size:
            end = estimate + _fall(p_value, at[below[0] - 1], at[below[0]], 1 - level)
        ends.append(end)
    return float(ends[0]), float(ends[1])


def _fall(p_value: Callable[[Array], Array], inside: float, outside: float, limit: float) -> float:
    """Return where p falls to a limit between two distances, by halving."""
    for _ in range(_HALVINGS):
        middle = (inside + outside) / 2
        if p_value(np.array([middle]))[0] <= limit:
            outside = middle
        else:
            inside = middle
    return (inside + outside) / 2


def _p_values(found: WildBootstrap, sandwich: Adjusted, row: int) -> Callable[[Array], Array]:
    r"""Return a function that gives p for values at distances d (n,) from the estimate.

    With :math:`\hat\beta + d` tested the null model's residuals are linear in d, and so are what
    a draw moves the coefficient by and each cluster's root of a term of its variance.
    """
    of, every = found.clustered, found.enumeration == "all"
    fit = of.working
    others = np.array(np.ravel(of.fit.estimate), dtype=float)
    others[row] = 0.0
    lines = [
        moved(fit, sandwich, null_residuals(of, [row], found.correction, values), [row])
        for values in (
            [part.e + part.x @ others for part in fit.parts],
            [part.x[:, :, row] for part in fit.parts],
        )
    ]
    n = found.draws.size
    eta = (
        patterns(fit.m)
        if every
        else random_signs(of.names_of_clusters, found.weights, n, found.seed)
    )
    blocks = []
    for some in in_blocks(eta, 2 * fit.p):
        (s0, e0), (s1, e1) = (
            (shift[:, row], some * u[:, 0] - shift @ sandwich.a[:, :, row].T)
            for pushed, u in lines
            for shift in (some @ pushed,)
        )
        blocks.append((s0, s1, (e0**2).sum(axis=1), (e0 * e1).sum(axis=1), (e1**2).sum(axis=1)))
    s0, s1, q0, q1, q2 = (np.concatenate(column)[:, None] for column in zip(*blocks, strict=True))
    observed = (sandwich.u[:, row] ** 2).sum()

    def p_value(d: Array) -> Array:
        squares, moves = q0 - 2 * d * q1 + d**2 * q2, (s0 - d * s1) ** 2
        none = squares <= _NOTHING * (q0 + d**2 * q2)
        # Without a variance a draw is as large as any.
        as_large = moves * observed >= d**2 * squares * (1 - EQUAL)
        return share(none | as_large, every)

    return p_value
