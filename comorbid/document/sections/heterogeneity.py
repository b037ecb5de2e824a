"""How far the studies differ: the between-study variance, and what each measure of it means."""

from __future__ import annotations

import math

from comorbid.document import figures, prose, sentences
from comorbid.document.blocks import Block, Cite, Inline, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.figures.study_rows import study_format
from comorbid.document.sections.notices import notes
from comorbid.models.fit import Fit
from comorbid.models.heterogeneity import Heterogeneity
from comorbid.models.spread import Spread

_LOW, _HIGH = 25, 75


def heterogeneity(fit: Fit, spread: Spread, *, expected: bool = True) -> tuple[Block, ...]:
    """Return what is known of the differences between studies, and what it means.

    ``expected`` says whether what a further study would find is said here.
    """
    opening = Paragraph(f"{sentences.heterogeneity(fit)} {q_meaning(fit)}".strip())
    found = spread.intervals
    if found is None:
        reason = f"{words.capitalized(spread.reason)}: no interval of tau² is given."
        blocks: tuple[Block, ...] = (Paragraph(reason),) if fit.k > 1 else ()
        return (opening, *blocks, *notes(fit, about=("heterogeneity",)))
    return (
        opening,
        _table(fit, found),
        Paragraph(reach(found)),
        *_low_and_high(found),
        *((Paragraph(sentences.expected(fit)),) if expected else ()),
        figures.profile(fit, title=""),
        *notes(fit, about=("heterogeneity",)),
    )


def q_meaning(fit: Fit) -> str:
    """Say what the p-value of Q is, and is not.

    Examples
    --------
    >>> import comorbid as cb
    >>> print(q_meaning(cb.pool(cb.Effects(yi=[0.5, 0.6], vi=[0.03, 0.08], measure="OR"))))
    The p-value is the probability of a Q at least as large if all studies had one true value; that
    it is not small does not show that they have.
    """
    if fit.k < 2:
        return ""
    small = fit.q_p < 1 - fit.level
    more = "" if small else "; that it is not small does not show that they have"
    return (
        "The p-value is the probability of a Q at least as large if all studies had one true "
        f"value{more}."
    )


def reach(found: Heterogeneity) -> str:
    """Say whether the interval of tau2 reaches 0, and what that means.

    Examples
    --------
    >>> import comorbid as cb
    >>> print(reach(cb.pool(cb.Effects(yi=[0.5, 0.6], vi=[0.03, 0.08])).heterogeneity()))
    The 95 % interval of tau² reaches from 0 to 5.04: the data agree with no differences between the
    true effects, and with differences as large as its upper end.
    """
    low, high = found.tau2_ci
    start = f"The {prose.level(found.level)} interval of tau² reaches from "
    if high == 0:
        return (
            f"The {prose.level(found.level)} interval of tau² holds nothing above 0: the estimates "
            "are more alike than sampling error alone lets expect."
        )
    if low == 0:
        return (
            f"{start}0 to {prose.small(high)}: the data agree with no differences between the true "
            "effects, and with differences as large as its upper end."
        )
    return (
        f"{start}{prose.small(low)} to {prose.small(high)} and leaves out 0: sampling error alone "
        "does not account for the differences between the estimates."
    )


def _low_and_high(found: Heterogeneity) -> tuple[Block, ...]:
    """Say so if the interval of I2 holds what is called low and what is called high."""
    low, high = found.i2_ci
    if not (low <= _LOW and high >= _HIGH):
        return ()
    text: tuple[Inline, ...] = (
        f"The interval of I² holds both what is called low ({_LOW} %) and what is called high "
        f"({_HIGH} %) heterogeneity ",
        Cite("higgins2003"),
        ": these data do not say which it is.",
    )
    return (Paragraph(text),)


def _table(fit: Fit, found: Heterogeneity) -> Table:
    level, form = prose.level(found.level), study_format(fit.effects, fit.level)
    analysis = words.analysis(fit.effects.measure, fit.effects.scale)

    def interval(name: str, text: object) -> str:
        low, high = getattr(found, f"{name}_ci")
        return f"{text(low)} to {text(high)}"  # type: ignore[operator]

    rows = [
        (
            "tau²",
            prose.small(found.tau2),
            interval("tau2", prose.small),
            f"Variance of the true {analysis}s, beyond the sampling error of the estimates.",
        ),
        (
            "tau",
            prose.small(found.tau),
            interval("tau", prose.small),
            "Its square root: their standard deviation around the average.",
        ),
        (
            "I²",
            prose.percent(found.i2),
            interval("i2", prose.percent),
            "Share of the variance of a typical estimate that is not sampling error. It rises with "
            "the size of the studies and is no measure of how far the true values differ.",
        ),
        (
            "H²",
            prose.small(found.h2),
            interval("h2", prose.small),
            "How many times the variance of a typical estimate is that of its sampling error.",
        ),
    ]
    if not math.isnan(fit.pi[0]):
        name = words.measure(fit.effects.measure)
        meaning = f"Where the true {name} of a further study would be expected."
        rows.append(("Prediction", form.value(fit.estimate), form.interval(*fit.pi), meaning))
    return Table(
        header=("Quantity", "Point estimate", f"{level} interval", "What it says"),
        rows=tuple(rows),
        caption="How far the true values differ",
        numeric=("Point estimate", f"{level} interval"),
        note="The intervals of the first four are one Q-profile interval in four forms.",
    )
