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
            return np.log((y + 0.5) / self.size), y + 0.5
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
    """Sum over the part of the support that has weight, in blocks that bound the memory.

    The distribution is log-concave with tails no heavier than Poisson's, so that nothing is lost
    beyond 12 standard deviations and 30 events from its middle.
    """
    middle, half = _middle(eta, margins)
    low, high = support(*margins)
    first = np.maximum(low, np.floor(middle - half))
    width = int((np.minimum(high, middle + half) - first).max()) + 2
    step = max(1, _CELLS // (width * eta.shape[0]))
    parts = [
        _summed(eta[:, part], margins[:, part], first[:, part], width, lowest)
        for part in (slice(at, at + step) for at in range(0, eta.shape[1], step))
    ]
    zeroth, one, two = (np.concatenate(found, axis=1) for found in zip(*parts, strict=True))
    return zeroth, one, two


def _middle(eta: Array, margins: Array) -> tuple[Array, Array]:
    """Return about where the mode is, and how far from it there is weight."""
    n1, n2, events = margins[:, None, :]
    p, q = special.expit(eta), special.expit(-eta)
    a, b, c = q - p, q * (n2 - events) + p * (n1 + events), p * n1 * events
    root = np.sqrt(np.maximum(b**2 + 4 * a * c, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        middle = np.where(b > 0, 2 * c / (b + root), (root - b) / (2 * a))
    low, high = support(n1, n2, events)
    middle = np.clip(np.where(np.isnan(middle), low, middle), low, high)
    cells = (middle, n1 - middle, events - middle, n2 - events + middle)
    return middle, 12 * np.sqrt(1 / sum(1 / (cell + 0.5) for cell in cells)) + 30


def _summed(eta: Array, margins: Array, first: Array, width: int, lowest: int) -> Derivatives:
    """Return sums over ``width`` values from ``first`` on, within the support."""
    n1, n2, events = margins[:, None, None, :]
    values = first + np.arange(width)[:, None, None]
    inside = values <= support(n1, n2, events)[1]
    # the coefficient changes by (n1 - s)(m - s) / (s + 1)(n2 - m + s + 1) from s to s + 1
    before = np.where(inside[1:], values[1:], first + 0.5) - 1
    up, down = (n1 - before) * (events - before), (before + 1) * (n2 - events + before + 1)
    steps = np.log(np.where(inside[1:], up, 1.0) / np.where(inside[1:], down, 1.0)) + eta
    terms = np.zeros(values.shape)
    np.cumsum(steps, axis=0, out=terms[1:])
    terms = np.where(inside, terms, -np.inf)
    highest = terms.max(axis=0)
    terms = np.exp(terms - highest)
    total = terms.sum(axis=0)
    mean = first + (terms * (values - first)).sum(axis=0) / total
    centred = values - mean
    square = terms * centred**2
    variance = square.sum(axis=0) / total
    if lowest == 0:
        n1, n2, events = margins[:, None, :]
        base = log_choose(n1, first) + log_choose(n2, events - first) + first * eta
        return base + highest + np.log(total), mean, variance
    third = (square * centred).sum(axis=0) / total
    if lowest == 1:
        return mean, variance, third
    return variance, third, (square * centred**2).sum(axis=0) / total - 3 * variance**2
