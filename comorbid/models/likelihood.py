"""The two likelihoods of tau2: their slopes and heights, and what they say of a fit."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.models.projection import Moments, Projection
from comorbid.models.roots import Slope

Kind = Literal["ML", "REML"]
Height = Callable[[Array, Index], Array]


@dataclass(frozen=True, slots=True)
class Likelihood:
    """A likelihood of tau2, as a function of the moments at tau2.

    Twice the slope of its log, the score, is y'PPy less a ``penalty``, which falls at the rate
    ``slope``; ``height`` is the log without its constants.
    """

    kind: Kind
    penalty: Callable[[Moments], Array]
    slope: Callable[[Moments], Array]
    height: Callable[[Moments], Array]

    def score(self, at: Moments) -> Array:
        """Return twice the slope of the log."""
        return at.ypp - self.penalty(at)

    def curvature(self, at: Moments) -> Array:
        """Return the derivative of the score."""
        return self.slope(at) - 2 * at.yppp

    def straight(self, at: Moments) -> tuple[Array, Array]:
        """Return 1 less penalty / y'PPy, which has the sign of the score, and its derivative.

        It is nearly a line: of studies that all have the same variance it is one.
        """
        ypp = at.ypp
        share = self.penalty(at) / ypp
        return 1 - share, (self.slope(at) - 2 * share * at.yppp) / ypp

    def of(self, data: Projection) -> tuple[Slope, Height]:
        """Return score with curvature, and height, as functions of tau2 and of the data set."""

        def slope(tau2: Array, column: Index) -> tuple[Array, Array]:
            moments = data.at(tau2, column)
            return self.score(moments), self.curvature(moments)

        def height(tau2: Array, column: Index) -> Array:
            return self.height(data.at(tau2, column))

        return slope, height


ML = Likelihood(
    "ML",
    penalty=lambda at: at.w,
    slope=lambda at: at.w2,
    height=lambda at: (at.log_w - at.q) / 2,
)
REML = Likelihood(
    "REML",
    penalty=lambda at: at.trace_p,
    slope=lambda at: at.trace_pp,
    height=lambda at: (at.log_w - at.log_xwx - at.q) / 2,
)


def likelihood_of(method: str) -> Likelihood:
    """Return the likelihood that a method maximises; for all others the full one."""
    return REML if method == "REML" else ML


def constant(kind: Kind, k: int, p: int, log_xx: float) -> float:
    """Return what a height lacks of the log-likelihood of k studies with p coefficients."""
    log_2pi = float(np.log(2 * np.pi))
    return -k * log_2pi / 2 if kind == "ML" else (log_xx - (k - p) * log_2pi) / 2


@dataclass(frozen=True, slots=True)
class FitStatistics:
    """How well a model fits, under one of the two likelihoods.

    Attributes
    ----------
    log_likelihood, deviance : float
        The deviance is from the model that fits every effect, or, restricted, from nothing.
    aic, bic, aicc : float
        Akaike's and Schwarz's criterion, and Akaike's for few studies: less is better.
    """

    log_likelihood: float
    deviance: float
    aic: float
    bic: float
    aicc: float


def fit_statistics(
    *,
    log_w: float,
    q: float,
    log_xwx: float,
    log_xx: float,
    saturated: float,
    k: int,
    p: int,
    m: int,
) -> tuple[FitStatistics, FitStatistics]:
    r"""Return what the likelihood and the restricted likelihood say of one fit.

    .. math:: l = -\tfrac12 \left[k \log 2\pi - \sum \log w_i + Q\right], \qquad
       l_R = -\tfrac12 \left[(k - p) \log 2\pi - \log |X'X| - \sum \log w_i
       + \log |X'WX| + Q\right]

    With m parameters and N = k, restricted N = k - p: AIC is :math:`-2l + 2m`, BIC
    :math:`-2l + m \log N`, and AICc :math:`-2l + 2mN' / (N' - m - 1)`, where N' is N but at
    least m + 2.

    Parameters
    ----------
    log_w, q : float
        Sum of the logs of the weights, and weighted sum of squared residuals.
    log_xwx, log_xx : float
        Log determinants with the weights and without.
    saturated : float
        Sum of the logs of the weights without tau2.
    k, p, m : int
        Studies, coefficients, and parameters estimated: coefficients, and tau2 if it was.

    Returns
    -------
    ml, reml : FitStatistics
        The second is nan where as many coefficients as studies leave nothing.

    References
    ----------
    Raudenbush SW (2009). In: The handbook of research synthesis and meta-analysis, 2nd ed.,
    295-315. Russell Sage Foundation (no DOI).
    """
    log_2pi = float(np.log(2 * np.pi))
    full = (log_w - q - k * log_2pi) / 2
    best = (saturated - k * log_2pi) / 2
    restricted = float("nan")
    if k > p:
        restricted = (log_w - q - log_xwx + log_xx - (k - p) * log_2pi) / 2
    return (
        criteria(full, -2 * (full - best), k, m),
        criteria(restricted, -2 * restricted, max(k - p, 1), m),
    )


def criteria(log_likelihood: float, deviance: float, n: int, m: int) -> FitStatistics:
    """Return the criteria of a model with m parameters, of n independent pieces of information."""
    twice = -2 * log_likelihood
    enough = max(n, m + 2)
    return FitStatistics(
        log_likelihood=log_likelihood,
        deviance=deviance,
        aic=twice + 2 * m,
        bic=twice + m * float(np.log(n)),
        aicc=twice + 2 * m * enough / (enough - m - 1),
    )
