"""Adaptive Gauss-Hermite quadrature: likelihoods of studies with their random effects taken out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray

from comorbid.effects.arrays import Array, read_only
from comorbid.errors import ModelError
from comorbid.models.cumulants import Observed
from comorbid.models.jets import Jet, parameters

_STEPS, _HALVINGS = 100, 40
# Newton's step to a mode is safe if it gains less than the first, in log-likelihood, of which large
# counts lose more to rounding. One that gains less than the last ends the search, and so does one
# that gains less than the second but no longer less than the one before.
_SAFE, _LITTLE, _NOTHING = 1e-4, 1e-9, 1e-18
# Most second derivatives, by node, that a block of studies has: they stay in the cache.
_CELLS = 100_000


@dataclass(frozen=True, slots=True, eq=False)
class Arm:
    """One count a study, and how its linear predictor depends on d parameters and q effects.

    eta = offset + fixed theta + sum over r of u_r (random_r theta), with u standard normal;
    ``fixed`` has shape (d,), ``random`` (q, d), ``offset`` (k,).
    """

    observed: Observed
    fixed: Array
    random: Array
    offset: Array

    def take(self, rows: slice | NDArray[np.intp]) -> Arm:
        """Return the arm with these studies, which may repeat."""
        return replace(self, observed=self.observed.take(rows), offset=self.offset[rows])


def integrate(arms: Sequence[Arm], theta: Array, nodes: int) -> Jet:
    r"""Return each study's log-likelihood with exact derivatives by its parameters.

    .. math:: \log \int \prod_g p(y_g \mid \eta_g(u)) \prod_r \phi(u_r)\, du

    The nodes are centred at the mode of the integrand and scaled by its curvature there; one node
    is Laplace's approximation.

    Parameters
    ----------
    arms : sequence of Arm
    theta : array of shape (d, k)
        The parameters of each study.
    nodes : int
        A random effect.

    Returns
    -------
    Jet
        Of shape (k,), with the derivatives by d parameters.

    References
    ----------
    Liu Q, Pierce DA (1994). Biometrika 81:624-629. doi:10.1093/biomet/81.3.624
    Pinheiro JC, Bates DM (1995). J Comput Graph Stat 4:12-35. doi:10.2307/1390625
    """
    k, cells = theta.shape[1], len(theta) ** 2 * nodes ** len(arms[0].random)
    step = max(1, _CELLS // cells)
    if k > step:
        parts = [
            integrate([arm.take(part) for arm in arms], theta[:, part], nodes).terms
            for part in (slice(at, at + step) for at in range(0, k, step))
        ]
        return Jet(np.concatenate(parts, axis=1))
    constant = sum(arm.observed.constant for arm in arms)
    thetas = parameters(theta)
    effects = len(arms[0].random)
    loadings = [[_combined(thetas, row) for row in arm.random] for arm in arms]
    bases = [_combined(thetas, arm.fixed, arm.offset) for arm in arms]
    if not effects:
        return _log_density(arms, bases).only() + constant
    mode, precision = _mode(arms, bases, loadings)
    points, log_weights = grid(nodes, effects)
    root = _root(precision)
    u = _spread(mode, root, points)
    terms = _log_density(arms, _predictors(bases, loadings, u))
    for r in range(effects):
        terms = terms + u[r] * u[r] * -0.5
    terms = terms + log_weights[:, None]
    value = terms.log_sum_exp() + constant
    for r in range(effects):
        value = value - root[r][r].log().only()
    return value


@lru_cache(maxsize=32)
def grid(nodes: int, effects: int) -> tuple[Array, Array]:
    """Return the points (effects, nodes^effects) and log weights, with exp(z^2 / 2) in them."""
    z, w = np.polynomial.hermite_e.hermegauss(nodes)
    log_w = np.log(w) - np.log(w.sum()) + z**2 / 2
    index = np.array(list(product(range(nodes), repeat=effects)))
    return read_only(z[index].T), read_only(log_w[index].sum(axis=1))


def _combined(thetas: Sequence[Jet], weights: Array, offset: Array | float = 0.0) -> Jet:
    total = thetas[0] * float(weights[0])
    for theta, weight in zip(thetas[1:], weights[1:], strict=True):
        if weight:
            total = total + theta * float(weight)
    return total + offset


def _predictors(
    bases: Sequence[Jet], loadings: Sequence[Sequence[Jet]], u: Sequence[Jet]
) -> list[Jet]:
    found = []
    for base, loads in zip(bases, loadings, strict=True):
        for load, effect in zip(loads, u, strict=True):
            base = base + load * effect
        found.append(base)
    return found


def _log_density(arms: Sequence[Arm], etas: Sequence[Jet]) -> Jet:
    parts = [
        eta * arm.observed.count - eta.map(arm.observed.cumulants(eta.value, arm.observed.size, 0))
        for arm, eta in zip(arms, etas, strict=True)
    ]
    return parts[0] if len(parts) == 1 else parts[0] + parts[1]


def _mode(
    arms: Sequence[Arm], bases: Sequence[Jet], loadings: Sequence[Sequence[Jet]]
) -> tuple[list[Jet], list[list[Jet]]]:
    """Return the mode of the integrand and its curvature, both with derivatives.

    Two further Newton steps on jets, with the curvature held fixed, make the first and then the
    second derivatives of the mode exact.
    """
    start, curvature = _real_mode(
        arms,
        [base.value[0] for base in bases],
        np.array([[load.value[0] for load in loads] for loads in loadings]),
    )
    inverse = np.linalg.inv(curvature.T).T
    nothing = bases[0] * 0.0
    u = [nothing + value for value in start]
    for _ in range(2):
        score = _score(arms, _predictors(bases, loadings, u), loadings, u)
        for effect, row in enumerate(inverse):
            for part, weight in zip(score, row, strict=True):
                u[effect] = u[effect] + part * weight
    return u, _precision(arms, _predictors(bases, loadings, u), loadings)


def _score(
    arms: Sequence[Arm], etas: Sequence[Jet], loadings: Sequence[Sequence[Jet]], u: Sequence[Jet]
) -> list[Jet]:
    score = [effect * -1.0 for effect in u]
    for arm, eta, loads in zip(arms, etas, loadings, strict=True):
        seen = arm.observed
        residual = eta.map(seen.cumulants(eta.value, seen.size, 1)) * -1.0 + seen.count
        score = [part + residual * load for part, load in zip(score, loads, strict=True)]
    return score


def _precision(
    arms: Sequence[Arm], etas: Sequence[Jet], loadings: Sequence[Sequence[Jet]]
) -> list[list[Jet]]:
    """Return the curvature, 1 on the diagonal for the normal density and the rest from counts."""
    effects = len(loadings[0])
    nothing = etas[0] * 0.0
    found = [[nothing + float(r == s) for s in range(effects)] for r in range(effects)]
    for arm, eta, loads in zip(arms, etas, loadings, strict=True):
        weight = eta.map(arm.observed.cumulants(eta.value, arm.observed.size, 2))
        for r in range(effects):
            weighted = weight * loads[r]
            for s in range(r, effects):
                found[r][s] = found[s][r] = found[r][s] + weighted * loads[s]
    return found


def _root(precision: list[list[Jet]]) -> list[list[Jet]]:
    """Return the upper triangular Cholesky root R of the precision R'R, of one or two effects."""
    first = precision[0][0].power(0.5)
    if len(precision) == 1:
        return [[first]]
    across = precision[0][1] * first.power(-1.0)
    return [[first, across], [across * 0.0, (precision[1][1] - across * across).power(0.5)]]


def _spread(mode: Sequence[Jet], root: list[list[Jet]], points: Array) -> list[Jet]:
    """Return the nodes mode + R^-1 z as jets of shape (nodes, k)."""
    moved = [mode[0] * np.zeros_like(points[0])[:, None] + row[:, None] for row in points]
    for r in reversed(range(len(mode))):
        for s in range(r + 1, len(mode)):
            moved[r] = moved[r] - root[r][s] * moved[s]
        moved[r] = moved[r] * root[r][r].power(-1.0)
    return [centre + away for centre, away in zip(mode, moved, strict=True)]


def _real_mode(arms: Sequence[Arm], bases: Sequence[Array], loads: Array) -> tuple[Array, Array]:
    """Return the modes (q, k), and the curvature (q, q, k), by Newton's method.

    The log of the integrand is strictly concave, so there is one mode; steps that do not go up are
    halved.
    """
    u = _start(arms, bases, loads)
    height, step, curvature = _uphill(arms, bases, loads, u)
    before, done = np.full(height.shape, np.inf), np.zeros(height.shape, dtype=bool)
    for _ in range(_STEPS):
        gain = np.einsum("rk,rsk,sk->k", step, curvature, step) / 2
        done |= (gain <= _NOTHING) | ((gain <= _LITTLE) & (gain > before / 4))
        if done.all():
            return u + step, curvature
        for _ in range(_HALVINGS):
            new, after, curvature = _uphill(arms, bases, loads, u + step)
            worse = (new < height) & (gain > _SAFE)
            if not worse.any():
                break
            step = np.where(worse, step / 2, step)
        u, height, step, before = u + step, new, after, gain
    raise ModelError(
        "the mode of a study's likelihood was not found; check the counts for typing errors"
    )


def _start(arms: Sequence[Arm], bases: Sequence[Array], loads: Array) -> Array:
    """Return about where the modes are, as if the links of the counts were normal."""
    q, k = loads.shape[1:]
    score: Array = np.zeros((q, k))
    curvature: Array = np.zeros((q, q, k))
    curvature[range(q), range(q)] = 1.0
    for arm, base, load in zip(arms, bases, loads, strict=True):
        link, weight = arm.observed.normal()
        score = score + weight * (link - base) * load
        curvature = curvature + weight * load[:, None] * load[None]
    return _solved(curvature, score)


def _solved(curvature: Array, score: Array) -> Array:
    """Return the Newton steps (q, k) that belong to curvatures (q, q, k) and slopes (q, k)."""
    if len(score) == 1:
        return np.asarray(score / curvature[0])
    step = np.linalg.solve(np.moveaxis(curvature, -1, 0), score.T[:, :, None])
    return np.asarray(step[:, :, 0].T, dtype=np.float64)


def _uphill(
    arms: Sequence[Arm], bases: Sequence[Array], loads: Array, u: Array
) -> tuple[Array, Array, Array]:
    """Return the logs of the integrands (k,) at u, Newton's steps (q, k), and the curvature."""
    q, k = u.shape
    height: Array = -0.5 * (u**2).sum(axis=0)
    score: Array = -u
    curvature: Array = np.zeros((q, q, k))
    curvature[range(q), range(q)] = 1.0
    for arm, base, load in zip(arms, bases, loads, strict=True):
        seen = arm.observed
        eta = base + (load * u).sum(axis=0)
        total, mean, variance = (x[0] for x in seen.cumulants(eta[None], seen.size, 0))
        height = height + seen.count * eta - total
        score = score + (seen.count - mean) * load
        curvature = curvature + variance * load[:, None] * load[None]
    return height, _solved(curvature, score), curvature
