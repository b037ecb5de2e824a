"""Tau2 profile: the interval of tau2 of a one-step model, by the profile of its likelihood."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import optimize, special

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.arrow import Maximum, maximise
from comorbid.models.climbs import likelihood_of, off_zero
from comorbid.models.count_models import CountModel
from comorbid.models.jets import Jet

_FARTHEST = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Solution:
    """A count model with random effects, and the maximum of its likelihood."""

    model: CountModel
    maximum: Maximum
    nodes: int

    def tau2_ci(self, level: float) -> tuple[float, float]:
        """Return the values of tau2 that a likelihood-ratio test at this level does not reject.

        The upper end is inf where even the largest are not.
        """
        critical = special.chdtri(1, 1 - level)
        tau = float(self.maximum.common[self.model.scales[-1]])

        def beyond(value: float) -> float:
            fall = self.maximum.log_likelihood - self._highest(value)
            return float(2 * fall - critical)

        low = 0.0
        if beyond(0.0) > 0:
            low = float(optimize.brentq(beyond, 0.0, tau, xtol=1e-10))
        high = max(2 * tau, 0.1)
        while beyond(high) < 0:
            high *= 2
            if high > _FARTHEST:
                return low**2, float("inf")
        return low**2, float(optimize.brentq(beyond, tau, high, xtol=1e-10)) ** 2

    def _highest(self, tau: float) -> float:
        """Return the log-likelihood at a tau, all other parameters at their best."""
        place = self.model.scales[-1]
        own = self.maximum.own[:, None]
        rest = np.delete(off_zero(self.model, self.maximum.common), place)[:, None]
        k = self.model.arms[0].offset.size
        whole = likelihood_of(self.model, self.nodes, 1)
        row = place + int(own.size > 0)

        def likelihood(theta: Array) -> Jet:
            return whole(np.insert(theta, row, tau, axis=0)).without(row)

        (found,) = maximise(likelihood, own if own.size else np.zeros((0, 1)), rest, k)
        if not found.reached:
            raise ModelError(f"the profile of the likelihood was not found at tau = {tau:g}")
        return found.log_likelihood
