"""Count models: the likelihoods that one-step models have for tables of counts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from comorbid.effects.arrays import Array, Mask
from comorbid.models.cumulants import Observed, support
from comorbid.models.quadrature import Arm

Model = Literal["UM.FS", "UM.RS", "CM.EL", "CM.AL"]
Cor = Literal["no", "yes"]

# Group 1 has half the study's deviation from the mean effect added, group 2 taken away.
_HALF = (0.5, -0.5)


@dataclass(frozen=True, slots=True, eq=False)
class CountModel:
    """A model of k studies, with where the climb to its maximum starts.

    ``own`` are parameters of single studies (the study effects of UM.FS), ``common`` those of
    all; ``effect`` is the place of the pooled effect among the common ones, ``scales`` the places
    of standard deviations of random effects, that of the pooled effect last.
    """

    arms: tuple[Arm, ...]
    own: Array
    common: Array
    effect: int
    scales: tuple[int, ...]
    correlated: bool = False


def one_group(counted: Observed, random: bool) -> CountModel:
    """Return the model of a logit or log rate in one group."""
    pooled = np.array([_middle(counted)])
    return _single(counted, np.zeros(counted.count.size), pooled, random)


def conditional(counted: Observed, offset: Array, random: bool) -> CountModel:
    """Return the model of events of group 1, given those of both groups."""
    return _single(counted, offset, np.zeros(1), random)


def _single(counted: Observed, offset: Array, pooled: Array, random: bool) -> CountModel:
    if not random:
        arm = Arm(counted, np.ones(1), np.zeros((0, 1)), offset)
        return CountModel((arm,), np.zeros(0), pooled, 0, ())
    arm = Arm(counted, np.array([1.0, 0.0]), np.array([[0.0, 1.0]]), offset)
    return CountModel((arm,), np.zeros(0), np.append(pooled, 0.0), 0, (1,))


def fixed_studies(groups: Sequence[Observed], random: bool) -> CountModel:
    """Return UM.FS: eta = m_i + beta x + tau z u_i, with x = 1, 0 and z = 1/2, -1/2 by group."""
    fixed = np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]])
    loads = np.array([[[0.0, 0.0, half]] for half in _HALF])
    d = 3 if random else 2
    loads = loads[:, : int(random), :d]
    arms = _two(groups, fixed[:, :d], loads)
    own = (groups[0].normal()[0] + groups[1].normal()[0]) / 2
    return CountModel(arms, own, np.zeros(d - 1), 0, (1,) if random else ())


def random_studies(groups: Sequence[Observed], random: bool, cor: Cor) -> CountModel:
    """Return UM.RS: eta = alpha + beta x + sigma u_i + tau z w_i, with z = 1/2, -1/2 by group.

    With ``cor``, tau w_i is a u_i + b w_i.
    """
    correlated = random and cor == "yes"
    d = 3 + random + correlated
    fixed = np.zeros((2, d))
    fixed[:, :2] = [[1.0, 1.0], [1.0, 0.0]]
    loads = np.zeros((2, 1 + random, d))
    for group, half in enumerate(_HALF):
        loads[group, 0, 2] = 1.0
        if random:
            loads[group, 1, 3] = half
        if correlated:
            loads[group, 0, 4] = half
    arms = _two(groups, fixed, loads)
    first, second = (_middle(group) for group in groups)
    common = np.zeros(d)
    common[:2] = second, first - second
    return CountModel(arms, np.zeros(0), common, 1, tuple(range(2, 3 + random)), correlated)


def saturated_random_studies(groups: Sequence[Observed]) -> CountModel:
    """Return UM.RS with an effect of its own for each study, which is ``own``.

    A group 1 without events, or with nothing else, has the likelihood 1 in the limit: left out.
    """
    first, second = groups
    extreme = at_edge(first)
    fixed = np.array([[1.0, 1.0, 0.0], [0.0, 1.0, 0.0]])
    loads = np.array([[[0.0, 0.0, 1.0]]] * 2)
    arms = _two((first.without(extreme), second), fixed, loads)
    own = np.where(extreme, 0.0, first.normal()[0] - second.normal()[0])
    return CountModel(arms, own, np.array([_middle(second), 0.5]), 0, (1,))


def _two(observed: Sequence[Observed], fixed: Array, loads: Array) -> tuple[Arm, ...]:
    offset = np.zeros(observed[0].count.size)
    return tuple(Arm(seen, fixed[g], loads[g], offset) for g, seen in enumerate(observed))


def at_edge(observed: Observed) -> Mask:
    """Return which counts are the least or the largest there could be."""
    low, high = edges(observed)
    return np.asarray((observed.count == low) | (observed.count == high))


def edges(observed: Observed) -> tuple[Array, Array]:
    """Return the least and the largest that each count could be."""
    if observed.size.ndim == 2:
        return support(*observed.size)
    zero = np.zeros(observed.count.size)
    return zero, (np.full_like(zero, np.inf) if observed.unbounded else observed.size)


def _middle(observed: Observed) -> float:
    """Return the log odds or log rate of all studies together."""
    whole = replace(observed, count=observed.count.sum(keepdims=True))
    return float(replace(whole, size=observed.size.sum(keepdims=True)).normal()[0][0])
