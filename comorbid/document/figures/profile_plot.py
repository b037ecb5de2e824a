"""The profile plot: how likely each between-study variance is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import ACCENT, finished
from comorbid.document.figures.components_plot import component_profiles_figure
from comorbid.document.figures.numbers import fixed, variance
from comorbid.document.figures.profile_curve import NAMES, Curve, draw_profile
from comorbid.models.fit import pool
from comorbid.models.fitted import Fitted
from comorbid.models.likelihood import likelihood_of
from comorbid.models.maxima import all_maxima
from comorbid.models.multilevel_result import Multilevel
from comorbid.models.profiles import profile as profile_of
from comorbid.models.regression import Regression, regress
from comorbid.models.tau2_intervals import tau2_grid

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_POINTS = 201
_BEYOND = 1.15


@dataclass(frozen=True, slots=True)
class _Tau2:
    """The curve of tau2, and all its maxima."""

    curve: Curve
    peaks: tuple[float, ...]


def profile(fit: Fitted | Multilevel, *, title: str | None = None) -> Figure:
    r"""Draw the profile of the between-study variance, or of each component of a multilevel fit.

    .. math:: l(\tau^2) = \max_\mu l(\mu, \tau^2)

    restricted unless the fit is by ``ML``. It is highest at the estimate, and lower by
    :math:`\tfrac12 \chi^2_{1;\,\gamma}` at the ends of the profile-likelihood interval of the
    fit's level :math:`\gamma`. One high and narrow peak says that the data know tau2; a flat or a
    double one that they do not. Of a multilevel fit each variance and correlation has a curve, for
    which all others are at their best.

    Parameters
    ----------
    fit : Fit, Regression or Multilevel
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
        If there are no more studies than coefficients, and so no tau2; or nothing in a multilevel
        fit has a profile.

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
    check_type(
        "fit", fit, (Multilevel, Fitted), "give what pool(), regress() or multilevel() returns"
    )
    if isinstance(fit, Multilevel):
        return component_profiles_figure(fit, title)
    found = _profile(fit)
    curve = found.curve
    return finished(
        lambda shown: _draw(fit, curve, shown),
        title=title,
        default=f"Profile of the {_what(fit)} of {words.studies(fit.k)}",
        alt=_alt(fit, found),
        caption=_caption(fit, curve),
    )


def _profile(fit: Fitted) -> _Tau2:
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
    found = profile_of(likely, tau2=tau2.tolist())
    curve = Curve(
        name=NAMES[found.kind],
        x=found.tau2,
        height=found.log_likelihood,
        peak=found.best,
        top=found.maximum,
        drop=found.maximum - found.cut,
        interval=(low, high),
    )
    return _Tau2(curve, tuple(sorted(peaks.tolist())))


def _draw(fit: Fitted, curve: Curve, title: str) -> Drawing:
    label = words.capitalized(f"{_what(fit)} τ²")
    drawing, pen = draw_profile(curve, label, title=title, notes=_notes(fit, curve))
    if _elsewhere(fit, curve):
        ends = [(fit.tau2, curve.bottom), (fit.tau2, curve.top)]
        pen.line(ends, "fit", color=ACCENT, width=1.2, dotted=True)
    return drawing


def _elsewhere(fit: Fitted, curve: Curve) -> bool:
    """Return whether the fit has another tau2 than the one where the curve is highest."""
    return not math.isclose(fit.tau2, curve.peak, rel_tol=1e-4, abs_tol=1e-4 * curve.interval[1])


def _what(fit: Fitted) -> str:
    """Return what the curve is of."""
    return f"{'residual ' if isinstance(fit, Regression) else ''}between-study variance"


def _origin(fit: Fitted) -> str:
    """Return where the tau2 of a fit comes from."""
    return words.model(fit.method) if fit.estimator.fixed is None else "fixed, not estimated"


def _notes(fit: Fitted, curve: Curve) -> tuple[str, ...]:
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


def _alt(fit: Fitted, found: _Tau2) -> str:
    """Return what the figure shows, in words."""
    curve = found.curve
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
        _peaks(found.peaks),
        other,
    )


def _peaks(peaks: tuple[float, ...]) -> str:
    """Say where the curve has its peaks, if it has several."""
    if len(peaks) < 2:
        return ""
    return f"It has {len(peaks)} peaks, at τ² = {prose.listed([*map(variance, peaks)])}."


def _caption(fit: Fitted, curve: Curve) -> str:
    """Return what the shapes stand for."""
    return (
        f"{words.capitalized(curve.name)} of the {_what(fit)} τ². The point is where it "
        f"is highest, the shaded interval the {prose.level(fit.level)} profile-likelihood interval."
    )
