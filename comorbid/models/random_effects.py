"""Random effects: what the whole evidence says of each single study."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.kernel import t_quantile
from comorbid.models.pooled import Fit, check_fit
from comorbid.models.settings import check_level

if TYPE_CHECKING:
    import pandas as pd


_COLUMNS = ("pred", "se", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, eq=False)
class StudyPredictions(Frozen):
    """Predictions for the studies of a fit; made by `blup` and `ranef`.

    Attributes
    ----------
    kind : {"blup", "ranef"}
        True effects, or their distances from the pooled effect.
    labels : tuple of str
        The studies.
    pred, se, pi_low, pi_high : arrays of shape (k,)
        Prediction, its standard error, and its interval, on the analysis scale.
    level : float
        Of the intervals, a proportion.
    measure, method, test : str
        How the fit was made.
    ids : tuple of str
        The estimates used.
    warnings : tuple of str
        Those of the fit.
    """

    kind: str
    labels: tuple[str, ...]
    pred: Array
    se: Array
    pi_low: Array
    pi_high: Array
    level: float
    measure: str
    method: str
    test: str
    ids: tuple[str, ...]
    warnings: tuple[str, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return ``pred, se, pi_low, pi_high`` by label, in full precision."""
        import pandas as pd

        columns = {name: getattr(self, name) for name in _COLUMNS}
        return pd.DataFrame(columns, index=pd.Index(self.labels, name="label"))

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        settings = ("kind", "measure", "method", "test", "level")
        return {
            **{name: getattr(self, name) for name in settings},
            "ids": list(self.ids),
            "warnings": list(self.warnings),
            "labels": list(self.labels),
            **{name: getattr(self, name).tolist() for name in _COLUMNS},
        }

    def summary(self) -> str:
        """Return the table as text."""
        what = {"blup": "True effects of the studies", "ranef": "Random effects of the studies"}
        head = f"{what[self.kind]} ({self.method}, {text.TEST_NAMES[self.test]}), analysis scale"
        table = self.to_frame().to_string(float_format=lambda value: text.number(value))
        return f"{head}\n{table}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def blup(fit: Fit, *, level: float | None = None) -> StudyPredictions:
    r"""Best linear unbiased predictions of the studies' true effects, drawn to the pooled one.

    .. math:: \hat\theta_i = \lambda_i y_i + (1 - \lambda_i) \hat\mu, \quad
       \mathrm{se}_i^2 = \lambda_i v_i + (1 - \lambda_i)^2 \mathrm{se}^2, \quad
       \lambda_i = \frac{\hat\tau^2}{\hat\tau^2 + v_i}

    with the pooled effect's own standard error; the interval has the quantile of the fit's test.

    Parameters
    ----------
    fit : Fit
        In an equal-effects fit, and where tau2 is 0, all predictions are the pooled effect.
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
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Raudenbush SW, Bryk AS (1985). Journal of Educational Statistics 10:75-98.
    doi:10.3102/10769986010002075

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> blup(fit).pred.round(2).tolist()
    [0.16, 0.84, 0.42, 1.19]
    """
    share = _share(fit)
    pred = share * fit.effects.yi + (1 - share) * fit.estimate
    variance = share * fit.effects.vi + (1 - share) ** 2 * fit.se**2
    return _predictions(fit, "blup", pred, np.sqrt(variance), level)


def ranef(fit: Fit, *, level: float | None = None) -> StudyPredictions:
    r"""Predictions of the random effects: how far each true effect lies from the pooled one.

    .. math:: \hat u_i = \lambda_i (y_i - \hat\mu), \quad
       \mathrm{se}_i^2 = \lambda_i v_i + \lambda_i^2 \mathrm{se}^2, \quad
       \lambda_i = \frac{\hat\tau^2}{\hat\tau^2 + v_i}

    Parameters, result and errors are those of `blup`.

    Parameters
    ----------
    fit : Fit
        In an equal-effects fit, and where tau2 is 0, all are 0.
    level : float, optional
        Of the intervals, a proportion; by default the fit's.

    Returns
    -------
    StudyPredictions

    Raises
    ------
    ModelError
        If the fit has weights of the analyst, or the level is no proportion.
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    Raudenbush SW, Bryk AS (1985). Journal of Educational Statistics 10:75-98.
    doi:10.3102/10769986010002075

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.4, 1.3], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> ranef(fit).pred.round(2).tolist()
    [-0.49, 0.19, -0.23, 0.54]
    """
    share = _share(fit)
    pred = share * (fit.effects.yi - fit.estimate)
    variance = share * fit.effects.vi + share**2 * fit.se**2
    return _predictions(fit, "ranef", pred, np.sqrt(variance), level)


def _share(fit: Fit) -> Array:
    """Return how much of each prediction is the study's own effect."""
    check_fit(fit)
    if fit.user_weights is not None:
        raise ModelError(
            "predictions for single studies need the model's own weights; pool without weights"
        )
    tau2 = fit.tau2 if fit.k > 1 else float("nan")
    return np.asarray(tau2 / (tau2 + fit.effects.vi))


def _predictions(
    fit: Fit, kind: str, pred: Array, se: Array, level: float | None
) -> StudyPredictions:
    level = fit.level if level is None else level
    check_level(level)
    half = t_quantile(np.array(fit.df), (1 + level) / 2) * se
    return StudyPredictions(
        kind=kind,
        labels=fit.effects.labels,
        pred=pred,
        se=se,
        pi_low=pred - half,
        pi_high=pred + half,
        level=level,
        measure=fit.effects.measure,
        method=fit.method,
        test=fit.test,
        ids=fit.effects.ids,
        warnings=fit.warnings,
    )
