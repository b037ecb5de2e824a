"""Fitted: what pooled effects and meta-regressions have in common."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Mask, read_only
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models.design import DesignProjection
from comorbid.models.estimators import Estimator
from comorbid.models.heterogeneity import Heterogeneity, heterogeneity
from comorbid.models.inference import factor
from comorbid.models.instead import check_kind
from comorbid.models.kernel import DesignFits, Test, fit_designs
from comorbid.models.likelihood import FitStatistics, fit_statistics
from comorbid.models.projection import Projection, Solution

Pair = tuple[float, float]


def check_fitted(fit: object, **instead: str) -> None:
    """Raise `DataError` unless it is what `pool` or `regress` returns; see `check_kind`.

    For verbs that take what `multilevel` returns as well, and have done so before.
    """
    check_kind(fit, Fitted, "give what pool(), regress() or multilevel() returns", **instead)


def check_no_groups(by: str | None) -> None:
    """Raise `ModelError` if groups are given for a fit that takes its rows as independent."""
    if by is not None:
        raise ModelError(
            f"by is {by!r}, but rows of pool() and regress() are taken as independent, each by "
            "itself; leave by out, or give what multilevel() returns"
        )


@dataclass(frozen=True, slots=True, eq=False, repr=False, kw_only=True)
class Fitted(Frozen, ABC):
    """A model with a between-study variance, fitted to effects: a `Fit` or a `Regression`.

    Attributes
    ----------
    effects : Effects
        Those used.
    estimator : Estimator
        Of tau2; ``method`` is its id.
    test : {"z", "t", "knha", "adhoc"}
    level, df : float
        Of the intervals, a proportion; degrees of freedom of the tests, inf for z.
    tau2, i2, h2 : float
        Between-study variance, its percentage of the total variance, ratio of the two variances.
    k : int
        Number of studies.
    warnings : tuple of str
        What was left out, and what cannot be given.
    user_weights : array of shape (k,) or None
        The analyst's weights as given, if there are any.
    """

    effects: Effects
    estimator: Estimator
    test: Test
    level: float
    df: float
    tau2: float
    i2: float
    h2: float
    k: int
    warnings: tuple[str, ...]
    user_weights: Array | None = None

    @property
    @abstractmethod
    def x(self) -> Array:
        """The design of shape (k, p), which for a pooled effect is a column of ones."""

    @property
    @abstractmethod
    def moderators(self) -> Array | None:
        """The design as the kernel takes it: None for a mean alone."""

    @property
    @abstractmethod
    def coefficients(self) -> Array:
        """The p coefficients."""

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the coefficients; a pooled effect, which is the only one, has none."""
        return ()

    @property
    def p(self) -> int:
        """Number of coefficients."""
        return int(self.coefficients.size)

    @property
    def projection(self) -> Projection:
        """The studies as the kernel takes them, as a batch of one data set."""
        return self.design_projection

    @property
    def design_projection(self) -> DesignProjection:
        """The same with the design, whatever the model, and the studies in their own order."""
        yi, vi, weights = self.arrays
        return DesignProjection(yi, vi, self.x, weights)

    @property
    def hat(self) -> Array:
        """The hat matrix, of shape (k, k), that makes fitted values of effects."""
        return self.design_projection.hat(self.raw_weights[:, None])

    @property
    def raw_weights(self) -> Array:
        """The analyst's weights, or those of the model."""
        own: Array = 1 / (self.effects.vi + self._used_tau2)
        return own if self.user_weights is None else self.user_weights

    @property
    def weights(self) -> Array:
        """The same as percentages that sum to 100."""
        return read_only(self.raw_weights * (100 / self.raw_weights.sum()))

    @property
    def solution(self) -> Solution:
        """The coefficients at the fit's tau2, and what their tests need."""
        return self.projection.solve(self._used_tau2)

    @property
    def s2(self) -> float:
        """What the test multiplies the covariances of the coefficients by; 1 for z and t."""
        return float(factor(self.test, self.solution.q, np.array([self.k - self.p]))[0])

    @property
    def arrays(self) -> tuple[Array, Array, Array | None]:
        """Effects, variances and the analyst's weights, each of shape (k, 1)."""
        weights = None if self.user_weights is None else self.user_weights[:, None]
        return self.effects.yi[:, None], self.effects.vi[:, None], weights

    @property
    def _used_tau2(self) -> Array:
        """The tau2 that the fit is of: 0 where there is none."""
        return np.array([0.0 if np.isnan(self.tau2) else self.tau2])

    def fits_of(self, members: Mask) -> DesignFits:
        """Refit n selections of the studies, given as a boolean array of shape (k, n)."""
        if self.moderators is None and self.user_weights is None:
            # A single fit does without.
            from comorbid.models.shared_fits import fit_selections

            return fit_selections(
                self.effects.yi,
                self.effects.vi,
                members,
                estimator=self.estimator,
                test=self.test,
                level=self.level,
            )
        yi, vi, weights = self.arrays
        return fit_designs(
            np.where(members, yi, 0.0),
            np.where(members, vi, np.inf),
            self.moderators,
            estimator=self.estimator,
            test=self.test,
            level=self.level,
            weights=weights,
        )

    @property
    def method(self) -> str:
        """Id of the estimator of tau2."""
        return self.estimator.id

    @property
    def made(self) -> dict[str, Any]:
        """How the fit was made: what every result that rests on it records."""
        own = {name: getattr(self, name) for name in ("method", "test", "level", "warnings")}
        return {"measure": self.effects.measure, "ids": self.effects.ids, **own}

    @property
    def estimates_tau2(self) -> bool:
        """Whether tau2 is estimated from the data."""
        return self.estimator.id != "EE" and self.estimator.fixed is None

    @property
    def residuals(self) -> Array:
        """How far each effect is from what the model expects of it, of shape (k,)."""
        return np.asarray(self.effects.yi - self.x @ self.coefficients)

    @property
    def se_tau2(self) -> float:
        """Standard error of tau2 in large samples; nan where it is not estimated, or has none."""
        se = self.estimator.se
        if se is None or not self.estimates_tau2 or self.k <= self.p:
            return float("nan")
        with np.errstate(all="ignore"):
            return float(se(self.projection, np.array([self.tau2]))[0])

    @property
    def ml(self) -> FitStatistics:
        """Log-likelihood and criteria of model choice, by the full likelihood."""
        return self._likelihoods()[0]

    @property
    def reml(self) -> FitStatistics:
        """Log-likelihood and criteria of model choice, by the restricted likelihood."""
        return self._likelihoods()[1]

    @property
    def fit_statistics(self) -> FitStatistics:
        """Those of the likelihood that the method maximises; for others the full one."""
        return self.reml if self.method == "REML" else self.ml

    @property
    def log_likelihood(self) -> float:
        """Log-likelihood, restricted for REML."""
        return self.fit_statistics.log_likelihood

    @property
    def deviance(self) -> float:
        """Deviance from the model that fits every effect; for REML -2 times the likelihood."""
        return self.fit_statistics.deviance

    @property
    def aic(self) -> float:
        """Akaike's criterion."""
        return self.fit_statistics.aic

    @property
    def aicc(self) -> float:
        """Akaike's criterion for few studies."""
        return self.fit_statistics.aicc

    @property
    def bic(self) -> float:
        """Schwarz's criterion."""
        return self.fit_statistics.bic

    def tau2_ci(self, method: str = "QP", level: float | None = None) -> Pair:
        """Return the interval of tau2 by Q-profile, or another `method`: see `heterogeneity`."""
        return heterogeneity(self, method=method, level=level).tau2_ci

    def heterogeneity(self, method: str = "QP", level: float | None = None) -> Heterogeneity:
        """Return tau2, tau, I2 and H2 with their intervals: see `heterogeneity`."""
        return heterogeneity(self, method=method, level=level)

    def _by_the_analyst(self) -> dict[str, Any]:
        """Return what the analyst set in place of the model, if anything."""
        given: dict[str, Any] = {}
        if self.estimator.fixed is not None:
            given["tau2_fixed"] = self.estimator.fixed
        if self.user_weights is not None:
            given["user_weights"] = self.user_weights.tolist()
        return given

    def _likelihoods(self) -> tuple[FitStatistics, FitStatistics]:
        data, only = self.projection, np.zeros(1, dtype=np.intp)
        tau2 = self._used_tau2
        with np.errstate(all="ignore"):
            at, saturated = data.at(tau2, only), data.at(np.zeros(1), only)
            return fit_statistics(
                log_w=float(at.log_w[0]),
                q=float(data.solve(tau2).rest[0]),
                log_xwx=float(at.log_xwx[0]),
                log_xx=float(data.log_xx[0]),
                saturated=float(saturated.log_w[0]),
                k=self.k,
                p=self.p,
                m=self.p + self.estimates_tau2,
            )
