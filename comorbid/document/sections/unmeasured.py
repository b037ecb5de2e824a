"""Bias that no study measured: how strong it would have to be to change the result."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from comorbid.bias.e_values import EValue
from comorbid.bias.s_value_result import SValue
from comorbid.document import prose
from comorbid.document.blocks import Block, Cite, Note, Paragraph, Table
from comorbid.document.figures import words
from comorbid.document.figures.study_rows import study_format
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.models.frames import own_intervals
from comorbid.sensitivity.confounding import FEW
from comorbid.sensitivity.confounding_result import ConfoundedMeta
from comorbid.sensitivity.tipping_result import TippingPoint, TippingStudies

_FEW_DF = 4
_FEW_PEOPLE = 10
_INTRODUCTION = (
    "What no study measured cannot be read from their results. It can only be asked how strong it "
    "would have to be to change them, which does not say how strong it is: a large number here is "
    "no sign that there is no bias, and a small one no sign that there is."
)
_LIMITS = (
    "These numbers are about the association, which is observed, and not about what brings it "
    "about. The E-value speaks of confounding alone, not of how people came into the studies or of "
    "how either side of the association was asked for "
)


@dataclass(frozen=True, slots=True)
class Unmeasured:
    """What was computed, and None where it cannot be."""

    e_value: EValue | None
    true_effects: ConfoundedMeta | None
    s_value: SValue | None
    tipping: TippingPoint | None
    studies: TippingStudies | None


def unmeasured(
    fit: Fit, found: Unmeasured, *, conditions: Sequence[str] | None
) -> tuple[Block, ...]:
    """Return how strong confounding and selection would have to be, and what that does not say."""
    blocks: list[Block] = [Paragraph(_INTRODUCTION), *_confounding(fit, found, conditions)]
    if found.s_value is None or found.tipping is None:
        return (*blocks, Paragraph(_ONE_STUDY), _limits())
    blocks.append(Paragraph((publication(fit, found.s_value), " ", Cite("mathur2020b"), ".")))
    nearest = "" if found.studies is None else moved(fit, found.studies)
    blocks.append(Paragraph(words.joined(missing(fit, found.tipping), nearest)))
    return (*blocks, _table(fit, found), _limits())


def _confounding(
    fit: Fit, found: Unmeasured, conditions: Sequence[str] | None
) -> tuple[Block, ...]:
    if found.e_value is None:
        name = words.measure(fit.effects.measure)
        return (Paragraph(f"No risk ratio stands for this {name}: it has no E-value."),)
    read = (Cite("vanderweele2017b"),) if found.e_value.measure in ("OR", "PETO") else ()
    text = confounding(fit, found.e_value, conditions)
    blocks: list[Block] = [Paragraph((text, " ", Cite("vanderweele2017"), *read, "."))]
    if found.true_effects is not None:
        share = true_effects(fit, found.true_effects)
        blocks.append(Paragraph((share, " ", Cite("mathur2020a"), ".")))
    elif 1 < fit.k < FEW:
        blocks.append(Paragraph((_FEW_STUDIES, Cite("mathur2020a"), ".")))
    return tuple(blocks)


_FEW_STUDIES = (
    "What share of the true effects confounding would leave is not given: the authors of the "
    "method advise against it with fewer than ten studies "
)
_ONE_STUDY = (
    "With one study there is no choice between studies to ask about, and no average that a missing "
    "one could change."
)


def _limits() -> Note:
    return Note(
        (
            _LIMITS,
            Cite("vanderweele2019"),
            ". The S-value speaks of a preference for small p-values alone. Studies that are added "
            "are imagined, and nothing here says that there are such.",
        ),
        title="What these numbers do not say",
    )


def confounding(fit: Fit, found: EValue, conditions: Sequence[str] | None) -> str:
    """Say how strong a confounder would have to be, without a full stop.

    Examples
    --------
    >>> import comorbid as cb
    >>> fit = cb.pool(cb.Effects(yi=[0.9, 0.7, 0.8], vi=[0.03, 0.08, 0.02], measure="OR"))
    >>> print(confounding(fit, cb.e_value(fit), ("a", "b")))
    Read as a risk ratio, by its square root as for outcomes that are not rare, the average odds
    ratio is 1.51 (95 % confidence interval 1.36 to 1.67). Confounding alone could account for all
    of it only if what was not adjusted for were associated with a and with b by risk ratios of at
    least 2.38 each, a weaker one with one of them needing a stronger one with the other; for the
    interval to include no association, risk ratios of 2.07 could do
    """
    name, null = words.measure(found.measure), prose.null_name(found.measure)
    what = f"the average {name}" if fit.k > 1 else f"the {name} of the one study"
    how = _reading(found)
    start = f"Read as a risk ratio, {how}, {what} is" if how else f"{words.capitalized(what)} is"
    start += (
        f" {prose.value(found.risk_ratio)} ({prose.level(found.level)} confidence interval "
        f"{prose.interval(found.risk_ratio_ci)})."
    )
    sides = "exposure and outcome"
    if conditions:
        sides = " and with ".join(conditions)
    limit = (
        f"for the interval to include {null}, risk ratios of {prose.value(found.limit)} could do"
    )
    if found.limit == 1:
        limit = f"the interval includes {null} without any"
    return (
        f"{start} Confounding alone could account for all of it only if what was not adjusted for "
        f"were associated with {sides} by risk ratios of at least {prose.value(found.estimate)} "
        f"each, a weaker one with one of them needing a stronger one with the other; {limit}"
    )


def _reading(found: EValue) -> str:
    """Say how the measure is read as a risk ratio; nothing of one that is one."""
    if found.measure in ("RR", "IRR"):
        return ""
    if found.measure in ("OR", "PETO", "HR") and found.outcome == "rare":
        return "as for rare outcomes"
    if found.measure in ("OR", "PETO"):
        return "by its square root as for outcomes that are not rare"
    return "at the baseline risk given" if found.measure == "RD" else "by an approximation"


def true_effects(fit: Fit, found: ConfoundedMeta) -> str:
    """Say what share of true effects is beyond the threshold, and what bias would leave.

    Without a full stop.
    """
    name, form = words.measure(found.measure), study_format(fit.effects, fit.level)
    at_null = found.q == null_of(found.measure)
    null = prose.null_value(found.measure, found.scale)
    side = f"{found.tail} {null if at_null else form.value(found.q)}"
    share = prose.percent(100 * found.prop.estimate)
    interval = ""
    if not math.isnan(found.prop.ci[0]):
        low, high = (prose.percent(100 * end) for end in found.prop.ci)
        interval = f" ({prose.level(found.level)} confidence interval {low} to {high})"
    left = prose.percent(100 * found.r)
    text = f"Of the true effects an estimated {share}{interval} have {_a(name)} {side}."
    if found.tmin.estimate == 1:
        return f"{text} Without any confounding no more than {left} of them do"
    factor, strength = (_with_ci(x.estimate, x.ci) for x in (found.tmin, found.gmin))
    return (
        f"{text} Confounding of the same strength in all studies would leave no more than {left} "
        f"of them there if it multiplied risk ratios by {factor}, which takes associations of "
        f"{strength} with both sides"
    )


def _a(name: str) -> str:
    return f"{'an' if name[0].lower() in 'aeio' else 'a'} {name}"


def _with_ci(value: float, ends: tuple[float, float]) -> str:
    if math.isnan(ends[0]):
        return prose.value(value)
    return f"{prose.value(value)} ({prose.interval(ends)})"


def publication(fit: Fit, found: SValue) -> str:
    """Say what a preference for small p-values could do to the average, without a full stop."""
    k, yes = len(found.labels), found.k_affirmative
    what = f"a two-sided p-value below {found.alpha:g} and"
    such, one_such = f"{what} lie on the side of the average", f"{what} lies on the same side"
    if yes == k:
        every = "Both studies" if k == 2 else f"All {k} studies"
        return (
            f"{every} have {such}. Whether such results were more likely to be published than "
            "others cannot be seen where there are no others. There is no S-value, which is no "
            "sign that there was no such preference"
        )
    if not yes:
        return (
            f"None of the {k} studies has {one_such} as the average: a preference for such results "
            "finds none here, and there is no S-value"
        )
    have = f"has {one_such} as the average" if yes == 1 else f"have {such}"
    others = "the other" if k - yes == 1 else "the others"
    return (
        f"{yes} of the {k} studies {have}. If such results were more likely to be published than "
        f"others, {others} would have to weigh more; in the worst case {_worst(fit, found)}. "
        f"{_selection(fit, found)}"
    )


def _worst(fit: Fit, found: SValue) -> str:
    """Say what is left in the worst case: the other studies, or the one other."""
    form, (worst, ci) = study_format(fit.effects, fit.level), found.worst
    who, whose = "they alone count", ""
    if found.k_nonaffirmative == 1:
        i = int(found.affirmative.argmin())
        low, high = own_intervals(fit.effects, fit.level)
        who, whose, ci = f"{found.labels[i]} alone counts", "its own ", (low[i], high[i])
    return (
        f"{who}, with {_a(words.measure(found.measure))} of {form.value(worst)} "
        f"({whose}{prose.level(found.level)} confidence interval {form.interval(*ci)})"
    )


def _selection(fit: Fit, found: SValue) -> str:
    null = prose.null_name(fit.effects.measure)
    if found.estimate == 1:
        text = f"By this method the average is not beyond {null} as it is"
    elif math.isinf(found.estimate):
        text = f"No such preference, however strong, would bring the average to {null}"
    else:
        text = (
            f"They would have to be {prose.value(found.estimate)} times as likely to be published "
            f"to bring the average to {null}"
        )
    if math.isnan(limit_of(found)):
        return f"{text}; with one such study that says little"
    text += f"; {_limit(found, null)}"
    if (found.df < _FEW_DF).any():
        text += (
            ". Intervals of this method have fewer than 4 degrees of freedom here and cannot be "
            "relied on"
        )
    return text


def _limit(found: SValue, null: str) -> str:
    if found.limit == 1:
        return f"the interval of this method includes {null} as it is"
    if math.isinf(found.limit):
        return "nor the interval to include it"
    return (
        f"for its interval to include {null}, {prose.value(found.limit)} times as likely would do"
    )


def limit_of(found: SValue) -> float:
    """Return the S-value of the limit; nan where one study alone would make the interval."""
    return math.nan if found.k_nonaffirmative == 1 else found.limit


def missing(fit: Fit, found: TippingPoint) -> str:
    """Say how many null studies, and how large a one, would make the interval include the null.

    Examples
    --------
    >>> import comorbid as cb
    >>> effects = cb.Effects(yi=[0.5, 0.9, 0.7, 0.6], vi=[0.03, 0.08, 0.02, 0.05], measure="OR")
    >>> fit = cb.pool(effects)
    >>> print(missing(fit, cb.tipping_point(fit)))
    If 4 studies more, of the median precision (standard error 0.2), had found no association on
    average, and differed as much as those found, the interval of all together would include it. A
    single one that found it would not do, whatever its size: it counts as one study among the
    others and adds to the differences between them.
    """
    null, typical = prose.null_name(fit.effects.measure), found.typical
    if found.includes:
        return f"The interval of the average includes {null} as it is; no study need be missing."
    of = f"of the median precision (standard error {prose.small(typical.se)}"
    of += f"{_people(typical.people, ' each' if typical.k > 1 else '')})"
    if typical.k == 1:
        return f"If 1 study more, {of}, had found {null}, the interval of all would include it."
    alike = f"had found {null} on average, and differed as much as those found,"
    if typical.suffices:
        count = prose.counted(int(typical.k), "study", "studies")
        text = f"If {count} more, {of}, {alike} the interval of all together would include it."
    else:
        text = (
            f"If ten thousand studies more, {of}, {alike} the interval of all together would still "
            "not include it."
        )
    return f"{text} {_one(found)}"


def _one(found: TippingPoint) -> str:
    if not found.one.suffices:
        return (
            "A single one that found it would not do, whatever its size: it counts as one study "
            "among the others and adds to the differences between them."
        )
    return (
        f"A single one that found it would need a standard error of {prose.small(found.one.se)}"
        f"{_people(found.one.people)}, and would have {prose.percent(found.one.weight)} of the "
        "weight."
    )


def _people(n: float, each: str = "") -> str:
    """Return about how many people that is; nothing where it is unknown or no study."""
    known = _FEW_PEOPLE <= n < math.inf
    return f", about {float(f'{n:.3g}'):,.0f} people{each}" if known else ""


def moved(fit: Fit, found: TippingStudies) -> str:
    """Say which single study would have to move least for the interval to include the null."""
    if not (abs(found.moved) > 0).any():
        return ""
    form = study_format(fit.effects, fit.level)
    i = min(range(len(found.labels)), key=lambda j: abs(found.moved[j]))
    return (
        "Of the studies found, the one that would do it by the smallest step, counted in its own "
        f"standard errors, is {found.labels[i]}: by {abs(found.moved[i]):.1f} of them, from "
        f"{form.value(float(found.yi[i]))} to {form.value(float(found.tipping[i]))}."
    )


def _table(fit: Fit, found: Unmeasured) -> Table:
    null = prose.null_name(fit.effects.measure)
    header = ("What it would take", f"For {null} on average", f"For an interval with {null}")
    rows = []
    if found.e_value is not None:
        e = found.e_value
        rows.append(
            (
                "Confounding (E-value)",
                prose.value(e.estimate),
                "none needed" if e.limit == 1 else prose.value(e.limit),
            )
        )
    if found.s_value is not None:
        s = found.s_value
        rows.append(
            (
                "Preference for small p-values (S-value)",
                _times(s.estimate),
                _times(limit_of(s)),
            )
        )
    if found.tipping is not None:
        t = found.tipping
        rows.append(("Null studies of the median precision", "–", _number(t)))
        rows.append(("One null study: its standard error", "–", _size(t)))
    return Table(
        header,
        tuple(rows),
        "How strong what was not measured would have to be",
        numeric=header[1:],
        note="E-value: risk ratio of a confounder with each side of the association. S-value: how many "
        "times as likely to be published. –: does not apply, or is not given.",
    )


def _times(value: float) -> str:
    if value == 1:
        return "none needed"
    return "none suffices" if math.isinf(value) else prose.value(value)


def _number(found: TippingPoint) -> str:
    if found.includes:
        return "none needed"
    return f"{found.typical.k:,.0f}" if found.typical.suffices else "more than ten thousand"


def _size(found: TippingPoint) -> str:
    if found.includes:
        return "none needed"
    return prose.small(found.one.se) if found.one.suffices else "none suffices"
