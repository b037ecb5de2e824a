"""The comparison-adjusted funnel plot."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

import comorbid as cb
from comorbid_treatments.networks import Array


def funnel(points: pd.DataFrame, *, level: float = 0.95, axis_label: str = "") -> cb.Figure:
    """Draw a comparison-adjusted funnel.

    Parameters
    ----------
    points : DataFrame
        Made by `comorbid_treatments.funnel`; comparisons of one trial are left out, since they are
        always at 0.
    level : float
        Of the lines around 0.
    axis_label : str
        What the effects are.

    Returns
    -------
    Figure

    Raises
    ------
    ModelError
        If no comparison was made by two trials.

    References
    ----------
    Chaimani A, Salanti G (2012). Research Synthesis Methods 3:161-176. doi:10.1002/jrsm.57

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2"], "treat1": ["A", "B"], "treat2": ["B", "A"],
    ...     "yi": [1.0, -0.4], "vi": [0.04, 0.04]})
    >>> fit = ct.fit(ct.network(table, measure="MD"), method="EE")
    >>> print(ct.figures.funnel(ct.funnel(fit, order=["A", "B"])).alt)
    Comparison-adjusted funnel of 2 contrasts from 1 comparison: 1 below its mean, 1 above.
    """
    from scipy.special import ndtri

    shown = points[points["k"] > 1]
    if shown.empty:
        raise cb.ModelError("no comparison was made by two trials: every point would be at 0")
    x, se = (shown[name].to_numpy(dtype=np.float64) for name in ("adjusted", "se"))
    bottom = 1.05 * float(se.max())
    reach = max(float(np.abs(x).max()), float(ndtri((1 + level) / 2)) * bottom) * 1.05
    panel = cb.figures.Panel(
        x=(-reach, reach),
        y=(-bottom, 0.0),
        x_label=axis_label or "Effect less the mean of its comparison",
        y_label="Standard error",
        y_ticks=tuple((-tick, f"{tick:g}") for tick in _ticks(bottom)),
    )

    def paint(pen: cb.figures.Pen) -> None:
        edge = float(ndtri((1 + level) / 2)) * bottom
        for way, name in ((-1, "low"), (1, "high")):
            ends = [(0.0, 0.0), (way * edge, -bottom)]
            pen.line(ends, f"limit-{name}", color=cb.figures.MUTED, width=0.8, dashed=True)
        pen.line([(0, -bottom), (0, 0)], "null", color=cb.figures.MUTED, width=0.8)
        for i, (a, b) in enumerate(zip(x.tolist(), se.tolist(), strict=True)):
            pen.disc(a, -b, 5, cb.figures.ACCENT, f"point-{i}", edge="white")

    comparisons = len(shown[["treat1", "treat2"]].drop_duplicates())
    return cb.figures.drawing(
        paint,
        on=panel,
        alt=(
            f"Comparison-adjusted funnel of {len(shown)} contrasts from "
            f"{cb.prose.counted(comparisons, 'comparison', 'comparisons')}: "
            f"{(x < 0).sum()} below its mean, {(x > 0).sum()} above."
        ),
        caption="Comparison-adjusted funnel: each contrast against the mean of its comparison",
    )


def _ticks(end: float) -> Sequence[float]:
    """Return at most six round numbers from 0 to ``end``."""
    step = 10.0 ** math.floor(math.log10(end / 5))
    step *= next(m for m in (1, 2, 5, 10) if end / (m * step) <= 6)
    numbers: Array = np.arange(0, end, step)
    return [float(round(x, 10)) for x in numbers]
