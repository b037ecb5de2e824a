"""What papers print: their figures, good to half a unit of the last digit, and their data sets."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import numpy as np

import comorbid as cb

DATA = Path(__file__).parents[1] / "golden" / "data"


class Printed:
    """Figures as printed: equal to numbers that round to them.

    Examples
    --------
    >>> [-0.71453, 0.3604] == as_printed("-0.7145 0.360")
    True
    >>> -0.7146 == as_printed("-0.7145")
    False
    """

    __hash__ = None  # type: ignore[assignment]
    # So that an array on the left leaves the comparison to this class.
    __array_ufunc__ = None

    def __init__(self, text: str) -> None:
        self.text = text
        words = text.split()
        self.figures = np.array([float(word) for word in words])
        decimals = np.array([len(word.partition(".")[2]) for word in words])
        self.unit = 10.0**-decimals

    def __eq__(self, found: object) -> bool:
        values = np.asarray(found, dtype=float).ravel()
        if values.size != self.figures.size:
            raise ValueError(f"{values.size} numbers for {self.figures.size} printed figures")
        # The last term lets a number that lies on the half round either way.
        return bool((abs(values - self.figures) <= self.unit * 0.5 + 1e-12).all())

    def __repr__(self) -> str:
        return f"as_printed({self.text!r})"


def as_printed(text: str) -> Printed:
    """Return the figures of a text, separated by blanks, as a paper prints them."""
    return Printed(text)


def columns(name: str) -> dict[str, list[Any]]:
    """Return a data set of tests/golden/data by column; a number where it reads as one."""
    with (DATA / f"{name}.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    return {column: [_value(row[column]) for row in rows] for column in rows[0]}


def _value(cell: str) -> float | str:
    if not cell:
        return float("nan")
    try:
        return float(cell)
    except ValueError:
        return cell


def bcg(measure: str) -> cb.Effects:
    """The 13 trials of the BCG vaccine (Colditz 1994), with latitude, year and allocation."""
    raw = columns("dat.bcg")
    return cb.escalc(
        measure,
        ai=raw["tpos"],
        bi=raw["tneg"],
        ci=raw["cpos"],
        di=raw["cneg"],
        labels=[f"{a}, {y:.0f}" for a, y in zip(raw["author"], raw["year"], strict=True)],
        moderators={name: raw[name] for name in ("ablat", "year", "alloc")},
    )


def expectancy() -> cb.Effects:
    """The 19 experiments on teachers' expectations (Raudenbush 1984), with weeks of contact.

    More than 3 weeks count as 3, as in all analyses of these data.
    """
    raw = columns("dat.raudenbush1985")
    weeks = np.minimum(raw["weeks"], 3).tolist()
    return cb.Effects(yi=raw["yi"], vi=raw["vi"], moderators={"weeks": weeks})
