"""The drapery plot: the p-value function of each study and of the pooled value."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Axis, span
from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MUTED,
    PALE,
    SHADE,
    WIDTH,
    finished,
)
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.panel import Panel, right_axis
from comorbid.document.figures.pen import Pen
from comorbid.document.figures.study_rows import study_format, study_values
from comorbid.effects.arrays import Array
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.kernel import t_quantile, t_tail
from comorbid.models.pooled import check_fit

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_RIGHT = WIDTH - 46.0
_TALL = 230.0
_TICKS = tuple((p / 5, f"{p / 5:.1f}") for p in range(6))
_TOP = 1.02
_NEAR = 0.045
_MANY = 20


@dataclass(frozen=True, slots=True)
class _Curve:
    """A p-value function.

    ``below`` and ``above`` are its standard errors on either side of its ``peak``, ``df`` the
    degrees of freedom of its t distribution, inf for the normal.
    """

    peak: float
    below: float
    above: float
    df: float

    def p(self, x: Array) -> Array:
        """Return the two-sided p-value of the hypothesis that the effect is ``x``."""
        distance = np.abs(x - self.peak)
        se = np.where(x < self.peak, self.below, self.above)
        # Knapp and Hartung's standard error of studies that agree wholly is 0: a spike.
        without = np.where(distance > 0, np.inf, 0.0)
        z = np.divide(distance, se, out=without, where=se > 0)
        return 2 * t_tail(np.full(x.shape, self.df), z)

    def points(self, axis: Axis) -> list[tuple[float, float]]:
        """Return points on it, from one end of the axis to the other."""
        steps = np.linspace(0.0, 5.0, 41)
        x = np.concatenate(
            [
                self.peak - self.below * steps,
                self.peak + self.above * steps,
                np.linspace(axis.low, axis.high, 61),
            ]
        )
        x = np.unique(x[(x >= axis.low) & (x <= axis.high)])
        return list(zip(x.tolist(), self.p(x).tolist(), strict=True))


def drapery(fit: Fit, *, title: str | None = None) -> Figure:
    r"""Draw a drapery plot: p-value functions of the studies and of the pooled value.

    At each possible effect :math:`\mu` a study's curve is the two-sided p-value against it,
    :math:`2\Phi(-|y_i - \mu| / \sqrt{v_i})`; the pooled curve is that of the fit's own test. Cut
    at the height p, a curve is as wide as the confidence interval of level 1 - p. The region
    below the outermost curve is the same for the prediction interval.

    Parameters
    ----------
    fit : Fit
        Its test, standard error and prediction interval are those of the curves; its level is
        marked.
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

    References
    ----------
    Rücker G, Schwarzer G (2021). Beyond the forest plot: the drapery plot. Research Synthesis
    Methods 12:13-19. doi:10.1002/jrsm.1410

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.drapery_plot import drapery
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.74], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(drapery(fit).alt)
    Drapery plot of 3 studies: the p-value of every possible odds ratio, on a log axis, by each
    study and pooled. Pooled odds ratio 2.00, 95 % confidence interval 1.32 to 3.02 (random-effects
    model, REML; Knapp-Hartung interval). 95 % prediction interval 1.32 to 3.02. Against 1, no
    association: pooled p = 0.019; 3 of 3 studies have p below 0.05. The peak of a study ranges
    from 1.70 (Study 1) to 2.56 (Study 2).
    """
    check_fit(fit)
    form = study_format(fit.effects, fit.level)
    return finished(
        lambda shown: _draw(fit, form, shown),
        title=title,
        default=f"Drapery plot of {words.studies(fit.k)}",
        alt=_alt(fit, form),
        caption=_caption(fit),
    )


def _studies(fit: Fit) -> list[_Curve]:
    """Return the curve of each study."""
    rows = zip(fit.effects.yi.tolist(), np.sqrt(fit.effects.vi).tolist(), strict=True)
    return [_Curve(y, se, se, math.inf) for y, se in rows]


def _prediction(fit: Fit) -> _Curve | None:
    """Return the curve whose width at the fit's level is the prediction interval, if any."""
    if any(map(math.isnan, fit.pi)):
        return None
    critical = float(t_quantile(np.array(fit.df), (1 + fit.level) / 2))
    low, high = fit.pi
    below, above = (fit.estimate - low) / critical, (high - fit.estimate) / critical
    return _Curve(fit.estimate, below, above, fit.df)


def _draw(fit: Fit, form: Format, title: str) -> Drawing:
    effects = fit.effects
    panel = Panel(
        x=span(
            effects.yi.tolist(),
            [values[1:] for values in study_values(effects, fit.level)],
            pooled=[fit.ci, fit.pi],
            scale=effects.scale,
            null=null_of(effects.measure),
        ),
        y=(0.0, _TOP),
        x_label=words.axis_label(effects.measure, effects.scale),
        y_label="p-value",
        x_scale=effects.scale,
        y_ticks=_TICKS,
        right=_RIGHT,
        tall=_TALL,
        title=title,
        notes=_notes(fit, form),
    )
    drawing, pen = panel.open()
    level = (1 - fit.level, prose.level(fit.level))
    others = [(p, prose.level(1 - p)) for p, _ in _TICKS if abs(p - level[0]) > _NEAR]
    right_axis(pen, "Confidence level", [level, *others])
    _draw_curves(pen, fit)
    return drawing


def _draw_curves(pen: Pen, fit: Fit) -> None:
    axis, prediction = pen.axis, _prediction(fit)
    if prediction:
        region = [(axis.low, 0.0), *prediction.points(axis), (axis.high, 0.0)]
        pen.area(region, PALE, "prediction", outline="none")
        pen.line(prediction.points(axis), "prediction-edge", color=ACCENT, width=0.8)
    level = 1 - fit.level
    pen.line([(axis.low, level), (axis.high, level)], "level", color=INK, width=0.8, dashed=True)
    null = null_of(fit.effects.measure)
    if axis.holds(null):
        pen.line([(null, 0.0), (null, 1.0)], "null", color=MUTED, width=0.8)
    thin = 0.8 if fit.k <= _MANY else 0.5
    for i, curve in enumerate(_studies(fit) if fit.k > 1 else ()):
        pen.line(curve.points(axis), f"study-{i}", color=SHADE, width=thin)
    pooled = _Curve(fit.estimate, fit.se, fit.se, fit.df)
    pen.line(pooled.points(axis), "pooled", color=ACCENT, width=2.0)


def _notes(fit: Fit, form: Format) -> tuple[str, ...]:
    """Return what stands below the figure."""
    value = f"{words.measure(fit.effects.measure)} {form.value(fit.estimate)}"
    level = (
        f"Dashed: p = {1 - fit.level:.3g}, where a curve is as wide as its "
        f"{prose.level(fit.level)} interval."
    )
    if fit.k == 1:
        return (f"Thick: {value} of the one study. {level}",)
    how = f"{words.model(fit.method)}; {words.interval(fit.test)}"
    region = " Shaded: prediction intervals." if _prediction(fit) else ""
    return (f"Thick: pooled {value} ({how}).{region}", level)


def _alt(fit: Fit, form: Format) -> str:
    """Return what the figure shows, in words."""
    effects = fit.effects
    by = "by each study and pooled" if fit.k > 1 else "by the study"
    return words.joined(
        f"Drapery plot of {words.studies(fit.k)}: the p-value of every "
        f"possible {words.measure(effects.measure)}, {words.on_axis(effects.scale)}, {by}.",
        words.pooled(fit, form),
        *(_more(fit, form) if fit.k > 1 else ()),
    )


def _more(fit: Fit, form: Format) -> tuple[str, ...]:
    """Return what several studies have, and one has not."""
    effects = fit.effects
    peaks = words.spread(
        "The peak of a study", effects.labels, effects.yi.tolist(), form.value, before=""
    )
    null = null_of(effects.measure)
    if math.isnan(null):
        return (peaks,)
    p = np.array([curve.p(np.array(null)) for curve in _studies(fit)])
    below = int((p < 1 - fit.level).sum())
    return (
        f"Against {prose.null(effects.measure, effects.scale)}: pooled "
        f"{prose.p_value(fit.p_value)}; {below} of {fit.k} studies have p below "
        f"{1 - fit.level:.3g}.",
        peaks,
    )


def _caption(fit: Fit) -> str:
    """Return what the shapes stand for."""
    name = words.measure(fit.effects.measure)
    cut = "cut at the height p it is as wide as the confidence interval of level 1 − p"
    if fit.k == 1:
        return f"The p-value of every possible {name} by the one study; {cut}."
    region = ""
    if _prediction(fit):
        region = "; the shaded region is the same for the prediction interval"
    return (
        f"The p-value of every possible {name}. A thin curve is a study, the thick one the pooled "
        f"{name}; {cut}{region}."
    )
