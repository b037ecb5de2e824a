"""The forest plot of a multilevel fit with moderators: each row before what is fitted to it."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import compress

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import multilevel_words, words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Chart, Layout, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format, fixed
from comorbid.document.figures.study_rows import study_format, study_rows, weight
from comorbid.effects.measures import null_of
from comorbid.models.design_matrix import INTERCEPT
from comorbid.models.group_means import GroupMeans, diagonal_weights
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.predictions import Predictions


def multilevel_fitted_forest(fit: Multilevel, title: str | None) -> Figure:
    """Draw the rows by group, each before its fitted value; there is no mean of all."""
    effects, means, at = fit.effects, fit.group_means(), fit.predict()
    form = study_format(effects, fit.level)
    chart = Chart(
        heads=("Estimate", words.estimate_head(effects.measure, fit.level), "Fitted", "Weight"),
        rows=tuple(_rows(fit, means, at, form)),
        totals=(),
        form=form,
        axis_label=words.axis_label(effects.measure, effects.scale),
        null=null_of(effects.measure),
        notes=(
            f"Pale: what {one_line(fit.formula)} fits, with its {prose.level(fit.level)} "
            "confidence interval.",
            multilevel_words.method(fit),
            f"{_tests(fit)}Residual: {multilevel_words.heterogeneity(fit)}.",
        ),
    )
    what = multilevel_words.rows_of_groups(fit, means)
    return chart_figure(
        chart,
        title=title,
        default=f"Forest plot of {what}, with moderators",
        alt=lambda layout: _alt(fit, what, at, form, chart, layout),
        caption=_caption(fit, what),
    )


def _rows(fit: Multilevel, means: GroupMeans, at: Predictions, form: Format) -> Iterator[Row]:
    """Yield the rows of each group below its name."""
    columns = (values.tolist() for values in (at.estimate, at.ci_low, at.ci_high))
    rows = study_rows(
        fit.effects,
        fit.level,
        diagonal_weights(fit).tolist(),
        cells=[(form.value(x),) for x in at.estimate.tolist()],
        fitted=list(zip(*columns, strict=True)),
    )
    several = bool((means.k > 1).any())
    for i, name in enumerate(multilevel_words.group_names(fit, means)):
        own = list(compress(rows, means.group == i))
        yield from multilevel_words.grouped(name, own, opens=several)


def _tests(fit: Multilevel) -> str:
    """Return the test of the moderators, or of all coefficients without an intercept."""
    of = "moderators" if INTERCEPT in fit.names else "coefficients"
    value, df = fixed(fit.qm, 2), f"{fit.qm_df}"
    found = f"QM = {value} on {df} df"
    if fit.test == "t":
        rest = float(fit.df[list(fit.design.tested)].min())
        found = f"F = {value} on {df} and {rest:g} df"
    return f"Test of the {of}: {found}, {prose.p_value(fit.qm_p)}. "


def _alt(
    fit: Multilevel, what: str, at: Predictions, form: Format, chart: Chart, layout: Layout
) -> str:
    """Return what the figure shows, in words."""
    effects, weights = fit.effects, diagonal_weights(fit)
    name, heaviest = words.measure(effects.measure), int(weights.argmax())
    return words.joined(
        f"Forest plot of {what} with the moderators {one_line(fit.formula)}, {name} "
        f"{words.on_axis(effects.scale)}.",
        words.spread(
            f"The fitted {name}", effects.labels, at.estimate.tolist(), form.value, before=""
        ),
        *chart.notes[1:],
        words.spread(
            "A single estimate", effects.labels, effects.yi.tolist(), form.value, before=""
        ),
        f"Largest weight: {words.named([effects.labels[heaviest]])}, "
        f"{weight(float(weights[heaviest]))}.",
        words.full_names(chart, layout),
    )


def _caption(fit: Multilevel, what: str) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    return (
        f"{words.capitalized(name)}s, {what}, with {level} confidence intervals. The area of a "
        "square is proportional to the row’s own precision in the model (the diagonal of its "
        f"weights); the pale diamond behind it is the {name} that {one_line(fit.formula)} fits to "
        f"a row with its moderators, as wide as the {level} confidence interval of that mean. A "
        "relation across studies need not hold for the people in them."
    )
