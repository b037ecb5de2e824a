"""The tetrachoric correlation of a 2x2 table, and its sampling variance."""

from __future__ import annotations

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array

_HALVINGS = 60  # of the interval of the angle, which is then narrower than its rounding


def tetrachoric(a: Array, b: Array, c: Array, d: Array) -> tuple[Array, Array]:
    r"""Correlation of two normal variables of which each is only known as above or below.

    With :math:`h = \Phi^{-1}((a + b)/n)` and :math:`k = \Phi^{-1}((a + c)/n)` it is the root of

    .. math:: \Phi_2(h, k; r) = a / n

    which is also the maximum of the likelihood, as the model has as many parameters as the table
    has free cells. The variance is that of the delta method: the cells are multinomial, and

    .. math:: \phi_2(h, k; r)\, dr = dp_{11} - \Phi\!\left(\tfrac{k - rh}{\sqrt{1 - r^2}}\right)
       dp_{1+} - \Phi\!\left(\tfrac{h - rk}{\sqrt{1 - r^2}}\right) dp_{+1}

    Parameters
    ----------
    a, b, c, d : arrays of shape (k,)
        The four cells; a counts those with both.

    Returns
    -------
    r, v : arrays of shape (k,)
        A table with one zero cell, or with two on a diagonal, has r = 1 or -1 and no variance;
        one without variation in either variable has neither.

    References
    ----------
    Pearson K (1900). Philosophical Transactions of the Royal Society A 195:1-47.
    doi:10.1098/rsta.1900.0022
    Hamdan MA (1970). Biometrika 57:212-215. doi:10.1093/biomet/57.1.212

    Examples
    --------
    With both variables split at their median, r = sin(2 pi (a/n - 1/4)):

    >>> r, v = tetrachoric(*(np.array([count]) for count in (30.0, 20.0, 20.0, 30.0)))
    >>> bool(np.isclose(r[0], np.sin(2 * np.pi * 0.05)))
    True
    """
    a, b, c, d = (np.asarray(cell, dtype=np.float64) for cell in (a, b, c, d))
    with np.errstate(all="ignore"):
        n = a + b + c + d
        h, k = special.ndtri((a + b) / n), special.ndtri((a + c) / n)
        r = _root(h, k, a / n)
        v = _variance(h, k, r, (a / n, b / n, c / n)) / n
    up, down = (b == 0) | (c == 0), (a == 0) | (d == 0)
    r = np.where(up, 1.0, np.where(down, -1.0, r))
    constant = ~np.isfinite(h) | ~np.isfinite(k) | (up & down)
    return np.where(constant, np.nan, r), np.where(constant | up | down, np.nan, v)


def bivariate_normal(h: Array, k: Array, r: Array) -> Array:
    r"""Probability that two standard normal variables with correlation r lie below h and k.

    By Owen's T function (scipy): with :math:`s = \sqrt{1 - r^2}`,
    :math:`\tfrac12 \Phi(h) + \tfrac12 \Phi(k) - T(h, \tfrac{k - rh}{hs})
    - T(k, \tfrac{h - rk}{ks})`, less one half where h and k differ in sign.
    """
    s = np.sqrt(1 - r**2)
    h, k = h + 0.0, k + 0.0  # no negative zero
    below = (h * k < 0) | ((h * k == 0) & (h + k < 0))
    with np.errstate(all="ignore"):
        of_h = special.owens_t(h, (k - r * h) / (h * s))
        of_k = special.owens_t(k, (h - r * k) / (k * s))
    value = special.ndtr(h) / 2 + special.ndtr(k) / 2 - of_h - of_k - below / 2
    middle = 0.25 + np.arcsin(r) / (2 * np.pi)
    return np.asarray(np.where((h == 0) & (k == 0), middle, value))


def _root(h: Array, k: Array, p: Array) -> Array:
    """Halve the interval of asin(r): the probability grows with r everywhere."""
    low, high = np.full_like(p, -np.pi / 2), np.full_like(p, np.pi / 2)
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        more = bivariate_normal(h, k, np.sin(middle)) < p
        low, high = np.where(more, middle, low), np.where(more, high, middle)
    return np.asarray(np.sin((low + high) / 2))


def _variance(h: Array, k: Array, r: Array, shares: tuple[Array, Array, Array]) -> Array:
    """Return n times the variance of r."""
    s = np.sqrt(1 - r**2)
    by_row, by_column = special.ndtr((k - r * h) / s), special.ndtr((h - r * k) / s)
    density = np.exp(-(h**2 - 2 * r * h * k + k**2) / (2 * s**2)) / (2 * np.pi * s)
    slopes = (1 - by_row - by_column, -by_row, -by_column)
    mean = sum(slope * share for slope, share in zip(slopes, shares, strict=True))
    square = sum(slope**2 * share for slope, share in zip(slopes, shares, strict=True))
    return np.asarray((square - mean**2) / density**2)
