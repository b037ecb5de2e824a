"""Jets: values with their exact first and second derivatives, carried through a computation.

Arithmetic on truncated Taylor series (forward-mode differentiation): Griewank A, Walther A (2008),
Evaluating Derivatives, 2nd ed., ch. 3 and 13. doi:10.1137/1.9780898717761
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from comorbid.effects.arrays import Array

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True, slots=True, eq=False)
class Jet:
    """A value of any shape with its derivatives by d parameters, in one array.

    ``terms`` has shape (1 + d + d^2, shape): value, gradient, Hessian.
    """

    terms: Array

    @property
    def d(self) -> int:
        """Number of parameters."""
        return math.isqrt(len(self.terms) - 1)

    @property
    def value(self) -> Array:
        """The value."""
        return np.asarray(self.terms[0])

    @property
    def first(self) -> Array:
        """The gradient, of shape (d, shape)."""
        return self.terms[1 : self.d + 1]

    @property
    def second(self) -> Array:
        """The Hessian, of shape (d, d, shape)."""
        d = self.d
        return self.terms[d + 1 :].reshape(d, d, *self.terms.shape[1:])

    def __add__(self, other: Jet | Array | float) -> Jet:
        if isinstance(other, Jet):
            return Jet(self.terms + other.terms)
        terms = self.terms.copy()
        terms[0] += other
        return Jet(terms)

    def __sub__(self, other: Jet) -> Jet:
        return Jet(self.terms - other.terms)

    def __mul__(self, other: Jet | Array | float) -> Jet:
        if not isinstance(other, Jet):
            return Jet(self.terms * other)
        terms = self.terms[0] * other.terms + other.terms[0] * self.terms
        terms[0] = self.terms[0] * other.terms[0]
        mixed = self.first[:, None] * other.first[None]
        mixed = mixed + mixed.swapaxes(0, 1)
        terms[self.d + 1 :] += mixed.reshape(-1, *mixed.shape[2:])
        return Jet(terms)

    def map(self, derivatives: Sequence[Array]) -> Jet:
        """Return a function of it, given the function's value and two derivatives there."""
        value, slope, curvature = derivatives
        terms = slope * self.terms
        terms[0] = value
        first = self.first
        square = (curvature * first)[:, None] * first[None]
        terms[self.d + 1 :] += square.reshape(-1, *square.shape[2:])
        return Jet(terms)

    def log(self) -> Jet:
        """Return the natural logarithm."""
        inverse = 1 / self.value
        return self.map((np.log(self.value), inverse, -(inverse**2)))

    def power(self, exponent: float) -> Jet:
        """Return it raised to a power."""
        slope = exponent * self.value ** (exponent - 1)
        return self.map((self.value**exponent, slope, (exponent - 1) * slope / self.value))

    def log_sum_exp(self) -> Jet:
        """Return the log of the sum of exponentials over the first axis of the value."""
        highest = self.value.max(axis=0)
        weights = np.exp(self.value - highest)
        total = weights.sum(axis=0)
        share = weights / total
        first = self.first
        square = (first * share)[:, None] * first[None]
        terms = (self.terms * share).sum(axis=1)
        terms[0] = highest + np.log(total)
        mean = terms[1 : self.d + 1]
        away = square.sum(axis=2) - mean[:, None] * mean[None]
        terms[self.d + 1 :] += away.reshape(-1, *away.shape[2:])
        return Jet(terms)

    def without(self, parameter: int) -> Jet:
        """Return it with one of the parameters taken as known."""
        first = np.delete(self.first, parameter, axis=0)
        second = np.delete(np.delete(self.second, parameter, axis=0), parameter, axis=1)
        second = second.reshape(-1, *self.value.shape)
        return Jet(np.concatenate([self.value[None], first, second]))

    def only(self) -> Jet:
        """Return it without the first axis of the value, which has one element."""
        return Jet(self.terms[:, 0])


def parameters(values: Array) -> list[Jet]:
    """Return d parameters, given as (d, shape), as jets of shape (1, shape)."""
    d = len(values)
    terms = np.zeros((d, 1 + d + d**2, 1, *values.shape[1:]))
    terms[:, 0, 0] = values
    terms[range(d), range(1, d + 1)] = 1.0
    return [Jet(each) for each in terms]
