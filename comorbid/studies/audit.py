"""The audit: what in a table of studies is impossible, inconsistent or missing."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, Literal

import pandas as pd

from comorbid.checks import check_type
from comorbid.studies.published import Row, apart, published_rows
from comorbid.studies.table import Studies

Severity = Literal["error", "warning", "note"]
_SEVERITIES: tuple[Severity, ...] = ("error", "warning", "note")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that the audit found.

    Parameters
    ----------
    code : str
        What kind of finding, kebab-case.
    severity : {"error", "warning", "note"}
        An error cannot be true; a warning is inconsistent or missing; a note must be known.
    rows : tuple of str
        The estimate ids it is about; empty where it is about the table.
    expected, found, remedy : str
        Sentences: what should be so, what is so, and what to do.
    """

    code: str
    severity: Severity
    rows: tuple[str, ...]
    expected: str
    found: str
    remedy: str

    def to_dict(self) -> dict[str, Any]:
        """Return the fields by name."""
        return {
            "code": self.code,
            "severity": self.severity,
            "rows": list(self.rows),
            "expected": self.expected,
            "found": self.found,
            "remedy": self.remedy,
        }

    def summary(self) -> str:
        """Return the finding as one paragraph."""
        about = f" ({', '.join(self.rows)})" if self.rows else ""
        head = f"{self.severity}: {self.code}{about}"
        return f"{head}\n  {self.found}\n  {self.expected}\n  {self.remedy}"


@dataclass(frozen=True, slots=True, repr=False)
class Audit:
    """Everything that the audit found, the most serious first."""

    findings: tuple[Finding, ...]

    def to_frame(self) -> pd.DataFrame:
        """Return one row a finding; ``rows`` is joined by commas."""
        names = ["code", "severity", "rows", "expected", "found", "remedy"]
        records = [{**f.to_dict(), "rows": ", ".join(f.rows)} for f in self.findings]
        return pd.DataFrame(records, columns=names, dtype=str)

    def to_dict(self) -> dict[str, Any]:
        """Return the findings as plain values, and how many there are of each severity."""
        return {
            "findings": [finding.to_dict() for finding in self.findings],
            "counts": dict(Counter(finding.severity for finding in self.findings)),
        }

    def summary(self) -> str:
        """Return the findings as text."""
        return "\n".join([self._head(), *(finding.summary() for finding in self.findings)])

    def __repr__(self) -> str:
        return self.summary()

    def _repr_html_(self) -> str:
        return f"<p>{html.escape(self._head())}</p>" + str(self.to_frame().to_html(index=False))

    def _head(self) -> str:
        if not self.findings:
            return "nothing found"
        counts = Counter(finding.severity for finding in self.findings)
        return ", ".join(
            f"{counts[severity]} {severity}{'s' if counts[severity] > 1 else ''}"
            for severity in _SEVERITIES
            if counts[severity]
        )


def audit(studies: Studies) -> Audit:
    """Look for what in a table is impossible, inconsistent or missing.

    Whatever printed digits allow for is not reported as a contradiction. A row that lacks what a
    check needs is skipped by that check.

    Parameters
    ----------
    studies : Studies
        The table.

    Returns
    -------
    Audit
        Findings with these codes:

        ``impossible-interval``
            The interval of an odds ratio is narrower than any 2x2 table of n people allows: the
            variance of a log odds ratio is the sum of 1/count over four counts, at least 16/n.
        ``asymmetric-interval``
            The estimate is not in the middle of its interval on the log scale (warning), or is
            printed equal to one end, which rounding can explain (note).
        ``counts-disagree``
            A crude odds ratio is not that of its own counts.
        ``counts-exceed-n``
            The counts add up to more (error) or fewer people than analysed.
        ``several-rows-per-study``
            A study has several rows, about the same people.
        ``incomplete-coverage``, ``not-pooled-by-authors``
            What the review behind the table says that a pooled value of it must be read with.

    Raises
    ------
    DataError
        If it is no study table.

    Examples
    --------
    >>> from comorbid.studies.datasets import headache_back_pain
    >>> found = audit(headache_back_pain())
    >>> found.findings[0].code, found.findings[0].rows
    ('impossible-interval', ('ghandour2004-1',))
    """
    check_type("studies", studies, Studies, "read a table with read_studies()")
    rows = published_rows(studies)
    findings = [finding for check in _ROW_CHECKS for row in rows for finding in check(row)]
    findings += [finding for check in _TABLE_CHECKS for finding in check(studies)]
    findings.sort(key=lambda finding: _SEVERITIES.index(finding.severity))
    return Audit(tuple(findings))


def _impossible_interval(row: Row) -> Iterator[Finding]:
    if row.measure != "OR" or row.interval is None or row.people is None:
        return
    least = 4 / row.people**0.5
    widest = row.interval.se_widest
    if widest >= least:
        return
    printed, widest_text, least_text = apart(row.interval.se, widest, least)
    found = (
        f"{row.label}: the printed {row.level_text} interval {row.interval} means a standard error"
        f" of {printed} for the log odds ratio, {widest_text} at the widest its digits allow"
    )
    if row.counts is not None and row.counts.se is not None:
        (from_counts,) = apart(row.counts.se)
        found += f"; the 2x2 counts of the row give {from_counts}"
        remedy = f"Use the counts of {row.id} in place of its printed interval."
    else:
        remedy = f"Check the interval against the paper, or exclude {row.id} with this reason."
    expected = f"No 2x2 table of {row.people:,.0f} people gives less than 4/sqrt(n) = {least_text}."
    yield Finding("impossible-interval", "error", (row.id,), expected, found + ".", remedy)


def _asymmetric_interval(row: Row) -> Iterator[Finding]:
    if row.interval is None or row.estimate is None or not row.is_ratio:
        return
    low, high = row.interval.middle
    least, most = row.estimate.low, row.estimate.high
    expected = "On the log scale an estimate stands in the middle of its interval."
    if high < least * (1 - 1e-9) or low > most * (1 + 1e-9):
        (middle,) = apart(row.interval.printed_middle)
        low_text, high_text = apart(low, high)
        found = (
            f"{row.label}: the middle of {row.interval} is {middle}, and between {low_text} and"
            f" {high_text} for all its digits say, but the estimate is {row.estimate.text}."
        )
        remedy = (
            "Compare the three numbers with the paper; where the interval is exact or from a"
            " profile likelihood, take the standard error from counts or from the authors."
        )
        yield Finding("asymmetric-interval", "warning", (row.id,), expected, found, remedy)
    elif row.estimate.value in (row.interval.low.value, row.interval.high.value):
        end = "upper" if row.estimate.value == row.interval.high.value else "lower"
        narrow, printed, wide = apart(
            row.interval.se_narrowest, row.interval.se, row.interval.se_widest
        )
        found = (
            f"{row.label}: the estimate {row.estimate.text} is printed equal to the {end} end of"
            f" its interval {row.interval}. Rounding alone can explain it, but then the standard"
            f" error of {printed} that the interval gives may be anything from {narrow} to {wide}."
        )
        remedy = "Use the counts of the row if it has them, or an interval with more digits."
        yield Finding("asymmetric-interval", "note", (row.id,), expected, found, remedy)


def _counts_disagree(row: Row) -> Iterator[Finding]:
    if row.measure != "OR" or row.estimate is None or row.is_adjusted:
        return
    if row.counts is None or row.counts.odds_ratio is None:
        return
    ratio = row.counts.odds_ratio
    if row.estimate.low * (1 - 1e-9) <= ratio <= row.estimate.high * (1 + 1e-9):
        return
    found = (
        f"{row.label}: the odds ratio is printed as {row.estimate.text}, and its 2x2 counts give"
        f" {ratio:.{row.estimate.decimals + 2}f}."
    )
    expected = "A crude odds ratio is that of its own 2x2 table, to the digits printed."
    remedy = (
        "Compare the counts with the paper; where the estimate is adjusted, say so in the column"
        " adjustment."
    )
    yield Finding("counts-disagree", "warning", (row.id,), expected, found, remedy)


def _counts_exceed_n(row: Row) -> Iterator[Finding]:
    analysed = row.n if row.n_analysed is None else row.n_analysed
    if row.counts is None or analysed is None or row.counts.total == analysed:
        return
    name = "n" if row.n_analysed is None else "n_analysed"
    too_many = row.counts.total > analysed
    found = (
        f"{row.label}: the 2x2 counts add up to {row.counts.total:,.0f}, {name} is {analysed:,.0f}."
    )
    expected = "The four counts of a row add up to the people analysed."
    remedy = f"Compare the counts and {name} with the paper."
    if not too_many:
        remedy += " Where people are missing from the table, give those left in n_analysed."
    severity: Severity = "error" if too_many else "warning"
    yield Finding("counts-exceed-n", severity, (row.id,), expected, found, remedy)


def _several_rows(studies: Studies) -> Iterator[Finding]:
    frame = studies.frame
    size = frame["study_id"].value_counts(sort=False)
    several = {str(study): int(rows) for study, rows in size.items() if rows > 1}
    if not several:
        return
    rows = tuple(frame.loc[frame["study_id"].isin(several), "estimate_id"])
    in_pool = frame.loc[frame["primary"], "study_id"].value_counts()
    clash = [study for study in several if in_pool.get(study, 0) > 1]
    found = "Several rows are about the same people: " + ", ".join(
        f"{study} has {count}" for study, count in several.items()
    )
    expected = "A pool takes one row of each study; rows about the same people are not independent."
    if clash:
        remedy = "Add a column primary with yes on one row of each study and no on the others."
        found += f"; more than one row is in the main pool for {', '.join(clash)}"
    else:
        remedy = "Keep to the primary rows in a pool; use the others for subgroups one at a time."
    severity: Severity = "warning" if clash else "note"
    yield Finding("several-rows-per-study", severity, rows, expected, found + ".", remedy)


def _incomplete_coverage(studies: Studies) -> Iterator[Finding]:
    if studies.review is None:
        return
    coverage = studies.review.coverage(studies)
    if coverage.studies >= coverage.of_studies:
        return
    yield Finding(
        "incomplete-coverage",
        "warning",
        (),
        "It should hold every study of the review.",
        f"The table holds {coverage.summary()}.",
        "Say so beside every pooled value.",
    )


def _not_pooled(studies: Studies) -> Iterator[Finding]:
    if studies.review is None or studies.review.pooled_by_authors:
        return
    reason = studies.review.why_not_pooled
    why = f' and gave the reason: "{reason}"' if reason else ", without a reason on record."
    yield Finding(
        "not-pooled-by-authors",
        "warning",
        (),
        "The authors of a review pool its studies where they find that this makes sense.",
        f"The authors of the review (doi:{studies.review.doi}) did not pool its studies{why}",
        "Say so beside every pooled value, and lead with the prediction interval.",
    )


_ROW_CHECKS: tuple[Callable[[Row], Iterator[Finding]], ...] = (
    _impossible_interval,
    _asymmetric_interval,
    _counts_disagree,
    _counts_exceed_n,
)
_TABLE_CHECKS: tuple[Callable[[Studies], Iterator[Finding]], ...] = (
    _incomplete_coverage,
    _not_pooled,
    _several_rows,
)
