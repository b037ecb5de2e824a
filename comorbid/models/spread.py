"""Spread: what a fit tells of how far the true effects differ, as far as it tells anything."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from comorbid.effects.arrays import Frozen
from comorbid.models.fit import pool
from comorbid.models.heterogeneity import Heterogeneity
from comorbid.models.likelihood import likelihood_of
from comorbid.models.maxima import all_maxima
from comorbid.models.pooled import Fit
from comorbid.models.profiles import Profile, profile


@dataclass(frozen=True, slots=True, eq=False)
class Spread(Frozen):
    """Intervals and likelihood of the between-study variance; made by `spread`.

    Attributes
    ----------
    intervals : Heterogeneity or None
        tau2, tau, I2 and H2 with their Q-profile intervals.
    likely : Heterogeneity or None
        The same by profile likelihood, at the maximum: that of the fit's own likelihood, for other
        methods the restricted one.
    curve : Profile or None
        That likelihood where tau2 is 0, and where it is highest.
    peaks : tuple of float
        Where it has a local maximum, from the smallest tau2 on.
    reason : str
        Why there is none of them, or empty.
    """

    intervals: Heterogeneity | None
    likely: Heterogeneity | None
    curve: Profile | None
    peaks: tuple[float, ...]
    reason: str

    def to_dict(self) -> dict[str, Any]:
        """Return the parts as plain values, without those that there are not."""
        found: dict[str, Any] = {"reason": self.reason}
        for name, part in (("intervals", self.intervals), ("likely", self.likely)):
            if part is not None:
                rows = part.to_frame()
                columns = {column: rows[column].tolist() for column in rows}
                found[name] = {**part.to_dict(), "quantity": list(rows.index), **columns}
        if self.curve is not None:
            curve = self.curve
            found["curve"] = {
                **{name: getattr(curve, name) for name in ("kind", "best", "maximum", "cut")},
                "drop": curve.maximum - curve.cut,
                "tau2_zero": 0.0,
                "log_likelihood_zero": float(curve.log_likelihood[0]),
                "peaks": len(self.peaks),
                "peaks_tau2": list(self.peaks),
            }
        return found


def spread(fit: Fit) -> Spread:
    """Return the intervals of the between-study variance, or why there are none."""
    reason = ""
    if fit.method == "EE":
        reason = "the equal-effects model takes all studies to have one true effect"
    elif fit.estimator.fixed is not None:
        reason = "tau2 was set and not estimated"
    elif fit.k < 2:
        reason = "one study says nothing about differences between studies"
    if reason:
        return Spread(None, None, None, (), reason)
    method = fit.method if fit.method in ("ML", "REML") else "REML"
    best = pool(fit.effects, method=method, test=fit.test, level=fit.level)
    curve = profile(best, tau2=[0.0, best.tau2])
    peaks = tuple(sorted(all_maxima(best.projection, likelihood_of(method)).tau2.tolist()))
    return Spread(fit.heterogeneity(), best.heterogeneity("PL"), curve, peaks, "")
