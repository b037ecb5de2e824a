"""The L'Abbé plot: how often the event is found in one group against the other, study by study."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, get_args

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.arms import CURVES, Arms, Axes, compare
from comorbid.document.figures.axis import label_axis
from comorbid.document.figures.canvas import (
    ACCENT,
    MUTED,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    finished,
    one_line,
    printable,
)
from comorbid.document.figures.numbers import Format, format_for, significant
from comorbid.document.figures.panel import Panel, upright_ticks
from comorbid.document.figures.pen import Pen
from comorbid.effects.measures import find_measure
from comorbid.errors import ModelError
from comorbid.models.counts import read_counts
from comorbid.models.fit import Fit
from comorbid.models.stratified import Stratified

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from comorbid.models.counts import Tables

_SIDE = 250.0
_LEFT = (WIDTH - _SIDE) / 2
_POINTS = 121
_STRATIFIED = {"MH": "Mantel-Haenszel method", "PETO": "Peto's method"}


def labbe(
    tables: Tables,
    *,
    fit: Fit | Stratified,
    event: str = "the event",
    groups: tuple[str, str] = ("group 1", "group 2"),
    axes: Axes = "linear",
    title: str | None = None,
) -> Figure:
    r"""Draw a L'Abbé plot: each study's proportion with the event in its two groups.

    The proportions are :math:`a/(a+b)` upwards and :math:`c/(c+d)` across. On the diagonal they
    are equal; the dashed curve is where studies with the pooled effect would lie, whatever the
    proportion in group 2, and the band the same for its confidence interval. The area of a disc
    is proportional to the study's precision, the inverse of its sampling variance.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping
        With columns ``ai, bi, ci, di`` (group 1 with and without the event, group 2 with and
        without it), and ``label`` if the studies have names.
    fit : Fit or Stratified
        The pooled effect: an odds ratio (``OR``, ``PETO``), risk ratio (``RR``), risk difference
        (``RD``) or difference of arcsine-transformed risks (``AS``). The precision is that of its
        effects; a study that it has not pooled is a small disc.
    event : str
        What is counted, as it is called in a sentence: ``"low back pain"``.
    groups : (str, str)
        What the groups are called.
    axes : {"linear", "log"}
        ``log`` spreads rare events; a group without any then stands at the end of its axis.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same tables, on one platform.

    Raises
    ------
    DataError
        If the tables cannot be used, or a group is empty.
    ModelError
        If the fit's measure gives no curve, it has studies that the tables have not, or ``axes``
        is none of those allowed.

    Warns
    -----
    DataWarning
        If tables miss a count, or a name has characters that the figures' font (Latin, Greek,
        Cyrillic) has not.

    References
    ----------
    L'Abbé KA, Detsky AS, O'Rourke K (1987). Meta-analysis in clinical research. Annals of
    Internal Medicine 107:224-233. doi:10.7326/0003-4819-107-2-224

    Examples
    --------
    The first three BCG trials (Colditz 1994):

    >>> import comorbid as cb
    >>> from comorbid.document.figures.labbe_plot import labbe
    >>> tables = {"ai": [4, 6, 3], "bi": [119, 300, 228], "ci": [11, 29, 11], "di": [128, 274, 209]}
    >>> fit = cb.pool(cb.Effects(yi=[-0.94, -1.67, -1.39], vi=[0.36, 0.21, 0.43], measure="OR"))
    >>> print(labbe(tables, fit=fit, event="tuberculosis", groups=("vaccinated", "control")).alt)
    L'Abbé plot of 3 studies on linear axes: proportion with tuberculosis, vaccinated, from 0.0130
    to 0.0325, against the proportion, control, from 0.0500 to 0.0957. The first is higher in 0
    studies, lower in 3. Pooled odds ratio 0.25, 95 % confidence interval 0.0968 to 0.63
    (random-effects model, REML; Knapp-Hartung interval). 95 % prediction interval 0.0968 to 0.63.
    """
    if fit.effects.measure not in CURVES:
        raise ModelError(
            f"the measure is {fit.effects.measure}; use a fit of one of {', '.join(CURVES)}"
        )
    if axes not in get_args(Axes):
        raise ModelError(f"axes is {axes!r}; use one of {', '.join(get_args(Axes))}")
    arms = compare(read_counts(tables, find_measure("OR")), fit, event, groups, axes)
    form = format_for(fit.effects.scale, [(fit.ci[1] - fit.ci[0]) / 2])
    return finished(
        lambda shown: _draw(arms, fit, form, shown),
        title=title,
        default=f"L'Abbé plot of {words.studies(len(arms.labels))}",
        alt=_alt(arms, fit, form),
        caption=_caption(arms, fit),
    )


def _draw(arms: Arms, fit: Fit | Stratified, form: Format, title: str) -> Drawing:
    ends, scale = arms.ends, "log" if arms.axes == "log" else "identity"
    ticks = upright_ticks(ends)
    if scale == "log":
        ticks = label_axis(ends, scale, width=_SIDE, size=SMALL).ticks
    labels = [
        words.capitalized(printable(arms.label(group))) + (", log scale" if scale == "log" else "")
        for group in (0, 1)
    ]
    panel = Panel(
        x=ends,
        y=ends,
        x_label=labels[1],
        y_label=labels[0],
        x_ticks=ticks,
        y_ticks=ticks,
        left=_LEFT,
        right=_LEFT + _SIDE,
        tall=_SIDE,
        title=title,
        notes=_notes(arms, fit, form),
    )
    drawing, pen = panel.open()
    pen.line([(ends[0], ends[0]), (ends[1], ends[1])], "equal", color=MUTED, width=0.8)
    if not math.isnan(fit.estimate):
        _draw_effect(pen, arms, fit)
    x, y = arms.place(arms.second), arms.place(arms.first)
    for i in np.argsort(-arms.size, kind="stable").tolist():
        place = float(x[i]), float(y[i])
        pen.disc(*place, float(arms.size[i]), ACCENT, f"study-{i}", edge=PAPER)
    return drawing


def _draw_effect(pen: Pen, arms: Arms, fit: Fit | Stratified) -> None:
    """Draw the curve of the pooled effect and the band of its interval."""
    across = np.linspace(*arms.ends, _POINTS)
    risk = np.exp(across) if arms.axes == "log" else across
    curve = CURVES[fit.effects.measure]
    # A difference of arcsines has no curve beyond 0 and 1; there the band ends at the edge.
    ends = [np.nan_to_num(curve(risk, effect), nan=float(effect > 0)) for effect in fit.ci]
    low, high = (arms.place(np.clip(end, 0, 1)) for end in ends)
    band = [*zip(across, low, strict=True), *zip(across[::-1], high[::-1], strict=True)]
    pen.area([(float(x), float(y)) for x, y in band], PALE, "band", clip=True)
    pooled = curve(risk, fit.estimate)
    least = math.exp(arms.ends[0]) if arms.axes == "log" else 0.0
    inside = (pooled >= least) & (pooled <= 1)
    points = zip(across[inside].tolist(), arms.place(pooled[inside]).tolist(), strict=True)
    pen.line(list(points), "pooled", color=ACCENT, dashed=True)


def _notes(arms: Arms, fit: Fit | Stratified, form: Format) -> tuple[str, ...]:
    """Return what stands below the figure."""
    value = f"{words.measure(fit.effects.measure)} {form.value(fit.estimate)}"
    line = f"Dashed: {value} of the one study."
    if fit.k > 1:
        line = f"Dashed: pooled {value} ({_how(fit)})."
    if math.isnan(fit.estimate):
        line = "No pooled value."
    shaded = f"Shaded: its {prose.level(fit.level)} interval. " if fit.ci[0] == fit.ci[0] else ""
    return (
        f"{line} {shaded}Solid: the same in both groups.",
        *_unpooled(arms, fit),
        *_without(arms),
    )


def _how(fit: Fit | Stratified) -> str:
    """Return how the studies were pooled."""
    return _STRATIFIED[fit.method] if isinstance(fit, Stratified) else words.model(fit.method)


def _unpooled(arms: Arms, fit: Fit | Stratified) -> tuple[str, ...]:
    """Say how many of the studies the pooled value does not hold."""
    count = len(arms.labels) - fit.k
    return (f"Not pooled: {words.studies(count)}.",) if count else ()


def _without(arms: Arms) -> tuple[str, ...]:
    """Say where studies stand that a log axis has no place for."""
    if arms.axes == "linear" or not arms.none:
        return ()
    studies = words.studies(arms.none)
    return (f"At the end of an axis: {studies} with no event in a group.",)


def _alt(arms: Arms, fit: Fit | Stratified, form: Format) -> str:
    """Return what the figure shows, in words."""
    higher, lower = int((arms.first > arms.second).sum()), int((arms.first < arms.second).sum())
    equal = len(arms.labels) - higher - lower
    return words.joined(
        f"L'Abbé plot of {words.studies(len(arms.labels))} on "
        f"{arms.axes} axes: {one_line(arms.label(0))}, from {_proportion(arms.first.min())} to "
        f"{_proportion(arms.first.max())}, against the proportion, {one_line(arms.groups[1])}, "
        f"from {_proportion(arms.second.min())} to {_proportion(arms.second.max())}.",
        f"The first is higher in {words.studies(higher)}, lower in {lower}"
        f"{f', equal in {equal}' if equal else ''}.",
        _pooled(fit, form),
        *_unpooled(arms, fit),
        *_without(arms),
    )


def _pooled(fit: Fit | Stratified, form: Format) -> str:
    """Return the pooled value, in a sentence."""
    if isinstance(fit, Fit):
        return words.pooled(fit, form)
    if math.isnan(fit.estimate):
        return "No pooled value."
    return (
        f"Pooled {words.measure(fit.effects.measure)} {form.value(fit.estimate)}, "
        f"{prose.level(fit.level)} confidence interval {form.interval(*fit.ci)} ({_how(fit)})."
    )


def _proportion(x: float) -> str:
    return "0" if x == 0 else significant(x)


def _caption(arms: Arms, fit: Fit | Stratified) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    middle = f"{name} of the study" if fit.k == 1 else f"pooled {name}"
    curve = (
        f"; the dashed curve is the {middle}, the band its {level} confidence interval"
        if fit.ci[0] == fit.ci[0]
        else ""
    )
    return (
        f"{words.capitalized(arms.label(0))}, against {arms.groups[1]}. A disc is a study, its "
        f"area proportional to its precision. On the diagonal both are the same{curve}."
    )
