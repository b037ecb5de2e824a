"""Arrangements: every distinct order of things of which some are alike, by number."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from comorbid.effects.arrays import Index


def count_arrangements(sizes: Sequence[int]) -> int:
    r"""Return how many distinct orders there are of groups of like things.

    .. math:: \frac{k!}{\prod_g n_g!}, \qquad k = \sum_g n_g

    Examples
    --------
    >>> count_arrangements([2, 1])
    3
    """
    return math.factorial(sum(sizes)) // math.prod(math.factorial(size) for size in sizes)


def arrangements(sizes: Sequence[int], numbers: Index) -> Index:
    """Return the arrangements with these numbers, in the order of a dictionary.

    Parameters
    ----------
    sizes : sequence of g int
        How many things each group has; k together.
    numbers : integer array of shape (n,)
        From 0 to ``count_arrangements(sizes) - 1``, which is to fit in 63 bits.

    Returns
    -------
    integer array of shape (k, n)
        The group at each place.

    Examples
    --------
    >>> arrangements([2, 1], np.arange(3)).T.tolist()
    [[0, 0, 1], [0, 1, 0], [1, 0, 0]]
    """
    k = sum(sizes)
    rest = numbers.astype(np.int64)
    left = np.repeat(np.array(sizes, dtype=np.int64)[:, None], rest.size, axis=1)
    ways = np.full(rest.size, count_arrangements(sizes), dtype=np.int64)
    chosen = np.empty((k, rest.size), dtype=np.intp)
    for place in range(k):
        # Of the arrangements that are left, each group begins its share.
        begun = np.cumsum(ways * left // (k - place), axis=0)
        group = (rest >= begun).sum(axis=0)
        column = np.arange(rest.size)
        before = np.where(group > 0, begun[group - 1, column], 0)
        ways = begun[group, column] - before
        rest = rest - before
        left[group, column] -= 1
        chosen[place] = group
    return chosen
