"""Parts: an input cut by its keys into parts of whole groups, each small enough to be held."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from comorbid.effects.arrays import Index
from comorbid.errors import DataError, Problem
from comorbid.many.groups import code_of, combined
from comorbid.many.rows import MOST_NAMED, Key, first_of, read_rows
from comorbid.many.settings import Settings
from comorbid.many.source import Source, size_of

if TYPE_CHECKING:
    from comorbid.many.rows import Table

PART_ROWS = 2**21
"""Rows of a part, about; one that holds a larger group is larger."""
_SAMPLE = 200  # rows looked at for each part
_MOST_HELD = 3  # times the rows of a part that are read for one straight from the input

Value = str | int
Values = tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Parts:
    """How an input is cut; depends on the input alone.

    Attributes
    ----------
    cuts : tuple of tuple
        The last keys of each part but the last part: part i holds what comes after those of part
        i - 1, up to its own.
    spans : tuple of (int, int)
        The first and last part that each chunk has rows of.
    straight : bool
        Whether the chunks are in so good an order that each part is read straight from the few
        that it lies in.
    """

    cuts: tuple[Values, ...]
    spans: tuple[tuple[int, int], ...]
    straight: bool

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.cuts) + 1

    def chunks_of(self, part: int) -> list[int]:
        """Return the chunks that a part has rows in."""
        return [i for i, (first, last) in enumerate(self.spans) if first <= part <= last]

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as lists."""
        cuts, spans = [list(cut) for cut in self.cuts], [list(span) for span in self.spans]
        return {"cuts": cuts, "spans": spans, "straight": self.straight}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Parts:
        """Return what `to_dict` wrote."""
        cuts, spans = (tuple(map(tuple, values[name])) for name in ("cuts", "spans"))
        return cls(cuts, spans, values["straight"])


@dataclass(frozen=True, slots=True)
class Look:
    """What is seen of the keys of a chunk: the lowest, the highest, and some between them."""

    low: Values
    high: Values
    sample: tuple[Values, ...]


def look(table: Table, number: int, source: Source, settings: Settings, *, every: int) -> Look:
    """Look at the rows of a chunk, and take a sample of its keys.

    Raises
    ------
    DataError
        With what is wrong with the rows.
    """
    keys = read_rows(table, settings, places=source.places(number)).keys
    before = sum(map(size_of, source.chunks[:number]))
    code = code_of(keys)
    low, high = _values(keys, np.array([code.argmin(), code.argmax()]))
    return Look(low, high, tuple(_values(keys, np.arange(-before % every, code.size, every))))


def find_parts(source: Source, settings: Settings, *, step: Callable[[int, int], None]) -> Parts:
    """Look through all rows, and return how they are cut.

    Raises
    ------
    DataError
        With what is wrong with the rows of all chunks.
    """

    def looks() -> Iterator[Look | Sequence[Problem]]:
        for number, table in source.read(settings):
            step(number, len(source.chunks))
            try:
                yield look(table, number, source, settings, every=sampled())
            except DataError as error:
                yield error.problems

    return cut(source, looks())


def sampled() -> int:
    """Return of how many rows one is looked at."""
    return max(1, -(-PART_ROWS // _SAMPLE))


def cut(source: Source, looks: Iterable[Look | Sequence[Problem]]) -> Parts:
    """Return how the input is cut, from what is seen of each chunk or wrong with it, in order."""
    problems: list[Problem] = []
    seen: list[Look] = []
    for one in looks:
        if isinstance(one, Look):
            seen.append(one)
            continue
        problems += one
        if len(problems) > MOST_NAMED:
            break
    if problems:
        raise DataError(first_of(problems))
    sample = [values for one in seen for values in one.sample]
    cuts = _cuts(sample, -(-source.size // PART_ROWS))
    spans = tuple((_part(one.low, cuts), _part(one.high, cuts)) for one in seen)
    held = np.zeros(len(cuts) + 1, dtype=np.intp)
    for (first, last), chunk in zip(spans, source.chunks, strict=True):
        held[first : last + 1] += size_of(chunk)
    few = not cuts or int(held.max()) <= _MOST_HELD * PART_ROWS
    return Parts(cuts, spans, few and source.in_order)


def part_of(keys: Sequence[Key], cuts: Sequence[Values]) -> Index:
    """Return the part that each row belongs to."""
    codes, sizes = [], []
    for i, key in enumerate(keys):
        # Between any two values there is room for one that is only among the cuts.
        own = np.array([cut[i] for cut in cuts], dtype=key.values.dtype)
        at = np.searchsorted(key.values, own)
        there = np.isin(own, key.values)
        codes.append(np.concatenate([2 * key.codes + 1, 2 * at + there]))
        sizes.append(2 * key.values.size + 1)
    code = combined(codes, sizes)
    rows = code.size - len(cuts)
    return np.searchsorted(code[rows:], code[:rows], side="left")


def _part(values: Values, cuts: Sequence[Values]) -> int:
    return sum(cut < values for cut in cuts)


def _values(keys: Sequence[Key], at: Index) -> list[Values]:
    """Return the keys of some rows."""
    return list(zip(*(key.values[key.codes[at]].tolist() for key in keys), strict=True))


def _cuts(sample: list[Values], parts: int) -> tuple[Values, ...]:
    """Return keys that cut the sample into as many parts of about the same size."""
    ordered = sorted(sample)
    at = [len(ordered) * i // parts for i in range(1, parts)]
    cuts = dict.fromkeys(ordered[i] for i in at)
    return tuple(cut for cut in cuts if cut < ordered[-1]) if ordered else ()
