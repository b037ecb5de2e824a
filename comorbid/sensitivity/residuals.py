"""Residuals: how far each study lies from what the other studies predict for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.models import text
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit
from comorbid.sensitivity.deletion import deletion
from comorbid.sensitivity.frames import as_text, labelled, notes

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class DeletedResiduals(Frozen):
    """Standardised deleted residuals; made by `rstudent`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    resid, se, z : arrays of shape (k,)
        Deleted residual and its standard error (analysis scale), and their ratio.
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
    resid: Array
    se: Array
    z: Array
    reasons: tuple[str, ...]
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``resid, se, z`` by label, and ``reason`` when a row is incomplete."""
        columns = {"resid": self.resid, "se": self.se, "z": self.z}
        return labelled(self.labels, columns, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        return {
            "measure": self.measure,
            "method": self.method,
            "test": self.test,
            "level": self.level,
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            "resid": self.resid.tolist(),
            "se": self.se.tolist(),
            "z": self.z.tolist(),
            "reasons": list(self.reasons),
        }

    def summary(self) -> str:
        """Return the table as text."""
        head = f"Standardised deleted residuals ({self.method}, {text.TEST_NAMES[self.test]})"
        return "\n".join([head, as_text(self.to_frame()), *notes(self.labels, self.reasons)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def rstudent(fit: Fit) -> DeletedResiduals:
    r"""Standardised deleted residuals: each study against the fit of the others.

    .. math:: t_i = \frac{y_i - \hat\mu_{(-i)}}
       {\sqrt{s^2_{(-i)} (v_i + \hat\tau^2_{(-i)}) + \mathrm{se}_{(-i)}^2}}

    with the estimate, its standard error and tau2 of the fit without study i, and :math:`s^2` the
    squared factor of its Knapp-Hartung standard error (1 for the tests z and t). If the model
    holds, about one in twenty lies outside :math:`\pm 1.96`.

    Parameters
    ----------
    fit : Fit
        The fit of all studies.

    Returns
    -------
    DeletedResiduals
        nan with a reason where the other studies cannot be fitted, or are one study, whose tau2
        does not exist (except in the equal-effects model, which has none).

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
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> cb.rstudent(fit).z.round(2).tolist()
    [-0.63, -0.48, -0.38, 11.43]
    """
    check_fit(fit)
    without = deletion(fit)
    resid = fit.effects.yi - without.estimate
    se = without.residual_se(fit.effects.vi)
    return DeletedResiduals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=np.divide(resid, se, out=np.full(fit.k, np.nan), where=se > 0),
        reasons=without.reasons,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )
