"""Checks of means, standard deviations and percentages against what people can have."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from comorbid.studies.columns import GROUP_COLUMNS, PERCENT_OF
from comorbid.studies.finding import Finding, Severity
from comorbid.studies.integers import (
    Whole,
    exact,
    nearest,
    people,
    printed,
    sd_bounds,
    why_not,
)
from comorbid.studies.table import Studies

_LARGEST = 1e12  # beyond it no score, scale or number of people is meant
_PAPER = "Compare {names} with the paper; people missing from the figure make n smaller."


@dataclass(frozen=True, slots=True)
class Group:
    """Mean, standard deviation and size of one group of a row, as printed; "" is missing.

    ``items``, ``low`` and ``high`` are None where the row does not declare them.
    """

    id: str
    label: str
    names: tuple[str, str, str]
    mean: str
    sd: str
    n: int
    items: int | None
    low: float | None
    high: float | None

    @property
    def text(self) -> str:
        """The group as a finding quotes it."""
        figure = f"{self.names[0]} is {self.mean}"
        figure += f", {self.names[1]} {self.sd}" if self.sd else ""
        return f"{self.label}: {figure}, of {self.n:,} people"

    @property
    def whole(self) -> Whole | None:
        """The whole numbers behind the mean, where the row declares that there are."""
        if self.items is None:
            return None
        ends = (self.low, self.high)
        whole = all(end is None or end % 1 == 0 for end in ends)
        low, high = (int(end) if whole and end is not None else None for end in ends)
        return people(self.n, items=self.items, low=low, high=high)


def impossible_means(studies: Studies) -> Iterator[Finding]:
    """Find means and standard deviations that no data give.

    Nothing is tested unless the row says what its outcome can be: ``items``, the number of whole
    numbers that a score averages (1 for one question or a count), or the ends ``scale_low`` and
    ``scale_high`` of the score. Of whole numbers `comorbid.grim` has the conditions; of anything
    else between a and b a mean m stands between them, and the standard deviation is at most
    sqrt((m - a) (b - m) n / (n - 1)) (Bhatia and Davis 2000, doi:10.2307/2589180).
    """
    for group in _groups(studies):
        finding = _off_the_scale(group) or _of_whole_numbers(group) or _too_spread(group)
        if finding is not None:
            yield finding


def impossible_percentages(studies: Studies) -> Iterator[Finding]:
    """Find percentages that no number of people is of all.

    A column says in its name what it is a percentage of: ``percent_of_n1i``, or
    ``female_percent_of_n``.
    """
    arrays, digits = studies.arrays, studies.digits
    known = [
        (name, match[1])
        for name in digits
        if (match := PERCENT_OF.fullmatch(name))
        if arrays.is_number(name) and arrays.is_number(match[1])
    ]
    for row, text in zip(arrays.records(), digits.records(), strict=True) if known else ():
        for name, size in known:
            n = _whole_number(row[size])
            if _number(row[name]) is not None and n:
                yield from _percentage(row, name, text[name], size, n)


def _percentage(
    row: Mapping[str, Any], name: str, text: str, size: str, n: int
) -> Iterator[Finding]:
    whole, share = people(n, unit="percent"), printed(text, unit="percent")
    if not why_not(whole, share):
        return
    expected = f"A percentage of {n:,} people is a whole number of them"
    if share[0] < 0 or share[0] > 1:
        expected += ", from none to all."
    else:
        near = [
            f"{part * n} ({_to(100 * float(part), text)} %)" for part in nearest(whole, share[0])
        ]
        expected += f"; next to {text} % are {' and '.join(near)}."
    yield Finding(
        "impossible-percentage",
        "warning",
        (row["estimate_id"],),
        expected,
        f"{row['label']}: {name} is {text} % of {n:,} people.",
        _PAPER.format(names=f"{name} and {size}"),
    )


def _off_the_scale(group: Group) -> Finding | None:
    value, half = exact(group.mean)
    if group.low is None:
        return None
    low, high = group.low, math.inf if group.high is None else group.high
    if low <= value + half and value - half <= high:
        return None
    end = "up" if group.high is None else f"to {high:g}"
    return _finding("impossible-mean", group, f"A mean on a scale from {low:g} {end} lies on it.")


def _of_whole_numbers(group: Group) -> Finding | None:
    if group.whole is None:
        return None
    mean = exact(group.mean)
    why = why_not(group.whole, mean, exact(group.sd) if group.sd else None)
    if not why:
        return None
    parts = f"{group.items} whole numbers each" if group.whole.items > 1 else "whole numbers"
    if why == "mean":
        near = [_to(float(value), group.mean) for value in nearest(group.whole, mean[0])]
        expected = f"A mean of {parts} is their sum over their number (GRIM); next to it are "
        return _finding("impossible-mean", group, f"{expected}{' and '.join(near)}.")
    if why == "squares":
        expected = (
            f"A sum of squares of {parts} is whole, and odd exactly if their sum is (GRIMMER); none"
            " gives this standard deviation, with n - 1, with this mean."
        )
        return _finding("impossible-sd", group, expected, "warning")
    low, high = sd_bounds(group.whole, mean)
    end = f"to {high:.3g}" if math.isfinite(high) else "up"
    expected = f"The standard deviation of {parts} with this mean is from {low:.3g} {end}."
    return _finding("impossible-sd", group, expected)


def _too_spread(group: Group) -> Finding | None:
    low, high = group.low, group.high
    if low is None or high is None or not group.sd or group.n < 2:
        return None
    value, half = (float(part) for part in exact(group.mean))
    widest = min(max((low + high) / 2, value - half), value + half)
    most = math.sqrt((widest - low) * (high - widest) * group.n / (group.n - 1))
    sd, sd_half = exact(group.sd)
    if float(sd - sd_half) <= most * (1 + 1e-12):
        return None
    scale = f"a scale from {low:g} to {high:g}"
    expected = f"With this mean on {scale}, no standard deviation is above {most:.3g}."
    return _finding("impossible-sd", group, expected)


def _finding(code: str, group: Group, expected: str, severity: Severity = "error") -> Finding:
    remedy = _PAPER.format(names=", ".join(group.names))
    return Finding(code, severity, (group.id,), expected, f"{group.text}.", remedy)


def _groups(studies: Studies) -> Iterator[Group]:
    """The groups of all rows that declare what their outcome can be."""
    arrays, digits = studies.arrays, studies.digits
    known = [names for names in GROUP_COLUMNS if all(map(arrays.is_number, names))]
    if not {"items", "scale_low", "scale_high"} & set(arrays):
        return
    for row, text in zip(arrays.records(), digits.records(), strict=True):
        items = _whole_number(row.get("items"))
        low, high = _scale(row)
        for names in known:
            mean, sd, n = (
                _number(row[names[0]]),
                _number(row[names[1]]),
                _whole_number(row[names[2]]),
            )
            if mean is None or n is None or (items is None and high is None):
                continue
            said_sd = text[names[1]] if sd is not None and sd >= 0 else ""
            group = (row["estimate_id"], row["label"], names, text[names[0]], said_sd)
            yield Group(*group, n, items, low, high)


def _scale(row: Mapping[str, Any]) -> tuple[float | None, float | None]:
    """The ends of a row's scale; a low one may stand alone."""
    low, high = _number(row.get("scale_low")), _number(row.get("scale_high"))
    if low is None or (high is not None and low >= high):
        return None, None
    return low, high


def _number(value: object) -> float | None:
    return value if isinstance(value, float) and abs(value) <= _LARGEST else None


def _whole_number(value: object) -> int | None:
    number = _number(value)
    return int(number) if number is not None and number > 0 and number % 1 == 0 else None


def _to(value: float, like: str) -> str:
    """A number with one digit more than a printed one has."""
    return f"{value:.{len(like.partition('.')[2]) + 1}f}"
