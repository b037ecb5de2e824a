"""Spare memory: arrays that a thread uses again and again.

Pages that the system hands out anew cost several times what is computed in them.
"""

from __future__ import annotations

import sys

import numpy as np

from comorbid.effects.arrays import Array, Index

# Arrays below this many numbers come from memory that the process has already.
_SMALL = 2**13
# What refers to a piece that no array uses: the list, the loop over it, and the question itself.
_UNUSED = 3


class Spare:
    """Pieces of memory, each used again as soon as no array that was made of it is left.

    To be used by one thread at a time.
    """

    def __init__(self) -> None:
        self._pieces: list[Array] = []

    def empty(self, rows: int, columns: int) -> Array:
        """Return an array of this shape, of whatever numbers."""
        size = rows * columns
        if size < _SMALL:
            return np.empty((rows, columns))
        for piece in self._pieces:
            if piece.size >= size and sys.getrefcount(piece) == _UNUSED:
                return piece[:size].reshape(rows, columns)
        piece = np.empty(size)
        self._pieces.append(piece)
        return piece.reshape(rows, columns)

    def copy(self, values: Array) -> Array:
        """Return a copy."""
        copy = self.empty(*values.shape)
        np.copyto(copy, values)
        return copy

    def take(self, values: Array, column: Index) -> Array:
        """Return a copy of these columns."""
        copy = self.empty(len(values), len(column))
        # Checked positions would be taken by way of another copy.
        np.take(values, column, axis=1, out=copy, mode="clip")
        return copy
