"""The renderer: matplotlib's of SVG, which sets the words of our font by what is known of it."""

from __future__ import annotations

from typing import IO, TYPE_CHECKING, Any

from matplotlib.backends import backend_svg
from matplotlib.colors import to_hex

from comorbid.document.figures.lettering import GROUPS, UNITS, font_file, name, outline, places

if TYPE_CHECKING:
    from matplotlib.backend_bases import GraphicsContextBase
    from matplotlib.font_manager import FontProperties

_RendererSVG: Any = backend_svg.RendererSVG
_WEIGHTS = {font_file(bold): bold for bold in GROUPS}


class Renderer(_RendererSVG):  # type: ignore[misc]
    """Writes a drawing as SVG; letters are outlined once, at its end.

    Parameters
    ----------
    width, height : float
        In points.
    file : text file
        Open for writing.
    metadata : dict
        As matplotlib takes it.
    """

    def __init__(
        self, width: float, height: float, file: IO[str], *, metadata: dict[str, Any]
    ) -> None:
        super().__init__(width, height, file, metadata=metadata)
        self._file = file
        self._letters: dict[bool, set[str]] = {bold: set() for bold in GROUPS}

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: Any = False,
        mtext: Any = None,
    ) -> None:
        """Write a text as the letters of our font, or have matplotlib outline another."""
        bold = _WEIGHTS.get(str(prop.get_file()))
        plain = not ismath and gc.get_rgb()[3] == 1 and gc.get_clip_rectangle() is None
        across = places(s, bold) if plain and bold is not None else ()
        if bold is None or not across:
            super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)
            return
        self._letters[bold].update(s)
        # Begun by matplotlib, which says where in the file what follows belongs.
        self.writer.comment(s)
        turn = f" rotate({-angle:g})" if angle else ""
        scale = f"{prop.get_size_in_points() / UNITS:.9g}"
        self._file.write(
            f'<g style="fill: {to_hex(gc.get_rgb())}" transform="translate({_short(x)} {_short(y)})'
            f'{turn} scale({scale} -{scale})">'
        )
        self._file.writelines(
            f'<use xlink:href="#{name(char, bold)}" x="{place}"/>'
            for char, place in zip(s, across[:-1], strict=True)
        )
        self._file.write("</g>\n")

    def finalize(self) -> None:
        """Write the letters, and the end."""
        self.writer.start("defs")
        for bold, chars in self._letters.items():
            self.writer.start("g", id=GROUPS[bold])
            for char in sorted(chars):
                self.writer.element("path", id=name(char, bold), d=outline(char, bold))
            self.writer.end("g")
        self.writer.end("defs")
        super().finalize()


def _short(x: float) -> str:
    """Return a place in points, as near as can be seen."""
    return f"{x:.4f}".rstrip("0").rstrip(".")
