"""Printed values: the values that print as published numbers do, drawn at random."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy import special

from comorbid.effects.arrays import Array, Index
from comorbid.effects.digits import Digits
from comorbid.effects.scales import SCALES

Ends = tuple[Array, Array]


@dataclass(frozen=True, slots=True, eq=False)
class PrintedValues:
    """Between which values the printed numbers of k effects lie.

    Attributes
    ----------
    estimate, low, high : (array, array)
        Least and largest value, each of shape (k,), of the estimate and of the ends of its
        interval, on the printed scale; nan where there is no interval.
    se : (array, array)
        The same of a printed standard error, analysis scale.
    z : array of shape (k,)
        Standard errors from the middle to an end of the interval, or, of an effect that comes with
        neither, from 0 to the effect, as its p-value has it.
    scale : str
        Of the effects.
    """

    estimate: Ends
    low: Ends
    high: Ends
    se: Ends
    z: Array
    scale: str

    @property
    def inside(self) -> Ends:
        """Between which values an estimate that lies in its interval, if there is one, lies."""
        return np.fmax(self.estimate[0], self.low[0]), np.fmin(self.estimate[1], self.high[1])

    def ends(self) -> tuple[Ends, Ends]:
        """Return least and largest effects and standard errors, each of shape (k,)."""
        forward = SCALES[self.scale].forward
        effect = forward(self.inside[0]), forward(self.inside[1])
        size = np.sort(np.abs(effect), axis=0) / self.z
        narrow = np.maximum(0.0, forward(self.high[0]) - forward(self.low[1])) / (2 * self.z)
        wide = (forward(self.high[1]) - forward(self.low[0])) / (2 * self.z)
        return effect, (
            _first_known(narrow, self.se[0], size[0]),
            _first_known(wide, self.se[1], size[1]),
        )

    def draw(self, rng: np.random.Generator, n: int) -> tuple[Array, Array]:
        """Return n random effects and variances of each, of shape (k, n)."""
        forward = SCALES[self.scale].forward
        estimate = self._estimates(rng, n)
        low_least, low_most, high_least, high_most, se_least, se_most, z = (
            part[:, None] for part in (*self.low, *self.high, *self.se, self.z)
        )
        low = _between(low_least, np.fmin(low_most, estimate), rng.random(estimate.shape))
        high = _between(np.fmax(high_least, estimate), high_most, rng.random(estimate.shape))
        se = _between(se_least, se_most, rng.random(estimate.shape))
        yi = forward(estimate)
        width = (forward(high) - forward(low)) / (2 * z)
        return yi, _first_known(width, se, np.abs(yi) / z) ** 2

    def _estimates(self, rng: np.random.Generator, n: int) -> Array:
        """Return random estimates on the printed scale, of shape (k, n).

        Of numbers uniform within their digits, given that the estimate lies in the interval, the
        density of the estimate is the product of the room that it leaves for the two ends. At least
        a sixth of uniform draws is kept, and the others are drawn again.
        """
        least, most = self.inside
        every = np.arange(least.size)
        full = self._room(most, every)[0] * self._room(least, every)[1]
        drawn = np.empty((least.size, n))
        row, column = (place.ravel() for place in np.indices(drawn.shape))
        while row.size:
            estimate = _between(least[row], most[row], rng.random(row.size))
            drawn[row, column] = estimate
            below, above = self._room(estimate, row)
            again = rng.random(row.size) * full[row] > below * above  # never without an interval
            row, column = row[again], column[again]
        return drawn

    def _room(self, estimate: Array, row: Index) -> Ends:
        """Return how far apart the values are that the lower and the upper end may have."""
        return (
            np.fmin(self.low[1][row], estimate) - self.low[0][row],
            self.high[1][row] - np.fmax(self.high[0][row], estimate),
        )


def printed_values(digits: Sequence[Digits], yi: Array, vi: Array, scale: str) -> PrintedValues:
    """Return between which values the numbers behind effects lie.

    Parameters
    ----------
    digits : sequence of k Digits
    yi, vi : arrays of shape (k,)
        The effects and variances that they gave.
    scale : str
        Of the effects. No value lies outside what the scale can have, such as an odds ratio of 0.

    Examples
    --------
    >>> swain = Digits("2.9", "2.8", "2.9", "", 0.95)
    >>> values = printed_values([swain], np.log([2.9]), np.array([8.01e-05]), "log")
    >>> _, (narrowest, widest) = values.ends()
    >>> narrowest.tolist(), widest.round(5).tolist()
    ([0.0], [0.01791])
    """
    level = np.array([own.level for own in digits])
    interval = np.array([bool(own.ci_low) for own in digits])
    with np.errstate(divide="ignore", invalid="ignore"):
        z = np.where(interval, special.ndtri((1 + level) / 2), np.abs(yi) / np.sqrt(vi))
    possible = SCALES[scale].back([-np.inf, np.inf])
    names = ("estimate", "ci_low", "ci_high")
    estimate, low, high = (
        _ends([getattr(own, name) for own in digits], possible) for name in names
    )
    se = _ends([own.se for own in digits], np.array([0.0, np.inf]))
    return PrintedValues(estimate, low, high, se, z, scale)


def _ends(texts: Sequence[str], possible: Array) -> Ends:
    """Return the least and largest values that print as texts do, nan for an empty one."""
    from comorbid.studies.published import Rounded

    known = [Rounded(text) if text else None for text in texts]
    least = np.array([np.nan if number is None else number.low for number in known])
    most = np.array([np.nan if number is None else number.high for number in known])
    return np.maximum(least, possible[0]), np.minimum(most, possible[1])


def _between(least: Array, most: Array, at: Array) -> Array:
    return np.asarray(least + (most - least) * at)


def _first_known(*values: Array) -> Array:
    """Return the first of several arrays that has a number, in each place."""
    found = values[-1]
    for other in reversed(values[:-1]):
        found = np.where(np.isnan(other), found, other)
    return found
