"""Wald tests: whether some coefficients of a meta-regression are all 0."""

from __future__ import annotations

import difflib
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from comorbid.checks import shown
from comorbid.errors import ModelError, Problem
from comorbid.models import text

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.regression_result import Regression


@dataclass(frozen=True, slots=True)
class WaldTest:
    """A test that some coefficients are all 0; made by `Regression.wald`.

    Attributes
    ----------
    names : tuple of str
        The coefficients tested.
    statistic : float
        Chi-squared for the test z, otherwise F.
    df : int
        Number of coefficients tested.
    df_denominator : float
        Degrees of freedom of the denominator of F; inf for chi-squared.
    p_value : float
    """

    names: tuple[str, ...]
    statistic: float
    df: int
    df_denominator: float
    p_value: float

    def to_frame(self) -> pd.DataFrame:
        """Return one row: ``statistic, df, df_denominator, p_value``."""
        import pandas as pd

        columns = {name: [value] for name, value in asdict(self).items() if name != "names"}
        return pd.DataFrame(columns, index=pd.Index([", ".join(self.names)], name="names"))

    def to_dict(self) -> dict[str, Any]:
        """Return the names and numbers."""
        return {**asdict(self), "names": list(self.names)}

    def summary(self) -> str:
        """Return the test as text."""
        return (
            f"Test of {', '.join(self.names)}: {self.name} = {text.number(self.statistic)}, "
            f"p {text.p_value(self.p_value)}"
        )

    @property
    def name(self) -> str:
        """The statistic with its degrees of freedom, as printed."""
        if math.isinf(self.df_denominator):
            return f"QM(df = {self.df})"
        return f"F(df1 = {self.df}, df2 = {self.df_denominator:g})"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def wald_test(regression: Regression, terms: str | Sequence[str]) -> WaldTest:
    r"""Test that some coefficients of a meta-regression are all 0.

    .. math:: Q_M = \hat\beta_T' \,\mathrm{cov}(\hat\beta_T)^{-1} \hat\beta_T \sim \chi^2_m,
       \qquad F = Q_M / m \sim F_{m, k - p}

    chi-squared for the test z, otherwise F.

    Parameters
    ----------
    regression : Regression
    terms : str or sequence of str
        Coefficients (``C(sex)[T.m]``) or terms of the formula (``C(sex)``, all its levels).

    Returns
    -------
    WaldTest

    Raises
    ------
    ModelError
        If a name is neither a coefficient nor a term.

    References
    ----------
    Viechtbauer W, Lopez-Lopez JA, Sanchez-Meca J, Marin-Martinez F (2015). Psychological Methods
    20:360-374. doi:10.1037/met0000023

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7, 0.4], vi=[0.02] * 6,
    ...     moderators={"year": [1990, 1995, 2000, 2010, 2015, 2020], "group": list("abcabc")})
    >>> wald_test(regress(effects, "~ year + group", test="z"), "group").df
    2
    """
    design = regression.design
    rows = find_terms(design.names, design.terms, terms)
    statistic, p_value = regression.fits.wald(rows)
    return WaldTest(
        tuple(design.names[i] for i in rows),
        float(statistic[0]),
        len(rows),
        regression.df,
        float(p_value[0]),
    )


def find_terms(
    names: Sequence[str], places: Mapping[str, Sequence[int]], wanted: str | Sequence[str]
) -> list[int]:
    """Return which coefficients are meant by names of coefficients or terms.

    Raises
    ------
    ModelError
        If a name is neither a coefficient nor a term.
    """
    known = {name: (i,) for i, name in enumerate(names)} | {
        n: tuple(at) for n, at in places.items()
    }
    if not isinstance(wanted, str | list | tuple):
        raise ModelError(f"terms is {shown(wanted)}; name coefficients or terms")
    asked = [wanted] if isinstance(wanted, str) else list(wanted)
    unknown = [name for name in asked if not isinstance(name, str) or name not in known]
    if unknown or not asked:
        raise ModelError([_unknown(str(name), list(known)) for name in unknown] or "name a term")
    return sorted({i for name in asked for i in known[name]})


def _unknown(name: str, known: Sequence[str]) -> Problem:
    near = difflib.get_close_matches(name, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return Problem(f"there is no coefficient or term {name}", remedy)
