"""The funnel plot: each study's effect against its standard error."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import NULL, even_ticks, span
from comorbid.document.figures.canvas import (
    ACCENT,
    MUTED,
    PALE,
    PAPER,
    finished,
)
from comorbid.document.figures.contours import (
    contours_key,
    draw_contours,
    significance,
)
from comorbid.document.figures.filling import Filling
from comorbid.document.figures.numbers import (
    Format,
    format_for,
    normal_quantile,
    significant,
)
from comorbid.document.figures.panel import Panel, Swatch
from comorbid.document.figures.pen import Pen
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.notices import LITTLE_POWER
from comorbid.models.pooled import check_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from comorbid.bias.trim_and_fill import TrimAndFill

"""Studies below which asymmetry cannot be judged (Sterne et al. 2011)."""


@dataclass(frozen=True, slots=True)
class _Funnel:
    """What is drawn: the fit, the ``contours`` from the inside, the studies filled in."""

    fit: Fit
    contours: tuple[float, ...]
    filled: Filling

    @property
    def deepest(self) -> float:
        """The standard error at the bottom."""
        return 1.06 * math.sqrt(self.fit.effects.vi.max())

    @property
    def base(self) -> tuple[float, float]:
        """Ends of the limits at the bottom."""
        half = normal_quantile(self.fit.level) * self.deepest
        return self.fit.estimate - half, self.fit.estimate + half


def funnel(
    fit: Fit,
    *,
    contours: Sequence[float] | None = None,
    filled: TrimAndFill | None = None,
    title: str | None = None,
) -> Figure:
    r"""Draw a funnel plot: effects against their standard errors, the most precise at the top.

    The triangle is where, without heterogeneity and without bias, the given level of studies would
    lie: :math:`\hat\mu \pm z \cdot \mathrm{se}`, around the pooled value of the fit. Contours
    show the significance of a study by itself, :math:`p_i = 2\Phi(-|y_i|/\mathrm{se}_i)`: where
    the studies that seem to be missing would have a large p, they may not have been published for
    that; where they would have a small one, the asymmetry has another cause.

    Parameters
    ----------
    fit : Fit
        Its estimate is the middle of the funnel, its level that of the limits.
    contours : sequence of float, optional
        Levels of confidence at which a study's test against no association changes its verdict,
        as proportions: ``(0.90, 0.95, 0.99)`` for p = 0.10, 0.05 and 0.01.
    filled : TrimAndFill, optional
        Made by `comorbid.trim_and_fill` from ``fit``: the studies that it adds are drawn hollow,
        and the value pooled with them is a dotted line.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform. With fewer than ten studies its words say
        that asymmetry cannot be judged.

    Raises
    ------
    DataError
        If ``fit`` is something else.
    ModelError
        If a contour is no proportion or the measure knows no significance, or the studies were
        filled in from another fit.

    References
    ----------
    Sterne JAC, Egger M (2001). Funnel plots for detecting bias in meta-analysis: guidelines on
    choice of axis. Journal of Clinical Epidemiology 54:1046-1055.
    doi:10.1016/S0895-4356(01)00377-8
    Sterne JAC et al. (2011). Recommendations for examining and interpreting funnel plot asymmetry.
    BMJ 343:d4002. doi:10.1136/bmj.d4002
    Peters JL, Sutton AJ, Jones DR, Abrams KR, Rushton L (2008). Contour-enhanced meta-analysis
    funnel plots help distinguish publication bias from other causes of asymmetry. Journal of
    Clinical Epidemiology 61:991-996. doi:10.1016/j.jclinepi.2007.11.010

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(cb.figures.funnel(fit).caption)
    Odds ratio against standard error; the dashed line is the pooled odds ratio, the triangle its
    95 % limits if the studies differed by chance alone. With 3 studies, fewer than ten, asymmetry
    cannot be judged.
    >>> enhanced = cb.figures.funnel(fit, contours=(0.95, 0.99))
    >>> "0 with p > 0.05, 0 with p 0.01 to 0.05 and 3 with p < 0.01" in enhanced.alt
    True
    """
    check_fit(fit)
    _check(fit, contours or ())
    plot = _Funnel(fit, tuple(sorted(set(contours or ()))), Filling(filled))
    plot.filled.check(fit)
    half = normal_quantile(fit.level) * np.sqrt(fit.effects.vi)
    form = format_for(fit.effects.scale, half.tolist())
    return finished(
        lambda shown: _draw(plot, form, shown),
        title=title,
        default=f"Funnel plot of {words.studies(fit.k)}",
        alt=_alt(plot, form),
        caption=_caption(plot),
    )


def _check(fit: Fit, contours: Sequence[float]) -> None:
    wrong = [level for level in contours if not 0 < level < 1]
    if wrong:
        raise ModelError(
            f"contours are {', '.join(map(str, wrong))}; give proportions between 0 and 1, such "
            "as (0.90, 0.95, 0.99)"
        )
    if contours and math.isnan(null_of(fit.effects.measure)):
        raise ModelError(
            f"{fit.effects.measure} has no value of no association to draw contours around; leave "
            "them out"
        )


def _draw(plot: _Funnel, form: Format, title: str) -> Drawing:
    """Return the drawing; heights on its axes are negative standard errors."""
    effects, deepest = plot.fit.effects, plot.deepest
    points = [*effects.yi.tolist(), *plot.base, *plot.filled.points[0].tolist()]
    null = null_of(effects.measure)
    ticks = next(ticks for ticks in even_ticks((0.0, deepest), "identity") if len(ticks) <= 6)
    panel = Panel(
        x=span([*points, NULL] if plot.contours else points, [], scale=effects.scale, null=null),
        y=(-deepest, 0.0),
        x_label=words.axis_label(effects.measure, effects.scale),
        y_label="Standard error",
        x_scale=effects.scale,
        y_ticks=tuple((-x, label) for x, label in ticks),
        title=title,
        key=_key(plot),
        notes=_notes(plot, form),
    )
    drawing, pen = panel.open()
    draw_contours(pen, plot.contours, deepest)
    _draw_funnel(pen, plot)
    return drawing


def _draw_funnel(pen: Pen, plot: _Funnel) -> None:
    """Draw triangle, lines and studies."""
    fit, base, deepest = plot.fit, plot.base, plot.deepest
    corners = [(base[0], -deepest), (fit.estimate, 0.0), (base[1], -deepest)]
    if not plot.contours:
        pen.area(corners, PALE, "funnel", outline="none")
    pen.line(corners, "limits", color=ACCENT, width=0.8)
    if pen.axis.holds(null_of(fit.effects.measure)):
        pen.line([(NULL, -deepest), (NULL, 0.0)], "null", color=MUTED, width=0.8)
    pen.line([(fit.estimate, -deepest), (fit.estimate, 0.0)], "pooled", color=ACCENT, dashed=True)
    for i, (x, v) in enumerate(zip(fit.effects.yi.tolist(), fit.effects.vi.tolist(), strict=True)):
        pen.disc(x, -math.sqrt(v), 5.0, ACCENT, f"study-{i}", edge=PAPER)
    plot.filled.draw(pen, deepest)


def _key(plot: _Funnel) -> tuple[Swatch, ...]:
    """Return what the shades and the hollow markers stand for."""
    return (*(contours_key(plot.contours) if plot.contours else ()), *plot.filled.key())


def _notes(plot: _Funnel, form: Format) -> tuple[str, ...]:
    """Return what stands below the figure."""
    fit = plot.fit
    value = f"{words.measure(fit.effects.measure)} {form.value(fit.estimate)}"
    middle = f"Dashed: {value} of the one study."
    if fit.k > 1:
        middle = f"Dashed: pooled {value} ({words.model(fit.method)})."
    shape = "Triangle" if plot.contours else "Shaded"
    limits = f"{shape}: {prose.level(fit.level)} limits if the studies differed by chance alone."
    own = f"p: each study's own test against {_null(fit)}." if plot.contours else ""
    more = words.joined(own, plot.filled.note(form))
    return (f"{middle} {limits}", *([more] if more else []), *_few(fit))


def _null(fit: Fit) -> str:
    return prose.null(fit.effects.measure, fit.effects.scale)


def _few(fit: Fit) -> tuple[str, ...]:
    """Return the caution that a small funnel needs, or nothing."""
    if fit.k >= LITTLE_POWER:
        return ()
    studies = words.studies(fit.k)
    return (f"With {studies}, fewer than ten, asymmetry cannot be judged.",)


def _alt(plot: _Funnel, form: Format) -> str:
    """Return what the figure shows, in words."""
    fit, effects = plot.fit, plot.fit.effects
    se = np.sqrt(effects.vi)
    name, level = words.measure(effects.measure), prose.level(fit.level)
    return words.joined(
        f"Funnel plot of {words.studies(fit.k)}: {name} {words.on_axis(effects.scale)} "
        f"against standard error, from {significant(se.min())} at the top to "
        f"{significant(se.max())}.",
        words.pooled(fit, form),
        words.outside(fit.outside(), f"the {level} limits"),
        significance(fit, plot.contours, _null(fit)),
        plot.filled.sentence(form),
        *_few(fit),
    )


def _caption(plot: _Funnel) -> str:
    """Return what the shapes stand for."""
    fit = plot.fit
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    middle = "its value" if fit.k == 1 else f"the pooled {name}"
    return words.joined(
        f"{words.capitalized(name)} against standard error; the dashed line is {middle}, the "
        f"triangle its {level} limits if the studies differed by chance alone.",
        f"The shades are the p-value of a study by itself against {_null(fit)}."
        if plot.contours
        else "",
        plot.filled.caption(),
        *_few(fit),
    )
