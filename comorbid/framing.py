"""Framing: comorbid's own analyses and sections around the pool: studies, methods and origin."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from comorbid.audited.audit import audit
from comorbid.contributions import Analysis, Context, Section
from comorbid.document.blocks import Block, References
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    audit as audit_blocks,
    evidence,
    methods,
    provenance,
    summary,
)
from comorbid.effects.evidence import Evidence, evidence_of
from comorbid.models.refits import Refits
from comorbid.parts import fit_of, settings_of
from comorbid.studies.finding import Audit


def _audit(context: Context) -> Audit:
    return audit(
        context.studies,
        measure=context.settings.measure,
        overrides=context.overrides,
        **settings_of(context),
    )


def _evidence(context: Context) -> Evidence:
    return evidence_of(context.studies, context.effects)


def _summary(context: Context) -> Sequence[Block]:
    return summary.summary(
        fit_of(context),
        studies=context.studies,
        audit=cast(Audit, context.results["audit"]),
        alternatives=cast(Refits, context.results["other-rows"]),
        overrides=context.overrides,
    )


def _audit_section(context: Context) -> Sequence[Block]:
    return audit_blocks.audit_findings(cast(Audit, context.results["audit"]))


def _methods(context: Context) -> Sequence[Block]:
    return methods.methods(
        fit_of(context),
        studies=context.studies,
        effects=context.effects,
        measure=context.settings.measure,
        overrides=context.overrides,
        used=_used(context),
    )


def _used(context: Context) -> methods.Used:
    in_use = context.in_use
    shown = {id_ for section in in_use.sections if section.id != "summary" for id_ in section.needs}
    return methods.Used(
        sections=[section.id for section in in_use.sections],
        analyses=[
            (a.label, a.methods, in_use.options.get(a.id, {}))
            for a in in_use.analyses
            if a.id in shown
        ],
        subgroups=[(s.label, s.rationale, s.prespecified) for s in context.subgroups],
        software=context.provenance.software,
        preset=context.settings.preset,
        bibliography=context.bibliography,
        reporting=context.reporting,
    )


def _studies(context: Context) -> Sequence[Block]:
    papers = context.bibliography.own
    return evidence.characteristics(context.studies, context.effects, papers=papers)


def _provenance(context: Context) -> Sequence[Block]:
    found = context.provenance
    return provenance.provenance(
        inputs=found.inputs,
        software=found.software,
        plugins=found.plugins,
        second=found.second_engine,
    )


def _references(context: Context) -> Sequence[Block]:
    return (References(),)


ANALYSES = (
    Analysis(
        "audit",
        "Audit of the study table",
        _audit,
        methods=(
            "The study table is searched for what is impossible, inconsistent or missing, and "
            "the pool for outliers by externally standardised residuals ",
            Cite("viechtbauer2010b"),
            " and for studies with nearly all the weight. For each finding that has a repair "
            "to try, the pool is repeated with and without it.",
        ),
    ),
    Analysis("evidence", "How much of the evidence is pooled", _evidence),
)
"""Analyses of what is pooled."""

SECTIONS = (
    Section(
        "summary",
        "Summary",
        _summary,
        needs=("pool", "audit", "evidence", "other-rows"),
        constants=("2x2",),
    ),
    Section("audit", "Audit of the study table", _audit_section, needs=("audit",)),
    Section(
        "methods",
        "Methods",
        _methods,
        needs=("pool", "evidence"),
        constants=("k - 1 degrees", "0.5 is added"),
    ),
    Section(
        "studies",
        "The studies",
        _studies,
        needs=("pool", "evidence"),
        constants=("Group 1", "Group 2"),
    ),
    Section("provenance", "Provenance", _provenance, constants=("SHA-256", "10⁻⁶")),
    Section("references", "References", _references),
)
"""Sections around the pool."""
