"""Sparse: whether tables have so few events that the normal method of two steps is in doubt."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Array, Frozen, Mask
from comorbid.effects.few_events import FEW, LEAST, smallest_expected, too_few
from comorbid.effects.measures import find_measure
from comorbid.errors import DataError, Problem
from comorbid.models import text
from comorbid.models.counts import read_counts
from comorbid.models.frames import labelled

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.models.counts import Tables

_SILENT = "no table has both events and people without: they say nothing of the association"


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class Sparse(Frozen):
    """How few events tables have; made by `sparse`.

    Attributes
    ----------
    labels, ids : tuple of str
        Of the tables.
    smallest : array of shape (k,)
        The smallest expected cell of each table under no association; 0 where a margin is 0.
    zeros : array of shape (k,)
        Observed cells that are 0.
    double_zero : boolean array of shape (k,)
        Tables without events, or with nothing else, in both groups.
    risk1, risk2 : float
        Events as a proportion of all people in group 1, and in group 2.
    imbalance : float
        The largest ratio of the two groups' sizes, whichever is larger.
    warnings : tuple of str
        What was left out, and whether the tables say anything at all.

    Examples
    --------
    >>> import comorbid as cb
    >>> cb.sparse({"ai": [12], "n1i": [90], "ci": [15], "n2i": [88]}).doubtful
    False
    """

    labels: tuple[str, ...]
    ids: tuple[str, ...]
    smallest: Array
    zeros: Array
    double_zero: Mask
    risk1: float
    risk2: float
    imbalance: float
    warnings: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of tables."""
        return len(self.labels)

    @property
    def smallest_expected(self) -> float:
        """The smallest expected cell of all tables."""
        return float(self.smallest.min())

    @property
    def below_5(self) -> int:
        """Tables with an expected cell below 5."""
        return int((self.smallest < FEW).sum())

    @property
    def below_1(self) -> int:
        """Tables with an expected cell below 1."""
        return int((self.smallest < LEAST).sum())

    @property
    def with_zero(self) -> int:
        """Tables with an observed cell of 0."""
        return int((self.zeros > 0).sum())

    @property
    def doubtful(self) -> bool:
        """Whether the normal method should not be relied on alone.

        Where a cell is 0, so that a correction enters; or, by Cochran's rule, where an expected
        cell is below 1, or below 5 in more than a fifth of the tables.
        """
        return too_few(self.smallest, zero=self.with_zero > 0)

    def to_frame(self) -> pd.DataFrame:
        """Return the tables by label: ``smallest, zeros, double_zero``."""
        columns = {"smallest": self.smallest, "zeros": self.zeros, "double_zero": self.double_zero}
        return labelled(self.labels, columns)

    def to_dict(self) -> dict[str, Any]:
        """Return every number in full precision."""
        names = ("k", "smallest_expected", "below_5", "below_1", "with_zero", "doubtful")
        return {
            "ids": list(self.ids),
            **{name: getattr(self, name) for name in names},
            "double_zero": int(self.double_zero.sum()),
            "risk1": self.risk1,
            "risk2": self.risk2,
            "imbalance": self.imbalance,
            "smallest": self.smallest.tolist(),
            "zeros": self.zeros.tolist(),
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        lines = [
            f"Expected cells under no association (k = {self.k})",
            "",
            f"smallest                     {text.number(self.smallest_expected, 2)}",
            f"tables with one below 5      {self.below_5}",
            f"tables with one below 1      {self.below_1}",
            f"tables with an observed 0    {self.with_zero}",
            f"tables with events in no, or in every, person    {int(self.double_zero.sum())}",
            f"risk in group 1 and 2        {self.risk1:.4g}, {self.risk2:.4g}",
            f"largest ratio of group sizes {text.number(self.imbalance, 2)}",
        ]
        return "\n".join([*lines, *(f"Note: {note}" for note in self.warnings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def sparse(tables: Tables) -> Sparse:
    r"""Judge whether 2x2 tables have too few events for the normal method of two steps.

    That method takes each table's log ratio as normal with a known variance. With few events it
    is neither, and what is added to zero cells moves the result. A table's expected cells under
    no association are

    .. math:: E = \frac{n_g\, m_j}{n}

    with the sizes :math:`n_g` of its groups and its numbers of events and others, :math:`m_j`.

    Parameters
    ----------
    tables : Studies, DataFrame or mapping of str to array_like
        One table a row, as in `mantel_haenszel`.

    Returns
    -------
    Sparse

    Raises
    ------
    DataError
        If counts are missing everywhere, negative or infinite, or no table has people in both
        groups.

    Notes
    -----
    Cochran's rule is for the chi-squared test of one table: no expected cell below 1, and at most
    one in five below 5; here it is read across tables. Peto's method also needs groups of similar
    size (``imbalance``), and effects that are not large.

    References
    ----------
    Cochran WG (1954). Biometrics 10:417-451. doi:10.2307/3001616
    Sweeting MJ, Sutton AJ, Lambert PC (2004). Statistics in Medicine 23:1351-1375.
    doi:10.1002/sim.1761
    Deeks JJ, Higgins JPT, Altman DG (2019). Cochrane Handbook for Systematic Reviews of
    Interventions, 2nd ed., section 10.4.4. doi:10.1002/9781119536604.ch10

    Examples
    --------
    >>> import comorbid as cb
    >>> found = cb.sparse({"ai": [0, 12], "n1i": [50, 90], "ci": [3, 15], "n2i": [52, 88]})
    >>> round(found.smallest_expected, 2), found.below_5, found.with_zero, found.doubtful
    (1.47, 1, 1, True)
    """
    counts = read_counts(tables, find_measure("OR"))
    a, b, c, d = counts.values
    n1, n2 = a + b, c + d
    if not ((n1 > 0) & (n2 > 0)).any():
        raise DataError(
            [Problem("no table has people in both groups", "give the counts of both groups")]
        )
    silent = (a + c == 0) | (b + d == 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.maximum(n1, n2) / np.minimum(n1, n2)
        risk1, risk2 = a.sum() / n1.sum(), c.sum() / n2.sum()
    return Sparse(
        labels=counts.labels,
        ids=counts.ids,
        smallest=smallest_expected(counts.values),
        zeros=(counts.values == 0).sum(axis=0).astype(np.float64),
        double_zero=silent,
        risk1=float(risk1),
        risk2=float(risk2),
        imbalance=float(np.nanmax(ratio, initial=1.0)),
        warnings=(*counts.warnings, *[_SILENT] * bool(silent.all())),
    )
