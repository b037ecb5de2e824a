"""Predictions: what a meta-regression expects of studies with given moderators."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.scales import SCALES
from comorbid.errors import DataError
from comorbid.models import text
from comorbid.models.formula import design_at
from comorbid.models.frames import labelled
from comorbid.models.kernel import t_quantile
from comorbid.models.pooled import Scaled
from comorbid.models.recorded import Recorded

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.regression_result import Regression

_COLUMNS = ("estimate", "se", "ci_low", "ci_high", "pi_low", "pi_high")


@dataclass(frozen=True, slots=True, eq=False)
class Predictions(Recorded):
    """Mean effects at given moderators; made by `Regression.predict`.

    Attributes
    ----------
    labels : tuple of str
        The rows of the new data, or the studies.
    estimate, se, ci_low, ci_high : arrays of shape (rows,)
        Mean true effect at these moderators, on the analysis scale.
    pi_low, pi_high : arrays of shape (rows,)
        Interval for the true effect of one new study with these moderators; nan in the
        equal-effects model.
    scale : str
        Of the effects.
    """

    labels: tuple[str, ...]
    estimate: Array
    se: Array
    ci_low: Array
    ci_high: Array
    pi_low: Array
    pi_high: Array
    scale: str

    def to_frame(self) -> pd.DataFrame:
        """Return the rows indexed by label, on the analysis scale, in full precision."""
        return labelled(self.labels, {name: getattr(self, name) for name in _COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return labels, settings and columns as plain lists."""
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        return {**self.made(), "labels": list(self.labels), **columns}

    def on_scale(self) -> tuple[Scaled, ...]:
        """Return each row back-transformed, as `Fit.on_scale` does."""
        back = SCALES[self.scale].back
        names = ("estimate", "ci_low", "ci_high", "pi_low", "pi_high")
        columns = [back(getattr(self, name)).tolist() for name in names]
        return tuple(
            Scaled(self.measure, estimate, (ci_low, ci_high), (pi_low, pi_high))
            for estimate, ci_low, ci_high, pi_low, pi_high in zip(*columns, strict=True)
        )

    def summary(self) -> str:
        """Return the rows as text, on the printed scale."""
        table = self.to_frame().drop(columns="se").apply(SCALES[self.scale].back)
        head = f"Predicted mean effects; as {self.measure}; {100 * self.level:g}% intervals"
        rows = table.to_string(float_format=lambda value: text.number(value, 3), na_rep="-")
        return f"{head}\n{rows}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def predict(
    regression: Regression, new_data: pd.DataFrame | Mapping[str, Any] | None = None
) -> Predictions:
    r"""Predict the mean effect, and the effect of a new study, at given moderators.

    .. math:: \hat\mu(x) = x'\hat\beta, \qquad \mathrm{se}^2 = x' \mathrm{cov}(\hat\beta) x,
       \qquad \hat\mu \pm c\,\mathrm{se}, \qquad
       \hat\mu \pm c \sqrt{\mathrm{se}^2 + \hat\tau^2}

    with the quantile c that the regression's coefficients have.

    Parameters
    ----------
    regression : Regression
    new_data : DataFrame or mapping, optional
        A column, a list or one value for each moderator of the formula; by default the studies
        themselves.

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        If a moderator or a value is missing, or a level is not among those fitted.

    References
    ----------
    Riley RD, Higgins JPT, Deeks JJ (2011). BMJ 342:d549. doi:10.1136/bmj.d549

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      moderators={"year": [1990, 1995, 2000, 2010, 2015]})
    >>> at = predict(regress(effects, "~ year"), {"year": [2000, 2010]})
    >>> at.estimate.round(3).tolist()
    [0.32, 0.556]
    """
    if new_data is None:
        labels, x = regression.effects.labels, regression.design.x
    else:
        frame = as_frame(new_data)
        labels = tuple(str(label) for label in frame.index)
        x = design_at(regression.design, frame)
    estimate = x @ regression.estimate
    fits = regression.fits
    se = np.sqrt(fits.s2[0] * ((x @ fits.root[:, :, 0]) ** 2).sum(axis=1))
    critical = float(t_quantile(np.array([regression.df]), (1 + regression.level) / 2)[0])
    tau2 = float("nan") if regression.method == "EE" else regression.tau2
    scale = regression.effects.scale
    return predictions_of(labels, estimate, se, critical, tau2, scale, regression.made)


def predictions_of(
    labels: tuple[str, ...],
    estimate: Array,
    se: Array,
    critical: Array | float,
    tau2: Array | float,
    scale: str,
    made: Mapping[str, Any],
) -> Predictions:
    """Return means with both their intervals, ``critical`` times their standard errors wide.

    ``tau2`` is the variance of true effects about these means, and ``made`` what `Recorded` keeps.
    """
    half, spread = critical * se, critical * np.sqrt(se**2 + tau2)
    return Predictions(
        labels=labels,
        estimate=estimate,
        se=se,
        ci_low=estimate - half,
        ci_high=estimate + half,
        pi_low=estimate - spread,
        pi_high=estimate + spread,
        scale=scale,
        **made,
    )


def as_frame(new_data: pd.DataFrame | Mapping[str, Any]) -> pd.DataFrame:
    """Return new data as a table, with one value for all rows repeated."""
    import pandas as pd

    if isinstance(new_data, pd.DataFrame):
        _check_rows(len(new_data))
        return new_data
    if not isinstance(new_data, Mapping):
        raise DataError(
            f"new data is a {type(new_data).__name__}; give a DataFrame, or a mapping such as "
            "{'year': [2000, 2010]}"
        )
    columns = {
        name: [value] if isinstance(value, str) or np.ndim(value) == 0 else list(value)
        for name, value in new_data.items()
    }
    rows = max((len(values) for values in columns.values()), default=1)
    _check_rows(rows)
    wrong = {name: len(values) for name, values in columns.items() if len(values) not in (1, rows)}
    if wrong:
        raise DataError(f"new data: columns of different lengths: {wrong} beside {rows}")
    filled = {name: v if len(v) == rows else v * rows for name, v in columns.items()}
    return pd.DataFrame(filled, index=pd.Index([f"Row {i + 1}" for i in range(rows)]))


def _check_rows(rows: int) -> None:
    if not rows:
        raise DataError("new data has no row; give values of the moderators")
