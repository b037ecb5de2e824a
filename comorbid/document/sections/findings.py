"""The summary of findings: the result in one row, and how certain the evidence is."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.certainty import Certainty
from comorbid.document import prose
from comorbid.document.blocks import Block, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.figures.study_rows import study_format
from comorbid.document.sections.certainty import rating
from comorbid.findings import Findings
from comorbid.models.fit import Fit
from comorbid.models.spread import Spread


def summary_of_findings(
    fit: Fit, spread: Spread, found: Certainty, *, conditions: Sequence[str] | None
) -> tuple[Block, ...]:
    """Return the result as a row, with the certainty of the evidence if it was judged."""
    return (_result(fit, spread, found, conditions), Paragraph(rating(found).strip()))


def _result(fit: Fit, spread: Spread, found: Certainty, conditions: Sequence[str] | None) -> Table:
    level, form = prose.level(fit.level), study_format(fit.effects, fit.level)
    head, expected = words.estimate_head(fit.effects.measure, fit.level), f"{level} prediction"
    kind, name = "Pooled", "All studies"
    if conditions:
        kind, name = "Association", words.capitalized(prose.listed(conditions))
    return Table(
        header=(kind, "Studies (people)", head, expected, "I²", "Certainty"),
        rows=(
            (
                name,
                people(found.findings),
                f"{form.value(fit.estimate)} ({form.interval(*fit.ci)})",
                form.interval(*fit.pi),
                _i2(fit, spread),
                words.capitalized(found.rating or "not judged"),
            ),
        ),
        caption="Summary of findings",
        numeric=("Studies (people)", head, expected, "I²"),
    )


def _i2(fit: Fit, spread: Spread) -> str:
    if spread.intervals is None:
        return prose.percent(fit.i2)
    low, high = map(prose.percent, spread.intervals.i2_ci)
    return f"{prose.percent(fit.i2)} ({low} to {high})"


def people(found: Findings) -> str:
    """Return how many studies and people there are, as far as it is known.

    Examples
    --------
    >>> [people(Findings(3, 1200, without, 3, 0, 0, 0, 3, 3, 1.5)) for without in ((), ("A",))]
    ['3 (1,200)', '3 (1,200 in 2 of them)']
    >>> people(Findings(3, 0, ("A", "B", "C"), 3, 0, 0, 0, 3, 3, 1.5))
    '3 (not known)'
    """
    known = found.k - len(found.without_n)
    if not known:
        return f"{found.k} (not known)"
    part = f" in {known} of them" if found.without_n else ""
    return f"{found.k} ({found.participants:,}{part})"
