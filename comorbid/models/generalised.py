"""Generalised Q: Cochran's Q with any weights, its moments, and its exact distribution."""

from __future__ import annotations

from typing import Any

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.projection import Projection
from comorbid.models.roots import find_roots
from comorbid.models.sums import active, others, relative, total

# The path of integration: how far its ends lean from the vertical (the tangent of 22.5 degrees, as
# far from where exponentials grow as from where Gaussians do), distance of its points, and how far
# it goes, in saddle points. The error is about 1e-13.
_LEAN, _STEP, _REACH = np.sqrt(2) - 1, 0.08, 75.0
_MAX_STEPS = 100
# Complex numbers held at a time.
_CELLS = 2**17


class GeneralisedQ:
    r"""Cochran's Q of n data sets, with or without moderators, for given weights.

    .. math:: Q_a = \sum a_i (y_i - x_i'\hat\beta_a)^2 = y'Py, \quad
       P = A - AX(X'AX)^{-1}X'A

    with the weights a on the diagonal of A, and :math:`\hat\beta_a` the coefficients that they
    give. With tau2 on the diagonal of :math:`S = \mathrm{diag}(v_i + \tau^2)`, the effects have
    the mean :math:`\mathrm{tr}(PS)` and the variance :math:`2\,\mathrm{tr}(PSPS)` of Q.

    Parameters
    ----------
    data : Projection
        n data sets.
    weights : array of shape (k, n) or (k, 1)
        The weights a, not negative, in the order of the studies that ``data`` has.

    References
    ----------
    DerSimonian R, Kacker R (2007). Contemporary Clinical Trials 28:105-114.
    doi:10.1016/j.cct.2006.04.004
    """

    def __init__(self, data: Projection, weights: Array) -> None:
        member = active(data.vi)
        self.k = data.k
        self._v = np.where(member, data.vi, 0.0)
        self._a = relative(np.where(member, weights, 0.0))
        form = data.form(self._a)
        self.q: Array = form.q
        self._diagonal = form.diagonal
        self._pairs = form.columns[:, None] * form.columns
        # nan where no more weights are above 0 than there are coefficients: Q is 0 whatever tau2.
        several = (self._a > 0).sum(axis=0) > data.p
        self.trace: Array = np.where(several, total(self._diagonal), np.nan)

    def expectation(self, tau2: Array) -> Array:
        """Return the mean of Q at ``tau2`` (n,)."""
        return total(self._diagonal * (self._v + tau2))

    def spread(self, tau2: Array) -> Array:
        """Return the standard deviation of Q at ``tau2`` (n,)."""
        s = self._v + tau2
        shared = np.moveaxis(self._a * s * self._pairs, 2, 0)
        squares = (self._diagonal * s) ** 2 + (shared * others(shared)).sum(axis=(1, 2))
        return np.asarray(np.sqrt(2 * squares.sum(axis=0)))

    def tau2_where(self, probability: float) -> Array:
        """Return the tau2 at which Q is below its observed value with a given probability.

        That probability falls as tau2 grows; where it is smaller from the start, 0 is returned; nan
        where the weights determine no tau2.
        """
        some = np.flatnonzero(self.trace > 0)
        tau2 = np.full(self.k.size, np.nan)
        tau2[some] = 0.0

        def excess(value: Array, column: Index) -> tuple[Array, Array]:
            below, slope = self.below(value, column)
            return below - probability, slope

        above = some[excess(tau2[some], some)[0] > 0]
        high = self.q[above] / self.trace[above]
        short = np.arange(above.size)
        while short.size:
            high[short] *= 4
            short = short[excess(high[short], above[short])[0] > 0]
        tau2[above] = find_roots(excess, tau2[above], high, above)
        return tau2

    def below(self, tau2: Array, column: Index) -> tuple[Array, Array]:
        r"""Return the probability that Q is at most its observed value, and its slope in tau2.

        Q is distributed as a sum of independent chi-squared variables times the eigenvalues of PS,
        which enter its transform through sums over studies:

        .. math:: P(Q \le q) = \frac1{2\pi i} \int e^{zq} M(z) \frac{dz}z, \quad
           M(z)^{-2} = |B(z)| \prod (1 + 2 z c_i), \quad
           B(z) = \sum \frac{q_i q_i'}{1 + 2 z c_i}, \quad c_i = a_i (v_i + \tau^2)

        with the rows :math:`q_i` of the orthonormal columns that span :math:`A^{1/2} X`; without
        moderators :math:`q_i^2 = a_i / \sum a`.

        The integral is taken by the trapezoidal rule, which converges exponentially, on a
        hyperbola through the saddle point. As its ends leave the vertical by less than 45 degrees,
        the integrand falls along it all the way, whatever the eigenvalues.

        Parameters
        ----------
        tau2, column : arrays of shape (m,)
            Values of tau2 and the data sets that they are for.

        Returns
        -------
        probability, slope : arrays of shape (m,)
            To about 1e-13.

        References
        ----------
        Rice SO (1980). SIAM Journal on Scientific and Statistical Computing 1:438-448.
        doi:10.1137/0901032
        Trefethen LN, Weideman JAC (2014). SIAM Review 56:385-458. doi:10.1137/130932132
        """
        probability, slope = np.empty(tau2.size), np.empty(tau2.size)
        furthest = np.arcsinh(_REACH * np.sqrt(self.k.max() / 2 + 1))
        u = np.arange(0, furthest, _STEP)[:, None]
        cells = self._a.shape[0] * u.size * self._pairs.shape[0] ** 2
        size = max(1, _CELLS // cells)
        for start in range(0, tau2.size, size):
            part = slice(start, start + size)
            probability[part], slope[part] = self._integrals(u, tau2[part], column[part])
        return probability, slope

    def _integrals(self, u: Array, tau2: Array, column: Index) -> tuple[Array, Array]:
        q, a, pairs = self.q[column], self._a[:, column], self._pairs[..., column]
        c = a * (self._v[:, column] + tau2)
        some = np.where(q > 0, q, 1.0)
        saddle, width = _saddle(some, c, pairs)
        z = saddle + width * (1j * np.sinh(u) - _LEAN * (np.cosh(u) - 1))
        factor = 1 + 2 * z[:, None, :] * c
        parts = pairs[:, :, None] / factor
        log_b, share = _solved(parts.sum(axis=3), (parts * (a / factor)).sum(axis=3))
        log_m = -(np.log(factor).sum(axis=1) + log_b) / 2
        value = np.exp(z * some + log_m) / z * (np.cosh(u) + 1j * _LEAN * np.sinh(u))
        rate = (a / factor).sum(axis=1) - np.einsum("ii...->...", share)
        weight = np.where(u == 0, 0.5, 1.0) * width * _STEP / np.pi
        below = (value.real * weight).sum(axis=0)
        slope = -((value * z * rate).real * weight).sum(axis=0)
        return np.where(q > 0, below, 0.0), np.where(q > 0, slope, 0.0)


def _solved(matrix: Any, right: Any) -> tuple[Any, Any]:
    """Return the log determinants of matrices (p, p, ...), and solutions for right sides.

    By elimination without exchanges: B(z) and every part that is left of it have their values in
    one half of the complex plane, so that no pivot vanishes and logs add up on one branch.
    """
    matrix, right = matrix.copy(), right.copy()
    log_det = 0.0
    for i in range(matrix.shape[0]):
        pivot = matrix[i, i].copy()
        log_det = log_det + np.log(pivot)
        matrix[i], right[i] = matrix[i] / pivot, right[i] / pivot
        for j in range(matrix.shape[0]):
            if j != i:
                factor = matrix[j, i].copy()
                matrix[j] -= factor * matrix[i]
                right[j] -= factor * right[i]
    return log_det, right


def _saddle(q: Array, c: Array, pairs: Array) -> tuple[Array, Array]:
    """Return the saddle point of the integrand and the width of its peak there.

    The slope of the exponent rises and is concave: from the left, Newton's method cannot overshoot.
    """
    z = 1 / q
    for _ in range(_MAX_STEPS):
        factor = 1 + 2 * z * c
        r = 2 * c / factor
        parts = pairs / factor
        weighted = parts * r
        sums = np.stack([weighted.sum(axis=2), (weighted * r).sum(axis=2)], axis=2)
        shares = _solved(parts.sum(axis=2)[:, :, None], sums)[1]
        m1, m2 = np.einsum("iisn->sn", shares)
        square = np.einsum("ijn,jin->n", shares[:, :, 0], shares[:, :, 0])
        first = q - (r.sum(axis=0) - m1) / 2 - 1 / z
        second = ((r**2).sum(axis=0) - 2 * m2 + square) / 2 + 1 / z**2
        step = first / second
        z = z - step
        if (np.abs(step) <= 1e-3 * z).all():
            return z, 1 / np.sqrt(second)
    raise ModelError(
        "the distribution of the generalised Q cannot be computed: weights or variances are too "
        "many orders of magnitude apart"
    )
