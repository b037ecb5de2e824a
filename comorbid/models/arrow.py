"""Arrow: maxima of likelihoods with one nuisance parameter a study beside a few common ones.

The Hessian has the shape of an arrow, so a Newton step costs k divisions and one small system.
Several starts climb at once.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.jets import Jet

Likelihood = Callable[[Array], Jet]

_STEPS, _HALVINGS, _FARTHEST = 100, 30, 1.0
# A step that gains less than this, in log-likelihood, is lost in the rounding of the likelihood: it
# is taken as it is, until a step gains nothing or gains no longer fall.
_LITTLE, _NOTHING = 1e-9, 1e-18
# With counts of millions more is lost: so is then a step that gains less than this, and seems none.
_LOST = 1e-6


@dataclass(frozen=True, slots=True, eq=False)
class Maximum:
    """Where a climb ended, and the curvature there.

    ``own`` are the studies' parameters, of shape (k,), or (0,) where there are none; ``common``
    the others. ``information`` (c, c) is that of the common ones with the studies' own taken as
    unknown. ``gain`` is what a further Newton step would add to the log-likelihood; ``reached``
    says that it is nothing but rounding.
    """

    own: Array
    common: Array
    log_likelihood: float
    information: Array
    gain: float
    reached: bool

    @property
    def curved(self) -> bool:
        """Whether the likelihood falls off in every direction."""
        if not self.common.size:
            return self.reached
        return self.reached and bool(np.linalg.eigvalsh(self.information)[0] > 0)


@dataclass(frozen=True, slots=True, eq=False)
class _Step:
    """Newton's steps of n climbs, the information, and what they would gain."""

    own: Array
    common: Array
    information: Array
    gain: Array


def maximise(likelihood: Likelihood, own: Array, common: Array, k: int) -> list[Maximum]:
    """Climb from n starts by Newton's method, with steps that always go up.

    Parameters
    ----------
    likelihood : callable
        ``likelihood(theta) -> Jet`` of shape (k, n), where ``theta`` has shape (d, k, n): the
        study's own parameter first, if it has one, then the common ones.
    own : array of shape (k, n) or (0, n)
    common : array of shape (c, n)
    k : int
        Number of studies.
    """
    jet = likelihood(_theta(own, common, k))
    total = jet.value.sum(axis=0)
    before = np.full(total.shape, np.inf)
    stuck, little = np.zeros(total.shape, dtype=bool), np.full(total.shape, _LITTLE)
    for _ in range(_STEPS):
        step = _newton(jet, bool(len(own)))
        sure = step.gain <= little
        reached = (step.gain <= _NOTHING) | (sure & (step.gain > before / 4))
        if (reached | stuck).all():
            break
        longest = np.vstack([np.abs(step.common), np.abs(step.own) / 3]).max(axis=0)
        scale = np.where(reached | stuck, 0.0, _FARTHEST / np.maximum(longest, _FARTHEST))
        for _ in range(_HALVINGS):
            tried = own + scale * step.own, common + scale * step.common
            jet = likelihood(_theta(*tried, k))
            new = jet.value.sum(axis=0)
            worse = ~((new > total) | sure | stuck)
            if not worse.any():
                break
            scale = np.where(worse, scale / 2, scale)
        lost = worse & (step.gain <= _LOST) & (little < _LOST)
        stuck, little = stuck | (worse & ~lost), np.where(lost, _LOST, little)
        (own, common), total, before = tried, new, np.where(lost, np.inf, step.gain)
    return [
        Maximum(
            own=own[:, i],
            common=common[:, i],
            log_likelihood=float(total[i]),
            information=step.information[i],
            gain=float(step.gain[i]),
            reached=bool(reached[i]),
        )
        for i in range(total.size)
    ]


def step_from(likelihood: Likelihood, at: Maximum, k: int) -> Array:
    """Return Newton's step of the common parameters from where another likelihood is highest."""
    own = at.own[:, None] if at.own.size else np.zeros((0, 1))
    jet = likelihood(_theta(own, at.common[:, None], k))
    return _newton(jet, bool(len(own))).common[:, 0]


def _theta(own: Array, common: Array, k: int) -> Array:
    shared = np.repeat(common[:, None], k, axis=1)
    return np.concatenate([own[None], shared]) if len(own) else shared


def _newton(jet: Jet, nuisance: bool) -> _Step:
    gradient, hessian = jet.first, jet.second
    if not nuisance:
        score, information = gradient.sum(axis=1), -hessian.sum(axis=2)
        information, step = _solved(information, score)
        return _Step(np.zeros((0, step.shape[1])), step, information, (score * step).sum(0) / 2)
    curvature = np.abs(hessian[0, 0])
    own = np.where(curvature > 1e-12, curvature, 1.0)
    across = hessian[0, 1:]
    share = across / own
    information = -hessian[1:, 1:].sum(axis=2) - np.einsum("akn,bkn->abn", share, across)
    score = gradient[1:].sum(axis=1)
    information, step = _solved(information, score + (share * gradient[0]).sum(axis=1))
    step_own = (gradient[0] + (across * step[:, None]).sum(axis=0)) / own
    gain = (score * step).sum(axis=0) + (gradient[0] * step_own).sum(axis=0)
    return _Step(step_own, step, information, gain / 2)


def _solved(information: Array, score: Array) -> tuple[Array, Array]:
    """Return the information as (n, c, c), and steps, up also where the likelihood curves up."""
    information = np.moveaxis(information, -1, 0)
    if not len(score):
        return information, score
    values, vectors = np.linalg.eigh(information)
    values = np.abs(values)
    values = np.maximum(values, 1e-10 * np.maximum(values.max(axis=1, keepdims=True), 1e-300))
    turned = np.einsum("nca,cn->na", vectors, score) / values
    return information, np.einsum("nca,na->cn", vectors, turned)
