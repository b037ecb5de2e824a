"""Sentences about fits: tested functions of numbers that claim no more than the interval allows."""

from __future__ import annotations

import math
from collections.abc import Callable

from comorbid.against_rest import AgainstRest
from comorbid.document import prose
from comorbid.effects.measures import MEASURES
from comorbid.effects.scales import SCALES
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits


def null_value(fit: Fit) -> float:
    """Return the null value on the printed scale: 1 for ratios, nan for a proportion or mean."""
    null = {entry.id: entry.null for entry in MEASURES}.get(fit.effects.measure, 0.0)
    return float(SCALES[fit.effects.scale].back(null))


def expected(fit: Fit) -> str:
    """Say what a further study would be expected to find, or why that cannot be said.

    Examples
    --------
    >>> import comorbid as cb
    >>> print(expected(cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))))
    In a further study of this kind the true odds ratio would be expected to lie between 0.41 and
    6.35 (95 % prediction interval), a range that includes 1, no association.
    """
    scaled = fit.on_scale()
    name = prose.measure_name(scaled.measure)
    if math.isnan(scaled.pi[0]):
        return (
            f"What true {name} a further study would have cannot be said from "
            f"{prose.counted(fit.k, 'study', 'studies')} under this model."
        )
    low, high = (prose.value(end, fit.effects.scale) for end in scaled.pi)
    return (
        f"In a further study of this kind the true {name} would be expected to lie between {low} "
        f"and {high} ({prose.level(fit.level)} prediction interval)"
        f"{_includes_null(scaled.pi, fit, ', a range that includes')}."
    )


def average(fit: Fit) -> str:
    """Say what the average is, with its interval.

    Examples
    --------
    >>> import comorbid as cb
    >>> average(cb.pool(cb.Effects(yi=[0.5], vi=[0.03], measure="OR")))
    'The one study has an odds ratio of 1.65 (95 % confidence interval 1.17 to 2.32).'
    """
    scaled = fit.on_scale()
    name = prose.measure_name(scaled.measure)
    found = (
        f"{_article(name)} {name} of {prose.value(scaled.estimate, fit.effects.scale)} "
        f"({prose.level(fit.level)} confidence interval "
        f"{prose.interval(scaled.ci, fit.effects.scale)}"
        f"{_includes_null(scaled.ci, fit, ', which includes')})"
    )
    if fit.k == 1:
        return f"The one study has {found}."
    kind = "common value of" if fit.method == "EE" else "average over"
    return f"The {kind} the {fit.k} studies pooled is {found}."


def heterogeneity(fit: Fit) -> str:
    """Say how far the studies differ beyond their sampling error.

    Examples
    --------
    >>> import comorbid as cb
    >>> print(heterogeneity(cb.pool(cb.Effects(yi=[0.5, 0.6], vi=[0.03, 0.08], measure="OR"))))
    Between-study variance (tau²) is estimated as 0 and I² as 0 % (Q = 0.09 on 1 degree of freedom,
    p = 0.76); with 2 studies neither says much.
    """
    if fit.k < 2:
        return "With one study nothing can be said about differences between studies."
    tau2 = f"Between-study variance (tau²) is estimated as {prose.small(fit.tau2)} and "
    tau2 = "" if fit.method == "EE" else tau2
    degrees = prose.counted(fit.k - 1, "degree", "degrees")
    few = f"; with {fit.k} studies neither says much" if fit.k < 5 else ""
    return (
        f"{tau2}I² {'is ' if not tau2 else 'as '}{prose.percent(fit.i2)} "
        f"(Q = {fit.q:.2f} on {degrees} of freedom, {prose.p_value(fit.q_p)}){few}."
    )


def leave_one_out(fit: Fit, refits: Refits) -> str:
    """Say how far the average moves when each study is left out in turn."""
    if fit.k < 3:
        return "With fewer than three studies, leaving one out leaves nothing to pool."
    null = null_value(fit)
    rows = zip(refits.labels, refits.on_scale(), strict=True)
    crossing = [label for label, row in rows if row.ci[0] <= null <= row.ci[1]]
    averages = _ends(refits, refits.batch.estimate.tolist(), "without", _average_of(refits))
    ends = f"With one study left out at a time, the average ranges from {averages}. "
    if fit.method != "EE":
        tau2 = _ends(refits, refits.batch.tau2.tolist(), "without", prose.small)
        ends += f"tau² ranges from {tau2}. "
    if math.isnan(null):
        return ends.rstrip()
    if not crossing:
        return f"{ends}Every confidence interval excludes {null:g}."
    return f"{ends}The confidence interval includes {null:g} without {prose.listed(crossing)}."


def other_rows(fit: Fit, refits: Refits) -> str:
    """Say how far the average moves when another row of one study is pooled."""
    if not refits.labels:
        return "No study has another row that could be pooled in place of the one that is."
    null = null_value(fit)
    rows = zip(refits.labels, refits.on_scale(), strict=True)
    wide = [label for label, row in rows if row.pi[0] <= null <= row.pi[1]]
    averages = _ends(refits, refits.batch.estimate.tolist(), "with", _average_of(refits))
    text = (
        f"With another row of one study in place of the pooled one, the average ranges from "
        f"{averages}."
    )
    if not wide:
        return text
    return f"{text} The prediction interval includes {null:g} with {prose.listed(wide)}."


def _average_of(refits: Refits) -> Callable[[float], str]:
    back = SCALES[refits.scale].back
    return lambda value: prose.value(float(back(value)), refits.scale)


def _ends(refits: Refits, values: list[float], word: str, written: Callable[[float], str]) -> str:
    """Return the smallest and the largest value, each with the row it belongs to."""
    low, high = values.index(min(values)), values.index(max(values))
    return (
        f"{written(values[low])} ({word} {refits.labels[low]}) to "
        f"{written(values[high])} ({word} {refits.labels[high]})"
    )


def difference(result: AgainstRest) -> str:
    """Say whether a subgroup differs from the other studies, and what its size allows one to say.

    Examples
    --------
    >>> import comorbid as cb
    >>> table = cb.datasets.headache_back_pain()
    >>> print(difference(cb.against_rest(table, where={"headache": ("none",)}, label="none")))
    No study of none is in the table: there is nothing to compare.
    """
    if result.fit is None:
        return f"No study of {result.label} is in the table: there is nothing to compare."
    if result.rest is None or result.contrast is None:
        return (
            f"Every study in the table is of {result.label}: there is nothing to compare it with."
        )
    test = (
        f"test between the two: Q = {result.contrast.q_between:.2f} on "
        f"{prose.counted(result.contrast.q_between_df, 'degree', 'degrees')} of freedom, "
        f"{prose.p_value(result.contrast.q_between_p)}"
    )
    small = min(result.fit.k, result.rest.k)
    if small < 5:
        few = prose.counted(small, "study", "studies")
        return (
            f"With {few} on one side these data cannot tell whether the association differs in "
            f"{result.label} ({test})."
        )
    return f"Whether the association differs in {result.label}: {test}."


def _includes_null(ends: tuple[float, float], fit: Fit, lead: str) -> str:
    null = null_value(fit)
    meaning = prose.null_name(fit.effects.measure)
    return f"{lead} {null:g}, {meaning}" if ends[0] <= null <= ends[1] else ""


def _article(name: str) -> str:
    return "an" if name[0].lower() in "aeio" else "a"
