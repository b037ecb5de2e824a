"""comorbid's own contributions, declared through the same hooks that plugins use."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import cast

from comorbid.contributions import (
    Analysis,
    Context,
    Estimator,
    Measure,
    Renderer,
    Section,
    Theme,
)
from comorbid.document.blocks import Block, References
from comorbid.document.document import Document
from comorbid.document.runs import Cite
from comorbid.document.sections import evidence, methods, provenance, results, summary
from comorbid.effects.measures import MEASURES
from comorbid.models.estimators import ESTIMATORS
from comorbid.models.fit import Fit, pool
from comorbid.models.refits import Refits
from comorbid.registry import hookimpl
from comorbid.sensitivity.leave_one_out import leave_one_out
from comorbid.sensitivity.other_rows import other_rows
from comorbid.studies.audit import Audit, audit
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
            methods="Before anything is pooled, the study table is searched for what is "
            "impossible, inconsistent or missing.",
        ),
        Analysis("pool", "The pooled effect", _pool),
        Analysis(
            "leave-one-out",
            "Leave-one-out",
            _leave_one_out,
            needs=("pool",),
            methods=("The pool is repeated without each study in turn ", _OUTLIERS, "."),
        ),
        Analysis(
            "other-rows",
            "Other rows of the same studies",
            _other_rows,
            needs=("pool",),
            methods="Where a study has several rows, the pool is repeated with each of the others "
            "in place of the one used.",
        ),
    )


@hookimpl
def comorbid_sections() -> Iterable[Section]:
    """Declare the sections of the core."""
    return (
        Section("summary", "Summary", _summary, needs=("pool", "audit", "other-rows")),
        Section("audit", "Audit of the study table", _audit_section, needs=("audit",)),
        Section("methods", "Methods", _methods, needs=("pool",)),
        Section("studies", "The studies", _studies),
        Section("forest", "The pooled effect", _forest, needs=("pool",)),
        Section(
            "leave-one-out",
            "Leave-one-out",
            _leave_one_out_section,
            needs=("pool", "leave-one-out"),
        ),
        Section(
            "other-rows",
            "Other rows of the same studies",
            _other_rows_section,
            needs=("pool", "other-rows"),
        ),
        Section("funnel", "Small-study effects", _funnel, needs=("pool",)),
        Section("provenance", "Provenance", _provenance),
        Section("references", "References", _references),
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
    return audit(context.studies)


def _pool(context: Context) -> Fit:
    settings = context.settings
    return pool(context.effects, method=settings.method, test=settings.test, level=settings.level)


def _leave_one_out(context: Context) -> Refits:
    return leave_one_out(_fit(context))


def _other_rows(context: Context) -> Refits:
    return other_rows(_fit(context), studies=context.studies, overrides=context.overrides)


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
    return evidence.audit_findings(cast(Audit, context.results["audit"]))


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
    return methods.Used(
        sections=[section.id for section in in_use.sections],
        analyses=[(a.label, a.methods, in_use.options.get(a.id, {})) for a in in_use.analyses],
        subgroups=[(s.label, s.rationale, s.prespecified) for s in context.subgroups],
        software=context.provenance.software,
    )


def _studies(context: Context) -> Sequence[Block]:
    return evidence.characteristics(context.studies, context.effects)


def _forest(context: Context) -> Sequence[Block]:
    return results.forest(_fit(context))


def _leave_one_out_section(context: Context) -> Sequence[Block]:
    return results.leave_one_out(_fit(context), cast(Refits, context.results["leave-one-out"]))


def _other_rows_section(context: Context) -> Sequence[Block]:
    return results.other_rows(_fit(context), cast(Refits, context.results["other-rows"]))


def _funnel(context: Context) -> Sequence[Block]:
    return results.small_studies(_fit(context))


def _provenance(context: Context) -> Sequence[Block]:
    found = context.provenance
    return provenance.provenance(
        inputs=found.inputs, software=found.software, plugins=found.plugins
    )


def _references(context: Context) -> Sequence[Block]:
    return (References(),)
