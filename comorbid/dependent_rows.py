"""Dependent rows: all rows of a subgroup, correlated within studies, with robust intervals."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.against_rest import definition_of, matching_effects
from comorbid.checks import check_type, is_number, numbers, shown
from comorbid.effects.arrays import Array, Index
from comorbid.effects.measures import Measure
from comorbid.effects.overrides import Override
from comorbid.effects.table import Effects
from comorbid.errors import ModelError
from comorbid.models import text
from comorbid.models.covariance import covariance
from comorbid.models.multilevel import multilevel
from comorbid.models.robust import robust
from comorbid.models.robust_result import Robust
from comorbid.models.settings import check_level

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.studies.table import Studies

ENOUGH = 4
"""Degrees of freedom below which a robust interval cannot be relied on (Tipton 2015)."""
_CELLS = ("ai", "bi", "ci", "di")


@dataclass(frozen=True, slots=True, eq=False)
class DependentRows:
    """All rows of a subgroup in a multilevel model; made by `dependent_rows`.

    Attributes
    ----------
    label : str
        Name of the subgroup.
    effects : Effects or None
        Its rows, several of one study; None without any.
    rho : float
        The assumed correlation of the sampling errors of one study.
    robust : Robust or None
        The average with ``rho``, CR2; None where there is no model.
    others : tuple of (float, Robust)
        The average with other correlations.
    shared : tuple of str
        The studies whose covariances follow from a group of people that their rows share.
    reason : str
        Why there is no model, if there is none: a sentence.

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> found = cb.dependent_rows(table, where={"headache": ["chronic"]}, label="chronic")
    >>> found.k, found.studies, found.several
    (3, 2, 1)
    """

    label: str
    effects: Effects | None
    rho: float
    robust: Robust | None
    others: tuple[tuple[float, Robust], ...]
    shared: tuple[str, ...]
    reason: str

    @property
    def k(self) -> int:
        """Number of rows."""
        return 0 if self.effects is None else self.effects.k

    @property
    def studies(self) -> int:
        """Number of studies that have a row."""
        return len(self._rows_by_study())

    @property
    def several(self) -> int:
        """Number of studies that have several."""
        return sum(rows > 1 for rows in self._rows_by_study().values())

    def _rows_by_study(self) -> Counter[str]:
        return Counter(() if self.effects is None else self.effects.studies)

    def to_frame(self) -> pd.DataFrame:
        """Return the averages by assumed correlation, with the columns of `Robust.to_frame`."""
        import pandas as pd

        fits = [] if self.robust is None else [(self.rho, self.robust), *self.others]
        frames = {rho: fit.to_frame() for rho, fit in fits}
        return pd.concat(frames, names=["rho"]).droplevel("term") if frames else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Return counts, settings and averages as plain values."""
        return {
            "label": self.label,
            "rows": self.k,
            "studies": self.studies,
            "several": self.several,
            "rho": self.rho,
            "average": None if self.robust is None else self.robust.to_dict(),
            "others": [{"rho": rho, **fit.to_dict()} for rho, fit in self.others],
            "enough_df": ENOUGH,
            "shared": list(self.shared),
            "reason": self.reason,
        }

    def summary(self) -> str:
        """Return the result as text."""
        rows = f"{self.label}: {self.k} rows of {self.studies} studies"
        if self.robust is None:
            return f"{rows}. {self.reason}"
        return f"{rows}, correlation {self.rho:g} within studies\n{self.robust.summary()}"

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def dependent_rows(
    studies: Studies,
    *,
    where: Mapping[str, Sequence[str]],
    label: str = "subgroup",
    measure: str | Measure = "OR",
    overrides: Sequence[Override] = (),
    rho: float = 0.6,
    others: Sequence[float] = (0.2, 0.8),
    level: float = 0.95,
) -> DependentRows:
    r"""Average all rows that match, several of one study, as dependent as they are.

    Row i of study j is :math:`y_{ij} = \mu + u_j + u_{ij} + e_{ij}`, with sampling errors
    correlated by ``rho`` within a study, fitted by REML (the correlated and hierarchical effects
    model). Its interval is cluster-robust (CR2, Satterthwaite's degrees of freedom): with enough
    studies it holds whether or not the assumed correlation is right.

    Where the 2x2 counts of a study's rows have one group in common, and no other, the covariances
    follow from these by the method of Greenland and Longnecker, and nothing is assumed.

    Parameters
    ----------
    studies : Studies
        All rows, primary or not.
    where, label, measure, overrides
        As in `against_rest`.
    rho : float
        Between 0 and 1.
    others : sequence of float
        Further correlations, to see what the assumption does.
    level : float
        Of the intervals.

    Returns
    -------
    DependentRows
        Without a model, and with the reason, where no study has several rows, or only one study
        has any, or the rows do not determine the model.

    Raises
    ------
    DataError
        If a column does not exist, or an argument is of another type.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Pustejovsky JE, Tipton E (2022). Prevention Science 23:425-438.
    doi:10.1007/s11121-021-01246-3
    Tipton E (2015). Psychological Methods 20:375-393. doi:10.1037/met0000011
    Greenland S, Longnecker MP (1992). American Journal of Epidemiology 135:1301-1309.
    doi:10.1093/oxfordjournals.aje.a116237

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> found = cb.dependent_rows(table, where={"headache": ["chronic"]}, label="chronic")
    >>> found.robust.df.round(1).item()
    1.0
    >>> cb.dependent_rows(table, where={"headache": ["migraine"]}, label="migraine").reason
    'No study has several rows.'
    """
    from comorbid.studies.table import Studies

    check_type("studies", studies, Studies, "read a table with read_studies()")
    further = np.atleast_1d(numbers("others", others)).tolist()
    for value in (rho, *further):
        if not (is_number(value) and 0 <= value < 1):
            raise ModelError(f"a correlation is {shown(value)}; give a number from 0 to below 1")
    check_level(level)
    definition = definition_of(studies, where)
    matching = matching_effects(studies, definition, measure, overrides)
    if matching is None:
        return DependentRows(label, None, rho, None, (), (), "No row matches.")
    rows = matching.take(np.flatnonzero(np.isfinite(matching.yi) & np.isfinite(matching.vi)))
    if reason := _without_model(rows):
        return DependentRows(label, rows, rho, None, (), (), reason)
    shared = _shared(rows, studies)
    try:
        fits = [_robust(rows, value, shared, level) for value in (rho, *further)]
    except ModelError as error:
        reason = f"All rows together cannot be averaged: {error}."
        return DependentRows(label, rows, rho, None, (), (), reason)
    names = tuple(rows.labels[at[0]] for at, _ in shared)
    pairs = tuple(zip(further, fits[1:], strict=True))
    return DependentRows(label, rows, rho, fits[0], pairs, names, "")


def _without_model(rows: Effects) -> str:
    """Return why rows have no model of dependence, if they have none."""
    if not rows.k:
        return "No row matches."
    studies = set(rows.studies)
    if len(studies) == rows.k:
        return "No study has several rows."
    if len(studies) == 1:
        return "All rows are of one study."
    return ""


def _shared(rows: Effects, studies: Studies) -> list[tuple[Index, Array]]:
    """Return the rows of each study with one group in common, and their covariances.

    That group is the second row of their 2x2 tables or, as an odds ratio is the same either way,
    the second column.
    """
    if rows.measure not in ("OR", "RR"):
        return []
    of = {id_: i for i, id_ in enumerate(studies.arrays["estimate_id"])}
    columns, places = studies.arrays, [of[id_] for id_ in rows.ids]
    cells = np.array([columns[n] for n in _CELLS])[:, places]
    people = np.asarray(columns["n"])[places] if "n" in columns else np.full(rows.k, np.nan)
    found = []
    for study in dict.fromkeys(rows.studies):
        at = np.flatnonzero([own == study for own in rows.studies])
        for order in ((0, 1, 2, 3), (0, 2, 1, 3))[: 2 if rows.measure == "OR" else 1]:
            own = cells[list(order)][:, at]
            if at.size > 1 and (own > 0).all() and _one_group(own, people[at]):
                reference = dict(zip(_CELLS, own.tolist(), strict=True))
                found.append((at, covariance(rows.take(at), reference=reference).matrix))
                break
    return found


def _one_group(cells: Array, people: Array) -> bool:
    """Return whether only the second group of some tables, as (4, rows), is the same people.

    Not if the first groups of two are the same as well, as of a crude and an adjusted estimate, or
    the groups have more people than their study (``people``, where it is one number for all), so
    that some are in several.
    """
    if (cells[2:] != cells[2:, :1]).any():
        return False
    apart = len(set(zip(*cells[:2].tolist(), strict=True))) == cells.shape[1]
    everyone = cells[:2].sum() + cells[2:, 0].sum()
    return apart and not (people.min() == people.max() and everyone > people[0])


def _robust(
    rows: Effects, rho: float, shared: Sequence[tuple[Index, Array]], level: float
) -> Robust:
    assumed = covariance(rows, rho=rho)
    if not shared:
        return robust(multilevel(rows, V=assumed, level=level))
    v = assumed.matrix
    for at, own in shared:
        v[np.ix_(at, at)] = own
    return robust(multilevel(rows, V=v, level=level))
