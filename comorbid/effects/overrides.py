"""Overrides: an analyst's decision about one estimate, kept as data with its reason."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal, get_args

from comorbid.checks import is_one_of, is_text, shown
from comorbid.errors import DataError, Problem

Use = Literal["counts", "reported", "primary", "exclude"]


@dataclass(frozen=True, slots=True)
class Override:
    """A decision about one row of the study table.

    Parameters
    ----------
    estimate : str
        The row's ``estimate_id``.
    use : {"counts", "reported", "primary", "exclude"}
        ``counts``: compute the effect from the row's 2x2 table. ``reported``: take the printed
        estimate and interval. ``primary``: pool this row in place of its study's primary row.
        ``exclude``: leave the row out.
    reason : str
        Why; printed in the report.

    Raises
    ------
    DataError
        If ``use`` is none of these or the reason is empty.

    Examples
    --------
    >>> Override("swain2014-1", use="counts", reason="The interval is rounded.").use
    'counts'
    """

    estimate: str
    use: Use
    reason: str

    def __post_init__(self) -> None:
        problems = []
        if not is_text(self.estimate):
            problems.append(
                Problem(f"override of {shown(self.estimate)}", "name the row by its estimate_id")
            )
        if not is_one_of(self.use, get_args(Use)):
            allowed = ", ".join(get_args(Use))
            problems.append(
                Problem(
                    f"override of {self.estimate}: use is {shown(self.use)}",
                    f"use one of {allowed}",
                )
            )
        if not is_text(self.reason):
            problems.append(
                Problem(f"override of {self.estimate}: no reason", "say why; the report prints it")
            )
        if problems:
            raise DataError(problems)

    def to_dict(self) -> dict[str, str]:
        """Return the three fields as a dictionary."""
        return {"estimate": self.estimate, "use": self.use, "reason": self.reason}


def check_overrides(overrides: object) -> tuple[Override, ...]:
    """Return the overrides as a tuple; raise `DataError` if they are something else."""
    given = tuple(overrides) if isinstance(overrides, Iterable) else (overrides,)
    known = tuple(item for item in given if isinstance(item, Override))
    if len(known) < len(given):
        raise DataError(
            [
                Problem(f"overrides has {shown(item)}", "give Override(estimate, use=, reason=)")
                for item in given
                if not isinstance(item, Override)
            ]
        )
    return known
