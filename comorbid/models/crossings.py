"""Crossings: where something first holds along a line of points, in batches."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from comorbid.effects.arrays import Array, Mask

_INNER = 7
_ROUNDS = 11


def first_crossings(reached: Callable[[Array], Mask], points: Array) -> Array:
    """Find the first point of each search at which something holds.

    The points are tried in their order; between the first at which it holds and the one before,
    seven more are tried at a time, eleven times, which leaves a part in 8**11 of their distance.
    What holds only between two points is not seen.

    Parameters
    ----------
    reached : callable
        ``reached(points) -> mask``, both of shape (m, c): c searches at once.
    points : array of shape (m, c)
        Where to look, at least two a search.

    Returns
    -------
    array of shape (c,)
        nan where it holds at no point.

    Examples
    --------
    >>> points = np.linspace(0.0, 4.0, 5)[:, None] * np.ones(2)
    >>> first_crossings(lambda x: x * x >= [2.0, 99.0], points).round(6).tolist()
    [1.414214, nan]
    """
    hits = reached(points)
    column = np.arange(points.shape[1])
    at = hits.argmax(axis=0)
    low, high = points[np.maximum(at - 1, 0), column], points[at, column]
    share = np.arange(1, _INNER + 2)[:, None] / (_INNER + 1)
    for _ in range(_ROUNDS if (at > 0).any() else 0):
        inner = np.concatenate([low[None], low + share[:-1] * (high - low), high[None]])
        held = np.concatenate([reached(inner[1:-1]), np.ones((1, column.size), dtype=bool)])
        at = held.argmax(axis=0)
        low, high = inner[at, column], inner[at + 1, column]
    return np.where(hits.any(axis=0), high, np.nan)
