"""The forest plot of a network: every treatment against the reference."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

import comorbid as cb
from comorbid_treatments.figure_text import SIZE, estimate_text, shortened
from comorbid_treatments.fit_result import NetworkFit
from comorbid_treatments.networks import Array

_NAME = 170.0


def forest(fit: NetworkFit, *, axis_label: str = "") -> cb.Figure:
    """Draw the network estimate of every treatment against the reference.

    Parameters
    ----------
    fit : NetworkFit
    axis_label : str
        What the axis measures, with its direction.

    Returns
    -------
    Figure
        Thick lines are confidence intervals, thin ones prediction intervals, where they exist.

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1"], "treat1": ["A"], "treat2": ["B"], "yi": [1.0], "vi": [0.04]})
    >>> print(ct.figures.forest(ct.fit(ct.network(table, reference="B"))).alt)
    Network estimates against B: A 1.00 (0.61 to 1.39).
    """
    table, scale = fit.to_frame(), fit.network.scale
    names = [str(name) for name in table.index]
    rows = table[["estimate", "ci_low", "ci_high"]].to_numpy().tolist()
    texts = [estimate_text(y, (low, high), scale) for y, low, high in rows]
    predictions = table[["pi_low", "pi_high"]].to_numpy()
    top = len(rows) - 1.0
    panel = cb.figures.Panel(
        x=_ends(rows, predictions),
        y=(-0.7, top + 0.7),
        x_label=axis_label or cb.prose.measure_name(fit.network.measure),
        y_label="",
        x_scale=scale,
        y_ticks=tuple((top - i, shortened(name, _NAME)) for i, name in enumerate(names)),
        right=cb.figures.WIDTH - max(cb.figures.text_width(t, size=SIZE) for t in texts) - 12,
        tall=22.0 * len(rows) + 10,
    )

    def paint(pen: cb.figures.Pen) -> None:
        pen.line([(0, -0.7), (0, top + 0.7)], "null", color=cb.figures.MUTED, width=0.8)
        for i, (y, low, high) in enumerate(rows):
            height = top - i
            if np.isfinite(predictions[i]).all():
                ends = [(float(end), height) for end in predictions[i]]
                pen.line(ends, f"prediction-{i}", color=cb.figures.MUTED, width=0.8)
            pen.line([(low, height), (high, height)], f"interval-{i}", width=2.0)
            pen.shape(pen.box(y, height, 7, 7), cb.figures.ACCENT, f"estimate-{i}")
            pen.text(cb.figures.WIDTH - 2, height, texts[i], size=SIZE, align="right")

    named = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
    what = f"Network estimates against {fit.network.reference}"
    thin = "; thin lines are prediction intervals" if np.isfinite(predictions).any() else ""
    return cb.figures.drawing(
        paint,
        on=panel,
        alt=f"{what}: {'; '.join(named)}.",
        caption=f"{what}, {cb.prose.level(fit.level)} intervals{thin}",
    )


def _ends(rows: Sequence[Sequence[float]], predictions: Array) -> tuple[float, float]:
    """Return the ends of an axis that holds every interval and no difference."""
    values = [0.0, *(end for row in rows for end in row)]
    values += predictions[np.isfinite(predictions)].tolist()
    room = 0.04 * (max(values) - min(values))
    return min(values) - room, max(values) + room
