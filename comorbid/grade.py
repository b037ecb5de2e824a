"""GRADE: the domains that the certainty of evidence is judged in, and what each rating does."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

from comorbid.checks import is_one_of, is_text, shown
from comorbid.errors import DataError, Problem

_SERIOUS = {"not serious": 0, "serious": -1, "very serious": -2}
DOWN: dict[str, dict[str, int]] = {
    "risk_of_bias": _SERIOUS,
    "inconsistency": _SERIOUS,
    "indirectness": _SERIOUS,
    "imprecision": _SERIOUS,
    "publication_bias": {
        "undetected": 0,
        "strongly suspected": -1,
        "very strongly suspected": -2,
    },
}
"""The domains that certainty is rated down for, and by how many levels each rating does."""

UP: dict[str, dict[str, int]] = {
    "large_effect": {"no": 0, "large": 1, "very large": 2},
    "dose_response": {"no": 0, "yes": 1},
    "plausible_confounding": {"no": 0, "yes": 1},
}
"""What it is rated up for."""

START: dict[str, int] = {"low": 2, "high": 4}
"""Where it begins, of the four levels."""

ALLOWED = {"start": START, **DOWN, **UP}
LEVELS = ("very low", "low", "moderate", "high")


class Judgement(NamedTuple):
    """What an analyst judged, why, and by how many levels it moves the certainty."""

    rating: str
    reason: str
    steps: int


def judged(start: object, given: object) -> dict[str, Judgement]:
    """Return every judgement with its steps; raise with all that is wrong at once."""
    problems, found = [], dict[str, Judgement]()
    entries = dict[object, object](given) if isinstance(given, Mapping) else {}
    if given is not None and not isinstance(given, Mapping):
        problems.append(Problem(f"judgements are {shown(given)}", "give them by domain"))
    if start is not None:
        entries["start"] = start
    for name, entry in entries.items():
        allowed = ALLOWED.get(str(name))
        pair = tuple(entry) if isinstance(entry, list | tuple) else (entry,)
        if allowed is None:
            remedy = f"use one of {', '.join(ALLOWED)}"
            problems.append(Problem(f"{shown(name)} is no domain", remedy))
        elif len(pair) != 2 or not is_one_of(pair[0], allowed) or not is_text(pair[1]):
            remedy = f"give one of {', '.join(allowed)}, and why"
            problems.append(Problem(f"{name} is {shown(entry)}", remedy))
        else:
            found[str(name)] = Judgement(pair[0], pair[1], allowed[pair[0]])
    if problems:
        raise DataError(problems)
    return {name: found[name] for name in ALLOWED if name in found}


def rarely(judged: Mapping[str, Judgement]) -> tuple[str, ...]:
    """Say what GRADE does rarely or never."""
    up = [name for name in UP if name in judged and judged[name].steps > 0]
    down = [name for name in DOWN if name in judged and judged[name].steps < 0]
    notes = []
    if up and down:
        notes.append("rated up and down at once: what is rated down is usually not rated up")
    if up and "start" in judged and judged["start"].rating == "high":
        notes.append("begins at high and is rated up: that is usually for observational studies")
    return tuple(notes)
