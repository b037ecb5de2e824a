"""The caterpillar plot: the random effects of each level in order, with their intervals."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import multilevel_words, words
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import NONE, Chart, Layout, Row
from comorbid.document.figures.draw import chart_figure
from comorbid.document.figures.numbers import Format, format_for, variance
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.fitted import Fitted
from comorbid.models.multilevel_effects import RandomEffects
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.random_effects import ranef
from comorbid.models.random_terms import Random
from comorbid.models.regression_result import Regression


@dataclass(frozen=True, slots=True)
class _Level:
    """The random effects of one level, from the lowest to the highest.

    ``about`` says how many groups it has and how they vary; the arrays have shape (n,).
    """

    name: str
    about: str
    labels: tuple[str, ...]
    pred: Array
    low: Array
    high: Array


def caterpillar(fit: Fitted | Multilevel, *, title: str | None = None) -> Figure:
    r"""Draw a caterpillar plot: the random effects of each level, sorted, with intervals.

    A random effect is how far a group's true effects lie from what the model expects; drawn is its
    best linear unbiased prediction (BLUP), :math:`\hat u = GZ'Py`, which is drawn towards 0 the
    more, the less the data say of the group. For ratios it is :math:`e^{\hat u}`, on a log axis.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
        Of a multilevel fit every random term is a level.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform.

    Raises
    ------
    DataError
        If ``fit`` is something else.
    ModelError
        If the fit has weights of the analyst, with which predictions would not be best, or every
        variance between groups is 0, and with it every random effect.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Robinson GK (1991). That BLUP is a good thing: the estimation of random effects. Statistical
    Science 6:15-32. doi:10.1214/ss/1177011926

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.6, 0.9, 0.2, 0.4, 1.1, 0.8], vi=[0.02] * 8,
    ...                      measure="OR", studies=["A", "A", "B", "B", "C", "C", "D", "D"])
    >>> figure = cb.figures.caterpillar(cb.multilevel(effects, random="study_id"))
    >>> "study_id, 4 groups, σ² = 0.118: from 0.72 (A, 0.50 to 1.05)" in figure.alt
    True
    """
    check_type(
        "fit", fit, (Multilevel, Fitted), "give what pool(), regress() or multilevel() returns"
    )
    levels = _multilevel(fit) if isinstance(fit, Multilevel) else (_single(fit),)
    if not any(level.high.any() for level in levels):
        raise ModelError("every random effect is 0, as no variance is larger: nothing to draw")
    form = _format(fit, levels)
    measure = fit.effects.measure
    chart = Chart(
        heads=("Level and group", f"{_what(form)} ({prose.level(fit.level)} interval)"),
        rows=tuple(row for level in levels for row in _rows(level)),
        totals=(),
        form=form,
        axis_label=(
            f"Ratio to the expected {words.measure(measure)}, log scale"
            if form.scale == "log"
            else f"Distance from the expected {words.analysis(measure, fit.effects.scale)}"
        ),
        null=0.0,
        notes=_notes(fit),
    )
    return chart_figure(
        chart,
        title=title,
        default=f"Caterpillar plot of the random effects of {_rows_of(fit)}",
        alt=lambda layout: _alt(fit, levels, form, chart, layout),
        caption=_caption(fit, form),
    )


def _rows_of(fit: Fitted | Multilevel) -> str:
    """Return how many rows a fit has."""
    return (
        multilevel_words.estimates(fit.k) if isinstance(fit, Multilevel) else words.studies(fit.k)
    )


def _single(fit: Fitted) -> _Level:
    """Return the one level of a pool or a meta-regression."""
    found = ranef(fit)
    tau2 = 0.0 if fit.method == "EE" else fit.tau2
    about = f"τ² = {variance(tau2)}"
    return _sorted(
        words.studies(fit.k), about, found.labels, found.pred, found.pi_low, found.pi_high
    )


def _multilevel(fit: Multilevel) -> tuple[_Level, ...]:
    """Return the levels of a multilevel fit."""
    found = fit.ranef()
    place = 0
    levels = []
    for term in fit.model.terms:
        component = fit.components[place]
        place += term.structure.size
        about = f"{len(term.groups)} groups"
        if not term.levels:
            about += (
                f", {multilevel_words.component('sigma2', 'sigma2')} = {variance(component.value)}"
            )
        levels.append(_of_term(fit, found, term, about))
    return tuple(levels)


def _of_term(fit: Multilevel, found: RandomEffects, term: Random, about: str) -> _Level:
    own = np.array([name == term.name for name in found.terms])
    names = [group for group, mine in zip(found.groups, own, strict=True) if mine]
    cells = np.unique(term.group * max(len(term.levels), 1) + term.inner, return_inverse=True)[1]
    labels = [
        _label(name, term, [fit.effects.labels[row] for row in np.flatnonzero(cells == i)])
        for i, name in enumerate(names)
    ]
    return _sorted(
        one_line(term.name), about, labels, found.pred[own], found.pi_low[own], found.pi_high[own]
    )


def _label(name: str, term: Random, rows: list[str]) -> str:
    """Return what a group is called: the label of its only row, or by its name."""
    if len(rows) == 1:
        return rows[0]
    whole = len(term.columns) == 1 and multilevel_words.noun(term.columns[0]) == "study"
    return multilevel_words.group_name(name, term.columns[0], rows) if whole else name


def _sorted(name: str, about: str, labels: Sequence[str], *columns: Array) -> _Level:
    order = np.argsort(columns[0], kind="stable")
    pred, low, high = (column[order] for column in columns)
    return _Level(name, about, tuple(labels[i] for i in order), pred, low, high)


def _format(fit: Fitted | Multilevel, levels: tuple[_Level, ...]) -> Format:
    """Return the format of the effects: ratios of ratios, or distances on the analysis scale."""
    half = [width for level in levels for width in ((level.high - level.low) / 2).tolist()]
    return format_for("log" if fit.effects.scale == "log" else "identity", half)


def _what(form: Format) -> str:
    return "Ratio" if form.scale == "log" else "Distance"


def _rows(level: _Level) -> Iterator[Row]:
    """Yield the heading of a level and its groups."""
    yield Row(level.name, NONE, mark="heading", remark=f" ({level.about})", bold=True)
    columns = (level.pred.tolist(), level.low.tolist(), level.high.tolist())
    for label, values in zip(level.labels, zip(*columns, strict=True), strict=True):
        yield Row(label, values, mark="circle", within=level.name)


def _notes(fit: Fitted | Multilevel) -> tuple[str, ...]:
    """Return the lines below the figure."""
    if isinstance(fit, Multilevel):
        return (multilevel_words.method(fit), f"{multilevel_words.heterogeneity(fit)}.")
    if isinstance(fit, Regression):
        return (f"Meta-regression {one_line(fit.formula)}; {words.interval(fit.test)}.",)
    return words.method(fit) if isinstance(fit, Fit) else ()


def _alt(
    fit: Fitted | Multilevel, levels: tuple[_Level, ...], form: Format, chart: Chart, layout: Layout
) -> str:
    """Return what the figure shows, in words."""
    return words.joined(
        f"Caterpillar plot of the random effects of {_rows_of(fit)}, by level.",
        *(_said(level, form) for level in levels),
        *chart.notes,
        words.full_names(chart, layout),
    )


def _said(level: _Level, form: Format) -> str:
    """Return what the figure shows of one level."""
    first, last = (
        f"{form.value(float(level.pred[i]))} ({one_line(level.labels[i])}, "
        f"{form.interval(float(level.low[i]), float(level.high[i]))})"
        for i in (0, -1)
    )
    outside = [
        label
        for label, low, high in zip(level.labels, level.low, level.high, strict=True)
        if low > 0 or high < 0
    ]
    value = form.value(0.0)
    named = f": {words.named(outside)}" if 0 < len(outside) <= words.MOST_NAMES else ""
    count = prose.counted(len(outside), "interval excludes", "intervals exclude")
    return (
        f"{level.name}, {level.about}: from {first} to {last}; "
        f"{count if outside else 'no interval excludes'} {value}{named}."
    )


def _caption(fit: Fitted | Multilevel, form: Format) -> str:
    """Return what the points stand for."""
    null = "1" if form.scale == "log" else "0"
    kind = "ratio to" if form.scale == "log" else "distance from"
    return (
        f"Random effects of each level of the model, sorted: the best linear unbiased prediction "
        f"(BLUP) of the {kind} what the model expects, with its {prose.level(fit.level)} interval. "
        f"At {null} a group is as expected. Predictions are drawn towards {null}, the more the "
        "less the data say of a group."
    )
