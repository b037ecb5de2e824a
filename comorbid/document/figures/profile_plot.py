"""The profile plot: how likely each between-study variance is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import (
    ACCENT,
    MUTED,
    PALE,
    PAPER,
    finished,
)
from comorbid.document.figures.numbers import fixed, variance
from comorbid.document.figures.panel import Panel
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array
from comorbid.models.fit import pool
from comorbid.models.fitted import Fitted, check_fitted
from comorbid.models.likelihood import likelihood_of
from comorbid.models.maxima import all_maxima
from comorbid.models.profiles import profile as profile_of
from comorbid.models.regression import Regression, regress
from comorbid.models.tau2_intervals import tau2_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_TALL = 150.0
_POINTS = 201
_BELOW, _ABOVE = 1.7, 0.15
_BEYOND = 1.15
_NAMES = {"ML": "log-likelihood", "REML": "restricted log-likelihood"}


@dataclass(frozen=True, slots=True)
class _Profile:
    """The log-likelihood of tau2, ``name``, on both sides of where it is highest.

    ``tau2`` and ``height`` have shape (m,), from 0; ``peak`` is the tau2 where it is ``top``;
    ``peaks`` are all its maxima; ``drop`` below the top is the cut that gives the ``interval``.
    """

    name: str
    tau2: Array
    height: Array
    peak: float
    peaks: tuple[float, ...]
    top: float
    drop: float
    interval: tuple[float, float]


def profile(fit: Fitted, *, title: str | None = None) -> Figure:
    r"""Draw the profile of the between-study variance: its log-likelihood.

    .. math:: l(\tau^2) = \max_\mu l(\mu, \tau^2)

    restricted unless the fit is by ``ML``. It is highest at the estimate, and lower by
    :math:`\tfrac12 \chi^2_{1;\,\gamma}` at the ends of the profile-likelihood interval of the
    fit's level :math:`\gamma`. One high and narrow peak says that the data know tau2; a flat or a
    double one that they do not.

    Parameters
    ----------
    fit : Fit or Regression
        Of more studies than coefficients; its tau2 is marked where the curve is not highest there.
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
        If there are no more studies than coefficients, and so no tau2.

    References
    ----------
    Hardy RJ, Thompson SG (1996). A likelihood approach to meta-analysis with random effects.
    Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.profile_plot import profile
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.9, 0.5, 1.4], vi=[0.03, 0.08, 0.02, 0.05]))
    >>> print(profile(fit).alt)
    Profile of the between-study variance of 4 studies: the restricted log-likelihood is highest,
    −2.51, at τ² = 0.271. 95 % profile-likelihood interval, cut 1.92 lower: 0.047 to 2.686. At τ² =
    0 it is −9.33.
    """
    check_fitted(fit)
    curve = _profile(fit)
    return finished(
        lambda shown: _draw(fit, curve, shown),
        title=title,
        default=f"Profile of the {_what(fit)} of {words.studies(fit.k)}",
        alt=_alt(fit, curve),
        caption=_caption(fit, curve),
    )


def _profile(fit: Fitted) -> _Profile:
    method = "ML" if fit.method == "ML" else "REML"
    settings: dict[str, Any] = {"method": method, "test": fit.test, "level": fit.level}
    likely: Fitted = (
        regress(fit.effects, fit.formula, **settings)
        if isinstance(fit, Regression)
        else pool(fit.effects, **settings)
    )
    low, high = likely.tau2_ci("PL")
    data = likely.projection
    peaks = all_maxima(data, likelihood_of(method)).tau2
    last = _BEYOND * max(high, fit.tau2)
    # A peak near 0 may be narrow: the grid on which maxima are looked for has it too.
    grid = tau2_grid(data)[:, 0]
    even = np.linspace(0.0, last, _POINTS)
    tau2 = np.unique([*even, *grid[grid < last], low, *peaks, high])
    curve = profile_of(likely, tau2=tau2.tolist())
    return _Profile(
        name=_NAMES[curve.kind],
        tau2=curve.tau2,
        height=curve.log_likelihood,
        peak=curve.best,
        peaks=tuple(sorted(peaks.tolist())),
        top=curve.maximum,
        drop=curve.maximum - curve.cut,
        interval=(low, high),
    )


def _draw(fit: Fitted, curve: _Profile, title: str) -> Drawing:
    bottom, top = curve.top - _BELOW * curve.drop, curve.top + _ABOVE * curve.drop
    panel = Panel(
        x=(0.0, float(curve.tau2[-1])),
        y=(bottom, top),
        x_label=words.capitalized(f"{_what(fit)} τ²"),
        y_label=words.capitalized(curve.name),
        tall=_TALL,
        title=title,
        notes=_notes(fit, curve),
    )
    drawing, pen = panel.open()
    _draw_curve(pen, curve, bottom)
    if _elsewhere(fit, curve):
        ends = [(fit.tau2, bottom), (fit.tau2, curve.top)]
        pen.line(ends, "fit", color=ACCENT, width=1.2, dotted=True)
    return drawing


def _draw_curve(pen: Pen, curve: _Profile, bottom: float) -> None:
    """Draw the curve, its highest point, the cut below it and the interval."""
    low, high = curve.interval
    cut = curve.top - curve.drop
    points = list(zip(curve.tau2.tolist(), curve.height.tolist(), strict=True))
    inside = [point for point in points if low <= point[0] <= high]
    region = [(low, bottom), *inside, (high, bottom)]
    pen.area(region, PALE, "interval", clip=True)
    pen.line([(0.0, cut), (pen.axis.high, cut)], "cut", color=MUTED, width=0.8)
    pen.line([(curve.peak, bottom), (curve.peak, curve.top)], "peak", color=ACCENT, dashed=True)
    pen.line(points, "profile", color=ACCENT, width=1.6)
    pen.disc(curve.peak, curve.top, 5.0, ACCENT, "highest", edge=PAPER)


def _elsewhere(fit: Fitted, curve: _Profile) -> bool:
    """Return whether the fit has another tau2 than the one where the curve is highest."""
    return not math.isclose(fit.tau2, curve.peak, rel_tol=1e-4, abs_tol=1e-4 * curve.interval[1])


def _what(fit: Fitted) -> str:
    """Return what the curve is of."""
    return f"{'residual ' if isinstance(fit, Regression) else ''}between-study variance"


def _origin(fit: Fitted) -> str:
    """Return where the tau2 of a fit comes from."""
    return words.model(fit.method) if fit.estimator.fixed is None else "fixed, not estimated"


def _notes(fit: Fitted, curve: _Profile) -> tuple[str, ...]:
    """Return what stands below the figure."""
    low, high = map(variance, curve.interval)
    notes = [
        f"Dashed: τ² = {variance(curve.peak)}, where the curve is highest. Shaded: "
        f"{prose.level(fit.level)} profile-likelihood interval, {low} to {high}.",
        f"Horizontal: {fixed(curve.drop, 2)} below the highest point.",
    ]
    if _elsewhere(fit, curve):
        notes[1] += f" Dotted: τ² = {variance(fit.tau2)} of the fit ({_origin(fit)})."
    return tuple(notes)


def _alt(fit: Fitted, curve: _Profile) -> str:
    """Return what the figure shows, in words."""
    low, high = map(variance, curve.interval)
    other = ""
    if _elsewhere(fit, curve):
        other = f"The fit itself ({_origin(fit)}) has τ² = {variance(fit.tau2)}."
    return words.joined(
        f"Profile of the {_what(fit)} of {words.studies(fit.k)}: "
        f"the {curve.name} is highest, {fixed(curve.top, 2)}, at τ² = {variance(curve.peak)}.",
        f"{prose.level(fit.level)} profile-likelihood interval, cut {fixed(curve.drop, 2)} lower: "
        f"{low} to {high}.",
        f"At τ² = 0 it is {fixed(float(curve.height[0]), 2)}." if curve.peak > 0 else "",
        _peaks(curve),
        other,
    )


def _peaks(curve: _Profile) -> str:
    """Say where the curve has its peaks, if it has several."""
    if len(curve.peaks) < 2:
        return ""
    return (
        f"It has {len(curve.peaks)} peaks, at τ² = {prose.listed([*map(variance, curve.peaks)])}."
    )


def _caption(fit: Fitted, curve: _Profile) -> str:
    """Return what the shapes stand for."""
    return (
        f"{words.capitalized(curve.name)} of the {_what(fit)} τ². The point is where it "
        f"is highest, the shaded interval the {prose.level(fit.level)} profile-likelihood interval."
    )
