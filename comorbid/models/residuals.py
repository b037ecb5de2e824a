"""Residuals: how far each study lies from the pooled effect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.models import text
from comorbid.models.pooled import Fit, check_fit
from comorbid.models.sums import others

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False)
class Residuals(Frozen):
    """Standardised residuals; made by `rstandard`.

    Attributes
    ----------
    labels : tuple of str
        The studies.
    resid, se, z : arrays of shape (k,)
        Residual and its standard error (analysis scale), and their ratio.
    measure, method, test : str
        How the fit was made.
    level : float
        Of its intervals, a proportion.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the fit.
    """

    labels: tuple[str, ...]
    resid: Array
    se: Array
    z: Array
    measure: str
    method: str
    test: str
    level: float
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``resid, se, z`` by label, in full precision."""
        import pandas as pd

        columns = {"resid": self.resid, "se": self.se, "z": self.z}
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="label"))

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
        }

    def summary(self) -> str:
        """Return the table as text."""
        head = f"Standardised residuals ({self.method}, {text.TEST_NAMES[self.test]})"
        table = self.to_frame().to_string(float_format=lambda value: text.number(value))
        return f"{head}\n{table}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def rstandard(fit: Fit) -> Residuals:
    r"""Internally standardised residuals: each study against the fit that it takes part in.

    .. math:: z_i = \frac{y_i - \hat\mu}{\sqrt{s_i (1 - 2 h_i) + \sum_j h_j^2 s_j}}, \quad
       s_i = v_i + \hat\tau^2

    with the weights h that sum to 1; if they are the model's own the denominator is
    :math:`\sqrt{s_i - 1 / \sum s_j^{-1}}`.

    Parameters
    ----------
    fit : Fit
        The fit of all studies.

    Returns
    -------
    Residuals
        Of one study z is nan, as nothing is left to compare it with.

    Raises
    ------
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Hedges LV, Olkin I (1985). Statistical Methods for Meta-Analysis. Academic Press.
    doi:10.1016/C2009-0-03396-0

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> rstandard(fit).z.round(2).tolist()
    [-0.71, -0.56, -0.45, 1.73]
    """
    check_fit(fit)
    total = fit.effects.vi + (fit.tau2 if fit.k > 1 else 0.0)
    resid = fit.effects.yi - fit.estimate
    share = fit.weights / 100
    if fit.user_weights is None:
        variance = total * others(1 / total) / (1 / total).sum()
    else:
        variance = total * (1 - 2 * share) + (share**2 * total).sum()
    se = np.sqrt(np.maximum(variance, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(se > 0, resid / se, np.nan)
    return Residuals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=z,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        level=fit.level,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )
