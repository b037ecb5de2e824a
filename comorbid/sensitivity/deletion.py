"""Deletion: the fit without each study, as residuals, influence and Baujat's plot need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.sensitivity.leave_one_out import leave_one_out

_CELLS = 2**20


@dataclass(frozen=True, slots=True)
class Deletion:
    """The fits without each study; arrays of shape (k,), nan where a refit does not exist.

    ``estimate, se, tau2, q`` are those of the fit without the study, ``tau2`` of an equal-effects
    model 0, also where one study is left; ``factor`` is the square of the Knapp-Hartung factor of
    ``se``, or 1; ``variance`` is that of the mean of all studies at this tau2, without the factor;
    ``reasons`` say what is missing.
    """

    estimate: Array
    se: Array
    tau2: Array
    q: Array
    factor: Array
    variance: Array
    reasons: tuple[str, ...]

    def residual_se(self, vi: Array) -> Array:
        """Return the standard error of each study's distance from the fit without it."""
        return np.sqrt(self.factor * (vi + self.tau2) + self.se**2)


def deletion(fit: Fit) -> Deletion:
    """Refit without each study."""
    refits = leave_one_out(fit)
    batch, vi = refits.batch, fit.effects.vi
    tau2 = deleted_tau2(refits)
    with np.errstate(divide="ignore", invalid="ignore"):
        everyone, others = _variances(vi, tau2, fit.user_weights)
        scaled = fit.test in ("knha", "adhoc")
        factor = batch.se**2 / others if scaled else np.ones(fit.k)
    return Deletion(batch.estimate, batch.se, tau2, batch.q, factor, everyone, refits.reasons)


def deleted_tau2(refits: Refits) -> Array:
    """Return tau2 without each study; 0 in equal-effects models wherever there is an estimate."""
    if refits.method == "EE":
        return np.where(np.isfinite(refits.batch.estimate), 0.0, np.nan)
    return refits.batch.tau2


def _variances(vi: Array, tau2: Array, weights: Array | None) -> tuple[Array, Array]:
    """Return variances of the mean at k values of tau2: of all studies, and without study i.

    With weights a they are sum(a^2 (vi + tau2)) / sum(a)^2; without, those of the model's weights.
    """
    everyone, others = np.empty(vi.size), np.empty(vi.size)
    size = max(1, _CELLS // vi.size)
    for start in range(0, vi.size, size):
        part = np.arange(start, min(start + size, vi.size))
        total = vi[:, None] + tau2[part]
        a = 1 / total if weights is None else np.repeat(weights[:, None], part.size, axis=1)
        everyone[part] = (a**2 * total).sum(axis=0) / a.sum(axis=0) ** 2
        a[part, part - start] = 0.0
        others[part] = (a**2 * total).sum(axis=0) / a.sum(axis=0) ** 2
    return everyone, others
