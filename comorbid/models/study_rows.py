"""Study rows: the rows of a study table that a fit pools."""

from __future__ import annotations

from typing import TYPE_CHECKING

from comorbid.checks import check_type
from comorbid.errors import DataError, Problem
from comorbid.models.pooled import Fit, check_fit
from comorbid.studies.table import Studies

if TYPE_CHECKING:
    import pandas as pd


def rows_of(fit: Fit, studies: Studies) -> pd.DataFrame:
    """Return the rows that a fit pools, in its order, by ``estimate_id``.

    Raises
    ------
    DataError
        If either is something else, or the fit pools what is no row of this table.
    """
    check_fit(fit)
    check_type("studies", studies, Studies, "give what read_studies() returns")
    table = studies.frame.set_index("estimate_id", drop=False)
    foreign = [id_ for id_ in fit.effects.ids if id_ not in table.index]
    if foreign:
        remedy = "give the fit of effects() of this table"
        raise DataError([Problem(f"no row has the id {id_!r}", remedy) for id_ in foreign])
    return table.loc[list(fit.effects.ids)]
