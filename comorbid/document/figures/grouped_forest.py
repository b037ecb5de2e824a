"""The grouped forest plot: the studies of each subgroup above their diamond, and all together."""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import compress

from comorbid.against_rest import SIDE
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.chart import NONE, Chart, Layout, Row, Values
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.refit_rows import i2_cell, refit_values, size, spoken, tau2_cell
from comorbid.document.figures.study_rows import (
    pooled_rows,
    study_format,
    study_rows,
    total_rows,
    weight,
)
from comorbid.effects.measures import null_of
from comorbid.models.notices import few_studies
from comorbid.subgroups import Subgroups


def grouped_forest(result: Subgroups, title: str | None) -> Figure:
    """Draw the studies of each subgroup above what they say together."""
    fit = result.fit
    effects = fit.effects
    form = study_format(effects, fit.level)
    chart = Chart(
        heads=("Study", words.estimate_head(effects.measure, fit.level), "Weight"),
        rows=tuple(_rows(result)),
        totals=total_rows(fit, "All studies"),
        form=form,
        axis_label=words.axis_label(effects.measure, effects.scale),
        null=null_of(effects.measure),
        line=fit.estimate if fit.k > 1 else math.nan,
        notes=_notes(result),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"Forest plot of {_studies(result)} by {words.by(result)}",
        alt=lambda layout: _alt(result, form, chart, layout),
        caption=_caption(result),
    )


def _studies(result: Subgroups) -> str:
    return words.studies(result.fit.k)


def _rows(result: Subgroups) -> Iterator[Row]:
    """Yield the heading of each subgroup, its studies and, if they are pooled, what they say."""
    fit = result.fit
    studies = study_rows(fit.effects, fit.level, fit.weights.tolist())
    for i, name in enumerate(result.refits.labels):
        inside = [group == name for group in result.groups]
        k = sum(inside)
        yield Row(
            label=name if result.by == SIDE else f"{words.by(result)}: {name}",
            values=NONE,
            cells=("",),
            mark="heading",
            remark="" if k > 1 else f" ({size(k)})",
            bold=True,
        )
        yield from compress(studies, inside)
        if k > 1:
            yield from _pooled(result, i, float(fit.weights[inside].sum()))


def _pooled(result: Subgroups, i: int, share: float) -> tuple[Row, ...]:
    """Return the diamond of a subgroup and the bar of its prediction."""
    pooled = Row(
        label="",
        values=refit_values(result.refits, i),
        cells=(weight(share),),
        mark="diamond",
        remark=f"k = {result.refits.batch.k[i]:.0f}; {_heterogeneity(result, i)}",
    )
    return pooled_rows(pooled, _prediction(result, i), result.fit.level)


def _heterogeneity(result: Subgroups, i: int) -> str:
    """Return tau2, if the model has one, and I2 of a subgroup."""
    tau2 = "" if result.fit.method == "EE" else f"τ² = {tau2_cell(result.refits, i)}; "
    return f"{tau2}I² = {i2_cell(result.refits, i)}"


def _prediction(result: Subgroups, i: int) -> Values:
    """Return estimate and prediction interval of a subgroup, analysis scale."""
    batch = result.refits.batch
    return float(batch.estimate[i]), float(batch.pi_low[i]), float(batch.pi_high[i])


def _notes(result: Subgroups) -> tuple[str, ...]:
    """Return the lines below the figure."""
    fit = result.fit
    own = "" if fit.method == "EE" else ", with its own τ²"
    warnings = [f"{words.capitalized(warning)}." for warning in result.warnings]
    if fit.k == 1:
        return (*words.method(fit), *warnings)
    few = [k for k in sorted(set(result.refits.batch.k)) if few_studies(fit, int(k))]
    return (
        f"{words.between(result)}.",
        f"Each subgroup by itself{own}, and all together: {words.model(fit.method)}; "
        f"{words.interval(fit.test)}.",
        f"All together: {words.heterogeneity(fit)}.",
        *(words.few_note(int(k)) for k in few),
        *warnings,
    )


def _alt(result: Subgroups, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    fit, labels = result.fit, result.refits.labels
    effects = fit.effects
    subgroups = prose.counted(len(labels), "subgroup", "subgroups")
    return words.joined(
        f"Forest plot of {_studies(result)} in {subgroups} by {words.by(result)}, "
        f"{words.measure(effects.measure)} {words.on_axis(effects.scale)}.",
        *(_spoken(result, i, form) for i in range(len(labels))),
        *((f"{words.between(result)}.", "All together:") if fit.k > 1 else ()),
        words.pooled(fit, form),
        f"Heterogeneity: {words.heterogeneity(fit)}." if fit.k > 1 else "",
        words.spread(
            "A study's own estimate", effects.labels, effects.yi.tolist(), form.value, before=""
        ),
        words.full_names(chart, layout),
    )


def _spoken(result: Subgroups, i: int, form: Format) -> str:
    """Return what the figure shows of a subgroup, as a sentence."""
    parts = [spoken(result.refits, i, form)]
    if result.refits.batch.k[i] > 1:
        _, low, high = _prediction(result, i)
        if not math.isnan(low):
            level = prose.level(result.fit.level)
            parts.append(f"{level} prediction interval {form.interval(low, high)}")
        parts.append(_heterogeneity(result, i))
    return f"{'; '.join(parts)}."


def _caption(result: Subgroups) -> str:
    """Return what the shapes stand for."""
    fit, k = result.fit, result.refits.batch.k
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    if fit.k == 1:
        return f"{words.capitalized(name)} of one study with its {level} confidence interval."
    bar = "" if math.isnan(fit.pi[0]) else f", a bar the {level} prediction interval"
    return words.joined(
        f"{words.capitalized(name)}s of {fit.k} studies by {words.by(result)}, with {level} "
        "confidence intervals. The area of a square is proportional to the study's weight among "
        f"all studies; a diamond is the pooled {name} of the studies above it{bar}; the last are "
        "those of all studies together.",
        "A subgroup of one study is not pooled." if (k == 1).any() else "",
    )
