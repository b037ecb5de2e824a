"""Evidence: how much of a study table is pooled, and how much of its review that is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.table import Effects
from comorbid.studies.review import Coverage, Review
from comorbid.studies.table import Studies

if TYPE_CHECKING:
    import pandas as pd


_PARTS = ("coverage", "review", "groups")


@dataclass(frozen=True, slots=True)
class Evidence:
    """Rows and studies of a table, and what of them is pooled; made by `evidence_of`.

    Attributes
    ----------
    rows, studies : int
        In the table.
    pooled, lost : int
        Rows that have an effect to pool, and rows for the pool that have none.
    from_reported, computed : int
        Rows for the pool whose effect is taken from a reported estimate, and computed otherwise.
    coverage : Coverage or None
        How much of the review the pooled studies are; None without a review.
    review : Review or None
        What the review says of itself.
    groups : mapping of str to tuple of float
        Of the rows pooled: ``labels``, and people in the first group, ``ai + bi``, in the second,
        ``ci + di``, and in both; nan where the table has no counts.
    """

    rows: int
    studies: int
    pooled: int
    lost: int
    from_reported: int
    computed: int
    coverage: Coverage | None
    review: Review | None
    groups: Mapping[str, tuple[Any, ...]]

    def to_frame(self) -> pd.DataFrame:
        """Return the numbers as one row."""
        import pandas as pd

        numbers = {k: v for k, v in self.to_dict().items() if k not in _PARTS}
        return pd.DataFrame([numbers])

    def to_dict(self) -> dict[str, Any]:
        """Return the numbers, and those of the coverage as they are printed."""
        return {
            "rows": self.rows,
            "studies": self.studies,
            "pooled_rows": self.pooled,
            "other_rows": self.rows - self.pooled - self.lost,
            "lost_rows": self.lost,
            "reported_effects": self.from_reported,
            "computed_effects": self.computed,
            "coverage": None if self.coverage is None else self.coverage.to_dict(),
            "review": None if self.review is None else self.review.to_dict(),
            "groups": {name: list(values) for name, values in self.groups.items()},
        }

    def summary(self) -> str:
        """Return the numbers as text."""
        head = f"{self.pooled} of {self.rows} rows pooled, from {self.studies} studies"
        return head if self.coverage is None else f"{head}; {self.coverage.summary()}"

    def __repr__(self) -> str:
        return self.summary()


def evidence_of(studies: Studies, effects: Effects) -> Evidence:
    """Return how much of a table its pooled effects are.

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> evidence_of(table, cb.effects(table)).rows
    13
    """
    review, reported = studies.review, effects.source.count("reported")
    lost = int(np.sum(np.isnan(effects.yi) | np.isnan(effects.vi)))
    return Evidence(
        rows=len(studies),
        studies=int(studies.frame["study_id"].nunique()),
        pooled=effects.k - lost,
        lost=lost,
        from_reported=reported,
        computed=effects.k - reported,
        coverage=None
        if review is None or not effects.k
        else review.coverage(studies.select({"study_id": effects.studies})),
        review=review,
        groups=_groups(studies, effects),
    )


def _groups(studies: Studies, effects: Effects) -> Mapping[str, tuple[Any, ...]]:
    """Return the people in the groups of the rows pooled."""
    counts = studies.frame.set_index("estimate_id").loc[list(effects.ids)]
    first, second = counts["ai"] + counts["bi"], counts["ci"] + counts["di"]
    people = {"first": first, "second": second, "both": first + second}
    return {"labels": effects.labels, **{name: tuple(n.tolist()) for name, n in people.items()}}
