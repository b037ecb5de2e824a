"""The audit: what was found in the study table, and what each repair would do to the pool."""

from __future__ import annotations

from collections.abc import Sequence

from comorbid.document import prose
from comorbid.document.blocks import Block, Note, Paragraph, Table
from comorbid.studies.finding import Audit, Effect, Finding, Pooled

_MOST, _ROWS_NAMED = 60, 12
_CHECK = "The command comorbid check lists all of them."


def audit_findings(audit: Audit) -> tuple[Block, ...]:
    """Return errors and warnings as cautions, notes as a table, and the effects of repairs."""
    if not audit.findings:
        return (Paragraph("Nothing was found that is impossible, inconsistent or missing."),)
    more = (Paragraph(f"Not all findings are shown. {_CHECK}"),)
    shown = audit.findings[:_MOST]
    return (
        *(_note(finding) for finding in shown if finding.severity != "note"),
        *_notes([finding for finding in shown if finding.severity == "note"]),
        *more * (len(audit.findings) > _MOST),
        *_effects(audit),
    )


def _note(finding: Finding) -> Note:
    return Note(
        f"{finding.found} {finding.expected}",
        title=f"{finding.severity.capitalize()}: {_name(finding)}"
        + (f" ({_rows(finding)})" if finding.rows else ""),
    )


def _notes(findings: Sequence[Finding]) -> tuple[Block, ...]:
    """Return the findings that need not be wrong."""
    if not findings:
        return ()
    rows = tuple((_name(finding), _found(finding)) for finding in findings)
    return (Table(("Note", "What was found"), rows, "What need not be wrong and must be known"),)


def _found(finding: Finding) -> str:
    word = "Row" if len(finding.rows) == 1 else "Rows"
    about = f" {word}: {_rows(finding)}." if finding.rows else ""
    return f"{finding.found} {finding.expected}{about}"


def _rows(finding: Finding) -> str:
    others = " and others" if len(finding.rows) > _ROWS_NAMED else ""
    return ", ".join(finding.rows[:_ROWS_NAMED]) + others


def _name(finding: Finding) -> str:
    return finding.code.replace("-", " ")


def _effects(audit: Audit) -> tuple[Block, ...]:
    """Return a table of what the repairs do to the pool; the same repair of two findings is one."""
    found: dict[Effect, list[str]] = {}
    for finding in audit.findings:
        for effect in finding.effects:
            found.setdefault(effect, []).append(_name(finding))
    if not found:
        return (Paragraph(f"No repair can be tried: {audit.not_pooled}."),) * bool(audit.not_pooled)
    measure = next(iter(found)).measure
    own = (f"{measure} without", f"{measure} with")
    common = ("Common effect without", "Common effect with")
    return (
        Paragraph(
            "What a repair would do says how much a finding matters, not that the repair is right;"
            " that only the paper can say."
        ),
        Table(
            header=("Repair", "For", *own, *common, "In force"),
            rows=tuple(_row(effect, names) for effect, names in found.items())[:_MOST],
            caption="What repairs of single findings do to the pool",
            numeric=(*own, *common),
            note="Without and with the repair, each tried alone, beside the decisions that this"
            " report has made about other rows. Common effect: the pool if all studies had one true"
            " value. In force: whether the pool of this report has the repair.",
            name="repairs",
        ),
    )


def _row(effect: Effect, names: list[str]) -> tuple[str, ...]:
    values = (effect.before, effect.after, effect.common_before, effect.common_after)
    return (
        effect.repair,
        prose.listed(names),
        *(_value(pooled, effect.scale) for pooled in values),
        "yes" if effect.in_force else "no",
    )


def _value(pooled: Pooled, scale: str) -> str:
    if pooled.k == 0:
        return "–"
    ends = prose.interval((pooled.ci_low, pooled.ci_high), scale)
    return f"{prose.value(pooled.estimate, scale)} ({ends})"
