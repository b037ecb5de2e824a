"""The projection that a model makes of its data: all that estimators of tau2 need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.models.sums import active, weighted_sums


@dataclass(frozen=True, slots=True)
class Moments:
    r"""What a batch of models gives at one tau2 each; every array has shape (m,).

    With the weights :math:`w_i = 1/(v_i + \tau^2)` on the diagonal of W and
    :math:`P = W - WX(X'WX)^{-1}X'W`: ``q`` is :math:`y'Py`, the weighted residual sum of squares;
    ``ypp`` and ``yppp`` are :math:`y'PPy` and :math:`y'PPPy`; ``trace_p`` and ``trace_pp`` the
    traces of P and PP; ``w, w2`` sums of weights and of their squares; ``log_w`` the sum of their
    logs; ``log_xwx`` the log determinant of :math:`X'WX`.
    """

    q: Array
    ypp: Array
    yppp: Array
    trace_p: Array
    trace_pp: Array
    w: Array
    w2: Array
    log_w: Array
    log_xwx: Array


class Projection(Protocol):
    """A batch of n data sets with their moderators.

    ``k`` is the number of studies of each data set, ``p`` of coefficients; ``vi`` of shape (k, n)
    is inf where a study does not belong.
    """

    @property
    def vi(self) -> Array:
        """Sampling variances."""

    @property
    def k(self) -> Array:
        """Studies of each data set, as floats of shape (n,)."""

    @property
    def p(self) -> int:
        """Coefficients."""

    def at(self, tau2: Array, column: Index) -> Moments:
        """Return the moments of the data sets ``column`` at ``tau2``, both of shape (m,)."""

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean, whatever the model."""


class Intercept:
    """The model with nothing but a mean, in closed form."""

    p = 1

    def __init__(self, yi: Array, vi: Array) -> None:
        self.yi, self.vi = yi, vi
        self.member: Mask = active(vi)
        self.k: Array = self.member.sum(axis=0).astype(np.float64)

    def at(self, tau2: Array, column: Index) -> Moments:
        """Return the moments at ``tau2``."""
        vi, member = self.vi[:, column], self.member[:, column]
        sums = weighted_sums(self.yi[:, column], vi, tau2)
        ratio2 = sums.w2 / sums.w
        return Moments(
            q=sums.q,
            ypp=sums.s2,
            yppp=sums.s3 - sums.r2**2 / sums.w,
            trace_p=sums.w - ratio2,
            trace_pp=sums.w2 - 2 * sums.w3 / sums.w + ratio2**2,
            w=sums.w,
            w2=sums.w2,
            log_w=-np.log(np.where(member, vi + tau2, 1.0)).sum(axis=0),
            log_xwx=np.log(sums.w),
        )

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""
        mean = np.where(self.member, self.yi, 0.0).sum(axis=0) / self.k
        residual = np.where(self.member, self.yi - mean, 0.0)
        total = np.where(self.member, self.vi, 0.0).sum(axis=0)
        return (
            (residual**2).sum(axis=0),
            total * (1 - 1 / self.k),
            np.abs(residual).max(axis=0),
        )

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean."""
        return np.asarray(self.unweighted()[0] / self.k)
