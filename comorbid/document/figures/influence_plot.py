"""The influence plot: eight diagnostics of every study side by side, with their limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Axis, Span, Tick, even_ticks
from comorbid.document.figures.canvas import (
    ACCENT,
    HAIRLINE,
    INK,
    MARGIN,
    MUTED,
    PALE,
    PAPER,
    SMALL,
    WIDTH,
    finished,
    new_drawing,
    one_line,
    printable,
    shorten,
    text_width,
    wrapped,
)
from comorbid.document.figures.numbers import fixed
from comorbid.document.figures.pen import AXIS, LEADING, TITLE, Pen, write_notes, write_title
from comorbid.effects.arrays import Array
from comorbid.errors import ModelError
from comorbid.sensitivity.influence import Influence

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_HEAD = 7.5
_GAP = 12.0
_MOST_LABEL = 112.0
_FOOT = 17.0
_TOP_ROWS = 1.3
_MOST_NAMES = 10
_MOST_REASONS = 3
_NORMAL = 1.959963984540054
"""Two-sided 95 % limit of the standard normal distribution."""


@dataclass(frozen=True, slots=True)
class _Diagnostic:
    """One of the columns of the figure.

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


_DIAGNOSTICS = (
    _Diagnostic("rstudent", "Residual", lambda k: 0.0, lambda k: _both(_NORMAL)),
    _Diagnostic("dffits", "DFFITS", lambda k: 0.0, lambda k: _both(3 * math.sqrt(1 / (k - 1)))),
    _Diagnostic("cook_d", "Cook’s D", lambda k: 0.0, lambda k: (_median_chi_squared(),)),
    _Diagnostic("cov_r", "COVRATIO", lambda k: 1.0),
    _Diagnostic("tau2_del", "τ² without"),
    _Diagnostic("q_del", "Q without"),
    _Diagnostic("hat", "Leverage", lambda k: 1 / k, lambda k: (3 / k,) if k >= 3 else ()),
    _Diagnostic("weight", "Weight, %", lambda k: 100 / k),
)


@dataclass(frozen=True, slots=True)
class _Layout:
    """Where everything stands; lengths in points.

    ``labels`` are the studies as drawn, ``left`` the left edge of the first panel, ``width`` that
    of each.
    """

    labels: tuple[str, ...]
    size: float
    pitch: float
    left: float
    width: float


def influence_plot(result: Influence, *, title: str | None = None) -> Figure:
    r"""Draw eight influence diagnostics of every study side by side.

    A row is a study, a column a diagnostic: the standardised deleted residual, DFFITS, Cook's
    distance, COVRATIO, :math:`\tau^2` and Q without the study, leverage, and weight. Thin lines are
    the values of a study without influence, dashed lines the limits: 1.96 for residuals,
    :math:`3\sqrt{1/(k-1)}` for DFFITS, the median of the chi-squared distribution with one degree
    of freedom for Cook's distance, :math:`3/k` for leverage. Rows of flagged studies are shaded,
    their labels bold and their points filled.

    Parameters
    ----------
    result : Influence
        Made by `comorbid.influence`. What is nan is not drawn.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Raises
    ------
    ModelError
        If there is one study only.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Viechtbauer W, Cheung MW-L (2010). Outlier and influence diagnostics for meta-analysis.
    Research Synthesis Methods 1:112-125. doi:10.1002/jrsm.11

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.influence_plot import influence_plot
    >>> from comorbid.sensitivity.influence import influence
    >>> fit = cb.pool(cb.Effects(yi=[0.1, 0.2, 0.3, 2.0], vi=[0.03, 0.08, 0.02, 0.05],
    ...                          labels=list("ABCD")))
    >>> print(influence_plot(influence(fit)).alt)
    Influence of each of 4 studies: eight diagnostics. Influential by DFFITS, Cook's distance,
    leverage or DFBETAS: D. Standardised deleted residuals beyond 1.96: D. Largest Cook's distance:
    0.91 (D). Largest weight: 25.8 % (C).
    """
    if len(result.labels) < 2:
        raise ModelError("one study has no influence on others; give the result of at least two")
    return finished(
        lambda shown: _draw(result, shown),
        title=title,
        default=f"Influence plot of {words.studies(len(result.labels))}",
        alt=_alt(result),
        caption=_caption(result),
    )


def _lay_out(result: Influence) -> _Layout:
    k = len(result.labels)
    pitch = min(13.5, max(9.6, 500 / k))
    size = min(8.5, 0.82 * pitch)
    labels = tuple(
        shorten(printable(label), _MOST_LABEL, size, bool(flag))
        for label, flag in zip(result.labels, result.flagged, strict=True)
    )
    used = max(
        text_width(label, size, bool(flag))
        for label, flag in zip(labels, result.flagged, strict=True)
    )
    left = MARGIN + max(used, text_width("Study", size, bold=True)) + _GAP
    count = len(_DIAGNOSTICS)
    width = (WIDTH - MARGIN - _GAP / 2 - left - (count - 1) * _GAP) / count
    return _Layout(labels, size, pitch, left, width)


def _draw(result: Influence, title: str) -> Drawing:
    """Return the drawing."""
    layout, k = _lay_out(result), len(result.labels)
    notes = [line for note in _notes(result) for line in wrapped(note, SMALL)]
    lines = wrapped(title, TITLE, bold=True)
    top, bottom = k - 0.5 + _TOP_ROWS, -0.7
    head = 3.0 + TITLE * LEADING * len(lines) + (4 if lines else 0)
    foot = _FOOT + SMALL * LEADING * len(notes) + MARGIN
    plot = (top - bottom) * layout.pitch
    drawing = new_drawing(head + plot + foot)
    for i, diagnostic in enumerate(_DIAGNOSTICS):
        left = layout.left + i * (layout.width + _GAP)
        axes = drawing.add_axes(
            (
                left / WIDTH,
                foot / (head + plot + foot),
                layout.width / WIDTH,
                plot / (head + plot + foot),
            )
        )
        axes.set_gid(f"panel-{diagnostic.name}")
        axis = _axis(diagnostic, getattr(result, diagnostic.name), k, layout.width)
        pen = Pen(axes, axis, layout.width, layout.pitch)
        axes.set_xlim(axis.low, axis.high)
        axes.set_ylim(bottom, top)
        if i == 0:
            _write_rows(pen, result, layout, top)
        _draw_panel(pen, diagnostic, result)
        pen.x_axis("", left, bottom)
        middle = left + layout.width / 2
        pen.text(middle, top - 0.58, diagnostic.head, size=_HEAD, bold=True, align="center")
        if i == 0:
            write_notes(pen, bottom + pen.up(AXIS - _FOOT), notes)
            write_title(pen, top, lines)
    return drawing


def _axis(diagnostic: _Diagnostic, values: Array, k: int, width: float) -> Axis:
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
    choices = [ticks for ticks in even_ticks(ends, "identity") if ticks]
    for ticks in choices:
        if len(ticks) > 1 and _fit(ticks, ends, width):
            return ticks
    for ticks in reversed(choices):
        inside = [tick for tick in ticks if _fit((tick,), ends, width)]
        pair = tuple(inside[:: max(1, len(inside) - 1)])
        if len(pair) == 2 and _fit(pair, ends, width):
            return pair
    return choices[-1][:1] if choices else ()


def _fit(ticks: Sequence[Tick], ends: Span, width: float) -> bool:
    """Say whether no label touches the next one or those of the next panel."""
    places = [(x - ends[0]) / (ends[1] - ends[0]) * width for x, _ in ticks]
    half = [text_width(label, SMALL) / 2 for _, label in ticks]
    spans = [(x - h, x + h) for x, h in zip(places, half, strict=True)]
    inside = spans[0][0] >= 2 - _GAP / 2 and spans[-1][1] <= width + _GAP / 2 - 2
    return inside and all(b[0] - a[1] >= 4 for a, b in pairwise(spans))


def _write_rows(pen: Pen, result: Influence, layout: _Layout, top: float) -> None:
    """Write the labels, rule off the heads, and shade the rows of flagged studies."""
    pen.text(MARGIN, top - 0.58, "Study", size=layout.size, bold=True)
    pen.rule(top - _TOP_ROWS + 0.12, (MARGIN, WIDTH - MARGIN), INK, 0.8)
    k = len(result.labels)
    for i, (label, flag) in enumerate(zip(layout.labels, result.flagged, strict=True)):
        height = float(k - 1 - i)
        if flag:
            left, right = pen.at(MARGIN), pen.at(WIDTH - MARGIN)
            corners = [
                (left, height - 0.46),
                (right, height - 0.46),
                (right, height + 0.46),
                (left, height + 0.46),
            ]
            pen.shape(corners, PALE, f"flagged-{i}", behind=True)
        pen.text(MARGIN, height, label, size=layout.size, bold=bool(flag))


def _draw_panel(pen: Pen, diagnostic: _Diagnostic, result: Influence) -> None:
    """Draw the points of a diagnostic, its limits and its usual value."""
    k = len(result.labels)
    values = getattr(result, diagnostic.name).tolist()
    low, top = -0.7, k - 0.5
    name = diagnostic.name
    if not any(map(math.isfinite, values)):
        return
    usual = diagnostic.usual(k)
    if math.isfinite(usual):
        pen.line([(usual, low), (usual, top)], f"usual-{name}", color=HAIRLINE, width=0.8)
    for number, limit in enumerate(diagnostic.limits(k)):
        ends = [(limit, low), (limit, top)]
        pen.line(ends, f"limit-{name}-{number}", color=MUTED, width=0.8, dashed=True)
    for i, (x, flag) in enumerate(zip(values, result.flagged, strict=True)):
        if math.isfinite(x):
            fill = ACCENT if flag else PAPER
            size = 5.0 if flag else 4.0
            pen.disc(x, float(k - 1 - i), size, fill, f"{name}-{i}", edge=ACCENT, width=0.9)


def _flagged(result: Influence) -> list[str]:
    return [label for label, flag in zip(result.labels, result.flagged, strict=True) if flag]


def _notes(result: Influence) -> tuple[str, ...]:
    """Return the lines below the figure."""
    by_reason: dict[str, list[str]] = {}
    for label, reason in zip(result.labels, result.reasons, strict=True):
        if reason:
            by_reason.setdefault(reason, []).append(one_line(label))
    incomplete = [
        f"Incomplete: {'every study' if len(names) == len(result.labels) else '; '.join(names)} "
        f"({reason})."
        for reason, names in by_reason.items()
    ]
    return (
        "Dashed: limits; thin: a study without influence. Shaded: beyond the limit of DFFITS, "
        "Cook’s distance or leverage, or DFBETAS beyond 1.",
        *incomplete[:_MOST_REASONS],
    )


def _largest(result: Influence, name: str) -> tuple[float, str]:
    """Return the largest value of a diagnostic and its study; nan if there is none."""
    values = getattr(result, name)
    if not np.isfinite(values).any():
        return math.nan, ""
    place = int(np.nanargmax(values))
    return float(values[place]), one_line(result.labels[place])


def _alt(result: Influence) -> str:
    """Return what the figure shows, in words."""
    k, flagged = len(result.labels), _flagged(result)
    with np.errstate(invalid="ignore"):
        outlying = [result.labels[i] for i in np.flatnonzero(np.abs(result.rstudent) > _NORMAL)]
    distance, furthest = _largest(result, "cook_d")
    weight, heaviest = _largest(result, "weight")
    missing = sum(1 for reason in result.reasons if reason)
    return words.joined(
        f"Influence of each of {words.studies(k)}: eight diagnostics.",
        f"Influential by DFFITS, Cook's distance, leverage or DFBETAS: {_some(flagged)}.",
        f"Standardised deleted residuals beyond 1.96: {_some(outlying)}.",
        f"Largest Cook's distance: {fixed(distance, 2)} ({furthest})." if furthest else "",
        f"Largest weight: {prose.percent(weight, 1)} ({heaviest})." if heaviest else "",
        f"Rows that are incomplete: {missing}." if missing else "",
    )


def _some(labels: list[str]) -> str:
    """Return the labels, their number if they are many, or "none"."""
    if len(labels) > _MOST_NAMES:
        return f"{len(labels)} studies"
    return words.named(labels) or "none"


def _caption(result: Influence) -> str:
    count = len(_flagged(result))
    found = prose.counted(count, "study passes", "studies pass") if count else "No study passes"
    return (
        "Standardised deleted residual, DFFITS, Cook’s distance, COVRATIO, τ² and Q without the "
        "study, leverage and weight of each study. Dashed lines are limits, which are conventions "
        f"and not tests; {found[0].lower() + found[1:]} one that marks influence."
    )
