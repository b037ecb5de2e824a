"""Solved models: tau2 of a block of data sets, and the coefficients at 0 and at tau2."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.estimators import Estimator
from comorbid.models.projection import Heterogeneity, Projection, Solution


@dataclass(frozen=True, slots=True)
class Solved:
    """Tau2 of n data sets, nan where there is none, the moments at 0 and the solution at tau2.

    Where there are no more studies than coefficients and tau2 is nan, ``found`` is that of 0.
    """

    tau2: Array
    fixed: Heterogeneity
    found: Solution


def solve_block(data: Projection, yi: Array, vi: Array, estimator: Estimator) -> Solved:
    """Estimate tau2 of a block of data sets, and solve the model at 0 and at tau2.

    Parameters
    ----------
    data : Projection
        The block, as the estimators of comorbid take it.
    yi, vi : arrays of shape (k, n)
        The same block, as the estimators of others take it.
    estimator : Estimator
    """
    return solve_at(data, _tau2(data, yi, vi, estimator))


def solve_at(data: Projection, tau2: Array) -> Solved:
    """Solve the model at 0 and at a tau2 that is known."""
    several = data.estimable & (data.k > data.p)
    return Solved(
        tau2=tau2,
        fixed=data.at_zero,
        found=data.solve(tau2 if several.all() else np.where(several, tau2, np.nan_to_num(tau2))),
    )


def _tau2(data: Projection, yi: Array, vi: Array, estimator: Estimator) -> Array:
    """Return tau2 of each data set; nan where no study is left to estimate it from."""
    if estimator.fixed is not None:
        return np.where(data.estimable, estimator.fixed, np.nan)
    tau2 = np.full(data.k.size, np.nan)
    several = np.flatnonzero(data.estimable & (data.k > data.p))
    if not several.size:
        return tau2
    if estimator.moderated is None:
        estimated = estimator.tau2(yi[:, several], vi[:, several])
    else:
        part = data if several.size == tau2.size else data.take(several)
        estimated = estimator.moderated(part)
    if (estimated < 0).any():
        raise ModelError(f"the estimator {estimator.id} gives a negative tau2")
    tau2[several] = estimated
    return tau2
