"""Sentences about fits: tested functions of numbers that claim no more than the interval allows."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from comorbid.against_rest import AgainstRest
from comorbid.document import prose
from comorbid.document.figures import words
from comorbid.document.figures.refit_rows import refit_format
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.effects.overrides import Override
from comorbid.models.fit import Fit
from comorbid.models.fitted import Pair
from comorbid.models.refits import Refits
from comorbid.studies.table import Studies


def expected(fit: Fit) -> str:
    """Say what a further study would be expected to find, or why that cannot be said.

    Examples
    --------
    >>> import comorbid as cb
    >>> print(expected(cb.pool(cb.Effects(yi=[0.5, 0.9, 0.2], vi=[.03, .08, .02], measure="OR"))))
    In a further study of this kind the true odds ratio would be expected to lie between 0.41 and
    6.35 (95 % prediction interval), a range that includes 1, no association.
    """
    name = _name(fit.effects.measure)
    if fit.method == "EE" and fit.k > 1:
        return f"The equal-effects model takes a further study to have the same true {name}."
    if math.isnan(fit.pi[0]):
        return (
            f"What true {name} a further study would have cannot be said from "
            f"{prose.counted(fit.k, 'study', 'studies')}."
        )
    low, high = map(study_format(fit.effects, fit.level).value, fit.pi)
    return (
        f"In a further study of this kind the true {name} would be expected to lie between {low} "
        f"and {high} ({prose.level(fit.level)} prediction interval)"
        f"{_includes_null(fit.pi, fit, ', a range that includes')}."
    )


def average(fit: Fit) -> str:
    """Say what the average is, with its interval.

    Examples
    --------
    >>> import comorbid as cb
    >>> average(cb.pool(cb.Effects(yi=[0.5], vi=[0.03], measure="OR")))
    'The one study has an odds ratio of 1.65 (95 % confidence interval 1.17 to 2.32).'
    """
    name, form = _name(fit.effects.measure), study_format(fit.effects, fit.level)
    found = (
        f"{words.with_article(name)} of {form.value(fit.estimate)} "
        f"({prose.level(fit.level)} confidence interval {form.interval(*fit.ci)}"
        f"{_includes_null(fit.ci, fit, ', which includes')})"
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
    start = f"Between-study variance (tau²) is estimated as {prose.small(fit.tau2)} and I² as"
    if fit.estimator.fixed is not None:
        start = f"Between-study variance (tau²) is set to {prose.small(fit.tau2)}; I² is then"
    if fit.method == "EE":
        start = "I² is"
    few = f"; with {fit.k} studies neither says much" if fit.k < 5 else ""
    return f"{start} {prose.percent(fit.i2)} ({q_test(fit)}){few}."


def q_test(fit: Fit) -> str:
    """Return Cochran's Q with its degrees of freedom and p-value."""
    degrees = prose.counted(fit.k - 1, "degree", "degrees")
    return f"Q = {fit.q:.2f} on {degrees} of freedom, {prose.p_value(fit.q_p)}"


def leave_one_out(fit: Fit, refits: Refits) -> str:
    """Say how far the average moves when each study is left out in turn."""
    if fit.k < 3:
        return "With fewer than three studies, leaving one out leaves nothing to pool."
    start = "With one study left out at a time, the average"
    tau2 = ""
    if fit.method != "EE":
        values = refits.batch.tau2.tolist()
        tau2 = words.spread("tau²", refits.labels, values, prose.small)
    crossing = _crossing(refits, "without"), _predicted(refits, "without")
    return words.joined(_averages(refits, start, "without "), tau2, *crossing)


def cumulative(refits: Refits) -> str:
    """Say how the average moved as the studies were added in the order of the refits."""
    k = len(refits.labels)
    if k < 2:
        return "There is one study: nothing was added to it."
    if k == 2:
        return "There are two studies: only with the second is there anything to pool."
    return words.joined(
        _averages(refits, "From the second study on, the average", "after adding ", first=1),
        _crossing(refits, "after adding", first=1),
        "The intervals are not corrected for looking at the data again after each study.",
    )


def other_rows(fit: Fit, refits: Refits) -> str:
    """Say how far the average moves when another row of one study is pooled."""
    if not refits.labels:
        return "No study has another row that could be pooled in place of the one that is."
    start = "With another row of one study in place of the pooled one, the average"
    averages = _averages(refits, start, "with ")
    if len(refits.labels) == 1:
        value = refit_format(refits).value(float(refits.batch.estimate[0]))
        averages = f"{start} is {value} (with {refits.labels[0]})."
    null, batch = null_of(fit.effects.measure), refits.batch
    ends = zip(refits.labels, batch.pi_low.tolist(), batch.pi_high.tolist(), strict=True)
    wide = [label for label, low, high in ends if low <= null <= high]
    if not wide:
        return averages
    value = prose.null_value(refits.measure, refits.scale)
    return f"{averages} The prediction interval includes {value} with {prose.listed(wide)}."


def _averages(refits: Refits, subject: str, before: str, *, first: int = 0) -> str:
    """Say between which values the averages lie, each with its row, from a row on."""
    values = refits.batch.estimate.tolist()[first:]
    form = refit_format(refits).value
    return words.spread(subject, refits.labels[first:], values, form, before=before)


def _crossing(refits: Refits, before: str, *, first: int = 0) -> str:
    """Say in which rows the confidence interval includes the null, if there is such a value."""
    null, batch = null_of(refits.measure), refits.batch
    if math.isnan(null):
        return ""
    value = prose.null_value(refits.measure, refits.scale)
    ends = zip(refits.labels, batch.ci_low.tolist(), batch.ci_high.tolist(), strict=True)
    inside = [label for label, low, high in list(ends)[first:] if low <= null <= high]
    start = "From the second study on, every" if first else "Every"
    if not inside:
        return f"{start} confidence interval excludes {value}."
    if len(inside) == len(refits.labels) - first:
        return f"{start} confidence interval includes {value}."
    start = start.replace("every", "the").replace("Every", "The")
    return f"{start} confidence interval includes {value} {before} {prose.listed(inside)}."


def _predicted(refits: Refits, before: str) -> str:
    """Say in which rows the prediction interval includes the null, if all have one."""
    null, batch = null_of(refits.measure), refits.batch
    if math.isnan(null) or np.isnan(batch.pi_low).any():
        return ""
    value = prose.null_value(refits.measure, refits.scale)
    inside = (batch.pi_low <= null) & (null <= batch.pi_high)
    if inside.all() or not inside.any():
        return f"Every prediction interval {'includes' if inside.any() else 'excludes'} {value}."
    wide = [label for label, has in zip(refits.labels, inside.tolist(), strict=True) if has]
    return f"The prediction interval includes {value} {before} {prose.listed(wide)}."


def nothing_pooled(studies: Studies, overrides: Sequence[Override]) -> str:
    """Say that no study can be pooled, and why."""
    rows = prose.counted(len(studies), "row", "rows")
    left = sum(override.use == "exclude" for override in overrides)
    why = f"; {prose.counted(left, 'is', 'are')} left out by decisions" if left else ""
    return (
        f"No study is pooled: none of the table's {rows} is a primary row with an effect and its "
        f"variance{why}."
    )


def no_years(labels: Sequence[str]) -> str:
    """Say which studies have no year, without which they cannot be put in order."""
    return f"The studies cannot be put in order: there is no year of {prose.listed(labels)}."


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


def _includes_null(ends: Pair, fit: Fit, lead: str) -> str:
    measure = fit.effects.measure
    if not ends[0] <= null_of(measure) <= ends[1]:
        return ""
    return f"{lead} {prose.null(measure, fit.effects.scale)}"


def _name(measure: str) -> str:
    """Return a measure's name without what is said of it after a comma."""
    return words.measure(measure).partition(",")[0]
