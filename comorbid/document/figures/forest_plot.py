"""The forest plot: each study, and what they say together."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import own_settings, printable, to_svg
from comorbid.document.figures.chart import Chart, Layout, Row, lay_out
from comorbid.document.figures.draw import draw
from comorbid.document.figures.numbers import Format, format_for
from comorbid.models.fit import Fit


def forest(fit: Fit, *, title: str = "") -> Figure:
    """Draw a forest plot.

    Each study is a square on its confidence interval, its area proportional to the study's
    weight; the pooled value is a diamond as wide as its confidence interval, and the bar below it
    is the prediction interval. Ratios stand on a log axis. An interval that would squeeze all the
    others goes on as an arrow; its numbers are printed in full.

    Parameters
    ----------
    fit : Fit
        The rows follow the order of ``fit.effects``.
    title : str
        Printed above the figure.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(cb.figures.forest(fit).caption)
    Odds ratios of 3 studies with 95 % confidence intervals. The area of a square is proportional
    to the study's weight; the diamond is the pooled odds ratio with its confidence interval, the
    bar below it the 95 % prediction interval.
    """
    form = format_for(fit.effects.scale, _half_widths(fit))
    with own_settings():
        chart = _chart(fit, form, title)
        layout = lay_out(chart)
        alt = _alt(fit, form, chart, layout)
        svg = to_svg(draw(chart, layout), title=title or "Forest plot", description=alt)
    return Figure(svg=svg, alt=alt, caption=_caption(fit))


def _half_widths(fit: Fit) -> list[float]:
    table = fit.to_frame()
    return list((table["ci_high"] - table["ci_low"]) / 2)


def _chart(fit: Fit, form: Format, title: str) -> Chart:
    effects = fit.effects
    return Chart(
        heads=("Study", words.estimate_head(effects.measure, fit.level), "Weight"),
        rows=_studies(fit, form),
        totals=_totals(fit, form),
        scale=effects.scale,
        axis_label=words.axis_label(effects.measure, effects.scale),
        line=fit.estimate if fit.k > 1 else math.nan,
        notes=(*words.method(fit), words.heterogeneity(fit)) if fit.k > 1 else words.method(fit),
        title=title,
    )


def _studies(fit: Fit, form: Format) -> tuple[Row, ...]:
    table = fit.to_frame()
    columns = (table["estimate"], table["ci_low"], table["ci_high"])
    largest = float(fit.weights.max())
    return tuple(
        Row(
            label=printable(label),
            values=values,
            estimate=form.value(values[0]),
            interval=form.interval(*values[1:]),
            cells=(weight(share),),
            share=share / largest,
        )
        for label, values, share in zip(
            fit.effects.labels, zip(*columns, strict=True), fit.weights.tolist(), strict=True
        )
    )


def _totals(fit: Fit, form: Format) -> tuple[Row, ...]:
    """Return the pooled value and the prediction interval, as far as they exist."""
    if fit.k == 1:
        return ()
    name = "Equal-effects model" if fit.method == "EE" else "Random-effects model"
    pooled = Row(
        label=name,
        values=(fit.estimate, *fit.ci),
        estimate=form.value(fit.estimate),
        interval=form.interval(*fit.ci),
        cells=(weight(100.0),),
        mark="diamond",
        remark=f" (k = {fit.k})",
    )
    if math.isnan(fit.pi[0]):
        return (pooled,)
    prediction = Row(
        label=f"{prose.level(fit.level)} prediction interval",
        values=(fit.estimate, *fit.pi),
        estimate="",
        interval=form.interval(*fit.pi),
        cells=("",),
        mark="bar",
    )
    return pooled, prediction


def weight(share: float) -> str:
    """Return a weight in per cent.

    Examples
    --------
    >>> weight(12.34), weight(0.02)
    ('12.3 %', '< 0.1 %')
    """
    return "< 0.1 %" if share < 0.05 else prose.percent(share, 1)


def _alt(fit: Fit, form: Format, chart: Chart, layout: Layout) -> str:
    """Return what the figure shows, in words."""
    effects = fit.effects
    axis = "log" if effects.scale == "log" else "linear"
    studies = prose.counted(fit.k, "study", "studies")
    return words.joined(
        f"Forest plot of {studies}, {words.measure(effects.measure)} on a {axis} axis.",
        words.pooled(fit, form),
        *(_more(fit, form) if fit.k > 1 else ()),
        words.full_names(chart.rows, layout.labels[: fit.k], effects.labels),
    )


def _more(fit: Fit, form: Format) -> tuple[str, ...]:
    """Return what several studies have, and one has not."""
    labels = fit.effects.labels
    estimates = fit.effects.yi.tolist()
    heaviest = words.named([labels[int(fit.weights.argmax())]])
    return (
        *words.method(fit)[1:],
        f"Heterogeneity: {words.heterogeneity(fit)}.",
        words.spread("A study's own estimate", labels, estimates, form.value, before=""),
        f"Largest weight: {heaviest}, {weight(fit.weights.max())}.",
    )


def _caption(fit: Fit) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    if fit.k == 1:
        return f"{words.capitalized(name)} of one study with its {level} confidence interval."
    bar = f", the bar below it the {level} prediction interval" if fit.pi[0] == fit.pi[0] else ""
    return (
        f"{words.capitalized(name)}s of {fit.k} studies with {level} confidence intervals. The "
        "area of a square is proportional to the study's weight; the diamond is the pooled "
        f"{name} with its confidence interval{bar}."
    )
