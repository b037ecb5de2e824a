"""Baujat's plot: which studies make the heterogeneity, and which of them move the result."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.models.fit import Fit
from comorbid.sensitivity.frames import as_text, labelled, notes
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.refitting import Pooled, check_pooled

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
        Influence on the result: the squared change of the estimate when the study is left out,
        in variances of the estimate without it.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
    measure, method : str
        How the fit was made.
    ids : tuple of str
        The estimates pooled.
    warnings : tuple of str
        Its warnings.
    """

    labels: tuple[str, ...]
    x: Array
    y: Array
    reasons: tuple[str, ...]
    measure: str
    method: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

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
        return "\n".join([head, as_text(self.to_frame()), *notes(self.labels, self.reasons)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def baujat(fit: Pooled) -> Baujat:
    r"""Set each study's contribution to heterogeneity against its influence on the result.

    .. math:: x_i = \frac{(y_i - \hat\mu)^2}{v_i + \hat\tau^2}, \qquad
       y_i = \frac{(\hat\mu - \hat\mu_{(-i)})^2}{\mathrm{se}_{(-i)}^2}

    with the subscript :math:`(-i)` for the fit without study i. Baujat and colleagues used the
    equal-effects model; the same is meant for the others.

    Parameters
    ----------
    fit : Fit, MantelHaenszel or Peto
        The fit of all studies.

    Returns
    -------
    Baujat
        nan where a study has no effect of its own or the others cannot be fitted.

    Raises
    ------
    DataError
        If ``fit`` is none of the three.

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
    check_pooled(fit)
    refits = leave_one_out(fit)
    without = refits.batch
    tau2 = fit.tau2 if isinstance(fit, Fit) and fit.k > 1 else 0.0
    change = (fit.estimate - without.estimate) ** 2
    return Baujat(
        labels=fit.effects.labels,
        x=(fit.effects.yi - fit.estimate) ** 2 / (fit.effects.vi + tau2),
        y=np.divide(change, without.se**2, out=np.full(change.size, np.nan), where=without.se > 0),
        reasons=refits.reasons,
        measure=fit.effects.measure,
        method=fit.method,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )
