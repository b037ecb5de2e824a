"""What went in: the audit of the study table, and the studies themselves."""

from __future__ import annotations

import math
from collections.abc import Hashable, Mapping
from typing import Any

from comorbid.document import prose
from comorbid.document.blocks import Block, Heading, Note, Paragraph, Table
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.studies.audit import Audit
from comorbid.studies.table import FRAME_COLUMNS, Studies


def audit_findings(audit: Audit) -> tuple[Block, ...]:
    """Return every finding: errors and warnings as cautions, notes as information."""
    if not audit.findings:
        return (Paragraph("Nothing was found that is impossible, inconsistent or missing."),)
    return tuple(
        Note(
            f"{finding.found} {finding.expected}",
            kind="information" if finding.severity == "note" else "caution",
            title=f"{finding.severity.capitalize()}: {finding.code.replace('-', ' ')}"
            + (f" ({', '.join(finding.rows)})" if finding.rows else ""),
        )
        for finding in audit.findings
    )


def characteristics(studies: Studies, effects: Effects) -> tuple[Block, ...]:
    """Return a table of the pooled studies, and one of the rows that were not pooled."""
    ids = studies.frame["estimate_id"].tolist()
    frame = dict(zip(ids, studies.frame.to_dict(orient="records"), strict=True))
    printed = dict(zip(ids, studies.printed.to_dict(orient="records"), strict=True))
    values = SCALES[effects.scale].back(effects.yi)
    pooled = tuple(
        (
            label,
            _people(frame[row]),
            _as_printed(printed[row]),
            prose.value(used, effects.scale),
            source,
            str(frame[row].get("adjustment", "") or "–"),
        )
        for label, row, used, source in zip(
            effects.labels, effects.ids, values, effects.source, strict=True
        )
    )
    used = f"{effects.measure} used"
    blocks: list[Block] = [
        Table(
            header=("Study", "People", "As printed", used, "From", "Adjustment"),
            rows=pooled,
            numeric=("People", used),
            caption="The studies pooled",
            note="As printed: estimate and interval of the source. From: whether the value used "
            "is the reported one or computed from counts.",
        )
    ]
    blocks += _settings(studies, effects)
    blocks += _not_pooled(studies, effects)
    return tuple(blocks)


def _settings(studies: Studies, effects: Effects) -> list[Block]:
    """Return who was studied and where the figures stand, as far as the table has it."""
    frame = studies.frame.set_index("estimate_id")
    definitions = [str(name) for name in frame if str(name).endswith("_definition")]
    heads = {name: name.removesuffix("_definition").replace("_", " ") for name in definitions}
    wanted = {"country": "Country", "population": "Population", **heads, "source_note": "Source"}
    known = {name: head for name, head in wanted.items() if name in frame}
    if not known:
        return []
    rows = tuple(
        (label, *(str(frame.at[id_, name]) or "–" for name in known))
        for label, id_ in zip(effects.labels, effects.ids, strict=True)
    )
    return [Table(("Study", *known.values()), rows, "Who was studied, and where the figures stand")]


def _not_pooled(studies: Studies, effects: Effects) -> list[Block]:
    ids = studies.frame["estimate_id"].tolist()
    frame = dict(zip(ids, studies.frame.to_dict(orient="records"), strict=True))
    printed = dict(zip(ids, studies.printed.to_dict(orient="records"), strict=True))
    blocks: list[Block] = []
    others = [row for row in ids if row not in effects.ids]
    if others:
        column = _distinguishing(studies)
        blocks += [
            Heading("Rows that are not pooled"),
            Paragraph(
                "These rows rest on the same people as a row above, or were left out by a "
                "decision. They can enter subgroups and the analysis of other rows, one of a "
                "study at a time."
            ),
            Table(
                header=(
                    "Row",
                    "People",
                    "As printed",
                    *(name.replace("_", " ") for name in column),
                ),
                rows=tuple(
                    (
                        frame[row]["label"],
                        _people(frame[row]),
                        _as_printed(printed[row]),
                        *(frame[row][name] for name in column),
                    )
                    for row in others
                ),
                numeric=("People",),
                caption="Rows that are not pooled",
            ),
        ]
    return blocks


def _distinguishing(studies: Studies) -> list[str]:
    """Return the first column of text that tells the rows of one study apart, if there is one."""
    frame = studies.frame
    text = [
        name
        for name in frame.columns
        if name not in FRAME_COLUMNS and all(isinstance(cell, str) for cell in frame[name])
    ]
    varying = [name for name in text if (frame.groupby("study_id")[name].nunique() > 1).any()]
    return varying[:1]


def _people(row: Mapping[Hashable, Any]) -> str:
    n = row["n"]
    return "–" if math.isnan(n) else f"{n:,.0f}"


def _as_printed(row: Mapping[Hashable, Any]) -> str:
    if not row["estimate"]:
        return "counts only"
    ends = f" ({row['ci_low']} to {row['ci_high']})" if row["ci_low"] else ""
    return f"{row['estimate']}{ends}"
