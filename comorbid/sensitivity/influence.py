"""Influence: how strongly each study pulls on the pooled effect."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.models import text
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit
from comorbid.sensitivity.deletion import deletion
from comorbid.sensitivity.frames import as_text, labelled, notes

if TYPE_CHECKING:
    import pandas as pd

_COLUMNS = (
    *("rstudent", "dffits", "cook_d", "cov_r", "tau2_del", "q_del", "hat", "weight", "dfbs"),
    "flagged",
)
# A model of a mean has one coefficient.
_COEFFICIENTS = 1


@dataclass(frozen=True, slots=True, eq=False)
class Influence(Frozen):
    """Influence diagnostics, one value a study; made by `influence`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    rstudent : array of shape (k,)
        Standardised deleted residual.
    dffits, dfbs : arrays of shape (k,)
        Change of the study's predicted effect, and of the pooled effect, when the study is left
        out, in standard errors.
    cook_d : array of shape (k,)
        Squared change of the pooled effect, in variances of the pooled effect of all studies.
    cov_r : array of shape (k,)
        Variance of the pooled effect without the study over that of all studies.
    tau2_del, q_del : arrays of shape (k,)
        tau2 and Q without the study.
    hat, weight : arrays of shape (k,)
        Leverage, a share of 1; weight, a percentage.
    flagged : boolean array of shape (k,)
        Whether any of the four limits is passed.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
    measure, method, test : str
        How the fit was made.
    level : float
        Of its intervals, a proportion.
    ids : tuple of str
        The estimates pooled.
    warnings : tuple of str
        Its warnings.
    """

    labels: tuple[str, ...]
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
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return the diagnostics by label, and ``reason`` when a row is incomplete."""
        columns = {name: getattr(self, name) for name in _COLUMNS}
        return labelled(self.labels, columns, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {
            name: value if isinstance(value, str) else np.asarray(value).tolist()
            for name, value in values.items()
        }

    def summary(self) -> str:
        """Return the table as text, and which studies are flagged."""
        names = [label for label, flag in zip(self.labels, self.flagged, strict=True) if flag]
        return "\n".join(
            [
                f"Influence of each study ({self.method}, {text.TEST_NAMES[self.test]})",
                as_text(self.to_frame()),
                f"Influential: {', '.join(names) or 'none'}",
                *notes(self.labels, self.reasons),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def influence(fit: Fit) -> Influence:
    r"""Influence of each study on the pooled effect, from the fits without it.

    With the subscript :math:`(-i)` for the fit without study i, :math:`h_i` the leverage, and
    :math:`s^2` the factor of the Knapp-Hartung standard error (1 for the tests z and t):

    .. math::
       \mathrm{rstudent}_i &= \frac{y_i - \hat\mu_{(-i)}}
           {\sqrt{s_{(-i)}^2 (v_i + \hat\tau^2_{(-i)}) + \mathrm{se}_{(-i)}^2}} \\
       \mathrm{dffits}_i &= \frac{\hat\mu - \hat\mu_{(-i)}}
           {\sqrt{s_{(-i)}^2 h_i (v_i + \hat\tau^2_{(-i)})}} \\
       \mathrm{cook.d}_i &= \frac{(\hat\mu - \hat\mu_{(-i)})^2}{\mathrm{se}^2}, \qquad
       \mathrm{cov.r}_i = \frac{\mathrm{se}_{(-i)}^2}{\mathrm{se}^2} \\
       \mathrm{dfbs}_i &= \frac{\hat\mu - \hat\mu_{(-i)}}
           {\sqrt{s_{(-i)}^2 / \sum_j (v_j + \hat\tau^2_{(-i)})^{-1}}}

    With weights a of the analyst the last denominator becomes
    :math:`s_{(-i)} \sqrt{\sum a_j^2 (v_j + \hat\tau^2_{(-i)})} / \sum a_j`, and dffits equals dfbs.

    A study is flagged if, with k studies,
    :math:`|\mathrm{dffits}| > 3\sqrt{1/(k-1)}`, or the lower tail of the chi-squared
    distribution with 1 degree of freedom at cook.d is above one half, or
    :math:`h > 3/k`, or :math:`|\mathrm{dfbs}| > 1`. The limits are conventions, not tests.

    Parameters
    ----------
    fit : Fit
        The fit of all studies.

    Returns
    -------
    Influence
        nan with a reason where the other studies cannot be fitted, or are one study, whose tau2
        does not exist.

    Raises
    ------
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Research Synthesis Methods 1:112-125.
    doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05],
    ...                          labels=list("ABCD")))
    >>> cb.influence(fit).to_frame()["flagged"].to_dict()
    {'A': False, 'B': False, 'C': False, 'D': True}
    """
    check_fit(fit)
    vi = fit.effects.vi
    without = deletion(fit)
    change = fit.estimate - without.estimate
    hat = fit.weights / 100
    with np.errstate(divide="ignore", invalid="ignore"):
        dfbs = change / np.sqrt(without.factor * without.variance)
        dffits = change / np.sqrt(without.factor * hat * (vi + without.tau2))
        if fit.user_weights is not None:
            dffits = dfbs
        cook_d, cov_r = (change / fit.se) ** 2, (without.se / fit.se) ** 2
        rstudent = (fit.effects.yi - without.estimate) / without.residual_se(vi)
    return Influence(
        labels=fit.effects.labels,
        rstudent=rstudent,
        dffits=dffits,
        cook_d=cook_d,
        cov_r=cov_r,
        tau2_del=without.tau2,
        q_del=without.q,
        hat=hat,
        weight=fit.weights,
        dfbs=dfbs,
        flagged=_flagged(dffits, cook_d, hat, dfbs),
        reasons=without.reasons,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )


def _flagged(dffits: Array, cook_d: Array, hat: Array, dfbs: Array) -> Mask:
    """Apply the four limits of Viechtbauer and Cheung; what is nan passes none."""
    k, p = dffits.size, _COEFFICIENTS
    if k <= p:
        return np.zeros(k, dtype=bool)
    return np.asarray(
        (np.abs(dffits) > 3 * np.sqrt(p / (k - p)))
        | (special.chdtr(p, cook_d) > 0.5)
        | (hat > 3 * p / k)
        | (np.abs(dfbs) > 1)
    )
