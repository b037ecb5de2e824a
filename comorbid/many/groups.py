"""Groups: which rows of a table are pooled together, in the order of the keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from comorbid.effects.arrays import Array, Index
from comorbid.many.rows import Key, Rows

_MOST_CODES = 2**62
_BITS = 16


@dataclass(frozen=True, slots=True, eq=False)
class Groups:
    """The n groups of a table, in the order of their keys.

    Attributes
    ----------
    codes : tuple of arrays of shape (n,)
        The value that each group has of each key.
    yi, vi : arrays
        Effects and variances of the usable rows, group after group, in the order of the table.
    offsets : array of shape (n + 1,)
        Where each group begins in them.
    missing : array of shape (n,)
        Rows of each group without effect or variance.
    """

    codes: tuple[Index, ...]
    yi: Array
    vi: Array
    offsets: Index
    missing: Index


def group(rows: Rows) -> Groups:
    """Return the rows by group; the order of the rows in a group stays."""
    code = code_of(rows.keys)
    order = _order(code)
    code = code[order]
    first = np.flatnonzero(np.concatenate([[True], code[1:] != code[:-1]])[: code.size])
    number = np.repeat(np.arange(first.size), np.diff(np.append(first, code.size)))
    usable = rows.usable[order]
    used = order[usable]
    k = np.bincount(number[usable], minlength=first.size)
    at = order[first]
    return Groups(
        codes=tuple(key.codes[at] for key in rows.keys),
        yi=rows.yi[used],
        vi=rows.vi[used],
        offsets=np.concatenate([[0], np.cumsum(k)]),
        missing=np.bincount(number[~usable], minlength=first.size),
    )


def _order(code: Index) -> Index:
    """Return the positions in the order of the codes, those of the same code as they stand.

    By 16 bits at a time, from the last: of such numbers NumPy's stable sort takes linear time.
    """
    order = np.arange(code.size)
    for shift in range(0, int(code.max(initial=0)).bit_length(), _BITS):
        digits = (code[order] >> shift & (2**_BITS - 1)).astype(np.uint16)
        order = order[np.argsort(digits, kind="stable")]
    return order


def combined(codes: Sequence[Index], sizes: Sequence[int]) -> Index:
    """Return one number a row that orders rows as their codes do, the first key first.

    Parameters
    ----------
    codes : sequence of arrays of shape (n,)
        One array a key.
    sizes : sequence of int
        What the codes of each key are below.
    """
    found, most = codes[0].astype(np.int64), max(1, sizes[0])
    for own, size in zip(codes[1:], sizes[1:], strict=True):
        if most > _MOST_CODES // max(1, size):
            present, found = np.unique(found, return_inverse=True)
            most = present.size
        found = found * size + own
        most *= size
    return found


def code_of(keys: Sequence[Key]) -> Index:
    """Return one number a row that orders rows as their keys do."""
    return combined([key.codes for key in keys], [key.values.size for key in keys])
