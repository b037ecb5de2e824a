"""The table of treatments in a report: its columns, and its rows as trials' entries."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np
import pandas as pd

import comorbid as cb
from comorbid_treatments.problems import row_names, some, stop

TABLE = "treatments"
MEASURES = ("MD", "SMD", "OR", "RR", "HR", "IRR", "RD")
FAVOURS = ("positive favours", "negative favours")


def _text(name: str, description: str, **options: Any) -> cb.Column:
    return cb.Column(name, "text", description=description, table=TABLE, **options)


def _number(name: str, description: str, **options: Any) -> cb.Column:
    return cb.Column(name, "number", description=description, table=TABLE, **options)


def _is_measure(values: Any) -> Any:
    return np.array([value in MEASURES for value in values], dtype=bool)


def _is_direction(values: Any) -> Any:
    return np.array([str(value).startswith(FAVOURS) for value in values], dtype=bool)


def _is_correlation(values: Any) -> Any:
    return (values >= 0) & (values < 1)


def _is_positive(values: Any) -> Any:
    return values > 0


COLUMNS: tuple[cb.Column, ...] = (
    _text("trial_id", "a short name of the trial, the same on all its rows", required=True),
    _text("author", "the first author"),
    cb.Column("year", "count", description="the year of publication", table=TABLE),
    _text("country", "the country of the trial"),
    _text("condition", "the condition of the people in the trial"),
    _text("outcome", "the outcome, with its range", required=True),
    _number("timepoint_months", "the months after entry", required=True, check=_is_positive),
    _text("treatment", "the treatment", required=True),
    _text("comparator", "what it was compared with, as the trial calls it", required=True),
    cb.Column("n_treatment", "count", description="the people with the treatment", table=TABLE),
    cb.Column("n_comparator", "count", description="the people with the comparator", table=TABLE),
    _text("measure", f"the measure: {', '.join(MEASURES)}", required=True, check=_is_measure),
    _number("estimate", "the treatment against the comparator, as printed", required=True),
    _number("ci_low", "the lower end of the 95 % interval", required=True),
    _number("ci_high", "the upper end of the 95 % interval", required=True),
    _text(
        "direction",
        "'positive favours treatment' or 'negative favours treatment' (for ratios: above or below "
        "1), with the unit in brackets",
        required=True,
        check=_is_direction,
    ),
    cb.Column(
        "primary",
        "flag",
        required=True,
        description="yes on the rows of the one time point of each trial that is compared, no "
        "elsewhere",
        table=TABLE,
    ),
    _text("pooled_as", "the name under which the comparator is pooled with others"),
    _text("pooled_reason", "why it may be pooled with them"),
    _number(
        "rho",
        "the assumed correlation of the trial's contrasts that share an arm, 0 to below 1; 0.5 "
        "with arms of equal size",
        check=_is_correlation,
    ),
    _text("note", "what else is worth knowing"),
    _text("source_url", "the address where the figures can be read"),
)
"""What `comorbid_columns` declares of the table ``treatments``."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: what one trial found at one time.

    Attributes
    ----------
    row : str
        Where it stands, for messages.
    label : str
        How its trial is printed: author and year, or the id.
    months : float
        After entry.
    node : str
        What the comparator is in the network: ``pooled_as``, or itself.
    reason : str
        Why it is pooled under another name.
    estimate, ci_low, ci_high : float
        As printed.
    rho : float
        Assumed correlation with other contrasts of the trial; nan if none is given.
    primary : bool
        Whether it is compared.
    trial, condition, outcome, direction, measure, treatment, comparator, note, source_url : str
        As in the table.
    """

    row: str
    label: str
    months: float
    node: str
    reason: str
    estimate: float
    ci_low: float
    ci_high: float
    rho: float
    primary: bool
    trial: str
    condition: str
    outcome: str
    direction: str
    measure: str
    treatment: str
    comparator: str
    note: str
    source_url: str

    def to_dict(self) -> dict[str, Any]:
        """Return everything but the row as plain values."""
        return {name: value for name, value in asdict(self).items() if name != "row"}


def read_entries(frame: pd.DataFrame) -> tuple[Entry, ...]:
    """Return the rows of the table.

    Parameters
    ----------
    frame : DataFrame
        With `COLUMNS`; the optional ones may be missing.

    Raises
    ------
    DataError
        If a comparator is pooled without a reason, an estimate is not within its interval, or the
        rows that are compared do not belong together: two times of one trial, two outcomes,
        measures or directions.
    """
    values = frame.reindex(columns=[column.name for column in COLUMNS])
    records = values.to_dict("records")
    entries = [_entry(row, cells) for row, cells in zip(row_names(frame), records, strict=True)]
    owners: dict[str, set[str]] = {}
    for entry in entries:
        owners.setdefault(entry.label, set()).add(entry.trial)
    entries = [
        entry if len(owners[entry.label]) == 1 else replace(entry, label=entry.trial)
        for entry in entries
    ]
    stop(_problems(entries))
    return tuple(entries)


def _entry(row: str, cells: Mapping[Hashable, Any]) -> Entry:
    text = {str(name): "" if _missing(cell) else f"{cell}" for name, cell in cells.items()}
    year = f" {float(text['year']):.0f}" if text["year"] else ""
    return Entry(
        row=row,
        label=f"{text['author']}{year}" if text["author"] else text["trial_id"],
        months=float(text["timepoint_months"]),
        node=text["pooled_as"] or text["comparator"],
        reason=text["pooled_reason"],
        estimate=float(text["estimate"]),
        ci_low=float(text["ci_low"]),
        ci_high=float(text["ci_high"]),
        rho=float(text["rho"] or "nan"),
        primary=text["primary"] == "True",
        trial=text["trial_id"],
        condition=text["condition"],
        outcome=text["outcome"],
        direction=text["direction"],
        measure=text["measure"],
        treatment=text["treatment"],
        comparator=text["comparator"],
        note=text["note"],
        source_url=text["source_url"],
    )


def _missing(cell: Any) -> bool:
    return bool(pd.isna(cell))


def _problems(entries: Sequence[Entry]) -> list[str]:
    problems = []
    for entry in entries:
        if entry.node != entry.comparator and not entry.reason:
            problems.append(
                f"{entry.row}: {entry.comparator!r} is pooled as {entry.node!r} without a reason; "
                "give pooled_reason"
            )
        if not entry.ci_low < entry.estimate < entry.ci_high:
            problems.append(
                f"{entry.row}: the estimate {entry.estimate:g} is not within {entry.ci_low:g} to "
                f"{entry.ci_high:g}; check all three"
            )
    compared = [entry for entry in entries if entry.primary]
    for name in ("outcome", "measure", "direction"):
        problems += _several(compared, name, "the rows that are compared")
    for trial in dict.fromkeys(entry.trial for entry in compared):
        own = [entry for entry in compared if entry.trial == trial]
        problems += [p for name in ("months", "rho") for p in _several(own, name, trial)]
    return problems


def _several(entries: Sequence[Entry], name: str, where: str) -> list[str]:
    """Return a problem if the entries differ in what must be the same."""
    found: dict[str, list[str]] = {}
    for entry in entries:
        found.setdefault(f"{getattr(entry, name)}", []).append(entry.row)
    if len(found) < 2:
        return []
    listed = "; ".join(f"{value} ({some(rows)})" for value, rows in found.items())
    word = {"months": "timepoint_months"}.get(name, name)
    return [f"{where} must have one {word}, not {listed}; change it, or primary to no"]
