"""Collinearity: how much moderators that go together cost each other in precision."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.design_matrix import INTERCEPT

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.regression_result import Regression


@dataclass(frozen=True, slots=True, eq=False)
class Collinearity:
    """Variance inflation of a meta-regression; made by `variance_inflation`.

    Attributes
    ----------
    names : tuple of str
        The coefficients, without the intercept.
    vif : array
        Of each, the factor by which its variance exceeds what it would be if it were not
        correlated with the others; 1 at least.
    terms : tuple of str
        The terms of the formula, a factor with all its levels.
    gvif, df : arrays
        Of each term, the generalised factor, and how many coefficients it has.
    """

    names: tuple[str, ...]
    vif: Array
    terms: tuple[str, ...]
    gvif: Array
    df: Array

    def to_frame(self) -> pd.DataFrame:
        """Return the terms: ``gvif, df`` and ``gsif``, comparable between terms.

        ``gsif`` is ``gvif ** (1 / (2 * df))``, the inflation of a standard error.
        """
        import pandas as pd

        columns = {"gvif": self.gvif, "df": self.df, "gsif": self.gvif ** (1 / (2 * self.df))}
        return pd.DataFrame(columns, index=pd.Index(self.terms, name="term"))

    def to_dict(self) -> dict[str, Any]:
        """Return everything as plain lists."""
        return {
            "names": list(self.names),
            "vif": self.vif.tolist(),
            "terms": list(self.terms),
            "gvif": self.gvif.tolist(),
            "df": self.df.tolist(),
        }

    def summary(self) -> str:
        """Return both tables as text."""
        rows = [f"  {name}  {value:.4f}" for name, value in zip(self.names, self.vif, strict=True)]
        terms = self.to_frame().to_string(float_format=lambda value: f"{value:.4f}")
        return "\n".join(["Variance inflation of the coefficients:", *rows, "", "By term:", terms])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def variance_inflation(regression: Regression) -> Collinearity:
    r"""Measure how much the moderators' correlation inflates the coefficients' variances.

    With the correlations R of the estimated coefficients, the intercept apart,

    .. math:: \mathrm{VIF}_j = (R^{-1})_{jj}, \qquad
       \mathrm{GVIF}_T = \frac{|R_{TT}|\,|R_{\bar T \bar T}|}{|R|}

    Parameters
    ----------
    regression : Regression
        With at least one moderator.

    Returns
    -------
    Collinearity

    Raises
    ------
    ModelError
        If there is no coefficient but an intercept, or the fit is perfect.

    References
    ----------
    Fox J, Monette G (1992). Journal of the American Statistical Association 87:178-183.
    doi:10.1080/01621459.1992.10475190

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7, 0.4], vi=[0.02] * 6,
    ...     moderators={"year": [1990, 1995, 2000, 2010, 2015, 2020], "sex": list("fmfmmm")})
    >>> variance_inflation(regress(effects, "~ year + sex")).to_frame()["gvif"].round(3).to_dict()
    {'year': 1.75, 'sex': 1.75}
    """
    rows = [i for i, name in enumerate(regression.names) if name != INTERCEPT]
    if not rows:
        raise ModelError("variance inflation needs a moderator; the formula has an intercept alone")
    vcov = regression.fits.unit_vcov[np.ix_(rows, rows)][:, :, 0]
    size = np.sqrt(np.diag(vcov))
    correlation = vcov / (size[:, None] * size)
    terms = {
        name: [rows.index(i) for i in places]
        for name, places in regression.design.terms.items()
        if name != INTERCEPT
    }
    return Collinearity(
        names=tuple(regression.names[i] for i in rows),
        vif=np.diag(np.linalg.inv(correlation)).copy(),
        terms=tuple(terms),
        gvif=np.array([_generalised(correlation, places) for places in terms.values()]),
        df=np.array([len(places) for places in terms.values()], dtype=np.float64),
    )


def _generalised(correlation: Array, places: list[int]) -> float:
    others = [i for i in range(len(correlation)) if i not in places]
    parts = [np.linalg.slogdet(correlation[np.ix_(a, a)])[1] for a in (places, others)]
    return float(np.exp(sum(parts) - np.linalg.slogdet(correlation)[1]))
