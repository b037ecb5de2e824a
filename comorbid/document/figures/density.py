"""The density of many points: their number in each cell of a grid, as shades."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from comorbid.document.figures.axis import Span
from comorbid.document.figures.canvas import ACCENT, PALE, between
from comorbid.document.figures.panel import Swatch
from comorbid.document.figures.pen import Pen
from comorbid.effects.arrays import Array, Mask

COLUMNS, ROWS = 72, 50

_FAINTEST = 0.52
"""Share of the darkest shade in the faintest, which stands out from the paper by 3 to 1."""


@dataclass(frozen=True, slots=True)
class Density:
    """Points counted in cells.

    ``cells`` has shape (columns, rows), between the ends ``x`` and ``y``; ``steps`` are the
    smallest numbers of points of the shades, the faintest first.
    """

    x: Span
    y: Span
    cells: Array

    @property
    def steps(self) -> tuple[int, ...]:
        """1, 3, 10, 30 ... or, up to more, 1, 10, 100 ..."""
        most = int(self.cells.max())
        digits = (1,) if most >= 1000 else (1, 3)
        steps = (digit * 10**power for power in range(8) for digit in digits)
        return tuple(step for step in steps if step <= most)

    @property
    def colors(self) -> list[str]:
        """Return the colour of each shade."""
        count = len(self.steps)
        shares = np.linspace(_FAINTEST, 1.0, max(2, count))[:count]
        return [between(PALE, ACCENT, float(share)) for share in shares]

    def key(self, singular: str, plural: str) -> tuple[Swatch, ...]:
        """Return the shades and what they stand for: so many of what is counted."""
        steps = self.steps
        texts = [f"{a:,}" if b - a == 1 else f"{a:,} to {b - 1:,}" for a, b in pairwise(steps)]
        texts.append(f"{steps[-1]:,} or more")
        texts[0] += f" {singular if texts[0] == '1' else plural} a cell"
        return tuple(Swatch(text, color) for text, color in zip(texts, self.colors, strict=True))

    def draw(self, pen: Pen) -> None:
        """Fill the cells of each shade as one shape, over those of the shades below it."""
        across = np.linspace(*self.x, COLUMNS + 1)
        up = np.linspace(*self.y, ROWS + 1)
        for i, (step, color) in enumerate(zip(self.steps, self.colors, strict=True)):
            boxes = [
                (across[start], up[row], across[stop], up[row + 1])
                for row in range(ROWS)
                for start, stop in _runs(self.cells[:, row] >= step)
            ]
            _fill_boxes(pen, boxes, color, f"shade-{i}")


def count(x: Array, y: Array, x_ends: Span, y_ends: Span) -> Density:
    """Count points in cells."""
    cells, _, _ = np.histogram2d(x, y, bins=(COLUMNS, ROWS), range=(x_ends, y_ends))
    return Density(x_ends, y_ends, cells)


def _runs(inside: Mask) -> list[tuple[int, int]]:
    """Return where each run of true values begins and ends."""
    edges = np.flatnonzero(np.diff(np.concatenate(([False], inside, [False])).astype(np.int8)))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def _fill_boxes(
    pen: Pen, boxes: Sequence[tuple[float, float, float, float]], color: str, name: str
) -> None:
    """Fill rectangles, given by left, bottom, right and top, as one shape."""
    from matplotlib.patches import PathPatch
    from matplotlib.path import Path

    corners = [
        corner for a, b, c, d in boxes for corner in ((a, b), (c, b), (c, d), (a, d), (a, b))
    ]
    codes = [Path.MOVETO, *[Path.LINETO] * 3, Path.CLOSEPOLY] * len(boxes)
    # The edge hides the hairlines that readers of SVG leave between cells.
    patch = PathPatch(Path(corners, codes), facecolor=color, edgecolor=color, linewidth=0.2)
    patch.set_zorder(1)
    patch.set_gid(name)
    pen.axes.add_artist(patch)
