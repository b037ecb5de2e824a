"""The leave-one-out plot of a multilevel fit: its mean without each study with all its rows."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import multilevel_words, words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import NONE, Chart, Layout, Row, Values
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format, format_for
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.clusters import clusters_of
from comorbid.models.multilevel_refits import MultilevelRefits
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.robust_result import Robust


def multilevel_leave_one_out(
    refits: MultilevelRefits, fit: Multilevel | Robust, title: str | None
) -> Figure:
    """Draw the mean and its confidence interval without each group of rows."""
    model = _model(refits, fit)
    half = ((refits.ci_high - refits.ci_low) / 2).reshape(-1)
    known = half[half == half].tolist()
    if not known:
        raise ModelError(f"no refit has an interval: {refits.reasons[0]}")
    form = format_for(refits.scale, known)
    names = _names(refits, model)
    chart = _chart(refits, fit, model, names, form)
    groups = multilevel_words.groups(len(refits.labels), refits.by)
    return chart_figure(
        chart,
        title=title,
        default=f"Leave-one-out plot of {multilevel_words.estimates(model.k)} of {groups}",
        alt=lambda layout: _alt(refits, fit, names, chart, layout),
        caption=_caption(refits, model),
    )


def _model(refits: MultilevelRefits, fit: Multilevel | Robust) -> Multilevel:
    """Return the model refitted, if the refits are of this fit and of a mean."""
    model = fit.fit if isinstance(fit, Robust) else fit
    inference = fit.correction if isinstance(fit, Robust) else "model"
    made = (refits.ids, refits.method, refits.formula, refits.inference)
    if not isinstance(model, Multilevel) or made != (
        *(model.effects.ids, model.method, model.formula, inference),
    ):
        raise ModelError(
            "these refits were made from another fit; give the fit that comorbid.leave_one_out had"
        )
    if not model.design.intercept_only:
        raise ModelError("the plot is of a mean; give the refits of one")
    return model


def _chart(
    refits: MultilevelRefits,
    fit: Multilevel | Robust,
    model: Multilevel,
    names: list[str],
    form: Format,
) -> Chart:
    middle, low, high = (float(x[0]) for x in (fit.estimate, fit.ci_low, fit.ci_high))
    rows = [Row(name, *_values(refits, i), mark="circle") for i, name in enumerate(names)]
    total = Row(
        label="None left out",
        values=(middle, low, high),
        cells=(prose.percent(model.heterogeneity.total, 1),),
        mark="diamond",
        remark=f" (k = {model.k})",
        bold=True,
    )
    noun = words.capitalized(multilevel_words.noun(refits.by))
    return Chart(
        heads=(f"{noun} left out", words.estimate_head(refits.measure, fit.level), "I²"),
        rows=tuple(rows),
        totals=(total,),
        form=form,
        axis_label=words.axis_label(refits.measure, refits.scale),
        null=null_of(refits.measure),
        line=middle,
        band=(low, high),
        notes=(multilevel_words.method(model, _robust(fit)), *_reasons(refits, names)),
    )


def _values(refits: MultilevelRefits, i: int) -> tuple[Values, tuple[str]]:
    """Return estimate and interval of a refit, nothing where it has no interval, and I²."""
    columns = (refits.estimate, refits.ci_low, refits.ci_high)
    estimate, low, high = (float(column[0, i]) for column in columns)
    values = NONE if math.isnan(low) else (estimate, low, high)
    return values, (prose.percent(float(refits.i2[i]), 1),)


def _robust(fit: Multilevel | Robust) -> str:
    """Return the intervals of robust tests; nothing for those of the model."""
    if isinstance(fit, Multilevel):
        return ""
    return f"cluster-robust intervals ({fit.correction}) by {one_line(fit.cluster)}"


def _names(refits: MultilevelRefits, model: Multilevel) -> list[str]:
    """Return what the groups are called."""
    groups, labels = clusters_of(model.effects, refits.by, name="by"), model.effects.labels
    return [
        multilevel_words.group_name(name, refits.by, [labels[row] for row in rows])
        for name, rows in zip(groups.names, groups.rows(), strict=True)
    ]


def _reasons(refits: MultilevelRefits, names: list[str]) -> tuple[str, ...]:
    """Name the groups without which there is no interval."""
    lost = [name for name, low in zip(names, refits.ci_low[0], strict=True) if low != low]
    return (f"No interval without {words.named(lost)}.",) if lost else ()


def _alt(
    refits: MultilevelRefits,
    fit: Multilevel | Robust,
    labels: list[str],
    chart: Chart,
    layout: Layout,
) -> str:
    """Return what the figure shows, in words."""
    form = chart.form
    name, noun = words.measure(refits.measure), multilevel_words.noun(refits.by)
    groups = multilevel_words.groups(len(refits.labels), refits.by)
    ends = form.interval(float(fit.ci_low[0]), float(fit.ci_high[0]))
    level = prose.level(fit.level)
    return words.joined(
        f"Leave-one-out plot: pooled {name} of {multilevel_words.estimates(fit.k)} without each "
        f"of {groups} in turn.",
        f"With none left out: {form.value(float(fit.estimate[0]))}, {level} confidence interval "
        f"{ends}.",
        words.spread(
            f"With one {noun} left out the {name}",
            labels,
            refits.estimate[0].tolist(),
            form.value,
        ),
        words.spread("I²", labels, refits.i2.tolist(), lambda x: prose.percent(x, 1)),
        _crossing(refits, labels),
        *chart.notes,
        words.full_names(chart, layout),
    )


def _crossing(refits: MultilevelRefits, labels: list[str]) -> str:
    """Say without which groups the interval includes no association."""
    null = null_of(refits.measure)
    ends = zip(labels, refits.ci_low[0], refits.ci_high[0], strict=True)
    known = [(label, low <= null <= high) for label, low, high in ends if low == low]
    if math.isnan(null) or not known:
        return ""
    names = [label for label, crosses in known if crosses]
    value = prose.null(refits.measure, refits.scale)
    if len(names) in (0, len(known)):
        return f"{'Every' if names else 'No'} confidence interval includes {value}."
    return f"The confidence interval includes {value}, without: {words.named(names)}."


def _caption(refits: MultilevelRefits, model: Multilevel) -> str:
    name, level = words.measure(refits.measure), prose.level(model.level)
    noun = multilevel_words.noun(refits.by)
    return (
        f"Pooled {name} of the multilevel model with its {level} confidence interval, each {noun} "
        f"left out in turn with all its rows. The band and the dashed line are those of all "
        f"{multilevel_words.estimates(model.k)}."
    )
