"""What the pool rests on: influence of single studies, and its course over the years."""

from __future__ import annotations

import math

import numpy as np

from comorbid.document import figures, prose, sentences
from comorbid.document.blocks import Block, Cite, Inline, Paragraph, Table
from comorbid.document.figures.numbers import fixed
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.sensitivity.influence import Influence


def influence(fit: Fit, found: Influence) -> tuple[Block, ...]:
    """Return which studies are flagged, their diagnostics, and those of all in a figure."""
    sentence = flagged(found)
    if fit.k < 3:
        return (Paragraph(sentence),)
    text: tuple[Inline, ...] = (
        f"{sentence} The limits are conventions, not tests ",
        Cite("viechtbauer2010b"),
        ": a flagged study is one to look at, and is not left out for that.",
    )
    return (
        Paragraph(text),
        *_flagged_table(found, fit.test),
        figures.influence_plot(found, title=""),
    )


def flagged(found: Influence) -> str:
    """Say which studies the influence diagnostics flag.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.1, 0.2, 0.3, 2.0, 0.4], vi=[0.03, 0.08, 0.02, 0.05, 0.04],
    ...                      labels=list("ABCDE"))
    >>> flagged(cb.influence(cb.pool(effects)))
    'Influence diagnostics flag 1 of the 5 studies: D.'
    """
    k = len(found.labels)
    if k < 3:
        return "With fewer than three studies the influence of a single one cannot be told."
    names = [label for label, flag in zip(found.labels, found.flagged, strict=True) if flag]
    if not names:
        return f"Influence diagnostics flag none of the {k} studies."
    return f"Influence diagnostics flag {len(names)} of the {k} studies: {prose.listed(names)}."


def _flagged_table(found: Influence, test: str) -> tuple[Block, ...]:
    rows = np.flatnonzero(found.flagged).tolist()
    if not rows:
        return ()
    columns = {
        "Residual": found.rstudent,
        "DFFITS": found.dffits,
        "Cook's distance": found.cook_d,
        "COVRATIO": found.cov_r,
        "Leverage": found.hat,
        "DFBETA": found.dfbs,
    }
    scaled = (
        ", with a standard error that the spread of the other studies scales as it does their "
        "interval; the audit's outliers are judged without that"
    )
    table = Table(
        header=("Study", *columns, "tau² without", "Weight"),
        rows=tuple(
            (
                found.labels[i],
                *(_two(float(values[i])) for values in columns.values()),
                prose.small(float(found.tau2_del[i])),
                prose.percent(float(found.weight[i]), 1),
            )
            for i in rows
        ),
        caption="Studies that influence the pool",
        numeric=(*columns, "tau² without", "Weight"),
        note="Residual: standardised, from the fit without the study"
        + scaled * (test in ("knha", "adhoc"))
        + ". DFFITS and DFBETA: change of "
        "the study's fitted value and of the average, in standard errors. COVRATIO: squared "
        "standard error of the average without the study over that with it.",
    )
    return (table,)


def _two(value: float) -> str:
    return "–" if math.isnan(value) else fixed(value, 2)


def cumulative(refits: Refits) -> tuple[Block, ...]:
    """Return how the average took shape as the studies were added by year of publication."""
    opening = f"The studies are added in the order of their years. {sentences.cumulative(refits)}"
    if len(refits.labels) < 3:
        return (Paragraph(sentences.cumulative(refits)),)
    return (Paragraph(opening), figures.cumulative_forest(refits, title=""))
