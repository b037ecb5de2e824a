"""Looks: what is seen of each chunk of an input, from which it is cut into parts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from comorbid.errors import DataError, Problem
from comorbid.many.groups import code_of
from comorbid.many.links import NO_HASHES, Hashes, Links, hashes_of
from comorbid.many.parts import Bin, Parts, Values, cut, most_held, part_rows, values_at
from comorbid.many.rows import MOST_NAMED, first_of, read_rows
from comorbid.many.settings import Settings
from comorbid.many.source import Source, size_of

if TYPE_CHECKING:
    from comorbid.many.rows import Table

_SAMPLE = 200  # rows looked at for each part


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What is seen of the keys of a chunk.

    Attributes
    ----------
    low, high : tuple
        The lowest keys and the highest.
    sample : tuple of tuple
        Some keys.
    groups : array
        Hashes of all groups; none where nobody asks for them.
    """

    low: Values
    high: Values
    sample: tuple[Values, ...]
    groups: Hashes


def look(
    table: Table, number: int, source: Source, settings: Settings, *, every: int, hashed: bool
) -> Look | tuple[Problem, ...]:
    """Look at the rows of a chunk, or say what is wrong with them."""
    try:
        keys = read_rows(table, settings, places=source.places(number)).keys
    except DataError as error:
        return error.problems
    before = sum(map(size_of, source.chunks[:number]))
    code = code_of(keys)
    low, high = values_at(keys, np.array([code.argmin(), code.argmax()]))
    sample = values_at(keys, np.arange(-before % every, code.size, every))
    return Look(low, high, tuple(sample), hashes_of(keys) if hashed else NO_HASHES)


def sampled() -> int:
    """Return of how many rows one is looked at."""
    return max(1, -(-part_rows() // _SAMPLE))


class Looks:
    """What is seen of the chunks of an input, added in whatever order."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._sizes = [size_of(chunk) for chunk in source.chunks]
        self._links = Links(self._sizes, most_held())
        self._links.link(source.torn)
        self._seen: dict[int, Look] = {}
        self._wrong: dict[int, Sequence[Problem]] = {}

    @property
    def hashed(self) -> bool:
        """Whether the groups of further chunks are asked for."""
        return self._links.few

    @property
    def enough(self) -> bool:
        """Whether more is wrong than is named."""
        return sum(map(len, self._wrong.values())) > MOST_NAMED

    def add(self, number: int, one: Look | Sequence[Problem]) -> None:
        """Note what is seen of a chunk, or wrong with its rows."""
        if not isinstance(one, Look):
            self._wrong[number] = one
            return
        self._links.add(number, one.groups)
        self._seen[number] = replace(one, groups=NO_HASHES)

    def parts(self) -> Parts:
        """Return how the input is cut.

        Raises
        ------
        DataError
            With what is wrong with the rows of all chunks.
        """
        if self._wrong:
            problems = [problem for i in sorted(self._wrong) for problem in self._wrong[i]]
            raise DataError(first_of(problems))
        whole = self._bin(range(len(self._sizes)))
        if self._source.in_order and whole.held(self._sizes) <= most_held():
            return Parts((whole,), straight=True)
        apart = self._links.components()
        if apart is None:
            return Parts((whole,), straight=False)
        return Parts(tuple(map(self._bin, self._packed(apart))), straight=True)

    def _packed(self, apart: list[list[int]]) -> list[list[int]]:
        """Return chunks that share no groups with others, as many together as make a part."""
        found: list[list[int]] = []
        held = part_rows()
        for chunks in apart:
            size = sum(self._sizes[i] for i in chunks)
            if held + size > part_rows():
                found.append([])
                held = 0
            found[-1] += chunks
            held += size
        return [sorted(chunks) for chunks in found]

    def _bin(self, chunks: Sequence[int]) -> Bin:
        seen = [self._seen[i] for i in chunks]
        sample = [values for one in seen for values in one.sample]
        ends = [(one.low, one.high) for one in seen]
        size = sum(self._sizes[i] for i in chunks)
        return Bin.of(tuple(chunks), ends, cut(sample, -(-size // part_rows())))


def find_parts(source: Source, settings: Settings, *, step: Callable[[int, int], None]) -> Parts:
    """Look through all rows, and return how they are cut.

    Raises
    ------
    DataError
        With what is wrong with the rows of all chunks.
    """
    looks = Looks(source)
    for number, table in source.read(settings):
        step(number, len(source.chunks))
        one = look(table, number, source, settings, every=sampled(), hashed=looks.hashed)
        looks.add(number, one)
        if looks.enough:
            break
    return looks.parts()
