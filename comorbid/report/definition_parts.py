"""The parts of a definition that are tables, each read with all its problems."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from comorbid.contributions import REPORTING, Deviation
from comorbid.effects.overrides import Override
from comorbid.errors import DataError, Problem
from comorbid.studies.review import Review


def overrides_of(entries: list[dict[str, Any]], problems: list[Problem]) -> tuple[Override, ...]:
    """Return the overrides; what is wrong with them is added to the problems."""
    overrides = []
    for number, entry in enumerate(entries, start=1):
        wanted = {"estimate", "use", "reason"}
        if set(entry) != wanted or not all(isinstance(value, str) for value in entry.values()):
            found = ", ".join(entry) or "nothing"
            remedy = "give estimate, use and reason, each as text, and nothing else"
            problems.append(Problem(f"override {number} has {found}", remedy))
            continue
        try:
            overrides.append(Override(entry["estimate"], use=entry["use"], reason=entry["reason"]))
        except DataError as error:
            problems.extend(error.problems)
    return tuple(overrides)


def deviations_of(entries: list[dict[str, Any]], problems: list[Problem]) -> tuple[Deviation, ...]:
    """Return the deviations; what is wrong with them is added to the problems."""
    found = []
    for number, entry in enumerate(entries, start=1):
        texts = [value for value in entry.values() if isinstance(value, str) and value.strip()]
        if set(entry) == {"what", "why"} and len(texts) == len(entry):
            found.append(Deviation(**entry))
        else:
            remedy = "give what and why, each as text, and nothing else"
            problems.append(
                Problem(f"deviation {number} has {', '.join(entry) or 'nothing'}", remedy)
            )
    return tuple(found)


def review_of(table: dict[str, Any], problems: list[Problem]) -> Review | None:
    """Return the review; what is wrong with it is added to the problems."""
    try:
        return Review.from_mapping(table, source="review")
    except DataError as error:
        problems.extend(Problem(p.message, p.remedy, column="review") for p in error.problems)
        return None


def reporting_of(table: dict[str, Any], problems: list[Problem]) -> Mapping[str, str]:
    """Return what a report says of its protocol and of how its studies were found."""
    for key, value in table.items():
        if key not in REPORTING:
            near = difflib.get_close_matches(key, REPORTING, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"use {', '.join(REPORTING)}"
            problems.append(Problem(f"[reporting] has {key!r}", remedy))
        elif not isinstance(value, str) or not value.strip():
            problems.append(Problem(f"[reporting]: {key} is {value!r}", "give some text"))
    return MappingProxyType(dict(table))
