"""Figures: the network as a graph, its estimates, its hot spots, and the adjusted funnel."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pandas as pd

import comorbid as cb
from comorbid_treatments.fits import NetworkFit
from comorbid_treatments.inconsistency import Decomposition
from comorbid_treatments.leagues import written
from comorbid_treatments.networks import Array, Network

_SIZE = 8.0
_LINE = 11.0
_LABEL = 150.0
_RADIUS = 88.0
_WARM, _COOL = "#b3452c", "#2b6ca3"
_HOTTEST = 8.0


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
    middle, height = cb.figures.WIDTH / 2, 2 * _RADIUS + 2 * 30
    places = [
        (
            middle + _RADIUS * math.sin(2 * math.pi * i / network.n),
            height / 2 + _RADIUS * math.cos(2 * math.pi * i / network.n),
        )
        for i in range(network.n)
    ]

    def paint(pen: cb.figures.Pen) -> None:
        for number, trial in enumerate(network.trials):
            if len(trial.arms) > 2:
                corners = [places[arm] for arm in trial.arms]
                pen.shape(corners, cb.figures.PALE, f"trial-{number}", behind=True)
        for (i, j), k in edges.items():
            width = 1.0 + 1.2 * (k - 1)
            pen.line([places[i], places[j]], f"edge-{i}-{j}", color=cb.figures.SHADE, width=width)
        for i, (x, y) in enumerate(places):
            trials = sum(i in trial.arms for trial in network.trials)
            size = 7 + 3 * math.sqrt(trials)
            pen.disc(x, y, size, cb.figures.ACCENT, f"node-{i}", edge="white")
            gap = size / 2 + 4
            _name(pen, network.treatments[i], (x - middle, y - height / 2), (x, y), gap)

    pairs = [
        f"{network.treatments[j]} with {network.treatments[i]} in "
        f"{cb.prose.counted(k, 'trial', 'trials')}"
        for (i, j), k in edges.items()
    ]
    several = [trial.label for trial in network.trials if len(trial.arms) > 2]
    joined = f" Three or more arms: {cb.prose.listed(several)}." if several else ""
    alt = (
        f"Network of {network.n} treatments and "
        f"{cb.prose.counted(len(edges), 'direct comparison', 'direct comparisons')}: "
        f"{'; '.join(pairs)}.{joined}"
    )
    caption = "Which treatments were compared directly"
    if several:
        caption += f". The pale area joins the arms of {cb.prose.listed(several)}"
    return cb.figures.drawing(paint, height, alt=alt, caption=caption)


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
        pen.text(x, first - i * _LINE, line, size=_SIZE, align=align)  # type: ignore[arg-type]


def wrapped(text: str, width: float) -> list[str]:
    """Return a text in lines of at most ``width`` points, broken between words.

    Examples
    --------
    >>> wrapped("spinal manipulation", 60)
    ['spinal', 'manipulation']
    """
    lines: list[str] = []
    for word in text.split():
        longer = f"{lines[-1]} {word}" if lines else word
        if lines and cb.figures.text_width(longer, _SIZE) <= width:
            lines[-1] = longer
        else:
            lines.append(word)
    return lines


def forest(fit: NetworkFit, *, axis_label: str = "") -> cb.Figure:
    """Draw the network estimate of every treatment against the reference.

    Parameters
    ----------
    fit : NetworkFit
    axis_label : str
        What the axis measures, with its direction.

    Returns
    -------
    Figure
        Thick lines are confidence intervals, thin ones prediction intervals, where they exist.

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1"], "treat1": ["A"], "treat2": ["B"], "yi": [1.0], "vi": [0.04]})
    >>> print(ct.figures.forest(ct.fit(ct.network(table, reference="B"))).alt)
    Network estimates against B: A 1.00 (0.61 to 1.39).
    """
    table, scale = fit.to_frame(), fit.network.scale
    names = [str(name) for name in table.index]
    rows = table[["estimate", "ci_low", "ci_high"]].to_numpy().tolist()
    texts = [estimate_text(y, (low, high), scale) for y, low, high in rows]
    ends = [0.0, *table[["ci_low", "ci_high"]].to_numpy().ravel().tolist()]
    predictions = table[["pi_low", "pi_high"]].to_numpy()
    ends += predictions[np.isfinite(predictions)].tolist()
    room = 0.04 * (max(ends) - min(ends))
    panel = cb.figures.Panel(
        x=(min(ends) - room, max(ends) + room),
        y=(-0.7, len(rows) - 0.3),
        x_label=axis_label or f"{cb.prose.measure_name(fit.network.measure)}",
        y_label="",
        x_scale=scale,
        y_ticks=tuple((len(rows) - 1.0 - i, _short(name)) for i, name in enumerate(names)),
        right=cb.figures.WIDTH - max(cb.figures.text_width(t, _SIZE) for t in texts) - 12,
        tall=22.0 * len(rows) + 10,
    )

    def paint(pen: cb.figures.Pen) -> None:
        pen.line([(0, -0.7), (0, len(rows) - 0.3)], "null", color=cb.figures.MUTED, width=0.8)
        for i, (y, low, high) in enumerate(rows):
            height = len(rows) - 1.0 - i
            if np.isfinite(predictions[i]).all():
                ends = [(float(end), height) for end in predictions[i]]
                pen.line(ends, f"prediction-{i}", color=cb.figures.MUTED, width=0.8)
            pen.line([(low, height), (high, height)], f"interval-{i}", width=2.0)
            pen.shape(pen.box(y, height, 7, 7), cb.figures.ACCENT, f"estimate-{i}")
            right = cb.figures.WIDTH - 2
            pen.text(right, height, texts[i], size=_SIZE, align="right")

    named = [f"{name} {text}" for name, text in zip(names, texts, strict=True)]
    reference = fit.network.reference
    caption = f"Network estimates against {reference}, {cb.prose.level(fit.level)} intervals"
    if np.isfinite(predictions).any():
        caption += "; thin lines are prediction intervals"
    return cb.figures.drawing(
        paint,
        panel,
        alt=f"Network estimates against {reference}: {'; '.join(named)}.",
        caption=caption,
    )


def estimate_text(estimate: float, ends: tuple[float, float], scale: str) -> str:
    """Write an estimate of the analysis scale with its interval as printed.

    Examples
    --------
    >>> estimate_text(0.0, (-0.7, 0.7), "log")
    '1.00 (0.50 to 2.01)'
    """
    back = math.exp if scale == "log" else float
    return written(back(estimate), back(ends[0]), back(ends[1]), scale)


def _short(name: str) -> str:
    """Return a name that fits beside an axis."""
    lines = wrapped(name, 170)
    return lines[0] if len(lines) == 1 else f"{lines[0]} …"


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
    left = 22 + max(cb.figures.text_width(name, _SIZE) for name in names)
    side = min(26.0, (cb.figures.WIDTH - left - 4) / len(order))
    height = side * len(order) + 22

    def paint(pen: cb.figures.Pen) -> None:
        for i, name in enumerate(names):
            y = height - 20 - (i + 0.5) * side
            pen.text(left - 6, y, f"{name}  {i + 1}", size=_SIZE, align="right")
            pen.text(left + (i + 0.5) * side, height - 10, f"{i + 1}", size=_SIZE, align="center")
            for j in range(len(order)):
                x = left + (j + 0.5) * side
                box = pen.box(x, y, side - 1, side - 1)
                pen.shape(box, _heat_color(float(heat[i, j])), f"cell-{i}-{j}")
                if side >= 22:
                    value = cb.prose.value(float(heat[i, j]), "identity")
                    pen.text(x, y, value[:5], size=6.0, align="center")

    hottest = int(np.argmax(np.diag(heat)))
    return cb.figures.drawing(
        paint,
        height,
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


def _heat_color(value: float) -> str:
    """Return white for 0, warm above it, cool below, deepest at 8, as in the paper."""
    share = min(abs(value) / _HOTTEST, 1.0)
    end = _WARM if value > 0 else _COOL
    parts = [round(255 + share * (int(end[i : i + 2], 16) - 255)) for i in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in parts)


def funnel(points: pd.DataFrame, *, level: float = 0.95, axis_label: str = "") -> cb.Figure:
    """Draw a comparison-adjusted funnel.

    Parameters
    ----------
    points : DataFrame
        Made by `comorbid_treatments.funnel`; comparisons of one trial are left out, since they are
        always at 0.
    level : float
        Of the lines around 0.
    axis_label : str
        What the effects are.

    Returns
    -------
    Figure

    Raises
    ------
    ModelError
        If no comparison was made by two trials.

    References
    ----------
    Chaimani A, Salanti G (2012). Research Synthesis Methods 3:161-176. doi:10.1002/jrsm.57

    Examples
    --------
    >>> import pandas as pd
    >>> import comorbid_treatments as ct
    >>> table = pd.DataFrame({
    ...     "study": ["1", "2"], "treat1": ["A", "B"], "treat2": ["B", "A"],
    ...     "yi": [1.0, -0.4], "vi": [0.04, 0.04]})
    >>> fit = ct.fit(ct.network(table, measure="MD"), method="EE")
    >>> print(ct.figures.funnel(ct.funnel(fit, order=["A", "B"])).alt)
    Comparison-adjusted funnel of 2 contrasts from 1 comparison: 1 below its mean, 1 above.
    """
    from scipy.special import ndtri

    shown = points[points["k"] > 1]
    if shown.empty:
        raise cb.ModelError("no comparison was made by two trials: every point would be at 0")
    x, se = (shown[name].to_numpy(dtype=np.float64) for name in ("adjusted", "se"))
    bottom = 1.05 * float(se.max())
    reach = max(float(np.abs(x).max()), float(ndtri((1 + level) / 2)) * bottom) * 1.05
    panel = cb.figures.Panel(
        x=(-reach, reach),
        y=(-bottom, 0.0),
        x_label=axis_label or "Effect less the mean of its comparison",
        y_label="Standard error",
        y_ticks=tuple((-tick, f"{tick:g}") for tick in _ticks(bottom)),
    )

    def paint(pen: cb.figures.Pen) -> None:
        edge = float(ndtri((1 + level) / 2)) * bottom
        for way, name in ((-1, "low"), (1, "high")):
            ends = [(0.0, 0.0), (way * edge, -bottom)]
            pen.line(ends, f"limit-{name}", color=cb.figures.MUTED, width=0.8, dashed=True)
        pen.line([(0, -bottom), (0, 0)], "null", color=cb.figures.MUTED, width=0.8)
        for i, (a, b) in enumerate(zip(x.tolist(), se.tolist(), strict=True)):
            pen.disc(a, -b, 5, cb.figures.ACCENT, f"point-{i}", edge="white")

    comparisons = len(shown[["treat1", "treat2"]].drop_duplicates())
    return cb.figures.drawing(
        paint,
        panel,
        alt=(
            f"Comparison-adjusted funnel of {len(shown)} contrasts from "
            f"{cb.prose.counted(comparisons, 'comparison', 'comparisons')}: "
            f"{(x < 0).sum()} below its mean, {(x > 0).sum()} above."
        ),
        caption="Comparison-adjusted funnel: each contrast against the mean of its comparison",
    )


def _ticks(end: float) -> Sequence[float]:
    """Return at most six round numbers from 0 to ``end``."""
    step = 10.0 ** math.floor(math.log10(end / 5))
    step *= next(m for m in (1, 2, 5, 10) if end / (m * step) <= 6)
    numbers: Array = np.arange(0, end, step)
    return [float(round(x, 10)) for x in numbers]
