"""Fits of many designs at once: the kernel with moderators."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.design import DesignProjection
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import Test, t_quantile, t_tail

# Numbers held at a time: k * p of them a data set.
_CELLS = 2**18


@dataclass(frozen=True, slots=True, eq=False)
class DesignFits:
    """Fits of n data sets with p coefficients each; nan where something does not exist.

    Attributes
    ----------
    coefficients, se, statistic, p_value, ci_low, ci_high : arrays of shape (p, n)
        On the analysis scale, per unit of the moderator.
    root : array of shape (p, p, n)
        A such that the covariances of the coefficients are AA' times ``s2``.
    s2 : array of shape (n,)
        What ``test`` multiplies the covariances by; 1 for z and t.
    df : array of shape (n,)
        Degrees of freedom of the test; inf for z.
    tau2, i2, h2, qe, qe_p, k : arrays of shape (n,)
        Residual heterogeneity, its test, and the number of studies.
    """

    coefficients: Array
    se: Array
    statistic: Array
    p_value: Array
    ci_low: Array
    ci_high: Array
    root: Array
    s2: Array
    df: Array
    tau2: Array
    i2: Array
    h2: Array
    qe: Array
    qe_p: Array
    k: Array

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


def fit_designs(
    yi: Array, vi: Array, x: Array, *, estimator: Estimator, test: Test, level: float
) -> DesignFits:
    r"""Fit the mixed-effects meta-regression to n data sets.

    .. math:: y_i = x_i'\beta + u_i + e_i, \qquad
       \hat\beta = (X'WX)^{-1}X'Wy, \quad \mathrm{cov}\,\hat\beta = s^2 (X'WX)^{-1}, \quad
       w_i = \frac1{v_i + \hat\tau^2}

    with :math:`s^2 = 1` for the tests z and t,
    :math:`s^2 = \sum w_i (y_i - x_i'\hat\beta)^2 / (k - p)` for knha, and the larger of the two
    for adhoc.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    x : array of shape (k, p) or (k, p, n)
        The design, with its column of ones if it has an intercept; shared or one a data set.
    estimator : Estimator
        Of tau2; one that knows moderators.
    test : {"z", "t", "knha", "adhoc"}
        Standard normal, or t with k - p degrees of freedom.
    level : float
        Of the intervals, a proportion.

    Returns
    -------
    DesignFits
        All is nan where the studies cannot tell the coefficients apart. With as many studies as
        coefficients there is no tau2 and the tests are z.

    Raises
    ------
    ModelError
        If the estimator knows no moderators.

    References
    ----------
    Berkey CS, Hoaglin DC, Mosteller F, Colditz GA (1995). Statistics in Medicine 14:395-411.
    doi:10.1002/sim.4780140406
    Knapp G, Hartung J (2003). Statistics in Medicine 22:2693-2710. doi:10.1002/sim.1482

    Examples
    --------
    Two data sets with the same design, the second without the last study:

    >>> from comorbid.models.settings import find_estimator
    >>> x = np.column_stack([np.ones(4), [0.0, 1.0, 2.0, 3.0]])
    >>> yi = np.array([[0.1, 0.1], [0.4, 0.4], [0.3, 0.3], [0.9, 0.9]])
    >>> vi = np.array([[0.02, 0.02], [0.03, 0.03], [0.02, 0.02], [0.04, np.inf]])
    >>> fits = fit_designs(yi, vi, x, estimator=find_estimator("DL"), test="z", level=0.95)
    >>> fits.coefficients[1].round(3).tolist(), fits.k.tolist()
    ([0.214, 0.1], [4.0, 3.0])
    """
    if estimator.moderated is None:
        raise ModelError(f"the estimator {estimator.id} of tau2 knows no moderators")
    size = max(1, _CELLS // max(1, x.shape[0] * x.shape[1]))
    blocks = [slice(start, start + size) for start in range(0, max(1, yi.shape[1]), size)]
    parts = [
        _fit_block(yi[:, at], vi[:, at], x[..., at] if x.ndim == 3 else x, estimator, test, level)
        for at in blocks
    ]
    if len(parts) == 1:
        return parts[0]
    joined = {
        field.name: np.concatenate([getattr(part, field.name) for part in parts], axis=-1)
        for field in fields(DesignFits)
    }
    return DesignFits(**joined)


def _fit_block(
    yi: Array, vi: Array, x: Array, estimator: Estimator, test: Test, level: float
) -> DesignFits:
    # Numbers that overflow become nan or inf, which estimators and results show.
    with np.errstate(all="ignore"):
        data = DesignProjection(yi, vi, x)
        tau2 = np.where(data.estimable, 0.0, np.nan)
        several = np.flatnonzero(data.estimable & (data.k > data.p))
        if several.size and estimator.moderated is not None:
            part = data if several.size == data.k.size else data.take(several)
            tau2[several] = estimator.moderated(part)
        return _infer(data, tau2, estimator.id == "EE", test, level)


def _infer(
    data: DesignProjection, tau2: Array, equal: bool, test: Test, level: float
) -> DesignFits:
    """Everything that follows from tau2; divisions by zero stand for what does not exist."""
    everything = np.arange(data.k.size)
    fixed = data.at(np.zeros(data.k.size), everything)
    beta, root = data.coefficients(tau2)
    several = data.estimable & (data.k > data.p)
    freedom = np.where(several, data.k - data.p, np.nan)
    scale = np.ones(data.k.size)
    if test in ("knha", "adhoc"):
        scale = np.where(several, data.at(tau2, everything).q / freedom, 1.0)
    if test == "adhoc":
        scale = np.maximum(1.0, scale)
    df = np.where(several, freedom, np.inf) if test != "z" else np.full(data.k.size, np.inf)
    se = np.sqrt(scale * (root**2).sum(axis=1))
    half = t_quantile(df, (1 + level) / 2) * se
    statistic = beta / se
    typical = freedom / fixed.trace_p
    i2_equal = np.where(fixed.q > 0, np.maximum(0.0, 100 * (1 - freedom / fixed.q)), 0.0)
    values = {
        "tau2": tau2,
        "i2": i2_equal if equal else 100 * tau2 / (tau2 + typical),
        "h2": fixed.q / freedom if equal else tau2 / typical + 1,
        "qe": fixed.q,
        "qe_p": special.chdtrc(freedom, fixed.q),
    }
    return DesignFits(
        coefficients=beta,
        se=se,
        statistic=statistic,
        p_value=2 * t_tail(df, np.abs(statistic)),
        ci_low=beta - half,
        ci_high=beta + half,
        root=root,
        s2=scale,
        df=df,
        **{name: np.where(several, value, np.nan) for name, value in values.items()},
        k=data.k,
    )
