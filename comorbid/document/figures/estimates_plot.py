"""The estimates plot: estimates with their intervals that are shown and not pooled."""

from __future__ import annotations

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import one_line, own_settings, printable, to_svg
from comorbid.document.figures.chart import Chart, Row, lay_out
from comorbid.document.figures.contours import normal_quantile
from comorbid.document.figures.draw import draw
from comorbid.document.figures.numbers import Format, format_for
from comorbid.effects.arrays import Array
from comorbid.effects.table import Effects
from comorbid.errors import DataError
from comorbid.models.settings import check_level


def estimates(effects: Effects, *, level: float = 0.95, title: str = "") -> Figure:
    """Draw each estimate on its own interval, and nothing that they say together.

    For estimates that must not be pooled as they are, such as several rows about the same people,
    or one difference under several assumptions. All squares have one size.

    Parameters
    ----------
    effects : Effects
        The rows follow its order. One without an effect is left blank.
    level : float
        Of the intervals, which are normal intervals on the analysis scale.
    title : str
        Printed above the figure.

    Returns
    -------
    Figure
        The same bytes for the same effects, on one platform.

    Raises
    ------
    DataError
        If there is no estimate.
    ModelError
        If the level is no proportion.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    Examples
    --------
    >>> import comorbid as cb
    >>> rows = cb.Effects(yi=[0.53, 0.64], vi=[0.035, 0.194], labels=["episodic", "chronic"],
    ...                   measure="OR")
    >>> print(cb.figures.estimates(rows).alt)
    Plot of 2 estimates that are not pooled: odds ratio with 95 % confidence interval on a log
    axis. episodic: 1.70 (1.18 to 2.45). chronic: 1.90 (0.80 to 4.50).
    """
    check_level(level)
    if not np.isfinite(effects.yi).any():
        raise DataError("there is no estimate to draw")
    half = normal_quantile(level) * np.sqrt(effects.vi)
    form = format_for(effects.scale, half.tolist())
    with own_settings():
        chart = _chart(effects, half, form, level, title)
        layout = lay_out(chart)
        alt = _alt(effects, chart, level)
        svg = to_svg(draw(chart, layout), title=title or "Estimates", description=alt)
    return Figure(svg=svg, alt=alt, caption=_caption(effects, level))


def _chart(effects: Effects, half: Array, form: Format, level: float, title: str) -> Chart:
    values = zip(effects.yi, effects.yi - half, effects.yi + half, strict=True)
    return Chart(
        heads=("Estimate", words.estimate_head(effects.measure, level)),
        rows=tuple(
            _row(label, (float(y), float(low), float(high)), form)
            for label, (y, low, high) in zip(effects.labels, values, strict=True)
        ),
        totals=(),
        scale=effects.scale,
        axis_label=words.axis_label(effects.measure, effects.scale),
        notes=("Nothing is pooled.",),
        title=title,
    )


def _row(label: str, values: tuple[float, float, float], form: Format) -> Row:
    return Row(
        label=printable(label),
        values=values,
        estimate=form.value(values[0]),
        interval=form.interval(*values[1:]),
        share=0.4,
    )


def _alt(effects: Effects, chart: Chart, level: float) -> str:
    """Return what the figure shows, in words."""
    axis = "log" if effects.scale == "log" else "linear"
    rows = (
        f"{one_line(label)}: {f'{row.estimate} ({row.interval})' if row.drawn else 'no estimate'}."
        for label, row in zip(effects.labels, chart.rows, strict=True)
    )
    return words.joined(
        f"Plot of {prose.counted(effects.k, 'estimate', 'estimates')} that are not pooled: "
        f"{words.measure(effects.measure)} with {prose.level(level)} confidence interval on a "
        f"{axis} axis.",
        *rows,
    )


def _caption(effects: Effects, level: float) -> str:
    name = words.capitalized(words.measure(effects.measure))
    return f"{name} of each row with its {prose.level(level)} confidence interval, not pooled."
