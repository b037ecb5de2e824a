"""Findings: facts about a pool from which people judge how certain it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from scipy import special

from comorbid.bias.asymmetry import Asymmetry, asymmetry
from comorbid.effects.measures import null_of
from comorbid.errors import ModelError
from comorbid.models.notices import LITTLE_POWER
from comorbid.models.pooled import Fit
from comorbid.models.study_rows import rows_of
from comorbid.studies.table import Studies

if TYPE_CHECKING:
    from comorbid.bias.asymmetry import AsymmetryTest

_COUNTS = ("ai", "bi", "ci", "di")
_TESTS: tuple[AsymmetryTest, ...] = ("egger",)
_COUNT_TESTS: tuple[AsymmetryTest, ...] = ("harbord", "peters")


@dataclass(frozen=True, slots=True)
class Findings:
    """What is known of a pool's size, consistency and precision; made by `findings`.

    Attributes
    ----------
    k : int
        Studies pooled.
    participants : int
        People in those whose number is known.
    without_n : tuple of str
        Labels of the others.
    above, below, at : int or None
        Estimates on either side of the null value, and at it; None for a measure without one.
    apart : int
        Studies whose own interval leaves out the average.
    pairs, overlapping : int
        Pairs of studies, and those whose intervals overlap.
    times : float
        Upper end of the average's interval over the lower one; nan unless it is of a ratio.
    least : int
        Studies that a conclusion on small-study effects needs.
    """

    k: int
    participants: int
    without_n: tuple[str, ...]
    above: int | None
    below: int | None
    at: int | None
    apart: int
    pairs: int
    overlapping: int
    times: float
    least: int = LITTLE_POWER

    @property
    def asymmetry_assessable(self) -> bool:
        """Whether there are enough studies for a conclusion on small-study effects."""
        return self.k >= self.least

    def to_dict(self) -> dict[str, Any]:
        """Return every fact as a plain value."""
        names = ("k", "participants", "above", "below", "at", "apart", "pairs", "overlapping")
        return {
            **{name: getattr(self, name) for name in (*names, "times", "least")},
            "without_n": list(self.without_n),
            "known": self.k - len(self.without_n),
            "asymmetry_assessable": self.asymmetry_assessable,
        }


def findings(fit: Fit, *, studies: Studies) -> Findings:
    """Return the facts about a pool of these studies.

    The people of a study are its ``n``, or else the total of its 2x2 counts.
    """
    frame = rows_of(fit, studies)
    counts = frame[list(_COUNTS)].sum(axis=1, skipna=False)
    people = frame["n"].fillna(counts).to_numpy(dtype=np.float64)
    y, half = fit.effects.yi, special.ndtri((1 + fit.level) / 2) * np.sqrt(fit.effects.vi)
    null = null_of(fit.effects.measure)
    known = not math.isnan(null)
    # Of two intervals that do not overlap one begins beyond the end of the other.
    disjoint = fit.k - np.searchsorted(np.sort(y - half), y + half, side="right")
    pairs = fit.k * (fit.k - 1) // 2
    return Findings(
        k=fit.k,
        participants=int(np.nansum(people)),
        without_n=tuple(np.array(fit.effects.labels)[np.isnan(people)].tolist()),
        above=int((y > null).sum()) if known else None,
        below=int((y < null).sum()) if known else None,
        at=int((y == null).sum()) if known else None,
        apart=int((np.abs(y - fit.estimate) > half).sum()),
        pairs=pairs,
        overlapping=pairs - int(disjoint.sum()),
        times=_times(fit),
    )


def asymmetry_tests(fit: Fit, *, studies: Studies) -> tuple[dict[str, Asymmetry], dict[str, str]]:
    """Return the tests for asymmetry that suit measure and data, and why others have no result.

    From ten studies on; of odds ratios that all come from counts Harbord's and Peters', else
    Egger's.
    """
    if fit.k < LITTLE_POWER:
        return {}, {}
    counts = dict[str, Any]()
    if fit.effects.measure in ("OR", "PETO") and set(fit.effects.source) == {"counts"}:
        rows = rows_of(fit, studies)
        counts = {name: rows[name].to_numpy(dtype=np.float64) for name in _COUNTS}
    tests, lacking = dict[str, Asymmetry](), dict[str, str]()
    for test in _COUNT_TESTS if counts else _TESTS:
        try:
            tests[test] = asymmetry(fit, test=test, **counts)
        except ModelError as error:
            lacking[test] = str(error)
    return tests, lacking


def _times(fit: Fit) -> float:
    if fit.effects.scale != "log":
        return math.nan
    with np.errstate(over="ignore"):
        return float(np.exp(fit.ci[1] - fit.ci[0]))
