"""Fits: what the kernel returns of n data sets."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.models.student import t_tail

COEFFICIENTS = ("coefficients", "se", "statistic", "ci_low", "ci_high")


@dataclass(frozen=True, slots=True)
class Batch(Frozen):
    """Fits of n data sets: one array of shape (n,) a quantity, nan where it does not exist.

    The names are those of the columns of every refit table; ``estimate, se``, the intervals and
    ``tau2`` are on the analysis scale (``tau2`` squared), ``i2`` is a percentage.
    """

    estimate: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    tau2: Array
    i2: Array
    h2: Array
    q: Array
    q_p: Array
    k: Array

    def columns(self) -> dict[str, Array]:
        """Return the arrays by name, in the fixed order."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @property
    def complete(self) -> Mask:
        """Which data sets have an estimate, and tau2 if there are several studies."""
        return np.isfinite(self.estimate) & ((self.k < 2) | np.isfinite(self.tau2))


@dataclass(frozen=True, slots=True, eq=False)
class Outlines(Frozen):
    """What is fitted to n data sets, without intervals and tests; nan where it does not exist.

    Attributes
    ----------
    estimate, tau2, i2, q, k : arrays of shape (n,)
        As in `Batch`.
    """

    estimate: Array
    tau2: Array
    i2: Array
    q: Array
    k: Array

    @classmethod
    def blank(cls, p: int, n: int) -> dict[str, Array]:
        """Return the arrays by name for n data sets, all nan; there is one coefficient."""
        return {field.name: np.full(n, np.nan) for field in fields(cls)}

    @property
    def complete(self) -> Mask:
        """Which data sets have an estimate, and tau2 if there are several studies."""
        return np.isfinite(self.estimate) & ((self.k < 2) | np.isfinite(self.tau2))


@dataclass(frozen=True, slots=True, eq=False)
class DesignFits(Frozen):
    """Fits of n data sets with p coefficients each; nan where something does not exist.

    Attributes
    ----------
    coefficients, se, statistic, ci_low, ci_high : arrays of shape (p, n)
        On the analysis scale, per unit of the moderator.
    root : array of shape (p, p, n)
        A such that the covariances of the coefficients are AA' times ``s2``.
    s2 : array of shape (n,)
        What ``test`` multiplies the covariances by; 1 for z and t.
    df : array of shape (n,)
        Degrees of freedom of the test; inf for z.
    tau2, i2, h2, qe, k : arrays of shape (n,)
        Residual heterogeneity, the statistic of its test, and the number of studies.
    """

    coefficients: Array
    se: Array
    statistic: Array
    ci_low: Array
    ci_high: Array
    root: Array
    s2: Array
    df: Array
    tau2: Array
    i2: Array
    h2: Array
    qe: Array
    k: Array

    @property
    def p_value(self) -> Array:
        """Two-sided p-values of the coefficients, of shape (p, n)."""
        with np.errstate(all="ignore"):
            return np.asarray(2 * t_tail(self.df, np.abs(self.statistic)))

    @property
    def qe_p(self) -> Array:
        """P-value of the test of residual heterogeneity, of shape (n,)."""
        freedom = self.k - len(self.coefficients)
        with np.errstate(all="ignore"):
            return np.where(freedom > 0, special.chdtrc(freedom, self.qe), np.nan)

    @classmethod
    def blank(cls, p: int, n: int) -> dict[str, Array]:
        """Return the arrays by name for p coefficients and n data sets, all nan."""
        own = dict.fromkeys(COEFFICIENTS, (p, n)) | {"root": (p, p, n)}
        return {field.name: np.full(own.get(field.name, (n,)), np.nan) for field in fields(cls)}

    @property
    def complete(self) -> Mask:
        """Which data sets have coefficients, and tau2 if there are more studies than those."""
        estimated = np.isfinite(self.coefficients).all(axis=0)
        return estimated & ((self.k <= len(self.coefficients)) | np.isfinite(self.tau2))

    @property
    def unit_vcov(self) -> Array:
        """Covariances of the coefficients at ``s2`` = 1, of shape (p, p, n)."""
        return np.asarray(np.einsum("iln,jln->ijn", self.root, self.root))

    def wald(self, rows: Sequence[int]) -> tuple[Array, Array]:
        """Test that some coefficients are all 0.

        Parameters
        ----------
        rows : sequence of m int
            Positions of the coefficients.

        Returns
        -------
        statistic, p_value : arrays of shape (n,)
            Chi-squared on m degrees of freedom for the test z, otherwise F on m and ``df``.
        """
        index = list(rows)
        beta = self.coefficients[index]
        vcov = self.unit_vcov[np.ix_(index, index)]
        size = np.sqrt(np.einsum("iin->in", vcov))
        usable = np.isfinite(size).all(axis=0)
        correlation = np.moveaxis(vcov / (size[:, None] * size), -1, 0)[usable]
        z = (beta / size).T[usable, :, None]
        statistic = np.full(self.k.size, np.nan)
        with np.errstate(divide="ignore", invalid="ignore"):
            chi2 = (z * np.linalg.solve(correlation, z)).sum(axis=(1, 2)) / self.s2[usable]
        normal = np.isinf(self.df)
        statistic[usable] = np.where(normal[usable], chi2, chi2 / len(index))
        freedom = np.where(normal, 1.0, self.df)
        p_value = np.where(
            normal,
            special.chdtrc(len(index), statistic),
            special.fdtrc(len(index), freedom, statistic),
        )
        return statistic, np.where(np.isnan(statistic), np.nan, p_value)
