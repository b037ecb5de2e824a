"""At a glance: all studies in one line, what is expected of a further one, and the average."""

from __future__ import annotations

import math

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.chart import NONE, Chart, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit


def at_a_glance(fit: Fit, *, title: str | None = None) -> Figure:
    """Draw a fit in three lines: its studies, the prediction interval, and the average.

    A disc is a study's estimate, its area proportional to the study's weight. The bar is the
    prediction interval, the diamond the pooled value, as wide as its confidence interval. As tall
    for six studies as for three hundred.

    Parameters
    ----------
    fit : Fit
        Made by `comorbid.pool`. Of one study there is nothing but its own interval.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform.

    Raises
    ------
    DataError
        If ``fit`` is not what `pool` returns.

    References
    ----------
    IntHout J, Ioannidis JPA, Rovers MM, Goeman JJ (2016). Plea for routinely presenting prediction
    intervals in meta-analysis. BMJ Open 6:e010247. doi:10.1136/bmjopen-2015-010247

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(cb.figures.at_a_glance(fit).caption)
    Odds ratios of 3 studies, sized by weight, the bar the 95 % prediction interval, the diamond the
    average.
    """
    check_fit(fit)
    form = study_format(fit.effects, fit.level)
    chart = Chart(
        heads=("", words.estimate_head(fit.effects.measure, fit.level)),
        rows=(_studies(fit),),
        totals=_totals(fit),
        form=form,
        axis_label=words.axis_label(fit.effects.measure, fit.effects.scale),
        null=null_of(fit.effects.measure),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"{words.studies(fit.k)} at a glance",
        alt=lambda _: _alt(fit, form),
        caption=_caption(fit),
    )


def _studies(fit: Fit) -> Row:
    """Return the line of the studies; a single one with its interval."""
    if fit.k == 1:
        return Row("1 study, not pooled", (fit.estimate, *fit.ci))
    largest = fit.weights.max()
    pairs = zip(fit.effects.yi.tolist(), (fit.weights / largest).tolist(), strict=True)
    # The largest first, so that a small one is not hidden behind it.
    points = tuple(sorted(pairs, key=lambda pair: -pair[1]))
    return Row(words.studies(fit.k), NONE, points=points)


def _totals(fit: Fit) -> tuple[Row, ...]:
    """Return the prediction first, then the average, as far as they exist."""
    if fit.k == 1:
        return ()
    name = "Common value" if fit.method == "EE" else "Average"
    average = Row(name, (fit.estimate, *fit.ci), mark="diamond", bold=True)
    if math.isnan(fit.pi[0]):
        return (average,)
    remark = f"{prose.level(fit.level)} prediction interval"
    return Row("", (fit.estimate, *fit.pi), mark="bar", remark=remark, bold=True), average


def _alt(fit: Fit, form: Format) -> str:
    """Return what the figure shows, in words."""
    effects = fit.effects
    return words.joined(
        f"{words.studies(fit.k)} at a glance, {words.measure(effects.measure)} "
        f"{words.on_axis(effects.scale)}.",
        words.spread("A study's own estimate", effects.labels, effects.yi, form.value, before=""),
        words.pooled(fit, form),
    )


def _caption(fit: Fit) -> str:
    """Return what the shapes stand for."""
    name, level = words.capitalized(words.measure(fit.effects.measure)), prose.level(fit.level)
    if fit.k == 1:
        return f"{name} of one study with its {level} confidence interval."
    bar = "" if math.isnan(fit.pi[0]) else f", the bar the {level} prediction interval"
    which = "common value" if fit.method == "EE" else "average"
    return f"{name}s of {fit.k} studies, sized by weight{bar}, the diamond the {which}."
