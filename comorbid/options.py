"""Options: what an analysis lets a report set, and whether a value is of the kind asked for."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, TypeGuard

OptionKind = Literal["text", "names", "number", "numbers"]
OptionValue = str | float | tuple[str, ...] | tuple[float, ...]

WANTED: dict[str, str] = {
    "text": "some text",
    "names": 'a name, or a list such as ["year"]',
    "number": "a number",
    "numbers": "a number, or a list such as [0.2, 0.18, 0.22]",
}


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of an analysis, which a report gives under ``[analyses.ID]``.

    Parameters
    ----------
    name : str
        Lower case, a Python name: the key in ``report.toml``.
    kind : {"text", "names", "number", "numbers"}
        ``names`` and ``numbers`` are tuples; a single one may be given without a list.
    description : str
        What it sets.
    required : bool
        Whether a report that uses the analysis must give it.
    default : str, float, tuple or None
        Its value where a report gives none.

    Examples
    --------
    >>> Option("size", "number", "how many people are drawn", default=1000.0).default
    1000.0
    """

    name: str
    kind: OptionKind
    description: str
    required: bool = False
    default: OptionValue | None = None


def read_option(kind: OptionKind, value: object) -> OptionValue | None:
    """Return a value as this kind has it, or None if it is of another.

    Examples
    --------
    >>> read_option("numbers", 0.2), read_option("names", ["year"]), read_option("number", "x")
    ((0.2,), ('year',), None)
    """
    values = list(value) if isinstance(value, list | tuple) else [value]
    one = kind in ("text", "number")
    if not values or (one and isinstance(value, list | tuple)):
        return None
    if kind in ("text", "names"):
        texts = tuple(entry for entry in values if isinstance(entry, str) and entry.strip())
        if len(texts) < len(values) or len(set(texts)) < len(texts):
            return None
        return texts[0] if one else texts
    numbers = tuple(float(entry) for entry in values if _is_number(entry))
    if len(numbers) < len(values):
        return None
    return numbers[0] if one else numbers


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
