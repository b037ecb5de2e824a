"""Counts: the whole numbers that the section prints of a network and of its estimates."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Network


@dataclass(frozen=True, slots=True)
class NetworkCounts:
    """How many trials, treatments and comparisons a network has.

    Attributes
    ----------
    trials, treatments : int
    comparisons : int
        Pairs of treatments.
    direct, indirect : int
        Pairs that a trial compared, and that none did.
    compared_in_trials : tuple of int
        How many trials compared each pair.
    """

    trials: int
    treatments: int
    comparisons: int
    direct: int
    indirect: int
    compared_in_trials: tuple[int, ...]

    def to_dict(self) -> dict[str, Any]:
        """Return the counts by name."""
        return asdict(self)


def network_counts(network: Network) -> NetworkCounts:
    """Count what a network has."""
    pairs = network.n * (network.n - 1) // 2
    made = Counter((i, j) for trial in network.trials for i, j, _, _ in trial.contrasts())
    direct = len(made)
    return NetworkCounts(network.k, network.n, pairs, direct, pairs - direct, tuple(made.values()))


@dataclass(frozen=True, slots=True)
class Excluding:
    """How many intervals exclude no difference.

    Attributes
    ----------
    null : float
        No difference on the printed scale.
    against, of_treatments : int
        Of the treatments against the reference, and how many those are.
    between, of_comparisons : int
        Of the comparisons of treatments with each other, and how many those are.
    """

    null: float
    against: int
    of_treatments: int
    between: int
    of_comparisons: int

    def to_dict(self) -> dict[str, float]:
        """Return the counts by name."""
        return asdict(self)


def excluding(fit: NetworkFit) -> Excluding:
    """Count the intervals of a fit that exclude no difference."""
    net, below = fit.network, np.tril_indices(fit.network.n, -1)
    apart = (fit.ci_low > 0) | (fit.ci_high < 0)
    against = int(apart[1:, 0].sum())
    return Excluding(
        null=1.0 if net.scale == "log" else 0.0,
        against=against,
        of_treatments=net.n - 1,
        between=int(apart[below].sum()) - against,
        of_comparisons=len(below[0]) - (net.n - 1),
    )
