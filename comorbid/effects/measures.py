"""The effect measures of the core, in one place."""

from __future__ import annotations

from comorbid.effects.associations import ASSOCIATION_MEASURES
from comorbid.effects.biserial import BISERIAL_MEASURES
from comorbid.effects.changes import CHANGE_MEASURES
from comorbid.effects.correlations import CORRELATION_MEASURES
from comorbid.effects.counts import COUNT_MEASURES
from comorbid.effects.formula import Formula as Formula, Measure as Measure, Rows as Rows
from comorbid.effects.given import GIVEN_MEASURES
from comorbid.effects.means import MEAN_MEASURES
from comorbid.effects.proportions import PROPORTION_MEASURES
from comorbid.effects.rates import RATE_MEASURES
from comorbid.effects.ratios import RATIO_MEASURES
from comorbid.effects.single import SINGLE_MEASURES
from comorbid.errors import ModelError

MEASURES: tuple[Measure, ...] = (
    *COUNT_MEASURES,
    *ASSOCIATION_MEASURES,
    *GIVEN_MEASURES,
    *RATE_MEASURES,
    *MEAN_MEASURES,
    *RATIO_MEASURES,
    *BISERIAL_MEASURES,
    *CORRELATION_MEASURES,
    *PROPORTION_MEASURES,
    *SINGLE_MEASURES,
    *CHANGE_MEASURES,
)


def find_measure(measure: str | Measure) -> Measure:
    """Return the measure of this id; a `Measure` is returned as it is.

    Parameters
    ----------
    measure : str or Measure
        An id, metafor's where it has one.

    Returns
    -------
    Measure

    Raises
    ------
    ModelError
        If there is no such measure.

    Examples
    --------
    >>> measure = find_measure("ZCOR")
    >>> measure.label, str(measure.effect)
    ('correlation', 'y = atanh(r), v = 1 / (n - 3)')
    """
    if isinstance(measure, Measure):
        return measure
    for known in MEASURES:
        if known.id == measure:
            return known
    ids = ", ".join(known.id for known in MEASURES)
    raise ModelError(f"measure is {measure!r}; use one of {ids}")
