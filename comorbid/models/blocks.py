"""Blocks: many data sets fitted a block at a time, on all cores, in bounded memory."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import fields
from typing import TypeVar

import numpy as np

from comorbid.effects.arrays import Array
from comorbid.models.fits import Batch, DesignFits, Outlines
from comorbid.models.spare import Spare

Fits = TypeVar("Fits", Batch, DesignFits, Outlines)


def in_blocks(n: int, size: int, fit: Callable[[slice, Spare], Fits]) -> Fits:
    """Fit n data sets in blocks of at most ``size``, as many for each core, and return them as one.

    Parameters
    ----------
    n, size : int
    fit : callable
        ``fit(block, spare)``: the fits of a slice of range(n), with memory to use again.
    """
    if n <= size:
        return fit(slice(0, n), Spare())
    count = -(-n // size)
    cores = min(os.cpu_count() or 1, count)
    size = -(-n // (cores * -(-count // cores)))
    blocks = [slice(start, start + size) for start in range(0, n, size)]
    spares: list[Spare] = []

    def run(block: slice) -> Fits:
        try:
            spare = spares.pop()
        except IndexError:
            spare = Spare()
        found = fit(block, spare)
        spares.append(spare)
        return found

    kept: dict[str, Array] = {}
    with ThreadPoolExecutor(cores) as threads:
        for block, found in zip(blocks, threads.map(run, blocks), strict=True):
            for field in fields(found):
                values: Array = getattr(found, field.name)
                if field.name not in kept:
                    kept[field.name] = np.empty((*values.shape[:-1], n), dtype=values.dtype)
                kept[field.name][..., block] = values
    return type(found)(**kept)
