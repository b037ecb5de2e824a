"""Page one: what the data say, how much of the evidence they are, and what was decided."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.document import figures, prose, sentences
from comorbid.document.blocks import Block, Heading, Items, Note, Paragraph, Strong
from comorbid.document.figures import words
from comorbid.document.sections.notices import notes
from comorbid.effects.overrides import Override
from comorbid.models.fit import Fit
from comorbid.models.refits import Refits
from comorbid.studies.finding import Audit
from comorbid.studies.review import Coverage, Review
from comorbid.studies.table import Studies

_HALF = 0.5


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
        *_finding(fit),
        *_review_note(fit, studies),
        *_decisions(fit, studies, overrides),
        _closing(fit, studies, alternatives, audit),
    )


def _finding(fit: Fit) -> tuple[Block, ...]:
    return (
        Paragraph((Strong(sentences.expected(fit)), " ", sentences.average(fit))),
        figures.at_a_glance(fit, title=""),
        *notes(fit, about=("average",)),
    )


def _review_note(fit: Fit, studies: Studies) -> tuple[Block, ...]:
    """Say how much of its review is pooled, and whether its authors pooled it."""
    review = studies.review
    if review is None:
        return ()
    coverage = review.coverage(studies.select({"study_id": fit.effects.studies}))
    titles, texts = [], []
    if not review.pooled_by_authors:
        titles.append("the review did not pool these studies")
        texts.append(
            f"The authors of the review judged pooling not possible. {_reason(review)}The pooled "
            f"value is this report's own and not a finding of the review ({review.journal}). "
            f"{_range(fit, review)}".rstrip()
        )
    if coverage.studies < coverage.of_studies:
        missing = coverage.of_studies - coverage.studies
        left, are = prose.counted(missing, "study", "studies"), "is" if missing == 1 else "are"
        titles.append(
            f"{coverage.studies} of {coverage.of_studies} studies, "
            f"{prose.percent(100 * coverage.share)} of participants"
        )
        texts.append(
            f"Pooled are the studies of the review whose figures could be verified in public "
            f"text, with {coverage.participants:,} of {coverage.of_participants:,} participants. "
            f"{_largest(coverage, studies, fit)}{left} of the review {are} not here, and "
            f"nothing was filled in for {'it' if missing == 1 else 'them'}. "
            f"{review.coverage_note}".rstrip()
        )
    if not titles:
        return ()
    return (Note(" ".join(texts), title=words.capitalized("; ".join(titles))),)


def _largest(coverage: Coverage, studies: Studies, fit: Fit) -> str:
    """Say which study has most of the people, if one has more than half of those of several.

    And that people are not weight, if its share of the weight is less than half as large.
    """
    if coverage.studies < 2 or coverage.largest_share <= _HALF:
        return ""
    frame = studies.frame
    label = frame.loc[frame["study_id"] == coverage.largest, "label"].iloc[0]
    text = f"{label} alone has {prose.percent(100 * coverage.largest_share)} of them"
    weight = float(fit.weights[[own == coverage.largest for own in fit.effects.studies]].sum())
    if weight >= 100 * coverage.largest_share * _HALF:
        return f"{text}. "
    return (
        f"{text} and {prose.percent(weight)} of the weight: shares of people say little of what "
        "missing studies would change. "
    )


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
    lie = "lies" if len(outside) == 1 else "lie"
    missed = f", of which {prose.listed(outside)} {lie} outside the prediction interval"
    return f"The review reports odds ratios from {text}{missed if outside else ''}."


def _decisions(fit: Fit, studies: Studies, overrides: Sequence[Override]) -> tuple[Block, ...]:
    if not overrides:
        return ()
    frame = studies.frame
    labels = dict(zip(frame["estimate_id"], frame["label"], strict=True))
    verbs = {
        "counts": "computed from its 2x2 counts",
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


def _closing(fit: Fit, studies: Studies, alternatives: Refits, audit: Audit) -> Paragraph:
    said = [sentences.other_rows(fit, alternatives)] if alternatives.labels else []
    said.append(_audit_line(audit))
    if fit.effects.measure == "OR":
        common, design = "the outcome", "Where studies are observational, an"
        cause = "one thing brings about the other"
        if studies.conditions is not None:
            common, design, cause = "a condition", "An", "one condition brings about the other"
        said += [
            f"An odds ratio is not a ratio of risks, which is closer to 1 if {common} is common.",
            f"{design} association does not say that {cause}.",
        ]
    return Paragraph(" ".join(said))


def _audit_line(audit: Audit) -> str:
    if not audit.findings:
        return "The audit of the study table found nothing."
    counts = [
        prose.counted(number, severity, f"{severity}s")
        for severity in ("error", "warning", "note")
        if (number := sum(finding.severity == severity for finding in audit.findings))
    ]
    return f"The audit of the study table found {prose.listed(counts)}."
