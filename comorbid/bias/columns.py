"""Columns: what a test needs of each study beside its effect, given or from the moderators."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike

from comorbid.checks import numbers
from comorbid.effects.arrays import Array
from comorbid.errors import DataError, Problem
from comorbid.models.fit import Fit

COUNTS = ("ai", "bi", "ci", "di")


def column(fit: Fit, name: str, given: ArrayLike | None) -> Array | None:
    """Return a column of one value a study of the fit; None where there is none."""
    values = fit.effects.moderators.get(name) if given is None else given
    if values is None:
        return None
    found = numbers(name, values)
    if found.shape != (fit.k,):
        raise DataError(
            f"{name} has shape {found.shape} for the {fit.k} studies of the fit; give one number a "
            "study, in the order of fit.effects.labels"
        )
    return found


def counts_of(fit: Fit, given: Mapping[str, ArrayLike | None]) -> dict[str, Array] | None:
    """Return the 2x2 counts ``ai, bi, ci, di``; None where all four are missing.

    Raises
    ------
    DataError
        If some of the four are missing, or a count is not a number that counts people.
    """
    found = {name: column(fit, name, given.get(name)) for name in COUNTS}
    missing = [name for name, values in found.items() if values is None]
    if len(missing) == len(COUNTS):
        return None
    if missing:
        raise DataError(f"{', '.join(missing)} missing; give all four of {', '.join(COUNTS)}")
    counts = {name: values for name, values in found.items() if values is not None}
    problems = [
        Problem(f"{fit.effects.labels[i]}: {name} is {values[i]}", "a count is 0 or more")
        for name, values in counts.items()
        for i in np.flatnonzero(~(np.isfinite(values) & (values >= 0)))
    ]
    if problems:
        raise DataError(problems)
    return counts


def sizes_of(fit: Fit, ni: ArrayLike | None, counts: Mapping[str, Array] | None) -> Array:
    """Return the people of each study: ``ni``, those of its effects, or the sum of its counts.

    Raises
    ------
    DataError
        If there are neither, or a size is not positive.
    """
    known = fit.effects.ni
    sizes = column(fit, "ni", known if ni is None and not np.isnan(known).any() else ni)
    if sizes is None and counts is not None:
        sizes = np.asarray(sum(counts.values()), dtype=np.float64)
    if sizes is None:
        raise DataError(
            "this predictor needs the number of people of each study; give ni=, or the counts "
            "ai, bi, ci and di"
        )
    problems = [
        Problem(f"{fit.effects.labels[i]}: ni is {sizes[i]}", "a study has at least one person")
        for i in np.flatnonzero(~(np.isfinite(sizes) & (sizes > 0)))
    ]
    if problems:
        raise DataError(problems)
    return sizes
