"""Heterogeneity: how far tau2, tau, I2 and H2 of a fit are known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.likelihood import likelihood_of
from comorbid.models.projection import Projection
from comorbid.models.settings import check_level
from comorbid.models.tau2_intervals import (
    Tau2Bounds,
    generalised_q_bounds,
    profile_likelihood,
    q_profile,
)

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.fitted import Fitted

Pair = tuple[float, float]

METHODS = {
    "QP": "Q-profile",
    "GENQ": "generalised Q",
    "PL": "profile likelihood",
}
QUANTITIES = ("tau2", "tau", "i2", "h2")


@dataclass(frozen=True, slots=True)
class Heterogeneity:
    """Between-study variance with its intervals; made by `heterogeneity`.

    Attributes
    ----------
    method : {"QP", "GENQ", "PL"}
        Q-profile, generalised Q, or profile likelihood.
    level : float
        Of the intervals, a proportion.
    tau2, tau, i2, h2 : float
        The fit's own: between-study variance and standard deviation (analysis scale), percentage
        of the total variance, ratio of total to sampling variance.
    tau2_ci, tau_ci, i2_ci, h2_ci : (float, float)
        Their intervals: four views of the same one.
    warnings : tuple of str
        Says where no tau2 agrees with the data; both bounds are then those of tau2 = 0.
    """

    method: str
    level: float
    tau2: float
    tau: float
    i2: float
    h2: float
    tau2_ci: Pair
    tau_ci: Pair
    i2_ci: Pair
    h2_ci: Pair
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``estimate, ci_low, ci_high`` of the rows ``tau2, tau, i2, h2``."""
        import pandas as pd

        rows = [(getattr(self, name), *getattr(self, f"{name}_ci")) for name in QUANTITIES]
        index = pd.Index(QUANTITIES, name="quantity")
        return pd.DataFrame(rows, columns=["estimate", "ci_low", "ci_high"], index=index)

    def to_dict(self) -> dict[str, Any]:
        """Return every number and the settings."""
        values = {name: getattr(self, name) for name in ("method", "level", *QUANTITIES)}
        bounds = {f"{name}_ci": list(getattr(self, f"{name}_ci")) for name in QUANTITIES}
        return {**values, **bounds, "warnings": list(self.warnings)}

    def summary(self) -> str:
        """Return the result as text."""
        head = f"Heterogeneity, {100 * self.level:g}% intervals by {METHODS[self.method]}"
        table = self.to_frame().to_string(float_format=lambda value: text.number(value))
        return "\n".join([head, table, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def heterogeneity(fit: Fitted, *, method: str = "QP", level: float | None = None) -> Heterogeneity:
    r"""Confidence intervals of tau2, tau, I2 and H2.

    With the typical sampling variance :math:`\tilde v = (k - p) / \mathrm{tr}\,P`,

    .. math:: I^2 = 100 \frac{\tau^2}{\tau^2 + \tilde v}, \qquad H^2 = \frac{\tau^2}{\tilde v} + 1

    so that an interval of tau2 is one of all four. With moderators, of what they leave of tau2.

    Parameters
    ----------
    fit : Fit or Regression
        A random-effects fit of at least two studies, or a regression with an estimated tau2.
    method : {"QP", "GENQ", "PL"}
        ``QP``, the Q-profile, exact under the normal model whatever estimated tau2; ``GENQ``, the
        generalised Q, for methods with fixed weights (DL, HS, HSk, HE, GENQ, GENQM); ``PL``, the
        profile likelihood, for ML and REML.
    level : float, optional
        A proportion; by default the fit's.

    Returns
    -------
    Heterogeneity

    Raises
    ------
    ModelError
        If the fit has no estimated tau2, or its method has no such interval.

    References
    ----------
    Viechtbauer W (2007). Statistics in Medicine 26:37-52. doi:10.1002/sim.2514
    Jackson D (2013). Research Synthesis Methods 4:220-229. doi:10.1002/jrsm.1081
    Jackson D, Turner R, Rhodes K, Viechtbauer W (2014). BMC Medical Research Methodology 14:103.
    doi:10.1186/1471-2288-14-103
    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05],
    ...                      moderators={"year": [1990, 2010, 1995, 2000]})
    >>> low, high = heterogeneity(cb.pool(effects)).i2_ci
    >>> round(low, 1), round(high, 1)
    (56.8, 99.0)
    >>> low, high = heterogeneity(cb.regress(effects, "~ year")).i2_ci
    >>> round(low, 1), round(high, 1)
    (20.9, 99.6)
    """
    level = fit.level if level is None else level
    check_level(level)
    if method not in METHODS:
        raise ModelError(f"method is {method!r}; use one of {', '.join(METHODS)}")
    data = fit.projection
    _check_estimated(fit)
    bounds = _bounds(fit, data, method, level)
    ends = np.array([fit.tau2, bounds.low[0], bounds.high[0]])
    typical = (fit.k - fit.p) / float(data.solve(np.zeros(1)).trace_p[0])
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
    expect = "tau2 = 0 lets" if fit.p == 1 else "the moderators and tau2 = 0 let"
    note = (
        f"no tau2 agrees with the data: the studies are more alike than {expect} expect; the "
        "bounds are those of tau2 = 0"
    )
    return Heterogeneity(
        method=method, level=level, warnings=(note,) if bounds.empty[0] else (), **values
    )


def _check_estimated(fit: Fitted) -> None:
    if fit.method == "EE":
        raise ModelError("the equal-effects model has no tau2; use another method")
    if fit.estimator.fixed is not None:
        raise ModelError("tau2 was fixed, not estimated: there is no interval for it")
    if fit.k <= fit.p:
        few = "one study" if fit.p == 1 else "as many coefficients as studies"
        raise ModelError(f"{few}: there is no tau2, and no interval for it")


def _bounds(fit: Fitted, data: Projection, method: str, level: float) -> Tau2Bounds:
    if method == "QP":
        return q_profile(data, level)
    if method == "PL":
        if fit.method not in ("ML", "REML"):
            raise ModelError(
                f"the profile likelihood interval belongs to ML and REML, not {fit.method}; use QP"
            )
        return profile_likelihood(data, likelihood_of(fit.method), level)
    return generalised_q_bounds(GeneralisedQ(data, _fixed_weights(fit, data)), level)


def _fixed_weights(fit: Fitted, data: Projection) -> Array:
    """Return the weights that the fit's method estimates tau2 with, of shape (k, 1)."""
    if fit.method in ("DL", "HS", "HSk"):
        return 1 / data.vi
    if fit.method == "HE":
        return np.ones_like(data.vi)
    if fit.method in ("GENQ", "GENQM") and data.weights is not None:
        return data.weights
    raise ModelError(
        f"the generalised Q interval needs a method with fixed weights (DL, HS, HSk, HE, GENQ, "
        f"GENQM), and {fit.method} has none; use QP"
    )
