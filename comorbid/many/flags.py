"""Flags: what a reader must know of a group before relying on its row."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from comorbid.audited.pool_checks import MOST, NEARLY_ALL
from comorbid.effects.arrays import Array, Index, Mask
from comorbid.many.groups import Groups
from comorbid.models.fits import Batch
from comorbid.models.notices import FEW

REASONS: Mapping[str, str] = {
    "no-study": "no study is left: every row lacks its effect or its variance",
    "not-fitted": "effects or variances are too large or too small to compute with; check them "
    "for typing errors",
}
"""Why a row is nan, by its flag."""


def flags_of(groups: Groups, fits: Batch, *, estimated: bool) -> dict[str, Mask]:
    """Return which groups each flag applies to; ``estimated`` says whether tau2 was.

    What each says stands in `PooledGroups`.
    """
    k = fits.k
    fitted = np.isfinite(fits.estimate) & np.isfinite(fits.se)
    return {
        "no-study": k == 0,
        "one-study": k == 1,
        "few-studies": np.isin(k, FEW) & estimated,
        "not-fitted": (k > 0) & ~fitted,
        "no-spread": fitted & (fits.se == 0),
        "tau2-zero": (k > 1) & (fits.tau2 == 0) & estimated,
        "nearly-all-weight": _nearly_all(groups, fits),
        "missing-rows": groups.missing > 0,
    }


def as_words(flags: Mapping[str, Mask]) -> NDArray[np.object_]:
    """Return the flags of each group by name, with blanks between."""
    number = np.zeros(next(iter(flags.values())).size, dtype=np.intp)
    for i, applies in enumerate(flags.values()):
        number |= applies.astype(np.intp) << i
    words = [
        " ".join(name for i, name in enumerate(flags) if code >> i & 1)
        for code in range(2 ** len(flags))
    ]
    return np.array(words, dtype=object)[number]


def reasons_of(flags: Mapping[str, Mask]) -> NDArray[np.object_]:
    """Return why each group has no estimate; empty where it has one."""
    found = np.full(next(iter(flags.values())).size, "", dtype=object)
    for name, reason in REASONS.items():
        found[flags[name]] = reason
    return found


def _nearly_all(groups: Groups, fits: Batch) -> Mask:
    """Return where one study has nearly all the weight, by the thresholds of the audit."""
    tau2 = np.where(np.isfinite(fits.tau2), fits.tau2, 0.0)
    common = _largest_share(groups.vi, groups.offsets)
    own = _largest_share(groups.vi + np.repeat(tau2, np.diff(groups.offsets)), groups.offsets)
    found = (common >= NEARLY_ALL) & (fits.k > 1) | (own >= MOST) & (fits.k > 2)
    return np.asarray(found)


def _largest_share(vi: Array, offsets: Index) -> Array:
    """Return the largest weight of each group, in percent of all of them; nan without studies."""
    filled = np.flatnonzero(np.diff(offsets))
    share = np.full(offsets.size - 1, np.nan)
    if filled.size:
        start = offsets[filled]
        with np.errstate(over="ignore", invalid="ignore"):
            smallest = np.minimum.reduceat(vi, start)
            relative = np.repeat(smallest, np.diff(offsets)[filled]) / vi
            share[filled] = 100 / np.add.reduceat(relative, start)
    return share
