"""The forest plot of a meta-regression: each study before what its moderators lead to expect."""

from __future__ import annotations

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import regressions, words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Chart, Layout
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format, study_rows, weight
from comorbid.effects.measures import null_of
from comorbid.models.predictions import Predictions
from comorbid.models.regression_result import Regression


def fitted_forest(regression: Regression, title: str | None) -> Figure:
    """Draw the studies, each before its fitted value, from the lowest of them to the highest."""
    effects, level, at = regression.effects, regression.level, regression.predict()
    form = study_format(effects, level)
    columns = (values.tolist() for values in (at.estimate, at.ci_low, at.ci_high))
    rows = study_rows(
        effects,
        level,
        regressions.weights(regression).tolist(),
        cells=[(form.value(x),) for x in at.estimate.tolist()],
        fitted=list(zip(*columns, strict=True)),
    )
    chart = Chart(
        heads=("Study", words.estimate_head(effects.measure, level), "Fitted", "Weight"),
        rows=tuple(rows[i] for i in np.argsort(at.estimate, kind="stable")),
        totals=(),
        form=form,
        axis_label=words.axis_label(effects.measure, effects.scale),
        null=null_of(effects.measure),
        notes=(
            f"Pale: what {one_line(regression.formula)} fits, with its {prose.level(level)} "
            "confidence interval.",
            regressions.model(regression),
            regressions.tests(regression),
        ),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"Forest plot of {_studies(regression)} with a meta-regression",
        alt=lambda layout: _alt(regression, at, form, chart, layout),
        caption=_caption(regression),
    )


def _studies(regression: Regression) -> str:
    return words.studies(regression.k)


def _alt(
    regression: Regression, at: Predictions, form: Format, chart: Chart, layout: Layout
) -> str:
    """Return what the figure shows, in words."""
    effects, weights = regression.effects, regressions.weights(regression)
    name, labels = words.measure(effects.measure), effects.labels
    heaviest = int(weights.argmax())
    return words.joined(
        f"Forest plot of {_studies(regression)} with the meta-regression "
        f"{one_line(regression.formula)}, {name} {words.on_axis(effects.scale)}.",
        words.spread(f"The fitted {name}", labels, at.estimate.tolist(), form.value, before=""),
        *chart.notes[1:],
        words.spread("A study's own estimate", labels, effects.yi.tolist(), form.value, before=""),
        f"Largest weight: {words.named([labels[heaviest]])}, {weight(weights[heaviest])}.",
        words.full_names(chart, layout),
    )


def _caption(regression: Regression) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(regression.effects.measure), prose.level(regression.level)
    return (
        f"{words.capitalized(name)}s of {regression.k} studies with {level} confidence intervals, "
        "from the lowest fitted value to the highest. The area of a square is proportional to the "
        f"study's weight; the pale diamond behind it is the {name} that the meta-regression "
        f"{one_line(regression.formula)} fits to a study with its moderators, as wide as the "
        f"{level} confidence interval of that mean. A relation across studies need not hold for "
        "the people in them."
    )
