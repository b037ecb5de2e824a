"""The migraine section: results to blocks."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import cast

import comorbid as cb
from comorbid_migraine import sentences
from comorbid_migraine.rows import Within


def section(context: cb.Context) -> Sequence[cb.Block]:
    """Return the blocks of the section."""
    results = context.results
    migraine = cast(cb.AgainstRest, results["migraine"])
    every = cast(cb.DependentRows, results["migraine-all-rows"])
    within = cast(Within, results["migraine-within-studies"])
    kinds = [cast(cb.AgainstRest, results[f"{kind}-migraine"]) for kind in ("episodic", "chronic")]
    return (
        cb.Paragraph(sentences.STATEMENT),
        cb.Note(sentences.verdict(migraine), kind="caution", title="What can be concluded"),
        *_forest(migraine),
        *cb.subgroup_blocks(migraine),
        *cb.dependent_rows_blocks(every, one=migraine.fit),
        *_within(within),
        cb.Heading("Episodic and chronic migraine"),
        cb.Paragraph(sentences.kinds(kinds[0], kinds[1])),
        *(block for kind in kinds if kind.k for block in cb.subgroup_blocks(kind)),
    )


def _forest(result: cb.AgainstRest) -> tuple[cb.Block, ...]:
    """Draw migraine alone where there is nothing to compare; both sides are drawn below."""
    if result.fit is None or result.contrast is not None:
        return ()
    return (cb.figures.forest(result.fit),)


def _within(within: Within) -> Iterator[cb.Block]:
    found = tuple(sentences.within(within))
    if found:
        yield cb.Heading("Migraine and other headache in the same people")
        yield cb.Items(found)
        yield cb.figures.estimates(_labelled(within.rows), level=within.level, title="")
        yield cb.Paragraph(
            "The rows of one study share people, and the people without headache that each is "
            "compared with; a row on any headache may include people with migraine. They are not "
            "independent, and no test between them is given."
        )


def _labelled(rows: cb.Effects) -> cb.Effects:
    """Return the rows under labels that say which headache each is about."""
    headache = rows.moderators["headache"]
    labels = tuple(f"{row}: {kind}" for row, kind in zip(rows.labels, headache, strict=True))
    return cb.Effects(yi=rows.yi, vi=rows.vi, labels=labels, measure=rows.measure, scale=rows.scale)
