"""Rows of refits: what leave-one-out and subgroup figures have in common."""

from __future__ import annotations

from comorbid.document import prose
from comorbid.document.figures.canvas import printable
from comorbid.document.figures.chart import Mark, Row
from comorbid.document.figures.numbers import DASH, Format, format_for, variance
from comorbid.models.refits import Refits


def refit_format(refits: Refits) -> Format:
    """Return the format that the intervals of these refits need."""
    batch = refits.batch
    return format_for(refits.scale, ((batch.ci_high - batch.ci_low) / 2).tolist())


def refit_row(
    refits: Refits,
    i: int,
    form: Format,
    *,
    cells: tuple[str, ...],
    mark: Mark,
    remark: str = "",
    share: float = 1.0,
) -> Row:
    """Return the row of one refit; without a study, dashes."""
    batch = refits.batch
    values = (float(batch.estimate[i]), float(batch.ci_low[i]), float(batch.ci_high[i]))
    empty = batch.k[i] == 0
    return Row(
        label=printable(refits.labels[i]),
        values=values,
        estimate=form.value(values[0]),
        interval="" if empty else form.interval(*values[1:]),
        cells=cells,
        mark=mark,
        remark=remark,
        share=share,
    )


def i2_cell(refits: Refits, i: int) -> str:
    """Return I², or a dash if there is none."""
    return prose.percent(float(refits.batch.i2[i]), 1)


def tau2_cell(refits: Refits, i: int) -> str:
    """Return tau², or a dash if there is none."""
    return variance(float(refits.batch.tau2[i])) if refits.batch.k[i] > 1 else DASH
