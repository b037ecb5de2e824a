"""Multilevel predictions: mean effects, and effects of new studies, at given moderators."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.errors import DataError, Problem
from comorbid.models.formula import design_at
from comorbid.models.predictions import Predictions, as_frame, predictions_of
from comorbid.models.random_terms import Random
from comorbid.models.student import t_quantile
from comorbid.models.variance_components import parts_of

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel


def predict_multilevel(
    fit: Multilevel, new_data: pd.DataFrame | Mapping[str, Any] | None = None
) -> Predictions:
    r"""Predict the mean effect, and a single true effect of a new study, at given moderators.

    .. math:: \hat\mu(x) = x'\hat\beta, \qquad \mathrm{se}^2 = x'\operatorname{cov}(\hat\beta)x,
       \qquad \hat\mu \pm c\,\mathrm{se}, \qquad
       \hat\mu \pm c \sqrt{\mathrm{se}^2 + \textstyle\sum_j \hat\sigma_j^2 + \hat\tau^2}

    with the variances of all terms, and the quantile c of the least degrees of freedom among the
    coefficients that x has a part of.

    Parameters
    ----------
    fit : Multilevel
    new_data : DataFrame or mapping, optional
        A column, a list or one value for each moderator of the formula, and for each inner factor
        whose levels have variances of their own; by default the rows themselves, of which a mean
        alone has one.

    Returns
    -------
    Predictions

    Raises
    ------
    DataError
        If a moderator, a level or a value is missing, or a level is not among those fitted.

    Notes
    -----
    Riley RD, Higgins JPT, Deeks JJ (2011). BMJ 342:d549. doi:10.1136/bmj.d549
    """
    labels, x, spread = rows_at(fit, new_data)
    estimate = x @ fit.estimate
    se = np.sqrt(np.einsum("ia,ab,ib->i", x, fit.vcov, x))
    df = np.where(x != 0, fit.df, np.inf).min(axis=1)
    critical = t_quantile(df, (1 + fit.level) / 2)
    return predictions_of(labels, estimate, se, critical, spread, fit.effects.scale, fit.made)


def rows_at(
    fit: Multilevel, new_data: pd.DataFrame | Mapping[str, Any] | None
) -> tuple[tuple[str, ...], Array, Array]:
    """Return labels, designs, and variances of true effects about what is expected of them."""
    own = [term for term in fit.model.terms if term.structure.variances > 1]
    if new_data is None and fit.design.intercept_only and not own:
        return ("Mean",), np.ones((1, 1)), _spread(fit, {}, 1)
    if new_data is None:
        return fit.effects.labels, fit.x, _spread(fit, {t.name: t.inner for t in own}, fit.k)
    table = as_frame(new_data)
    levels = {term.name: _levels(term, table) for term in own}
    mean = fit.design.intercept_only
    x = np.ones((len(table), 1)) if mean else design_at(fit.design, table)
    return tuple(str(label) for label in table.index), x, _spread(fit, levels, len(x))


def _levels(term: Random, table: pd.DataFrame) -> Array:
    """Return the level of the inner factor of each row of new data."""
    inner = term.columns[0]
    if inner not in table:
        raise DataError(
            [Problem(f"new data: no column {inner}", "the prediction intervals depend on it")]
        )
    given: Sequence[str] = [str(value) for value in table[inner]]
    problems = [
        Problem(
            f"new data, row {label}: {inner} is {value}",
            f"the data fitted have {', '.join(term.levels)}",
        )
        for label, value in zip(table.index, given, strict=True)
        if value not in term.levels
    ]
    if problems:
        raise DataError(problems)
    return np.array([term.levels.index(value) for value in given])


def _spread(fit: Multilevel, levels: Mapping[str, Any], rows: int) -> Array:
    total = np.zeros(rows)
    terms = fit.model.terms
    for term, part in zip(terms, parts_of(terms, fit.theta), strict=True):
        variances = term.structure.natural(part)[0] * fit.model.unit**2
        total += variances[levels[term.name]] if term.name in levels else variances[0]
    return total
