"""Selection search: the highest maximum of a selection likelihood, and what is known of it."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from comorbid.bias.maximum_search import Climbs, climb
from comorbid.bias.selection_grid import SelectionGrid
from comorbid.bias.selection_likelihood import SelectionLikelihood
from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError
from comorbid.models.fit import find_estimator
from comorbid.models.kernel import fit_batch

# Climbs this near in log-likelihood have come to the same maximum.
_SAME = 1e-6
# Of those that rounding makes equally high, the one with the smallest gradient is kept.
_LEVEL = 1e-11


@dataclass(frozen=True, slots=True, eq=False)
class Selection:
    """The highest maximum of a selection likelihood.

    Attributes
    ----------
    point, se : arrays of shape (2 + q,)
        mu, tau2 and delta, and their standard errors: nan where fixed or at a bound.
    at_bound : boolean array of shape (2 + q,)
        Which estimated parameters press against a bound.
    log_likelihood, unselected : float
        At the maximum, and at that of the model without selection.
    unselected_point : (float, float)
        mu and tau2 there.
    gradient : float
        Length of the gradient at the maximum, each parameter in its standard error.
    starts, agreeing : int
        Climbs, and how many came to this maximum.
    maxima : tuple of (float, float)
        Log-likelihood and mu of every maximum found, the highest first.
    """

    point: Array
    se: Array
    at_bound: Mask
    log_likelihood: float
    unselected: float
    unselected_point: tuple[float, float]
    gradient: float
    starts: int
    agreeing: int
    maxima: tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True, eq=False)
class Search:
    """What to search: effects, grid, bounds of delta, where to start, and whether tau2 is 0.

    ``low, high`` have shape (q,), equal where a parameter is fixed; ``starts`` shape (q, s).
    """

    yi: Array
    vi: Array
    grid: SelectionGrid
    low: Array
    high: Array
    starts: Array
    equal_effects: bool


def search(problem: Search) -> Selection:
    """Climb from a grid of starts and keep the highest maximum.

    Effects are measured in the median standard error, so that their unit makes no difference.

    Raises
    ------
    ModelError
        If no climb comes to a maximum, or one still rises above the best where it gave up.
    """
    unit = math.sqrt(float(np.median(problem.vi)))
    yi, vi = problem.yi / unit, problem.vi / unit**2
    likelihood = SelectionLikelihood(yi, vi, problem.grid)
    centre = _unselected_maximum(yi, vi, problem.equal_effects)
    highest_tau2 = 0.0 if problem.equal_effects else np.inf
    low = np.concatenate([[-np.inf, 0.0], problem.low])
    high = np.concatenate([[np.inf, highest_tau2], problem.high])
    climbs = climb(likelihood.at, _starts(problem, yi, vi, centre), low=low, high=high)
    best = _best(climbs, unit)
    q = problem.low.size
    units = np.concatenate([[unit, unit**2], np.ones(q)])
    # The density of y is that of y / unit over the unit.
    shift = yi.size * math.log(unit)
    without = np.array([[centre[0]], [centre[1]]])
    return Selection(
        point=climbs.point[:, best] * units,
        se=_standard_errors(climbs, best) * units,
        at_bound=(low < high) & ~climbs.free[:, best],
        log_likelihood=float(climbs.heights.value[best]) - shift,
        unselected=float(likelihood.unselected(without).value[0]) - shift,
        unselected_point=(centre[0] * unit, centre[1] * unit**2),
        gradient=math.sqrt(2 * float(climbs.gain[best])),
        starts=climbs.arrived.size,
        agreeing=int(_same_as(climbs, best).sum()),
        maxima=_maxima(climbs, unit, shift),
    )


def _unselected_maximum(yi: Array, vi: Array, equal_effects: bool) -> tuple[float, float]:
    estimator = find_estimator("EE" if equal_effects else "ML")
    fit = fit_batch(yi[:, None], vi[:, None], estimator=estimator, test="z", level=0.95)
    tau2 = 0.0 if yi.size == 1 else float(fit.tau2[0])
    return float(fit.estimate[0]), tau2


def _starts(problem: Search, yi: Array, vi: Array, centre: tuple[float, float]) -> Array:
    """Return the grid of starts: mu near and far, tau2 small and large, delta as proposed."""
    mu, tau2 = centre
    spread = math.sqrt(tau2 + float(np.median(vi)))
    mean = float((yi / vi).sum() / (1 / vi).sum())
    mus = np.unique([mu, mean, 0.0, mu - 3 * spread, mu + 3 * spread])
    tau2s = np.unique([tau2, 4 * tau2 + float(np.median(vi))])
    first, second, third = np.meshgrid(
        mus, tau2s, np.arange(problem.starts.shape[1]), indexing="ij"
    )
    return np.vstack([first.ravel(), second.ravel(), problem.starts[:, third.ravel()]])


def _best(climbs: Climbs, unit: float) -> int:
    value = climbs.heights.value
    if not climbs.arrived.any():
        raise ModelError(
            "no maximum of the likelihood was found; use fewer steps, or another kind of selection"
        )
    best = int(np.where(climbs.arrived, value, -np.inf).argmax())
    runaway = int(np.where(climbs.arrived, -np.inf, value).argmax())
    if not climbs.arrived[runaway] and value[runaway] > value[best] + _SAME:
        raise ModelError(
            "the likelihood still rises where the search gave up, at an estimate of "
            f"{unit * climbs.point[0, runaway]:.4g}: it may have no maximum; use fewer steps, or "
            "another kind of selection"
        )
    level = climbs.arrived & (value >= value[best] - _LEVEL * max(1.0, abs(value[best])))
    return int(np.where(level, climbs.gain, np.inf).argmin())


def _same_as(climbs: Climbs, best: int) -> Mask:
    return np.asarray(climbs.arrived & (climbs.heights.value > climbs.heights.value[best] - _SAME))


def _maxima(climbs: Climbs, unit: float, shift: float) -> tuple[tuple[float, float], ...]:
    """Return log-likelihood and mu of the different maxima, the highest first."""
    arrived = np.flatnonzero(climbs.arrived)
    order = arrived[np.argsort(-climbs.heights.value[arrived], kind="stable")]
    found: list[tuple[float, float]] = []
    for value, mu in zip(
        (climbs.heights.value[order] - shift).tolist(),
        (climbs.point[0, order] * unit).tolist(),
        strict=True,
    ):
        if not found or found[-1][0] - value > _SAME:
            found.append((value, mu))
    return tuple(found)


def _standard_errors(climbs: Climbs, best: int) -> Array:
    """Return the roots of the inverse observed information of what is free; nan elsewhere."""
    free = np.flatnonzero(climbs.free[:, best])
    se = np.full(climbs.point.shape[0], np.nan)
    information = -climbs.heights.hessian[np.ix_(free, free)][:, :, best]
    if not (np.isfinite(information).all() and (np.diag(information) > 0).all()):
        return se
    size = np.sqrt(np.diag(information))
    scaled = information / np.outer(size, size)
    if np.linalg.eigvalsh(scaled).min() > np.finfo(float).eps:
        se[free] = np.sqrt(np.diag(np.linalg.inv(scaled))) / size
    return se
