"""The frame of a figure: its title above, its notes below, and room for axes between."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from comorbid.document.figures.canvas import MARGIN, MUTED, SMALL, WIDTH, new_drawing, wrapped
from comorbid.document.figures.pen import LEADING, Pen

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure as Drawing

_TITLE = 9.5
"""Size of a title in points."""


@dataclass(frozen=True, slots=True)
class Frame:
    """A drawing with room for axes; lengths in points.

    Parameters
    ----------
    drawing : Drawing
        Still empty.
    title, notes : list of str
        Their lines.
    tall : float
        Height of the axes.
    below : float
        From their lower end to the notes.
    """

    drawing: Drawing
    title: list[str]
    notes: list[str]
    tall: float
    below: float

    def axes(self, left: float, width: float) -> Axes:
        """Return new axes that begin so far from the left."""
        height = float(self.drawing.get_figheight()) * 72
        foot = self.below + _notes_height(self.notes)
        return self.drawing.add_axes(
            (left / WIDTH, foot / height, width / WIDTH, self.tall / height)
        )

    def write(self, pen: Pen) -> None:
        """Write the title above the axes of a pen, and the notes below."""
        bottom, top = pen.axes.get_ylim()
        for i, line in enumerate(reversed(self.title)):
            height = top + pen.up(4 + _TITLE * (0.5 + i * LEADING))
            pen.text(MARGIN, height, line, size=_TITLE, bold=True)
        for i, line in enumerate(self.notes):
            height = bottom - pen.up(self.below + SMALL * LEADING * i + SMALL / 2)
            pen.text(MARGIN, height, line, size=SMALL, color=MUTED)


def open_frame(
    title: str, notes: Iterable[str], *, tall: float, above: float, below: float
) -> Frame:
    """Return a new drawing as high as its axes, the room around them, title and notes need."""
    lines = wrapped(title, _TITLE, bold=True)
    texts = [line for note in notes for line in wrapped(note, SMALL)]
    head = above + _TITLE * LEADING * len(lines) + (4 if lines else 0)
    drawing = new_drawing(head + tall + below + _notes_height(texts))
    return Frame(drawing, lines, texts, tall, below)


def _notes_height(notes: list[str]) -> float:
    return SMALL * LEADING * len(notes) + MARGIN
