"""What meta-regressions explain: log-likelihoods, R2, and how well tau2 is known."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.table import Effects
from comorbid.models.design import DesignProjection
from comorbid.models.design_fits import DesignFits, fit_designs
from comorbid.models.design_matrix import Design
from comorbid.models.estimators import Estimator
from comorbid.models.likelihood import FitStatistics, fit_statistics


def likelihoods(
    data: DesignProjection, tau2: Array, estimator: Estimator
) -> tuple[FitStatistics, FitStatistics]:
    """Return what the likelihood and the restricted likelihood say of a fit with this tau2."""
    only = np.zeros(1, dtype=np.intp)
    moments, saturated = data.at(tau2, only), data.at(np.zeros(1), only)
    return fit_statistics(
        log_w=float(moments.log_w[0]),
        q=float(moments.q[0]),
        log_xwx=float(moments.log_xwx[0]),
        log_xx=float(data.log_xx[0]),
        saturated=float(saturated.log_w[0]),
        k=int(data.k[0]),
        p=data.p,
        m=data.p + is_estimated(estimator),
    )


def is_estimated(estimator: Estimator) -> bool:
    """Return whether tau2 is estimated from the data."""
    return estimator.id != "EE" and estimator.fixed is None


def se_of_tau2(data: DesignProjection, tau2: Array, estimator: Estimator) -> float:
    """Return the standard error of tau2 in large samples; nan where its estimator has none.

    Hedges' estimator with moderators is the residual sum of squares, less its expectation without
    heterogeneity, over k - p.
    """
    if estimator.se is None or estimator.fixed is not None or data.k[0] <= data.p:
        return float("nan")
    if estimator.id == "HE":
        return float((data.spread_of_residuals(tau2) / (data.k - data.p))[0])
    return float(estimator.se(data, tau2)[0])


def explained(effects: Effects, design: Design, fits: DesignFits, estimator: Estimator) -> float:
    r"""Return the percentage of the between-study variance that moderators account for.

    .. math:: R^2 = 100 \max\left(0, \frac{\hat\tau_0^2 - \hat\tau^2}{\hat\tau_0^2}\right)

    where :math:`\hat\tau_0^2` is the same estimator's without moderators. In the equal-effects
    model the adjusted R2 of the weighted regression, with :math:`Q_E / (k - p)` in place of
    :math:`\hat\tau^2`. 0 where there is nothing to account for; nan where the model does
    not contain a common mean, or has nothing else.

    References
    ----------
    Lopez-Lopez JA, Marin-Martinez F, Sanchez-Meca J, Van den Noortgate W, Viechtbauer W (2014).
    British Journal of Mathematical and Statistical Psychology 67:30-48. doi:10.1111/bmsp.12002
    """
    k, p = design.x.shape
    if design.intercept_only or not design.spans_constant or k <= p or estimator.fixed is not None:
        return float("nan")
    ones = np.ones((k, 1))
    without = fit_designs(
        effects.yi[:, None], effects.vi[:, None], ones, estimator=estimator, test="z", level=0.95
    )
    if estimator.id == "EE":
        left, total = float(fits.qe[0]) / (k - p), float(without.qe[0]) / (k - 1)
    else:
        left, total = float(fits.tau2[0]), float(without.tau2[0])
    return max(0.0, 100 * (1 - left / total)) if total > 0 else 0.0
