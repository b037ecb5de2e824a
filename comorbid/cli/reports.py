"""Commands for reports: build, verify and diff."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import Any

import click

from comorbid.cli.shell import FOLDER, echo, say, warned
from comorbid.errors import ComorbidError
from comorbid.memory import few_collections

_REPORT = click.Path(exists=True, path_type=Path)


@click.command(short_help="Build a report from its folder.")
@click.argument("folder", type=FOLDER)
@click.option(
    "--draft", is_flag=True, help="Write the pages also where sections fail, with placeholders."
)
@click.option(
    "--watch", is_flag=True, help="Build again whenever a file of FOLDER changes, until Ctrl-C."
)
@click.option(
    "--second-engine",
    is_flag=True,
    help="First make the fits again with R's metafor, and keep them in the file that report.toml "
    "names as second_engine.",
)
def build(folder: Path, draft: bool, watch: bool, second_engine: bool) -> None:
    """Build the report in FOLDER: its pages (report.html, report.pdf) and results.json.

    Exits with 1 if a part of it fails, also as a draft, which gets no results.json, or if the
    second engine differs by more than 1e-6. With --watch a failure is printed, the next change is
    waited for, and Ctrl-C exits with 0.
    """
    if watch and second_engine:
        raise click.UsageError("--second-engine writes a file that --watch would see; use one")
    if watch:
        _watch(folder, draft)
    else:
        with few_collections():
            agrees = _renew(folder) if second_engine else True
            done = _build(folder, draft) and agrees
            gc.freeze()  # this process ends, and need not look through all that it made
        sys.exit(not done)


@few_collections()
def _renew(folder: Path) -> bool:
    """Keep what a second engine makes of a report's fits; return whether it agrees."""
    from comorbid.report.renew import renew
    from comorbid.terminal import Progress

    with Progress(sys.stderr) as shown:
        found = renew(folder, progress=shown.line, step=shown.step)
    echo(found.summary())
    return found.agrees


@few_collections()
def _build(folder: Path, draft: bool) -> bool:
    """Build a report and say so; return whether it is whole."""
    from comorbid.report.press import Press
    from comorbid.terminal import Progress

    failing: Any = "placeholder" if draft else "stop"
    shown = Progress(sys.stderr)
    with Press() as press:  # before the rest is imported
        from comorbid.report.build import build as build_report
        from comorbid.report.moves import describe_moves

        with shown:
            report = build_report(
                folder, failing=failing, progress=shown.line, step=shown.step, press=press
            )
        for line in describe_moves(report.moved):
            echo(line)
        for problem in report.failures:
            say(f"error: {problem}")
        with shown:
            report.save(progress=shown.line)
    return not report.failures


def _watch(folder: Path, draft: bool) -> None:
    from comorbid.report.watch import next_change, seen

    try:
        while True:
            before = seen(folder)
            with warned():
                try:
                    _build(folder, draft)
                except ComorbidError as error:
                    say(f"error: {error}")
            say("waiting for a change; Ctrl-C ends")
            say(f"changed: {', '.join(next_change(folder, before))}")
    except KeyboardInterrupt:
        say("ended")


@click.command(short_help="Make reports again and compare.")
@click.argument("reports", type=_REPORT, nargs=-1, required=True)
@click.option(
    "--second-engine", is_flag=True, help="Also make the fits again with R's metafor, if installed."
)
@few_collections()
def verify(reports: tuple[Path, ...], second_engine: bool) -> None:
    """Make REPORTS, folders or PDFs alone, again and compare them with their locks.

    On four levels: inputs, numbers, document and bytes. Writes nothing; exits with 1 if a level of
    any report differs. With --second-engine also if R's metafor gives a relative difference above
    1e-6, or is not installed.
    """
    from comorbid.report.press import Press
    from comorbid.terminal import Progress

    failed = False
    for path in reports:
        if len(reports) > 1:
            echo(f"{path}:")
        try:
            with Press() as press, Progress(sys.stderr) as shown:
                from comorbid.report.verify import verify as verify_report

                found = verify_report(path, progress=shown.line, step=shown.step, press=press)
        except ComorbidError as error:
            echo(f"error: {error}", err=True)
            failed = True
        else:
            echo(found.summary())
            failed |= not found.agrees
            failed |= second_engine and not _second_engine(path)
    sys.exit(failed)


def _second_engine(path: Path) -> bool:
    """Print how far the fits of a report are from metafor's; return whether they agree."""
    from comorbid.report.second_engine import second_engine
    from comorbid.report.snapshot import snapshot

    try:
        found = second_engine(snapshot(path).lock)
    except ComorbidError as error:
        echo(f"error: second engine: {error}", err=True)
        return False
    echo(found.summary())
    return found.agrees


@click.command(short_help="Compare two reports.")
@click.argument("old", type=_REPORT)
@click.argument("new", type=_REPORT)
def diff(old: Path, new: Path) -> None:
    """Compare two reports, OLD and NEW: studies, pooled numbers, settings and versions.

    Each is a report's folder, its results.json or its PDF alone. Exits with 0 if nothing differs,
    1 if something does, and 2 if they cannot be compared.
    """
    from comorbid.report.diff import diff as diff_reports

    try:
        found = diff_reports(old, new=new)
    except ComorbidError as error:
        raise click.UsageError(str(error)) from error
    echo(found.summary())
    sys.exit(not found.same)
