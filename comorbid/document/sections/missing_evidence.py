"""Missing evidence: sentences about a preference for small p-values and about null studies."""

from __future__ import annotations

import math

from comorbid.bias.s_value_result import SValue
from comorbid.document import prose
from comorbid.document.figures import words
from comorbid.document.figures.study_rows import study_format
from comorbid.models.fit import Fit
from comorbid.models.frames import own_intervals
from comorbid.sensitivity.tipping_result import TippingPoint, TippingStudies

_FEW_DF = 4
_FEW_PEOPLE = 10


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
        f"{who}, with {words.with_article(words.measure(found.measure))} of {form.value(worst)} "
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
            f"Such results would have to be {prose.value(found.estimate)} times as likely to be "
            f"published to bring the average to {null}"
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
