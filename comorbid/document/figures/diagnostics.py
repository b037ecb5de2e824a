"""The columns of an influence plot: diagnostics with their limits, and their narrow axes."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from comorbid.document.figures.axis import Axis, Span, Tick, even_ticks
from comorbid.document.figures.canvas import SMALL, text_width
from comorbid.document.figures.numbers import MINUS, raised
from comorbid.effects.arrays import Array
from comorbid.sensitivity.influence import NORMAL

GAP = 12.0
"""Between two columns, in points."""

_LONGEST = 7
"""Characters of a tick label that a narrow axis has room for."""


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """One of the columns of an influence plot.

    ``name`` is the attribute of the result, ``head`` what stands above. ``usual`` gives the value
    without any influence, ``limits`` those beyond which a value stands out, of k studies.
    """

    name: str
    head: str
    usual: Callable[[int], float] = lambda k: math.nan
    limits: Callable[[int], tuple[float, ...]] = lambda k: ()


def _median_chi_squared() -> float:
    from scipy import special

    return float(special.chdtri(1, 0.5))


def _both(x: float) -> tuple[float, float]:
    return -x, x


DIAGNOSTICS = (
    Diagnostic("rstudent", "Residual", lambda k: 0.0, lambda k: _both(NORMAL)),
    Diagnostic("dffits", "DFFITS", lambda k: 0.0, lambda k: _both(3 * math.sqrt(1 / (k - 1)))),
    Diagnostic("cook_d", "Cook’s D", lambda k: 0.0, lambda k: (_median_chi_squared(),)),
    Diagnostic("cov_r", "COVRATIO", lambda k: 1.0),
    Diagnostic("tau2_del", "τ² without"),
    Diagnostic("q_del", "Q without"),
    Diagnostic("hat", "Leverage", lambda k: 1 / k, lambda k: (3 / k,) if k >= 3 else ()),
    Diagnostic("weight", "Weight, %", lambda k: 100 / k),
)


def diagnostic_axis(diagnostic: Diagnostic, values: Array, k: int, width: float) -> Axis:
    """Return the axis of a panel: it holds the values, the limits and the usual value."""
    known = values[np.isfinite(values)].tolist()
    lines = [x for x in (diagnostic.usual(k), *diagnostic.limits(k)) if math.isfinite(x)]
    ends = [*known, *lines] or [0.0, 1.0]
    if min(ends) == max(ends) == 0:
        return Axis(-0.5, 0.5, ticks=((0.0, "0"),))
    margin = 0.08 * (max(ends) - min(ends)) or 0.1 * abs(max(ends)) or 0.5
    low, high = min(ends) - margin, max(ends) + margin
    return Axis(low, high, ticks=_ticks((low, high), width) if known else ())


def _ticks(ends: Span, width: float) -> tuple[Tick, ...]:
    """Return the closest ticks that fit; where only one would, two far apart."""
    choices = [tuple(map(_short, ticks)) for ticks in even_ticks(ends, "identity") if ticks]
    for ticks in choices:
        if len(ticks) > 1 and _fit(ticks, ends, width):
            return ticks
    for ticks in reversed(choices):
        inside = [tick for tick in ticks if _fit((tick,), ends, width)]
        pair = tuple(inside[:: max(1, len(inside) - 1)])
        if len(pair) == 2 and _fit(pair, ends, width):
            return pair
    return next((ticks[:1] for ticks in choices if _fit(ticks[:1], ends, width)), ())


def _short(tick: Tick) -> Tick:
    """Return a tick with a long label as a multiple of a power of ten."""
    x, label = tick
    if len(label) <= _LONGEST:
        return tick
    if x == 0:
        return x, "0"
    power = math.floor(math.log10(abs(x)))
    return x, f"{x / 10.0**power:.10g}×10{raised(power)}".replace("-", MINUS)


def _fit(ticks: Sequence[Tick], ends: Span, width: float) -> bool:
    """Say whether no label touches the next one or those of the next panel."""
    places = [(x - ends[0]) / (ends[1] - ends[0]) * width for x, _ in ticks]
    half = [text_width(label, size=SMALL) / 2 for _, label in ticks]
    spans = [(x - h, x + h) for x, h in zip(places, half, strict=True)]
    inside = spans[0][0] >= 2 - GAP / 2 and spans[-1][1] <= width + GAP / 2 - 2
    return inside and all(b[0] - a[1] >= 4 for a, b in pairwise(spans))
