"""The pool that an audit looks at: one measure of a table, with the decisions in force."""

from __future__ import annotations

import warnings
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.effects.build import effects
from comorbid.effects.decisions import decisions_of
from comorbid.effects.formula import Measure
from comorbid.effects.measures import find_measure
from comorbid.effects.overrides import Override, check_overrides
from comorbid.effects.table import Effects
from comorbid.errors import DataError, DataWarning
from comorbid.models.estimators import Estimator
from comorbid.models.fit import Fit, pool
from comorbid.models.kernel import Batch, Test, fit_batch
from comorbid.models.settings import check_settings, find_estimator
from comorbid.studies.finding import Repair
from comorbid.studies.table import Studies

_COUNTS = ["ai", "bi", "ci", "di"]


@dataclass(frozen=True, slots=True, eq=False)
class Pool:
    """The rows of a table that are pooled, and how.

    Attributes
    ----------
    studies : Studies
        The whole table.
    measure : Measure
        What is pooled.
    overrides : tuple of Override
        The decisions in force.
    others : tuple of Override
        Those of them that nobody made: rows of another measure, which no repair brings in.
    fit : Fit
        The pool, by the settings given.
    """

    studies: Studies
    measure: Measure
    overrides: tuple[Override, ...]
    others: tuple[Override, ...]
    fit: Fit

    @property
    def effects(self) -> Effects:
        """The effects pooled."""
        return self.fit.effects

    def kept(self, repair: Repair) -> tuple[Override, ...]:
        """Return the decisions in force before a repair: those about what it changes are undone.

        A row that it leaves out enters as decided, unless it was decided to leave it out.
        """
        changed = {*repair.counts, *repair.inverse, *repair.values}
        return tuple(
            override
            for override in self.overrides
            if override in self.others
            or (
                override.estimate not in changed
                and not (override.use == "exclude" and override.estimate in repair.exclude)
            )
        )

    def decided(self, overrides: tuple[Override, ...]) -> Effects:
        """Return the effects pooled by these decisions alone."""
        if overrides == self.overrides:
            return self.effects
        return _usable(self.studies, self.measure, overrides)

    def fits(self, yi: Array, vi: Array, *, common: bool = False) -> Batch:
        """Pool n versions of the effects, arrays of shape (k, n), by the pool's own settings.

        Or under the common-effect model, with z intervals.
        """
        fit = self.fit
        if common:
            return fit_batch(yi, vi, estimator=find_estimator("EE"), test="z", level=fit.level)
        return fit_batch(yi, vi, estimator=fit.estimator, test=fit.test, level=fit.level)


def pool_of(
    studies: Studies,
    *,
    measure: str | Measure | None,
    overrides: Sequence[Override],
    method: str | Estimator,
    test: Test,
    level: float,
) -> Pool | str:
    """Return the pool of a table, or why there is none.

    Rows that report another measure are left out where they cannot be pooled with the others.

    Raises
    ------
    DataError
        If an override is something else, or about no row or figure of the table.
    ModelError
        If the measure or a setting is unknown.
    """
    find_estimator(method)
    check_settings(test, level)
    decided = check_overrides(overrides)
    chosen = _measure_of(studies) if measure is None else find_measure(measure)
    if chosen is None:
        return "the table names no measure and has no 2x2 counts; give measure="
    decisions_of(studies.arrays, chosen, decided)
    reason = ""
    for others in ((), _of_other_measures(studies, chosen)):
        left_out = (*decided, *others)
        try:
            found = _usable(studies, chosen, left_out)
            if found.k == 0:
                return f"no row gives an effect of measure {chosen.id}"
            fit = pool(found, method=method, test=test, level=level)
        except DataError as error:
            reason = reason or "; ".join(problem.message for problem in error.problems)
        else:
            return Pool(studies, chosen, left_out, others, fit)
    return reason


def _of_other_measures(studies: Studies, measure: Measure) -> tuple[Override, ...]:
    """Return that rows which report another measure are left out, without which none is pooled."""
    arrays = studies.arrays
    other = arrays["primary"] & (arrays["measure"] != "") & (arrays["measure"] != measure.id)
    reason = f"It does not report {measure.id}."
    rows = arrays["estimate_id"][other]
    return tuple(Override(row, use="exclude", reason=reason) for row in rows)


def _measure_of(studies: Studies) -> Measure | None:
    """Return the measure that most primary rows report, or OR for a table of counts."""
    arrays = studies.arrays
    named = Counter(arrays["measure"][arrays["primary"] & (arrays["measure"] != "")])
    if named:
        return find_measure(named.most_common(1)[0][0])
    complete = ~np.isnan([arrays[name] for name in _COUNTS]).any(axis=0)
    return find_measure("OR") if complete.any() else None


def _usable(studies: Studies, measure: Measure, overrides: Sequence[Override]) -> Effects:
    """Return the effects that can be pooled."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DataWarning)
        found = effects(studies, measure=measure, overrides=overrides)
    return found.take(np.flatnonzero(np.isfinite(found.yi) & np.isfinite(found.vi)))
