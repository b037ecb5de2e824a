"""Versions: every combination of what the studies leave open, pooled."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import comorbid as cb

LIMIT = 4096
"""Combinations up to which each is pooled; beyond, the choices of all studies go together."""


@dataclass(frozen=True, slots=True)
class Option:
    """One estimate that a study may have.

    Parameters
    ----------
    label : str
        What was chosen or assumed.
    yi, vi : float
        Log ratio and its variance.
    """

    label: str
    yi: float
    vi: float


def combinations(options: Sequence[Sequence[Option]]) -> list[tuple[Option, ...]]:
    """Return every combination of one option a study, or of their positions if they are too many.

    Parameters
    ----------
    options : sequence of sequence of Option
        One sequence a study, in order.

    Examples
    --------
    >>> a, b = Option("a", 0.1, 0.2), Option("b", 0.3, 0.2)
    >>> [[option.label for option in found] for found in combinations([[a, b], [a]])]
    [['a', 'a'], ['b', 'a']]
    >>> len(combinations([[a, b]] * 12)), len(combinations([[a, b]] * 13))
    (4096, 2)
    """
    if math.prod(map(len, options)) <= LIMIT:
        return list(itertools.product(*options))
    steps = max(map(len, options))
    return [
        tuple(own[round(i * (len(own) - 1) / (steps - 1))] for own in options) for i in range(steps)
    ]


def pool_all(
    versions: Sequence[tuple[Option, ...]], *, context: cb.Context, measure: str
) -> cb.Refits:
    """Pool each version by the report's method, test and level.

    Parameters
    ----------
    versions : sequence of tuple of Option
        One option a study.
    context : Context
    measure : str
        What is pooled, in words; on the log scale.
    """
    settings = context.settings
    return cb.pool_versions(
        [[option.yi for option in study] for study in zip(*versions, strict=True)],
        vi=[[option.vi for option in study] for study in zip(*versions, strict=True)],
        labels=["; ".join(option.label for option in version) for version in versions],
        measure=measure,
        scale="log",
        method=settings.method,
        test=settings.test,
        level=settings.level,
    )
