"""Residual heterogeneity: how far what moderators leave of tau2 is known."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.errors import ModelError
from comorbid.models.design import DesignProjection
from comorbid.models.heterogeneity import Heterogeneity
from comorbid.models.likelihood import likelihood_of
from comorbid.models.settings import check_level
from comorbid.models.tau2_intervals import Tau2Bounds, profile_likelihood, q_profile

if TYPE_CHECKING:
    from comorbid.models.regression_result import Regression

METHODS = ("QP", "PL")


def residual_heterogeneity(
    regression: Regression, *, method: str = "QP", level: float | None = None
) -> Heterogeneity:
    r"""Confidence intervals of the tau2, tau, I2 and H2 that moderators leave.

    With the typical sampling variance :math:`\tilde v = (k - p) / \mathrm{tr}\,P`, I2 and H2
    follow from tau2 as in `heterogeneity`.

    Parameters
    ----------
    regression : Regression
        With an estimated tau2.
    method : {"QP", "PL"}
        ``QP``, the Q-profile, exact under the normal model whatever estimated tau2; ``PL``, the
        profile likelihood, for ML and REML.
    level : float, optional
        A proportion; by default the regression's.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    ModelError
        If tau2 was not estimated, or its method has no such interval.

    References
    ----------
    Viechtbauer W (2007). Statistics in Medicine 26:37-52. doi:10.1002/sim.2514

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.2, 0.6, 1.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> low, high = residual_heterogeneity(regress(effects, "~ year")).tau2_ci
    >>> round(low, 3), round(high, 3)
    (0.058, 3.772)
    """
    level = regression.level if level is None else level
    check_level(level)
    bounds, typical = _bounds(regression, method, level)
    ends = np.array([regression.tau2, bounds.low[0], bounds.high[0]])
    rows = {
        "tau2": ends,
        "tau": np.sqrt(ends),
        "i2": 100 * ends / (ends + typical),
        "h2": ends / typical + 1,
    }
    values: dict[str, Any] = {}
    for name, row in rows.items():
        values[name], low, high = row.tolist()
        values[f"{name}_ci"] = (low, high)
    note = (
        "no tau2 agrees with the data: the studies are more alike than the moderators and tau2 = 0 "
        "let expect; the bounds are those of tau2 = 0"
    )
    return Heterogeneity(
        method=method,
        level=level,
        warnings=(note,) if bounds.empty[0] else (),
        **values,
    )


def _bounds(regression: Regression, method: str, level: float) -> tuple[Tau2Bounds, float]:
    """Return the interval of tau2, and the typical sampling variance."""
    if method not in METHODS:
        raise ModelError(f"method is {method!r}; use one of {', '.join(METHODS)}")
    if regression.method == "EE":
        raise ModelError("the equal-effects model has no tau2; regress with another method")
    if regression.estimator.fixed is not None:
        raise ModelError("tau2 was fixed, not estimated: there is no interval for it")
    if regression.k <= regression.p:
        raise ModelError("as many coefficients as studies: there is no tau2, and no interval")
    effects = regression.effects
    data = DesignProjection(effects.yi[:, None], effects.vi[:, None], regression.design.x)
    trace = float(data.at(np.zeros(1), np.zeros(1, dtype=np.intp)).trace_p[0])
    typical = (regression.k - regression.p) / trace
    if method == "QP":
        return q_profile(data, level), typical
    if regression.method not in ("ML", "REML"):
        raise ModelError(
            f"the profile likelihood interval belongs to ML and REML, not {regression.method}; "
            "use QP"
        )
    return profile_likelihood(data, likelihood_of(regression.method), level), typical
