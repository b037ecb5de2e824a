"""Against the rest: one subgroup of the studies and all others, and the test between the two."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.checks import check_type, shown
from comorbid.effects.build import effects as effects_of
from comorbid.effects.measures import Measure
from comorbid.effects.overrides import Override, check_overrides
from comorbid.effects.table import Effects
from comorbid.errors import DataError, Problem
from comorbid.models import text
from comorbid.models.estimators import Estimator
from comorbid.models.fit import Fit, pool
from comorbid.models.kernel import Test
from comorbid.subgroups import Subgroups, subgroups

SIDE = "subgroup"
"""The moderator that holds on which side a study is: a subgroup's label, or the other studies."""

if TYPE_CHECKING:
    import pandas as pd

    from comorbid.studies.table import Studies


@dataclass(frozen=True, slots=True, eq=False)
class AgainstRest:
    """One subgroup and the other studies; made by `against_rest`.

    Attributes
    ----------
    label : str
        Name of the subgroup.
    where : mapping
        The columns and values that define it.
    fit : Fit or None
        The subgroup's fit; of one study that study, not pooled; None without any.
    rest : Fit or None
        The fit of the studies that have no row in the subgroup.
    contrast : Subgroups or None
        Both side by side with the test between them; None where either is empty.
    warnings : tuple of str
        Which rows were chosen where a study has several, and what cannot be given.

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> result = cb.against_rest(table, where={"headache": ("migraine",)}, label="migraine")
    >>> round(result.contrast.q_between_p, 4)
    0.4379
    """

    label: str
    where: Mapping[str, tuple[str, ...]]
    fit: Fit | None
    rest: Fit | None
    contrast: Subgroups | None
    warnings: tuple[str, ...]

    @property
    def k(self) -> int:
        """Number of studies in the subgroup."""
        return 0 if self.fit is None else self.fit.k

    def to_frame(self) -> pd.DataFrame:
        """Return the rows of `contrast`; without it those of the fit that exists, or none."""
        import pandas as pd

        if self.contrast is not None:
            return self.contrast.to_frame()
        fits = [fit for fit in (self.fit, self.rest) if fit is not None]
        return pd.concat([fit.to_frame() for fit in fits]) if fits else pd.DataFrame()

    def to_dict(self) -> dict[str, Any]:
        """Return definition, fits and test as plain values."""
        parts = {"fit": self.fit, "rest": self.rest, "contrast": self.contrast}
        return {
            "label": self.label,
            "k": self.k,
            "where": {column: list(values) for column, values in self.where.items()},
            **{name: None if part is None else part.to_dict() for name, part in parts.items()},
            "warnings": list(self.warnings),
        }

    def summary(self) -> str:
        """Return the result as text."""
        head = f"{self.label}: {self.k} {'study' if self.k == 1 else 'studies'}"
        body = [] if self.contrast is None else [self.contrast.summary()]
        return "\n".join([head, *body, *self.warnings])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return text.as_html(self.summary())


def against_rest(
    studies: Studies,
    *,
    where: Mapping[str, Sequence[str]],
    label: str = "subgroup",
    measure: str | Measure = "OR",
    overrides: Sequence[Override] = (),
    method: str | Estimator = "REML",
    test: Test = "knha",
    level: float = 0.95,
) -> AgainstRest:
    r"""Pool the studies that match, pool the others, and test whether they differ.

    The test is that of `subgroups`, between two groups:

    .. math:: Q_B = \frac{(\hat\mu_1 - \hat\mu_2)^2}{\mathrm{se}_1^2 + \mathrm{se}_2^2}
       \sim \chi^2_1

    A study enters once, on one side: with its primary row if that matches, otherwise with its
    first row that does. The other side holds the primary rows of the studies without a match, so
    that no one is counted twice and the two sides are independent.

    Parameters
    ----------
    studies : Studies
        All rows, primary or not.
    where : mapping of str to sequence of str
        Columns and the values that belong to the subgroup; a string is one value.
    label : str
        What the subgroup is called.
    measure, overrides
        As in `effects`.
    method, test, level
        As in `pool`.

    Returns
    -------
    AgainstRest
        Fewer than two studies in the subgroup are a result, not an error.

    Raises
    ------
    DataError
        If a column does not exist, or an argument is of another type.
    ModelError
        If a setting is none of those allowed.

    References
    ----------
    Borenstein M, Higgins JPT (2013). Meta-analysis and subgroups. Prevention Science
    14:134-143. doi:10.1007/s11121-013-0377-7

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> result = cb.against_rest(table, where={"headache": ("migraine",)}, label="migraine")
    >>> result.k, result.rest.k
    (2, 4)
    """
    from comorbid.studies.table import Studies

    check_type("studies", studies, Studies, "read a table with read_studies()")
    definition = definition_of(studies, where)
    main = effects_of(studies, measure=measure, overrides=overrides)
    inside, notes = _matching_effects(studies, definition, main, measure, overrides)
    outside = main.take([i for i, study in enumerate(main.studies) if study not in inside.studies])
    settings: dict[str, Any] = {"method": method, "test": test, "level": level}
    fit = pool(inside, **settings) if inside.k else None
    rest = pool(outside, **settings) if outside.k else None
    contrast = None
    if fit is not None and rest is not None:
        sides = {SIDE: [label] * inside.k + ["other studies"] * outside.k}
        contrast = subgroups(_joined(inside, outside, sides), by=SIDE, **settings)
    if inside.k < 2:
        notes.append("no study matches" if inside.k == 0 else "one study matches: not pooled")
    return AgainstRest(label, definition, fit, rest, contrast, tuple(notes))


def definition_of(studies: Studies, where: object) -> dict[str, tuple[str, ...]]:
    """Return the columns and values that define a subgroup; `DataError` if there are none such."""
    remedy = 'give columns and a list of values of each, such as {"sex": ["f"]}'
    if not (isinstance(where, Mapping) and where):
        raise DataError([Problem(f"where is {shown(where)}", remedy)])
    problems = [
        Problem(f"where[{column!r}] is {shown(values)}", remedy)
        for column, values in where.items()
        if not isinstance(values, Iterable)
    ]
    if problems:
        raise DataError(problems)
    arrays = studies.arrays
    missing = [str(column) for column in where if column not in arrays]
    if missing:
        raise DataError(f"no column {', '.join(missing)}; the table has {', '.join(arrays)}")
    return {
        str(column): (values,) if isinstance(values, str) else tuple(values)
        for column, values in where.items()
    }


def matching_effects(
    studies: Studies,
    where: Mapping[str, tuple[str, ...]],
    measure: str | Measure,
    overrides: Sequence[Override],
) -> Effects | None:
    """Return the effects of all rows that match; None if no row does."""
    frame = studies.frame
    occurring = {c: [v for v in values if (frame[c] == v).any()] for c, values in where.items()}
    if not all(occurring.values()):
        return None
    matching = studies.select(occurring)
    ids = set(matching.arrays["estimate_id"])
    decisions = [each for each in check_overrides(overrides) if each.estimate in ids]
    return effects_of(matching, measure=measure, rows="all", overrides=decisions)


def _matching_effects(
    studies: Studies,
    where: Mapping[str, tuple[str, ...]],
    main: Effects,
    measure: str | Measure,
    overrides: Sequence[Override],
) -> tuple[Effects, list[str]]:
    """Return one matching effect a study, and a note on each study that had a choice."""
    rows = matching_effects(studies, where, measure, overrides)
    if rows is None:
        return main.take([]), []
    chosen: dict[str, int] = {}
    for i, (study, estimate) in enumerate(zip(rows.studies, rows.ids, strict=True)):
        if study not in chosen or estimate in main.ids:
            chosen[study] = i
    names = studies.frame.drop_duplicates("study_id").set_index("study_id")["label"]
    notes = [
        f"{names[study]} has {count} rows of the same people that match; {rows.labels[row]}, "
        f"{'its row in the main pool' if rows.ids[row] in main.ids else 'the first of them'}, is "
        "used."
        for study, row in chosen.items()
        if (count := rows.studies.count(study)) > 1
    ]
    return rows.take(chosen.values()), notes


def _joined(first: Effects, second: Effects, moderators: Mapping[str, Sequence[str]]) -> Effects:
    return Effects(
        yi=np.concatenate([first.yi, second.yi]),
        vi=np.concatenate([first.vi, second.vi]),
        labels=first.labels + second.labels,
        measure=first.measure,
        scale=first.scale,
        ids=first.ids + second.ids,
        studies=first.studies + second.studies,
        source=first.source + second.source,
        moderators=moderators,
        overrides=second.overrides,
        digits=first.digits + second.digits,
    )
