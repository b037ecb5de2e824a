"""The core: rows of complete groups in, one row a group out; a function of these rows alone."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.many.fitting import fit
from comorbid.many.flags import as_words, flags_of, reasons_of
from comorbid.many.groups import Groups, group
from comorbid.many.rows import Rows, read_rows
from comorbid.many.settings import RESULT_COLUMNS, Settings

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.many.rows import Table


def pool_groups(table: Table, settings: Settings) -> pd.DataFrame:
    """Pool every group of a table that holds its groups whole.

    Parameters
    ----------
    table : pandas.DataFrame or pyarrow.Table
        All rows of some groups, in any order; the rows of a group in the order in which the whole
        table has them.
    settings : Settings
        What to pool by.

    Returns
    -------
    pandas.DataFrame
        One row a group, in the order of the keys: these, then `RESULT_COLUMNS` without
        ``p_adjusted``. A row depends on the rows of its own group alone, to the bit.

    Raises
    ------
    DataError
        If a key is missing, or a value is none that can be.

    Examples
    --------
    >>> import pandas as pd
    >>> from comorbid.many.settings import settings_for
    >>> table = pd.DataFrame({"drug": ["b", "a", "b"], "yi": [0.5, 0.1, 0.9], "vi": 0.04})
    >>> pool_groups(table, settings_for(table, by="drug"))[["drug", "k", "estimate"]]
      drug  k  estimate
    0    a  1       0.1
    1    b  2       0.7
    """
    return pool_rows(read_rows(table, settings), settings)


def pool_rows(rows: Rows, settings: Settings) -> pd.DataFrame:
    """Pool every group of rows that are read already; see `pool_groups`."""
    import pandas as pd

    groups = group(rows)
    found: dict[str, Any] = {
        name: key.values[codes]
        for name, key, codes in zip(settings.by, rows.keys, groups.codes, strict=True)
    }
    columns = _columns(groups, settings)
    found |= {name: columns[name] for name in RESULT_COLUMNS if name in columns}
    return pd.DataFrame(found)


def _columns(groups: Groups, settings: Settings) -> dict[str, Any]:
    """Return the columns of the result."""
    import pandas as pd

    found = fit(groups, settings)
    fits = found.fits
    unfitted = ~(np.isfinite(fits.estimate) & np.isfinite(fits.se))
    flags = flags_of(groups, fits, estimated=settings.estimator.id != "EE")
    numbers = {
        name: np.where(unfitted, np.nan, values) if name != "k" else values
        for name, values in fits.columns().items()
    }
    unknown = unfitted | (fits.k < 2) | np.isnan(settings.measure.null)
    return {
        **numbers,
        "loo_low": found.loo_low,
        "loo_high": found.loo_high,
        "loo_crosses_null": pd.arrays.BooleanArray(found.loo_excludes & ~unknown, unknown),
        "missing": groups.missing,
        "flags": as_words(flags),
        "reason": np.where(found.reason != "", found.reason, reasons_of(flags)),
    }
