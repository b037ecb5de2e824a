"""Weight functions: how likely a result is to be published, given its p-value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array

# Weights are relative: past this ratio no data set of ordinary size can tell two apart.
LARGEST = 100.0

LogWeight = Callable[[Array, Array], tuple[Array, Array, Array]]


@dataclass(frozen=True, slots=True)
class WeightFunction:
    """A smooth weight function with q parameters delta.

    Attributes
    ----------
    id : str
    log_weight : callable
        ``log_weight(p, delta)`` for p-values (m,) and parameters (q, n): the log weight of shape
        (m, n), its gradient (q, m, n) and second derivatives (q, q, m, n) in delta.
    null : float
        The value of every parameter at which all results have the same weight.
    lowest : float
        Bound of every parameter.
    nearest : float
        p-values nearer to 0 and 1 than this are taken as this near.
    starts : tuple of tuples of float
        Where a search for the maximum starts.
    formula : str
        As printed.
    """

    id: str
    log_weight: LogWeight
    null: float
    lowest: float
    nearest: float
    starts: tuple[tuple[float, ...], ...]
    formula: str

    @property
    def size(self) -> int:
        """Number of parameters."""
        return len(self.starts[0])


def _linear(*features: Callable[[Array], Array], null: float = 0.0) -> LogWeight:
    """Return the log weight that is a sum of features times delta less its null value."""

    def log_weight(p: Array, delta: Array) -> tuple[Array, Array, Array]:
        q, n = delta.shape
        columns = np.stack([feature(p) for feature in features])
        value = np.tensordot(columns, delta - null, axes=(0, 0))
        gradient = np.broadcast_to(columns[:, :, None], (q, p.size, n))
        return value, gradient, np.zeros((q, q, p.size, n))

    return log_weight


def _logistic(p: Array, delta: Array) -> tuple[Array, Array, Array]:
    x = p[:, None] * delta
    share = special.expit(x)
    value = np.log(2.0) - np.logaddexp(0.0, x)
    gradient = -p[:, None] * share
    second = -(p[:, None] ** 2) * share * (1 - share)
    return value, gradient[None], second[None, None]


_PRESTON_STARTS = ((0.3,), (1.5,), (6.0,), (40.0,))

WEIGHT_FUNCTIONS: dict[str, WeightFunction] = {
    function.id: function
    for function in (
        WeightFunction(
            "beta",
            _linear(np.log, lambda p: np.log1p(-p), null=1.0),
            1.0,
            1e-5,
            1e-5,
            ((1.0, 1.0), (0.6, 1.0), (1.0, 4.0), (1.6, 1.4), (0.2, 1.5), (3.0, 1.5)),
            "p^(delta1 - 1) (1 - p)^(delta2 - 1)",
        ),
        WeightFunction(
            "halfnorm",
            _linear(lambda p: -(p**2)),
            0.0,
            0.0,
            0.0,
            _PRESTON_STARTS,
            "exp(-delta p^2)",
        ),
        WeightFunction(
            "negexp", _linear(lambda p: -p), 0.0, 0.0, 0.0, _PRESTON_STARTS, "exp(-delta p)"
        ),
        WeightFunction(
            "logistic",
            _logistic,
            0.0,
            0.0,
            0.0,
            _PRESTON_STARTS,
            "2 exp(-delta p) / (1 + exp(-delta p))",
        ),
        WeightFunction(
            "power",
            _linear(lambda p: np.log1p(-p)),
            0.0,
            0.0,
            1e-5,
            _PRESTON_STARTS,
            "(1 - p)^delta",
        ),
    )
}


def after_threshold(log_weight: LogWeight, threshold: float) -> LogWeight:
    """Return the log weight that is 0 up to a threshold of p."""

    def thresholded(p: Array, delta: Array) -> tuple[Array, Array, Array]:
        value, gradient, second = log_weight(p, delta)
        beyond = (p > threshold)[:, None]
        return (
            np.where(beyond, value, 0.0),
            np.where(beyond, gradient, 0.0),
            np.where(beyond, second, 0.0),
        )

    return thresholded
