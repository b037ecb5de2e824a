"""Dependence: the covariances that the rows of one study have, or may have."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

import comorbid as cb
from comorbid_chronic_daily_headache.covariance import (
    Array,
    greenland_longnecker,
    largest_shared,
    with_shared,
)
from comorbid_chronic_daily_headache.hamling import hamling
from comorbid_chronic_daily_headache.rows import Row

SHARES = {"covariance 0": 0.0, "half the largest": 0.5, "covariance largest": 1.0}
"""Where in its admissible range an unknown covariance is put."""


@dataclass(frozen=True, slots=True, eq=False)
class Covariances:
    """The covariance matrices that several rows of one study may have.

    Parameters
    ----------
    matrices : array of shape (matrices, rows, rows)
    words : tuple of str
        What each matrix is.
    reconstructed : bool
        Whether they follow from printed counts.
    """

    matrices: Array
    words: tuple[str, ...]
    reconstructed: bool


def covariances(rows: Sequence[Row], measure: str) -> Covariances:
    """Return the covariance matrices that the rows of one study may have.

    Where cases and people are printed, those that Greenland and Longnecker and Hamling and others
    reconstruct; otherwise one for each of `SHARES` of the largest variance that the reference
    group can have, without those that are singular.

    Parameters
    ----------
    rows : sequence of Row
        Of one study.
    measure : str
        What its ratios are.

    Raises
    ------
    DataError, ModelError
        As `greenland_longnecker`, with the rows.
    """
    y, v = (np.array([getattr(row, name) for row in rows]) for name in ("yi", "vi"))
    counts = np.array([row.counts for row in rows])
    one_reference = (counts[:, 2:] == counts[0, 2:]).all() and np.isfinite(counts).all()
    if measure in ("OR", "RR") and one_reference:
        cases, totals = (np.concatenate([counts[:1, j + 2], counts[:, j]]) for j in (0, 1))
        try:
            found = [
                method(y, v, cases=cases, totals=totals, measure=measure)
                for method in (greenland_longnecker, hamling)
            ]
        except (cb.DataError, cb.ModelError) as error:
            ids = cb.prose.listed([row.id for row in rows])
            raise type(error)(
                f"{ids}: {error}; if their counts are right, leave out those of {ids}"
            ) from error
        return Covariances(np.array(found), ("Greenland and Longnecker", "Hamling"), True)
    largest = largest_shared(v, n=[row.n for row in rows], measure=measure)
    matrices = with_shared(v, largest * np.array(list(SHARES.values())))
    regular = np.linalg.eigvalsh(matrices)[:, 0] > 1e-9 * v.max()
    words = tuple(word for word, keep in zip(SHARES, regular, strict=True) if keep)
    return Covariances(matrices[regular], words, False)
