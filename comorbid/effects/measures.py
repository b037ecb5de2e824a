"""Measures: what an effect is, which columns it needs and how it is computed from them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array

Rows = Mapping[str, Array]


@dataclass(frozen=True, slots=True)
class Measure:
    """An effect measure.

    Parameters
    ----------
    id : str
        Short name, metafor's where it has one: ``"OR"``.
    label : str
        Name as printed: ``"odds ratio"``.
    columns : tuple of str
        Columns of the study table that `effect` reads.
    effect : callable
        ``effect(rows) -> (yi, vi)``: ``rows`` maps each of `columns` to a float array of shape
        (k,), missing values as nan; returns effects and sampling variances of shape (k,) on the
        analysis scale. Pure and vectorised; missing input gives nan, never a guess.
    scale : str
        ``"log"`` or ``"identity"``: how the analysis scale relates to the printed one.
    null : float
        The value of no association on the analysis scale.
    cite : str
        The paper that the formula comes from, with its DOI.
    """

    id: str
    label: str
    columns: tuple[str, ...]
    effect: Callable[[Rows], tuple[Array, Array]]
    scale: str
    null: float
    cite: str


def correct_zero_cells(cells: Array, *, add: float = 0.5) -> Array:
    """Add ``add`` to all four cells of each table that has a zero cell (metafor's ``only0``).

    Parameters
    ----------
    cells : array of shape (4, k)
        Counts ``ai, bi, ci, di``.
    add : float
        What is added, in people.

    Returns
    -------
    array of shape (4, k)
    """
    return np.asarray(cells + add * (cells == 0).any(axis=0))


def log_odds_ratio(rows: Rows) -> tuple[Array, Array]:
    r"""Log odds ratio and its variance from the four cells of a 2x2 table.

    With the cells :math:`a, b, c, d`, after half a person is added to each cell of a table that
    has a zero,

    .. math:: y = \log\frac{ad}{bc}, \qquad v = \frac1a + \frac1b + \frac1c + \frac1d

    Parameters
    ----------
    rows : mapping
        ``ai, bi, ci, di``: arrays of shape (k,), counts of people.

    Returns
    -------
    yi, vi : arrays of shape (k,)
        Natural log of the odds ratio and its sampling variance.

    References
    ----------
    Woolf B (1955). On estimating the relation between blood group and disease. Annals of Human
    Genetics 19:251-253. doi:10.1111/j.1469-1809.1955.tb01348.x

    Examples
    --------
    Bejia 2005, printed as 2.55 (1.49-4.38):

    >>> import numpy as np
    >>> cells = {"ai": [51.0], "bi": [125.0], "ci": [24.0], "di": [150.0]}
    >>> yi, vi = log_odds_ratio({name: np.array(count) for name, count in cells.items()})
    >>> np.exp(yi + np.array([-1.96, 0, 1.96]) * np.sqrt(vi)).round(2).tolist()
    [1.49, 2.55, 4.38]
    """
    cells = correct_zero_cells(
        np.stack([np.asarray(rows[name], dtype=np.float64) for name in ("ai", "bi", "ci", "di")])
    )
    a, b, c, d = np.log(cells)
    return a - b - c + d, (1.0 / cells).sum(axis=0)


MEASURES: tuple[Measure, ...] = (
    Measure(
        id="OR",
        label="odds ratio",
        columns=("ai", "bi", "ci", "di"),
        effect=log_odds_ratio,
        scale="log",
        null=0.0,
        cite="Woolf 1955, doi:10.1111/j.1469-1809.1955.tb01348.x",
    ),
)
