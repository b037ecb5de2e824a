"""Baujat's plot: which studies make the heterogeneity, and which of them move the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.models import text
from comorbid.models.frames import as_text, labelled
from comorbid.models.regression import Regression
from comorbid.models.stratified import Stratified
from comorbid.sensitivity.deletion import deletion
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.refitting import Pooled, check_refittable

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Baujat(Frozen):
    """The points of Baujat's plot; made by `baujat`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    x : array of shape (k,)
        Contribution to heterogeneity: the squared Pearson residual; in the equal-effects model
        these sum to Q.
    y : array of shape (k,)
        Influence on the result: the squared change of what the model expects of the study when it
        is left out, in variances of that without it.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
    measure, method : str
        How the fit was made.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the fit.
    names : tuple of str
        The coefficients of a regression; none for a pooled effect.
    """

    labels: tuple[str, ...]
    x: Array
    y: Array
    reasons: tuple[str, ...]
    measure: str
    method: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]
    names: tuple[str, ...] = ()

    def to_frame(self) -> pd.DataFrame:
        """Return ``x`` and ``y`` by label, and ``reason`` when a row is incomplete."""
        return labelled(self.labels, {"x": self.x, "y": self.y}, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and points as plain lists."""
        return {
            "measure": self.measure,
            "method": self.method,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            "x": self.x.tolist(),
            "y": self.y.tolist(),
            "reasons": list(self.reasons),
        }

    def summary(self) -> str:
        """Return the points as text."""
        head = f"Heterogeneity (x) and influence (y) of each study ({self.method})"
        return "\n".join(
            [head, as_text(self.to_frame()), *text.reason_notes(self.labels, self.reasons)]
        )

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def baujat(fit: Pooled | Regression) -> Baujat:
    r"""Set each study's contribution to heterogeneity against its influence on the result.

    .. math:: x_i = \frac{(y_i - \hat\mu_i)^2}{v_i + \hat\tau^2}, \qquad
       y_i = \frac{(\hat\mu_i - \hat\mu_{i(-i)})^2}{\mathrm{var}\,\hat\mu_{i(-i)}}

    with what the model expects of study i, the pooled effect or :math:`x_i'\hat\beta`, and the
    subscript :math:`(-i)` for the fit without it. Baujat and colleagues used the equal-effects
    model; the same is meant for the others.

    Parameters
    ----------
    fit : Fit, MantelHaenszel, Peto or Regression
        The fit of all studies.

    Returns
    -------
    Baujat
        nan where a study has no effect of its own or the others cannot be fitted.

    Raises
    ------
    DataError
        If ``fit`` is none of the four.

    References
    ----------
    Baujat B, Mahe C, Pignon J-P, Hill C (2002). Statistics in Medicine 21:2641-2652.
    doi:10.1002/sim.1221

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.9], vi=[0.03, 0.08, 0.02]), method="EE")
    >>> cb.baujat(fit).x.round(2).tolist(), round(fit.q, 2)
    ([6.18, 1.36, 6.83], 14.37)
    """
    check_refittable(fit)
    if isinstance(fit, Stratified):
        refits = leave_one_out(fit)
        names: tuple[str, ...] = ()
        x = (fit.effects.yi - fit.estimate) ** 2 / fit.effects.vi
        change, variance = fit.estimate - refits.batch.estimate, refits.batch.se**2
        reasons = refits.reasons
    else:
        without, names = deletion(fit), fit.names
        x = fit.residuals**2 / (fit.effects.vi + np.nan_to_num(fit.tau2))
        change = without.residuals(fit) - fit.residuals
        variance = without.expected_variances(fit)
        reasons = without.reasons
    return Baujat(
        labels=fit.effects.labels,
        x=x,
        y=np.divide(change**2, variance, out=np.full(x.size, np.nan), where=variance > 0),
        reasons=reasons,
        measure=fit.effects.measure,
        method=fit.method,
        ids=fit.effects.ids,
        warnings=fit.warnings,
        names=names,
    )
