"""Clusters: which effects are of the same study, people or reference group."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np

from comorbid.checks import is_missing, shown
from comorbid.effects.arrays import Index
from comorbid.effects.table import Effects
from comorbid.errors import DataError, ModelError, Problem

MOST_NAMED = 6


class Clusters(NamedTuple):
    """The clusters of some effects.

    Attributes
    ----------
    by : str
        The column that they are of, or ``given`` for values.
    names : tuple of m str
        In the order in which they come first.
    of : integer array of shape (k,)
        The number of each effect's cluster.
    """

    by: str
    names: tuple[str, ...]
    of: Index

    @property
    def sizes(self) -> Index:
        """Number of effects of each."""
        return np.bincount(self.of, minlength=len(self.names))

    def rows(self) -> list[Index]:
        """Return the positions of each cluster's effects."""
        order = np.argsort(self.of, kind="stable")
        return np.split(order, np.cumsum(self.sizes)[:-1])


def columns_of(effects: Effects) -> Mapping[str, Sequence[Any]]:
    """Return what effects can be grouped by: ids, studies, labels and moderators.

    Raises
    ------
    DataError
        If a moderator has the name of the studies, and groups the effects otherwise.
    """
    for name in ("study", "study_id"):
        if name in effects.moderators and len(set(effects.studies)) < effects.k:
            values = [str(value) for value in effects.moderators[name]]
            pairs = set(zip(effects.studies, values, strict=True))
            if not len(pairs) == len(set(effects.studies)) == len(set(values)):
                raise DataError(
                    [
                        Problem(
                            f"the moderator {name} groups the effects otherwise than studies=",
                            "rename one of them, or give studies= the column that is meant",
                        )
                    ]
                )
    return {
        "study": effects.studies,
        "study_id": effects.studies,
        "id": effects.ids,
        "estimate_id": effects.ids,
        "label": effects.labels,
        **effects.moderators,
    }


def no_column(name: str, given: str, known: Sequence[str]) -> Problem:
    """Say that an argument names a column that is not there, and which may be meant."""
    near = difflib.get_close_matches(given, known, n=1)
    remedy = f"did you mean {near[0]}?" if near else f"there are: {', '.join(known)}"
    return Problem(f"{name}: there is no column {given}", remedy)


def column(name: str, given: object, effects: Effects) -> tuple[object, ...]:
    """Return one value an effect: those of a column by its name, or values as given.

    Raises
    ------
    DataError
        If there is not one an effect.
    ModelError
        If there is no such column.
    """
    if isinstance(given, str):
        known = columns_of(effects)
        if given not in known:
            raise ModelError([no_column(name, given, list(known))])
        return tuple(known[given])
    if isinstance(given, Mapping) or not isinstance(given, Iterable):
        raise DataError(f"{name} is {shown(given)}; give a column's name, or one value an effect")
    # Only arrays with a mask name numpy.ma, which is loaded when it is named.
    if isinstance(given, np.ndarray) and hasattr(given, "mask"):
        given = np.ma.filled(given.astype(object), None)
    values = tuple(given)
    if len(values) != effects.k:
        raise DataError(
            f"{name} has {len(values)} values for {effects.k} effects; give one an effect"
        )
    return values


def clusters_of(effects: Effects, given: object, *, name: str = "cluster") -> Clusters:
    """Return the clusters of effects by a column's name, or one value an effect.

    Raises
    ------
    DataError
        If values are missing, or not one an effect.
    ModelError
        If there is no such column.

    Examples
    --------
    >>> effects = Effects(yi=[0.1, 0.2, 0.3], vi=[0.1] * 3, studies=["B", "A", "B"])
    >>> clusters_of(effects, "study_id").of.tolist()
    [0, 1, 0]
    """
    values = column(name, given, effects)
    bad = [i for i, value in enumerate(values) if is_missing(value) or not str(value).strip()]
    if bad:
        raise DataError(
            [
                Problem(
                    f"{name} is missing for {named(bad, effects.labels)}",
                    "give each effect a value of it; one that depends on no other has its own",
                )
            ]
        )
    places: dict[str, int] = {}
    of = np.array([places.setdefault(_name(value), len(places)) for value in values], dtype=np.intp)
    return Clusters(given if isinstance(given, str) else "given", tuple(places), of)


def _name(value: object) -> str:
    """Return the name of a cluster, which is the same for 1 and 1.0."""
    whole = isinstance(value, float) and value.is_integer()
    return f"{value:.0f}" if whole else str(value)


def named(rows: Iterable[int], labels: tuple[str, ...]) -> str:
    """Return the labels at some positions, as an error lists them."""
    found = [labels[i] for i in rows]
    more = f" and {len(found) - MOST_NAMED} more" if len(found) > MOST_NAMED else ""
    return ", ".join(found[:MOST_NAMED]) + more


class Stack(NamedTuple):
    """Clusters of the same size: their numbers (b,) and the rows of their effects (b, s)."""

    numbers: Index
    rows: Index


def stacks_of(rows: list[Index]) -> list[Stack]:
    """Put clusters of the same size together, so that one operation does for all of them."""
    sizes = np.array([r.size for r in rows])
    found = []
    for size in np.unique(sizes):
        numbers = np.flatnonzero(sizes == size)
        found.append(Stack(numbers, np.stack([rows[i] for i in numbers])))
    return found
