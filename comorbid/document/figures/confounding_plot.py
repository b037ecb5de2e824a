"""The confounding plot: what share of true effects a bias would leave beyond a threshold."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import ACCENT, INK, PALE, finished
from comorbid.document.figures.panel import Panel
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.risk_ratios import Outcome
from comorbid.sensitivity.confounding import confounded_meta
from comorbid.sensitivity.confounding_result import ConfoundedMeta

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_POINTS = 101
_TICKS = tuple((p / 5, f"{20 * p} %") for p in range(6))
_LAST, _NARROWEST = 0.02, math.log(1.5)


@dataclass(frozen=True, slots=True)
class _Curve:
    """The shares that biases leave, without bias first; ``beyond`` names what they are shares of.

    ``needed`` has the bias factor that leaves the share r.
    """

    shares: tuple[ConfoundedMeta, ...]
    needed: ConfoundedMeta
    beyond: str

    @property
    def banded(self) -> bool:
        """Whether the shares have intervals."""
        return not math.isnan(self.shares[0].prop.ci[0])


def confounding(
    fit: Fit,
    *,
    q: float | None = None,
    r: float = 0.1,
    outcome: Outcome = "common",
    baseline_risk: float | None = None,
    title: str | None = None,
) -> Figure:
    r"""Draw what share of true effects confounding of growing strength would leave.

    .. math:: \hat P(B) = 1 - \Phi\left(\frac{q + \log B - \hat\mu}{\hat\tau}\right)

    for a bias factor B that is the same in all studies, with its interval by the delta method.

    Parameters
    ----------
    fit : Fit
        With an estimate of tau2 above 0, of a measure that a risk ratio stands for.
    q : float, optional
        Threshold, on the fit's own analysis scale; by default that of no association.
    r : float
        Share of true effects, a proportion; the bias factor that leaves it is marked.
    outcome : {"common", "rare"}
        Of odds and hazard ratios, as in `e_value`.
    baseline_risk : float, optional
        Of risk differences, as in `e_value`.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same fit, on one platform.

    Raises
    ------
    ModelError
        As `confounded_meta` does: without an estimate of tau2 above 0, say.

    References
    ----------
    Mathur MB, VanderWeele TJ (2020). Sensitivity analysis for unmeasured confounding in
    meta-analyses. Journal of the American Statistical Association 115:163-172.
    doi:10.1080/01621459.2018.1529598

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.confounding_plot import confounding
    >>> y, v = [0.2, 0.9, 0.4, 1.1, 0.7, 0.3], [0.03, 0.05, 0.02, 0.04, 0.06, 0.01]
    >>> print(confounding(cb.pool(cb.Effects(yi=y, vi=v, measure="RR"))).alt)
    True effects of 6 studies under confounding: the share that has a risk ratio above 1 falls from
    97 % without bias to 2 % at a bias factor of 3.33, on a log axis. 10 % are left by a bias factor
    of 2.62.
    """
    given: dict[str, Any] = {"q": q, "outcome": outcome, "baseline_risk": baseline_risk}
    curve = _curve(fit, r, given | {"kind": "parametric"})
    return finished(
        lambda shown: _draw(fit, curve, shown),
        title=title,
        default=f"True effects of {words.studies(fit.k)} under confounding",
        alt=_alt(fit, curve),
        caption=_caption(fit, curve),
    )


def _curve(fit: Fit, r: float, given: dict[str, Any]) -> _Curve:
    needed = confounded_meta(fit, r=r, **given)
    farthest = confounded_meta(fit, r=min(r, _LAST), **given).tmin.estimate
    biases = np.linspace(0.0, max(_NARROWEST, math.log(farthest)), _POINTS).tolist()
    effects = fit.effects
    at = study_format(effects, fit.level).value(needed.q)
    if needed.q == null_of(effects.measure):
        at = prose.null_value(effects.measure, effects.scale)
    return _Curve(
        shares=tuple(confounded_meta(fit, mub=mub, **given) for mub in biases),
        needed=needed,
        beyond=f"{words.with_article(words.measure(effects.measure))} {needed.tail} {at}",
    )


def _draw(fit: Fit, curve: _Curve, title: str) -> Drawing:
    panel = Panel(
        x=(0.0, curve.shares[-1].mub),
        y=(0.0, 1.0),
        x_label="Bias factor (risk ratio), log scale",
        y_label="True effects beyond the threshold",
        x_scale="log",
        y_ticks=_TICKS,
        title=title,
        notes=_notes(fit, curve),
    )
    drawing, pen = panel.open()
    if curve.banded:
        lower = [(one.mub, one.prop.ci[0]) for one in curve.shares]
        upper = [(one.mub, one.prop.ci[1]) for one in curve.shares]
        pen.area([*lower, *reversed(upper)], PALE, "band", outline="none")
        pen.line(lower, "lower", color=ACCENT, width=0.8)
        pen.line(upper, "upper", color=ACCENT, width=0.8)
    r, needed = curve.needed.r, math.log(curve.needed.tmin.estimate)
    pen.line([(0.0, r), (needed, r), (needed, 0.0)], "needed", color=INK, width=0.8, dashed=True)
    pen.line(
        [(one.mub, one.prop.estimate) for one in curve.shares], "share", color=ACCENT, width=2.0
    )
    return drawing


def _notes(fit: Fit, curve: _Curve) -> tuple[str, ...]:
    """Return what stands below the figure."""
    region = f" Shaded: {prose.level(fit.level)} intervals." if curve.banded else ""
    return (
        f"Thick: share of true effects with {curve.beyond}.{region}",
        f"Dashed: {_left(curve)}.",
    )


def _left(curve: _Curve) -> str:
    """Say which bias factor leaves the share r."""
    found, share = curve.needed, prose.percent(100 * curve.needed.r)
    if found.tmin.estimate == 1:
        return f"no more than {share} without any bias"
    return f"{share} are left by a bias factor of {prose.value(found.tmin.estimate)}"


def _alt(fit: Fit, curve: _Curve) -> str:
    """Return what the figure shows, in words."""
    first, last = curve.shares[0], curve.shares[-1]
    start, end = (prose.percent(100 * one.prop.estimate) for one in (first, last))
    return words.joined(
        f"True effects of {words.studies(fit.k)} under confounding: the share that has "
        f"{curve.beyond} falls from {start} without bias to {end} at a bias factor of "
        f"{prose.value(last.bias_factor)}, on a log axis.",
        f"{words.capitalized(_left(curve))}.",
    )


def _caption(fit: Fit, curve: _Curve) -> str:
    """Return what the shapes stand for."""
    region = ""
    if curve.banded:
        region = f", with {prose.level(fit.level)} intervals by the delta method"
    return (
        f"Share of true effects with {curve.beyond} that confounding, of the same strength in "
        f"all studies, would leave{region}. It does not say how strong the confounding is."
    )
