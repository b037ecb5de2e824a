"""Fitting: all groups of a part at once, also where one of them cannot be fitted."""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from comorbid.effects.arrays import Array, Mask
from comorbid.errors import ModelError
from comorbid.many.groups import Groups
from comorbid.many.settings import Settings
from comorbid.models.fits import Batch
from comorbid.models.groups import fit_groups


@dataclass(frozen=True, slots=True, eq=False)
class Fitted:
    """Fits of n groups; arrays of shape (n,), nan where something does not exist.

    Attributes
    ----------
    fits : Batch
        The groups as a whole.
    loo_low, loo_high : arrays of shape (n,)
        Lowest and highest estimate with one study left out.
    loo_excludes : array of shape (n,)
        Whether leaving one out changes whether the interval excludes the null.
    reason : array of shape (n,)
        Why a group could not be fitted, as the model says it; empty where it could.
    """

    fits: Batch
    loo_low: Array
    loo_high: Array
    loo_excludes: Mask
    reason: NDArray[np.object_]


def fit(groups: Groups, settings: Settings) -> Fitted:
    """Return the fits of groups; where the model refuses, halves are tried until it is one group.

    That changes nothing for the others, whose fits depend on their own studies alone.
    """
    return _joined(_fitted(groups, settings, 0, groups.missing.size))


def _fitted(groups: Groups, settings: Settings, start: int, stop: int) -> list[Fitted]:
    """Return the fits of the groups from ``start`` to ``stop``, in some parts."""
    offsets = groups.offsets[start : stop + 1]
    studies = slice(offsets[0], offsets[-1])
    try:
        found = fit_groups(
            groups.yi[studies],
            groups.vi[studies],
            offsets - offsets[0],
            estimator=settings.estimator,
            test=settings.test,
            level=settings.level,
            null=settings.measure.null,
            engine=settings.kernel,
        )
    except ModelError as error:
        if stop - start == 1:
            return [_refused(int(offsets[1] - offsets[0]), str(error))]
        middle = (start + stop) // 2
        halves = (start, middle), (middle, stop)
        return [part for half in halves for part in _fitted(groups, settings, *half)]
    none = np.full(stop - start, "", dtype=object)
    return [Fitted(found.fits, found.loo_low, found.loo_high, found.loo_excludes, none)]


def _refused(k: int, reason: str) -> Fitted:
    """Return the fit of a group of k studies that the model refuses."""
    columns = {field.name: np.full(1, np.nan) for field in fields(Batch)}
    fits = Batch(**columns | {"k": np.array([k])})
    nothing = np.full(1, np.nan)
    return Fitted(fits, nothing, nothing, np.zeros(1, dtype=bool), np.array([reason], dtype=object))


def _joined(parts: list[Fitted]) -> Fitted:
    """Put parts together."""
    if len(parts) == 1:
        return parts[0]
    columns = [part.fits.columns() for part in parts]
    fits = {name: np.concatenate([part[name] for part in columns]) for name in columns[0]}
    others = ("loo_low", "loo_high", "loo_excludes", "reason")
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in others}
    return Fitted(Batch(**fits), **joined)
