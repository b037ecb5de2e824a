"""Rows of studies, and of what they say together: what forest plots have in common."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from comorbid.document import prose
from comorbid.document.figures.chart import NONE, Row, Values
from comorbid.document.figures.numbers import Format, fixed, format_for, normal_quantile
from comorbid.effects.table import Effects
from comorbid.models.fit import Fit


def study_values(effects: Effects, level: float) -> list[Values]:
    """Return each study's effect with its own normal interval, analysis scale."""
    half = normal_quantile(level) * np.sqrt(effects.vi)
    columns = (effects.yi, effects.yi - half, effects.yi + half)
    return list(zip(*(column.tolist() for column in columns), strict=True))


def study_format(effects: Effects, level: float) -> Format:
    """Return the format that the studies' own intervals need."""
    return format_for(effects.scale, (normal_quantile(level) * np.sqrt(effects.vi)).tolist())


def study_rows(
    effects: Effects,
    level: float,
    weights: Sequence[float],
    *,
    cells: Sequence[tuple[str, ...]] = (),
    fitted: Sequence[Values] = (),
) -> list[Row]:
    """Return a row for each study.

    Parameters
    ----------
    effects : Effects
    level : float
        Of their intervals.
    weights : sequence of float
        In per cent; the areas of the squares, none where negative, and the last column.
    cells : sequence of tuple of str
        The columns before that, if there are any.
    fitted : sequence of (float, float, float)
        What a model expects of each, if one does.
    """
    largest = max(weights)
    return [
        Row(
            label=label,
            values=values,
            cells=(*more, weight(share)),
            share=max(share, 0.0) / largest,
            fitted=expected,
        )
        for label, values, share, more, expected in zip(
            effects.labels,
            study_values(effects, level),
            weights,
            cells or [()] * effects.k,
            fitted or [NONE] * effects.k,
            strict=True,
        )
    ]


def pooled_rows(pooled: Row, prediction: Values, level: float) -> tuple[Row, ...]:
    """Return the diamond of a pooled value and, if there is one, the bar of its prediction."""
    if math.isnan(prediction[1]):
        return (pooled,)
    remark = f"{prose.level(level)} prediction interval"
    cells = ("",) * len(pooled.cells)
    return pooled, Row("", prediction, cells=cells, mark="bar", remark=remark)


def total_rows(fit: Fit, label: str) -> tuple[Row, ...]:
    """Return the pooled value of all studies, and its prediction, as far as they exist."""
    if fit.k == 1:
        return ()
    return pooled_rows(
        Row(
            label=label,
            values=(fit.estimate, *fit.ci),
            cells=(weight(100.0),),
            mark="diamond",
            remark=f" (k = {fit.k})",
            bold=True,
        ),
        (fit.estimate, *fit.pi),
        fit.level,
    )


def weight(share: float) -> str:
    """Return a weight in per cent.

    Examples
    --------
    >>> weight(12.34), weight(0.02), weight(-0.52)
    ('12.3 %', '< 0.1 %', '−0.5 %')
    """
    if share < 0:
        return f"{fixed(share, 1)} %"
    return "< 0.1 %" if share < 0.05 else prose.percent(share, 1)
