"""Moments of selections of shared studies, from residuals, which keep their digits."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array


class SelectedMoments:
    """Moments of selections at one tau2 each, from residuals (`Moments`).

    Parameters
    ----------
    yi : array of shape (k, 1)
        Effects, counted from that of the first study.
    total_vi : array of shape (k, m)
        Variances, tau2 included; inf where a study does not belong.
    others : array of shape (k,)
        0 for the first study and 1 for the others.
    """

    def __init__(self, yi: Array, total_vi: Array, others: Array) -> None:
        self._yi, self._total_vi, self._others = yi, total_vi, others
        self._w = 1.0 / total_vi
        self.rest: Array = others @ self._w
        self.w: Array = self._w[0] + self.rest
        self.mean: Array = yi[:, 0] @ self._w / self.w

    @cached_property
    def _residual(self) -> Array:
        return np.asarray(self._yi - self.mean)

    @cached_property
    def _py(self) -> Array:
        return np.asarray(self._w * self._residual)

    @cached_property
    def q(self) -> Array:
        """Weighted residual sum of squares."""
        return np.asarray(np.einsum("ij,ij->j", self._py, self._residual))

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""
        return np.asarray(np.einsum("ij,ij->j", self._py, self._py))

    @property
    def yppp(self) -> Array:
        """Weighted sum of squares of P y less its weighted mean."""
        weighted = self._w * self._py
        third = np.einsum("ij,ij->j", weighted, self._py)
        return np.asarray(third - np.add.reduce(weighted) ** 2 / self.w)

    @cached_property
    def trace_p(self) -> Array:
        """Trace of P."""
        rest = self.rest
        squares = self._others @ (self._w * self._w)
        return np.asarray((2 * self._w[0] * rest + rest * rest - squares) / self.w)

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""
        squares = self._w * self._w
        second, third = np.add.reduce(squares), np.einsum("ij,ij->j", squares, self._w)
        share = second / self.w
        return np.asarray(second - 2 * third / self.w + share * share)

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""
        return np.asarray(np.einsum("ij,ij->j", self._w, self._w))

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""
        variance = np.where(np.isinf(self._total_vi), 1.0, self._total_vi)
        return np.asarray(-np.add.reduce(np.log(variance)))

    @property
    def log_xwx(self) -> Array:
        """Log of the sum of the weights."""
        return np.asarray(np.log(self.w))
