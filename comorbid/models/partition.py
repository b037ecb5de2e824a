"""Partition: which rows are independent of which, and equal blocks of them side by side."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask

# Few and small blocks are all padded to the largest; others are sorted into classes of size.
_SMALL, _GROWTH = 50_000, 1.5


@dataclass(frozen=True, slots=True)
class Stack:
    """m blocks of up to s rows, padded.

    Attributes
    ----------
    rows : integer array of shape (m, s)
        Positions of the rows; 0 where there is none.
    real : boolean array of shape (m, s)
        Where there is a row.
    """

    rows: Index
    real: Mask

    def columns(self, values: Array) -> Array:
        """Return values of shape (k, c) as (m, s, c), 0 where there is no row."""
        return np.where(self.real[:, :, None], values[self.rows], 0.0)

    def same(self, codes: Index) -> Array:
        """Return an array of shape (m, s, s): 1 for two rows of one code, otherwise 0."""
        inside = np.where(self.real, codes[self.rows], -1 - np.arange(self.rows.shape[1]))
        return np.asarray(inside[:, :, None] == inside[:, None, :], dtype=np.float64)


def components(groupings: Sequence[Index], joint: Index | None, k: int) -> Index:
    """Return for each row the number of its component, joined by groups and by covariances.

    Parameters
    ----------
    groupings : sequence of arrays of shape (k,)
    joint : integer array of shape (n, 2) or None
        Rows whose sampling errors depend on each other, if there are any.
    k : int
        Number of rows.
    """
    if joint is None and len(groupings) < 2:
        return groupings[0] if groupings else np.arange(k)
    pairs = [np.column_stack([np.arange(k), _first(codes)[codes]]) for codes in groupings]
    if joint is not None:
        pairs.append(joint)
    joined = np.concatenate(pairs)
    label = np.arange(k)
    while True:
        least = np.minimum(label[joined[:, 0]], label[joined[:, 1]])
        new = label.copy()
        np.minimum.at(new, joined[:, 0], least)
        np.minimum.at(new, joined[:, 1], least)
        new = new[new]
        if (new == label).all():
            return np.unique(label, return_inverse=True)[1]
        label = new


def stacks(component: Index) -> list[Stack]:
    """Return the components as stacks of padded blocks."""
    size = np.bincount(component)
    order = np.argsort(component, kind="stable")
    start = np.cumsum(size) - size
    by_size = np.argsort(size, kind="stable")
    if size.size * int(size.max()) ** 3 <= _SMALL:
        classes = [by_size]
    else:
        step = np.ceil(np.log(size[by_size]) / np.log(_GROWTH))
        classes = np.split(by_size, np.flatnonzero(np.diff(step)) + 1)
    found = []
    for members in classes:
        within = np.arange(size[members].max())
        real = within < size[members][:, None]
        rows = order[np.where(real, start[members][:, None] + within, 0)]
        found.append(Stack(np.where(real, rows, 0), real))
    return found


def _first(codes: Index) -> Index:
    """Return the first row of each code."""
    return np.unique(codes, return_index=True)[1]
