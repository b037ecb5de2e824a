"""Generalised Q: Cochran's Q with any weights, its moments, and its exact distribution."""

from __future__ import annotations

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.errors import ModelError
from comorbid.models.roots import find_roots
from comorbid.models.sums import active, others

# The path of integration: how far its ends lean from the vertical (the tangent of 22.5 degrees, as
# far from where exponentials grow as from where Gaussians do), distance of its points, and how far
# it goes, in saddle points. The error is about 1e-13.
_LEAN, _STEP, _REACH = np.sqrt(2) - 1, 0.08, 75.0
_MAX_STEPS = 100
# Complex numbers held at a time.
_CELLS = 2**17


class GeneralisedQ:
    r"""Cochran's Q of n data sets with a common mean, for given weights.

    .. math:: Q_a = \sum a_i (y_i - \bar y_a)^2 = y'Ay, \quad
       A = \mathrm{diag}(a) - aa' / \textstyle\sum a

    With tau2 on the diagonal of :math:`S = \mathrm{diag}(v_i + \tau^2)`, the effects have the
    mean :math:`\mathrm{tr}(AS)` and the variance :math:`2\,\mathrm{tr}(ASAS)` of Q.

    Parameters
    ----------
    yi, vi : arrays of shape (k, n)
        Effects and variances; ``vi`` is inf where a study does not belong to a data set.
    weights : array of shape (k, n) or (k, 1)
        The weights a, not negative.

    References
    ----------
    DerSimonian R, Kacker R (2007). Contemporary Clinical Trials 28:105-114.
    doi:10.1016/j.cct.2006.04.004
    """

    def __init__(self, yi: Array, vi: Array, weights: Array) -> None:
        member = active(vi)
        self.k = member.sum(axis=0)
        self._v = np.where(member, vi, 0.0)
        a = np.where(member, weights, 0.0)
        with np.errstate(invalid="ignore"):
            self._a = a / a.max(axis=0)
        self._total = self._a.sum(axis=0)
        origin = yi[vi.argmin(axis=0), np.arange(vi.shape[1])]
        centred = np.where(member, yi - origin, 0.0)
        mean = (self._a * centred).sum(axis=0) / self._total
        self.q: Array = (self._a * (centred - mean) ** 2).sum(axis=0)
        self._diagonal = self._a * others(self._a) / self._total
        self.trace: Array = self._diagonal.sum(axis=0)

    def expectation(self, tau2: Array) -> Array:
        """Return the mean of Q at ``tau2`` (n,)."""
        return np.asarray((self._diagonal * (self._v + tau2)).sum(axis=0))

    def spread(self, tau2: Array) -> Array:
        """Return the standard deviation of Q at ``tau2`` (n,)."""
        s = self._v + tau2
        shared = self._a**2 * s
        squares = (self._diagonal * s) ** 2 + shared * others(shared) / self._total**2
        return np.asarray(np.sqrt(2 * squares.sum(axis=0)))

    def tau2_where(self, probability: float) -> Array:
        """Return the tau2 at which Q is below its observed value with a given probability.

        That probability falls as tau2 grows; where it is smaller from the start, 0 is returned, and
        nan where fewer than two weights are above 0.
        """
        everything = np.arange(self.k.size)
        tau2 = np.where(self.trace > 0, 0.0, np.nan)

        def excess(value: Array, column: Index) -> tuple[Array, Array]:
            below, slope = self.below(value, column)
            return below - probability, slope

        above = everything[excess(np.zeros(self.k.size), everything)[0] > 0]
        high = self.q[above] / self.trace[above]
        short = np.arange(above.size)
        while short.size:
            high[short] *= 4
            short = short[excess(high[short], above[short])[0] > 0]
        tau2[above] = find_roots(excess, tau2[above], high, above)
        return tau2

    def below(self, tau2: Array, column: Index) -> tuple[Array, Array]:
        r"""Return the probability that Q is at most its observed value, and its slope in tau2.

        Q is distributed as a sum of independent chi-squared variables times the eigenvalues of AS,
        which enter its transform through two sums over studies:

        .. math:: P(Q \le q) = \frac1{2\pi i} \int e^{zq} M(z) \frac{dz}z, \quad
           M(z)^{-2} = \prod (1 + 2 z c_i) \frac1{\sum a} \sum \frac{a_i}{1 + 2 z c_i}, \quad
           c_i = a_i (v_i + \tau^2)

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
        size = max(1, _CELLS // (self._a.shape[0] * u.size))
        for start in range(0, tau2.size, size):
            part = slice(start, start + size)
            probability[part], slope[part] = self._integrals(u, tau2[part], column[part])
        return probability, slope

    def _integrals(self, u: Array, tau2: Array, column: Index) -> tuple[Array, Array]:
        q, a = self.q[column], self._a[:, column]
        share = a / self._total[column]
        c = a * (self._v[:, column] + tau2)
        some = np.where(q > 0, q, 1.0)
        saddle, width = _saddle(some, c, share)
        z = saddle + width * (1j * np.sinh(u) - _LEAN * (np.cosh(u) - 1))
        factor = 1 + 2 * z[:, None, :] * c
        parts = share / factor
        mean = parts.sum(axis=1)
        log_m = -(np.log(factor).sum(axis=1) + np.log(mean)) / 2
        value = np.exp(z * some + log_m) / z * (np.cosh(u) + 1j * _LEAN * np.sinh(u))
        rate = (a / factor).sum(axis=1) - (parts * a / factor).sum(axis=1) / mean
        weight = np.where(u == 0, 0.5, 1.0) * width * _STEP / np.pi
        below = (value.real * weight).sum(axis=0)
        slope = -((value * z * rate).real * weight).sum(axis=0)
        return np.where(q > 0, below, 0.0), np.where(q > 0, slope, 0.0)


def _saddle(q: Array, c: Array, share: Array) -> tuple[Array, Array]:
    """Return the saddle point of the integrand and the width of its peak there.

    The slope of the exponent rises and is concave: from the left, Newton's method cannot overshoot.
    """
    z = 1 / q
    for _ in range(_MAX_STEPS):
        factor = 1 + 2 * z * c
        r = 2 * c / factor
        part = share / factor
        part = part / part.sum(axis=0)
        m1, m2 = (part * r).sum(axis=0), (part * r**2).sum(axis=0)
        first = q - (r.sum(axis=0) - m1) / 2 - 1 / z
        second = ((r**2).sum(axis=0) - 2 * m2 + m1**2) / 2 + 1 / z**2
        step = first / second
        z = z - step
        if (np.abs(step) <= 1e-3 * z).all():
            return z, 1 / np.sqrt(second)
    raise ModelError(
        "the distribution of the generalised Q cannot be computed: weights or variances are too "
        "many orders of magnitude apart"
    )
