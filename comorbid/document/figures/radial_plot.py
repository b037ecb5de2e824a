"""The radial plot of Galbraith: each study's standardised effect against its precision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, get_args

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.arc import LABEL, Arc
from comorbid.document.figures.axis import Span, even_ticks
from comorbid.document.figures.canvas import (
    ACCENT,
    MARGIN,
    MUTED,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    finished,
)
from comorbid.document.figures.numbers import (
    Format,
    fixed,
    format_for,
    normal_quantile,
    significant,
)
from comorbid.document.figures.panel import LEFT, Panel
from comorbid.document.figures.pen import Pen, style_ticks
from comorbid.effects.arrays import Array, Index
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.fit import Fit
from comorbid.models.pooled import check_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

Precision = Literal["model", "sampling"]
Centre = Literal["zero", "pooled"]

_RIGHT = WIDTH - 36.0
_TALL = 230.0
# Radii as shares of the plot's width: the arc, the end of the band, the furthest study.
_ARC, _BAND, _STUDIES = 0.96, 0.92, 0.85
_MOST_TICKS = 9


@dataclass(frozen=True, slots=True)
class _Points:
    """What is plotted.

    ``x`` and ``y`` have shape (k,); ``middle`` is the effect whose ray is level, ``slope`` that of
    the pooled value's ray, ``half`` half the height of the band.
    """

    x: Array
    y: Array
    middle: float
    slope: float
    half: float

    @property
    def outside(self) -> Index:
        """Positions of the studies outside the band."""
        return np.flatnonzero(np.abs(self.y - self.slope * self.x) > self.half)


def radial(
    fit: Fit, *, precision: Precision = "model", centre: Centre = "zero", title: str | None = None
) -> Figure:
    r"""Draw a radial (Galbraith) plot.

    A study stands at :math:`x_i = 1/\sqrt{v_i + \hat\tau^2}` and :math:`z_i = y_i x_i`, so that
    the line from the origin through it has its effect as slope and meets the arc at the right
    where that effect is marked. The pooled value :math:`\hat\mu` is the dashed line; the band
    around it is :math:`\hat\mu x \pm z` with the normal quantile z of the fit's level.

    Parameters
    ----------
    fit : Fit
        Its estimate is the line, its confidence interval the thick part of the arc.
    precision : {"model", "sampling"}
        ``sampling`` leaves :math:`\hat\tau^2` out, so that studies outside the band are more than
        chance allows.
    centre : {"zero", "pooled"}
        ``pooled`` plots :math:`(y_i - \hat\mu) x_i`: the pooled value is level.
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
        If ``precision`` or ``centre`` is none of those allowed.

    References
    ----------
    Galbraith RF (1988). Graphical display of estimates having differing standard errors.
    Technometrics 30:271-281. doi:10.1080/00401706.1988.10488400
    Galbraith RF (1994). Some applications of radial plots. Journal of the American Statistical
    Association 89:1232-1242. doi:10.1080/01621459.1994.10476864

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.radial_plot import radial
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(radial(fit).alt)
    Radial plot of 3 studies: log odds ratio times precision, from 3.06 to 5.23, against
    precision, from 3.54 to 7.07. Pooled odds ratio 2.00, 95 % confidence interval 1.32 to 3.02
    (random-effects model, REML; Knapp-Hartung interval). 95 % prediction interval 1.32 to 3.02.
    No study lies outside the 95 % band.
    """
    check_fit(fit)
    _check(precision, centre)
    points = _points(fit, precision, centre)
    form = format_for(fit.effects.scale, (points.half / points.x).tolist())
    return finished(
        lambda shown: _draw(fit, points, form, precision, centre, shown),
        title=title,
        default=f"Radial plot of {words.studies(fit.k)}",
        alt=_alt(fit, points, form),
        caption=_caption(fit, precision),
    )


def _check(precision: str, centre: str) -> None:
    for name, value, allowed in (
        ("precision", precision, get_args(Precision)),
        ("centre", centre, get_args(Centre)),
    ):
        if value not in allowed:
            raise ModelError(f"{name} is {value!r}; use one of {', '.join(allowed)}")


def _points(fit: Fit, precision: Precision, centre: Centre) -> _Points:
    effects = fit.effects
    middle = fit.estimate if centre == "pooled" else 0.0
    x = 1 / np.sqrt(effects.vi + (_tau2(fit) if precision == "model" else 0.0))
    return _Points(
        x=x,
        y=(effects.yi - middle) * x,
        middle=middle,
        slope=fit.estimate - middle,
        half=normal_quantile(fit.level),
    )


def _tau2(fit: Fit) -> float:
    """Return tau2; 0 for a single study, which has none."""
    return 0.0 if math.isnan(fit.tau2) else fit.tau2


def _draw(
    fit: Fit, points: _Points, form: Format, precision: Precision, centre: Centre, title: str
) -> Drawing:
    """Return the drawing."""
    heights = _heights(points)
    name = words.analysis(fit.effects.measure, fit.effects.scale)
    panel = Panel(
        x=(0.0, _reach(points, heights)),
        y=heights,
        x_label=f"Precision: {_formula(fit, precision)}",
        y_label=words.capitalized(
            f"{name} × precision" if centre == "zero" else f"({name} − pooled) × precision"
        ),
        right=_RIGHT,
        tall=_TALL,
        title=title,
        notes=_notes(fit, form, precision),
    )
    drawing, pen = panel.open()
    arc, end = (Arc(pen, share * pen.width, points.middle) for share in (_ARC, _BAND))
    _cut_axis(pen, end.at(heights[0])[0])
    _draw_band(end, points)
    _draw_arc(arc, fit, heights)
    for i, (x, y) in enumerate(zip(points.x.tolist(), points.y.tolist(), strict=True)):
        pen.disc(x, y, 5.0, ACCENT, f"study-{i}", edge=PAPER)
    return drawing


def _heights(points: _Points) -> Span:
    """Return the ends of the upright axis: studies, band and pooled value are between them."""
    end = 1.2 * points.slope * float(points.x.max())
    ends = [-points.half, points.half, end - points.half, end + points.half, end]
    low = min(*ends, float(points.y.min()))
    high = max(*ends, float(points.y.max()))
    return low - 0.04 * (high - low), high + 0.04 * (high - low)


def _reach(points: _Points, heights: Span) -> float:
    """Return the precision at the right end, so that every study is well inside the arc."""
    width = _RIGHT - LEFT
    up = points.y * _TALL / (heights[1] - heights[0])
    room = np.sqrt((_STUDIES * width) ** 2 - up**2)
    return float((points.x * width / room).max())


def _cut_axis(pen: Pen, last: float) -> None:
    """End the lower axis where the arc begins."""
    pen.axes.spines["bottom"].set_bounds(0.0, last)
    ticks = next(t for t in even_ticks((0.0, last), "identity") if len(t) <= _MOST_TICKS)
    pen.axes.set_xticks([x for x, _ in ticks], [label for _, label in ticks])
    style_ticks(pen.axes.xaxis)


def _draw_band(end: Arc, points: _Points) -> None:
    """Draw the band around the pooled value from the origin almost to the arc."""
    low, high = (end.crossing(points.slope, half) for half in (-points.half, points.half))
    corners = [(0.0, points.half), (0.0, -points.half), *end.bow(low[1], high[1])]
    end.pen.area(corners, PALE, "band", outline="none")
    end.pen.line([(0.0, points.half), high], "upper", color=MUTED, width=0.8)
    end.pen.line([(0.0, -points.half), low], "lower", color=MUTED, width=0.8)


def _draw_arc(arc: Arc, fit: Fit, heights: Span) -> None:
    """Draw the arc with its labels, and the rays to the pooled value and to no association."""
    pen, effects = arc.pen, fit.effects
    known = [null] if (null := null_of(effects.measure)) == null else []
    for effect in known:
        pen.line([(0.0, 0.0), arc.point(effect)], "null", color=MUTED, width=0.8)
    pen.line([(0.0, 0.0), arc.point(fit.estimate)], "pooled", color=ACCENT, dashed=True)
    shown = [*effects.yi.tolist(), *fit.ci, *known]
    ends = [
        min(max(arc.point(effect)[1], heights[0]), heights[1])
        for effect in (min(shown), max(shown), *fit.ci)
    ]
    if pen.pitch * (ends[1] - ends[0]) < 1:
        ends[:2] = heights
    pen.line(arc.bow(*ends[:2]), "arc", width=0.8)
    pen.line(arc.bow(*ends[2:]), "interval", color=ACCENT, width=3.0)
    ticks = arc.ticks((arc.effect(ends[0]), arc.effect(ends[1])), effects.scale)
    for i, (x, label) in enumerate(ticks):
        pen.line([arc.point(x), arc.point(x, 3.5)], f"tick-{i}", width=0.8)
        across, height = arc.point(x, LABEL)
        pen.text(pen.from_left(across), height, label, size=SMALL)
    name = words.capitalized(words.measure(effects.measure))
    pen.turned_text(WIDTH - MARGIN, sum(heights) / 2, name, size=SMALL)


def _formula(fit: Fit, precision: Precision) -> str:
    """Return what precision is."""
    if precision == "model" and _tau2(fit) > 0:
        return "1 / √(sampling variance + τ²)"
    return "1 / standard error"


def _notes(fit: Fit, form: Format, precision: Precision) -> tuple[str, ...]:
    """Return what stands below the figure."""
    value = f"{words.measure(fit.effects.measure)} {form.value(fit.estimate)}"
    line = f"Dashed: {value} of the one study."
    if fit.k > 1:
        line = f"Dashed: pooled {value} ({words.model(fit.method)})."
    thick = f"Thick: its {prose.level(fit.level)} interval, {form.interval(*fit.ci)}."
    return (f"{line} {thick}", f"Shaded: {_meaning(fit, precision)}.")


def _meaning(fit: Fit, precision: Precision) -> str:
    """Say what the band holds."""
    level = prose.level(fit.level)
    if precision == "model" and _tau2(fit) > 0:
        return f"where the model expects {level} of the studies"
    return f"where {level} of the studies would lie if they differed by chance alone"


def _alt(fit: Fit, points: _Points, form: Format) -> str:
    """Return what the figure shows, in words."""
    outside = [fit.effects.labels[i] for i in points.outside]
    return words.joined(
        f"Radial plot of {words.studies(fit.k)}: "
        f"{words.analysis(fit.effects.measure, fit.effects.scale)} "
        f"{'' if points.middle == 0 else 'less the pooled one '}times precision, from "
        f"{fixed(points.y.min(), 2)} to {fixed(points.y.max(), 2)}, against precision, from "
        f"{significant(points.x.min())} to {significant(points.x.max())}.",
        words.pooled(fit, form),
        words.outside(outside, f"the {prose.level(fit.level)} band"),
    )


def _caption(fit: Fit, precision: Precision) -> str:
    """Return what the shapes stand for."""
    name, level = words.measure(fit.effects.measure), prose.level(fit.level)
    middle = "its value" if fit.k == 1 else f"the pooled {name}"
    return (
        f"Each study's {words.analysis(fit.effects.measure, fit.effects.scale)} times its "
        f"precision, {_formula(fit, precision)}, against that precision: the line from the origin "
        f"through a study meets the arc at its {name}. The dashed line is {middle}, the thick part "
        f"of the arc its {level} confidence interval; the band is {_meaning(fit, precision)}."
    )
