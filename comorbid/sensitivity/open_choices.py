"""Open choices: the data sets that sources, rows, rules and studies left out make possible."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from comorbid.effects.arrays import Array, Index, Mask
from comorbid.effects.build import both_sources, effects
from comorbid.effects.formula import Measure
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError
from comorbid.sensitivity.rules import Rules, obeying

if TYPE_CHECKING:
    from comorbid.studies.finding import Finding
    from comorbid.studies.table import Studies

NO, YES = "no", "yes"
NONE_OUT, FOUND_OUT, ONE_OUT = "all studies", "without rows of a finding", "without one study"

# Data sets, and studies times data sets, that are made at most.
_MOST, _CELLS = 10_000, 1_000_000
_DECIDED, _MARKED, _OTHER = "as decided", "as marked", "another row"
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
    """The different data sets, and which of them each combination of choices leads to.

    ``yi`` and ``vi`` have shape (k, n), with inf where a study is left out; ``which``, of shape
    (combinations,), holds positions of data sets, the last choice varying fastest; the first
    combination is what is pooled. ``ids`` are the rows pooled in any, ``left_out`` says what else
    could be chosen.
    """

    choices: tuple[Choice, ...]
    yi: Array
    vi: Array
    which: Index
    ids: tuple[str, ...]
    left_out: tuple[str, ...]


@dataclass(frozen=True, slots=True, eq=False)
class _Rows:
    """All rows of a table, their effects by source, and the rows that findings are about.

    ``pooled`` are positions of rows, ``others`` those that could stand in place of one of them,
    those of several studies at a time where they are ``crossed``.
    """

    every: Effects
    pooled: Index
    others: Index
    sources: Mapping[str, tuple[Array, Array]]
    findings: Mapping[str, Mask]
    obeying: Mapping[str, Mask]
    crossed: bool = True

    @property
    def of_study(self) -> dict[int, list[int]]:
        """The rows that each study with several has, the one pooled first, by its position."""
        place = {self.every.studies[i]: position for position, i in enumerate(self.pooled)}
        found: dict[int, list[int]] = {}
        for i in self.others:
            position = place[self.every.studies[i]]
            found.setdefault(position, [int(self.pooled[position])]).append(int(i))
        return dict(sorted(found.items()))

    @property
    def selections(self) -> int:
        """How many selections of one row a study there are."""
        return prod(map(len, self.of_study.values())) if self.crossed else 1 + self.others.size


def open_choices(
    pooled: Effects,
    studies: Studies | None,
    measure: str | Measure,
    rules: Rules,
    findings: Sequence[Finding],
) -> OpenChoices:
    """Return the data sets under every combination of source, rows, rules and studies left out.

    Parameters
    ----------
    pooled : Effects
        What is pooled; one row a study, if there is a table.
    studies : Studies or None
        The table, also with rows that are not pooled; without it no source and no row is open.
    measure : str or Measure
        That of the effects.
    rules : mapping of str to mapping
        Names of rules, and the values of columns that they ask for.
    findings : sequence of Finding
        Of the audit.

    Raises
    ------
    DataError
        If two rows of one study are pooled, or a rule is none or asks for what is not there.
    ModelError
        If the rules make too many data sets.
    """
    rows = (
        _alone(pooled, rules)
        if studies is None
        else _in_table(pooled, studies, measure, rules, findings)
    )
    rows, alone, notes = _within_limits(rows)
    of_rows, taken = _crossed(rows) if rows.crossed else _one_at_a_time(rows)
    out, members = _left_out(rows, taken, alone)
    choices = (
        Choice("source", tuple(rows.sources), tuple(rows.sources)),
        *of_rows,
        *(Choice(name, (NO, YES), (NO, YES)) for name in rules),
        out,
    )
    yi, vi, which = _different(rows, taken, members)
    ids = tuple(rows.every.ids[i] for i in (*rows.pooled, *rows.others))
    return OpenChoices(choices, yi, vi, which, ids, notes)


def _alone(pooled: Effects, rules: Rules) -> _Rows:
    """Return effects that come from no table: rules are about their moderators."""
    return _Rows(
        every=pooled,
        pooled=np.arange(pooled.k),
        others=np.empty(0, dtype=np.intp),
        sources={_DECIDED: (pooled.yi, pooled.vi)},
        findings={},
        obeying=obeying(pooled.to_frame(), rules, ""),
    )


def _in_table(
    pooled: Effects,
    studies: Studies,
    measure: str | Measure,
    rules: Rules,
    findings: Sequence[Finding],
) -> _Rows:
    """Return all rows of a table."""
    if len(set(pooled.studies)) < pooled.k:
        raise DataError("the fit holds several rows of one study; pool one row a study")
    every = effects(studies, measure=measure, rows="all", overrides=pooled.overrides)
    at = {id_: i for i, id_ in enumerate(every.ids)}
    usable = np.isfinite(every.yi) & np.isfinite(every.vi)
    others = [
        i
        for i, (id_, study) in enumerate(zip(every.ids, every.studies, strict=True))
        if usable[i] and id_ not in pooled.ids and study in pooled.studies
    ]
    serious = [f for f in findings if f.severity != "note" and f.rows]
    certain = [finding for finding in serious if finding.severity == "error"]
    errors = {(finding.code, row) for finding in certain for row in finding.rows}
    frame = studies.frame.set_index("estimate_id", drop=False).loc[list(every.ids)]
    rows = np.array([*(at[id_] for id_ in pooled.ids), *others])
    about = {f"{f.code} of {', '.join(f.rows)}": np.isin(every.ids, f.rows) for f in serious}
    return _Rows(
        every=every,
        pooled=rows[: pooled.k],
        others=rows[pooled.k :],
        sources=_sources(studies, every, measure, errors, rows),
        findings={name: mask for name, mask in about.items() if mask[rows].any()},
        obeying=obeying(frame, rules, studies.source),
    )


def _sources(
    studies: Studies,
    every: Effects,
    measure: str | Measure,
    errors: set[tuple[str, str]],
    rows: Index,
) -> Mapping[str, tuple[Array, Array]]:
    """Return the effects of all rows as decided, and by each source that changes one of ``rows``.

    A source in which the audit finds an error is not taken.
    """
    position = {id_: i for i, id_ in enumerate(studies.frame["estimate_id"])}
    order = [position[id_] for id_ in every.ids]
    found = {_DECIDED: (every.yi, every.vi)}
    for name, (y, v) in zip(_IMPOSSIBLE, both_sources(studies, measure), strict=True):
        bad = np.array([(_IMPOSSIBLE[name], id_) in errors for id_ in every.ids])
        known = np.isfinite(y[order]) & np.isfinite(v[order]) & ~bad
        yi, vi = np.where(known, y[order], every.yi), np.where(known, v[order], every.vi)
        if not (
            np.array_equal(yi[rows], every.yi[rows]) and np.array_equal(vi[rows], every.vi[rows])
        ):
            found[name] = yi, vi
    return found


def _within_limits(rows: _Rows) -> tuple[_Rows, Index, tuple[str, ...]]:
    """Return the rows and the studies left out that are combined with all else, and notes."""
    k = rows.pooled.size
    alone, notes = np.arange(k), []
    most = min(_MOST, _CELLS // k)

    def too_many() -> bool:
        options = 1 + len(rows.findings) + alone.size
        fixed = len(rows.sources) * 2 ** len(rows.obeying)
        return bool(fixed * rows.selections * options > most)

    if len(rows.of_study) > 1 and too_many():
        n = len(rows.of_study)
        notes.append(f"Other rows of {n} studies are too many to combine: one at a time is taken")
        rows = replace(rows, crossed=False)
    if too_many():
        notes.append(f"Leaving out each of {k} studies is too much to combine with all else")
        alone = alone[:0]
    if rows.findings and too_many():
        n = len(rows.findings)
        notes.append(f"Leaving out the rows of {n} findings is too much to combine with all else")
        rows = replace(rows, findings={})
    if too_many():
        notes.append(f"{rows.others.size} other rows are too many to combine with all else")
        rows = replace(rows, others=rows.others[:0])
    if too_many():
        raise ModelError(f"{len(rows.obeying)} rules make too many data sets; give fewer rules")
    return rows, alone, tuple(notes)


def _crossed(rows: _Rows) -> tuple[tuple[Choice, ...], Index]:
    """Return a choice for each study with several rows, and the rows taken by all combinations."""
    labels, of_study = rows.every.labels, rows.of_study
    picks = np.indices([len(own) for own in of_study.values()]).reshape(
        len(of_study), rows.selections
    )
    taken = np.repeat(rows.pooled[:, None], rows.selections, axis=1)
    choices = []
    for (position, own), picked in zip(of_study.items(), picks, strict=True):
        taken[position] = np.array(own)[picked]
        name = row_of(labels[own[0]])
        options = (_MARKED, *(labels[i] for i in own[1:]))
        choices.append(Choice(name, options, (_MARKED, *[_OTHER] * (len(own) - 1))))
    return tuple(choices), taken


def _one_at_a_time(rows: _Rows) -> tuple[tuple[Choice, ...], Index]:
    """Return one choice of rows, and the rows taken with each other one."""
    labels, of_study = rows.every.labels, rows.of_study
    others = [(position, i) for position, own in of_study.items() for i in own[1:]]
    taken = np.repeat(rows.pooled[:, None], 1 + len(others), axis=1)
    for column, (position, i) in enumerate(others, start=1):
        taken[position, column] = i
    options = (_MARKED, *(labels[i] for _, i in others))
    groups = (_MARKED, *(f"{_OTHER} of {labels[rows.pooled[at]]}" for at, _ in others))
    return (Choice("rows", options, groups),), taken


def row_of(label: str) -> str:
    """Return the name of the choice of a row of a study."""
    return f"row of {label}"


def _left_out(rows: _Rows, taken: Index, alone: Index) -> tuple[Choice, Mask]:
    """Return what may be left out, and which study then belongs, of shape (k, rows, options)."""
    k = rows.pooled.size
    kept = [np.ones(taken.shape, dtype=bool)]
    kept += [~mask[taken] for mask in rows.findings.values()]
    kept += [np.broadcast_to((np.arange(k) != i)[:, None], taken.shape) for i in alone]
    names = [rows.every.labels[rows.pooled[i]] for i in alone]
    groups = (NONE_OUT, *[FOUND_OUT] * len(rows.findings), *[ONE_OUT] * alone.size)
    options = (NONE_OUT, *(f"without {name}" for name in (*rows.findings, *names)))
    return Choice("studies included", options, groups), np.stack(kept, axis=-1)


def _different(rows: _Rows, taken: Index, members: Mask) -> tuple[Array, Array, Index]:
    """Return the data sets that differ, and which one each combination leads to."""
    rules = len(rows.obeying)
    applied = np.arange(2**rules) >> np.arange(rules)[::-1, None] & 1 == 1
    inside = np.ones((*taken.shape, applied.shape[1]), dtype=bool)
    for mask, on in zip(rows.obeying.values(), applied, strict=True):
        inside &= mask[taken][..., None] | ~on
    belongs = (inside[..., None] & members[:, :, None, :])[:, None]
    values = np.stack(
        [
            np.where(
                belongs, np.stack([part[taken] for part in parts], axis=1)[..., None, None], out
            )
            for parts, out in zip(
                zip(*rows.sources.values(), strict=True), (0.0, np.inf), strict=True
            )
        ]
    ).reshape(2 * len(taken), -1)
    _, first, inverse = np.unique(values, axis=1, return_index=True, return_inverse=True)
    order = np.argsort(first)
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    yi, vi = np.split(values[:, first[order]], 2)
    return yi, vi, place[inverse.ravel()]
