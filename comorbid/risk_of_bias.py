"""Risk of bias: how each study was judged in each domain, and how many studies so."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_type
from comorbid.errors import DataError, Problem
from comorbid.models.pooled import Fit
from comorbid.models.study_rows import rows_of
from comorbid.models.views import Views, block, frame
from comorbid.studies.judgements import OVERALL, WORDS, domain_of, domains, level_of, score_of
from comorbid.studies.table import Studies

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True, eq=False, repr=False)
class RiskOfBias(Views):
    """Judgements of risk of bias, study by study; made by `risk_of_bias`.

    Attributes
    ----------
    labels, ids : tuple of str
        The rows judged, as printed and as in the table.
    domains : tuple of str
        As printed, in the order of the table; ``overall`` is the last if it is there.
    judgements : tuple of tuple of str
        For each domain what each row was judged: ``low``, ``some``, ``high``, ``critical``,
        ``unclear``, a score such as ``2/4``, or nothing where it was not judged.
    words : mapping of str to str
        Of each level that occurs the word that the table has for it.
    weights : tuple of float or None
        Percentages that sum to 100, where they were asked for.
    """

    labels: tuple[str, ...]
    ids: tuple[str, ...]
    domains: tuple[str, ...]
    judgements: tuple[tuple[str, ...], ...]
    words: Mapping[str, str]
    weights: tuple[float, ...] | None

    @property
    def overall(self) -> tuple[str, ...] | None:
        """The overall judgement of each row, or None if there is no such column."""
        named = self.domains[-1] == domain_of(OVERALL)
        return self.judgements[-1] if named else None

    def shares(self) -> tuple[dict[str, float], ...]:
        """Return for each domain the percentage of rows, or of their weight, at each judgement.

        From the lowest risk to the highest, then ``unclear``, then what was not judged.
        """
        weights = self.weights or (100 / len(self.labels),) * len(self.labels)
        found = []
        for cells in self.judgements:
            own = dict.fromkeys(sorted(set(cells), key=_order), 0.0)
            for cell, weight in zip(cells, weights, strict=True):
                own[cell] += weight
            found.append(own)
        return tuple(found)

    def counts(self) -> tuple[dict[str, int], ...]:
        """Return for each domain the number of rows at each judgement, in the same order."""
        return tuple(
            {cell: Counter(cells)[cell] for cell in sorted(set(cells), key=_order)}
            for cells in self.judgements
        )

    def to_frame(self) -> pd.DataFrame:
        """Return one row a study and one column a domain; "" where it was not judged."""
        return frame(self.labels, "study", dict(zip(self.domains, self.judgements, strict=True)))

    def to_dict(self) -> dict[str, Any]:
        """Return the judgements, and of each domain how many rows are at each."""
        return {
            "labels": list(self.labels),
            "ids": list(self.ids),
            "studies": len(self.labels),
            "domains": list(self.domains),
            "judgements": [list(cells) for cells in self.judgements],
            "words": dict(self.words),
            "by_domain": [
                {
                    "domain": domain,
                    "levels": [cell or "not judged" for cell in own],
                    "studies": list(own.values()),
                    "percent": list(shares.values()),
                }
                for domain, own, shares in zip(
                    self.domains, self.counts(), self.shares(), strict=True
                )
            ],
            "weights": None if self.weights is None else list(self.weights),
        }

    def summary(self) -> str:
        """Return how many studies are at each judgement, domain by domain, as text."""
        rows = {
            domain: ", ".join(f"{n} {cell or 'not judged'}" for cell, n in own.items())
            for domain, own in zip(self.domains, self.counts(), strict=True)
        }
        return block(f"Risk of bias, k = {len(self.labels)}", rows)


def risk_of_bias(studies: Studies, *, fit: Fit | None = None) -> RiskOfBias:
    """Return how the studies were judged, from the columns ``rob_<domain>`` of their table.

    A cell says ``low``, ``some`` (or ``some concerns``, ``moderate``), ``high`` (or ``serious``),
    ``critical`` (or ``very high``) or ``unclear`` (or ``no information``), whatever tool it comes
    from, or has points of how many, more being better, such as the stars of the Newcastle-Ottawa
    Scale: ``2/4`` or ``2 of 4``. An empty cell was not judged. ``rob_overall`` holds the judgement
    of the study as a whole; none is made up where it is not there.

    Parameters
    ----------
    studies : Studies
        A table with such columns; its primary rows are shown.
    fit : Fit, optional
        A pool of rows of this table: these are shown, and weighted by their weights in it.

    Returns
    -------
    RiskOfBias

    Raises
    ------
    DataError
        If no column is such a one, a judgement is none of those allowed, or the fit is not of
        rows of this table.

    References
    ----------
    Sterne JAC, Savovic J, Page MJ, et al. (2019). RoB 2: a revised tool for assessing risk of bias
    in randomised trials. BMJ 366:l4898. doi:10.1136/bmj.l4898
    Sterne JAC, Hernan MA, Reeves BC, et al. (2016). ROBINS-I: a tool for assessing risk of bias in
    non-randomised studies of interventions. BMJ 355:i4919. doi:10.1136/bmj.i4919
    Wells GA, Shea B, O'Connell D, et al. The Newcastle-Ottawa Scale (NOS) for assessing the quality
    of nonrandomised studies in meta-analyses. Ottawa Hospital Research Institute (no DOI).

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.testing import studies_csv
    >>> from comorbid.studies.read import studies_from_bytes
    >>> table = studies_csv(3, rob_selection=["2/4", "3/4", ""], rob_overall=["high", "low", "low"])
    >>> print(cb.risk_of_bias(studies_from_bytes(table.encode(), source="studies.csv")))
    Risk of bias, k = 3
      selection  1 3/4, 1 2/4, 1 not judged
      overall    2 low, 1 high
    """
    check_type("studies", studies, Studies, "give what read_studies() returns")
    table = studies.primary().frame if fit is None else rows_of(fit, studies)
    names = domains(str(name) for name in table)
    if not names or table.empty:
        what = "no row to show" if names else "no column whose name begins with rob_"
        raise DataError([Problem(what, "add one, such as rob_selection", studies.source)])
    cells = {name: [str(cell) for cell in table[name]] for name in names}
    unknown = [
        Problem(f"{label} has {cell!r} in {name}", f"use one of {', '.join(WORDS)}, or 2/4")
        for name, own in cells.items()
        for label, cell in zip(table["label"], own, strict=True)
        if cell and not _judgement(cell)
    ]
    if unknown:
        raise DataError(unknown)
    return RiskOfBias(
        labels=tuple(table["label"]),
        ids=tuple(table["estimate_id"]),
        domains=tuple(map(domain_of, names)),
        judgements=tuple(tuple(map(_judgement, own)) for own in cells.values()),
        words=_words([cell for own in cells.values() for cell in own]),
        weights=None if fit is None else tuple(np.asarray(fit.weights).tolist()),
    )


def _judgement(cell: str) -> str:
    score = score_of(cell)
    return f"{score[0]}/{score[1]}" if score else level_of(cell)


def _words(cells: list[str]) -> dict[str, str]:
    """Return for each level that occurs the first word that stands for it."""
    found: dict[str, str] = {}
    for cell in cells:
        found.setdefault(level_of(cell), " ".join(cell.lower().split()))
    return {level: found[level] for level in WORDS if level in found}


def _order(cell: str) -> tuple[float, ...]:
    """Return where a judgement stands: risk from low to high, unclear, and none last."""
    score = score_of(cell)
    if score:
        return (0.0, -score[0] / score[1], -score[1])
    return (1.0, [*WORDS, ""].index(cell))
