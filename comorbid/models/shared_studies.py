"""Shared studies: those that many data sets are made of, and the tau2 to look at first."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from comorbid.effects.arrays import Array, Index

_EPS = float(np.finfo(np.float64).eps)


class SharedStudies:
    r"""The studies, the most precise first, which effects are counted from.

    Parameters
    ----------
    yi, vi : arrays of shape (k,)
        Effects and variances.

    Attributes
    ----------
    effects : array of shape (k,)
        As they are.
    yi, vi : arrays of shape (k, 1)
        Distances of effects from ``origin``, that of the first, and variances.
    powers : array of shape (3, k)
        Ones, distances and their squares.
    others : array of shape (k,)
        0 for the first and 1 for the others.
    rounding : float
        What rounding can change of sums over all studies, relative to the size of their terms. A
        sum of k terms is off by at most k eps times the sum of their sizes, and the mean by
        :math:`k \epsilon \sum w|y| / \sum w \le k \epsilon \sqrt{k \sum w^2 y^2} / \sum w`.
    """

    def __init__(self, yi: Array, vi: Array) -> None:
        k = len(vi)
        self.order: Index = np.argsort(vi, kind="stable")
        self.vi: Array = vi[self.order][:, None]
        self.effects: Array = yi[self.order]
        self.origin = float(self.effects[0])
        self.yi: Array = self.effects[:, None] - self.origin
        self.powers: Array = np.stack([np.ones(k), self.yi[:, 0], self.yi[:, 0] ** 2])
        self.others: Array = np.ones(k)
        self.others[0] = 0.0
        self.rounding = float((k + 8) * _EPS * (4 + 3 * np.sqrt(k)))
        self.ladder = Ladder(self)

    @cached_property
    def columns(self) -> Array:
        """What each study adds to the sums that scores need on the ladder, of shape (rows, k)."""
        yi = self.powers[1]
        w, squares, cubes = self.ladder.weights
        wy, cubes_y = w * yi, cubes * yi
        return np.concatenate([w, wy, squares, w * wy, wy * wy, cubes, cubes_y, cubes_y * yi])


class Ladder:
    r"""Values of tau2, :math:`v_{min} (2^j - 1)`, at which the moments of data sets are sums.

    The first is below 0 and only helps to find roots near it; the last but one is past every
    maximum. With the sample variance :math:`s^2` of a data set, at most half the squared range of
    its effects, :math:`y'PPy \le (k - 1) s^2 / (v_{min} + \tau^2)^2` while
    :math:`\mathrm{tr} P \ge (k - 1) / (v_{max} + \tau^2)`.

    Attributes
    ----------
    lowest : float
        The smallest variance.
    nodes : array of shape (g,)
    hidden : int
        Between so many neighbours, from 0 on, a score could change its sign twice: up to
        :math:`v_{max} - 2 v_{min}`, past which it falls at every root.
    weights : list of three arrays of shape (g, k)
        The studies' weights at each node, their squares, and their cubes, those only at the nodes
        around what is hidden.
    rows : int
        How many sums a data set has: five a node, and three with the cubes.
    """

    def __init__(self, studies: SharedStudies) -> None:
        self.lowest, highest = float(studies.vi[0, 0]), float(studies.vi[-1, 0])
        spread = float(np.ptp(studies.yi)) ** 2 / 2
        past = (spread + np.sqrt(spread * (spread + 4 * (highest - self.lowest)))) / 2
        last = int(np.ceil(np.log2(1 + 1.01 * max(past, self.lowest) / self.lowest)))
        self.nodes: Array = self.lowest * (np.exp2(np.arange(-1.0, last + 2)) - 1)
        self.hidden = int((self.nodes[1:-2] < highest - 2 * self.lowest).sum())
        w = 1 / (studies.vi.T + self.nodes[:, None])
        self.weights: list[Array] = [w, w * w, (w * w * w)[1 : self.hidden + 2]]
        self.rows = 5 * len(w) + 3 * (self.hidden + 1)
