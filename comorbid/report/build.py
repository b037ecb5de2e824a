"""The build: from a report's folder to its document, its pages and its lock."""

from __future__ import annotations

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import cast, get_args

from comorbid.contributions import Section
from comorbid.document.blocks import Block
from comorbid.document.document import Document, DocumentSection
from comorbid.errors import ComorbidWarning, Problem, ReportError
from comorbid.registry import Declared
from comorbid.report import lock as locks
from comorbid.report.definition import Definition, read_definition
from comorbid.report.files import write_together
from comorbid.report.results import Computed, Progress, compute, restricted, silent


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A report that has been built and not yet written; made by `build`.

    Attributes
    ----------
    definition : Definition
        What it is made of.
    document : Document
        What a reader sees, as a value.
    html : str
        The document as one self-contained page.
    lock : dict
        What ``results.json`` holds.
    moved : tuple of Difference
        Locked numbers that differ from those of the lock in the folder; empty without one.
    """

    definition: Definition
    document: Document
    html: str
    lock: dict[str, object]
    moved: tuple[locks.Difference, ...]

    def pdf(self) -> bytes:
        """Return the PDF; `ReportError` names the package to install where Pango is absent."""
        from comorbid.report.render.pdf import render_pdf

        return render_pdf(self.html, date=self.definition.date)

    def save(self, *, progress: Progress = silent) -> tuple[Path, ...]:
        """Write ``report.html``, ``report.pdf`` and ``results.json`` into the report's folder.

        All are written aside first and then renamed, so that an interrupted or failed build
        leaves the earlier files whole. Where Pango is absent the HTML and the lock are written,
        and the error says so.

        Parameters
        ----------
        progress : callable, optional
            Gets one line of text a stage.

        Returns
        -------
        tuple of Path
            The files written.

        Raises
        ------
        ReportError
            If the PDF cannot be made or a file cannot be written.
        """
        files = {"report.html": self.html.encode(), locks.FILE: locks.dump_lock(self.lock)}
        no_pdf = None
        try:
            files = {"report.pdf": self.pdf(), **files}
            progress("pdf: rendered")
        except ReportError as error:
            no_pdf = error
        folder = self.definition.folder
        write_together(folder, files)
        if no_pdf is not None:
            stale = ", and the one in the folder is of an earlier build"
            note = stale if (folder / "report.pdf").exists() else ""
            written = f"written: {', '.join(files)}; report.pdf was not{note}"
            raise ReportError([*no_pdf.problems, Problem(written)]) from no_pdf
        for name in files:
            progress(f"written: {folder / name}")
        return tuple(folder / name for name in files)


def build(folder: str | Path, *, progress: Progress = silent) -> Report:
    """Build a report from its folder; nothing is written until `Report.save`.

    Parameters
    ----------
    folder : path
        Holds ``report.toml`` and the study table.
    progress : callable, optional
        Gets one line of text a stage.

    Returns
    -------
    Report

    Raises
    ------
    ComorbidError
        About the definition, a plugin, the data, the model or the document; all problems of a
        stage at once.

    Examples
    --------
    >>> import comorbid as cb
    >>> report = cb.build("reports/headache-back-pain")  # doctest: +SKIP
    >>> report.save()  # doctest: +SKIP
    """
    definition = read_definition(folder)
    progress(f"definition: {definition.id}")
    computed = compute(definition, progress=progress)
    document = compose(computed)
    progress(f"document: {len(document.sections)} sections")
    from comorbid.report.render.html import render_html

    html = render_html(document)
    progress("html: rendered")
    new = computed.lock()
    if not (definition.folder / locks.FILE).exists():
        return Report(definition, document, html, new, ())
    try:
        old = locks.read_lock(definition.folder)
    except ReportError as error:
        warnings.warn(f"{error}; a new lock is made", ComorbidWarning, stacklevel=2)
        return Report(definition, document, html, new, ())
    moved = tuple(locks.moved(old, new))
    return Report(definition, document, html, locks.keep_unmoved(old, new), moved)


def compose(computed: Computed) -> Document:
    """Build every section; all failures are raised together, each with its plugin."""
    sections, failures = [], []
    for entry in computed.sections:
        try:
            sections.append(_section(entry, computed))
        except ReportError as error:
            failures.append(error)
    if failures:
        raise ReportError([problem for failure in failures for problem in failure.problems])
    definition: Definition = computed.definition
    return Document(
        title=definition.title,
        subtitle=definition.subtitle,
        date=definition.date,
        sections=tuple(sections),
    )


def _section(entry: Declared[Section], computed: Computed) -> DocumentSection:
    section = entry.declaration
    where = f"{entry.origin}, section {section.id!r}"
    remedy = "update the plugin or take the section off the list"
    try:
        blocks: tuple[object, ...] = tuple(section.build(restricted(computed.context, section)))
    except Exception as error:
        cause = f"{type(error).__name__}: {error}"
        raise ReportError([Problem(f"{where} fails: {cause}", remedy)]) from error
    wrong = sorted({type(block).__name__ for block in blocks if not isinstance(block, Block)})
    if wrong:
        kinds = ", ".join(kind.__name__ for kind in get_args(Block))
        raise ReportError([Problem(f"{where} returns {', '.join(wrong)}", f"return {kinds}")])
    return DocumentSection(section.id, section.title, cast(tuple[Block, ...], blocks), entry.origin)
