"""The effect measures of the core, in one place."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comorbid.checks import check_choice
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
from comorbid.effects.scales import SCALES
from comorbid.effects.single import SINGLE_MEASURES

if TYPE_CHECKING:
    import pandas as pd

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


def measures() -> pd.DataFrame:
    """Return what is known about every measure of the core.

    Returns
    -------
    pandas.DataFrame
        Indexed by id: ``label``; ``columns``, what it is computed from; ``formula`` of effect and
        variance; ``scale`` of the analysis and ``back``, the formula back to the printed scale;
        ``null``, the value of no association on the analysis scale; ``reference``.

    See Also
    --------
    find_measure : One measure, printed below each other.

    References
    ----------
    Viechtbauer W (2010). Journal of Statistical Software 36(3). doi:10.18637/jss.v036.i03

    Examples
    --------
    >>> table = measures()
    >>> table.loc["PLO", "formula"]
    'y = log(x / (n - x)), v = 1/x + 1/(n - x); AV: at the mean x / n of all studies'
    >>> table.loc["PLO", ["scale", "back"]].tolist()
    ['logit', '1 / (1 + exp(-y))']
    """
    import pandas as pd

    rows = {
        known.id: {
            "label": known.label,
            "columns": ", ".join(known.columns),
            "formula": known.formula,
            "scale": known.scale,
            "back": SCALES[known.scale].text,
            "null": known.null,
            "reference": known.cite,
        }
        for known in MEASURES
    }
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis("id")


def null_of(measure: str) -> float:
    """Return the value of no association on a measure's analysis scale; nan where there is none.

    A measure that is none of the core's is taken to have it at 0.

    Examples
    --------
    >>> null_of("OR"), null_of("PLO")
    (0.0, nan)
    """
    return {known.id: known.null for known in MEASURES}.get(measure, 0.0)


def find_measure(measure: str | Measure) -> Measure:
    """Return the measure of this id; a `Measure` is returned as it is.

    Parameters
    ----------
    measure : str or Measure
        An id, metafor's where it has one; `measures` lists them.

    Returns
    -------
    Measure
        It prints what it is computed from, its formula, scale and reference.

    Raises
    ------
    ModelError
        If there is no such measure.

    Examples
    --------
    >>> find_measure("ZCOR").formula
    'y = atanh(r), v = 1 / (n - 3)'
    """
    if isinstance(measure, Measure):
        return measure
    check_choice("measure", measure, (known.id for known in MEASURES))
    return next(known for known in MEASURES if known.id == measure)
