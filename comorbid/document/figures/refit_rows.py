"""Rows of refits: what leave-one-out, cumulative and subgroup figures have in common."""

from __future__ import annotations

from comorbid.document import prose
from comorbid.document.figures.canvas import one_line
from comorbid.document.figures.chart import Values
from comorbid.document.figures.numbers import DASH, Format, format_for, variance
from comorbid.models.refits import Refits


def refit_format(refits: Refits) -> Format:
    """Return the format that the intervals of these refits need."""
    batch = refits.batch
    return format_for(refits.scale, ((batch.ci_high - batch.ci_low) / 2).tolist())


def refit_values(refits: Refits, i: int) -> Values:
    """Return estimate and confidence interval of a refit, analysis scale."""
    batch = refits.batch
    return float(batch.estimate[i]), float(batch.ci_low[i]), float(batch.ci_high[i])


def size(k: float) -> str:
    """Return how many studies a subgroup has, and what follows."""
    if k == 0:
        return "no study with an effect"
    return "1 study, not pooled" if k == 1 else f"{k:.0f} studies"


def spoken(refits: Refits, i: int, form: Format) -> str:
    """Return a subgroup with its size and value in words, without a full stop."""
    x, low, high = refit_values(refits, i)
    value = f": {form.value(x)} ({form.interval(low, high)})" if refits.batch.k[i] else ""
    return f"{one_line(refits.labels[i])}, {size(refits.batch.k[i])}{value}"


def i2_cell(refits: Refits, i: int) -> str:
    """Return I², or a dash if there is none."""
    return prose.percent(float(refits.batch.i2[i]), 1)


def tau2_cell(refits: Refits, i: int) -> str:
    """Return tau², or a dash if there is none."""
    return variance(float(refits.batch.tau2[i])) if refits.batch.k[i] > 1 else DASH
