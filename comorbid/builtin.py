"""comorbid's own contributions, declared through the same hooks that plugins use."""

from __future__ import annotations

from collections.abc import Iterable

from comorbid import beyond, comparisons, framing, judging, pooling, unmeasured
from comorbid.contributions import Analysis, Estimator, Measure, Renderer, Section, Theme
from comorbid.document.document import Document
from comorbid.effects.measures import MEASURES
from comorbid.models.estimators import ESTIMATORS
from comorbid.registry import hookimpl
from comorbid.themes import COMPACT, JOURNAL

_PARTS = (framing, pooling, comparisons, beyond, unmeasured, judging)


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
    return tuple(analysis for part in _PARTS for analysis in part.ANALYSES)


@hookimpl
def comorbid_sections() -> Iterable[Section]:
    """Declare the sections of the core."""
    return tuple(section for part in _PARTS for section in part.SECTIONS)


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
