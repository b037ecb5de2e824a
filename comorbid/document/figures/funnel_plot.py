"""The funnel plot: each study's effect against its standard error."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import NULL, even_ticks, label_axis, span
from comorbid.document.figures.canvas import (
    ACCENT,
    MARGIN,
    MUTED,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    new_drawing,
    own_settings,
    to_svg,
    wrapped,
)
from comorbid.document.figures.numbers import Format, format_for, significant
from comorbid.document.figures.pen import AXIS, LEADING, TITLE, Pen, write_notes, write_title
from comorbid.models.fit import Fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_PLOT = (46.0, WIDTH - 20.0)
_TALL = 210.0
_TOP = 6.0
_MOST_NAMES = 10

SMALLEST = 10
"""Studies below which asymmetry cannot be judged (Sterne et al. 2011)."""


def funnel(fit: Fit, *, title: str = "") -> Figure:
    r"""Draw a funnel plot: effects against their standard errors, the most precise at the top.

    The triangle is where, without heterogeneity and without bias, the given level of studies would
    lie: :math:`\hat\mu \pm z \cdot \mathrm{se}`, around the pooled value of the fit.

    Parameters
    ----------
    fit : Fit
        Its estimate is the middle of the funnel, its level that of the limits.
    title : str
        Printed above the figure.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform. With fewer than ten studies its words say
        that asymmetry cannot be judged.

    References
    ----------
    Sterne JAC, Egger M (2001). Funnel plots for detecting bias in meta-analysis: guidelines on
    choice of axis. Journal of Clinical Epidemiology 54:1046-1055.
    doi:10.1016/S0895-4356(01)00377-8
    Sterne JAC et al. (2011). Recommendations for examining and interpreting funnel plot asymmetry.
    BMJ 343:d4002. doi:10.1136/bmj.d4002

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(cb.figures.funnel(fit).caption)
    Odds ratio against standard error; the dashed line is the pooled odds ratio, the triangle its
    95 % limits if the studies differed by chance alone. With 3 studies, fewer than ten, asymmetry
    cannot be judged.
    """
    se = np.sqrt(fit.effects.vi)
    form = format_for(fit.effects.scale, (_quantile(fit) * se).tolist())
    alt = _alt(fit, form)
    with own_settings():
        svg = to_svg(_draw(fit, form, title), title=title or "Funnel plot", description=alt)
    return Figure(svg=svg, alt=alt, caption=_caption(fit))


def _quantile(fit: Fit) -> float:
    from scipy import special

    return float(special.ndtri((1 + fit.level) / 2))


def _draw(fit: Fit, form: Format, title: str) -> Drawing:
    """Return the drawing; heights on its axes are negative standard errors."""
    effects = fit.effects
    deepest = 1.06 * math.sqrt(effects.vi.max())
    half = _quantile(fit) * deepest
    base = (fit.estimate - half, fit.estimate + half)
    ends = span([*effects.yi.tolist(), *base], [], scale=effects.scale)
    heading = wrapped(title, TITLE, bold=True)
    notes = [line for note in _notes(fit, form) for line in wrapped(note, SMALL)]
    head = _TOP + TITLE * LEADING * len(heading) + (4 if heading else 0)
    foot = AXIS + SMALL * LEADING * len(notes) + MARGIN
    height, wide = head + _TALL + foot, _PLOT[1] - _PLOT[0]
    drawing = new_drawing(height)
    axes = drawing.add_axes((_PLOT[0] / WIDTH, foot / height, wide / WIDTH, _TALL / height))
    axis = label_axis(ends, effects.scale, width=wide, size=SMALL)
    axes.set_xlim(axis.low, axis.high)
    axes.set_ylim(-deepest, 0.0)
    pen = Pen(axes, axis, wide, _TALL / deepest)
    _draw_funnel(pen, fit, base, deepest)
    pen.x_axis(words.axis_label(effects.measure, effects.scale), sum(_PLOT) / 2, -deepest)
    ticks = next(ticks for ticks in even_ticks((0.0, deepest), "identity") if len(ticks) <= 6)
    pen.y_axis("Standard error", [(-x, label) for x, label in ticks])
    write_notes(pen, -deepest, notes)
    write_title(pen, 0.0, heading)
    return drawing


def _draw_funnel(pen: Pen, fit: Fit, base: tuple[float, float], deepest: float) -> None:
    """Draw triangle, lines and studies."""
    corners = [(base[0], -deepest), (fit.estimate, 0.0), (base[1], -deepest)]
    pen.shape(corners, PALE, "funnel", behind=True)
    pen.line(corners, "limits", color=MUTED, width=0.8)
    if pen.axis.holds(NULL):
        pen.line([(NULL, -deepest), (NULL, 0.0)], "null", color=MUTED, width=0.8)
    pen.line([(fit.estimate, -deepest), (fit.estimate, 0.0)], "pooled", color=ACCENT, dashed=True)
    for i, (x, v) in enumerate(zip(fit.effects.yi.tolist(), fit.effects.vi.tolist(), strict=True)):
        pen.disc(x, -math.sqrt(v), 5.0, ACCENT, f"study-{i}", edge=PAPER)


def _notes(fit: Fit, form: Format) -> tuple[str, ...]:
    """Return what stands below the figure."""
    value = f"{words.measure(fit.effects.measure)} {form.value(fit.estimate)}"
    middle = f"Dashed: {value} of the one study."
    if fit.k > 1:
        middle = f"Dashed: pooled {value} ({words.model(fit.method)})."
    limits = f"Shaded: {prose.level(fit.level)} limits if the studies differed by chance alone."
    return (f"{middle} {limits}", *_few(fit))


def _few(fit: Fit) -> tuple[str, ...]:
    """Return the caution that a small funnel needs, or nothing."""
    if fit.k >= SMALLEST:
        return ()
    studies = prose.counted(fit.k, "study", "studies")
    return (f"With {studies}, fewer than ten, asymmetry cannot be judged.",)


def _alt(fit: Fit, form: Format) -> str:
    """Return what the figure shows, in words."""
    effects = fit.effects
    se = np.sqrt(effects.vi)
    outside = np.flatnonzero(np.abs(effects.yi - fit.estimate) > _quantile(fit) * se)
    names = words.named(effects.labels[i] for i in outside) if len(outside) <= _MOST_NAMES else ""
    name, level = words.measure(effects.measure), prose.level(fit.level)
    axis = "log" if effects.scale == "log" else "linear"
    return words.joined(
        f"Funnel plot of {prose.counted(fit.k, 'study', 'studies')}: {name} on a {axis} axis "
        f"against standard error, from {significant(se.min())} at the top to "
        f"{significant(se.max())}.",
        words.pooled(fit, form),
        f"{prose.counted(len(outside), 'study lies', 'studies lie')} outside the {level} limits"
        f"{f': {names}' if names else ''}.",
        *_few(fit),
    )


def _caption(fit: Fit) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    middle = "its value" if fit.k == 1 else f"the pooled {name}"
    return words.joined(
        f"{words.capitalized(name)} against standard error; the dashed line is {middle}, the "
        f"triangle its {level} limits if the studies differed by chance alone.",
        *_few(fit),
    )
