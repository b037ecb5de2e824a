"""The fence around the forestplot package: the only place that imports it.

Imported, forestplot tells NumPy to ignore floating-point errors, Python to ignore warnings, and
matplotlib to use other fonts, each for the whole process; drawing, it measures its labels on
pyplot's current figure, and makes one if there is none. Here all that ends with the call.
"""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.document.figures.axis import Axis

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure as Drawing

Interval = tuple[float, float, float]


def draw_intervals(
    axes: Axes, intervals: Sequence[Interval], *, axis: Axis, color: str, width: float
) -> LineCollection:
    """Draw one interval a row, the first at the top, the last at height 0.

    Parameters
    ----------
    axes : Axes
        Empty; its y axis is left without labels.
    intervals : sequence of (float, float, float)
        Estimate and ends within the axis, analysis scale; nan where a row has none, but not all.
    axis : Axis
        Ends and labels of the x axis.
    color, width
        Of the lines; the width in points.

    Returns
    -------
    LineCollection
        The lines.

    Raises
    ------
    RuntimeError
        If forestplot drew other rows than these.
    """
    import pandas as pd

    # Rows are placed by their label, and equal labels share one: a number is unique, and unlike a
    # study's name is never taken for a formula.
    rows = pd.DataFrame(intervals, columns=["estimate", "low", "high"])
    rows["row"] = [f"row {i}" for i in range(len(rows))]
    with _fenced(axes):
        drawn, _ = _forestplot()(
            rows,
            estimate="estimate",
            ll="low",
            hl="high",
            varlabel="row",
            ax=_Unlabelled(axes),
            return_df=True,
            markersize=0,
            xline=None,
            ci_report=False,
            form_ci_report=False,
            flush=False,
            fontfamily="sans-serif",
            linecolor=color,
            lw=width,
            xticks=[position for position, _ in axis.ticks],
            xticklabels=[label for _, label in axis.ticks],
            xlim=(axis.low, axis.high),
        )
    lines: LineCollection = axes.containers[0][2][0]
    _check(rows, drawn, lines)
    axes.yaxis.set_visible(False)
    for marker in [artist for artist in axes.collections if artist is not lines]:
        marker.remove()
    return lines


class _Unlabelled:
    """Axes that take no labels of rows: forestplot would make a tick of each, and measure it."""

    def __init__(self, axes: Axes) -> None:
        self._axes = axes

    def __getattr__(self, name: str) -> Any:
        return getattr(self._axes, name)

    def set_yticklabels(self, *labels: Any, **settings: Any) -> None:
        """Leave the rows without labels: they are written beside the plot."""


def _check(rows: Any, drawn: Any, lines: LineCollection) -> None:
    """Raise unless each row was drawn once, at its height, from end to end."""
    expected = np.array(
        [
            [row.low, row.high, len(rows) - 1 - i]
            for i, row in enumerate(rows.itertuples())
            if np.isfinite(row.estimate)
        ]
    )
    found = np.array(
        [[part[0, 0], part[1, 0], part[0, 1]] for part in lines.get_segments() if len(part)]
    )
    order = list(drawn["row"]) == list(rows["row"])[::-1]
    if not order or found.shape != expected.shape or not np.allclose(found[::-1], expected):
        raise RuntimeError(
            f"forestplot drew {len(found)} rows for {len(expected)}, or not in their places; "
            "please report this with the versions of forestplot and matplotlib"
        )


def _forestplot() -> Any:
    import matplotlib

    with warnings.catch_warnings(), np.errstate(), matplotlib.rc_context():
        from forestplot import forestplot
    return forestplot


@contextmanager
def _fenced(axes: Axes) -> Iterator[None]:
    """Silence what forestplot is known to warn of, and lend it a current figure."""
    drawing = axes.get_figure(root=True)
    if drawing is None:
        raise ValueError("the axes belong to no figure")
    with warnings.catch_warnings(), _current(drawing):
        warnings.filterwarnings(
            "ignore", r"set_ticklabels\(\) should only be used with a fixed number", UserWarning
        )
        yield


@contextmanager
def _current(drawing: Drawing) -> Iterator[None]:
    """Make this pyplot's current figure, without a window, and afterwards the one before.

    pyplot has no function for it: creating a figure through pyplot would choose a backend and
    could open a window.
    """
    from matplotlib._pylab_helpers import Gcf
    from matplotlib.backend_bases import FigureManagerBase

    manager = FigureManagerBase(drawing.canvas, max(Gcf.figs, default=0) + 1)
    Gcf.set_active(manager)
    try:
        yield
    finally:
        Gcf.destroy(manager)
