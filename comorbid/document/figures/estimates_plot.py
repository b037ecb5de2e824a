"""The estimates plot: estimates with their intervals that are shown and not pooled."""

from __future__ import annotations

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Chart, Row, Values
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format, study_values
from comorbid.effects.measures import null_of
from comorbid.effects.table import Effects
from comorbid.errors import DataError
from comorbid.models.settings import check_level


def estimates(effects: Effects, *, level: float = 0.95, title: str | None = None) -> Figure:
    """Draw each estimate on its own interval, and nothing that they say together.

    For estimates that must not be pooled as they are, such as several rows about the same people,
    or one difference under several assumptions. All squares have one size.

    Parameters
    ----------
    effects : Effects
        The rows follow its order. One without an effect is left blank.
    level : float
        Of the intervals, which are normal intervals on the analysis scale.
    title : str, optional
        Printed above the figure; by default what it is.

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
    check_type("effects", effects, Effects, "give what effects() returns")
    check_level(level)
    if not np.isfinite(effects.yi).any():
        raise DataError("there is no estimate to draw")
    form = study_format(effects, level)
    return chart_figure(
        _chart(effects, form, level),
        title=title,
        default=f"Plot of {_number(effects)}",
        alt=lambda _: _alt(effects, form, level),
        caption=_caption(effects, level),
    )


def _number(effects: Effects) -> str:
    return prose.counted(effects.k, "estimate", "estimates")


def _chart(effects: Effects, form: Format, level: float) -> Chart:
    return Chart(
        heads=("Estimate", words.estimate_head(effects.measure, level)),
        rows=tuple(
            Row(label=label, values=values, share=0.4)
            for label, values in zip(effects.labels, study_values(effects, level), strict=True)
        ),
        totals=(),
        form=form,
        axis_label=words.axis_label(effects.measure, effects.scale),
        null=null_of(effects.measure),
        notes=("Nothing is pooled.",),
    )


def _alt(effects: Effects, form: Format, level: float) -> str:
    """Return what the figure shows, in words."""
    axis = "log" if effects.scale == "log" else "linear"
    rows = zip(effects.labels, study_values(effects, level), strict=True)
    said = (f"{one_line(label)}: {_said(values, form)}." for label, values in rows)
    return words.joined(
        f"Plot of {_number(effects)} that are not pooled: {words.measure(effects.measure)} with "
        f"{prose.level(level)} confidence interval on a {axis} axis.",
        *said,
    )


def _said(values: Values, form: Format) -> str:
    y, *ends = values
    return "no estimate" if np.isnan(y) else f"{form.value(y)} ({form.interval(*ends)})"


def _caption(effects: Effects, level: float) -> str:
    name = words.capitalized(words.measure(effects.measure))
    return f"{name} of each row with its {prose.level(level)} confidence interval, not pooled."
