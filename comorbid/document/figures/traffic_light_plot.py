"""The traffic-light plot: how each study was judged in each domain."""

from __future__ import annotations

import math
from functools import partial
from string import ascii_uppercase
from typing import TYPE_CHECKING

from comorbid.document.blocks import Figure
from comorbid.document.figures import words
from comorbid.document.figures.axis import Axis
from comorbid.document.figures.canvas import (
    HAIRLINE,
    INK,
    MARGIN,
    WIDTH,
    finished,
    printable,
    shorten,
    text_width,
)
from comorbid.document.figures.chart import MOST_ROWS
from comorbid.document.figures.frame import open_frame
from comorbid.document.figures.judgement_marks import (
    DISC,
    SCORES,
    draw_key,
    has_scores,
    in_words,
    judged,
    key_height,
    mark,
)
from comorbid.document.figures.parts import together
from comorbid.document.figures.pen import Pen
from comorbid.errors import ModelError

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Drawing

    from comorbid.risk_of_bias import RiskOfBias
    from comorbid.studies.table import Studies

_PITCH = DISC + 3.0
_SIZE = 8.5
_HEAD = 8.0
_MOST_LABEL = 190.0
_MOST_COLUMN = 96.0
_MOST_DOMAINS = 20
_GUTTER = 12.0


def traffic_light(studies: Studies | RiskOfBias, *, title: str | None = None) -> Figure:
    """Draw how each study was judged in each domain of risk of bias.

    A row is a study, a column a domain; each judgement has a colour and a sign, which is enough
    without the colour. Domains whose names are too long for a column have letters, as in RevMan.
    Of more than 50 studies the plot goes on in further parts.

    Parameters
    ----------
    studies : Studies or RiskOfBias
        A table with columns ``rob_<domain>``, or what `comorbid.risk_of_bias` made of one.
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
    ModelError
        If there are more than 20 domains.

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
    >>> table = studies_csv(3, rob_selection=["2/4", "3/4", ""], rob_overall=["high", "low", "low"])
    >>> found = studies_from_bytes(table.encode(), source="studies.csv")
    >>> print(cb.figures.traffic_light(found).alt)
    Risk of bias of 3 studies, study by study. Selection: 3/4 in 1, 2/4 in 1, not judged in 1.
    Overall: low risk in 2, high risk in 1.
    """
    found = judged(studies)
    if len(found.domains) > _MOST_DOMAINS:
        raise ModelError(
            f"{len(found.domains)} domains have no room beside each other; draw at most "
            f"{_MOST_DOMAINS}"
        )
    k, alt = len(found.labels), _alt(found)
    size = math.ceil(k / math.ceil(k / MOST_ROWS))
    parts = [
        finished(
            partial(_draw, found, range(start, min(start + size, k))),
            title=title if start == 0 else "",
            default=f"Risk of bias of {words.studies(k)}",
            alt=alt,
            caption="",
        )
        for start in range(0, k, size)
    ]
    return together(parts, _caption(found))


def _draw(found: RiskOfBias, rows: range, title: str) -> Drawing:
    """Return the drawing of some of the rows."""
    labels = [shorten(printable(found.labels[i]), _MOST_LABEL, _SIZE) for i in rows]
    widest = max(text_width(text, size=_SIZE) for text in (*labels, "Study"))
    left, n = MARGIN + widest + _GUTTER, len(found.domains)
    column = min(_MOST_COLUMN, (WIDTH - left - MARGIN) / n)
    heads, notes = _heads(found, column)
    tall, below = _PITCH * (len(rows) + 1.3), key_height(found) + 4
    frame = open_frame(title, notes, tall=tall, above=2.0, below=below)
    axes = frame.axes(left, column * n)
    axes.set(xlim=(0, n), ylim=(-0.5, len(rows) + 0.8))
    axes.set_axis_off()
    pen = Pen(axes, Axis(0.0, n, ()), column * n, _PITCH)
    top = len(rows) + 0.2
    pen.text(MARGIN, top, "Study", size=_HEAD, bold=True)
    for j, head in enumerate(heads):
        pen.text(pen.from_left(j + 0.5), top, head, size=_HEAD, bold=True, align="center")
    pen.rule(top - 0.65, (MARGIN, left + column * n), INK, 0.8)
    for place, (i, label) in enumerate(zip(rows, labels, strict=True)):
        height = float(len(rows) - 1 - place)
        pen.text(MARGIN, height, label, size=_SIZE)
        pen.rule(height - 0.5, (MARGIN, left + column * n), HAIRLINE, 0.5)
        for j, cells in enumerate(found.judgements):
            mark(pen, j + 0.5, height, cells[i], f"judgement-{i}-{j}")
    draw_key(pen, found, 4.0)
    frame.write(pen)
    return frame.drawing


def _heads(found: RiskOfBias, column: float) -> tuple[list[str], list[str]]:
    """Return what stands over the columns, and what below the plot explains it."""
    names = [words.capitalized(printable(domain)) for domain in found.domains]
    notes = [SCORES] if has_scores(found) else []
    if all(text_width(name, size=_HEAD, bold=True) <= column - 4 for name in names):
        return names, notes
    letters = [ascii_uppercase[i % 26] * (1 + i // 26) for i in range(len(names))]
    keyed = "; ".join(f"{letter}: {name}" for letter, name in zip(letters, names, strict=True))
    return letters, [f"{keyed}.", *notes]


def _alt(found: RiskOfBias) -> str:
    amounts = [{cell: f"in {n}" for cell, n in own.items()} for own in found.counts()]
    about = f"Risk of bias of {words.studies(len(found.labels))}, study by study."
    return words.joined(about, *in_words(found, amounts))


def _caption(found: RiskOfBias) -> str:
    return "Risk of bias of each study in each domain, as the study table has it."
