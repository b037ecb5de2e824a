"""The columns a table may have, and what each may hold."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Literal, get_args

import numpy as np
import numpy.typing as npt

Kind = Literal["text", "number", "count", "flag"]
Values = npt.NDArray[Any]
Check = Callable[[Values], Values]

STUDIES = "studies"
"""The name of the study table; every other table of a report has a name of its own."""

TABLE_NAME = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
"""What a table may be called: lower-case words with single hyphens between."""

RATIO_MEASURES: tuple[str, ...] = ("OR", "RR", "HR", "IRR")
"""Measures that are ratios: above 0, and analysed as logarithms."""

MEASURE_WORDS: dict[str, str] = {
    **{code.lower(): code for code in RATIO_MEASURES},
    "odds ratio": "OR",
    "risk ratio": "RR",
    "relative risk": "RR",
    "hazard ratio": "HR",
    "rate ratio": "IRR",
    "incidence rate ratio": "IRR",
}
"""Other spellings of the ratio measures, in lower case, with the spelling to use."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column that the study table, or a further table of a report, may have.

    Parameters
    ----------
    name : str
        The name in the header.
    kind : {"text", "number", "count", "flag"}
        What the cells hold. A count is a whole number from 0 up; a flag is yes or no.
    required : bool
        Whether the table must have the column, with a value on every row.
    description : str
        What the column holds, worded to follow "give": ``"the year of publication"``. Error
        messages use it to say what to do.
    check : callable, optional
        ``check(values) -> array of bool`` gets the values that are not missing, already read
        (float64 for numbers and counts, bool for flags, object for text), and says for each
        whether it is acceptable.
    table : str
        The table it belongs to: the study table, or one that ``report.toml`` names under
        ``[tables]``.

    Raises
    ------
    ValueError
        If the name is empty, the kind is not one of the four, or ``table`` is not kebab-case.

    Examples
    --------
    >>> Column("mean_age", "number", description="the mean age in years").kind
    'number'
    """

    name: str
    kind: Kind
    required: bool = False
    description: str = ""
    check: Check | None = None
    table: str = STUDIES

    def __post_init__(self) -> None:
        if self.kind not in get_args(Kind):
            allowed = ", ".join(get_args(Kind))
            raise ValueError(f"a column is one of {allowed}, not {self.kind!r}")
        if not self.name or self.name != self.name.strip():
            raise ValueError(f"a column needs a name without outer spaces, not {self.name!r}")
        if not TABLE_NAME.fullmatch(self.table):
            raise ValueError(f"a table has a name such as 'treatments', not {self.table!r}")


def _is_year(values: Values) -> Values:
    return np.asarray((values >= 1800) & (values <= 2100))


def _is_level(values: Values) -> Values:
    return np.asarray((values > 0) & (values < 1))


def _is_probability(values: Values) -> Values:
    return np.asarray((values > 0) & (values <= 1))


def _is_positive(values: Values) -> Values:
    return np.asarray(values > 0)


def _cell(name: str, people: str, in_trial: str) -> Column:
    text = f"the number of people {people}, of a trial: {in_trial}"
    text += ", while a confidence interval goes in ci_low and ci_high" if name == "ci" else ""
    return Column(name, "count", description=text)


CORE_COLUMNS: tuple[Column, ...] = (
    Column(
        "study_id",
        "text",
        required=True,
        description="a short name of the study, the same on every row about the same people",
    ),
    Column("estimate_id", "text", description="a name of its own for every row"),
    Column("label", "text", description="the name to print in tables and figures"),
    Column("author", "text", description="the first author"),
    Column("year", "count", description="the year of publication in four digits", check=_is_year),
    Column(
        "measure",
        "text",
        description="the measure of the estimate: OR, RR, HR, IRR, or one that a plugin adds",
    ),
    Column(
        "estimate",
        "number",
        description="the estimate as printed: an odds ratio, not its logarithm",
    ),
    Column(
        "ci_low",
        "number",
        description="the lower end of the interval as printed, on the scale of the estimate",
    ),
    Column(
        "ci_high",
        "number",
        description="the upper end of the interval as printed, on the scale of the estimate",
    ),
    Column(
        "ci_level",
        "number",
        description="the level of the interval as a proportion, 0.95 for 95 %",
        check=_is_level,
    ),
    Column(
        "se",
        "number",
        description="the standard error on the analysis scale, of a log odds ratio for an OR",
        check=_is_positive,
    ),
    Column(
        "p_value",
        "number",
        description="the two-sided p-value of the estimate, above 0 and at most 1",
        check=_is_probability,
    ),
    Column("n", "count", description="the number of people in the study", check=_is_positive),
    Column(
        "n_analysed",
        "count",
        description="the number of people behind this estimate",
        check=_is_positive,
    ),
    _cell("ai", "with both conditions", "treated, with the event"),
    _cell("bi", "with the first condition only", "treated, without the event"),
    _cell("ci", "with the second condition only", "not treated, with the event"),
    _cell("di", "with neither condition", "not treated, without the event"),
    Column(
        "primary",
        "flag",
        description="yes on the one row of each study that goes into the main pool, no elsewhere",
    ),
    Column(
        "adjustment",
        "text",
        description="whether the estimate is crude or adjusted, as the paper says",
    ),
    Column(
        "reference",
        "text",
        description="the key of the paper that the figures are from, in the bibliography",
    ),
    Column("source_url", "text", description="the address where the figures can be read"),
    Column("source_note", "text", description="where in the source the figures stand"),
)
"""The columns that comorbid itself gives a meaning to.

Any other column of a table is kept as a moderator. The four counts may also be headed ``both``,
``<condition one>_only``, ``<condition two>_only`` and ``neither``.
"""

WORD_COUNTS: tuple[str, str] = ("both", "neither")
"""The two count columns whose names in words are fixed."""

GROUP_COLUMNS: tuple[tuple[str, str, str], ...] = (
    ("m1i", "sd1i", "n1i"),
    ("m2i", "sd2i", "n2i"),
    ("mi", "sdi", "ni"),
)
"""Mean, standard deviation and size of a group, by metafor's names; moderators of a table."""

PERCENT_OF = re.compile(r"(?:.*_)?percent_of_(.+)")
"""What a column of printed percentages is called, with the column that says of how many people.

``percent_of_n1i``, ``female_percent_of_n_analysed``.
"""
