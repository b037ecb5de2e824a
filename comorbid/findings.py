"""Findings: facts about a pool from which people judge how certain it is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from scipy import special

from comorbid.effects.measures import null_of
from comorbid.models.notices import LITTLE_POWER
from comorbid.models.pooled import Fit
from comorbid.studies.table import Studies


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
    times: float
    least: int = LITTLE_POWER

    @property
    def asymmetry_assessable(self) -> bool:
        """Whether there are enough studies for a conclusion on small-study effects."""
        return self.k >= self.least

    def to_dict(self) -> dict[str, Any]:
        """Return every fact as a plain value."""
        names = ("k", "participants", "above", "below", "at", "apart", "times", "least")
        return {
            **{name: getattr(self, name) for name in names},
            "without_n": list(self.without_n),
            "known": self.k - len(self.without_n),
            "asymmetry_assessable": self.asymmetry_assessable,
        }


def findings(fit: Fit, *, studies: Studies) -> Findings:
    """Return the facts about a pool of these studies.

    The people of a study are its ``n``, or else the total of its 2x2 counts.
    """
    frame = studies.frame.set_index("estimate_id").loc[list(fit.effects.ids)]
    counts = frame[["ai", "bi", "ci", "di"]].sum(axis=1, skipna=False)
    people = frame["n"].fillna(counts).to_numpy(dtype=np.float64)
    y, half = fit.effects.yi, special.ndtri((1 + fit.level) / 2) * np.sqrt(fit.effects.vi)
    null = null_of(fit.effects.measure)
    known = not math.isnan(null)
    return Findings(
        k=fit.k,
        participants=int(np.nansum(people)),
        without_n=tuple(np.array(fit.effects.labels)[np.isnan(people)].tolist()),
        above=int((y > null).sum()) if known else None,
        below=int((y < null).sum()) if known else None,
        at=int((y == null).sum()) if known else None,
        apart=int((np.abs(y - fit.estimate) > half).sum()),
        times=_times(fit),
    )


def _times(fit: Fit) -> float:
    if fit.effects.scale != "log":
        return math.nan
    with np.errstate(over="ignore"):
        return float(np.exp(fit.ci[1] - fit.ci[0]))
