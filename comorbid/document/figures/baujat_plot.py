"""The Baujat plot: which studies make the heterogeneity, and which of them move the result."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import numpy as np

from comorbid.checks import check_type
from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.canvas import (
    ACCENT,
    PAPER,
    SMALL,
    finished,
    printable,
    shorten,
    text_width,
)
from comorbid.document.figures.numbers import significant
from comorbid.document.figures.panel import RIGHT, Panel
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.sensitivity.baujat import Baujat

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

_MOST_LABELS = 6
_MOST_POINTS = 150.0
_DISC = 5.0
_TALL = 230.0
_ROOM = 1.08
_PLACES = ((1, 0), (-1, 0), (0, 1), (0, -1), (1, 1), (-1, 1), (1, -1), (-1, -1))

Box = tuple[float, float, float, float]
"""Left, bottom, right and top, in points."""


def baujat_plot(result: Baujat, *, title: str | None = None) -> Figure:
    r"""Draw each study's influence on the result against its contribution to heterogeneity.

    Studies at the right make much of the heterogeneity, :math:`(y_i - \hat\mu)^2 / (v_i +
    \hat\tau^2)`; those at the top change the pooled value most when they are left out. The most
    extreme studies are labelled, as far as the labels have room.

    Parameters
    ----------
    result : Baujat
        Made by `comorbid.baujat`. Studies without a point (nan) are left out and named.
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
        If no study has a point.

    Warns
    -----
    DataWarning
        If a label has characters that the figures' font (Latin, Greek, Cyrillic) has not.

    References
    ----------
    Baujat B, Mahe C, Pignon J-P, Hill C (2002). A graphical method for exploring heterogeneity in
    meta-analyses: application to a meta-analysis of 65 trials. Statistics in Medicine
    21:2641-2652. doi:10.1002/sim.1221

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.document.figures.baujat_plot import baujat_plot
    >>> from comorbid.sensitivity.baujat import baujat
    >>> effects = cb.Effects(yi=[0.1, 0.2, 0.9], vi=[0.03, 0.08, 0.02], labels=list("ABC"))
    >>> print(baujat_plot(baujat(cb.pool(effects, method="EE"))).alt)
    Baujat plot of 3 studies: influence on the pooled effect, from 0.0160 to 81.9, against
    contribution to heterogeneity, from 1.36 to 6.83. Most influential: C. Largest contribution: C,
    48 % of the sum of all.
    """
    check_type("result", result, Baujat, "give what baujat() returns")
    known = np.flatnonzero(np.isfinite(result.x) & np.isfinite(result.y))
    if not known.size:
        raise ModelError(
            "no study has a point: influence needs at least two studies, and a standard error "
            "above 0 without each; where the others agree wholly, fit with the test z"
        )
    return finished(
        lambda shown: _draw(result, known, shown),
        title=title,
        default=f"Baujat plot of {words.studies(known.size)}",
        alt=_alt(result, known),
        caption=_caption(result),
    )


def _draw(result: Baujat, known: Index, title: str) -> Drawing:
    """Return the drawing."""
    x, y = result.x[known], result.y[known]
    panel = Panel(
        x=(0.0, _end(x)),
        y=(0.0, _end(y)),
        x_label="Contribution to heterogeneity (squared Pearson residual)",
        y_label=f"Influence on the {'fitted' if result.names else 'pooled'} value",
        tall=_TALL,
        title=title,
        notes=_notes(result),
    )
    drawing, pen = panel.open()
    for i, a, b in zip(known.tolist(), x.tolist(), y.tolist(), strict=True):
        pen.disc(a, b, _DISC, ACCENT, f"study-{i}", edge=PAPER)
    _write_labels(pen, result, known)
    return drawing


def _end(values: Array) -> float:
    """Return where an axis from 0 ends."""
    largest = float(values.max())
    return _ROOM * largest if largest > 0 else 1.0


def _extremes(x: Array, y: Array) -> Index:
    """Return the points furthest from the origin, the furthest first, relative to the axes."""
    distance = np.hypot(x / _end(x), y / _end(y))
    furthest: Index = np.argsort(-distance, kind="stable")[:_MOST_LABELS]
    return furthest


def _write_labels(pen: Pen, result: Baujat, known: Index) -> None:
    """Label the most extreme studies where the label touches no point and no other label."""
    x, y = result.x[known], result.y[known]
    places = [
        (pen.from_left(a), b * pen.pitch) for a, b in zip(x.tolist(), y.tolist(), strict=True)
    ]
    taken = [_around(a, b, _DISC, _DISC) for a, b in places]
    for place in _extremes(x, y).tolist():
        label = shorten(printable(result.labels[known[place]]), _MOST_POINTS, SMALL)
        box = _free(places[place], text_width(label, size=SMALL), taken, pen)
        if box is not None:
            taken.append(box)
            pen.text(box[0], (box[1] + box[3]) / 2 / pen.pitch, label, size=SMALL)


def _free(point: tuple[float, float], width: float, taken: Sequence[Box], pen: Pen) -> Box | None:
    """Return the first place for a label beside a point that is inside the plot and free."""
    for box in _beside(point, width):
        inside = (
            box[0] >= pen.from_left(0.0) + 2
            and box[2] <= RIGHT
            and box[1] >= 2
            and box[3] <= _TALL + 4
        )
        if inside and not any(_touch(box, other) for other in taken):
            return box
    return None


def _beside(point: tuple[float, float], width: float) -> Iterator[Box]:
    """Yield the places for a label: right, left, above, below, then the corners."""
    for across, up in _PLACES:
        shift = (_DISC / 2 + 3 + width / 2) if not up else (width / 2 + 1)
        middle = point[0] + across * shift
        yield _around(middle, point[1] + up * (_DISC / 2 + SMALL / 2 + 1.5), width, SMALL)


def _around(x: float, y: float, width: float, tall: float) -> Box:
    return x - width / 2, y - tall / 2, x + width / 2, y + tall / 2


def _touch(a: Box, b: Box) -> bool:
    """Say whether two boxes overlap or nearly do."""
    return a[0] < b[2] + 1 and b[0] < a[2] + 1 and a[1] < b[3] + 1 and b[1] < a[3] + 1


def _missing(result: Baujat) -> list[str]:
    """Return the studies without a point."""
    known = np.isfinite(result.x) & np.isfinite(result.y)
    return [label for label, there in zip(result.labels, known, strict=True) if not there]


def _notes(result: Baujat) -> tuple[str, ...]:
    """Return the lines below the figure."""
    missing = _missing(result)
    lines = ["Influence: squared change without the study, in variances of the value without it."]
    if missing:
        lines.append(f"Not drawn, no fit without it or no effect of its own: {'; '.join(missing)}.")
    return tuple(lines)


def _number(x: float) -> str:
    """Return a number of at least 0 with three significant digits."""
    if 0 < x < 0.001:
        return "under 0.001"
    return significant(x) if x > 0 else "0"


def _alt(result: Baujat, known: Index) -> str:
    """Return what the figure shows, in words."""
    x, y = result.x[known], result.y[known]
    missing, total = _missing(result), float(result.x[known].sum())
    most, largest = (result.labels[known[int(np.argmax(values))]] for values in (y, x))
    share = f", {prose.percent(100 * float(x.max()) / total)} of the sum of all" if total else ""
    several = known.size > 1 and not math.isclose(x.max(), x.min(), rel_tol=1e-9)
    return words.joined(
        f"Baujat plot of {words.studies(known.size)}: influence on the {_moved(result)}, "
        f"from {_number(y.min())} to {_number(y.max())}, against contribution to "
        f"heterogeneity, from {_number(x.min())} to {_number(x.max())}.",
        f"Most influential: {words.named([most])}." if known.size > 1 else "",
        f"Largest contribution: {words.named([largest])}{share}." if several else "",
        f"Not drawn: {words.named(missing)}." if missing else "",
    )


def _moved(result: Baujat) -> str:
    """Return what the studies move."""
    name = words.measure(result.measure)
    return f"{name} fitted to it" if result.names else f"pooled {name}"


def _caption(result: Baujat) -> str:
    return (
        f"Each study's influence on the {'fitted' if result.names else 'pooled'} value against its "
        "contribution to heterogeneity: a study at the right makes much of the heterogeneity, a "
        f"study at the top moves the {_moved(result)}. The most extreme studies are labelled, as "
        "far as there is room."
    )
