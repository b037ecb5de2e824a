"""The bubble plot: a meta-regression on one number, with each study as a bubble."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import regressions, words
from comorbid.document.figures.axis import Span, Tick, span, tick_choices
from comorbid.document.figures.canvas import (
    ACCENT,
    MUTED,
    PALE,
    SHADE,
    between,
    finished,
    one_line,
    printable,
)
from comorbid.document.figures.numbers import MINUS, Format, format_for
from comorbid.document.figures.panel import Panel, Swatch
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.predictions import Predictions
from comorbid.models.regression import Regression

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_POINTS = 121
_LARGEST, _SMALLEST = 18.0, 2.6
_TALL = 190.0
_MARGIN = 0.06
_APART = 13.0
_MOST_TICKS = 9
_BAND = between(PALE, SHADE, 0.45)


@dataclass(frozen=True, slots=True)
class _Bubbles:
    """What is drawn: the studies at ``x``, and what is predicted on a ``grid`` between them."""

    regression: Regression
    column: str
    x: Array
    grid: Array
    at: Predictions

    @property
    def weights(self) -> Array:
        """Of the studies, relative to the largest."""
        weights = regressions.weights(self.regression)
        return np.asarray(weights / weights.max())

    @property
    def predicted(self) -> bool:
        """Whether there is a prediction band."""
        return bool(np.isfinite(self.at.pi_low).all())

    @property
    def wider(self) -> bool:
        """Whether the prediction band is another than the confidence band."""
        return self.predicted and self.regression.tau2 > 0

    @property
    def form(self) -> Format:
        """How effects print."""
        half = (self.at.ci_high - self.at.ci_low) / 2
        return format_for(self.at.scale, half.tolist())


def bubble(regression: Regression, *, title: str | None = None) -> Figure:
    r"""Draw a meta-regression on one numeric moderator: a bubble a study, the line, two bands.

    The area of a bubble is proportional to the study's weight, :math:`1 / (v_i + \hat\tau^2)`; the
    smallest are drawn large enough to be seen. The line is the mean effect that the regression
    predicts, the inner band its confidence interval, the outer one the prediction interval for
    the true effect of one new study. Nothing is drawn beyond the studies. A formula may bend the
    line: ``poly(year, 2)``, ``log(dose)``.

    Parameters
    ----------
    regression : Regression
        Made by `comorbid.regress`, with one numeric moderator.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same regression, on one platform.

    Raises
    ------
    DataError
        If ``regression`` is something else.
    ModelError
        If the regression has no moderator, more than one, or a factor.

    References
    ----------
    Thompson SG, Higgins JPT (2002). How should meta-regression analyses be undertaken and
    interpreted? Statistics in Medicine 21:1559-1573. doi:10.1002/sim.1187
    Riley RD, Higgins JPT, Deeks JJ (2011). Interpretation of random effects meta-analyses.
    BMJ 342:d549. doi:10.1136/bmj.d549

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.bubble_plot import bubble
    >>> from comorbid.models.regression import regress
    >>> effects = cb.Effects(yi=[0.1, 0.3, 0.2, 0.6, 0.7], vi=[0.02, 0.03, 0.02, 0.04, 0.03],
    ...                      measure="OR", moderators={"dose": [1, 2, 3, 5, 6]})
    >>> print(bubble(regress(effects, "~ dose")).alt)
    Bubble plot of 5 studies: odds ratio against dose, from 1 to 6. Fitted: 1.09 (0.88 to 1.35)
    at 1, 1.96 (1.50 to 2.56) at 6. Per unit of dose the odds ratio is multiplied by 1.13 (95 %
    confidence interval 1.04 to 1.22; p = 0.017). Meta-regression, REML; Knapp-Hartung
    interval; τ² left 0.000; R² 100.0 %. Largest bubble: Study 1.
    """
    check_type("regression", regression, Regression, "give what regress() returns")
    bubbles = _bubbles(regression)
    return finished(
        lambda shown: _draw(bubbles, shown),
        title=title,
        default=f"Bubble plot of {words.studies(regression.k)}",
        alt=_alt(bubbles),
        caption=_caption(bubbles),
    )


def _bubbles(regression: Regression) -> _Bubbles:
    column = _moderator(regression)
    x = regression.effects.to_frame()[column].to_numpy(dtype=float)
    grid = np.linspace(x.min(), x.max(), _POINTS)
    return _Bubbles(regression, column, x, grid, regression.predict({column: grid.tolist()}))


def _moderator(regression: Regression) -> str:
    """Return the one numeric moderator of a regression."""
    from pandas.api.types import is_bool_dtype, is_numeric_dtype

    columns = regression.design.columns
    if len(columns) != 1:
        found = f"it has {len(columns)}: {', '.join(columns)}" if columns else "it has none"
        raise ModelError(
            f"a bubble plot shows a regression on one moderator, and {regression.formula!r}: "
            f"{found}; fit one with a single numeric moderator"
        )
    values = regression.effects.to_frame()[columns[0]]
    factor = any("C(" in name or "[T." in name for name in regression.names)
    if factor or not is_numeric_dtype(values) or is_bool_dtype(values):
        raise ModelError(
            f"{columns[0]} is a factor in {regression.formula!r}, and a bubble plot needs a "
            "numeric moderator; draw its studies by comorbid.figures.forest"
        )
    return columns[0]


def _draw(bubbles: _Bubbles, title: str) -> Drawing:
    """Return the drawing."""
    effects = bubbles.regression.effects
    low, high = float(bubbles.x.min()), float(bubbles.x.max())
    margin = _MARGIN * (high - low)
    heights = _heights(bubbles)
    panel = Panel(
        x=(low - margin, high + margin),
        y=heights,
        x_label=printable(bubbles.column),
        y_label=words.axis_label(effects.measure, effects.scale),
        y_scale=effects.scale,
        y_ticks=_upright(heights, effects.scale),
        tall=_TALL,
        title=title,
        key=_key(bubbles),
        notes=_notes(bubbles),
    )
    drawing, pen = panel.open()
    _draw_bands(pen, bubbles)
    null = null_of(effects.measure)
    if panel.y[0] <= null <= panel.y[1]:
        ends = [(panel.x[0], null), (panel.x[1], null)]
        pen.line(ends, "null", color=MUTED, width=0.8)
    _draw_bubbles(pen, bubbles)
    return drawing


def _heights(bubbles: _Bubbles) -> Span:
    """Return the ends of the upright axis: the studies and, if they are not far off, the bands."""
    effects, at = bubbles.regression.effects, bubbles.at
    outer = list(zip(at.pi_low.tolist(), at.pi_high.tolist(), strict=True))
    inner = list(zip(at.ci_low.tolist(), at.ci_high.tolist(), strict=True))
    return span(
        effects.yi.tolist(),
        outer,
        pooled=inner,
        scale=effects.scale,
        null=null_of(effects.measure),
    )


def _upright(ends: Span, scale: str) -> tuple[Tick, ...]:
    """Return the closest ticks with room between each other; ratios in steps of ratios."""
    least = _APART / _TALL * (ends[1] - ends[0])
    for ticks in tick_choices(ends, scale):
        if 2 <= len(ticks) <= _MOST_TICKS and all(
            b - a >= least for (a, _), (b, _) in pairwise(ticks)
        ):
            return ticks
    return ()


def _key(bubbles: _Bubbles) -> tuple[Swatch, ...]:
    level = prose.level(bubbles.regression.level)
    both = " and prediction" if bubbles.predicted and not bubbles.wider else ""
    bands = [Swatch(f"{level} confidence{both} band", _BAND, edge=MUTED)]
    if bubbles.wider:
        bands.append(Swatch(f"{level} prediction band", PALE, edge=MUTED))
    return (*bands, Swatch("study, area by weight", SHADE, edge=ACCENT, round=True))


def _draw_bands(pen: Pen, bubbles: _Bubbles) -> None:
    """Draw the prediction band, the confidence band over it, and the line."""
    at, xs = bubbles.at, bubbles.grid.tolist()
    bands = [("confidence", at.ci_low, at.ci_high, _BAND)]
    if bubbles.wider:
        bands.insert(0, ("prediction", at.pi_low, at.pi_high, PALE))
    for name, low, high, color in bands:
        lower, upper = (list(zip(xs, ends.tolist(), strict=True)) for ends in (low, high))
        pen.area([*lower, *reversed(upper)], color, name, clip=True, outline=MUTED)
    line = list(zip(xs, at.estimate.tolist(), strict=True))
    pen.line(line, "line", color=ACCENT, width=1.6)


def _draw_bubbles(pen: Pen, bubbles: _Bubbles) -> None:
    """Draw the studies, the largest first so that none hides another."""
    yi, sizes = bubbles.regression.effects.yi, _LARGEST * np.sqrt(bubbles.weights)
    for i in np.argsort(-sizes, kind="stable").tolist():
        size = max(_SMALLEST, float(sizes[i]))
        name = f"study-{i}"
        pen.disc(float(bubbles.x[i]), float(yi[i]), size, SHADE, name, edge=ACCENT)


def _plain(x: float) -> str:
    """Return a moderator's value as it prints."""
    return f"{x:.6g}".replace("-", MINUS)


def _fitted(bubbles: _Bubbles) -> str:
    """Say what is predicted at both ends."""
    at, form = bubbles.at, bubbles.form
    ends = [
        f"{form.value(float(at.estimate[i]))} ({form.interval(at.ci_low[i], at.ci_high[i])}) at "
        f"{_plain(float(bubbles.grid[i]))}"
        for i in (0, -1)
    ]
    return f"Fitted: {ends[0]}, {ends[1]}."


def _notes(bubbles: _Bubbles) -> tuple[str, ...]:
    """Return the lines below the figure."""
    slope = regressions.slope(bubbles.regression, bubbles.column)
    return (regressions.model(bubbles.regression), *((slope,) if slope else ()))


def _alt(bubbles: _Bubbles) -> str:
    """Return what the figure shows, in words."""
    regression = bubbles.regression
    effects = regression.effects
    heaviest = effects.labels[int(np.argmax(bubbles.weights))]
    k = regression.k
    return words.joined(
        f"Bubble plot of {words.studies(k)}: {words.measure(effects.measure)} "
        f"against {one_line(bubbles.column)}, from {_plain(bubbles.x.min())} to "
        f"{_plain(bubbles.x.max())}.",
        _fitted(bubbles),
        *reversed(_notes(bubbles)),
        f"Largest bubble: {words.named([heaviest])}.",
    )


def _caption(bubbles: _Bubbles) -> str:
    regression = bubbles.regression
    level = prose.level(regression.level)
    outer = ""
    if bubbles.predicted:
        where = "in the paler one" if bubbles.wider else "and in the same"
        outer = f", {where} {level} of new studies' true effects"
    return (
        f"{words.capitalized(words.measure(regression.effects.measure))} of each study against "
        f"{one_line(bubbles.column)}; the larger a bubble, the greater the study's weight. The "
        f"line is the mean that the regression predicts, with {level} confidence in the darker "
        f"band{outer}. A relation across studies need not hold for the people in them."
    )
