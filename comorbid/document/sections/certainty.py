"""The certainty of the evidence: a profile of facts and judgements, in the domains of GRADE."""

from __future__ import annotations

import math
from collections.abc import Mapping

from comorbid.certainty import Certainty
from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Inline, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.figures.judgement_marks import name_of
from comorbid.document.figures.numbers import Format
from comorbid.document.figures.study_rows import study_format
from comorbid.document.sections.small_studies import TESTS
from comorbid.effects.measures import null_of
from comorbid.findings import Findings
from comorbid.grade import DOWN, Judgement
from comorbid.information_size import InformationSize
from comorbid.models.fit import Fit
from comorbid.models.spread import Spread

_NO_COLUMN = "The study table has no judgements."
_LEVELS = {1: "one level", 2: "two levels"}


def certainty(fit: Fit, spread: Spread, found: Certainty) -> tuple[Block, ...]:
    """Return what was judged and what it comes to, and the profile: facts and judgements."""
    facts = {
        "risk_of_bias": risk_of_bias(found),
        "inconsistency": f"{inconsistency(fit, found.findings)} {_spread(fit, spread)}".strip(),
        "indirectness": indirectness(found.indirectness),
        "imprecision": f"{imprecision(fit, found.findings)} {threshold(fit, found)}".strip(),
        "publication_bias": small_studies(found),
        "large_effect": size_of_effect(fit),
        "dose_response": "–",
        "plausible_confounding": "–",
    }
    return (
        Paragraph((rating(found), *_rule(found))),
        Table(
            header=("Domain", "What the data say", "Judgement"),
            rows=tuple(
                (_NAMES[name], said, judgement(found.judgements.get(name)))
                for name, said in facts.items()
                if name in DOWN or name in found.judgements
            ),
            caption="Evidence profile",
            note="The facts are computed; judgements are the analyst's. Small-study effects are "
            "what can be seen of publication bias. An optimal information size does not count "
            "differences between studies.",
        ),
    )


_NAMES = {
    "risk_of_bias": "Risk of bias",
    "inconsistency": "Inconsistency",
    "indirectness": "Indirectness",
    "imprecision": "Imprecision",
    "publication_bias": "Publication bias",
    "large_effect": "Large effect",
    "dose_response": "Dose-response gradient",
    "plausible_confounding": "Plausible confounding",
}


def rating(found: Certainty) -> str:
    """Say which level of certainty the judgements give, or why there is none."""
    missing = found.not_judged
    if missing:
        lacking = [_NAMES.get(name, "where it starts").lower() for name in missing]
        nothing = len(missing) == len(DOWN) + 1
        what = "nothing was judged" if nothing else f"not judged: {prose.listed(lacking)}"
        return f"No level of certainty is given: it is a matter of judgement, and {what}. "
    start = found.judgements["start"]
    moved = [
        f"{'up' if one.steps > 0 else 'down'} {_LEVELS[abs(one.steps)]} for {_NAMES[name].lower()}"
        for name, one in found.judgements.items()
        if name != "start" and one.steps
    ]
    then = f"it goes {prose.listed(moved)}" if moved else "nothing moves it"
    return (
        f"The certainty of the evidence is {found.rating}. It starts at {start.rating} "
        f"({start.reason}); {then}. "
    )


def _rule(found: Certainty) -> tuple[Inline, ...]:
    """Return how a level comes about, with its sources, and what GRADE does otherwise."""
    notes = [note for note in found.warnings if note.startswith(("rated up", "begins at"))]
    return (
        "The levels are those of GRADE ",
        Cite("guyatt2011", "balshem2011"),
        ", high, moderate, low and very low; randomised trials start at high and observational "
        "studies at low, and a level is lost for what is serious, two for what is very serious. "
        "Observational studies that lose none may gain levels ",
        Cite("schunemann2019"),
        f".{''.join(f' {words.capitalized(note)}.' for note in notes)}",
    )


def judgement(one: Judgement | None) -> str:
    """Return a judgement with its reason.

    Examples
    --------
    >>> judgement(None), judgement(Judgement("serious", "the intervals hardly overlap", -1))
    ('Not judged', 'Serious: the intervals hardly overlap')
    """
    return "Not judged" if one is None else f"{words.capitalized(one.rating)}: {one.reason}"


def risk_of_bias(found: Certainty) -> str:
    """Say how the studies were judged overall, with their weight in the pool."""
    bias = found.bias
    if bias is None:
        return _NO_COLUMN
    if bias.overall is None:
        return "Studies were judged by domain; the study table has no overall judgement of each."
    parts = [
        f"{name_of(cell, bias.words)} in {prose.counted(n, 'study', 'studies')} "
        f"({prose.percent(bias.shares()[-1][cell])} of the weight)"
        for cell, n in bias.counts()[-1].items()
    ]
    return f"Overall: {'; '.join(parts)}."


def indirectness(levels: Mapping[str, int]) -> str:
    """Say how far the studies were judged to be from the question.

    Examples
    --------
    >>> indirectness({"low": 4, "some": 1, "not judged": 1})
    'Concern: low in 4 studies, some in 1 study, not judged in 1 study.'
    """
    if not levels:
        return _NO_COLUMN
    parts = [f"{level} in {prose.counted(n, 'study', 'studies')}" for level, n in levels.items()]
    return f"Concern: {', '.join(parts)}."


def _spread(fit: Fit, spread: Spread) -> str:
    """Return I2 and tau2 with their intervals, and the prediction interval."""
    if fit.k == 1:
        return ""
    level, parts = prose.level(fit.level), [f"I² is {prose.percent(fit.i2)}"]
    if spread.intervals is not None:
        low, high = map(prose.percent, spread.intervals.i2_ci)
        ends = [prose.small(end) for end in spread.intervals.tau2_ci]
        parts = [
            f"I² is {prose.percent(fit.i2)} ({level} interval {low} to {high})",
            f"tau² {prose.small(fit.tau2)} ({ends[0]} to {ends[1]})",
        ]
    if not math.isnan(fit.pi[0]):
        form = study_format(fit.effects, fit.level)
        parts.append(f"the {level} prediction interval {form.interval(*fit.pi)}")
    return f"{prose.listed(parts)}."


def inconsistency(fit: Fit, found: Findings) -> str:
    """Say how far the studies agree with each other, and with their average.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))
    >>> print(inconsistency(fit, Findings(3, 0, (), above=3, below=0, at=0, apart=1, pairs=3,
    ...                                   overlapping=3, times=1.5)))
    The estimates of all 3 studies lie above 1; the confidence interval of 1 of them leaves out the
    average. The intervals of every pair of studies overlap.
    """
    if fit.k == 1:
        return "There is one study, with no other to agree or disagree with."
    apart = "none" if found.apart == 0 else f"{found.apart}"
    average = f"the confidence interval of {apart} of them leaves out the average."
    if found.above is None:
        start = words.capitalized(average).replace("of them", f"of the {fit.k} studies")
        return f"{start} {_overlap(found)}"
    null = prose.null_value(fit.effects.measure, fit.effects.scale)
    if fit.k in (found.above, found.below):
        side = "above" if found.above else "below"
        which = "both" if fit.k == 2 else f"all {fit.k}"
        start = f"The estimates of {which} studies lie {side} {null}; {average}"
    else:
        start = f"{_sides(found, null)}; {average}"
    return f"{start} {_overlap(found)}"


def _sides(found: Findings, null: str) -> str:
    sides = {"above": found.above, "below": found.below, "at it": found.at}
    parts = [f"{count} {where}" for where, count in sides.items() if count]
    return (
        f"The estimates of the {found.k} studies do not all lie on one side of {null} "
        f"({', '.join(parts)})"
    )


def _overlap(found: Findings) -> str:
    if found.k == 2:
        return f"Their two intervals {'overlap' if found.overlapping else 'do not overlap'}."
    if found.overlapping == found.pairs:
        return "The intervals of every pair of studies overlap."
    return f"The intervals of {found.overlapping} of {found.pairs:,} pairs of studies overlap."


def imprecision(fit: Fit, found: Findings) -> str:
    """Say how wide the average's interval is, and whether it includes the null.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))
    >>> print(imprecision(fit, Findings(3, 0, (), above=3, below=0, at=0, apart=1, pairs=3,
    ...                                 overlapping=3, times=5.2)))
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


def threshold(fit: Fit, found: Certainty) -> str:
    """Say where the confidence interval lies by the smallest effect that matters, if given."""
    if found.size is None:
        return ""
    name = prose.measure_name(fit.effects.measure)
    value = study_format(fit.effects, fit.level).value(found.threshold)
    where = "lies above" if fit.ci[0] > found.threshold else "lies below"
    where = "includes" if found.crosses_threshold else where
    return (
        f"The smallest {name} that is taken to matter is {value}; the confidence interval {where} "
        f"it. {optimal_size(found.size)}"
    )


def optimal_size(size: InformationSize) -> str:
    """Say how many people one study would need to find it, and how many there are."""
    if size.reason:
        return f"The optimal information size is not given: {size.reason}."
    power, alpha = (prose.percent(100 * share) for share in (size.power, size.alpha))
    return (
        f"One study would need {size.needed:,.0f} people to find it with {power} power at the "
        f"{alpha} level, with the risk of {prose.percent(100 * size.risk, 1)} in group 2 (optimal "
        f"information size); there are {size.people:,.0f}."
    )


def size_of_effect(fit: Fit) -> str:
    """Say how large the pooled effect is.

    Examples
    --------
    >>> import comorbid as cb
    >>> size_of_effect(cb.pool(cb.Effects(yi=[0.5], vi=[0.03], measure="OR")))
    'The odds ratio is 1.65 (95 % confidence interval 1.17 to 2.32).'
    """
    name, form = prose.measure_name(fit.effects.measure), study_format(fit.effects, fit.level)
    return (
        f"The {name} is {form.value(fit.estimate)} ({prose.level(fit.level)} confidence interval "
        f"{form.interval(*fit.ci)})."
    )


def small_studies(found: Certainty) -> str:
    """Say whether small-study effects can be assessed, and what the tests for asymmetry gave."""
    facts = found.findings
    if not facts.asymmetry_assessable:
        return (
            f"Small-study effects cannot be assessed: there are fewer than {facts.least} studies."
        )
    gave = [f"{TESTS[test.test][0]} gives {prose.p_value(test.p_value)}" for test in found.tests]
    said = "; ".join(gave) or "no test could be computed"
    return f"Small-study effects can be assessed, with {facts.k} studies: {said}."
