"""The summary plot of risk of bias: in each domain how many studies were judged how."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comorbid.document import prose
from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Axis
from comorbid.document.figures.canvas import (
    INK,
    MARGIN,
    WIDTH,
    finished,
    printable,
    shorten,
    text_width,
)
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.judgement_marks import (
    DISC,
    SCORES,
    draw_key,
    has_scores,
    in_words,
    judged,
    key_height,
    look_of,
    write_sign,
)
from comorbid.document.figures.pen import AXIS, Pen

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from comorbid.risk_of_bias import RiskOfBias
    from comorbid.studies.table import Studies

_PITCH = 19.0
_SIZE = 8.5
_MOST_LABEL = 190.0
_GUTTER = 8.0
_BAR = 0.68
_TICKS = tuple((float(x), f"{x} %") for x in (0, 25, 50, 75, 100))


def risk_of_bias_summary(studies: Studies | RiskOfBias, *, title: str | None = None) -> Figure:
    """Draw in each domain of risk of bias how many of the studies were judged how.

    A row is a domain, a bar of 100 % the studies, or their weight in a pool; its parts go from the
    lowest risk to the highest, and have the colours and signs of `traffic_light`.

    Parameters
    ----------
    studies : Studies or RiskOfBias
        A table with columns ``rob_<domain>``, each study counted once, or what
        ``comorbid.risk_of_bias(studies, fit=fit)`` made of one, each study with its weight.
    title : str, optional
        Printed above the figure; by default what it is.

    Returns
    -------
    Figure
        The same bytes for the same judgements, on one platform.

    Raises
    ------
    DataError
        If the table has no such column.

    References
    ----------
    McGuinness LA, Higgins JPT (2021). Risk-of-bias VISualization (robvis): an R package and Shiny
    web app for visualizing risk-of-bias assessments. Research Synthesis Methods 12:55-61.
    doi:10.1002/jrsm.1411

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.testing import studies_csv
    >>> from comorbid.studies.read import studies_from_bytes
    >>> table = studies_csv(4, rob_overall=["high", "low", "low", "some concerns"])
    >>> found = studies_from_bytes(table.encode(), source="studies.csv")
    >>> print(cb.figures.risk_of_bias_summary(found).alt)
    Risk of bias of 4 studies, percentage of studies by judgement. Overall: low risk 50 %, some
    concerns 25 %, high risk 25 %.
    """
    found = judged(studies)
    return finished(
        lambda shown: _draw(found, shown),
        title=title,
        default=f"Risk of bias of {words.studies(len(found.labels))} by domain",
        alt=_alt(found),
        caption=_caption(found),
    )


def _draw(found: RiskOfBias, title: str) -> Drawing:
    """Return the drawing: a bar a domain, the axis and the key below."""
    names = [words.capitalized(printable(domain)) for domain in found.domains]
    labels = [shorten(name, _MOST_LABEL, _SIZE) for name in names]
    left = MARGIN + max(text_width(text, size=_SIZE) for text in labels) + _GUTTER
    width, n = WIDTH - left - 18, len(labels)
    notes = (SCORES,) if has_scores(found) else ()
    below = AXIS + 2 + key_height(found)
    frame = open_frame(title, notes, tall=_PITCH * n, above=2.0, below=below)
    axes = frame.axes(left, width)
    pen = Pen(axes, Axis(0.0, 100.0, _TICKS), width, _PITCH)
    axes.set(xlim=(0, 100), ylim=(-0.5, n - 0.5))
    for i, (label, own) in enumerate(zip(labels, found.shares(), strict=True)):
        height = float(n - 1 - i)
        pen.text(left - _GUTTER, height, label, size=_SIZE, align="right")
        _bar(pen, own, height, i)
    pen.x_axis(f"Percentage of {_of(found)}", left + width / 2, -0.5)
    draw_key(pen, found, AXIS + 2)
    frame.write(pen)
    return frame.drawing


def _bar(pen: Pen, own: dict[str, float], height: float, row: int) -> None:
    """Draw the parts of a bar, each with its sign where there is room for it."""
    start = 0.0
    for part, (cell, share) in enumerate(own.items()):
        look, end = look_of(cell), start + share
        corners = [
            (x, height + side * _BAR / 2)
            for x, side in ((start, -1), (end, -1), (end, 1), (start, 1))
        ]
        pen.shape(corners, look.fill, f"part-{row}-{part}", edge=0.7, outline=INK)
        if look.sign and share * pen.width / 100 > DISC:
            write_sign(pen, pen.from_left((start + end) / 2), height, look)
        start = end


def _of(found: RiskOfBias) -> str:
    return "studies" if found.weights is None else "weight in the pool"


def _alt(found: RiskOfBias) -> str:
    amounts = [{c: prose.percent(share) for c, share in own.items()} for own in found.shares()]
    return words.joined(
        f"Risk of bias of {words.studies(len(found.labels))}, percentage of {_of(found)} by "
        "judgement.",
        *in_words(found, amounts),
    )


def _caption(found: RiskOfBias) -> str:
    return f"Risk of bias in each domain: percentage of {_of(found)} by judgement."
