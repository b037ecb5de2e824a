"""Residuals: how far each study lies from what the model expects of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models import text
from comorbid.models.fitted import Fitted, check_fitted, check_no_groups
from comorbid.models.frames import as_text, labelled
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.recorded import Recorded

if TYPE_CHECKING:
    import pandas as pd

# A residual that varies by less than this share of its study's variance is 0 but for rounding.
_NOTHING = 1e-25


@dataclass(frozen=True, slots=True, eq=False)
class Residuals(Recorded):
    """Standardised residuals; made by `rstandard`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    resid, se, z : arrays of shape (k,)
        Residual and its standard error (analysis scale), and their ratio.
    reasons : tuple of str
        One a study: why its row is incomplete, or empty.
    """

    title: ClassVar[str] = "Standardised residuals"

    labels: tuple[str, ...]
    resid: Array
    se: Array
    z: Array
    reasons: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``resid, se, z`` by label, and ``reason`` when a row is incomplete."""
        columns = {"resid": self.resid, "se": self.se, "z": self.z}
        return labelled(self.labels, columns, self.reasons)

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        return {
            **self.made(),
            "labels": list(self.labels),
            **{name: getattr(self, name).tolist() for name in ("resid", "se", "z")},
            "reasons": list(self.reasons),
        }

    def summary(self) -> str:
        """Return the table as text."""
        head = f"{self.title} ({self.method}, {text.TEST_NAMES[self.test]})"
        notes = text.reason_notes(self.labels, self.reasons)
        return "\n".join([head, as_text(self.to_frame()), *notes])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def rstandard(fit: Fitted | Multilevel, *, by: str | None = None) -> Residuals:
    r"""Internally standardised residuals: each study against the fit that it takes part in.

    .. math:: z_i = \frac{y_i - x_i'\hat\beta}{\sqrt{\sum_j (I - H)_{ij}^2 s_j}}, \quad
       H = X (X'AX)^{-1} X'A, \quad s_j = v_j + \hat\tau^2

    with the weights on the diagonal of A; if they are the model's own, :math:`s_j^{-1}`, the
    denominator is :math:`\sqrt{s_i (1 - H_{ii})}`. Of a multilevel fit it is the root of
    :math:`S_{ii}`, with the marginal covariances M of the effects and
    :math:`S = M - X(X'M^{-1}X)^{-1}X'`; and each group j of rows, such as a study, has
    :math:`X^2_j = e_j'S_{jj}^{-1}e_j`.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        The fit of all studies.
    by : str, optional
        Of a multilevel fit, the column of the groups; by default the outermost of its first random
        term.

    Returns
    -------
    Residuals, or GroupResiduals for a multilevel fit
        z is nan where nothing is left to compare a study with, such as where there is one.

    Raises
    ------
    DataError
        If ``fit`` is none of these.
    ModelError
        If there is no such column, or one is given for a fit of independent studies.

    References
    ----------
    Hedges LV, Olkin I (1985). Statistical Methods for Meta-Analysis. Academic Press.
    doi:10.1016/C2009-0-03396-0

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05],
    ...                      moderators={"year": [1990, 1995, 2000, 2005]})
    >>> cb.rstandard(cb.pool(effects)).z.round(2).tolist()
    [-0.71, -0.56, -0.45, 1.73]
    >>> cb.rstandard(cb.regress(effects, "~ year")).z.round(2).tolist()
    [0.93, -0.28, -1.23, 1.39]
    """
    if isinstance(fit, Multilevel):
        # Its result is one of `Residuals`.
        from comorbid.models.group_residuals import group_rstandard

        return group_rstandard(fit, by)
    check_fitted(fit)
    check_no_groups(by)
    total = fit.effects.vi + np.nan_to_num(fit.tau2)
    variance = (np.eye(fit.k) - fit.hat) ** 2 @ total
    variance = np.where(variance > _NOTHING * total, variance, 0.0)
    resid, se = fit.residuals, np.sqrt(variance)
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(se > 0, resid / se, np.nan)
    return Residuals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=z,
        reasons=("",) * fit.k,
        **fit.made,
    )
