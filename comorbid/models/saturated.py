"""Saturated: models with an effect for each study, and the two tests of heterogeneity they give."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.arrow import maximise
from comorbid.models.climbs import climb
from comorbid.models.count_models import at_edge, saturated_random_studies
from comorbid.models.cumulants import Observed
from comorbid.models.jets import Jet
from comorbid.models.quadrature import Arm, integrate


@dataclass(frozen=True, slots=True)
class Saturated:
    """The log-likelihood with an effect for each study, and Wald's test that all are the same."""

    log_likelihood: float
    wald: float


def saturated(
    groups: Sequence[Observed], offset: Array, *, random_studies: bool, nodes: int
) -> Saturated:
    """Fit an effect for each study; infinite ones have no weight in Wald's statistic.

    Parameters
    ----------
    groups : sequence of Observed
        One, or two whose difference is the effect.
    offset : array of shape (k,)
        What the link of a single group has beside its effect.
    random_studies : bool
        Whether the second group's links are random, as in UM.RS.
    nodes : int
    """
    if random_studies:
        return _random(groups, nodes)
    eta, variance, height = -offset, np.zeros(1), 0.0
    for sign, group in zip((1.0, -1.0), groups, strict=False):
        own, spread, highest = _own(group)
        eta, variance, height = eta + sign * own, variance + spread, height + highest
    finite = np.isfinite(variance)
    nothing = np.zeros((0, int(finite.sum())))
    wald = _q(eta[finite], 1 / variance[finite], nothing, np.zeros((0, 0)))
    return Saturated(height, wald)


def _own(group: Observed) -> tuple[Array, Array, float]:
    """Return each study's own link, its variance, and the sum of the log-likelihoods.

    At an edge the link is infinite and the likelihood 1.
    """
    inside = ~at_edge(group)
    eta, variance = np.zeros(inside.size), np.full(inside.size, np.inf)
    if not inside.any():
        return eta, variance, 0.0
    k = int(inside.sum())
    arm = Arm(group.take(inside), np.ones(1), np.zeros((0, 1)), np.zeros(k))

    def likelihood(theta: Array) -> Jet:
        return Jet(integrate((arm,), theta[..., 0], 1).terms[..., None])

    (found,) = maximise(likelihood, np.zeros((k, 1)), np.zeros((0, 1)), k)
    if not found.reached:
        raise ModelError("the effects of single tables were not found; check the counts")
    _, _, information = arm.observed.cumulants(found.own[None], arm.observed.size, 0)
    eta[inside], variance[inside] = found.own, 1 / information[0]
    return eta, variance, found.log_likelihood


def _random(groups: Sequence[Observed], nodes: int) -> Saturated:
    model = saturated_random_studies(groups)
    top = climb(model, nodes).top
    finite = ~at_edge(groups[0])
    theta = np.vstack([top.own, np.repeat(top.common[:, None], top.own.size, axis=1)])
    hessian = integrate(model.arms, theta, nodes).second
    own, across = -hessian[0, 0, finite], -hessian[0, 1:][:, finite]
    common = -hessian[1:, 1:].sum(axis=-1)
    return Saturated(top.log_likelihood, _q(top.own[finite], own, across, common))


def _q(values: Array, own: Array, across: Array, common: Array) -> float:
    """Return the squared distance of values from their weighted mean, in their own metric.

    The metric is the information diag(own) - across' common^-1 across, never formed. Of fewer than
    two values there is no distance: nan.
    """
    if values.size < 2:
        return math.nan

    def weighted(x: Array) -> Array:
        return np.asarray(own * x - across.T @ np.linalg.solve(common, across @ x))

    weight = weighted(np.ones_like(values))
    away = values - (weight @ values) / weight.sum()
    return float(max(0.0, away @ weighted(away)))
