"""Parts: an input cut by its keys into parts of whole groups, each small enough to be held."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from comorbid.effects.arrays import Index
from comorbid.many.groups import combined
from comorbid.many.rows import Key

PART_ROWS = 2**21
"""Rows of a part, about; one that holds a larger group is larger."""
_MOST_HELD = 3  # times the rows of a part that are read for one straight from the input

Value = str | int
Values = tuple[Value, ...]


def part_rows() -> int:
    """Return about how many rows a part has."""
    return PART_ROWS


def most_held() -> int:
    """Return how many rows are read together straight from the input, at most."""
    return _MOST_HELD * PART_ROWS


@dataclass(frozen=True, slots=True)
class Bin:
    """Chunks that share no group with others, cut by their keys.

    Attributes
    ----------
    chunks : tuple of int
        The chunks, in the order of the input.
    cuts : tuple of tuple
        The last keys of each part but the last part: part i holds what comes after those of part
        i - 1, up to its own.
    spans : tuple of (int, int)
        The first and last part that each chunk has rows of.
    """

    chunks: tuple[int, ...]
    cuts: tuple[Values, ...]
    spans: tuple[tuple[int, int], ...]

    @classmethod
    def of(
        cls, chunks: tuple[int, ...], ends: Sequence[tuple[Values, Values]], cuts: Sequence[Values]
    ) -> Bin:
        """Return chunks cut so, from the lowest and the highest keys of each."""
        spans = ((_part(low, cuts), _part(high, cuts)) for low, high in ends)
        return cls(chunks, tuple(cuts), tuple(spans))

    @property
    def count(self) -> int:
        """Number of parts."""
        return len(self.cuts) + 1

    def held(self, sizes: Sequence[int]) -> int:
        """Return the rows of the chunks of a part, of that which has most."""
        held = np.zeros(self.count, dtype=np.intp)
        for chunk, (first, last) in zip(self.chunks, self.spans, strict=True):
            held[first : last + 1] += sizes[chunk]
        return int(held.max())

    def chunks_of(self, part: int) -> list[int]:
        """Return the chunks that a part has rows in."""
        both = zip(self.chunks, self.spans, strict=True)
        return [chunk for chunk, (first, last) in both if first <= part <= last]

    def span(self, chunk: int) -> tuple[int, int]:
        """Return the first and last part that a chunk has rows of."""
        return self.spans[self.chunks.index(chunk)]


@dataclass(frozen=True, slots=True)
class Parts:
    """How an input is cut; depends on the input alone.

    Attributes
    ----------
    bins : tuple of Bin
        All chunks; the parts are those of the first bin, then those of the second, and so on.
    straight : bool
        Whether each part is read straight from its few chunks; otherwise all are in one bin, and
        sorted first.
    """

    bins: tuple[Bin, ...]
    straight: bool

    @property
    def count(self) -> int:
        """Number of parts."""
        return sum(own.count for own in self.bins)

    def find(self, part: int) -> tuple[Bin, int]:
        """Return the bin of a part, and which of the parts of the bin it is."""
        for own in self.bins:
            if part < own.count:
                return own, part
            part -= own.count
        raise IndexError(part)

    def to_dict(self) -> dict[str, Any]:
        """Return the fields as lists."""
        bins = [{"chunks": own.chunks, "cuts": own.cuts, "spans": own.spans} for own in self.bins]
        return {"bins": bins, "straight": self.straight}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> Parts:
        """Return what `to_dict` wrote, once it was text."""
        bins = tuple(
            Bin(tuple(own["chunks"]), *(tuple(map(tuple, own[name])) for name in ("cuts", "spans")))
            for own in values["bins"]
        )
        return cls(bins, values["straight"])


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


def values_at(keys: Sequence[Key], at: Index) -> list[Values]:
    """Return the keys of some rows."""
    return list(zip(*(key.values[key.codes[at]].tolist() for key in keys), strict=True))


def cut(sample: Sequence[Values], parts: int) -> tuple[Values, ...]:
    """Return keys that cut a sample into as many parts of about the same size."""
    ordered = sorted(sample)
    at = [len(ordered) * i // parts for i in range(1, parts)]
    cuts = dict.fromkeys(ordered[i] for i in at)
    return tuple(cut for cut in cuts if cut < ordered[-1]) if ordered else ()


def _part(values: Values, cuts: Sequence[Values]) -> int:
    return sum(cut < values for cut in cuts)
