"""Sums over shared studies: products of matrices, and the moments that follow from them."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array

# Multiplications of a product of matrices that libraries leave to one thread.
_PIECE = 2**18


class Sums:
    """Moments from sums of powers of weights times powers of effects.

    Parameters
    ----------
    of : sequence of arrays of the same shape
        Sums of w, wy, w2, w2y, w2yy, and, if slopes are asked for, w3, w3y, w3yy.
    """

    def __init__(self, *of: Array) -> None:
        self.w, wy, self.w2, self._w2y, self._w2yy = of[:5]
        self._cubes = of[5:]
        self.mean: Array = wy / self.w

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(self._w2yy - self.mean * (2 * self._w2y - self.mean * self.w2))

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        w3, w3y, w3yy = self._cubes
        mean = self.mean
        gap = self._w2y - mean * self.w2
        return np.asarray(w3yy - mean * (2 * w3y - mean * w3) - gap * gap / self.w)

    @property
    def trace_p(self) -> Array:
        """Trace of P."""
        return np.asarray(self.w - self.w2 / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        share = self.w2 / self.w
        return np.asarray(self.w2 - 2 * self._cubes[0] / self.w + share * share)

    @property
    def size(self) -> Array:
        """Size of the terms that ypp and the penalties are made of."""
        return np.asarray(self._w2yy + self.mean * self.mean * self.w2 + self.w)

    @property
    def size_of_slope(self) -> Array:
        """Size of the terms that yppp is made of."""
        return np.asarray(self._cubes[2] + self.mean * self.mean * self._cubes[0])


def product(left: Array, right: Array, room: Array) -> Array:
    """Return the product of two matrices in ``room``, in pieces that one thread computes.

    The threads of a linear algebra library wait for each other, which on a busy machine costs many
    times what they save.
    """
    (rows, k), n = left.shape, right.shape[1]
    high = min(rows, max(16, _PIECE // (k * 128)))
    wide = max(16, _PIECE // (k * high))
    out = room[: rows * n].reshape(rows, n)
    for row in range(0, rows, high):
        for column in range(0, n, wide):
            part = slice(column, column + wide)
            np.matmul(left[row : row + high], right[:, part], out=out[row : row + high, part])
    return out
