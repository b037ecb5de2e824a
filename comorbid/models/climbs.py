"""Climbs: from several starts to the global maximum of a count model's likelihood."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.arrow import Likelihood, Maximum, maximise, step_from
from comorbid.models.count_models import CountModel
from comorbid.models.jets import Jet
from comorbid.models.quadrature import integrate

MOST_NODES = 100
# Standard deviations of the random effects, on the log scale: from near 0, from what meta-analyses
# of ratios have, and from far more. All climb, so that the end is no lower than at about 0.
_STARTS = (0.02, 0.5, 1.5)
_SAME, _NEAR_ZERO, _FAR = 1e-6, 1e-3, 30.0


@dataclass(frozen=True, slots=True, eq=False)
class Climb:
    """The highest maximum, the number of starts, and how many of them led there."""

    top: Maximum
    starts: int
    agreed: int


def climb(model: CountModel, nodes: int, *, after: Maximum | None = None) -> Climb:
    """Return the global maximum, as far as the starts find it.

    Parameters
    ----------
    model : CountModel
    nodes : int
        Of the quadrature.
    after : Maximum, optional
        That of the same model without its last random effect, to start from.

    Raises
    ------
    ModelError
        If no start leads to a maximum at which all parameters are determined.
    """
    own, common = model.own, model.common.copy()
    if after is not None:
        own, common[: after.common.size] = after.own, after.common
    begin = [common]
    if model.scales:
        begin = [off_zero(model, _at(common, model.scales[-1], start)) for start in _STARTS]
    found = _maximise(model, nodes, [own] * len(begin), begin)
    if model.scales and not all(each.curved for each in found):
        # where a standard deviation is 0 the gradient is too: off the saddle, and on
        begin = [each.common if each.curved else off_zero(model, each.common) for each in found]
        found = _maximise(model, nodes, [each.own for each in found], begin)
    maxima = [each for each in found if each.curved]
    if not maxima:
        raise ModelError(_NONE)
    top = max(maxima, key=lambda each: each.log_likelihood)
    if np.abs(top.common - model.common).max(initial=0.0) > _FAR:
        raise ModelError(_ENDLESS)
    agreed = sum(each.log_likelihood >= top.log_likelihood - _SAME for each in maxima)
    return Climb(_settled(model, top, nodes), len(found), agreed)


_REMEDY = "use method 'EE', a model with fewer parameters, or penalised_logistic()"
_NONE = (
    "the likelihood has no maximum at which all parameters are determined: the tables hold too "
    f"little for this model; {_REMEDY}"
)
_ENDLESS = f"the likelihood goes up without end as a parameter grows; {_REMEDY}"


def _maximise(
    model: CountModel, nodes: int, own: list[Array], common: list[Array]
) -> list[Maximum]:
    likelihood, k = likelihood_of(model, nodes, len(common)), model.arms[0].offset.size
    return maximise(likelihood, np.stack(own, axis=1), np.stack(common, axis=1), k)


def likelihood_of(model: CountModel, nodes: int, n: int) -> Likelihood:
    """Return the log-likelihoods of the studies as a function of n sets of parameters."""
    k = model.arms[0].offset.size
    arms = [arm.take(np.repeat(np.arange(k), n)) for arm in model.arms] if n > 1 else model.arms

    def likelihood(theta: Array) -> Jet:
        jet = integrate(arms, theta.reshape(len(theta), k * n), nodes)
        return Jet(jet.terms.reshape(-1, k, n))

    return likelihood


def inexactness(model: CountModel, top: Maximum, nodes: int) -> float:
    """Return how far more nodes would move the effect or its spread, in standard errors.

    By one step of Newton's method from the maximum, with more than twice as many nodes.
    """
    more = likelihood_of(model, min(2 * nodes + 5, MOST_NODES), 1)
    step = step_from(more, top, model.arms[0].offset.size)
    places = [model.effect, model.scales[-1]]
    spread = np.sqrt(np.diag(np.linalg.inv(top.information)))
    return float((np.abs(step) / spread)[places].max())


def _settled(model: CountModel, found: Maximum, nodes: int) -> Maximum:
    """Return it with standard deviations that are not negative, and 0 where 0 is as good."""
    for place in model.scales:
        if 0 < abs(found.common[place]) < _NEAR_ZERO:
            zero = _at(found.common, place, 0.0)
            (again,) = _maximise(model, nodes, [found.own], [zero])
            if again.curved and again.log_likelihood >= found.log_likelihood - 1e-9:
                found = again
    common = found.common.copy()
    places = list(model.scales)
    if model.correlated and common[places[0]] < 0:
        common[-1] *= -1
    common[places] = np.abs(common[places])
    # the information turns with the signs of the parameters
    sign = np.where(common * found.common < 0, -1.0, 1.0)
    return replace(found, common=common, information=found.information * np.outer(sign, sign))


def off_zero(model: CountModel, common: Array) -> Array:
    """Return the parameters with standard deviations off 0, where the slope is 0 as well."""
    moved, places = common.copy(), list(model.scales)
    moved[places] = np.maximum(np.abs(moved[places]), _STARTS[0])
    return moved


def _at(common: Array, place: int, value: float) -> Array:
    moved = common.copy()
    moved[place] = value
    return moved
