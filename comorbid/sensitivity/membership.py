"""Membership: which studies belong to each of many subsets, one bit a study."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from comorbid.effects.arrays import Index, Mask

Packed = NDArray[np.uint8]
Words = NDArray[np.uint64]
_WORD = 64


def all_subsets(k: int) -> Packed:
    """Return every subset of k studies but the empty one, in binary order, of shape (n, bytes)."""
    codes = np.arange(1, 2**k, dtype="<u8")
    return codes.view(np.uint8).reshape(codes.size, 8)[:, : _bytes(k)].copy()


def random_subsets(k: int, n: int, rng: np.random.Generator) -> Packed:
    """Return n distinct subsets of k studies, none empty, drawn with equal probability.

    When they are more than half of all subsets they are the first of a random order of all;
    otherwise repeats are drawn again.
    """
    if k < _WORD and 2**k - 1 < 2 * n:
        return all_subsets(k)[rng.permutation(2**k - 1)[:n]]
    words = np.empty((0, -(-k // _WORD)), dtype=np.uint64)
    while len(words) < n:
        words = np.concatenate([words, _random_words(k, n - len(words), rng)])
        order = np.lexsort(words.T)  # which keeps equal ones as they stand
        again = (words[order[1:]] == words[order[:-1]]).all(axis=1)
        words = np.delete(words, order[1:][again], axis=0)
        words = words[words.any(axis=1)]
    octets = words.astype("<u8").view(np.uint8)
    return np.ascontiguousarray(octets[:, : _bytes(k)])


def members(packed: Packed, k: int) -> Mask:
    """Return the subsets as a boolean array of shape (k, n)."""
    bits = np.unpackbits(packed, axis=1, count=k, bitorder="little")
    return np.ascontiguousarray(bits.T).view(np.bool_)


def sizes(packed: Packed) -> Index:
    """Return how many studies each subset has."""
    return np.asarray(np.bitwise_count(packed).sum(axis=1), dtype=np.intp)


def _bytes(k: int) -> int:
    return -(-k // 8)


def _random_words(k: int, n: int, rng: np.random.Generator) -> Words:
    """Return n rows of k random bits, in words of 64; the bits past k are 0."""
    words = rng.integers(0, 2**_WORD, size=(n, -(-k // _WORD)), dtype=np.uint64)
    if k % _WORD:
        words[:, -1] &= np.uint64(2 ** (k % _WORD) - 1)
    return words
