"""Open choices: the effects under each source and row that a table of studies leaves open."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from comorbid.checks import check_type
from comorbid.effects.arrays import Array
from comorbid.effects.build import both_sources, effects
from comorbid.effects.formula import Measure
from comorbid.effects.overrides import Override
from comorbid.effects.table import Effects
from comorbid.errors import DataError

if TYPE_CHECKING:
    from comorbid.studies.table import Studies

_MOST_ROWS = 100
_DECIDED, _MARKED = "as decided", "as marked"
# What an audit must not have found in a row, for its effect to be taken from there.
_IMPOSSIBLE = {
    "counts where known": "counts-exceed-n",
    "printed where known": "impossible-interval",
}


class Choice(NamedTuple):
    """A decision that a pool rests on, and what could be decided; ``groups`` joins options."""

    name: str
    options: tuple[str, ...]
    groups: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class OpenChoices:
    """Effects and variances of shape (k, n), n the combinations of source and rows.

    The rows vary fastest; the first combination is what is pooled.
    """

    source: Choice
    rows: Choice
    yi: Array
    vi: Array
    ids: tuple[str, ...]
    left_out: tuple[str, ...] = ()


def open_choices(
    pooled: Effects,
    studies: Studies | None,
    overrides: Sequence[Override],
    measure: str | Measure,
) -> OpenChoices:
    """Return the pooled effects under every combination of source and rows.

    Parameters
    ----------
    pooled : Effects
        One row a study.
    studies : Studies or None
        All rows, pooled or not; without them nothing is open.
    overrides : sequence of Override
        The decisions that the pool rests on.
    measure : str or Measure
        That of the effects.

    Raises
    ------
    DataError
        If two rows of one study are pooled, or ``studies`` is something else.
    """
    if studies is None:
        source, rows = (Choice(n, (o,), (o,)) for n, o in (("source", _DECIDED), ("rows", _MARKED)))
        return OpenChoices(source, rows, pooled.yi[:, None], pooled.vi[:, None], pooled.ids)
    from comorbid.studies.table import Studies

    check_type("studies", studies, Studies, "give the table that the effects come from")
    if len(set(pooled.studies)) < pooled.k:
        raise DataError("the fit holds several rows of one study; pool one row a study")
    every = effects(studies, measure=measure, rows="all", overrides=overrides)
    place = {study: i for i, study in enumerate(pooled.studies)}
    others = _others(every, pooled)
    notes = []
    if len(others) > _MOST_ROWS:
        notes.append(f"{len(others)} other rows are too many to combine with all else")
        others = []
    at = {id_: i for i, id_ in enumerate(every.ids)}
    taken = np.repeat([[at[id_]] for id_ in pooled.ids], 1 + len(others), axis=1)
    for column, i in enumerate(others, start=1):
        taken[place[every.studies[i]], column] = i
    names, yi, vi = _by_source(every, taken, _usable_sources(studies, every, measure))
    replaced = [pooled.labels[place[every.studies[i]]] for i in others]
    return OpenChoices(
        source=Choice("source", names, names),
        rows=Choice(
            "rows",
            (_MARKED, *(every.labels[i] for i in others)),
            (_MARKED, *(f"another row of {label}" for label in replaced)),
        ),
        yi=yi,
        vi=vi,
        ids=(*pooled.ids, *(every.ids[i] for i in others)),
        left_out=tuple(notes),
    )


def _others(every: Effects, pooled: Effects) -> list[int]:
    """Return the rows of pooled studies that have an effect and are not pooled."""
    usable = np.isfinite(every.yi) & np.isfinite(every.vi)
    return [
        i
        for i, (id_, study) in enumerate(zip(every.ids, every.studies, strict=True))
        if usable[i] and id_ not in pooled.ids and study in pooled.studies
    ]


def _by_source(
    every: Effects, taken: Array, sources: dict[str, tuple[Array, Array]]
) -> tuple[tuple[str, ...], Array, Array]:
    """Return the sources that change anything, and the effects of the rows taken by each."""
    names, yi, vi = [_DECIDED], [every.yi[taken]], [every.vi[taken]]
    for name, (y, v) in sources.items():
        known = np.isfinite(y) & np.isfinite(v)
        chosen = np.where(known, y, every.yi)[taken], np.where(known, v, every.vi)[taken]
        same = np.array_equal(chosen[0], yi[0]) and np.array_equal(chosen[1], vi[0])
        if not same:
            names.append(name)
            yi.append(chosen[0])
            vi.append(chosen[1])
    return tuple(names), np.concatenate(yi, axis=1), np.concatenate(vi, axis=1)


def _usable_sources(
    studies: Studies, every: Effects, measure: str | Measure
) -> dict[str, tuple[Array, Array]]:
    """Return effects and variances of all rows from each source, nan where it is impossible."""
    from comorbid.studies.audit import audit

    certain = [finding for finding in audit(studies).findings if finding.severity == "error"]
    errors = {(finding.code, row) for finding in certain for row in finding.rows}
    rows = studies.frame["estimate_id"].tolist()
    order = [rows.index(id_) for id_ in every.ids]
    found = {}
    for name, (y, v) in zip(_IMPOSSIBLE, both_sources(studies, measure), strict=True):
        bad = np.array([(_IMPOSSIBLE[name], id_) in errors for id_ in every.ids])
        found[name] = np.where(bad, np.nan, y[order]), np.where(bad, np.nan, v[order])
    return found
