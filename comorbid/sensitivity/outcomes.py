"""Outcomes: how specifications come out, and what of that goes with a choice."""

from __future__ import annotations

from typing import NamedTuple


class Spread(NamedTuple):
    """How a set of specifications comes out.

    ``n`` counts them, ``with_pi`` those that have a prediction interval; ``lowest, median,
    highest`` are of the estimates, analysis scale, nan where there is none; ``ci_excludes`` and
    ``pi_excludes`` count the intervals that do not include the value of no association, and
    ``ci_other_side`` those confidence intervals that exclude it on the other side than the estimate
    of the main pool.
    """

    n: int
    lowest: float
    median: float
    highest: float
    ci_excludes: int
    with_pi: int
    pi_excludes: int
    ci_other_side: int


class Share(NamedTuple):
    """What goes with one choice of the variance of the estimates and of the interval's ends.

    Percentages: Shapley effects, which sum to 100 over all choices, and what the choice explains
    alone; nan where there is no variance.
    """

    choice: str
    estimate: float
    ci_low: float
    ci_high: float
    estimate_alone: float
    ci_low_alone: float
    ci_high_alone: float
