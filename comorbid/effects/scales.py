"""Scales: how a value on the analysis scale is turned into the one that people read."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from comorbid.effects.arrays import Array


@dataclass(frozen=True, slots=True)
class Scale:
    """A pair of inverse, increasing functions between the printed and the analysis scale.

    Parameters
    ----------
    id : str
        Name by which a measure refers to the scale.
    forward : callable
        From the printed value (an odds ratio) to the analysis scale (a log odds ratio).
    back : callable
        The inverse of ``forward``.
    """

    id: str
    forward: Callable[[ArrayLike], Array]
    back: Callable[[ArrayLike], Array]


def _identity(values: ArrayLike) -> Array:
    return np.asarray(values, dtype=np.float64)


def _log(values: ArrayLike) -> Array:
    return np.asarray(np.log(np.asarray(values, dtype=np.float64)))


def _exp(values: ArrayLike) -> Array:
    return np.asarray(np.exp(np.asarray(values, dtype=np.float64)))


SCALES: dict[str, Scale] = {
    scale.id: scale for scale in (Scale("identity", _identity, _identity), Scale("log", _log, _exp))
}
