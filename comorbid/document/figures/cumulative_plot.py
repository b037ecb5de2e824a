"""The cumulative forest plot: the pooled value as the studies are added one by one."""

from __future__ import annotations

import math

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Span
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Chart, Layout, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.refit_rows import (
    i2_cell,
    refit_format,
    refit_values,
    tau2_cell,
)
from comorbid.effects.arrays import Index
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.refits import Refits

_ALONE = "The first row is one study alone: its own value and interval (z)."
_ONE = "One study: nothing is pooled; the interval is the study's own (z)."
_METHODS = {"MH": "Mantel-Haenszel method", "PETO": "Peto's method"}
_NO_TAU2 = ("EE", *_METHODS)
_MOST_REASONS = 3


def cumulative_forest(refits: Refits, *, title: str | None = None) -> Figure:
    """Draw the pooled value and its confidence interval after each study is added.

    Each row is the analysis of its study and all above it. The band is the confidence interval of
    all studies together, the last row; the dashed line is their pooled value.

    Parameters
    ----------
    refits : Refits
        Made by `comorbid.cumulative`.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same refits, on one platform.

    Raises
    ------
    ModelError
        If the refits are not cumulative.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Lau J, Antman EM, Jimenez-Silva J, et al. (1992). Cumulative meta-analysis of therapeutic
    trials for myocardial infarction. New England Journal of Medicine 327:248-254.
    doi:10.1056/NEJM199207233270406

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.cumulative_plot import cumulative_forest
    >>> from comorbid.sensitivity.cumulative import cumulative
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(cumulative_forest(cumulative(fit)).caption)
    Pooled odds ratio with its 95 % confidence interval as the studies are added one by one, from
    the top. The band and the dashed line are those of all 3 studies.
    """
    if not isinstance(refits, Refits):
        raise ModelError("the plot is of a pooled effect; give the refits of one")
    if refits.kind != "cumulative":
        raise ModelError(
            f"these refits are {refits.kind}; give what comorbid.cumulative(fit) returns"
        )
    form = refit_format(refits)
    chart = _chart(refits, form)
    return chart_figure(
        chart,
        title=title,
        default=f"Cumulative forest plot of {words.studies(len(refits.labels))}",
        alt=lambda layout: _alt(refits, form, chart, layout),
        caption=_caption(refits),
    )


def _chart(refits: Refits, form: Format) -> Chart:
    heterogeneous = refits.method not in _NO_TAU2
    several = len(refits.labels) > 1
    return Chart(
        heads=(
            "Study added",
            words.estimate_head(refits.measure, refits.level),
            "I²",
            *(("τ²",) if heterogeneous else ()),
        ),
        rows=tuple(_row(refits, i, heterogeneous) for i in range(len(refits.labels))),
        totals=(),
        form=form,
        axis_label=words.axis_label(refits.measure, refits.scale),
        null=null_of(refits.measure),
        line=float(refits.batch.estimate[-1]) if several else math.nan,
        band=_ends(refits, -1) if several else (math.nan, math.nan),
        notes=_notes(refits),
    )


def _row(refits: Refits, i: int, heterogeneous: bool) -> Row:
    cells = (i2_cell(refits, i), *((tau2_cell(refits, i),) if heterogeneous else ()))
    return Row(refits.labels[i], refit_values(refits, i), cells=cells, mark="circle")


def _ends(refits: Refits, i: int) -> Span:
    """Return the confidence interval of a row."""
    return float(refits.batch.ci_low[i]), float(refits.batch.ci_high[i])


def _notes(refits: Refits) -> tuple[str, ...]:
    """Return the lines below the figure: the method, and why a row is incomplete."""
    if len(refits.labels) == 1:
        return (_ONE,)
    method = _METHODS.get(refits.method) or words.model(refits.method)
    failed = [
        f"{one_line(label)}: {reason}."
        for label, reason in zip(refits.labels[1:], refits.reasons[1:], strict=True)
        if reason
    ]
    rest = len(failed) - _MOST_REASONS
    more = (f"{prose.counted(rest, 'further row', 'further rows')} incomplete.",)
    return (
        f"{words.capitalized(method)}; {words.interval(refits.test)}.",
        _ALONE,
        *failed[:_MOST_REASONS],
        *(more if rest > 0 else ()),
    )


def _alt(refits: Refits, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    name, k = words.measure(refits.measure), len(refits.labels)
    studies = words.studies(k)
    first = "the one study" if k == 1 else "the first study alone"
    return words.joined(
        "Cumulative plot of 1 study."
        if k == 1
        else f"Cumulative plot: pooled {name} as {studies} are added one by one.",
        _result(refits, 0, form, f"{first}, {one_line(refits.labels[0])}"),
        _result(refits, k - 1, form, f"all {studies}") if k > 1 else "",
        words.spread(
            f"With two studies or more the {name}",
            refits.labels[1:],
            refits.batch.estimate[1:].tolist(),
            form.value,
            before="after ",
        ),
        _crossing(refits) if k > 1 else "",
        *chart.notes,
        words.full_names(chart, layout),
    )


def _result(refits: Refits, i: int, form: Format, which: str) -> str:
    level, name = prose.level(refits.level), words.measure(refits.measure)
    estimate = form.value(float(refits.batch.estimate[i]))
    i2 = f", I² {i2_cell(refits, i)}" if refits.batch.k[i] > 1 else ""
    return (
        f"With {which}: {name} {estimate}, {level} confidence interval "
        f"{form.interval(*_ends(refits, i))}{i2}."
    )


def _crossing(refits: Refits) -> str:
    """Say from which study on the interval leaves out no association."""
    null = null_of(refits.measure)
    if math.isnan(null):
        return ""
    text = prose.null(refits.measure, refits.scale)
    inside: Index = np.flatnonzero((refits.batch.ci_low <= null) & (refits.batch.ci_high >= null))
    last = len(refits.labels) - 1
    if not inside.size:
        return f"No confidence interval includes {text}."
    if inside[-1] == last:
        every = inside.size == last + 1
        return f"{'Every' if every else 'The last'} confidence interval includes {text}."
    first = int(inside[-1]) + 1
    return (
        f"From {one_line(refits.labels[first])}, study {first + 1} of {last + 1}, on no confidence "
        f"interval includes {text}."
    )


def _caption(refits: Refits) -> str:
    name, level, k = words.measure(refits.measure), prose.level(refits.level), len(refits.labels)
    if k == 1:
        return f"There is one study, nothing to add to it; its own {name} stands above."
    return (
        f"Pooled {name} with its {level} confidence interval as the studies are added one by one, "
        f"from the top. The band and the dashed line are those of all {k} studies."
    )
