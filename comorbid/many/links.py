"""Links: which chunks of an input have groups in common, and so have to be read together."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from comorbid.effects.arrays import Index
from comorbid.many.groups import code_of
from comorbid.many.rows import Key

Hashes = NDArray[np.uint64]
NO_HASHES: Hashes = np.empty(0, dtype=np.uint64)


def hashes_of(keys: Sequence[Key]) -> Hashes:
    """Return a number of 64 bits for each group that rows belong to.

    It depends on the values of the keys alone: a group has the same in every chunk. That two
    groups have the same is rare, and does no harm but that their chunks are read together.
    """
    import pandas as pd

    code = code_of(keys)
    # The first row of each run of rows of one group; a group may have several runs.
    at = np.flatnonzero(np.diff(code, prepend=-1))
    at = at[~pd.Series(code[at]).duplicated().to_numpy()]
    columns = {
        i: pd.Categorical.from_codes(key.codes[at], categories=pd.Index(key.values))
        for i, key in enumerate(keys)
    }
    found = pd.util.hash_pandas_object(pd.DataFrame(columns), index=False)
    return np.asarray(found, dtype=np.uint64)


class Links:
    """Chunks that have groups in common, directly or through others, as long as these are few.

    One number of 64 bits a group is held, its hash above the number of a chunk it lies in. Once
    chunks that are linked have more than ``most`` rows there is nothing to be gained, and nothing
    more is held; which comes to the same in whatever order chunks are added.

    Parameters
    ----------
    sizes : sequence of int
        Rows of each chunk.
    most : int
        Rows that can be held together.
    """

    def __init__(self, sizes: Sequence[int], most: int) -> None:
        self._sizes, self._most = np.array(sizes), most
        self._bits = np.uint64(max(1, len(sizes) - 1).bit_length())
        self._first = np.arange(len(sizes))  # of the chunks that each is linked with
        self._known, self._waiting = NO_HASHES, [NO_HASHES]
        self.few = True

    def link(self, pairs: Iterable[tuple[int, int]]) -> None:
        """Link chunks that have to be read together whatever they hold."""
        one, other = np.array([*pairs], dtype=np.intp).reshape(-1, 2).T
        self._join(one, other)

    def add(self, chunk: int, hashes: Hashes) -> None:
        """Note the groups of a chunk."""
        if self.few:
            self._waiting.append(hashes >> self._bits << self._bits | np.uint64(chunk))
            # Sorted as seldom as what is held doubles, so that all of it is sorted a few times.
            if sum(own.size for own in self._waiting) >= self._known.size:
                self._sort()

    def components(self) -> list[list[int]] | None:
        """Return the chunks that are linked, those of the first chunk first; None if too many."""
        self._sort()
        if not self.few:
            return None
        firsts = np.unique(self._first)
        return [np.flatnonzero(self._first == first).tolist() for first in firsts]

    def _sort(self) -> None:
        found = np.concatenate([self._known, *self._waiting])
        self._waiting = []
        found.sort()
        same = (found[1:] ^ found[:-1]) >> self._bits == 0
        self._known = found[np.concatenate([[True], ~same])[: found.size]]
        self._join(self._chunk(found[:-1][same]), self._chunk(found[1:][same]))

    def _chunk(self, packed: Hashes) -> Index:
        return (packed & ((np.uint64(1) << self._bits) - np.uint64(1))).astype(np.intp)

    def _join(self, one: Index, other: Index) -> None:
        from scipy.sparse import coo_array
        from scipy.sparse.csgraph import connected_components

        n = self._first.size
        rows = np.concatenate([np.arange(n), one])
        columns = np.concatenate([self._first, other])
        graph = coo_array((np.ones(rows.size, dtype=np.int8), (rows, columns)), shape=(n, n))
        _, label = connected_components(graph, directed=False)
        _, first = np.unique(label, return_index=True)
        self._first = first[label]
        held = np.bincount(label, weights=self._sizes)
        if held.max(initial=0) > self._most:
            self.few = False
            self._known, self._waiting = NO_HASHES, []
