"""Component intervals: which values of a variance or correlation the likelihood allows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array
from comorbid.models import text
from comorbid.models.pinned import Pinned, pin
from comorbid.models.recorded import Recorded
from comorbid.models.settings import check_level
from comorbid.models.views import frame

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.multilevel_result import Multilevel

_COLUMNS = ("estimate", "ci_low", "ci_high")
_EXACT, _MOST_STEPS, _MOST_DOUBLINGS = 1e-10, 80, 20


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class ComponentIntervals(Recorded):
    """Profile-likelihood intervals of variances and correlations; made by `Multilevel.confint`.

    Attributes
    ----------
    names : tuple of str
        The components.
    estimate, ci_low, ci_high : arrays of shape (n,)
        Analysis scale; inf where no variance is too large, nan for a correlation of effects that
        do not vary.
    """

    names: tuple[str, ...]
    estimate: Array
    ci_low: Array
    ci_high: Array

    def to_frame(self) -> pd.DataFrame:
        """Return ``estimate, ci_low, ci_high`` by component."""
        return frame(self.names, "component", {name: getattr(self, name) for name in _COLUMNS})

    def to_dict(self) -> dict[str, Any]:
        """Return settings, names and columns as plain values."""
        columns = {name: getattr(self, name).tolist() for name in _COLUMNS}
        return {**self.made(), "names": list(self.names), **columns}

    def summary(self) -> str:
        """Return the table as text."""
        head = f"Profile likelihood, {100 * self.level:g}% intervals ({self.method})"
        return f"{head}\n{self.to_frame().to_string(float_format=text.number, na_rep='-')}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return str(self.to_frame().to_html(escape=True))


def component_intervals(fit: Multilevel, level: float | None = None) -> ComponentIntervals:
    r"""Return the profile-likelihood interval of each variance and correlation.

    .. math:: \{c : 2\,[l(\hat\theta) - \max_{\theta: c(\theta) = c} l(\theta)] \le
       \chi^2_{1, \mathrm{level}}\}

    restricted for a fit by REML. An end of its range that fits well enough ends the interval.

    Hardy RJ, Thompson SG (1996). Statistics in Medicine 15:619-629.
    doi:10.1002/(SICI)1097-0258(19960330)15:6<619::AID-SIM188>3.0.CO;2-A
    """
    level = fit.level if level is None else level
    check_level(level)
    cut = fit.log_likelihood - float(special.chdtri(1, 1 - level)) / 2
    ends = [
        (np.nan, np.nan) if np.isnan(c.value) else ends_of(pin(fit, c.name), cut)
        for c in fit.components
    ]
    return ComponentIntervals(
        names=tuple(c.name for c in fit.components),
        estimate=np.array([c.value for c in fit.components]),
        ci_low=np.array([low for low, _ in ends]),
        ci_high=np.array([high for _, high in ends]),
        **fit.made | {"level": level},
    )


def ends_of(pinned: Pinned, cut: float) -> tuple[float, float]:
    """Return the values between which the profile is above the cut."""

    def excess(x: float) -> tuple[float, float]:
        height, slope = pinned.heights(np.array([x]))
        return float(height[0]) - cut, float(slope[0])

    least, most = pinned.ends
    low = least
    if pinned.best > least and excess(least)[0] < 0:
        low = _root(excess, pinned.best, least)
    if np.isinf(most):
        most = _beyond(excess, max(pinned.best, 0.5))
    high = most
    if np.isfinite(most) and pinned.best < most and excess(most)[0] < 0:
        high = _root(excess, pinned.best, most)
    return pinned.value(low), pinned.value(high)


def _beyond(excess: Callable[[float], tuple[float, float]], start: float) -> float:
    """Return a coordinate at which the profile is below the cut; inf if there is none."""
    x = 2 * start
    for _ in range(_MOST_DOUBLINGS):
        if excess(x)[0] < 0:
            return x
        x *= 2
    return np.inf


def _root(excess: Callable[[float], tuple[float, float]], inside: float, outside: float) -> float:
    """Return where the excess is 0, by Newton steps that a shrinking bracket keeps in bounds."""
    x = (inside + outside) / 2
    for _ in range(_MOST_STEPS):
        value, slope = excess(x)
        inside, outside = (x, outside) if value >= 0 else (inside, x)
        step = value / slope if slope else np.inf
        new = x - step
        if not min(inside, outside) < new < max(inside, outside):
            new = (inside + outside) / 2
        if abs(new - x) <= _EXACT * max(abs(x), 1e-3):
            return new
        x = new
    return x
