"""What was decided otherwise: by a report about single estimates, and against its protocol."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

import numpy as np

from comorbid.document import prose
from comorbid.document.blocks import Block, Heading, Items, Paragraph, Strong
from comorbid.document.sections.results import refit_table
from comorbid.effects.measures import null_of
from comorbid.effects.overrides import Override
from comorbid.effects.scales import SCALES
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.studies.table import Studies

_NO_DEVIATION = "No deviation is declared."
_NO_PROTOCOL = "No protocol of this analysis is named, and no deviation is declared."
_VERBS = {
    "counts": "computed from its counts, not from its printed interval",
    "reported": "taken as printed",
    "primary": "pooled in place of its study's primary row",
    "exclude": "left out",
}


def deviations(
    fit: Fit,
    refits: Refits,
    *,
    left_out: Sequence[str],
    studies: Studies,
    overrides: Sequence[Override],
    declared: Sequence[tuple[str, str]],
    defaults: Mapping[str, object],
    preset: str,
    protocol: bool,
    reasons: bool = True,
) -> tuple[Block, ...]:
    """Return decisions with what each changes, declared deviations, and settings not the default.

    ``left_out`` names the studies that are not pooled, ``declared`` holds what was done otherwise
    and why, ``protocol`` whether a protocol is named, ``reasons`` whether the
    decisions are listed here, which the summary does where there is one; ``defaults`` and
    ``preset`` are as for `settings`.
    """
    return (
        Heading("Decisions about single estimates"),
        *_decisions(fit, refits, studies, overrides, reasons=reasons),
        Heading("Deviations from the protocol"),
        *_declared(declared, protocol=protocol),
        Heading("Settings and studies"),
        Paragraph(f"{settings(fit, defaults, preset=preset)} {not_pooled_words(left_out)}"),
    )


def _decisions(
    fit: Fit, refits: Refits, studies: Studies, overrides: Sequence[Override], *, reasons: bool
) -> tuple[Block, ...]:
    if not overrides:
        return (Paragraph("No decision about a single estimate was made."),)
    names = dict(zip(studies.frame["estimate_id"], studies.frame["label"], strict=True))
    items = tuple(
        (Strong(names[o.estimate]), f" ({o.estimate}): {_VERBS[o.use]}. {o.reason}")
        for o in overrides
    )
    why = zip(refits.labels, refits.reasons, strict=True)
    failed = [f"{label}: {reason}." for label, reason in why if reason]
    number = prose.counted(len(items), "decision stands", "decisions stand")
    return (
        Items(items) if reasons else Paragraph(f"{number} in the summary, with reasons."),
        Paragraph(" ".join([undoing(fit, refits), *failed])),
        refit_table(refits, "Without the decision", "The pool without each decision"),
    )


def undoing(fit: Fit, refits: Refits) -> str:
    """Say what the average would be without the decisions.

    Examples
    --------
    >>> import comorbid as cb
    >>> from comorbid.sensitivity.without_overrides import without_overrides
    >>> studies = cb.datasets.headache_back_pain()
    >>> counts = cb.Override("swain2014-1", use="counts", reason="The interval is rounded.")
    >>> fit = cb.pool(cb.effects(studies, overrides=[counts]))
    >>> print(undoing(fit, without_overrides(fit, studies=studies, overrides=[counts])))
    Without the decision the average would be 2.28 in place of 2.27. The confidence interval
    excludes 1 with and without it.
    """
    scale, null = fit.effects.scale, null_of(fit.effects.measure)
    batch = refits.batch
    known = np.isfinite(batch.estimate)
    if not known.any():
        return "The effects cannot be computed without these decisions."
    back = SCALES[scale].back
    ends = batch.estimate[known].min(), batch.estimate[known].max()
    low, high, own = (prose.value(float(back(y)), scale) for y in (*ends, fit.estimate))
    which = f"would be {low}" if low == high else f"would be between {low} and {high}"
    one = len(refits.labels) == 1
    without = "Without the decision" if one else "Without one of the decisions, or all of them,"
    text = f"{without} the average {which} in place of {own}."
    if math.isnan(null):
        return text
    sides = {fit.ci[0] <= null <= fit.ci[1]}
    sides |= set(((batch.ci_low <= null) & (null <= batch.ci_high))[known].tolist())
    value = prose.null_value(fit.effects.measure, scale)
    if len(sides) > 1:
        return f"{text} Whether the confidence interval includes {value} depends on them."
    does = "includes" if sides == {True} else "excludes"
    return (
        f"{text} The confidence interval {does} {value} with and without {'it' if one else 'them'}."
    )


def _declared(declared: Sequence[tuple[str, str]], *, protocol: bool) -> tuple[Block, ...]:
    if not declared:
        return (Paragraph(_NO_DEVIATION if protocol else _NO_PROTOCOL),)
    return (Items(tuple((Strong(what), f" {why}") for what, why in declared)),)


def settings(fit: Fit, defaults: Mapping[str, object], *, preset: str) -> str:
    """Say which settings of the pool are not those that hold where nothing is said.

    ``defaults`` are comorbid's or, where the report names a ``preset``, that preset's.
    """
    names = {"method": "estimator of tau²", "test": "interval", "level": "level"}
    changed = [
        f"{name} {_shown(getattr(fit, key))} in place of {_shown(defaults[key])}"
        for key, name in names.items()
        if getattr(fit, key) != defaults[key]
    ]
    by = f"the preset {preset}" if preset else "default"
    if not changed:
        whose = f"those of {by}" if preset else "the defaults"
        return f"Estimator of tau², interval and level are {whose}."
    return f"Other than by {by}: {prose.listed(changed)}."


def _shown(value: object) -> str:
    return prose.level(value) if isinstance(value, float) else str(value)


def not_pooled(fit: Fit, studies: Studies) -> tuple[str, ...]:
    """Return the studies of the table that have no row in the pool, by the label of their first."""
    frame = studies.frame
    left = frame[~frame["study_id"].isin(fit.effects.studies)].drop_duplicates("study_id")
    return tuple(left["label"])


def not_pooled_words(left_out: Sequence[str]) -> str:
    """Say which studies of the table have no row in the pool."""
    if not left_out:
        return "Every study of the table is pooled with one row."
    verb = "is" if len(left_out) == 1 else "are"
    number = prose.counted(len(left_out), "study", "studies")
    return f"Not pooled {verb} {number} of the table: {prose.listed(left_out)}."
