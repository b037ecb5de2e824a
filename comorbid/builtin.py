"""comorbid's own contributions, declared through the same hooks that plugins use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

import numpy as np

from comorbid import beyond, comparisons, judging, unmeasured
from comorbid.audited.audit import audit
from comorbid.checks import is_missing
from comorbid.contributions import (
    Absent,
    Analysis,
    Context,
    Estimator,
    Measure,
    Renderer,
    Section,
    Theme,
)
from comorbid.document import sentences
from comorbid.document.blocks import Block, References
from comorbid.document.document import Document
from comorbid.document.runs import Cite
from comorbid.document.sections import (
    audit as audit_blocks,
    evidence,
    heterogeneity,
    methods,
    provenance,
    results,
    sensitivity,
    summary,
)
from comorbid.effects.evidence import Evidence, evidence_of
from comorbid.effects.measures import MEASURES
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.fit import Fit, pool
from comorbid.models.refits import Refits
from comorbid.models.spread import Spread, spread
from comorbid.registry import hookimpl
from comorbid.sensitivity.cumulative import cumulative
from comorbid.sensitivity.influence import Influence, influence
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.other_rows import other_rows
from comorbid.studies.finding import Audit
from comorbid.themes import COMPACT, JOURNAL

_OUTLIERS = Cite("viechtbauer2010b")


@hookimpl
def comorbid_measures() -> Iterable[Measure]:
    """Declare the effect measures of the core."""
    return MEASURES


@hookimpl
def comorbid_estimators() -> Iterable[Estimator]:
    """Declare the estimators of tau2 of the core."""
    return ESTIMATORS


@hookimpl
def comorbid_analyses() -> Iterable[Analysis]:
    """Declare the analyses of the core."""
    return (
        Analysis(
            "audit",
            "Audit of the study table",
            _audit,
            methods=(
                "The study table is searched for what is impossible, inconsistent or missing, and "
                "the pool for outliers by externally standardised residuals ",
                _OUTLIERS,
                " and for studies with nearly all the weight. For each finding that has a repair "
                "to try, the pool is repeated with and without it.",
            ),
        ),
        Analysis("evidence", "How much of the evidence is pooled", _evidence),
        Analysis("pool", "The pooled effect", _pool),
        Analysis(
            "heterogeneity",
            "Differences between studies",
            _spread,
            needs=("pool",),
            methods=(
                "Where tau² is estimated, it has an interval by the Q-profile method ",
                Cite("viechtbauer2007"),
                ", from which those of tau, I² and H² follow, and another by profile likelihood ",
                Cite("hardy1996"),
                ".",
            ),
        ),
        Analysis(
            "leave-one-out",
            "Leave-one-out",
            _leave_one_out,
            needs=("pool",),
            methods=("The pool is repeated without each study in turn ", _OUTLIERS, "."),
        ),
        Analysis(
            "influence",
            "Influence of single studies",
            _influence,
            needs=("pool",),
            methods=("Diagnostics show which study moves the result ", _OUTLIERS, "."),
        ),
        Analysis(
            "cumulative",
            "The pool over the years",
            _cumulative,
            needs=("pool",),
            methods=(
                "Studies are added one at a time in the order of their years ",
                Cite("lau1992"),
                ".",
            ),
        ),
        Analysis(
            "other-rows",
            "Other rows of the same studies",
            _other_rows,
            needs=("pool",),
            methods="Where a study has several rows, the pool is repeated with each of the others "
            "in place of the one used.",
        ),
        *comparisons.ANALYSES,
        *beyond.ANALYSES,
        *unmeasured.ANALYSES,
        *judging.ANALYSES,
    )


@hookimpl
def comorbid_sections() -> Iterable[Section]:
    """Declare the sections of the core."""
    return (
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
        Section("forest", "The pooled effect", _forest, needs=("pool",)),
        Section(
            "heterogeneity",
            "Differences between studies",
            _heterogeneity_section,
            needs=("pool", "heterogeneity"),
            constants=("low (25 %)", "high (75 %)"),
        ),
        Section(
            "leave-one-out",
            "Leave-one-out",
            _leave_one_out_section,
            needs=("pool", "leave-one-out"),
        ),
        Section(
            "influence",
            "Influence of single studies",
            _influence_section,
            needs=("pool", "influence"),
            constants=("beyond 1.96", "DFBETAS beyond 1"),
        ),
        Section(
            "cumulative",
            "The pool over the years",
            _cumulative_section,
            needs=("pool", "cumulative"),
        ),
        Section(
            "other-rows",
            "Other rows of the same studies",
            _other_rows_section,
            needs=("pool", "other-rows"),
        ),
        Section("provenance", "Provenance", _provenance, constants=("SHA-256", "10⁻⁶")),
        Section("references", "References", _references),
        *comparisons.SECTIONS,
        *beyond.SECTIONS,
        *unmeasured.SECTIONS,
        *judging.SECTIONS,
    )


@hookimpl
def comorbid_themes() -> Iterable[Theme]:
    """Declare the themes of the core."""
    return (JOURNAL, COMPACT)


@hookimpl
def comorbid_renderers() -> Iterable[Renderer]:
    """Declare the forms in which the core writes a report."""
    return (
        Renderer("html", ".html", _html),
        Renderer("markdown", ".md", _markdown),
        Renderer("pdf", ".pdf", _pdf),
    )


def _html(document: Document, theme: Theme) -> bytes:
    from comorbid.report.render.html import render_html

    return render_html(document, theme).encode()


def _markdown(document: Document, theme: Theme) -> bytes:
    from comorbid.report.render.markdown import render_markdown

    return render_markdown(document)


def _pdf(document: Document, theme: Theme) -> bytes:
    from comorbid.report.render.html import render_html
    from comorbid.report.render.pdf import render_pdf

    html = render_html(document, theme)
    return render_pdf(html, date=document.date, attachments=document.attachments)


def _audit(context: Context) -> Audit:
    settings = context.settings
    return audit(
        context.studies,
        measure=settings.measure,
        overrides=context.overrides,
        method=settings.method,
        test=settings.test,
        level=settings.level,
    )


def _evidence(context: Context) -> Evidence:
    return evidence_of(context.studies, context.effects)


def _pool(context: Context) -> Fit | Absent:
    if not np.isfinite(context.effects.vi).any():
        return Absent(sentences.nothing_pooled(context.studies, context.overrides))
    settings = context.settings
    return pool(context.effects, method=settings.method, test=settings.test, level=settings.level)


def _leave_one_out(context: Context) -> Refits:
    return leave_one_out(_fit(context))


def _spread(context: Context) -> Spread:
    return spread(_fit(context))


def _influence(context: Context) -> Influence:
    return influence(_fit(context))


def _cumulative(context: Context) -> Refits | Absent:
    fit = _fit(context)
    years = fit.effects.moderators.get("year", (None,) * fit.k)
    without = [
        label for label, year in zip(fit.effects.labels, years, strict=True) if is_missing(year)
    ]
    return Absent(sentences.no_years(without)) if without else cumulative(fit, by="year")


def _other_rows(context: Context) -> Refits:
    return other_rows(
        _fit(context),
        studies=context.studies,
        overrides=context.overrides,
        measure=context.settings.measure,
    )


def _fit(context: Context) -> Fit:
    return cast(Fit, context.results["pool"])


def _summary(context: Context) -> Sequence[Block]:
    return summary.summary(
        _fit(context),
        studies=context.studies,
        audit=cast(Audit, context.results["audit"]),
        alternatives=cast(Refits, context.results["other-rows"]),
        overrides=context.overrides,
    )


def _audit_section(context: Context) -> Sequence[Block]:
    return audit_blocks.audit_findings(cast(Audit, context.results["audit"]))


def _methods(context: Context) -> Sequence[Block]:
    return methods.methods(
        _fit(context),
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


def _forest(context: Context) -> Sequence[Block]:
    spread = "heterogeneity" not in _section_ids(context)
    return results.forest(_fit(context), spread=spread, sides=context.settings.sides)


def _heterogeneity_section(context: Context) -> Sequence[Block]:
    spread = cast(Spread, context.results["heterogeneity"])
    expected = "forest" not in _section_ids(context)
    return heterogeneity.heterogeneity(_fit(context), spread, expected=expected)


def _section_ids(context: Context) -> set[str]:
    return {section.id for section in context.in_use.sections}


def _influence_section(context: Context) -> Sequence[Block]:
    return sensitivity.influence(_fit(context), cast(Influence, context.results["influence"]))


def _cumulative_section(context: Context) -> Sequence[Block]:
    return sensitivity.cumulative(cast(Refits, context.results["cumulative"]))


def _leave_one_out_section(context: Context) -> Sequence[Block]:
    return results.leave_one_out(_fit(context), cast(Refits, context.results["leave-one-out"]))


def _other_rows_section(context: Context) -> Sequence[Block]:
    return results.other_rows(_fit(context), cast(Refits, context.results["other-rows"]))


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
