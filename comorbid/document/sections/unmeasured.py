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
from comorbid.document.sections.missing_evidence import limit_of, missing, moved, publication
from comorbid.effects.measures import null_of
from comorbid.models.fit import Fit
from comorbid.sensitivity.confounding import FEW
from comorbid.sensitivity.confounding_result import ConfoundedMeta
from comorbid.sensitivity.tipping_result import TippingPoint, TippingStudies

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
        return (*blocks, Paragraph(_ONE_STUDY), _limits(several=False))
    blocks.append(Paragraph((publication(fit, found.s_value), " ", Cite("mathur2020b"), ".")))
    nearest = "" if found.studies is None else moved(fit, found.studies)
    blocks.append(Paragraph(words.joined(missing(fit, found.tipping), nearest)))
    return (*blocks, _table(fit, found), _limits(several=True))


def _confounding(
    fit: Fit, found: Unmeasured, conditions: Sequence[str] | None
) -> tuple[Block, ...]:
    if found.e_value is None:
        name = words.measure(fit.effects.measure)
        return (Paragraph(f"No risk ratio stands for this {name}: it has no E-value."),)
    read = ("vanderweele2017b",) if found.e_value.measure in ("OR", "PETO") else ()
    text = confounding(fit, found.e_value, conditions)
    blocks: list[Block] = [Paragraph((text, " ", Cite("vanderweele2017", *read), "."))]
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


def _limits(*, several: bool) -> Note:
    more = (
        " The S-value speaks of a preference for small p-values alone. Studies that are added are "
        "imagined, and nothing here says that there are such."
    )
    text = (_LIMITS, Cite("vanderweele2019"), f".{more if several else ''}")
    return Note(text, title="What these numbers do not say")


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
    form = study_format(fit.effects, fit.level)
    name = words.with_article(words.measure(found.measure))
    at_null = found.q == null_of(found.measure)
    null = prose.null_value(found.measure, found.scale)
    side = f"{found.tail} {null if at_null else form.value(found.q)}"
    share = prose.percent(100 * found.prop.estimate)
    interval = ""
    if not math.isnan(found.prop.ci[0]):
        low, high = (prose.percent(100 * end) for end in found.prop.ci)
        interval = f" ({prose.level(found.level)} confidence interval {low} to {high})"
    left = prose.percent(100 * found.r)
    text = f"Of the true effects an estimated {share}{interval} have {name} {side}."
    if found.tmin.estimate == 1:
        return f"{text} Without any confounding no more than {left} of them do"
    factor, strength = (_with_ci(x.estimate, x.ci) for x in (found.tmin, found.gmin))
    return (
        f"{text} Confounding of the same strength in all studies would leave no more than {left} "
        f"of them there if it multiplied risk ratios by {factor}, which takes associations of "
        f"{strength} with both sides"
    )


def _with_ci(value: float, ends: tuple[float, float]) -> str:
    if math.isnan(ends[0]):
        return prose.value(value)
    return f"{prose.value(value)} ({prose.interval(ends)})"


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
        note="E-value: risk ratio of a confounder with each side of the association. S-value: how "
        "many times as likely to be published. –: does not apply, or is not given.",
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
