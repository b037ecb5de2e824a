"""The specification plot: estimates in order of size, and below them which choice each makes."""

from __future__ import annotations

import math
from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Axis, Span, Tick, span, tick_choices
from comorbid.document.figures.canvas import (
    ACCENT,
    INK,
    MARGIN,
    MUTED,
    SHADE,
    SMALL,
    WIDTH,
    finished,
    printable,
    shorten,
    text_width,
)
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.numbers import format_for
from comorbid.document.figures.pen import Pen
from comorbid.sensitivity.open_choices import NO, YES
from comorbid.sensitivity.universes import Multiverse

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_TALL = 140.0
_ROW = 11.0
_GAP = 8.0
_MOST_OPTIONS = 12
_MOST_SHOWN = 400
_MOST_TICKS = 7
_LABELS = 150.0

Row = tuple[str, np.ndarray]


def specification_curve(found: Multiverse, *, title: str | None = None) -> Figure:
    """Draw the pool under every combination of choices as a specification curve.

    The estimates stand in order of size with their confidence intervals, the main pool marked;
    below, a stroke says which option of each choice an estimate was made with. A choice with one
    option is not shown. Of more than 400 specifications, 400 drawn at random are shown, the lowest,
    the highest and the main pool among them.

    Parameters
    ----------
    found : Multiverse
        Made by `comorbid.multiverse`.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same result, on one platform.

    Raises
    ------
    DataError
        If ``found`` is something else.

    References
    ----------
    Simonsohn U, Simmons JP, Nelson LD (2020). Specification curve analysis. Nature Human Behaviour
    4:1208-1214. doi:10.1038/s41562-020-0912-z

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.53, 0.94, 0.14], vi=[0.03, 0.08, 0.02], measure="OR")
    >>> print(cb.figures.specification_curve(cb.multiverse(effects)).alt)
    Specification curve of 60 pools of up to 3 studies: the odds ratio ranges from 1.36 to 1.97, its
    own value in this report is 1.63. The 95 % confidence interval excludes 1 in 11 of 60.
    """
    check_type("found", found, Multiverse, "give what multiverse() returns")
    return finished(
        lambda shown: _draw(found, shown),
        title=title,
        default=f"Specification curve of {prose.counted(found.spread().n, 'pool', 'pools')}",
        alt=_alt(found),
        caption=_caption(found),
    )


def _shown(found: Multiverse) -> np.ndarray:
    """Return which specifications are drawn, in order of their estimates."""
    pooled = np.flatnonzero(found.pooled)
    order = pooled[np.argsort(found.batch.estimate[pooled], kind="stable")]
    if order.size <= _MOST_SHOWN:
        return order
    own = int(np.flatnonzero(order == found.main)[0])
    always = list(dict.fromkeys([0, own, order.size - 1]))
    others = np.delete(np.arange(order.size), always)
    # At random, because specifications that follow each other may differ in the test alone.
    drawn = np.random.default_rng(1).choice(others, _MOST_SHOWN - len(always), replace=False)
    return np.asarray(order[np.sort([*always, *drawn])])


def _rows(found: Multiverse, order: np.ndarray) -> list[list[Row]]:
    """Return for each choice its options and which of the ordered specifications take each."""
    panels = []
    said = Counter(group for choice in found.choices for group in dict.fromkeys(choice.groups))
    for i, choice in enumerate(found.choices):
        groups = list(dict.fromkeys(choice.groups))
        if len(groups) == 1:
            continue
        taken = [found.taking(i, [name == group for name in choice.groups]) for group in groups]
        if len(groups) > _MOST_OPTIONS:
            groups, taken = [groups[0], "any other"], [taken[0], np.any(taken[1:], axis=0)]
        if groups == [NO, YES]:
            groups, taken = [choice.name], taken[1:]
        names = [f"{choice.name}: {name}" if said[name] > 1 else name for name in groups]
        panels.append([(name, some[order]) for name, some in zip(names, taken, strict=True)])
    return panels


def _draw(found: Multiverse, title: str) -> Drawing:
    """Return the drawing: the curve above, a row of strokes an option below."""
    order = _shown(found)
    panels = _rows(found, order)
    below = sum(_GAP + _ROW * len(rows) for rows in panels)
    frame = open_frame(title, _notes(found), tall=_TALL + below, above=6.0, below=6.0)
    labels = [label for rows in panels for label, _ in rows]
    widest = max((text_width(printable(text), size=SMALL) for text in labels), default=0.0)
    left = MARGIN + max(50.0, min(_LABELS, widest) + 10)
    width, n = WIDTH - left - 12, order.size
    axes = frame.axes(left, width)
    axes.set(xlim=(-0.5, n - 0.5), ylim=(-below, _TALL))
    axes.set_facecolor("none")
    axes.xaxis.set_visible(False)
    for side in ("right", "top", "bottom"):
        axes.spines[side].set_visible(False)
    pen = Pen(axes, Axis(-0.5, n - 0.5, ()), width, 1.0)
    _curve(pen, found, order, left)
    own = float(np.flatnonzero(order == found.main)[0])
    pen.line([(own, -below), (own, _TALL)], "own", color=ACCENT, width=1.2, dotted=True)
    height = 0.0
    for number, rows in enumerate(panels):
        height -= _GAP
        pen.line(
            [(-0.5, height + _GAP / 2), (n - 0.5, height + _GAP / 2)],
            f"rule-{number}",
            color=MUTED,
            width=0.6,
        )
        for i, (label, taken) in enumerate(rows):
            height -= _ROW
            _strokes(pen, np.flatnonzero(taken), height + _ROW / 2, n, f"choice-{number}-{i}")
            text = shorten(printable(label), left - MARGIN - 8, SMALL)
            pen.text(left - 8, height + _ROW / 2, text, size=SMALL, align="right")
    frame.write(pen)
    return frame.drawing


def _curve(pen: Pen, found: Multiverse, order: np.ndarray, left: float) -> None:
    """Draw intervals and estimates in order, the axis at their left and no association."""
    batch, scale = found.batch, found.scale
    low, high, middle = batch.ci_low[order], batch.ci_high[order], batch.estimate[order]
    ends = span(
        middle.tolist(),
        list(zip(low.tolist(), high.tolist(), strict=True)),
        scale=scale,
        null=found.null,
    )

    def up(y: float) -> float:
        return (min(max(y, ends[0]), ends[1]) - ends[0]) / (ends[1] - ends[0]) * _TALL

    stroke = _stroke(pen, order.size)
    excludes = (low > found.null) | (high < found.null)
    for name, chosen, color in (("excludes", excludes, SHADE), ("includes", ~excludes, MUTED)):
        _broken(
            pen,
            [(i, up(float(low[i])), up(float(high[i]))) for i in np.flatnonzero(chosen).tolist()],
            name,
            color,
            stroke,
        )
    pen.line([(i, up(float(y))) for i, y in enumerate(middle)], "estimates", color=INK, width=1.6)
    if ends[0] <= found.null <= ends[1]:
        null = up(found.null)
        pen.line([(-0.5, null), (order.size - 0.5, null)], "null", color=MUTED, width=0.8)
    pen.y_axis("", [(up(y), label) for y, label in _ticks(ends, scale)])
    pen.axes.spines["left"].set_bounds(0, _TALL)
    pen.turned_text(MARGIN + SMALL, _TALL / 2, words.axis_label(found.measure, scale), size=SMALL)


def _ticks(ends: Span, scale: str) -> tuple[Tick, ...]:
    """Return the closest ticks that have room above each other."""
    return next((t for t in tick_choices(ends, scale) if 2 <= len(t) <= _MOST_TICKS), ())


def _strokes(pen: Pen, at: np.ndarray, height: float, n: int, name: str) -> None:
    tall = _ROW / 2 - 1.5
    _broken(
        pen, [(i, height - tall, height + tall) for i in at.tolist()], name, INK, _stroke(pen, n)
    )


def _broken(
    pen: Pen, uprights: list[tuple[int, float, float]], name: str, color: str, width: float
) -> None:
    """Draw upright strokes as one line with gaps."""
    gap = (math.nan, math.nan)
    ends = [end for x, low, high in uprights for end in ((x, low), (x, high), gap)]
    if ends:
        pen.line(ends, name, color=color, width=width)


def _stroke(pen: Pen, n: int) -> float:
    """Return how wide a stroke is, so that a gap is left between two."""
    return max(0.3, min(3.0, 0.7 * pen.width / n))


def _notes(found: Multiverse) -> tuple[str, ...]:
    level = prose.level(found.level)
    parts = [f"Each upright line is a {level} confidence interval"]
    spread = found.spread()
    if not math.isnan(found.null):
        null = prose.null(found.measure, found.scale)
        which = {0: "all of them include", spread.n: "none of them includes"}
        parts.append(f"{which.get(spread.ci_excludes, 'the darker ones include')} {null}")
    text = f"{'; '.join(parts)}. The dotted line is this report's own choice."
    if spread.n <= _MOST_SHOWN:
        return (text,)
    return (text, f"Shown are {_MOST_SHOWN} of the {spread.n:,} pools, drawn at random.")


def _alt(found: Multiverse) -> str:
    spread = found.spread()
    form = format_for(found.scale, [])
    name = words.measure(found.measure)
    own = form.value(float(found.batch.estimate[found.main]))
    text = (
        f"Specification curve of {prose.counted(spread.n, 'pool', 'pools')} of up to "
        f"{words.studies(int(found.batch.k[found.main]))}: the {name} ranges "
        f"from {form.value(spread.lowest)} to {form.value(spread.highest)}, its own value in this "
        f"report is {own}."
    )
    if math.isnan(found.null):
        return text
    null = prose.null_value(found.measure, found.scale)
    return (
        f"{text} The {prose.level(found.level)} confidence interval excludes {null} in "
        f"{spread.ci_excludes:,} of {spread.n:,}."
    )


def _caption(found: Multiverse) -> str:
    name = words.capitalized(words.measure(found.measure))
    return (
        f"{name} pooled in {prose.counted(found.spread().n, 'way', 'ways')}, in order of size, "
        "with confidence intervals; below, the choices that each rests on."
    )
