"""The forest plot of a multilevel fit: the rows of each study, its own mean, and all together."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import multilevel_words, words
from comorbid.document.figures.chart import Chart, Layout, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.multilevel_fitted_forest import multilevel_fitted_forest
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format, study_rows, weight
from comorbid.effects.measures import null_of
from comorbid.models.covariance_result import Covariance
from comorbid.models.group_means import GroupMeans
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.notices import FEW


def multilevel_forest(fit: Multilevel, title: str | None) -> Figure:
    """Draw the rows of each group above their own mean, and below all what they say together."""
    if not fit.design.intercept_only:
        return multilevel_fitted_forest(fit, title)
    effects, means = fit.effects, fit.group_means()
    form = study_format(effects, fit.level)
    chart = Chart(
        heads=("Estimate", words.estimate_head(effects.measure, fit.level), "Weight"),
        rows=tuple(_rows(fit, means)),
        totals=tuple(_totals(fit)),
        form=form,
        axis_label=words.axis_label(effects.measure, effects.scale),
        null=null_of(effects.measure),
        line=float(fit.estimate[0]),
        notes=_notes(fit, means),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"Forest plot of {multilevel_words.rows_of_groups(fit, means)}",
        alt=lambda layout: _alt(fit, means, form, chart, layout),
        caption=_caption(fit, means),
    )


def _rows(fit: Multilevel, means: GroupMeans) -> Iterator[Row]:
    """Yield the heading of each group, its rows and, of several, their mean; or its one row."""
    rows = study_rows(fit.effects, fit.level, fit.weights.tolist())
    several = bool((means.k > 1).any())
    for i, name in enumerate(multilevel_words.group_names(fit, means)):
        own = list(compress(rows, means.group == i))
        yield from multilevel_words.grouped(name, own, opens=several)
        if len(own) == 1:
            continue
        yield Row(
            label="",
            values=(float(means.estimate[i]), float(means.ci_low[i]), float(means.ci_high[i])),
            cells=(weight(float(means.weight[i])),),
            mark="diamond",
            remark=f"Its own mean, k = {means.k[i]}",
        )


def _totals(fit: Multilevel) -> Iterator[Row]:
    """Yield the pooled value, and a bar for each different prediction."""
    values = float(fit.estimate[0]), float(fit.ci_low[0]), float(fit.ci_high[0])
    remark = f" (k = {fit.k})"
    yield Row("All together", values, (weight(100.0),), "diamond", remark=remark, bold=True)
    for name, low, high in _predictions(fit):
        remark = f"{': ' if name else ''}{prose.level(fit.level)} prediction interval"
        yield Row(name, (values[0], low, high), ("",), "bar", remark=remark)


def _predictions(fit: Multilevel) -> list[tuple[str, float, float]]:
    """Return the prediction intervals, one for all or one for each level with its own variance."""
    at = fit.predict()
    ends = list(zip(at.pi_low.tolist(), at.pi_high.tolist(), strict=True))
    if len(ends) == 1:
        return [("", *ends[0])]
    terms = [term for term in fit.model.terms if term.structure.variances > 1]
    names = [", ".join(t.levels[t.inner[row]] for t in terms) for row in range(fit.k)]
    found = dict(zip(names, ends, strict=True))
    return [(name, *found[name]) for name in sorted(found)]


def _notes(fit: Multilevel, means: GroupMeans) -> tuple[str, ...]:
    """Return the lines below the figure."""
    groups = len(means.groups) if multilevel_words.noun(means.by) == "study" else 0
    return (
        multilevel_words.method(fit),
        f"All together: {multilevel_words.heterogeneity(fit)}.",
        _own_mean(fit, means),
        words.few_note(groups) if groups in FEW else "",
    )


def _own_mean(fit: Multilevel, means: GroupMeans) -> str:
    """Say what the mean of a group is."""
    if (means.k == 1).all():
        return ""
    by = "covariances" if isinstance(fit.model.v, Covariance) else "variances"
    return (
        f"Own mean: inverse-variance mean of a {multilevel_words.noun(means.by)}’s rows by their "
        f"sampling {by}, z interval; as if they shared one true effect."
    )


def _alt(fit: Multilevel, means: GroupMeans, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    effects, names = fit.effects, multilevel_words.group_names(fit, means)
    name, level = words.measure(effects.measure), prose.level(fit.level)
    several = means.k > 1
    noun = multilevel_words.noun(means.by)
    heaviest = int(means.weight.argmax())
    ends = form.interval(float(fit.ci_low[0]), float(fit.ci_high[0]))
    return words.joined(
        f"Forest plot of {multilevel_words.rows_of_groups(fit, means)}, {name} "
        f"{words.on_axis(effects.scale)}.",
        f"Pooled {name} {form.value(float(fit.estimate[0]))}, {level} confidence interval {ends}.",
        *(
            f"{level} prediction interval{f' for {of}' if of else ''} {form.interval(low, high)}."
            for of, low, high in _predictions(fit)
        ),
        *chart.notes,
        words.spread(
            f"The own mean of a {noun} with several rows",
            compress(names, several),
            means.estimate[several].tolist(),
            form.value,
            before="",
        ),
        words.spread(
            "A single estimate", effects.labels, effects.yi.tolist(), form.value, before=""
        ),
        f"Largest weight of a {noun}: {words.named([names[heaviest]])}, "
        f"{weight(float(means.weight[heaviest]))}.",
        words.full_names(chart, layout),
    )


def _caption(fit: Multilevel, means: GroupMeans) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    noun = multilevel_words.noun(means.by)
    own = ""
    if (means.k > 1).any():
        own = (
            f" The diamond below the rows of a {noun} is its own mean: their inverse-variance "
            "mean, without a part of the others."
        )
    bars = f"the bar below it the {level} prediction interval"
    if len(_predictions(fit)) > 1:
        bars = f"the bars below it {level} prediction intervals, by level"
    return (
        f"{words.capitalized(name)}s, {multilevel_words.rows_of_groups(fit, means)}, with {level} "
        "confidence intervals. The area of a square is proportional to the row’s weight in the "
        "pooled value."
        f"{own} The last diamond is the pooled {name} of the multilevel model with its confidence "
        f"interval, {bars}."
    )
