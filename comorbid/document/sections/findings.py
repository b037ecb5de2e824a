"""The summary of findings: the result in one row, and the facts that limit its certainty."""

from __future__ import annotations

import math
from collections.abc import Sequence

from comorbid.bias.asymmetry_result import Asymmetry
from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format
from comorbid.document.sections.small_studies import TESTS
from comorbid.effects.measures import null_of
from comorbid.findings import Findings
from comorbid.models.fit import Fit
from comorbid.models.spread import Spread


def summary_of_findings(
    fit: Fit,
    spread: Spread,
    found: Findings,
    *,
    tests: Sequence[Asymmetry],
    conditions: Sequence[str] | None,
) -> tuple[Block, ...]:
    """Return the result as a row, the facts that limit its certainty, and what is not judged.

    ``tests`` are those for asymmetry that could be computed.
    """
    return (
        _result(fit, spread, found, conditions),
        Table(
            header=("What limits certainty", "What the data say"),
            rows=(
                ("Inconsistency", inconsistency(fit, found)),
                ("Imprecision", imprecision(fit, found)),
                ("Small-study effects", small_studies(found, tests)),
                ("Risk of bias", "Not judged in this report."),
                ("Indirectness", "Not judged in this report."),
            ),
            caption="Facts from which certainty is judged",
        ),
        Paragraph(
            (
                "The table gives facts for the domains of GRADE ",
                Cite("guyatt2011"),
                " and no level of certainty: that is a judgement, and none is made here.",
            )
        ),
    )


def _result(fit: Fit, spread: Spread, found: Findings, conditions: Sequence[str] | None) -> Table:
    level, form = prose.level(fit.level), study_format(fit.effects, fit.level)
    head, expected = words.estimate_head(fit.effects.measure, fit.level), f"{level} prediction"
    kind, name = "Pooled", "All studies"
    if conditions:
        kind, name = "Association", words.capitalized(prose.listed(conditions))
    return Table(
        header=(kind, "Studies (people)", head, expected, "I²"),
        rows=(
            (
                name,
                people(found),
                f"{form.value(fit.estimate)} ({form.interval(*fit.ci)})",
                form.interval(*fit.pi),
                _i2(fit, spread),
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
    >>> [people(Findings(3, 1200, without, 3, 0, 0, 0, 1.5)) for without in ((), ("A",))]
    ['3 (1,200)', '3 (1,200 in 2 of them)']
    >>> people(Findings(3, 0, ("A", "B", "C"), 3, 0, 0, 0, 1.5))
    '3 (not known)'
    """
    known = found.k - len(found.without_n)
    if not known:
        return f"{found.k} (not known)"
    part = f" in {known} of them" if found.without_n else ""
    return f"{found.k} ({found.participants:,}{part})"


def inconsistency(fit: Fit, found: Findings) -> str:
    """Say how far the studies agree with each other, and with their average.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))
    >>> print(inconsistency(fit, Findings(3, 0, (), above=3, below=0, at=0, apart=1, times=1.5)))
    The estimates of all 3 studies lie above 1; the confidence interval of 1 of them leaves out the
    average.
    """
    if fit.k == 1:
        return "There is one study, with no other to agree or disagree with."
    apart = "none" if found.apart == 0 else f"{found.apart}"
    average = f"the confidence interval of {apart} of them leaves out the average."
    if found.above is None or found.below is None:
        return words.capitalized(average).replace("of them", f"of the {fit.k} studies")
    null = prose.null_value(fit.effects.measure, fit.effects.scale)
    if fit.k in (found.above, found.below):
        side = "above" if found.above else "below"
        which = "both" if fit.k == 2 else f"all {fit.k}"
        return f"The estimates of {which} studies lie {side} {null}; {average}"
    return f"{_sides(found, null)}; {average}"


def _sides(found: Findings, null: str) -> str:
    sides = {"above": found.above, "below": found.below, "at it": found.at}
    parts = [f"{count} {where}" for where, count in sides.items() if count]
    return (
        f"The estimates of the {found.k} studies do not all lie on one side of {null} "
        f"({', '.join(parts)})"
    )


def imprecision(fit: Fit, found: Findings) -> str:
    """Say how wide the average's interval is, and whether it includes the null.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))
    >>> print(imprecision(fit, Findings(3, 0, (), above=3, below=0, at=0, apart=1, times=5.2)))
    The confidence interval includes 1, no association; its upper end is 5.20 times its lower end.
    The prediction interval includes 1.
    """
    null, effects = null_of(fit.effects.measure), fit.effects
    width = (
        "" if math.isnan(found.times) else (f"; its upper end is {_times(fit)} times its lower end")
    )
    if math.isnan(null):
        return f"The confidence interval is {study_format(effects, fit.level).interval(*fit.ci)}."
    inside = fit.ci[0] <= null <= fit.ci[1]
    meaning = prose.null(effects.measure, effects.scale)
    first = f"The confidence interval {'includes' if inside else 'leaves out'} {meaning}{width}."
    if math.isnan(fit.pi[0]):
        return f"{first} There is no prediction interval."
    wide = fit.pi[0] <= null <= fit.pi[1]
    value = prose.null_value(effects.measure, effects.scale)
    return f"{first} The prediction interval {'includes' if wide else 'leaves out'} {value}."


def _times(fit: Fit) -> str:
    """Return the upper end of a ratio's interval over the lower one, however large."""
    return Format("log").value(fit.ci[1] - fit.ci[0])


def small_studies(found: Findings, tests: Sequence[Asymmetry]) -> str:
    """Say whether small-study effects can be assessed, and what the tests for asymmetry gave.

    Examples
    --------
    >>> print(small_studies(Findings(6, 0, (), above=6, below=0, at=0, apart=1, times=1.5), ()))
    Cannot be assessed: there are fewer than 10 studies.
    """
    if found.asymmetry_assessable:
        gave = [f"{TESTS[test.test][0]} gives {prose.p_value(test.p_value)}" for test in tests]
        said = "; ".join(gave) or "no test could be computed"
        return f"Can be assessed, with {found.k} studies: {said}."
    return f"Cannot be assessed: there are fewer than {found.least} studies."
