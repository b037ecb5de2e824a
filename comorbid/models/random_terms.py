"""Random terms: from ``"study_id / estimate_id"`` and a table to the groups of each row."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, get_args

import numpy as np

from comorbid.checks import is_missing, is_one_of, is_text, shown
from comorbid.effects.arrays import Array, Index
from comorbid.errors import DataError, ModelError, Problem
from comorbid.models.clusters import no_column
from comorbid.models.mixed_equations import Term
from comorbid.models.structures import Struct, Structure

STRUCTS = get_args(Struct)
_FORM = 'write "study_id / estimate_id", or "outcome | study_id" with a struct'


@dataclass(frozen=True, slots=True)
class Random:
    """One random term of a model.

    Attributes
    ----------
    name : str
        ``study_id``, ``study_id/estimate_id``, or ``outcome | study_id``.
    structure : Structure
        Of the effects of one group.
    group, inner : integer arrays of shape (k,)
        The group of each row, and its level of the inner factor; 0 for random intercepts.
    groups, levels : tuples of str
        The groups, and the levels of the inner factor; none for random intercepts.
    columns : tuple of str
        What it is made of.
    """

    name: str
    structure: Structure
    group: Index
    inner: Index
    groups: tuple[str, ...]
    levels: tuple[str, ...]
    columns: tuple[str, ...]

    @property
    def term(self) -> Term:
        """The term as the likelihood takes it."""
        if self.structure.id in ("CS",):
            # Only which rows are of one level matters: number them within each group.
            cells = self.group * len(self.levels) + self.inner
            return Term(self.group, _within(self.group, cells), self.structure.q)
        return Term(self.group, self.inner, self.structure.q)


def random_terms(
    random: object, struct: object, columns: Mapping[str, Sequence[Any]], labels: Sequence[str]
) -> tuple[Random, ...]:
    """Return the terms of a model.

    Parameters
    ----------
    random : str, or sequence of str
        Terms as `multilevel` takes them.
    struct : str, or sequence of str, or None
        One for all inner-outer terms, or one each; CS if none is given.
    columns : mapping of str to sequence
        Of the rows used.
    labels : sequence of str
        Of those rows.

    Raises
    ------
    ModelError
        If a term cannot be read, names an unknown column, or cannot be told apart from another
        or from the mean.
    DataError
        If a row has no label of a group.
    """
    read = _read(random)
    structs = _structs(struct, sum(bool(inner) for inner, _ in read))
    _check_columns([name for inner, outer in read for name in (*inner, *outer)], columns, labels)
    terms: list[Random] = []
    for inner, outer in read:
        if inner:
            terms.append(_inner_outer(inner[0], outer, structs.pop(0), columns))
        else:
            terms += _intercepts(outer, columns)
    problems = [problem for term in terms for problem in _own_problems(term)]
    problems += [*_alike(terms), *_nested_alike(terms)]
    if problems:
        raise ModelError(problems)
    return tuple(terms)


def _read(random: object) -> list[tuple[tuple[str, ...], tuple[str, ...]]]:
    """Return (inner, outer) columns of each term."""
    given = [random] if isinstance(random, str) else random
    if not isinstance(given, list | tuple) or not given or not all(map(is_text, given)):
        raise ModelError(f"random is {shown(random)}; {_FORM}, or a list of such terms")
    return [_read_one(str(text)) for text in given]


def _read_one(text: str) -> tuple[tuple[str, ...], tuple[str, ...]]:
    inner, bar, outer = text.strip().removeprefix("~").partition("|")
    if not bar:
        inner, outer = "1", inner
    names = tuple(part.strip() for part in outer.split("/"))
    first = inner.strip()
    bad = not all(names) or not first or "|" in outer or "/" in inner
    if bad or len(set(names)) < len(names) or (first != "1" and (len(names) > 1 or first in names)):
        raise ModelError(f"random term {text!r} cannot be read; {_FORM}")
    return ((), names) if first == "1" else ((first,), names)


def _structs(struct: object, wanted: int) -> list[str]:
    if struct is None:
        struct = "CS"
    elif not wanted:
        raise ModelError(
            f"struct is {shown(struct)}, but no random term is of the form 'inner | outer'; write "
            "random='outcome | study_id' with your columns, or leave struct out"
        )
    given = [struct] * wanted if isinstance(struct, str) else struct
    if not isinstance(given, list | tuple):
        raise ModelError(f"struct is {shown(struct)}; use one of {', '.join(STRUCTS)}")
    if isinstance(struct, str):
        given = [struct, *given]
    bad = [value for value in given if not is_one_of(value, STRUCTS)]
    if bad:
        raise ModelError(f"struct is {shown(bad[0])}; use one of {', '.join(STRUCTS)}")
    if not isinstance(struct, str) and len(given) != wanted:
        raise ModelError(
            f"struct has {len(given)} values for {wanted} terms of the form 'inner | outer'; give "
            "one each"
        )
    if wanted > 2:
        raise ModelError(f"{wanted} terms of the form 'inner | outer'; give two at most")
    return [str(value) for value in given][-wanted:] if wanted else []


def _check_columns(
    names: Sequence[str], columns: Mapping[str, Sequence[Any]], labels: Sequence[str]
) -> None:
    unknown = [name for name in dict.fromkeys(names) if name not in columns]
    if unknown:
        raise ModelError([no_column("random", name, list(columns)) for name in unknown])
    problems = [
        Problem(f"{label}: no {name}", "give its group, or leave the row out")
        for name in dict.fromkeys(names)
        for label, value in zip(labels, columns[name], strict=True)
        if is_missing(value) or (isinstance(value, str) and not value.strip())
    ]
    if problems:
        raise DataError(problems)


def _codes(values: Sequence[Any]) -> tuple[Index, list[Any]]:
    """Return numbers of the levels in sorted order, and the levels."""
    found = list(dict.fromkeys(values))
    try:
        found.sort()
    except TypeError:
        found.sort(key=str)
    number = {value: i for i, value in enumerate(found)}
    codes = np.fromiter((number[value] for value in values), np.intp, len(values))
    return codes, found


def _named_codes(values: Sequence[Any]) -> tuple[Index, tuple[str, ...]]:
    codes, found = _codes(values)
    return codes, tuple(map(str, found))


def _intercepts(names: Sequence[str], columns: Mapping[str, Sequence[Any]]) -> list[Random]:
    """Return a term for the groups of the first column, those of the second within them, ..."""
    terms: list[Random] = []
    group, labels = _named_codes(columns[names[0]])
    for i, name in enumerate(names):
        if i:
            codes, levels = _named_codes(columns[name])
            found, group = np.unique(group * len(levels) + codes, return_inverse=True)
            pairs = zip(*(part.tolist() for part in np.divmod(found, len(levels))), strict=True)
            labels = tuple(f"{labels[j]}/{levels[m]}" for j, m in pairs)
        inner = np.zeros(group.size, dtype=np.intp)
        of = tuple(names[: i + 1])
        terms.append(Random("/".join(of), Structure("intercept"), group, inner, labels, (), of))
    return terms


def _inner_outer(
    inner: str, outer: Sequence[str], struct: str, columns: Mapping[str, Sequence[Any]]
) -> Random:
    group, groups = _named_codes(columns[outer[0]])
    codes, levels = _named_codes(columns[inner])
    name = f"{inner} | {outer[0]}"
    if len(levels) == 1:
        raise ModelError(
            [
                Problem(
                    f"random term {name}: {inner} is {levels[0]} in every row",
                    f"use random={outer[0]!r}",
                )
            ]
        )
    cells = np.unique(group * len(levels) + codes)
    most = int(np.bincount(cells // len(levels)).max())
    q = most if struct == "CS" else len(levels)
    least = -1.0 if struct == "AR" else -1 / max(most - 1, 1)
    structure = Structure(struct, q, least)
    return Random(name, structure, group, codes, groups, levels, (inner, outer[0]))


def _within(group: Index, cells: Index) -> Index:
    """Return the number of each cell among those of its group."""
    found, of = np.unique(cells, return_inverse=True)
    owner = np.zeros(found.size, dtype=np.intp)
    owner[of] = group
    return np.asarray((np.arange(found.size) - np.searchsorted(owner, owner))[of])


def _own_problems(term: Random) -> list[Problem]:
    """Say what of a term its groups cannot tell."""
    if len(term.groups) == 1:
        message = f"random term {term.name}: {term.columns[-1]} has one group"
        remedy = "its variance cannot be told apart from the mean; leave it out"
        return [Problem(message, remedy)]
    if not term.levels:
        return []
    met = np.zeros((len(term.groups), len(term.levels)), dtype=bool)
    met[term.group, term.inner] = True
    inner, outer = term.columns
    struct = term.structure.id
    if struct != "DIAG" and met.sum(axis=1).max() == 1:
        message = f"random term {term.name}: no group of {outer} has two levels of {inner}"
        remedy = f"a correlation cannot be estimated; use struct='DIAG' or random={outer!r}"
        return [Problem(message, remedy)]
    problems = []
    if struct == "UN":
        together = met.T.astype(int) @ met
        problems += [
            Problem(
                f"random term {term.name}: {term.levels[i]} and {term.levels[j]} never occur in "
                f"one group of {outer}",
                "their correlation cannot be estimated; use struct='HCS', 'CS' or 'DIAG'",
            )
            for i, j in zip(*np.triu_indices(len(term.levels), 1), strict=True)
            if together[i, j] == 0
        ]
    return problems


def sparse_notes(terms: Sequence[Random]) -> tuple[str, ...]:
    """Say which variances rest on a single group."""
    notes = []
    for term in terms:
        if term.structure.variances == 1:
            continue
        for number, level in enumerate(term.levels):
            if np.unique(term.group[term.inner == number]).size == 1:
                inner, outer = term.columns
                notes.append(
                    f"{inner} {level} occurs in one group of {outer}, and its variance rests on "
                    "that alone"
                )
    return tuple(notes)


def _alike(terms: Sequence[Random]) -> list[Problem]:
    """Name pairs of intercepts that put the rows into the same groups."""
    intercepts = [term for term in terms if not term.levels]
    problems = []
    for i, first in enumerate(intercepts):
        for second in intercepts[i + 1 :]:
            pairs = np.unique(first.group * len(second.groups) + second.group).size
            if pairs == len(first.groups) == len(second.groups):
                single = pairs == first.group.size
                why = "every group is a single row" if single else "their groups are the same"
                problems.append(
                    Problem(
                        f"random terms {first.name} and {second.name}: {why}",
                        "their variances cannot be told apart; leave one of them out",
                    )
                )
    return problems


def _nested_alike(terms: Sequence[Random]) -> list[Problem]:
    """Name pairs of terms that both give each row an effect of its own."""
    single = [t for t in terms if not t.levels and len(t.groups) == t.group.size]
    problems = []
    for term in terms:
        if term.structure.id not in ("CS", "UN", "DIAG"):
            continue
        if np.unique(term.group * len(term.levels) + term.inner).size < term.group.size:
            continue
        problems += [
            Problem(
                f"random terms {term.name} and {other.name}: both give each row an effect of its "
                "own",
                f"their variances cannot be told apart; leave out {other.name}",
            )
            for other in single
        ]
    return problems


def absorbed(x: Array, terms: Sequence[Random]) -> list[Problem]:
    """Name the terms whose groups the moderators already account for."""
    problems: list[Problem] = []
    if x.shape[1] == 1:
        return problems
    basis = np.linalg.qr(x)[0]
    for term in terms:
        if term.levels:
            continue
        sums = np.zeros((len(term.groups), basis.shape[1]))
        np.add.at(sums, term.group, basis)
        if len(x) - (sums**2).sum() < 1e-9 * len(x):
            problems.append(
                Problem(
                    f"random term {term.name}: the moderators account for each of its groups",
                    "its variance cannot be estimated; leave out the term or the moderators",
                )
            )
    return problems
