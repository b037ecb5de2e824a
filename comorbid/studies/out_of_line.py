"""Which rows of a table are out of line with the others, by medians."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

FEWEST = 5
"""Other rows that a row must be compared with."""

MANY = 200
"""Rows beyond which one more hardly moves a median, and none is left out of it."""

FAR = 3.5
"""Robust standard deviations from the others beyond which a figure is out of line."""

NEAR = 2.0
"""Robust standard deviations within which it is in line again once put right."""

SPREAD = (0.15, 0.7)
"""Least and largest robust standard deviation of the others' logarithms.

Less is taken for the least, so that rows much alike accuse no chance; with more, the rows differ
too much among themselves, as where each has a scale of its own.
"""


def away_from_the_others(values: Array, errors: Array) -> tuple[Array, Array]:
    """Return how far each value is from the others, and the scale of that.

    Far by the median of the other values; the scale is 1.4826 times their median absolute deviation
    from it (Leys and others 2013, doi:10.1016/j.jesp.2013.03.013), enlarged by 1 + 3/k as that of
    few values is often too small by chance, and by the value's own standard error.

    Parameters
    ----------
    values : array of shape (k,)
        Logarithms of figures; nan is missing.
    errors : array of shape (k,)
        Standard error of each.

    Returns
    -------
    away, scale : arrays of shape (k,)
        nan where there are too few others, or they differ too much.
    """
    known = np.isfinite(values + errors)
    if known.sum() <= FEWEST:
        return np.full(len(values), np.nan), np.full(len(values), np.nan)
    centre, spread = _of_the_others(np.where(known, values, np.nan))
    spread = spread * (1 + 3 / (known.sum() - 1))
    scale = np.hypot(np.maximum(spread, SPREAD[0]), errors)
    return values - centre, np.where(known & (spread <= SPREAD[1]), scale, np.nan)


def out_of_line(values: Array, shifts: Array, errors: Array) -> NDArray[np.bool_]:
    """Return which values are far from the others, and near them once shifted.

    Parameters
    ----------
    values, errors : arrays of shape (k,)
        As `away_from_the_others` takes them.
    shifts : array of shape (k,)
        What would put each right.

    Examples
    --------
    >>> values = np.array([0.1, 0.0, 0.2, 0.1, -0.1, -2.0])
    >>> out_of_line(values, np.full(6, 2.0), np.zeros(6)).tolist()
    [False, False, False, False, False, True]
    """
    away, scale = away_from_the_others(values, errors)
    far, near = np.abs(away) > FAR * scale, np.abs(away + shifts) < NEAR * scale
    return np.asarray((away * shifts < 0) & far & near)


def _of_the_others(values: Array) -> tuple[Array, Array]:
    """Return centre and spread of the values other than each; of more than `MANY`, of all."""
    k = len(values)
    if k > MANY:
        centre, spread = centre_and_spread(values)
        return np.full(k, centre), np.full(k, spread)
    return centre_and_spread(np.where(np.eye(k, dtype=bool), np.nan, values))


def centre_and_spread(values: Array) -> tuple[Array, Array]:
    """Return medians over the last axis, and 1.4826 times the median absolute deviations."""
    centre = _median(values)
    return centre, 1.4826 * _median(np.abs(values - centre[..., None]))


def _median(values: Array) -> Array:
    """Return medians over the last axis; nan is missing."""
    ordered = np.sort(values, axis=-1)
    last = np.isfinite(ordered).sum(axis=-1, keepdims=True) - 1
    middle = [np.take_along_axis(ordered, place, axis=-1) for place in (last // 2, (last + 1) // 2)]
    return np.asarray((middle[0] + middle[1])[..., 0] / 2)
