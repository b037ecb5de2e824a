"""Cumulants: the distributions of counts, as exponential families with their derivatives.

A count y has the log-likelihood y eta - K(eta) + constant, with K the cumulant function.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import special

from comorbid.effects.arrays import Array, Mask

Derivatives = tuple[Array, Array, Array]
Cumulants = Callable[[Array, Array, int], Derivatives]

# Most numbers that sums over hypergeometric distributions hold at once.
_CELLS = 2_000_000
# Values of a hypergeometric distribution from which on not each of them is summed.
_WIDE = 200


@dataclass(frozen=True, slots=True, eq=False)
class Observed:
    """Counts of k studies, of one distribution: arrays of shape (k,).

    ``size`` is what K needs to be known: trials, person-time, or the margins (3, k) of a table.
    ``constant`` is the part of the log-likelihood that depends on no parameter; ``unbounded``
    says that a count may be of any size.
    """

    cumulants: Cumulants
    count: Array
    size: Array
    constant: Array
    unbounded: bool = False

    def normal(self) -> tuple[Array, Array]:
        """Return about what eta is by each count alone, and its inverse variance.

        With 1/2 added to the cells; of the hypergeometric distribution as of a 2x2 table.
        """
        y = self.count
        if self.unbounded:
            seen = self.size > 0
            return np.log((y + 0.5) / np.where(seen, self.size, 1.0)), np.where(seen, y + 0.5, 0.0)
        cells = [y, self.size - y]
        if self.size.ndim == 2:
            n1, n2, events = self.size
            cells = [y, n1 - y, events - y, n2 - events + y]
        table = np.array(cells) + 0.5
        signs = np.array([1.0, -1.0, -1.0, 1.0])[: len(table), None]
        return (signs * np.log(table)).sum(axis=0), 1 / (1 / table).sum(axis=0)

    def take(self, rows: slice | Mask | NDArray[np.intp]) -> Observed:
        """Return the counts of these studies, which may repeat."""
        parts = {name: getattr(self, name)[..., rows] for name in ("count", "size", "constant")}
        return replace(self, **parts)

    def without(self, gone: Mask) -> Observed:
        """Return the counts with those of some studies taken out, which then say nothing."""
        size = np.where(gone, 0.0, self.size)
        return replace(self, count=np.where(gone, 0.0, self.count), size=size)


def binomial(count: Array, trials: Array) -> Observed:
    """Return binomial counts; eta is the log odds."""
    return Observed(_binomial, count, trials, log_choose(trials, count))


def poisson(count: Array, time: Array) -> Observed:
    """Return Poisson counts over person-time; eta is the log rate."""
    constant = special.xlogy(count, time) - special.gammaln(count + 1)
    return Observed(_poisson, count, time, constant, unbounded=True)


def hypergeometric(count: Array, n1: Array, n2: Array, events: Array) -> Observed:
    """Return events of group 1, given all margins; eta is the log odds ratio."""
    constant = log_choose(n1, count) + log_choose(n2, events - count)
    return Observed(_hypergeometric, count, np.stack([n1, n2, events]), constant)


def log_choose(n: Array, r: Array) -> Array:
    """Return the log of a binomial coefficient."""
    return np.asarray(special.gammaln(n + 1) - special.gammaln(r + 1) - special.gammaln(n - r + 1))


def support(n1: Array, n2: Array, events: Array) -> tuple[Array, Array]:
    """Return the least and the largest number of events that group 1 can have."""
    return np.maximum(0.0, events - n2), np.minimum(n1, events)


def _binomial(eta: Array, trials: Array, lowest: int) -> Derivatives:
    p = special.expit(eta)
    q = special.expit(-eta)
    variance = trials * p * q
    every = (
        lambda: trials * np.logaddexp(0.0, eta),
        lambda: trials * p,
        lambda: variance,
        lambda: variance * (q - p),
        lambda: variance * (1 - 6 * p * q),
    )
    zeroth, one, two = (term() for term in every[lowest : lowest + 3])
    return zeroth, one, two


def _poisson(eta: Array, time: Array, lowest: int) -> Derivatives:
    # a step of Newton's method may go far too high, from where it is halved
    mean = time * np.exp(np.minimum(eta, 300.0))
    return mean, mean, mean


def _hypergeometric(eta: Array, margins: Array, lowest: int) -> Derivatives:
    r"""Sum over the part of the support that has weight, in blocks that bound the memory.

    The count is distributed as a sum of independent 0-or-1 variables. By Bernstein's inequality
    less than 1e-17 is then lost beyond 14 + sqrt(180 + 80 sd^2) events from its middle; and h
    times the sum over every h-th value differs from the sum over all by shares of at most
    :math:`\exp\{-\sigma^2 (1 - \cos(2 \pi j / h))\}, j = 1, \dots, h - 1`, below 1e-20 where h
    is at most 0.4 standard deviations. So large tables take no more terms than small ones.

    References
    ----------
    Kou SG, Ying Z (1996). Statistica Sinica 6:809-829.
    """
    middle, half, stride = _middle(eta, margins)
    low, high = support(*margins)
    first = np.maximum(low, np.floor(middle - half))
    span = np.minimum(high, middle + half) - first
    wide = span.max(axis=0) > _WIDE
    found = np.empty((3, *eta.shape))
    for chosen, h in ((~wide, np.ones_like(eta)), (wide, stride)):
        columns = np.flatnonzero(chosen)
        if not columns.size:
            continue
        terms = int((span / h)[:, columns].max()) + 2
        step = max(1, _CELLS // (terms * eta.shape[0]))
        for at in range(0, columns.size, step):
            part = columns[at : at + step]
            seen = eta[:, part], margins[:, part], first[:, part], h[:, part]
            found[:, :, part] = _summed(*seen, terms, lowest)
    return found[0], found[1], found[2]


def _middle(eta: Array, margins: Array) -> tuple[Array, Array, Array]:
    """Return about where the mode is, how far from it there is weight, and 0.4 of its spread."""
    n1, n2, events = margins[:, None, :]
    p, q = special.expit(eta), special.expit(-eta)
    a, b, c = q - p, q * (n2 - events) + p * (n1 + events), p * n1 * events
    root = np.sqrt(np.maximum(b**2 + 4 * a * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.where(b > 0, 2 * c / (b + root), (root - b) / (2 * a))
    low, high = support(n1, n2, events)
    middle = np.clip(np.where(np.isnan(middle), low, middle), low, high)
    spread = np.sqrt(1 / sum(1 / (cell + 0.5) for cell in _cells(middle, n1, n2, events)))
    return middle, np.sqrt(80 * spread**2 + 180) + 14, np.maximum(1.0, np.floor(0.4 * spread))


def _cells(count: Array, n1: Array, n2: Array, events: Array) -> tuple[Array, ...]:
    return count, n1 - count, events - count, n2 - events + count


def _summed(
    eta: Array, margins: Array, first: Array, stride: Array, terms: int, lowest: int
) -> Derivatives:
    """Return sums over every ``stride``-th value of the support, ``terms`` from ``first`` on."""
    values = first + stride * np.arange(terms)[:, None, None]
    inside = values <= support(*margins)[1]
    logs = (_by_ratios if (stride == 1).all() else _by_factorials)(values, inside, eta, margins)
    logs = np.where(inside, logs, -np.inf)
    highest = logs.max(axis=0)
    weights = np.exp(logs - highest)
    total = weights.sum(axis=0)
    mean = first + (weights * (values - first)).sum(axis=0) / total
    centred = values - mean
    square = weights * centred**2
    variance = square.sum(axis=0) / total
    if lowest == 0:
        n1, n2, events = margins[:, None, :]
        base = log_choose(n1, first) + log_choose(n2, events - first) + first * eta
        return base + highest + np.log(stride * total), mean, variance
    third = (square * centred).sum(axis=0) / total
    if lowest == 1:
        return mean, variance, third
    return variance, third, (square * centred**2).sum(axis=0) / total - 3 * variance**2


def _by_ratios(values: Array, inside: Mask, eta: Array, margins: Array) -> Array:
    """Return the logs of what is summed, with the first as 0, each from the one before."""
    n1, n2, events = margins[:, None, None, :]
    # the coefficient changes by (n1 - s)(m - s) / (s + 1)(n2 - m + s + 1) from s to s + 1
    before = np.where(inside[1:], values[1:], values[0] + 0.5) - 1
    up, down = (n1 - before) * (events - before), (before + 1) * (n2 - events + before + 1)
    steps = np.log(np.where(inside[1:], up, 1.0) / np.where(inside[1:], down, 1.0)) + eta
    logs = np.zeros(values.shape)
    np.cumsum(steps, axis=0, out=logs[1:])
    return logs


def _by_factorials(values: Array, inside: Mask, eta: Array, margins: Array) -> Array:
    """Return the same from factorials, each beside that of a cell in the middle of the values.

    So that large numbers, which differ by little, are never subtracted.
    """
    n1, n2, events = margins[:, None, None, :]
    values = np.where(inside, values, values[0])
    middle = (values[0] + values.max(axis=0)) / 2
    cells = _cells(values, n1, n2, events)
    centres = [cell + 0.5 for cell in _cells(middle, n1[0], n2[0], events[0])]
    signs = (1.0, -1.0, -1.0, 1.0)
    slope = eta - sum(sign * np.log(centre) for sign, centre in zip(signs, centres, strict=True))
    logs = (values - values[0]) * slope
    for cell, centre in zip(cells, centres, strict=True):
        logs = logs - special.xlog1py(cell, (cell - centre) / centre) - remainder(cell)
    return np.asarray(logs - logs[0])


def remainder(x: Array) -> Array:
    """Return log(x!) - x log x + x: from 16 on Stirling's series, to 1e-14."""
    large = np.maximum(x, 16.0)
    inverse = large**-2
    series = (1 / 12 - (1 / 360 - (1 / 1260 - inverse / 1680) * inverse) * inverse) / large
    found = np.asarray(0.5 * np.log(2 * np.pi * large) + series)
    few = x < 16
    small = x[few]
    found[few] = special.gammaln(small + 1) - special.xlogy(small, small) + small
    return found
