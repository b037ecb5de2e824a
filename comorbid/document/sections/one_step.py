"""One step: what is said of an average whose tables have too few events for two steps."""

from __future__ import annotations

from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Note, Paragraph
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.one_step import OneStep
from comorbid.models.sparse import Sparse


def one_step(
    fit: Fit, found: Sparse | None, pooled: OneStep | None, reason: str
) -> tuple[Block, ...]:
    """Return what to think of the average of sparse tables; nothing where they are not sparse.

    ``pooled`` is the average in one step, ``reason`` why there is none.
    """
    if found is None or not found.doubtful:
        return ()
    why = doubt(found, fit.effects.measure)
    note = Note((f"{why} ", Cite("sweeting2004"), "."), title="Few events")
    if pooled is None:
        return (note, Paragraph(f"There is no average in one step: {reason}."))
    return (
        note,
        Paragraph((f"{made(pooled)} ", Cite("stijnen2010"), f", {beside(fit, pooled)}")),
    )


def doubt(found: Sparse, measure: str) -> str:
    """Say how few events there are, and what that does to an average in two steps."""
    taken = "each estimate" if measure == "RD" else "the logarithm of each estimate"
    moved = ", and what is added to cells of 0 moves it" if found.with_zero else ""
    counted = [
        f"{number} {has} {words}"
        for number, words in (
            (found.with_zero, "a cell of 0"),
            (found.below_5, "an expected cell below 5"),
            (found.below_1, "an expected cell below 1"),
        )
        if number
        for has in ("has" if number == 1 else "have",)
    ]
    tables = prose.counted(found.k, "table", "tables")
    return (
        f"Of {tables} of counts {prose.listed(counted)}. The average above takes {taken} as normal "
        f"with a known variance. With few events it is neither{moved}: the average should not be "
        "relied on alone"
    )


def made(pooled: OneStep) -> str:
    """Say of what an average in one step is made."""
    tables = prose.counted(pooled.k, "table", "tables")
    return (
        f"In one step, from the counts of {tables} themselves, with the exact likelihood of each "
        "table given its margins"
    )


def beside(fit: Fit, pooled: OneStep) -> str:
    """Give the average in one step beside that in two, and say what their difference means."""
    scaled, percent = pooled.on_scale(), prose.level(pooled.level)
    form = study_format(fit.effects, fit.level)
    name = "odds ratio"
    if fit.effects.measure != "OR":
        name += f", which is no {prose.measure_name(fit.effects.measure)},"
    text = (
        f"the average {name} is {prose.value(scaled.estimate)} ({percent} normal interval "
        f"{prose.interval(scaled.ci)}); in two steps the average is {form.value(fit.estimate)} "
        f"({form.interval(*fit.ci)})."
    )
    others = fit.k - pooled.k
    if others > 0:
        text += f" {_without(others)}"
    return f"{text}{_agreement(fit, pooled)}"


def _without(others: int) -> str:
    which = "1 more study" if others == 1 else f"{others} more studies"
    return f"The average in two steps has {which}, without events to learn from or without counts."


def _agreement(fit: Fit, pooled: OneStep) -> str:
    """Say whether both are on one side of no association, and whether both exclude it."""
    null = null_of(fit.effects.measure)
    if (fit.estimate > null) != (pooled.estimate > 0):
        return " They lie on different sides of no association."
    held = fit.ci[0] <= null <= fit.ci[1], pooled.ci[0] <= 0 <= pooled.ci[1]
    if held[0] != held[1]:
        which = "one step" if held[1] else "two steps"
        return f" Only the interval in {which} includes no association."
    word = "include" if held[0] else "exclude"
    return f" Both intervals {word} no association."
