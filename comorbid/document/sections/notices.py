"""Notices as blocks: what a rule says, with its numbers and its source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Note
from comorbid.document.figures.study_rows import study_format
from comorbid.models.fit import Fit
from comorbid.models.notices import About, Notice, notices

_TESTS = {"z": "classic (normal)", "knha": "Knapp-Hartung", "adhoc": "ad hoc Knapp-Hartung"}


def notes(fit: Fit, *, about: Sequence[About], of: str = "") -> tuple[Block, ...]:
    """Return the notices on some parts of a fit; ``of`` says in captions whose it is."""
    found = (notice for notice in notices(fit) if notice.about in about)
    return tuple(block for notice in found for block in _blocks(notice, fit, of))


def _blocks(notice: Notice, fit: Fit, of: str) -> Iterator[Block]:
    text = f"{notice.text}{_numbers(notice, fit)} "
    yield Note((text, Cite(notice.source.key), "."), title=notice.title + of)


def _numbers(notice: Notice, fit: Fit) -> str:
    """Return the numbers that a reader of the notice wants, and has not seen yet."""
    level, values = prose.level(fit.level), notice.values
    if notice.id == "few-studies":
        form = study_format(fit.effects, fit.level)
        ends = [f"{_TESTS[test]} {form.interval(*values[test])}" for test in values]
        return f" ({level}): {prose.listed(ends)}, the last never narrower than the first"
    if notice.id == "knapp-hartung-narrower":
        form = study_format(fit.effects, fit.level)
        own, classic = (form.interval(*values[test]) for test in ("knha", "z"))
        return f": {own} against {classic} ({level} confidence intervals)"
    if notice.id == "tau2-zero":
        low, high = map(prose.small, values["tau2_ci"])
        return f", {low} to {high} ({level} Q-profile interval)"
    if notice.id == "second-maximum":
        places = prose.listed([prose.small(tau2) for tau2 in values["tau2"]])
        lower = prose.listed([prose.small(height) for height in values["lower_by"][1:]])
        others = "the other" if len(values["tau2"]) == 2 else "the others"
        return (
            f". They are at tau² = {places}, the highest first; at {others} the log-likelihood is "
            f"lower by {lower}"
        )
    return ""
