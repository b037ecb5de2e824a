"""Influence: how strongly each study pulls on the pooled effect, or on the coefficients."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Mask
from comorbid.models import text
from comorbid.models.fitted import Fitted, check_no_groups
from comorbid.models.frames import as_text, labelled
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.recorded import Recorded
from comorbid.sensitivity.deletion import Deletion, deletion, variances
from comorbid.sensitivity.group_influence import GroupInfluence, group_influence

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = ("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight")


NORMAL = 1.959963984540054
"""Two-sided 95 % limit of the standard normal distribution, for standardised residuals."""

# A leverage of exactly the limit, as in groups of equal size, does not pass it by rounding.
_ROUNDING = 1e-12


@dataclass(frozen=True, slots=True, eq=False)
class Influence(Recorded):
    """Influence diagnostics, one value a study; made by `influence`.

    Attributes
    ----------
    labels : tuple of k str
        The studies.
    names : tuple of p str
        The coefficients of a regression; none for a pooled effect.
    rstudent : array of shape (k,)
        Standardised deleted residual.
    dffits : array of shape (k,)
        Change of the study's predicted effect when it is left out, in standard errors.
    cook_d : array of shape (k,)
        Squared distance that the pooled effect, or all coefficients, move, by their covariances.
    cov_r : array of shape (k,)
        Variance of the pooled effect without the study over that with it; of coefficients the
        determinants of their covariances.
    tau2_del, q_del : arrays of shape (k,)
        tau2 and Q without the study.
    hat, weight : arrays of shape (k,)
        Leverage, a share of 1; weight, a percentage.
    dfbs : array of shape (k,), or (p, k) for a regression
        Change of the pooled effect, or of each coefficient, in standard errors.
    flagged : boolean array of shape (k,)
        Whether any of the four limits is passed.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
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
    reasons: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the diagnostics by label, and ``reason`` when a row is incomplete.

        The columns are those above; of a regression ``dfbs_NAME`` for each coefficient.
        """
        columns = {name: getattr(self, name) for name in _COLUMNS}
        if self.names:
            columns |= {f"dfbs_{n}": v for n, v in zip(self.names, self.dfbs, strict=True)}
        else:
            columns["dfbs"] = self.dfbs
        return labelled(self.labels, columns | {"flagged": self.flagged}, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        return {
            **({"names": list(self.names)} if self.names else {}),
            "labels": list(self.labels),
            **{name: getattr(self, name).tolist() for name in (*_COLUMNS, "dfbs", "flagged")},
            "flagged_studies": int(np.sum(self.flagged)),
            "outlying_studies": len(self.outlying),
            "incomplete": sum(1 for reason in self.reasons if reason),
            "reasons": list(self.reasons),
            "flagged_count": int(self.flagged.sum()),
            **self.made(),
        }

    @property
    def outlying(self) -> tuple[str, ...]:
        """Studies whose standardised deleted residual is beyond 1.96."""
        with np.errstate(invalid="ignore"):
            beyond = np.flatnonzero(np.abs(self.rstudent) > NORMAL)
        return tuple(self.labels[i] for i in beyond)

    def summary(self) -> str:
        """Return the table as text, and which studies are flagged."""
        names = [label for label, flag in zip(self.labels, self.flagged, strict=True) if flag]
        return "\n".join(
            [
                f"Influence of each study ({self.method}, {text.TEST_NAMES[self.test]})",
                as_text(self.to_frame()),
                f"Influential: {', '.join(names) or 'none'}",
                *text.reason_notes(self.labels, self.reasons),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


@overload
def influence(fit: Fitted, *, by: None = None) -> Influence: ...
@overload
def influence(fit: Multilevel, *, by: str | None = None) -> GroupInfluence: ...
def influence(fit: Fitted | Multilevel, *, by: str | None = None) -> Influence | GroupInfluence:
    r"""Influence of each study on the pooled effect or the coefficients, from the fits without it.

    With the subscript :math:`(-i)` for the fit without study i, :math:`h_i` the leverage,
    V the covariances of the coefficients (of a pooled effect, for which x is 1, its squared
    standard error), and :math:`s^2` the factor that the test puts on them (1 for z and t):

    .. math::
       \mathrm{rstudent}_i &= \frac{y_i - x_i'\hat\beta_{(-i)}}
           {\sqrt{s_{(-i)}^2 (v_i + \hat\tau^2_{(-i)}) + x_i' V_{(-i)} x_i}} \\
       \mathrm{dffits}_i &= \frac{x_i'(\hat\beta - \hat\beta_{(-i)})}
           {\sqrt{s_{(-i)}^2 h_i (v_i + \hat\tau^2_{(-i)})}} \\
       \mathrm{cook.d}_i &= (\hat\beta - \hat\beta_{(-i)})' V^{-1} (\hat\beta - \hat\beta_{(-i)}),
       \qquad \mathrm{cov.r}_i = |V_{(-i)}| / |V| \\
       \mathrm{dfbs}_{ij} &= \frac{\hat\beta_j - \hat\beta_{j(-i)}}
           {\sqrt{s_{(-i)}^2 [U_{(-i)}]_{jj}}}

    where :math:`U_{(-i)}` are the covariances, without :math:`s^2`, that the coefficients of all
    studies have at :math:`\hat\tau^2_{(-i)}`. With weights of the analyst, dffits has
    :math:`x_i' U_{(-i)} x_i` in place of :math:`h_i (v_i + \hat\tau^2_{(-i)})`.

    A study is flagged if, with k studies and p coefficients,
    :math:`|\mathrm{dffits}| > 3\sqrt{p/(k-p)}`, or the lower tail of the chi-squared distribution
    with p degrees of freedom at cook.d is above one half, or :math:`h > 3p/k`, or any
    :math:`|\mathrm{dfbs}| > 1`. The limits are conventions, not tests.

    Of a multilevel fit, groups of rows, such as studies, are left out: cook.d, cov.r and dfbs are
    as above, with :math:`U_{(-j)}` at the components without group j; ``hat`` sums over its rows
    and is held against 3 p / m with m groups; ``x2`` is the squared length of its deleted residuals
    (see `rstudent`). There is no dffits.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        The fit of all studies.
    by : str, optional
        Of a multilevel fit, the column of the groups; by default the outermost of its first random
        term, such as ``study_id`` of ``"study_id / estimate_id"``.

    Returns
    -------
    Influence, or GroupInfluence for a multilevel fit
        nan with a reason where the other studies cannot be fitted, or leave nothing to estimate
        tau2 from.

    Raises
    ------
    DataError
        If ``fit`` is none of these.
    ModelError
        If there is no such column, or one is given for a fit of independent studies.

    Notes
    -----
    Each refit of a multilevel model is a search of its own: n groups cost about n fits. metafor
    gives the same as ``cooks.distance``, ``dfbetas`` and ``hatvalues`` with ``cluster``.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.2, 0.3, 2.0, 0.4], vi=[0.03, 0.08, 0.02, 0.05, 0.04],
    ...                      labels=list("ABCDE"),
    ...                      moderators={"year": [1990, 1995, 2000, 2005, 2015]})
    >>> cb.influence(cb.pool(effects)).to_frame()["flagged"].to_dict()
    {'A': False, 'B': False, 'C': False, 'D': True, 'E': False}
    >>> round(float(cb.influence(cb.regress(effects, "~ year")).hat.sum()), 10)
    2.0
    """
    if isinstance(fit, Multilevel):
        return group_influence(fit, by)
    check_no_groups(by)
    without = deletion(fit)
    hat = np.diag(fit.hat)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = fit.coefficients[:, None] - without.fits.coefficients
        values = _moved(fit, without, change, hat)
        dfbs = change / np.sqrt(without.fits.s2 * (without.root**2).sum(axis=1))
        rstudent = without.residuals(fit) / without.residual_se(fit)
    flagged = _flagged(values["dffits"], values["cook_d"], hat, dfbs)
    return Influence(
        labels=fit.effects.labels,
        names=fit.names,
        rstudent=rstudent,
        **values,
        tau2_del=without.tau2,
        q_del=without.fits.qe,
        hat=hat,
        weight=fit.weights,
        dfbs=dfbs if fit.names else dfbs[0],
        flagged=flagged,
        reasons=without.reasons,
        **fit.made,
    )


def _moved(fit: Fitted, without: Deletion, change: Array, hat: Array) -> dict[str, Any]:
    """Return how far the studies move what is fitted, of shape (k,)."""
    fits, x = without.fits, fit.x
    if fit.user_weights is None:
        variance = hat * (fit.effects.vi + without.tau2)
    else:
        variance = variances(x, without.root)
    root, s2 = fit.solution.root[..., 0], fit.s2
    moved = np.linalg.solve(root, change)
    sizes = np.linalg.slogdet(np.moveaxis(fits.root, -1, 0))[1] - np.linalg.slogdet(root)[1]
    return {
        "dffits": (x.T * change).sum(axis=0) / np.sqrt(fits.s2 * variance),
        "cook_d": (moved**2).sum(axis=0) / s2,
        "cov_r": np.exp(2 * sizes) * (fits.s2 / s2) ** fit.p,
    }


def _flagged(dffits: Array, cook_d: Array, hat: Array, dfbs: Array) -> Mask:
    """Apply the four limits of Viechtbauer and Cheung; what is nan passes none."""
    p, k = dfbs.shape
    if k <= p:
        return np.zeros(k, dtype=bool)
    return np.asarray(
        (np.abs(dffits) > 3 * np.sqrt(p / (k - p)))
        | (special.chdtr(p, cook_d) > 0.5)
        | (hat > 3 * p / k * (1 + _ROUNDING))
        | (np.abs(dfbs) > 1).any(axis=0)
    )
