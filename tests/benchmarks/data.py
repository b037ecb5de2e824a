"""Data of the benchmarks: seeded simulations, which no study took part in."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

import comorbid as cb

Array = npt.NDArray[np.float64]


def simulated(*shape: int, seed: int = 2019) -> tuple[Array, Array]:
    """Return effects around 0.7 with tau2 0.03, and variances from 0.01 to 0.3, of this shape."""
    rng = np.random.default_rng(seed)
    vi = rng.uniform(0.01, 0.3, shape)
    return rng.normal(0.7, np.sqrt(vi + 0.03)), vi


def effects(k: int) -> cb.Effects:
    """Return the effects of k simulated studies."""
    yi, vi = simulated(k)
    return cb.Effects(yi=yi, vi=vi, measure="OR")


def assert_maximum(yi: Array, vi: Array, tau2: Array) -> None:
    r"""Assert that no point of a grid has a higher restricted likelihood than ``tau2``.

    .. math:: 2 l = \sum \log w_i - \sum w_i (y_i - \hat\mu)^2 - \log \sum w_i, \quad
       w_i = \frac1{v_i + \tau^2}
    """
    highest = _likelihood(yi, vi, tau2)
    for value in [0.0, *np.geomspace(1e-4, 2.0, 60)]:
        higher = np.flatnonzero(_likelihood(yi, vi, np.full(tau2.size, value)) > highest + 1e-9)
        assert not higher.size, (
            f"sets {higher}: tau2 {tau2[higher]} is no maximum, {value} is higher"
        )


def _likelihood(yi: Array, vi: Array, tau2: Array) -> Array:
    w = 1 / (vi + tau2)
    total = w.sum(axis=0)
    residual = yi - (w * yi).sum(axis=0) / total
    terms = np.log(w).sum(axis=0) - (w * residual**2).sum(axis=0) - np.log(total)
    return np.asarray(terms / 2)
