"""Random effects: what the whole evidence says of each single study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, overload

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.fitted import Fitted, check_fitted
from comorbid.models.frames import as_text, labelled
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level
from comorbid.models.student import t_quantile

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_effects import RandomEffects


_COLUMNS = ("pred", "se", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, eq=False)
class StudyPredictions(Recorded):
    """Predictions for the studies of a fit; made by `blup` and `ranef`.

    Attributes
    ----------
    kind : {"blup", "ranef"}
        True effects, or their distances from the pooled effect.
    labels : tuple of str
        The studies.
    pred, se, pi_low, pi_high : arrays of shape (k,)
        Prediction, its standard error, and its interval, on the analysis scale.
    """

    kind: str
    labels: tuple[str, ...]
    pred: Array
    se: Array
    pi_low: Array
    pi_high: Array

    def to_frame(self) -> pd.DataFrame:
        """Return ``pred, se, pi_low, pi_high`` by label, in full precision."""
        return labelled(self.labels, {name: getattr(self, name) for name in _COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        return {
            "kind": self.kind,
            **self.made(),
            "labels": list(self.labels),
            **{name: getattr(self, name).tolist() for name in _COLUMNS},
        }

    def summary(self) -> str:
        """Return the table as text."""
        what = {"blup": "True effects of the studies", "ranef": "Random effects of the studies"}
        head = f"{what[self.kind]} ({self.method}, {text.TEST_NAMES[self.test]}), analysis scale"
        return f"{head}\n{as_text(self.to_frame())}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def blup(fit: Fitted | Multilevel, *, level: float | None = None) -> StudyPredictions:
    r"""Best linear unbiased predictions of the studies' true effects, drawn to what is expected.

    .. math:: \hat\theta_i = \lambda_i y_i + (1 - \lambda_i) x_i'\hat\beta, \quad
       \mathrm{se}_i^2 = \lambda_i v_i + (1 - \lambda_i)^2 x_i'Vx_i, \quad
       \lambda_i = \frac{\hat\tau^2}{\hat\tau^2 + v_i}

    with the covariances V of the coefficients; of a pooled effect x is 1 and V its squared standard
    error. The interval has the quantile of the fit's test. Of a multilevel fit, the true effect
    behind each row, :math:`\hat\theta = y - VPy` with variances :math:`V - VPV`,
    :math:`P = W - WX(X'WX)^{-1}X'W`, the sampling covariances V and the inverse W of the marginal
    ones.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        In an equal-effects fit, and where tau2 is 0, all predictions are what the model expects.
    level : float, optional
        Of the intervals, a proportion; by default the fit's.

    Returns
    -------
    StudyPredictions

    Raises
    ------
    ModelError
        If the fit has weights of the analyst, with which the predictions would not be best, or
        the level is no proportion.
    DataError
        If ``fit`` is none of these.

    References
    ----------
    Raudenbush SW, Bryk AS (1985). Journal of Educational Statistics 10:75-98.
    doi:10.3102/10769986010002075
    Robinson GK (1991). Statistical Science 6:15-32. doi:10.1214/ss/1177011926

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> cb.blup(fit).pred.round(2).tolist()
    [0.16, 0.84, 0.42, 1.19]
    """
    if isinstance(fit, Multilevel):
        return fit.blup(level)
    return _predictions(fit, "blup", level)


@overload
def ranef(fit: Fitted, *, level: float | None = None) -> StudyPredictions: ...
@overload
def ranef(fit: Multilevel, *, level: float | None = None) -> RandomEffects: ...
def ranef(
    fit: Fitted | Multilevel, *, level: float | None = None
) -> StudyPredictions | RandomEffects:
    r"""Predictions of the random effects: how far each true effect lies from what is expected.

    .. math:: \hat u_i = \lambda_i (y_i - x_i'\hat\beta), \quad
       \mathrm{se}_i^2 = \lambda_i v_i + \lambda_i^2 x_i'Vx_i, \quad
       \lambda_i = \frac{\hat\tau^2}{\hat\tau^2 + v_i}

    Of a multilevel fit :math:`\hat u = GZ'Py` for the groups of each term, with variances
    :math:`G - GZ'PZG`. Parameters and errors are those of `blup`.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        In an equal-effects fit, and where tau2 is 0, all are 0.
    level : float, optional
        Of the intervals, a proportion; by default the fit's.

    Returns
    -------
    StudyPredictions, or RandomEffects for a multilevel fit

    Raises
    ------
    ModelError
        If the fit has weights of the analyst, or the level is no proportion.
    DataError
        If ``fit`` is none of these.

    References
    ----------
    Raudenbush SW, Bryk AS (1985). Journal of Educational Statistics 10:75-98.
    doi:10.3102/10769986010002075
    Robinson GK (1991). Statistical Science 6:15-32. doi:10.1214/ss/1177011926

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> cb.ranef(fit).pred.round(2).tolist()
    [-0.49, 0.19, -0.23, 0.54]
    """
    if isinstance(fit, Multilevel):
        return fit.ranef(level)
    return _predictions(fit, "ranef", level)


def _predictions(fit: Fitted, kind: str, level: float | None) -> StudyPredictions:
    check_fitted(fit)
    if fit.user_weights is not None:
        raise ModelError(
            "predictions for single studies need the model's own weights; fit without weights"
        )
    level = fit.level if level is None else level
    check_level(level)
    tau2 = 0.0 if fit.method == "EE" else fit.tau2
    share = tau2 / (tau2 + fit.effects.vi)
    expected = fit.effects.yi - fit.residuals
    uncertain = fit.s2 * ((fit.x @ fit.solution.root[..., 0]) ** 2).sum(axis=1)
    if kind == "blup":
        pred, rest = share * fit.effects.yi + (1 - share) * expected, 1 - share
    else:
        pred, rest = share * fit.residuals, share
    se = np.sqrt(share * fit.effects.vi + rest**2 * uncertain)
    half = t_quantile(np.array(fit.df), (1 + level) / 2) * se
    return StudyPredictions(
        kind=kind,
        labels=fit.effects.labels,
        pred=pred,
        se=se,
        pi_low=pred - half,
        pi_high=pred + half,
        **fit.made | {"level": level},
    )
