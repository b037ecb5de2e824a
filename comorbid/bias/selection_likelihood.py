"""Selection likelihood: of the effects that were published, with its exact derivatives."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.bias.selection_grid import SelectionGrid
from comorbid.effects.arrays import Array

_LOG_2PI = math.log(2 * math.pi)
# Numbers held at a time.
_CELLS = 2**17


@dataclass(frozen=True, slots=True, eq=False)
class Heights:
    """A log-likelihood at n points: value (n,), gradient (d, n) and Hessian (d, d, n)."""

    value: Array
    gradient: Array
    hessian: Array


@dataclass(frozen=True, slots=True, eq=False)
class SelectionLikelihood:
    r"""The log-likelihood of mu, tau2 and delta.

    .. math:: l = \sum_i \left[\log w(p_i) + \log f(y_i; \mu, v_i + \tau^2) - \log A_i\right],
       \qquad A_i = \int w(p(y)) f(y; \mu, v_i + \tau^2)\, dy

    Attributes
    ----------
    yi, vi : arrays of shape (k,)
    grid : SelectionGrid
    """

    yi: Array
    vi: Array
    grid: SelectionGrid

    def at(self, points: Array) -> Heights:
        """Return value and derivatives at points of shape (2 + q, n): mu, tau2 and delta."""
        cells = self.yi.size * (self.grid.low.size + self.grid.node.size)
        size = max(1, _CELLS // cells)
        parts = [
            self._at(points[:, start : start + size]) for start in range(0, points.shape[1], size)
        ]
        return Heights(
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.gradient for part in parts], axis=-1),
            np.concatenate([part.hessian for part in parts], axis=-1),
        )

    def _at(self, points: Array) -> Heights:
        with np.errstate(over="ignore", under="ignore", divide="ignore", invalid="ignore"):
            found = self.unselected(points)
            chance = self._log_chance(points)
            value, first, second = self.grid.observed(points[2:])
            gradient = found.gradient - chance.gradient
            hessian = found.hessian - chance.hessian
            gradient[2:] += first
            hessian[2:, 2:] += second
            height = found.value + value - chance.value
        # Where the chance is below the smallest number its log and the height are infinite.
        return Heights(np.where(height < np.inf, height, -np.inf), gradient, hessian)

    def unselected(self, points: Array) -> Heights:
        """Return the log-likelihood if every result were published."""
        mu, tau2 = points[0], points[1]
        w = 1 / (self.vi[:, None] + tau2)
        wr = w * (self.yi[:, None] - mu)
        wrr = wr * (self.yi[:, None] - mu)
        d, n = points.shape
        gradient, hessian = np.zeros((d, n)), np.zeros((d, d, n))
        gradient[0] = wr.sum(axis=0)
        gradient[1] = (w * (wrr - 1)).sum(axis=0) / 2
        hessian[0, 0] = -w.sum(axis=0)
        hessian[0, 1] = hessian[1, 0] = -(w * wr).sum(axis=0)
        hessian[1, 1] = (w**2 * (0.5 - wrr)).sum(axis=0)
        return Heights((np.log(w) - _LOG_2PI - wrr).sum(axis=0) / 2, gradient, hessian)

    def _log_chance(self, points: Array) -> Heights:
        """Return the sum of log A, the log chance that each result is published.

        Derivatives in tau2 are half those of second order in mu, as the normal density obeys the
        equation of heat.
        """
        top, weight, first, second = self.grid.weights(points[2:])
        masses = self._masses(points[0], points[1])
        a = [np.einsum("mn,kmn->kn", weight, mass) for mass in masses]
        b = [np.einsum("qmn,kmn->qkn", first, mass) / a[0] for mass in masses[:3]]
        c = np.einsum("qrmn,kmn->qrkn", second, masses[0]) / a[0]
        a1, a2, a3, a4 = (part / a[0] for part in a[1:])
        d, n = points.shape
        gradient, hessian = np.empty((d, n)), np.empty((d, d, n))
        gradient[0], gradient[1] = a1.sum(axis=0), a2.sum(axis=0) / 2
        gradient[2:] = b[0].sum(axis=1)
        hessian[0, 0] = (a2 - a1**2).sum(axis=0)
        hessian[0, 1] = hessian[1, 0] = (a3 - a1 * a2).sum(axis=0) / 2
        hessian[1, 1] = (a4 - a2**2).sum(axis=0) / 4
        hessian[0, 2:] = hessian[2:, 0] = (b[1] - a1 * b[0]).sum(axis=1)
        hessian[1, 2:] = hessian[2:, 1] = (b[2] - a2 * b[0]).sum(axis=1) / 2
        hessian[2:, 2:] = (c - b[0][:, None] * b[0]).sum(axis=2)
        return Heights(np.log(a[0]).sum(axis=0) + self.yi.size * top, gradient, hessian)

    def _masses(self, mu: Array, tau2: Array) -> list[Array]:
        """Return the probability of each interval and node and four derivatives in mu.

        Each of shape (k, m + s, n).
        """
        se = np.sqrt(self.vi)[:, None, None]
        spread = np.sqrt(self.vi[:, None, None] + tau2)
        low, high = ((z[:, None] * se - mu) / spread for z in (self.grid.low, self.grid.high))
        node = (self.grid.node[:, None] * se - mu) / spread
        upper = low > 0
        inside = special.ndtr(np.where(upper, -low, high)) - special.ndtr(
            np.where(upper, -high, low)
        )
        edges = [
            (below - above) / spread ** (order + 1)
            for order, (below, above) in enumerate(
                zip(_hermite(low, 4), _hermite(high, 4), strict=True)
            )
        ]
        density = self.grid.mass[:, None] * se / spread
        points = [density * part / spread**order for order, part in enumerate(_hermite(node, 5))]
        return [np.concatenate(pair, axis=1) for pair in zip([inside, *edges], points, strict=True)]


def _hermite(u: Array, count: int) -> list[Array]:
    """Return the normal density at u times the first Hermite polynomials; 0 at infinity."""
    finite = np.isfinite(u)
    u = np.where(finite, u, 0.0)
    density = np.where(finite, np.exp(-(u**2) / 2 - _LOG_2PI / 2), 0.0)
    terms = [density, u * density]
    for order in range(2, count):
        terms.append(u * terms[-1] - (order - 1) * terms[-2])
    return terms
