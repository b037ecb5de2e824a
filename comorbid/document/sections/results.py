"""What came out: forest plot, leave-one-out, funnel plot and subgroups."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from comorbid.against_rest import AgainstRest
from comorbid.document import figures, prose, sentences
from comorbid.document.blocks import Block, Note, Paragraph, Table
from comorbid.document.sections.notices import notes
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits

_TOGETHER = (
    "All studies are pooled here with the rows in the figure; a study in the subgroup may have "
    "another row in the main analysis."
)


def forest(fit: Fit, *, spread: bool, sides: Sequence[str] = ()) -> tuple[Block, ...]:
    """Return the forest plot with its sentences, with ``spread`` also how far the studies differ.

    The section on differences between studies, if the report has it, says that. ``sides`` are what
    values below and above no effect mean.
    """
    drawn = figures.forest(fit, title="")
    return (
        replace(drawn, name="forest", caption=f"{drawn.caption}{_meaning(sides)}"),
        Paragraph(f"{sentences.expected(fit)} {sentences.average(fit)}"),
        *((Paragraph(sentences.heterogeneity(fit)),) if spread else ()),
        *notes(fit, about=("average",)),
        *(Note(warning, kind="information") for warning in fit.warnings),
    )


def _meaning(sides: Sequence[str]) -> str:
    return f" Left of the line of no effect: {sides[0]}; right of it: {sides[1]}." if sides else ""


def leave_one_out(fit: Fit, refits: Refits) -> tuple[Block, ...]:
    """Return the leave-one-out sentence and figure."""
    opening = Paragraph(sentences.leave_one_out(fit, refits))
    if fit.k < 3:
        return (opening,)
    return (opening, figures.leave_one_out(refits, fit=fit, title=""))


def refit_table(refits: Refits, head: str, caption: str) -> Table:
    """Return refits as a table, one row each; ``head`` says what the rows are."""
    scale, percent = refits.scale, prose.level(refits.level)
    header = (head, "Average", f"{percent} interval", f"{percent} prediction", "I²", "tau²")
    rows = tuple(
        (
            label,
            prose.value(row.estimate, scale),
            prose.interval(row.ci, scale),
            prose.interval(row.pi, scale),
            prose.percent(i2),
            prose.small(tau2),
        )
        for label, row, i2, tau2 in zip(
            refits.labels,
            refits.on_scale(),
            refits.batch.i2.tolist(),
            refits.batch.tau2.tolist(),
            strict=True,
        )
    )
    return Table(header, rows, caption, numeric=header[1:])


def other_rows(fit: Fit, refits: Refits) -> tuple[Block, ...]:
    """Return the table of what the pool becomes with another row of one study."""
    opening = Paragraph(sentences.other_rows(fit, refits))
    if not refits.labels:
        return (opening,)
    return (opening, refit_table(refits, "Row used", "The pool with another row of one study"))


def subgroup_blocks(result: AgainstRest) -> tuple[Block, ...]:
    """Return a subgroup beside the other studies: sentence, figure, and what cannot be said.

    Parameters
    ----------
    result : AgainstRest
        What `against_rest` returns.

    Returns
    -------
    tuple of Block

    Examples
    --------
    >>> import comorbid as cb
    >>> studies = cb.datasets.headache_back_pain()
    >>> result = cb.against_rest(studies, where={"headache": ("migraine",)}, label="migraine")
    >>> [type(block).__name__ for block in cb.subgroup_blocks(result)][:3]
    ['Paragraph', 'Figure', 'Paragraph']
    """
    blocks: list[Block] = [Paragraph(sentences.difference(result))]
    if result.contrast is not None:
        figure = figures.forest(result.contrast, title="")
        blocks += [figure, Paragraph(_TOGETHER)]
    if result.fit is not None:
        blocks += notes(result.fit, about=("average",), of=f": {result.label}")
    blocks += [Note(warning, kind="information") for warning in result.warnings]
    return tuple(blocks)
