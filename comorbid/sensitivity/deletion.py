"""Deletion: the fit without each study, as residuals, influence and Baujat's plot need it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.fits import DesignFits
from comorbid.models.fitted import Fitted, check_fitted
from comorbid.sensitivity.refitting import refit_designs

_CELLS = 2**20


@dataclass(frozen=True, slots=True)
class Deletion:
    """The fits without each study; nan where a refit does not exist.

    ``fits`` are the k refits; ``tau2`` of shape (k,) is theirs, of an equal-effects model 0;
    ``root`` of shape (p, p, k) is a root of the covariances that the coefficients of all studies
    have at that tau2, without the factor of the test; ``reasons`` say what is missing.
    """

    fits: DesignFits
    tau2: Array
    root: Array
    reasons: tuple[str, ...]

    def residuals(self, fit: Fitted) -> Array:
        """Return each study's distance from what the fit without it expects."""
        return np.asarray(fit.effects.yi - (fit.x.T * self.fits.coefficients).sum(axis=0))

    def expected_variances(self, fit: Fitted) -> Array:
        """Return the variances of what the fit without each study expects of it."""
        return self.fits.s2 * variances(fit.x, self.fits.root)

    def residual_se(self, fit: Fitted) -> Array:
        """Return the standard errors of the residuals."""
        own = self.fits.s2 * (fit.effects.vi + self.tau2)
        return np.sqrt(own + self.expected_variances(fit))


def variances(x: Array, root: Array) -> Array:
    """Return x'AA'x for each row x of (k, p), with A from ``root`` of shape (p, p, k)."""
    return np.asarray((np.einsum("kp,pqk->qk", x, root) ** 2).sum(axis=0))


def deletion(fit: Fitted) -> Deletion:
    """Refit without each study."""
    check_fitted(fit)
    everything = np.arange(fit.k)
    fits, reasons = refit_designs(
        fit,
        lambda part: everything[:, None] != everything[part],
        k=np.full(fit.k, fit.k - 1, dtype=np.intp),
    )
    tau2 = fits.tau2
    if fit.method == "EE":
        tau2 = np.where(np.isfinite(fits.coefficients).all(axis=0), 0.0, np.nan)
    return Deletion(fits, tau2, _root(fit, tau2), reasons)


def _root(fit: Fitted, tau2: Array) -> Array:
    """Return a root of the covariances of the coefficients of all studies at each tau2."""
    data = fit.projection
    root = np.empty((fit.p, fit.p, tau2.size))
    size = max(1, _CELLS // (fit.k * fit.p))
    with np.errstate(divide="ignore", invalid="ignore"):
        for start in range(0, tau2.size, size):
            values = tau2[start : start + size]
            copies = data.take(np.zeros(values.size, dtype=np.intp))
            root[..., start : start + size] = copies.solve(values).root
    return root
