"""Options: what an analysis lets a report set, and whether a value is of the kind asked for."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, TypeGuard, cast

OptionKind = Literal["text", "names", "number", "numbers", "rules"]
Rules = Mapping[str, Mapping[str, tuple[str, ...]]]
OptionValue = str | float | tuple[str, ...] | tuple[float, ...] | Rules

WANTED: dict[str, str] = {
    "text": "some text",
    "names": 'a name, or a list such as ["year"]',
    "number": "a number",
    "numbers": "a number, or a list such as [0.2, 0.18, 0.22]",
    "rules": 'names with columns and values, such as {"adults only" = {population = "adults"}}',
}


@dataclass(frozen=True, slots=True)
class Option:
    """A setting of an analysis, which a report gives under ``[analyses.ID]``.

    Parameters
    ----------
    name : str
        Lower case, a Python name: the key in ``report.toml``.
    kind : {"text", "names", "number", "numbers", "rules"}
        ``names`` and ``numbers`` are tuples; a single one may be given without a list. ``rules``
        are a mapping of names to columns with the values that belong.
    description : str
        What it sets.
    required : bool
        Whether a report that uses the analysis must give it.
    default : str, float, tuple, mapping or None
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
    if kind == "rules":
        return _read_rules(value)
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


def _read_rules(value: object) -> Rules | None:
    if not isinstance(value, Mapping) or not value:
        return None
    found = {}
    for name, where in value.items():
        if not isinstance(where, Mapping) or not where:
            return None
        columns = {column: read_option("names", values) for column, values in where.items()}
        if None in columns.values():
            return None
        found[name] = MappingProxyType(cast("dict[str, tuple[str, ...]]", columns))
    return MappingProxyType(found)


def _is_number(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)
