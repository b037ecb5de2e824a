"""The leave-one-out plot: the pooled value without each study in turn."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.chart import Chart, Layout, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.multilevel_refits_plot import multilevel_leave_one_out
from comorbid.document.figures.numbers import Format, variance
from comorbid.document.figures.refit_rows import (
    i2_cell,
    refit_format,
    refit_values,
    tau2_cell,
)
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.multilevel_refits import MultilevelRefits
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.refits import Refits
from comorbid.models.robust_result import Robust

_NOTES = {
    1: ("Without the one study none is left.",),
    2: ("Without one of two studies the other is left, which is not pooled.",),
}
_OTHER = "these refits were made from another fit; give the fit that comorbid.leave_one_out had"


def leave_one_out(
    refits: Refits | MultilevelRefits,
    *,
    fit: Fit | Multilevel | Robust,
    title: str | None = None,
) -> Figure:
    """Draw the pooled value and its confidence interval without each study in turn.

    The band is the confidence interval of all studies together, the dashed line their pooled
    value. Of a multilevel fit each study, or another group, is left out with all its rows.

    Parameters
    ----------
    refits : Refits or MultilevelRefits
        Made by `comorbid.leave_one_out` from ``fit``.
    fit : Fit, Multilevel or Robust
        The fit of all studies, of one mean.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same refits, on one platform.

    Raises
    ------
    ModelError
        If the refits are no leave-one-out of this fit.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> figure = cb.figures.leave_one_out(cb.leave_one_out(fit), fit=fit)
    >>> print(figure.caption)
    Pooled odds ratio with its 95 % confidence interval, each study left out in turn. The band and
    the dashed line are those of all 3 studies.
    """
    if isinstance(refits, MultilevelRefits):
        if isinstance(fit, Multilevel | Robust):
            return multilevel_leave_one_out(refits, fit, title)
        raise ModelError(_OTHER)
    if not isinstance(refits, Refits):
        raise ModelError("the plot is of a pooled effect; give the refits of one")
    if refits.kind != "leave-one-out":
        raise ModelError(
            f"these refits are {refits.kind}; give what comorbid.leave_one_out(fit) returns"
        )
    if not isinstance(fit, Fit) or not _alike(refits, fit):
        raise ModelError(_OTHER)
    form = refit_format(refits)
    chart = _chart(refits, fit, form)
    return chart_figure(
        chart,
        title=title,
        default=f"Leave-one-out plot of {words.studies(fit.k)}",
        alt=lambda layout: _alt(refits, fit, form, chart, layout),
        caption=_caption(fit),
    )


def _alike(refits: Refits, fit: Fit) -> bool:
    """Return whether refits are those of a fit."""
    made = (refits.labels, refits.measure, refits.method, refits.test, refits.level)
    return made == (fit.effects.labels, fit.effects.measure, fit.method, fit.test, fit.level)


def _chart(refits: Refits, fit: Fit, form: Format) -> Chart:
    equal = fit.method == "EE"
    rows = tuple(_row(refits, i, equal) for i in range(fit.k))
    total = _total(fit, equal)
    several = fit.k > 1
    return Chart(
        heads=(
            "Study left out",
            words.estimate_head(refits.measure, refits.level),
            "I²",
            *(() if equal else ("τ²",)),
        ),
        rows=rows if several else (*rows, total),
        totals=(total,) if several else (),
        form=form,
        axis_label=words.axis_label(refits.measure, refits.scale),
        null=null_of(refits.measure),
        line=fit.estimate if several else math.nan,
        band=fit.ci if several else (math.nan, math.nan),
        notes=(*words.method(fit), *_NOTES.get(fit.k, ())),
    )


def _row(refits: Refits, i: int, equal: bool) -> Row:
    cells = (i2_cell(refits, i), *(() if equal else (tau2_cell(refits, i),)))
    return Row(refits.labels[i], refit_values(refits, i), cells=cells, mark="circle")


def _total(fit: Fit, equal: bool) -> Row:
    return Row(
        label="No study left out",
        values=(fit.estimate, *fit.ci),
        cells=(prose.percent(fit.i2, 1), *(() if equal else (variance(fit.tau2),))),
        mark="diamond" if fit.k > 1 else "circle",
        remark=f" (k = {fit.k})",
        bold=fit.k > 1,
    )


def _alt(refits: Refits, fit: Fit, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    name = words.measure(fit.effects.measure)
    batch = refits.batch
    one_out = f"With one study left out the {name}"
    return words.joined(
        f"Leave-one-out plot: pooled {name} without each of {words.studies(fit.k)} in turn.",
        "With no study left out:",
        words.pooled(fit, form),
        words.spread(one_out, refits.labels, batch.estimate.tolist(), form.value),
        words.spread("I²", refits.labels, batch.i2.tolist(), lambda x: prose.percent(x, 1)),
        _crossing(refits) if fit.k > 1 else "",
        *_NOTES.get(fit.k, ()),
        words.full_names(chart, layout),
    )


def _crossing(refits: Refits) -> str:
    """Say without which studies the interval includes no association, if there is such a value."""
    null = null_of(refits.measure)
    if math.isnan(null):
        return ""
    ends = zip(refits.labels, refits.batch.ci_low, refits.batch.ci_high, strict=True)
    names = [label for label, low, high in ends if low <= null <= high]
    value = prose.null(refits.measure, refits.scale)
    if len(names) in (0, len(refits.labels)):
        return f"{'Every' if names else 'No'} confidence interval includes {value}."
    return f"The confidence interval includes {value}, without: {words.named(names)}."


def _caption(fit: Fit) -> str:
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    if fit.k == 1:
        return f"Without the one study there is nothing to pool; its own {name} stands below."
    return (
        f"Pooled {name} with its {level} confidence interval, each study left out in turn. The "
        f"band and the dashed line are those of all {fit.k} studies."
    )
