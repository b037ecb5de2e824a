"""The projection that a model makes of its data: all that estimators of tau2 need to know."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from comorbid.effects.arrays import Array, Index, Mask


class Heterogeneity(Protocol):
    """What tests of heterogeneity need of a batch of models at one tau2 each."""

    @property
    def q(self) -> Array:
        """Weighted residual sum of squares."""

    @property
    def trace_p(self) -> Array:
        """Trace of P."""


class Moments(Heterogeneity, Protocol):
    r"""What a batch of models gives at one tau2 each; every array has shape (m,).

    With the weights :math:`w_i = 1/(v_i + \tau^2)` on the diagonal of W and
    :math:`P = W - WX(X'WX)^{-1}X'W`: ``q`` is :math:`y'Py`, the weighted residual sum of squares;
    ``ypp`` and ``yppp`` are :math:`y'PPy` and :math:`y'PPPy`; ``trace_p`` and ``trace_pp`` the
    traces of P and PP; ``w, w2`` sums of weights and of their squares; ``log_w`` the sum of their
    logs; ``log_xwx`` the log determinant of :math:`X'WX`.
    """

    @property
    def ypp(self) -> Array:
        """Sum of squares of P y."""

    @property
    def yppp(self) -> Array:
        """Y'PPPy."""

    @property
    def trace_pp(self) -> Array:
        """Trace of PP."""

    @property
    def w(self) -> Array:
        """Sum of the weights."""

    @property
    def w2(self) -> Array:
        """Sum of the squared weights."""

    @property
    def log_w(self) -> Array:
        """Sum of the logs of the weights."""

    @property
    def log_xwx(self) -> Array:
        """Log determinant of X'WX."""


@dataclass(frozen=True, slots=True)
class Solution:
    r"""What a batch of n models gives at one tau2 each.

    ``coefficients`` of shape (p, n) and a ``root`` A of shape (p, p, n) of their covariances AA',
    with the analyst's weights if there are any; ``q`` and ``trace_p`` of shape (n,) are those of
    `Moments`, by the model's own weights, and ``rest`` is the weighted sum of squared distances
    from these coefficients: q itself, unless the analyst gave weights.
    """

    coefficients: Array
    root: Array
    q: Array
    trace_p: Array
    rest: Array


@dataclass(frozen=True, slots=True)
class Form:
    r"""The residual sum of squares with given weights a in place of the model's.

    With :math:`P = A^{1/2} (I - QQ') A^{1/2}`, where A has the weights on its diagonal and Q
    orthonormal columns: ``q`` of shape (n,) is :math:`y'Py`, ``diagonal`` of shape (k, n) that of
    P, and ``columns`` of shape (p, k, n) are Q.
    """

    q: Array
    diagonal: Array
    columns: Array


class Studies(Protocol):
    """How many studies and coefficients each of n data sets has: all that inference asks."""

    @property
    def k(self) -> Array:
        """Studies of each data set, as floats of shape (n,)."""

    @property
    def p(self) -> int:
        """Coefficients."""

    @property
    def estimable(self) -> Mask:
        """Which data sets, and their weights, can tell all the coefficients apart."""


class Projection(Studies, Protocol):
    """A batch of n data sets with their moderators.

    ``k`` is the number of studies of each data set, ``p`` of coefficients; ``vi`` of shape (k, n)
    is inf where a study does not belong. The analyst's ``weights``, if there are any, have the
    same shape and are 0 there.
    """

    @property
    def vi(self) -> Array:
        """Sampling variances."""

    @property
    def lowest(self) -> Array:
        """Smallest variance of each data set, of shape (n,)."""

    @property
    def highest(self) -> Array:
        """Largest variance of the studies that belong, of shape (n,)."""

    @property
    def at_zero(self) -> Moments:
        """The moments of all data sets at tau2 = 0, computed once."""

    @property
    def weights(self) -> Array | None:
        """The analyst's weights, the largest of a data set 1."""

    @property
    def log_xx(self) -> Array:
        """Log determinant of :math:`X'X` over the studies that belong, of shape (n,)."""

    def at(self, tau2: Array, column: Index | slice) -> Moments:
        """Return the moments of the data sets ``column`` at ``tau2`` of shape (m,)."""

    def solve(self, tau2: Array) -> Solution:
        """Return the coefficients at ``tau2`` of shape (n,), and what their tests need."""

    def form(self, weights: Array) -> Form:
        """Return what takes the place of Q with other weights, 0 where a study does not belong."""

    def unweighted(self) -> tuple[Array, Array, Array]:
        """Return residual sum of squares, trace of PV and largest residual with equal weights."""

    def variance(self) -> Array:
        """Return the mean squared distance of the effects from their mean, whatever the model."""

    def take(self, column: Index) -> Projection:
        """Return these data sets alone."""
