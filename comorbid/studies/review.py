"""What a systematic review says about itself, and how much of it a table covers."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from comorbid.errors import DataError, Problem

if TYPE_CHECKING:
    from comorbid.studies.table import Studies


@dataclass(frozen=True, slots=True)
class PublishedEstimate:
    """An estimate with its interval, as a review prints it."""

    estimate: float
    ci: tuple[float, float]


@dataclass(frozen=True, slots=True)
class Coverage:
    """How much of a review a table of studies holds.

    Parameters
    ----------
    studies, of_studies : int
        Distinct studies in the table, and in the review.
    participants, of_participants : int
        People in those studies, each study counted once, and in the review.
    share : float
        ``participants / of_participants``, a proportion.
    without_n : tuple of str
        Studies in the table whose number of people is not known; they count as 0.
    largest : str
        The study with the most people, by its id; empty if no number is known.
    largest_share : float
        Its part of ``participants``, a proportion.
    """

    studies: int
    of_studies: int
    participants: int
    of_participants: int
    share: float
    without_n: tuple[str, ...] = ()
    largest: str = ""
    largest_share: float = 0.0

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name, the shares as percentages too, and what is not here."""
        return {
            **dataclasses.asdict(self),
            "percent": 100 * self.share,
            "largest_percent": 100 * self.largest_share,
            "not_here": self.of_studies - self.studies,
            "without_n": list(self.without_n),
        }

    def summary(self) -> str:
        """Return the coverage in words.

        Examples
        --------
        >>> Coverage(6, 14, 423634, 460195, 423634 / 460195).summary()
        '6 of 14 studies, 92 % of participants (423,634 of 460,195)'
        """
        percent = f"{100 * self.share:.0f} %"
        if percent == "100 %" and self.participants < self.of_participants:
            percent = "over 99 %"
        people = f"{self.participants:,} of {self.of_participants:,}"
        text = f"{self.studies} of {self.of_studies} studies, {percent} of participants ({people})"
        if self.without_n:
            text += f"; number of people not known for {', '.join(self.without_n)}"
        return text


@dataclass(frozen=True, slots=True)
class Review:
    """The systematic review that a table of studies comes from.

    Parameters
    ----------
    title, authors, journal, doi : str
        Where it was published.
    studies, participants : int
        How many studies and people it includes.
    pooled_by_authors : bool
        Whether its authors pooled the estimates.
    why_not_pooled : str
        Their reason, where they did not.
    registration, quality_scale : str
        Protocol registration and the scale used to rate the studies.
    coverage_note : str
        What a reader must know about the studies of the review that a table holds.
    papers : int, optional
        How many papers report the studies.
    age_range : pair of float, optional
        Youngest and oldest participant, in years.
    smallest_study, largest_study : int, optional
        Participants.
    lowest_odds_ratio, highest_odds_ratio : PublishedEstimate, optional
        The range of estimates that the review reports.
    """

    title: str
    authors: str
    journal: str
    doi: str
    studies: int
    participants: int
    pooled_by_authors: bool
    why_not_pooled: str = ""
    registration: str = ""
    quality_scale: str = ""
    coverage_note: str = ""
    papers: int | None = None
    age_range: tuple[float, float] | None = None
    smallest_study: int | None = None
    largest_study: int | None = None
    lowest_odds_ratio: PublishedEstimate | None = None
    highest_odds_ratio: PublishedEstimate | None = None

    @classmethod
    def from_mapping(cls, values: Mapping[str, Any], *, source: str) -> Review:
        """Build a review from the contents of a TOML table.

        Parameters
        ----------
        values : mapping
            Field names to values; pairs are lists of two numbers, a published estimate is
            ``{estimate = 1.55, ci = [1.13, 2.11]}``.
        source : str
            Name of the file, for messages.

        Raises
        ------
        DataError
            If a field is missing, unknown, or of the wrong type.

        Examples
        --------
        >>> Review.from_mapping({"title": "T"}, source="r.toml")  # doctest: +ELLIPSIS
        Traceback (most recent call last):
        ...
        comorbid.errors.DataError: 6 problems:
          r.toml: authors is missing; give a string
        ...
        """
        fields = {field.name: field for field in dataclasses.fields(cls)}
        problems = [
            Problem(f"there is no field {name} in a review", f"use {', '.join(fields)}", source)
            for name in values
            if name not in fields
        ]
        accepted: dict[str, Any] = {}
        for name, field in fields.items():
            wanted, read = _READERS[str(field.type)]
            if name in values:
                try:
                    accepted[name] = read(values[name])
                except (TypeError, ValueError, KeyError):
                    message = f"{name} is {values[name]!r}"
                    problems.append(Problem(message, f"give {wanted}", source))
            elif field.default is dataclasses.MISSING:
                problems.append(Problem(f"{name} is missing", f"give {wanted}", source))
        if problems:
            raise DataError(problems)
        return cls(**accepted)

    def coverage(self, studies: Studies) -> Coverage:
        """Return how much of this review ``studies`` holds.

        A study counts once, however many rows it has: with the largest ``n`` of its rows, or the
        largest total of their 2x2 counts where none has an ``n``.
        """
        known = _people(studies)
        counted = {study: people for study, people in known.items() if not math.isnan(people)}
        participants = int(sum(counted.values()))
        return Coverage(
            studies=len(known),
            of_studies=self.studies,
            participants=participants,
            of_participants=self.participants,
            share=participants / self.participants,
            without_n=tuple(study for study in known if study not in counted),
            largest=max(counted, key=counted.__getitem__) if participants else "",
            largest_share=max(counted.values()) / participants if participants else 0.0,
        )

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name; pairs are lists."""
        values = dataclasses.asdict(self)
        if self.age_range is not None:
            values["age_range"] = list(self.age_range)
        for name in ("lowest_odds_ratio", "highest_odds_ratio"):
            if values[name] is not None:
                values[name]["ci"] = list(values[name]["ci"])
        return values


def _people(studies: Studies) -> dict[str, float]:
    """Return how many people each study has, nan where that is not known."""
    arrays = studies.arrays
    total = arrays["ai"] + arrays["bi"] + arrays["ci"] + arrays["di"]
    sizes: dict[str, list[tuple[float, float]]] = {}
    for study, *own in zip(arrays["study_id"], arrays["n"].tolist(), total.tolist(), strict=True):
        sizes.setdefault(study, []).append((own[0], own[1]))
    largest = {study: tuple(map(_largest, zip(*own, strict=True))) for study, own in sizes.items()}
    return {study: total if math.isnan(n) else n for study, (n, total) in largest.items()}


def _largest(numbers: Iterable[float]) -> float:
    return max((number for number in numbers if not math.isnan(number)), default=math.nan)


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError
    return value


def _whole(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or value < 1:
        raise TypeError
    return value


def _truth(value: Any) -> bool:
    if not isinstance(value, bool):
        raise TypeError
    return value


def _number(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError
    return float(value)


def _pair(value: Any) -> tuple[float, float]:
    if not isinstance(value, list | tuple):
        raise TypeError
    low, high = (_number(end) for end in value)
    if not low <= high:
        raise ValueError
    return low, high


def _published(value: Any) -> PublishedEstimate:
    if set(value) != {"estimate", "ci"}:
        raise KeyError
    return PublishedEstimate(_number(value["estimate"]), _pair(value["ci"]))


_READERS: dict[str, tuple[str, Any]] = {
    "str": ("a string", _text),
    "int": ("a whole number above 0", _whole),
    "int | None": ("a whole number above 0", _whole),
    "bool": ("true or false", _truth),
    "tuple[float, float] | None": ("a list of two numbers, the lower first", _pair),
    "PublishedEstimate | None": ("{estimate = number, ci = [low, high]}", _published),
}
