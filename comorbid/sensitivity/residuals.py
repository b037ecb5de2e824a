"""Residuals: how far each study lies from what the other studies predict for it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np

from comorbid.models.fitted import Fitted, check_no_groups
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.residuals import Residuals
from comorbid.sensitivity.deletion import deletion
from comorbid.sensitivity.group_influence import DeletedGroupResiduals, group_rstudent


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class DeletedResiduals(Residuals):
    """Standardised deleted residuals; made by `rstudent`. Attributes are those of `Residuals`."""

    title: ClassVar[str] = "Standardised deleted residuals"


def rstudent(
    fit: Fitted | Multilevel, *, by: str | None = None
) -> DeletedResiduals | DeletedGroupResiduals:
    r"""Standardised deleted residuals: each study against the fit of the others.

    .. math:: t_i = \frac{y_i - x_i'\hat\beta_{(-i)}}
       {\sqrt{s^2_{(-i)} (v_i + \hat\tau^2_{(-i)}) + x_i' V_{(-i)} x_i}}

    with the coefficients, their covariances V and tau2 of the fit without study i, and :math:`s^2`
    the factor that the test puts on V (1 for z and t); of a pooled effect x is 1, and V its squared
    standard error. If the model holds, about one in twenty lies outside :math:`\pm 1.96`.

    Of a multilevel fit, each row against the fit without its group j, such as its study, by the
    root of :math:`S_{ii}`, and each group by :math:`X^2_j = e_j'S_{jj}^{-1}e_j`, with

    .. math:: S_{jj} = M_{jj} + X_jV_{(-j)}X_j' - C - C', \qquad
       C = X_jV_{(-j)}X_{(-j)}'M_{(-j)}^{-1}M_{(-j)j}

    and the marginal covariances M at the components without the group. C is 0 where a group depends
    on no other; metafor 3.8-1 leaves it out everywhere.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        The fit of all studies.
    by : str, optional
        Of a multilevel fit, the column of the groups; by default the outermost of its first random
        term.

    Returns
    -------
    DeletedResiduals, or DeletedGroupResiduals for a multilevel fit
        nan with a reason where the other studies cannot be fitted, or leave nothing to estimate
        tau2 from (except in the equal-effects model, which has none).

    Raises
    ------
    DataError
        If ``fit`` is none of these.
    ModelError
        If there is no such column, or one is given for a fit of independent studies.

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
    if isinstance(fit, Multilevel):
        return group_rstudent(fit, by)
    check_no_groups(by)
    without = deletion(fit)
    resid, se = without.residuals(fit), without.residual_se(fit)
    return DeletedResiduals(
        labels=fit.effects.labels,
        resid=resid,
        se=se,
        z=np.divide(resid, se, out=np.full(fit.k, np.nan), where=se > 0),
        reasons=without.reasons,
        **fit.made,
    )
