"""The horizontal axis: how far it reaches, and where its labels stand without touching."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.document.figures.canvas import text_width
from comorbid.document.figures.numbers import fixed, printed_value, raised
from comorbid.effects.scales import SCALES

Span = tuple[float, float]
Tick = tuple[float, str]

NULL = 0.0
"""No association, on the analysis scale of every measure that compares or relates."""

_MOST_TICKS = 7
_GAP = 7.0
_SLACK = 1e-9
_STEPS: tuple[tuple[float, ...], ...] = ((1, 1.5, 2, 3, 5, 7), (1, 2, 5), (1, 3), (1,))


@dataclass(frozen=True, slots=True)
class Axis:
    """A horizontal axis on the analysis scale, labelled on the printed one.

    Parameters
    ----------
    low, high : float
        Its ends, analysis scale.
    ticks : tuple of (float, str)
        Position, analysis scale, and label.
    """

    low: float
    high: float
    ticks: tuple[Tick, ...]

    @property
    def reach(self) -> float:
        """Length on the analysis scale."""
        return self.high - self.low

    def clip(self, x: float) -> float:
        """Return the nearest value that is on the axis; nan stays nan."""
        return min(max(x, self.low), self.high) if x == x else x

    def holds(self, x: float) -> bool:
        """Say whether a value is on the axis."""
        return self.low <= x <= self.high


def span(
    estimates: Sequence[float],
    intervals: Sequence[Span],
    *,
    pooled: Iterable[Span] = (),
    scale: str,
    null: float = NULL,
) -> Span:
    """Return the ends of an axis on which the estimates and most intervals can be read.

    All estimates are on it. An interval that reaches further than two typical interval widths, or
    the whole range of the estimates, beyond them is cut there; pooled intervals may reach half
    as far again, for they are what the figure is about. No association is always on an axis of
    ratios, on others if it is about as near.

    Parameters
    ----------
    estimates : sequence of float
        Analysis scale; nan where there is none.
    intervals : sequence of (float, float)
        Of the single rows.
    pooled : iterable of (float, float)
        Of the pooled value.
    scale : str
        Id of the scale.
    null : float
        No association; nan where there is none.
    """
    centres = [x for x in estimates if math.isfinite(x)] or [NULL]
    known = sorted(high - low for low, high in intervals if math.isfinite(high - low))
    typical = known[(len(known) - 1) // 2] if known else 0.0
    room = max(2 * typical, max(centres) - min(centres))
    near = scale == "log" or min(abs(x - null) for x in centres) <= 2 * room
    if near and not math.isnan(null):
        centres.append(null)
    low, high = min(centres), max(centres)
    room = max(2 * typical, high - low)
    ends = [low, high]
    for reach, several in ((room, intervals), (1.5 * room, pooled)):
        for a, b in several:
            if math.isfinite(b - a):
                ends += [max(a, low - reach), min(b, high + reach)]
    low, high = min(ends), max(ends)
    margin = 0.04 * (high - low) or 0.5
    return low - margin, high + margin


def label_axis(ends: Span, scale: str, *, width: float, size: float) -> Axis:
    """Return the axis with round labels that leave room between each other.

    Parameters
    ----------
    ends : (float, float)
        Analysis scale.
    scale : str
        Id of the scale. Ratios get steps of 1-1.5-2-3-5-7, 1-2-5 or 1-3 a decade, or whole
        decades, the closest that fit; a narrow range of ratios and other values get even steps.
    width, size : float
        Of the axis and of its labels, in points.
    """
    choices = list(tick_choices(ends, scale))
    for ticks in choices:
        if 2 <= len(ticks) <= _MOST_TICKS and _fits(ticks, ends, width, size):
            return Axis(*ends, ticks=ticks)
    return Axis(*ends, ticks=next((ticks[:1] for ticks in reversed(choices) if ticks), ()))


def _fits(ticks: Sequence[Tick], ends: Span, width: float, size: float) -> bool:
    """Say whether no label touches the next."""
    per_point = width / (ends[1] - ends[0])
    half = [text_width(label, size=size) / 2 for _, label in ticks]
    return all(
        (ticks[i + 1][0] - ticks[i][0]) * per_point >= half[i] + half[i + 1] + _GAP
        for i in range(len(ticks) - 1)
    )


def tick_choices(ends: Span, scale: str) -> Iterator[tuple[Tick, ...]]:
    """Yield sets of ticks, the closest first."""
    if scale == "log":
        decades = (ends[1] - ends[0]) / math.log(10)
        if decades < 0.5:
            yield from even_ticks(ends, scale)
        yield from (_log_ticks(ends, steps) for steps in _STEPS)
        yield from (_log_ticks(ends, (1,), every) for every in (2, 3, 5, 10, 20, 50, 100, 200, 500))
        if decades < 3:
            yield from even_ticks(ends, scale)
    else:
        yield from even_ticks(ends, scale)


def _log_ticks(ends: Span, steps: Sequence[float], every: int = 1) -> tuple[Tick, ...]:
    slack = _SLACK * (ends[1] - ends[0])
    first = math.floor(ends[0] / math.log(10))
    last = math.ceil(ends[1] / math.log(10))
    return tuple(
        (position, _ratio_label(step, power))
        for power in range(first, last + 1)
        if power % every == 0
        for step in steps
        if ends[0] - slack <= (position := math.log(step) + power * math.log(10)) <= ends[1] + slack
    )


def _ratio_label(step: float, power: int) -> str:
    """Return ``step`` times a power of ten as a label."""
    if -4 < power < 5:
        return f"{step * 10.0**power:.{max(0, -power + (step == 1.5))}f}"
    return f"10{raised(power)}" if step == 1 else f"{step:g}×10{raised(power)}"


def even_ticks(ends: Span, scale: str) -> Iterator[tuple[Tick, ...]]:
    """Yield ticks in even steps of the printed scale between two ends of the analysis scale.

    The closest come first: at most some 70, then fewer and fewer.
    """
    low, high = (printed_value(scale, end) for end in ends)
    if not low < high:
        return
    finest = math.floor(math.log10((high - low) / _MOST_TICKS))
    for power in range(finest, finest + 3):
        for digit in (1, 2, 5):
            step = digit * 10.0**power
            numbers = range(math.ceil(low / step - _SLACK), math.floor(high / step + _SLACK) + 1)
            decimals = max(0, -power)
            values = [i * step for i in numbers if scale != "log" or i > 0]
            # The end of a scale, such as a proportion of 1, may be infinitely far away.
            with np.errstate(divide="ignore", invalid="ignore"):
                positions = np.atleast_1d(SCALES[scale].forward(values)).tolist()
            yield tuple(
                (min(max(position, ends[0]), ends[1]), fixed(x, decimals))
                for position, x in zip(positions, values, strict=True)
                if math.isfinite(position)
            )
