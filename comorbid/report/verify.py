"""Verification: does a report still say what its data say? Writes nothing into its folder."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from comorbid.calls import Calls, Progress, Step, no_step, silent
from comorbid.distributions import installed_plugins
from comorbid.errors import PluginError, Problem, ProblemsError, ReportError, VerificationError
from comorbid.registry import Registry, load_registry
from comorbid.report import lock as locks
from comorbid.report.build import report_of
from comorbid.report.definition import FILE, Definition, is_inside, read_definition
from comorbid.report.digests import PDF
from comorbid.report.files import file_hash
from comorbid.report.pages import check_pages
from comorbid.report.plan import file_of
from comorbid.report.press import Press
from comorbid.report.results import compute
from comorbid.report.text import text_differences
from comorbid.report.unpack import attachments_of

# What a PDF that is verified alone is called beside its attachments.
_ALONE = f"report{PDF}"


@dataclass(frozen=True, slots=True)
class Verification:
    """What a verification found, level by level; an empty level agrees.

    Attributes
    ----------
    inputs : tuple of str
        Input files that are not those the lock was computed from.
    numbers : tuple of str
        Locked numbers, settings or texts that a new computation does not give, and numbers that
        were edited after the lock was written.
    document : tuple of str
        Places where the locked text and the text composed again differ: section, the locked lines
        after ``-`` and the new ones after ``+``.
    bytes : tuple of str
        Pages and drawings that are not those locked.
    facts : tuple of str
        Facts of this platform that are not those of the one locked: pages are promised to be equal
        byte for byte only where all of them are the same.
    notes : tuple of str
        What else there is to know about the pages, such as one that is not in the folder.
    """

    inputs: tuple[str, ...]
    numbers: tuple[str, ...]
    document: tuple[str, ...]
    bytes: tuple[str, ...]
    facts: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

    @property
    def agrees(self) -> bool:
        """Whether no level differs; bytes that cannot be compared here do not."""
        return not (self.inputs or self.numbers or self.document or self.bytes)

    def summary(self) -> str:
        """Return one line a level, and below it what differs."""
        remarks = (*self.facts, *self.notes)
        return "\n".join(
            [
                *_level("inputs", self.inputs),
                *_level("numbers", self.numbers),
                *_level("document", self.document),
                *_level("bytes", self.bytes, comparable=not self.facts, remarks=remarks),
            ]
        )

    def __repr__(self) -> str:
        return self.summary()

    def raise_if_different(self) -> None:
        """Raise `VerificationError` with every difference, if there is one."""
        if not self.agrees:
            raise VerificationError(self.summary())


def _level(
    name: str, found: tuple[str, ...], *, comparable: bool = True, remarks: tuple[str, ...] = ()
) -> Iterator[str]:
    if found:
        yield f"{name}: {len(found)} {'differs' if len(found) == 1 else 'differ'}"
    else:
        yield f"{name}: {'agree' if comparable else 'not comparable here'}"
    for entry in (*found, *remarks):
        yield from (f"  {line}" for line in entry.split("\n"))


def verify(
    report: str | Path,
    *,
    progress: Progress = silent,
    step: Step = no_step,
    press: Press | None = None,
) -> Verification:
    """Make a report again and compare it with its lock: inputs, numbers, document and bytes.

    The text on the pages of a PDF, and its drawings, are vouched for by its bytes. Where those
    cannot be compared, because another platform prints other bytes, the words of the PDF are
    compared with those of one printed here; then its drawings are not.

    Parameters
    ----------
    report : path
        A folder with ``report.toml``, the study table and ``results.json``, or the PDF of a
        report alone, from which these are taken. The pages in a folder are compared if there.
    progress : callable, optional
        Gets one line of text a stage.
    step : callable, optional
        ``step(number, total, what)`` is called as each analysis begins.
    press : Press, optional
        A second process to print the PDF, as for `build`.

    Returns
    -------
    Verification

    Raises
    ------
    ComorbidError
        If the lock cannot be read, or the numbers of unchanged inputs cannot be computed, as
        without a plugin; if a PDF is no report, damaged or encrypted.

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
    >>> _ = cb.build(folder).save()
    >>> cb.verify(folder)
    inputs: agree
    numbers: agree
    document: agree
    bytes: agree
    >>> temporary.cleanup()
    """
    path = Path(report)
    if path.is_file():
        with unpacked(path) as (folder, names):
            try:
                return _verify(folder, Calls(progress, step=step), press, attached=names)
            except ProblemsError as error:
                raise _in_pdf(error, folder, path) from error
    return _verify(path, Calls(progress, step=step), press)


def _verify(
    folder: Path, calls: Calls, press: Press | None, *, attached: tuple[str, ...] = ()
) -> Verification:
    locked = locks.read_lock(folder)
    inputs = (*_other_inputs(folder, locked["inputs"]), *_strangers(attached, locked["inputs"]))
    try:
        definition = read_definition(folder)
        calls.progress(f"definition: {definition.id}")
        registry = _registry(definition, locked, calls)
        calls.progress(f"plugins: {', '.join(entry.origin for entry in registry.distributions)}")
        computed = compute(definition, registry, calls, beside=press is not None)
        recomputed = computed.lock()
        computed = computed.with_software(locked["software"])
        again = report_of(computed, calls, before=locked, press=press)
    except ProblemsError as error:
        if not inputs:
            raise
        if attached:
            error = _in_pdf(error, folder, None)
        reasons = tuple(f"cannot be computed: {problem}" for problem in error.problems)
        return Verification(inputs, reasons, ("cannot be composed",), ("cannot be printed",))
    pages = check_pages(again, locked, calls.progress)
    if attached and not any(file_of(e.declaration) == _ALONE for e in again.plan.renderers):
        pages.found.append("the definition attached to the PDF asks for no PDF")
    return Verification(
        inputs,
        compare_numbers(locked, recomputed),
        _other_text(locked, again.lock["document"]["lines"]),
        tuple(pages.found),
        tuple(pages.facts),
        tuple(pages.notes),
    )


def _in_pdf(error: ProblemsError, folder: Path, pdf: Path | None) -> ProblemsError:
    """Call the files of a PDF in problems what they are called there, not where they lie now."""
    inside, place = f"{folder}{os.sep}", f"{pdf}, attachment " if pdf else ""
    problems = [
        replace(
            problem,
            message=problem.message.replace(inside, ""),
            file=problem.file and problem.file.replace(inside, place),
        )
        for problem in error.problems
    ]
    return type(error)(problems)


def _other_inputs(folder: Path, locked: Mapping[str, str]) -> Iterator[str]:
    for name, digest in locked.items():
        if not is_inside(name):
            yield f"{name}: leaves the folder"
        elif not (folder / name).exists():
            yield f"{name}: missing"
        elif (here := file_hash(folder / name)) != digest:
            yield f"{name}: not the file that was locked; sha256 locked {digest}, here {here}"


def _strangers(attached: tuple[str, ...], inputs: Mapping[str, str]) -> Iterator[str]:
    for name in attached:
        if name not in (*inputs, locks.FILE):
            yield f"{name}: attached, but the lock names no such input"


def _registry(definition: Definition, locked: Mapping[str, Any], calls: Calls) -> Registry:
    """Load the plugins; where some are missing, say in which versions the report was made."""
    try:
        return load_registry(definition.plugins, calls)
    except PluginError as error:
        here = dict(installed_plugins())
        made_with = [origin.split("@", 1) for origin in locked["settings"].get("plugins", [])]
        missing = [
            Problem(
                f"plugin {name} is not installed; the report was made with {''.join(version)}",
                f"python -m pip install {'=='.join([name, *version])}",
            )
            for name, *version in made_with
            if name not in here
        ]
        if missing:
            raise PluginError(missing) from error
        raise


def _other_text(locked: Mapping[str, Any], here: list[str]) -> tuple[str, ...]:
    """Return where the locked text is not the one composed again, and whether it was edited."""
    found = text_differences(locked["document"]["lines"], here)
    if locks.text_is_edited(locked):
        found = (*found, f"the text in {locks.FILE} was edited after it was locked")
    return found


@contextmanager
def unpacked(path: Path) -> Iterator[tuple[Path, tuple[str, ...]]]:
    """Lay a PDF and what is attached to it into a folder that is deleted afterwards."""
    pdf = path.read_bytes()
    files = attachments_of(pdf, file=str(path))
    _check_attachments(files, str(path))
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary).resolve()
        try:
            for name, content in {**files, _ALONE: pdf}.items():
                (folder / name).parent.mkdir(parents=True, exist_ok=True)
                (folder / name).write_bytes(content)
        except OSError as error:
            problem = Problem(f"cannot be unpacked: {error.strerror or error}", file=str(path))
            raise ReportError([problem]) from error
        yield folder, tuple(files)


def _check_attachments(files: Mapping[str, bytes], path: str) -> None:
    """Raise `ReportError` if a report cannot be laid out from the files attached to a PDF."""
    problems = [
        Problem(f"no {name} is attached to it", "give a PDF that comorbid built", file=path)
        for name in (FILE, locks.FILE)
        if name not in files
    ]
    problems += [
        Problem(f"its attachment {name!r} would leave the folder", "do not trust it", file=path)
        for name in files
        if not is_inside(name)
    ]
    if problems:
        raise ReportError(problems)


def compare_numbers(locked: dict[str, Any], recomputed: dict[str, Any]) -> tuple[str, ...]:
    """Return a line for every number, setting or text that moved or was edited."""
    fresh = dict(locks.leaves(recomputed["results"], "results"))
    moved = [d for d in locks.moved(locked, recomputed) if not d.path.startswith("inputs.")]
    edited = [
        locks.Difference(path, value, fresh.get(path))
        for path, value in locks.edited_values(locked).items()
    ]
    return tuple(dict.fromkeys(_said(difference) for difference in (*moved, *edited)))


def _said(difference: locks.Difference) -> str:
    """Return a difference in words; where both values read the same, their seal was edited."""
    if repr(difference.locked) != repr(difference.recomputed):
        return str(difference)
    return f"{difference.path}: {difference.locked!r} is not what its seal says, which was edited"
