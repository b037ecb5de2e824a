"""Influence on meta-regressions: how strongly each study pulls on the coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.checks import check_type
from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.models import text
from comorbid.models.design import DesignProjection
from comorbid.models.design_fits import DesignFits, fit_designs

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.regression_result import Regression

_COLUMNS = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight")


@dataclass(frozen=True, slots=True, eq=False)
class RegressionInfluence(Frozen):
    r"""Influence of each study on a meta-regression; made by `regression_influence`.

    Attributes
    ----------
    labels : tuple of k str
        The studies.
    names : tuple of p str
        The coefficients.
    rstudent : array of shape (k,)
        Standardised deleted residual.
    dffits : array of shape (k,)
        Change of the study's predicted effect when it is left out, in standard errors.
    cook_d : array of shape (k,)
        Squared distance that all coefficients move, by their covariances.
    cov_r : array of shape (k,)
        Determinant of the coefficients' covariances without the study over that with it.
    tau2_del, q_del : arrays of shape (k,)
        tau2 and QE without the study.
    hat, weight : arrays of shape (k,)
        Leverage, a share of 1; weight, a percentage.
    dfbs : array of shape (p, k)
        Change of each coefficient when the study is left out, in standard errors.
    flagged : boolean array of shape (k,)
        Whether any of the four limits is passed.
    without : DesignFits
        The k refits.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
    measure, method, test : str
        How the regression was made.
    level : float
        Of its intervals, a proportion.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the regression.
    """

    labels: tuple[str, ...]
    names: tuple[str, ...]
    rstudent: Array
    dffits: Array
    cook_d: Array
    cov_r: Array
    tau2_del: Array
    q_del: Array
    hat: Array
    weight: Array
    dfbs: Array
    flagged: Mask
    without: DesignFits
    reasons: tuple[str, ...]
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the diagnostics by label, a column ``dfbs_NAME`` for each coefficient.

        With ``reason`` when a row is incomplete.
        """
        import pandas as pd

        columns: dict[str, Any] = {name: getattr(self, name) for name in _COLUMNS}
        columns |= {f"dfbs_{n}": v for n, v in zip(self.names, self.dfbs, strict=True)}
        columns["flagged"] = self.flagged
        if any(self.reasons):
            columns["reason"] = list(self.reasons)
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="label"))

    def leave_one_out(self) -> pd.DataFrame:
        """Return the refits by study left out: coefficients, ``tau2, i2, h2, qe, qe_p, k``."""
        import pandas as pd

        columns = dict(zip(self.names, self.without.coefficients, strict=True))
        columns |= {n: getattr(self.without, n) for n in ("tau2", "i2", "h2", "qe", "qe_p", "k")}
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="label"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists."""
        return {
            "measure": self.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            "names": list(self.names),
            **{name: getattr(self, name).tolist() for name in (*_COLUMNS, "dfbs", "flagged")},
            "reasons": list(self.reasons),
        }

    def summary(self) -> str:
        """Return the table as text, and which studies are flagged."""
        names = [label for label, flag in zip(self.labels, self.flagged, strict=True) if flag]
        table = self.to_frame().to_string(
            float_format=lambda value: text.number(value, 3), na_rep="-"
        )
        return "\n".join(
            ["Influence of each study", table, f"Influential: {', '.join(names) or 'none'}"]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def regression_influence(regression: Regression) -> RegressionInfluence:
    r"""Influence of each study on a meta-regression, from the fits without it.

    With the subscript :math:`(-i)` for the fit without study i, :math:`h_i` the leverage, V the
    coefficients' covariances and :math:`s^2` the factor that the test puts on them:

    .. math::
       \mathrm{rstudent}_i &= \frac{y_i - x_i'\hat\beta_{(-i)}}
           {\sqrt{s_{(-i)}^2 (v_i + \hat\tau^2_{(-i)}) + x_i' V_{(-i)} x_i}} \\
       \mathrm{dffits}_i &= \frac{x_i'(\hat\beta - \hat\beta_{(-i)})}
           {\sqrt{s_{(-i)}^2 h_i (v_i + \hat\tau^2_{(-i)})}} \\
       \mathrm{cook.d}_i &= (\hat\beta - \hat\beta_{(-i)})' V^{-1} (\hat\beta - \hat\beta_{(-i)}),
       \qquad \mathrm{cov.r}_i = |V_{(-i)}| / |V|

    and dfbs the change of each coefficient over
    :math:`s_{(-i)} \sqrt{[(X'WX)^{-1}]_{jj}}` with all studies in the sum, each weighted by
    :math:`1 / (v + \hat\tau^2_{(-i)})`.

    A study is flagged if, with k studies and p coefficients,
    :math:`|\mathrm{dffits}| > 3\sqrt{p/(k-p)}`, or the lower tail of the chi-squared distribution
    with p degrees of freedom at cook.d is above one half, or :math:`h > 3p/k`, or any
    :math:`|\mathrm{dfbs}| > 1`. The limits are conventions, not tests.

    Parameters
    ----------
    regression : Regression
        The fit of all studies.

    Returns
    -------
    RegressionInfluence
        nan with a reason where the other studies cannot tell the coefficients apart, or leave
        nothing to estimate tau2 from.

    Raises
    ------
    DataError
        If ``regression`` is not what `regress` returns.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> influence = regression_influence(regress(effects, "~ year"))
    >>> round(float(influence.hat.sum()), 10)
    2.0
    """
    from comorbid.models.regression_result import Regression

    check_type("regression", regression, Regression, "give what regress() returns")
    effects, k = regression.effects, regression.k
    yi, vi = (np.repeat(a[:, None], k, axis=1) for a in (effects.yi, effects.vi))
    without = fit_designs(
        yi,
        np.where(np.eye(k, dtype=bool), np.inf, vi),
        regression.design.x,
        estimator=regression.estimator,
        test=regression.test,
        level=regression.level,
    )
    reasons = _reasons(regression, without)
    known = np.array([not reason for reason in reasons])
    tau2_del = np.zeros(k) if regression.method == "EE" else without.tau2
    everything = DesignProjection(yi, vi, regression.design.x)
    root_all = everything.coefficients(np.nan_to_num(tau2_del))[1]
    weight = 1 / (effects.vi + np.nan_to_num(regression.tau2))
    hat = weight * ((regression.design.x @ regression.fits.root[:, :, 0]) ** 2).sum(axis=1)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = regression.estimate[:, None] - without.coefficients
        size = np.sqrt(without.s2 * (root_all**2).sum(axis=1))
        values = {
            **_distances(regression, without, change, tau2_del, hat),
            "tau2_del": tau2_del,
            "q_del": without.qe,
            "dfbs": change / size,
        }
    values = {name: np.where(known, value, np.nan) for name, value in values.items()}
    return RegressionInfluence(
        labels=effects.labels,
        names=regression.names,
        **values,
        hat=hat,
        weight=100 * weight / weight.sum(),
        flagged=_flagged(values["dffits"], values["cook_d"], hat, values["dfbs"]),
        without=without,
        reasons=reasons,
        measure=effects.measure,
        method=regression.method,
        test=regression.test,
        level=regression.level,
        ids=regression.effects.ids,
        warnings=regression.warnings,
    )


def _reasons(regression: Regression, without: DesignFits) -> tuple[str, ...]:
    saturated = regression.k - 1 == regression.p and regression.method != "EE"
    apart = np.all(np.isfinite(without.coefficients), axis=0).tolist()
    unknown = "the other studies cannot tell the coefficients apart"
    few = "the other studies are as many as the coefficients: there is no tau2"
    return tuple(unknown if not one else few if saturated else "" for one in apart)


def _distances(
    regression: Regression, without: DesignFits, change: Array, tau2: Array, hat: Array
) -> dict[str, Array]:
    """Return what compares the fit with those without each study, of shape (k,)."""
    x, vi = regression.design.x, regression.effects.vi
    own = without.s2 * (vi + tau2)
    spread = without.s2 * (np.einsum("kp,pqk->qk", x, without.root) ** 2).sum(axis=0)
    residual = regression.effects.yi - (x.T * without.coefficients).sum(axis=0)
    root, s2 = regression.fits.root[:, :, 0], regression.fits.s2[0]
    moved = np.linalg.solve(root, change)
    shrunk = np.log(np.abs(np.einsum("iin->in", without.root) / np.diag(root)[:, None])).sum(axis=0)
    return {
        "rstudent": residual / np.sqrt(own + spread),
        "dffits": (x.T * change).sum(axis=0) / np.sqrt(hat * own),
        "cook_d": (moved**2).sum(axis=0) / s2,
        "cov_r": np.exp(2 * shrunk) * (without.s2 / s2) ** regression.p,
    }


def _flagged(dffits: Array, cook_d: Array, hat: Array, dfbs: Array) -> Mask:
    """Apply the four limits of Viechtbauer and Cheung; what is nan passes none."""
    p, k = dfbs.shape
    if k <= p:
        return np.zeros(k, dtype=bool)
    return np.asarray(
        (np.abs(dffits) > 3 * np.sqrt(p / (k - p)))
        | (special.chdtr(p, cook_d) > 0.5)
        | (hat > 3 * p / k)
        | (np.abs(dfbs) > 1).any(axis=0)
    )
