"""The net heat plot: where inconsistency comes from."""

from __future__ import annotations

import numpy as np

import comorbid as cb
from comorbid_treatments.figure_text import SIZE
from comorbid_treatments.inconsistency import Decomposition

_WARM, _COOL = "#b3452c", "#2b6ca3"
_HOTTEST = 8.0


def net_heat(split: Decomposition) -> cb.Figure:
    """Draw the net heat matrix: where inconsistency between designs comes from.

    Warm: the share of the row's design in Q between designs falls when the design of the column
    gets an effect of its own; cool: it rises. Only designs that can be detached and take part.

    Parameters
    ----------
    split : Decomposition

    Returns
    -------
    Figure

    Raises
    ------
    ModelError
        If fewer than two designs can be detached.

    References
    ----------
    Krahn U, Binder H, Koenig J (2013). BMC Medical Research Methodology 13:35.
    doi:10.1186/1471-2288-13-35

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2", "3"], "treat1": ["A", "B", "A"], "treat2": ["C", "C", "B"],
    ...     "yi": [1.0, 0.4, 0.9], "vi": [0.04, 0.04, 0.04]})
    >>> figure = ct.figures.net_heat(ct.decompose(ct.network(table, measure="MD")))
    >>> figure.svg.count('id="cell-')
    9
    """
    order = _hot_order(split)
    if len(order) < 2:
        raise cb.ModelError("fewer than two designs can be detached; there is no heat to draw")
    heat = split.heat[np.ix_(order, order)]
    names = [split.designs[i].replace(":", " – ") for i in order]
    left = 22 + max(cb.figures.text_width(name, size=SIZE) for name in names)
    side = min(26.0, (cb.figures.WIDTH - left - 4) / len(order))
    height = side * len(order) + 22

    def paint(pen: cb.figures.Pen) -> None:
        for i, name in enumerate(names):
            y = height - 20 - (i + 0.5) * side
            pen.text(left - 6, y, f"{name}  {i + 1}", size=SIZE, align="right")
            pen.text(left + (i + 0.5) * side, height - 10, f"{i + 1}", size=SIZE, align="center")
            for j in range(len(order)):
                x = left + (j + 0.5) * side
                box = pen.box(x, y, side - 1, side - 1)
                pen.shape(box, _heat_color(float(heat[i, j])), f"cell-{i}-{j}")
                if side >= 22:
                    pen.text(x, y, _cell(float(heat[i, j])), size=6.0, align="center")

    hottest = int(np.argmax(np.diag(heat)))
    return cb.figures.drawing(
        paint,
        on=height,
        alt=(
            f"Net heat of {len(order)} designs. Largest share in the inconsistency: "
            f"{names[hottest]}, {heat[hottest, hottest]:.2f} of {split.between.q:.2f}."
        ),
        caption=(
            "Net heat: change of each design's share (row) in Q between designs when the design of "
            "the column, in the order of the rows, has an effect of its own; warm: it falls"
        ),
    )


def _hot_order(split: Decomposition) -> list[int]:
    """Return the designs that take part, those that heat each other beside each other."""
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import pdist

    kept = np.flatnonzero(np.isfinite(np.diag(split.heat)) & (split.q_between > 1e-8))
    if len(kept) < 3:
        return [int(i) for i in kept]
    heat = split.heat[np.ix_(kept, kept)]
    distances = pdist(heat, "cityblock") + pdist(heat.T, "cityblock")
    return [int(kept[i]) for i in leaves_list(linkage(distances, "complete"))]


def _cell(value: float) -> str:
    """Write a change of Q so that it fits a cell.

    Examples
    --------
    >>> [_cell(value) for value in (9.294, -0.001, -12345.6, 123.456, 2e7)]
    ['9.29', '0.00', '−12346', '123', '2e+07']
    """
    size = abs(value)
    text = f"{value:.2f}" if size < 99.995 else f"{value:.{'0f' if size < 99999.5 else '0e'}}"
    return text.replace("-0.00", "0.00").replace("-", "\N{MINUS SIGN}")


def _heat_color(value: float) -> str:
    """Return white for 0, warm above it, cool below, deepest at 8, as in the paper."""
    share = min(abs(value) / _HOTTEST, 1.0)
    end = _WARM if value > 0 else _COOL
    parts = [round(255 + share * (int(end[i : i + 2], 16) - 255)) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)
