"""Page one: what the data say, how much of the evidence they are, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.document import prose, sentences
from comorbid.document.blocks import Block, Heading, Items, Note, Paragraph, Strong, Table
from comorbid.effects.overrides import Override
from comorbid.models.fit import Fit
from comorbid.studies.audit import Audit
from comorbid.studies.review import Review
from comorbid.studies.table import Studies


def summary(
    fit: Fit, *, studies: Studies, audit: Audit, overrides: Sequence[Override]
) -> tuple[Block, ...]:
    """Return the blocks of page one: prediction first, then the average, then every caution."""
    return (
        *_finding(fit, studies),
        *_review_notes(studies.review, studies.primary()),
        *_decisions(fit, overrides),
        _numbers(fit),
        *_odds_are_not_risk(fit),
        _audit_line(audit),
    )


def _finding(fit: Fit, studies: Studies) -> tuple[Block, ...]:
    about = ""
    if studies.conditions is not None:
        about = f"These studies ask how strongly {prose.listed(studies.conditions)} go together. "
    return (
        Paragraph((about, Strong(sentences.expected(fit)), " ", sentences.average(fit))),
        Paragraph(sentences.heterogeneity(fit)),
    )


def _review_notes(review: Review | None, pooled: Studies) -> tuple[Block, ...]:
    if review is None:
        return ()
    coverage = review.coverage(pooled)
    notes: list[Block] = []
    if not review.pooled_by_authors:
        notes.append(
            Note(
                f"The authors of the review judged pooling not possible. Their reason: "
                f"“{review.why_not_pooled}” The pooled value is this report's own and not a "
                f"finding of the review ({review.authors}, {review.journal}).",
                title="The review did not pool these studies",
            )
        )
    if coverage.studies < coverage.of_studies:
        share = prose.percent(100 * coverage.share)
        left = prose.counted(coverage.of_studies - coverage.studies, "study", "studies")
        notes.append(
            Note(
                f"The figures of {coverage.studies} of the review's {coverage.of_studies} studies "
                f"are public; they have {share} of its participants "
                f"({coverage.participants:,} of {coverage.of_participants:,}). {left} of the "
                f"review could not be included, and nothing was filled in for them. "
                f"{review.coverage_note}".rstrip(),
                title=f"{coverage.studies} of {coverage.of_studies} studies, "
                f"{share} of participants",
            )
        )
    return tuple(notes)


def _decisions(fit: Fit, overrides: Sequence[Override]) -> tuple[Block, ...]:
    if not overrides:
        return ()
    labels = dict(zip(fit.effects.ids, fit.effects.labels, strict=True))
    verbs = {
        "counts": "computed from its 2x2 counts, not from its printed interval",
        "reported": "taken as printed",
        "primary": "pooled in place of its study's primary row",
        "exclude": "left out",
    }
    items = tuple(
        (
            Strong(labels.get(override.estimate, override.estimate)),
            f" ({override.estimate}): {verbs[override.use]}. {override.reason}",
        )
        for override in overrides
    )
    return (Heading("Decisions about single estimates"), Items(items))


def _numbers(fit: Fit) -> Table:
    scaled, scale = fit.on_scale(), fit.effects.scale
    percent = prose.level(fit.level)
    name = prose.measure_name(scaled.measure)
    rows = [
        (f"{name[0].upper()}{name[1:]}, average", prose.value(scaled.estimate, scale)),
        (f"{percent} confidence interval", prose.interval(scaled.ci, scale)),
        (f"{percent} prediction interval", prose.interval(scaled.pi, scale)),
        ("Studies pooled", f"{fit.k}"),
        ("I² (from tau²)", prose.percent(fit.i2)),
        ("tau²", prose.small(fit.tau2)),
    ]
    columns = tuple(zip(*rows, strict=True))
    return Table(
        header=("Quantity", *columns[0]),
        rows=(("Value", *columns[1]),),
        numeric=columns[0],
        caption="The pooled association",
    )


def _odds_are_not_risk(fit: Fit) -> tuple[Block, ...]:
    if fit.effects.measure != "OR":
        return ()
    return (
        Paragraph(
            "An odds ratio is not a ratio of risks: where a condition is common, the ratio of "
            "risks is closer to 1. The studies are observational; an association does not say "
            "that one condition brings about the other."
        ),
    )


def _audit_line(audit: Audit) -> Paragraph:
    if not audit.findings:
        return Paragraph("The audit of the study table found nothing.")
    counts = [
        prose.counted(number, severity, f"{severity}s")
        for severity in ("error", "warning", "note")
        if (number := sum(finding.severity == severity for finding in audit.findings))
    ]
    return Paragraph(f"The audit of the study table found {prose.listed(counts)}.")
