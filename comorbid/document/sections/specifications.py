"""How far the result depends on choices: the pool under every combination of them."""

from __future__ import annotations

import math

from comorbid.document import figures, prose
from comorbid.document.blocks import Block, Note, Paragraph, Table
from comorbid.document.runs import Cite
from comorbid.effects.scales import SCALES
from comorbid.sensitivity.specifications import Specifications, Spread


def specifications(found: Specifications) -> tuple[Block, ...]:
    """Return what the pool becomes under other choices: sentences, figure and table."""
    return (
        Paragraph(f"{choices(found)} {ends(found)}"),
        Paragraph(excluding(found)),
        figures.specifications(found, title=""),
        _table(found),
        *(Note(f"{what}.", kind="information") for what in found.left_out),
        Note(
            (
                "The specifications rest on the same studies and are no further evidence; how many "
                "agree depends on which were thought of ",
                Cite("simonsohn2020"),
                ".",
            ),
            kind="information",
        ),
    )


def choices(found: Specifications) -> str:
    """Say how many specifications there are, and of which choices.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.53, 0.94, 0.14], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(choices(cb.specifications(fit)))
    The studies were pooled in 15 ways, every combination of 5 estimators of tau² and 3 intervals.
    """
    nouns = {
        "estimator of tau²": ("estimator of tau²", "estimators of tau²"),
        "interval": ("interval", "intervals"),
        "source": ("source of the effects", "sources of the effects"),
        "rows": ("selection of rows", "selections of rows"),
    }
    parts = [
        prose.counted(len(choice.options), *nouns[choice.name])
        for choice in found.choices
        if len(choice.options) > 1
    ]
    if not parts:
        return "No choice is open: the studies were pooled in 1 way."
    combined = "every combination of " if len(parts) > 1 else ""
    ways = prose.counted(len(found), "way", "ways")
    return f"The studies were pooled in {ways}, {combined}{prose.listed(parts)}."


def ends(found: Specifications) -> str:
    """Say between which values the average lies."""
    spread, back = found.spread(), SCALES[found.scale].back
    low, high = (
        prose.value(float(back(end)), found.scale) for end in (spread.lowest, spread.highest)
    )
    own = prose.value(float(back(found.batch.estimate[found.main])), found.scale)
    if low == high:
        return f"The average is {low} in all of them."
    return f"The average ranges from {low} to {high}; this report's own is {own}."


def excluding(found: Specifications) -> str:
    """Say in how many of them the intervals exclude no association."""
    spread = found.spread()
    if math.isnan(found.null):
        return "This measure has no null value for an interval to exclude."
    null = prose.null_value(found.measure, found.scale)
    confidence = _of(spread.ci_excludes, spread.n)
    text = f"The {prose.level(found.level)} confidence interval excludes {null} in {confidence}"
    if not spread.with_pi:
        return f"{text}; there is no prediction interval."
    return f"{text}, the prediction interval in {_of(spread.pi_excludes, spread.with_pi)}."


def _of(some: int, every: int) -> str:
    ways = prose.counted(every, "way", "ways")
    if some == every:
        return f"all {ways}" if every > 1 else f"the {ways}"
    return f"{some:,} of {ways}" if some else f"none of {ways}"


def _table(found: Specifications) -> Table:
    header: tuple[str, ...] = ("With", "Ways", "Lowest", "Median", "Highest")
    note = "What the audit shows to be impossible is left out."
    if not math.isnan(found.null):
        header = (*header, "CI excludes", "PI excludes")
        null = prose.null(found.measure, found.scale)
        note = (
            "CI excludes, PI excludes: in how many ways the confidence or prediction interval "
            f"leaves out {null}. {note}"
        )
    every = [("all choices", found.spread())]
    every += [row for row in found.by_option() if row[1].n < len(found)]
    rows = tuple((label, *_cells(found, spread)[: len(header) - 1]) for label, spread in every)
    return Table(header, rows, "The average under other choices", numeric=header[1:], note=note)


def _cells(found: Specifications, spread: Spread) -> tuple[str, ...]:
    back = SCALES[found.scale].back
    values = (spread.lowest, spread.median, spread.highest)
    return (
        f"{spread.n:,}",
        *(prose.value(float(back(value)), found.scale) for value in values),
        f"{spread.ci_excludes:,}",
        f"{spread.pi_excludes:,}" if spread.with_pi else "–",
    )
