"""The influence plot: eight diagnostics of every study side by side, with their limits."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MARGIN,
    MUTED,
    PALE,
    PAPER,
    SHADE,
    WIDTH,
    finished,
    one_line,
    printable,
    shorten,
    text_width,
)
from comorbid.document.figures.diagnostics import (
    DIAGNOSTICS,
    GAP,
    Diagnostic,
    diagnostic_axis,
)
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.numbers import fixed
from comorbid.document.figures.pen import Pen
from comorbid.errors import ModelError
from comorbid.sensitivity.group_influence import GroupInfluence
from comorbid.sensitivity.influence import Influence

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_HEAD = 7.5
_MOST_LABEL = 112.0
_TOP, _FOOT = 3.0, 17.0
_TOP_ROWS = 1.3
_MOST_REASONS = 3


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
    DataError
        If ``result`` is something else.
    ModelError
        If there is one study only, or the influence is that on a regression.

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
    if isinstance(result, GroupInfluence):
        raise ModelError(
            "the plot is of a pooled effect; of a multilevel fit read the table, or draw "
            "figures.leave_one_out(leave_one_out(fit), fit=fit)"
        )
    check_type("result", result, Influence, "give what influence() returns")
    if result.names:
        raise ModelError("the plot is of a pooled effect; give the influence on one")
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
        text_width(label, size=size, bold=bool(flag))
        for label, flag in zip(labels, result.flagged, strict=True)
    )
    left = MARGIN + max(used, text_width("Study", size=size, bold=True)) + GAP
    count = len(DIAGNOSTICS)
    width = (WIDTH - MARGIN - GAP / 2 - left - (count - 1) * GAP) / count
    return _Layout(labels, size, pitch, left, width)


def _draw(result: Influence, title: str) -> Drawing:
    """Return the drawing."""
    layout, k = _lay_out(result), len(result.labels)
    top, bottom = k - 0.5 + _TOP_ROWS, -0.7
    frame = open_frame(
        title, _notes(result), tall=(top - bottom) * layout.pitch, above=_TOP, below=_FOOT
    )
    for i, diagnostic in enumerate(DIAGNOSTICS):
        left = layout.left + i * (layout.width + GAP)
        axes = frame.axes(left, layout.width)
        axes.set_gid(f"panel-{diagnostic.name}")
        axis = diagnostic_axis(diagnostic, getattr(result, diagnostic.name), k, layout.width)
        pen = Pen(axes, axis, layout.width, layout.pitch)
        axes.set_xlim(axis.low, axis.high)
        axes.set_ylim(bottom, top)
        if i == 0:
            _write_rows(pen, result, layout, top)
            frame.write(pen)
        _draw_panel(pen, diagnostic, result)
        pen.x_axis("", left, bottom)
        middle = left + layout.width / 2
        pen.text(middle, top - 0.58, diagnostic.head, size=_HEAD, bold=True, align="center")
    return frame.drawing


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
            pen.area(corners, PALE, f"flagged-{i}", outline="none")
        pen.text(MARGIN, height, label, size=layout.size, bold=bool(flag))


def _draw_panel(pen: Pen, diagnostic: Diagnostic, result: Influence) -> None:
    """Draw the points of a diagnostic, its limits and its usual value."""
    k = len(result.labels)
    values = getattr(result, diagnostic.name).tolist()
    low, top = -0.7, k - 0.5
    name = diagnostic.name
    if not any(map(math.isfinite, values)):
        return
    usual = diagnostic.usual(k)
    if math.isfinite(usual):
        pen.line([(usual, low), (usual, top)], f"usual-{name}", color=SHADE, width=0.8)
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
    distance, furthest = _largest(result, "cook_d")
    weight, heaviest = _largest(result, "weight")
    missing = sum(1 for reason in result.reasons if reason)
    return words.joined(
        f"Influence of each of {words.studies(k)}: eight diagnostics.",
        f"Influential by DFFITS, Cook's distance, leverage or DFBETAS: {_some(flagged)}.",
        f"Standardised deleted residuals beyond 1.96: {_some(list(result.outlying))}.",
        f"Largest Cook's distance: {fixed(distance, 2)} ({furthest})." if furthest else "",
        f"Largest weight: {prose.percent(weight, 1)} ({heaviest})." if heaviest else "",
        f"Rows that are incomplete: {missing}." if missing else "",
    )


def _some(labels: list[str]) -> str:
    """Return the labels, their number if they are many, or "none"."""
    if len(labels) > words.MOST_NAMES:
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
