"""R2: how much of the between-study variance moderators account for."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.design import DesignProjection
from comorbid.models.design_matrix import Design
from comorbid.models.estimators import Estimator
from comorbid.models.generalised import GeneralisedQ
from comorbid.models.intercept import Intercept
from comorbid.models.kernel import fit_batch
from comorbid.models.projection import Projection


def explained(
    yi: Array, vi: Array, weights: Array | None, design: Design, tau2: float, estimator: Estimator
) -> float:
    r"""Return the percentage of the between-study variance that moderators account for.

    .. math:: R^2 = 100 \max\left(0, \frac{\hat\tau_0^2 - \hat\tau^2}{\hat\tau_0^2}\right)

    where :math:`\hat\tau_0^2` is the same estimator's without moderators. In the equal-effects
    model the adjusted R2 of the weighted regression, with :math:`Q / (k - p)` in place of
    :math:`\hat\tau^2`, Q by the weights of the fit and k studies with a weight above 0. 0 where
    there is nothing to account for; nan where tau2 is not estimated, or the model does not contain
    a common mean, or has nothing else.

    Parameters
    ----------
    yi, vi, weights : arrays of shape (k, 1)
        The studies; ``weights`` are the analyst's, or None.
    design : Design
    tau2 : float
        Of the fit.
    estimator : Estimator

    References
    ----------
    Lopez-Lopez JA, Marin-Martinez F, Sanchez-Meca J, Van den Noortgate W, Viechtbauer W (2014).
    British Journal of Mathematical and Statistical Psychology 67:30-48. doi:10.1111/bmsp.12002
    """
    k, p = design.x.shape
    if design.intercept_only or not design.spans_constant or k <= p or estimator.fixed is not None:
        return float("nan")
    if estimator.id == "EE":
        left = _q_per_freedom(DesignProjection(yi, vi, design.x, weights))
        total = _q_per_freedom(Intercept(yi, vi, weights))
    else:
        without = fit_batch(yi, vi, estimator=estimator, test="z", level=0.95, weights=weights)
        left, total = tau2, float(without.tau2[0])
    return float(np.maximum(0.0, 100 * (1 - left / total))) if total > 0 else 0.0


def _q_per_freedom(data: Projection) -> float:
    weights = 1 / data.vi if data.weights is None else data.weights
    freedom = np.count_nonzero(weights) - data.p
    return float(GeneralisedQ(data, weights).q[0] / freedom) if freedom > 0 else float("nan")
