"""Page one: what the data say, how much of the evidence they are, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.document import prose, sentences
from comorbid.document.blocks import Block, Heading, Items, Note, Paragraph, Strong
from comorbid.effects.overrides import Override
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.studies.audit import Audit
from comorbid.studies.review import Review
from comorbid.studies.table import Studies


def summary(
    fit: Fit,
    *,
    studies: Studies,
    audit: Audit,
    alternatives: Refits,
    overrides: Sequence[Override],
) -> tuple[Block, ...]:
    """Return the blocks of page one: prediction first, then the average, then every caution."""
    return (
        *_finding(fit, studies),
        *_review_notes(fit, studies),
        *_decisions(fit, studies, overrides),
        *_odds_are_not_risk(fit, studies),
        _closing(fit, alternatives, audit),
    )


def _finding(fit: Fit, studies: Studies) -> tuple[Block, ...]:
    about = ""
    if studies.conditions is not None:
        about = f"These studies ask how strongly {prose.listed(studies.conditions)} go together. "
    return (
        Paragraph((about, Strong(sentences.expected(fit)), " ", sentences.average(fit))),
        Paragraph(sentences.heterogeneity(fit)),
    )


def _review_notes(fit: Fit, studies: Studies) -> tuple[Block, ...]:
    review = studies.review
    if review is None:
        return ()
    coverage = review.coverage(studies.select({"study_id": fit.effects.studies}))
    notes: list[Block] = []
    if not review.pooled_by_authors:
        notes.append(
            Note(
                f"The authors of the review judged pooling not possible. {_reason(review)}The "
                f"pooled value is this report's own and not a finding of the review "
                f"({review.authors}, {review.journal}). {_range(fit, review)}".rstrip(),
                title="The review did not pool these studies",
            )
        )
    if coverage.studies < coverage.of_studies:
        share = prose.percent(100 * coverage.share)
        left = prose.counted(coverage.of_studies - coverage.studies, "study", "studies")
        notes.append(
            Note(
                f"{coverage.studies} of the review's {coverage.of_studies} studies are pooled, "
                f"with figures that could be verified in public text; they have {share} of its "
                f"participants ({coverage.participants:,} of {coverage.of_participants:,}). "
                f"{left} of the review are not here, and nothing was filled in for them. "
                f"{review.coverage_note}".rstrip(),
                title=f"{coverage.studies} of {coverage.of_studies} studies, "
                f"{share} of participants",
            )
        )
    return tuple(notes)


def _reason(review: Review) -> str:
    return f"Their reason: “{review.why_not_pooled}” " if review.why_not_pooled else ""


def _range(fit: Fit, review: Review) -> str:
    """Say what range of odds ratios the review reports, and what of it is not expected here."""
    lowest, highest = review.lowest_odds_ratio, review.highest_odds_ratio
    if fit.effects.measure != "OR" or lowest is None or highest is None:
        return ""
    ends = (lowest, highest)
    low, high = fit.on_scale().pi
    outside = [prose.value(end.estimate) for end in ends if not low <= end.estimate <= high]
    text = " to ".join(f"{prose.value(e.estimate)} ({prose.interval(e.ci)})" for e in ends)
    missed = f", of which {prose.listed(outside)} lies outside the prediction interval"
    return f"The review reports odds ratios from {text}{missed if outside else ''}."


def _decisions(fit: Fit, studies: Studies, overrides: Sequence[Override]) -> tuple[Block, ...]:
    if not overrides:
        return ()
    frame = studies.frame
    labels = dict(zip(frame["estimate_id"], frame["label"], strict=True))
    verbs = {
        "counts": "computed from its 2x2 counts, not from its printed interval",
        "reported": "taken as printed",
        "primary": "pooled in place of its study's primary row",
        "exclude": "left out",
    }
    items = tuple(
        (
            Strong(labels[override.estimate]),
            f" ({override.estimate}): {verbs[override.use]}{_where(fit, override)}. "
            f"{override.reason}",
        )
        for override in overrides
    )
    return (Heading("Decisions about single estimates"), Items(items))


def _where(fit: Fit, override: Override) -> str:
    pooled = override.use == "exclude" or override.estimate in fit.effects.ids
    return "" if pooled else " (a row that is not in the main pool)"


def _odds_are_not_risk(fit: Fit, studies: Studies) -> tuple[Block, ...]:
    if fit.effects.measure != "OR":
        return ()
    common, design = "the outcome", "Where studies are observational, an"
    cause = "one thing brings about the other"
    if studies.conditions is not None:
        common, design = "a condition", "The studies are observational; an"
        cause = "one condition brings about the other"
    return (
        Paragraph(
            f"An odds ratio is not a ratio of risks: where {common} is common, the ratio of "
            f"risks is closer to 1. {design} association does not say that {cause}."
        ),
    )


def _closing(fit: Fit, alternatives: Refits, audit: Audit) -> Paragraph:
    rows = f"{sentences.other_rows(fit, alternatives)} " if alternatives.labels else ""
    return Paragraph(f"{rows}{_audit_line(audit)}")


def _audit_line(audit: Audit) -> str:
    if not audit.findings:
        return "The audit of the study table found nothing."
    counts = [
        prose.counted(number, severity, f"{severity}s")
        for severity in ("error", "warning", "note")
        if (number := sum(finding.severity == severity for finding in audit.findings))
    ]
    return f"The audit of the study table found {prose.listed(counts)}."
