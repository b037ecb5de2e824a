"""Robust predictions: mean effects, and effects of new studies, with cluster-robust intervals."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.fitted import Fitted
from comorbid.models.formula import design_at
from comorbid.models.multilevel_predictions import rows_at
from comorbid.models.predictions import Predictions, as_frame, predictions_of
from comorbid.models.regression_result import Regression
from comorbid.models.sandwich import freedom
from comorbid.models.student import t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.robust_result import Robust


def predict_robust(
    found: Robust, new_data: pd.DataFrame | Mapping[str, Any] | None = None
) -> Predictions:
    r"""Predict the mean effect, and a single true effect of a new study, at given moderators.

    .. math:: \hat\mu(x) = x'\hat\beta, \qquad \mathrm{se}^2 = x'\hat V x, \qquad
       \hat\mu \pm c\,\mathrm{se}, \qquad \hat\mu \pm c \sqrt{\mathrm{se}^2 + \hat\tau^2}

    with the cluster-robust covariances V, the quantile c of t with Satterthwaite's degrees of
    freedom of x for CR2 and CR3 (for others m - p), and the variances of the random effects of the
    fit added up for :math:`\hat\tau^2`. That part is the model's: nothing makes it robust.

    Parameters
    ----------
    found : Robust
    new_data : DataFrame or mapping, optional
        As `predict_multilevel` and `Regression.predict` take it.

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        If a moderator, a level or a value is missing, or a level is not among those fitted.

    Notes
    -----
    Pustejovsky JE, Tipton E (2018). Journal of Business and Economic Statistics 36:672-683.
    doi:10.1080/07350015.2016.1247004
    """
    labels, x, spread = _rows(found, new_data)
    estimate = x @ found.estimate
    se = np.sqrt(np.einsum("ia,ab,ib->i", x, found.vcov, x))
    critical = t_quantile(_freedom(found, x), (1 + found.level) / 2)
    made = found.fit.made | {"test": "t", "level": found.level, "warnings": found.warnings}
    return predictions_of(labels, estimate, se, critical, spread, found.effects.scale, made)


def _rows(
    found: Robust, new_data: pd.DataFrame | Mapping[str, Any] | None
) -> tuple[tuple[str, ...], Array, Array]:
    """Return labels, designs, and variances of true effects about what is expected of them."""
    fit = found.fit
    if not isinstance(fit, Fitted):
        rows: tuple[tuple[str, ...], Array, Array] = rows_at(fit, new_data)
        return rows
    labels: tuple[str, ...] = ("Mean",)
    x = np.ones((1, 1))
    if isinstance(fit, Regression):
        labels, x = fit.effects.labels, fit.x
        if new_data is not None:
            table = as_frame(new_data)
            labels = tuple(str(label) for label in table.index)
            x = design_at(fit.design, table)
    return labels, x, np.full(len(x), np.nan if fit.method == "EE" else fit.tau2)


def _freedom(found: Robust, x: Array) -> Array:
    """Return the degrees of freedom of each row's mean, of shape (rows,)."""
    working = found.clustered.working
    if found.correction not in ("CR2", "CR3"):
        return np.full(len(x), float(working.m - working.p))
    different, of = np.unique(x, axis=0, return_inverse=True)
    df = np.array([freedom(working, found.adjusted, row[None]) for row in different])
    return np.asarray(df[of.reshape(-1)])
