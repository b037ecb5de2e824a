"""The build: from a report's folder to its document, its pages and its lock."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType
from typing import Any

from comorbid.calls import CORE, Calls, Progress, Step, is_core, no_step, silent
from comorbid.contributions import Renderer
from comorbid.document.document import Document
from comorbid.errors import ComorbidWarning, Problem, ProblemsError, ReportError
from comorbid.registry import Declared, Registry, load_registry
from comorbid.report import lock as locks
from comorbid.report.compose import Failing, compose
from comorbid.report.definition import Definition, read_definition
from comorbid.report.digests import PDF, figure_digests, keep_digests, page_digests
from comorbid.report.facts import platform_facts
from comorbid.report.files import write_together
from comorbid.report.plan import Plan, file_of
from comorbid.report.press import Press
from comorbid.report.results import Computed, compute
from comorbid.report.text import text_of


@dataclass(frozen=True, slots=True, eq=False)
class Report:
    """A report that has been built and not yet written; made by `build`.

    Attributes
    ----------
    plan : Plan
        What it is made of: the definition, and what that names.
    document : Document
        What a reader sees, as a value.
    lock : dict
        What ``results.json`` holds, but for the digests of the pages, which `save` adds; empty for
        a draft with failures.
    before : dict or None
        The lock of an earlier build in the folder.
    failures : tuple of Problem
        Why parts of a draft are placeholders; empty for a report that is whole.
    calls : Calls
        Of what was declared; ``calls.made`` lists them with their times.
    press : Press or None
        Prints the PDF in place of this process.
    """

    plan: Plan
    document: Document
    lock: dict[str, Any]
    before: dict[str, Any] | None
    failures: tuple[Problem, ...]
    calls: Calls
    press: Press | None = None

    @property
    def definition(self) -> Definition:
        """What ``report.toml`` says."""
        return self.plan.definition

    @property
    def moved(self) -> tuple[locks.Difference, ...]:
        """Locked numbers, settings and inputs that differ from those before; empty without any."""
        return tuple(locks.moved(self.before, self.lock)) if self.before and self.lock else ()

    @property
    def html(self) -> str:
        """The document as one self-contained page."""
        return self.render("html").decode()

    def pdf(self) -> bytes:
        """Return the PDF; `ReportError` names the package to install where Pango is absent."""
        return self.render("pdf")

    def render(self, id: str) -> bytes:  # noqa: A002
        """Return the document in the form of a renderer, such as ``"html"``.

        Raises
        ------
        ComorbidError
            If there is no such renderer, or it fails, with its plugin.
        """
        entry, theme = self.plan.registry.find("renderers", id), self.plan.theme
        what = f"renderer {id!r}"
        if not is_core(theme.origin):  # its templates run with the renderer
            what += f" in the theme {theme.declaration.id!r} of {theme.origin}"
        render = entry.declaration.render
        if self.press is not None and _is_pdf(entry):
            render = self.press.instead_of(render)
        content = self.calls.make(entry.origin, what, render, self.document, theme.declaration)
        if not isinstance(content, bytes):
            message = f"{entry.origin}, {what} returns a {type(content).__name__}"
            raise ReportError([Problem(message, "return bytes")])
        return content

    def save(self, *, progress: Progress = silent) -> tuple[Path, ...]:
        """Write the pages, ``report.html`` and ``report.pdf``, and ``results.json``.

        All are written aside first and then renamed, so that an interrupted or failed build
        leaves the earlier files whole. Where a page cannot be made, as the PDF where Pango is
        absent, the others and the lock are written, and the error says so. A draft with failures
        gets no lock.

        Parameters
        ----------
        progress : callable, optional
            Gets one line of text a stage.

        Returns
        -------
        tuple of Path
            The files written, in the report's folder.

        Raises
        ------
        ReportError
            If a page cannot be made or a file cannot be written.
        """
        pages, lacking = self.pages(progress=progress)
        lock = {locks.FILE: locks.dump_lock(self._lock_with(pages))} if self.lock else {}
        files = {**pages, **lock}
        folder = self.definition.folder
        if files:
            write_together(folder, files)
        if lacking:
            stale = [name for name in lacking if (folder / name).exists()]
            note = f", and that of an earlier build is there: {', '.join(stale)}" if stale else ""
            written = f"written: {', '.join(files)}; not written: {', '.join(lacking)}{note}"
            problems = [problem for error in lacking.values() for problem in error.problems]
            raise ReportError([*problems, Problem(written)]) from next(iter(lacking.values()))
        for name in files:
            progress(f"written: {folder / name}")
        if not lock:
            progress(f"not written: {locks.FILE}, of a draft")
        return tuple(folder / name for name in files)

    def pages(
        self, *, progress: Progress = silent
    ) -> tuple[dict[str, bytes], dict[str, ProblemsError]]:
        """Return the pages by file name, and why others could not be made."""
        pages: dict[str, bytes] = {}
        lacking: dict[str, ProblemsError] = {}
        for entry in self.plan.renderers:
            name = file_of(entry.declaration)
            self.calls.begin(name)
            try:
                pages[name] = self.render(entry.declaration.id)
                progress(f"{entry.declaration.id}: rendered")
            except ProblemsError as error:
                lacking[name] = error
        return pages, lacking

    def _lock_with(self, pages: Mapping[str, bytes]) -> dict[str, Any]:
        """Return the lock with the digests of the pages, or those before where they hold."""
        lock = {**self.lock, "bytes": {**self.lock["bytes"], "files": page_digests(pages)}}
        return keep_digests(self.before, lock) if self.before else lock


def build(
    folder: str | Path,
    *,
    failing: Failing = "stop",
    progress: Progress = silent,
    step: Step = no_step,
    press: Press | None = None,
) -> Report:
    """Build a report from its folder; nothing is written until `Report.save`.

    Parameters
    ----------
    folder : path
        Holds ``report.toml`` and the study table.
    failing : {"stop", "placeholder"}
        What a section does that cannot be built: stop the build, or become a placeholder that
        says why, in a draft.
    progress : callable, optional
        Gets one line of text a stage.
    step : callable, optional
        ``step(number, total, what)`` is called as each analysis, section and page begins.
    press : Press, optional
        A second process to print the PDF, which a program starts that does nothing else, such as
        the command line. The report must be saved before it ends.

    Returns
    -------
    Report

    Raises
    ------
    ComorbidError
        About the definition, a plugin, the data, the model or the document; all problems of a
        stage at once. Failing analyses and sections raise one `ReportError`, whose cause is an
        ``ExceptionGroup`` with the error of each.

    Examples
    --------
    A folder with the studies that come with the package:

    >>> import importlib.resources, pathlib, tempfile
    >>> import comorbid as cb
    >>> temporary = tempfile.TemporaryDirectory()
    >>> folder = pathlib.Path(temporary.name)
    >>> data = importlib.resources.files("comorbid.studies") / "data/headache-back-pain"
    >>> _ = (folder / "studies.csv").write_bytes((data / "estimates.csv").read_bytes())
    >>> _ = (folder / "report.toml").write_text('''
    ... id = "example"
    ... title = "Headache and back pain"
    ... date = 2026-01-31
    ... data = "studies.csv"
    ... sections = ["methods", "forest"]
    ... ''')
    >>> report = cb.build(folder)
    >>> [section.title for section in report.document.sections]
    ['Methods', 'The pooled effect', 'References']
    >>> sorted(file.name for file in report.save())
    ['report.html', 'report.pdf', 'results.json']
    >>> temporary.cleanup()
    """
    definition = read_definition(folder)
    progress(f"definition: {definition.id}")
    calls = Calls(progress, step=step)
    registry = load_registry(definition.plugins, calls)
    progress(f"plugins: {', '.join(entry.origin for entry in registry.distributions)}")
    return build_with(definition, registry, calls, failing=failing, press=press)


def build_with(
    definition: Definition,
    registry: Registry,
    calls: Calls,
    *,
    failing: Failing = "stop",
    press: Press | None = None,
) -> Report:
    """Build a report from its definition and what comorbid and its plugins declare."""
    computed = compute(definition, registry, calls, beside=press is not None)
    before = _earlier_lock(definition.folder)
    return report_of(computed, calls, before=before, failing=failing, press=press)


def report_of(
    computed: Computed,
    calls: Calls,
    *,
    before: dict[str, Any] | None,
    failing: Failing = "stop",
    press: Press | None = None,
) -> Report:
    """Compose the document of a report and its lock, beside the lock before, if there is one.

    Software is printed as locked unless a number moved: another machine with other releases
    that computes the same numbers prints the same document.
    """
    numbers = {} if computed.failed else locks.keep_unmoved(before, computed.lock())
    if numbers:
        computed = computed.with_software(numbers["software"])
    document, failures = compose(computed, calls, failing=failing, beside=press is not None)
    calls.progress(f"document: {len(document.sections)} sections")
    lock = {} if failures else {**numbers, **_of_document(document, computed.plan, press)}
    attached = {**_inputs(computed), **({locks.FILE: locks.dump_lock(lock)} if lock else {})}
    document = replace(document, attachments=MappingProxyType(attached))
    if press is not None:
        _hand_over(document, computed.plan, press)
    return Report(computed.plan, document, lock, before, failures, calls, press)


def _hand_over(document: Document, plan: Plan, press: Press) -> None:
    """Let the press begin; where a plugin's theme has a hand in it, not before it is asked to."""
    if is_core(plan.theme.origin) and any(map(_is_pdf, plan.renderers)):
        with contextlib.suppress(ReportError):  # who renders the page is told
            press.hand_over(document, plan.theme.declaration)


def _is_pdf(entry: Declared[Renderer]) -> bool:
    return is_core(entry.origin) and entry.declaration.suffix == PDF


def _of_document(document: Document, plan: Plan, press: Press | None) -> dict[str, Any]:
    """Return the entries of a lock that come from the document."""
    plugins = (entry.origin for entry in plan.registry.distributions if entry.name != CORE)
    pdf = any(entry.declaration.suffix == PDF for entry in plan.renderers)
    return {
        "document": locks.as_document(text_of(document)),
        "bytes": {
            "files": {},
            "figures": figure_digests(document),
            "platform": platform_facts(plugins=plugins, pdf=pdf, press=press),
        },
    }


def _inputs(computed: Computed) -> dict[str, bytes]:
    """Return the files that the report was computed from."""
    folder, hashes = computed.plan.definition.folder, computed.context.provenance.inputs
    contents = {name: (folder / name).read_bytes() for name in hashes}
    if page_digests(contents) != hashes:
        raise ReportError("a file of the report changed while it was built; build it again")
    return contents


def _earlier_lock(folder: Path) -> dict[str, Any] | None:
    if not (folder / locks.FILE).exists():
        return None
    try:
        return locks.read_lock(folder)
    except ReportError as error:
        warnings.warn(f"{error}; a new lock is made", ComorbidWarning, stacklevel=4)
        return None
