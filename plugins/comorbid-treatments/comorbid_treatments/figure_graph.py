"""The network graph: which treatments were compared directly."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import comorbid as cb
from comorbid_treatments.figure_text import SIZE, wrapped
from comorbid_treatments.networks import Network

_LINE = 11.0
_LABEL = 150.0
_RADIUS = 88.0
_MARGIN = 30.0


def network_graph(network: Network) -> cb.Figure:
    """Draw treatments as discs and direct comparisons as lines, wider with more trials.

    A pale area joins the arms of trials with three or more.

    Parameters
    ----------
    network : Network

    Returns
    -------
    Figure

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2"], "treat1": ["A", "B"], "treat2": ["C", "C"],
    ...     "yi": [1.0, 0.4], "vi": [0.04, 0.04]})
    >>> print(ct.figures.network_graph(ct.network(table)).alt)
    Network of 3 treatments and 2 direct comparisons: A with C in 1 trial; B with C in 1 trial.
    """
    edges = _edges(network)
    middle, height = cb.figures.WIDTH / 2, 2 * (_RADIUS + _MARGIN)
    around = [2 * math.pi * i / network.n for i in range(network.n)]
    off = [(_RADIUS * math.sin(angle), _RADIUS * math.cos(angle)) for angle in around]
    places = [(middle + x, height / 2 + y) for x, y in off]

    def paint(pen: cb.figures.Pen) -> None:
        for number, trial in enumerate(network.trials):
            if len(trial.arms) > 2:
                corners = [places[arm] for arm in trial.arms]
                pen.area(corners, cb.figures.PALE, f"trial-{number}")
        for (i, j), k in edges.items():
            ends, width = [places[i], places[j]], 1.0 + 1.2 * (k - 1)
            pen.line(ends, f"edge-{i}-{j}", color=cb.figures.SHADE, width=width)
        for i, name in enumerate(network.treatments):
            trials = sum(i in trial.arms for trial in network.trials)
            size = 7 + 3 * math.sqrt(trials)
            pen.disc(*places[i], size, cb.figures.ACCENT, f"node-{i}", edge="white")
            _name(pen, name, off[i], places[i], size / 2 + 4)

    caption = "Which treatments were compared directly"
    several = [trial.label for trial in network.trials if len(trial.arms) > 2]
    if several:
        caption += f". The pale area joins the arms of {cb.prose.listed(several)}"
    return cb.figures.drawing(paint, on=height, alt=_alt(network, edges, several), caption=caption)


def _alt(network: Network, edges: Mapping[tuple[int, int], int], several: Sequence[str]) -> str:
    """Return what the graph shows, in words."""
    pairs = [
        f"{network.treatments[j]} with {network.treatments[i]} in "
        f"{cb.prose.counted(k, 'trial', 'trials')}"
        for (i, j), k in edges.items()
    ]
    joined = f" Three or more arms: {cb.prose.listed(several)}." if several else ""
    return (
        f"Network of {network.n} treatments and "
        f"{cb.prose.counted(len(edges), 'direct comparison', 'direct comparisons')}: "
        f"{'; '.join(pairs)}.{joined}"
    )


def _edges(network: Network) -> dict[tuple[int, int], int]:
    """Return the number of trials of each direct comparison."""
    edges: dict[tuple[int, int], int] = {}
    for trial in network.trials:
        for i, j, _, _ in trial.contrasts():
            edges[i, j] = edges.get((i, j), 0) + 1
    return dict(sorted(edges.items(), key=lambda edge: (edge[0][1], edge[0][0])))


def _name(
    pen: cb.figures.Pen,
    name: str,
    off: tuple[float, float],
    place: tuple[float, float],
    gap: float,
) -> None:
    """Write a treatment's name outside the circle, a gap away from its place."""
    lines = wrapped(name, _LABEL)
    side = 0 if abs(off[0]) < 1 else math.copysign(1, off[0])
    x = place[0] + side * gap
    first = place[1] + (len(lines) - 1) / 2 * _LINE
    if side == 0:
        first = place[1] + (1 if off[1] > 0 else -1) * (gap + 4)
        first += (len(lines) - 1) * _LINE if off[1] > 0 else 0
    align = {0: "center", 1: "left", -1: "right"}[int(side)]
    for i, line in enumerate(lines):
        pen.text(x, first - i * _LINE, line, size=SIZE, align=align)  # type: ignore[arg-type]
