"""Writing: one line of text on a drawing, whose width is known and not measured once more."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from matplotlib.artist import Artist

if TYPE_CHECKING:
    from matplotlib.backend_bases import RendererBase
    from matplotlib.font_manager import FontProperties


class Writing(Artist):
    """A line of text; matplotlib's own lays out every line, and its turns, each time anew.

    Parameters
    ----------
    text : str
        On one line, not empty.
    left : float
        Where it begins, in points from the left edge of the drawing.
    baseline : float
        Its height in units of the axes.
    font : FontProperties
        Its font and size.
    color : str
        Its colour.
    """

    def __init__(
        self, text: str, left: float, baseline: float, *, font: FontProperties, color: str
    ) -> None:
        super().__init__()
        self.text, self.font, self.color = text, font, color
        self.left, self.baseline = left, baseline
        self.set_zorder(3)

    def set_clip_path(self, path: Any, transform: Any = None) -> None:
        """Leave the line whole: a label may stand beside the axes."""

    def draw(self, renderer: RendererBase) -> None:
        """Draw it, as a group of its own."""
        y = float(self.get_transform().transform((0.0, self.baseline))[1])
        _, height = renderer.get_canvas_width_height()
        context = renderer.new_gc()
        context.set_foreground(self.color)
        renderer.open_group("text", self.get_gid())
        renderer.draw_text(context, self.left, height - y, self.text, self.font, 0)
        renderer.close_group("text")
        context.restore()
