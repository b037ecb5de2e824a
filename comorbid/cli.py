"""The command line: check, pool, build, verify, diff, plugins, new, and what installed plugins add.

Exit 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import contextlib
import sys
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comorbid.characters import without_control
from comorbid.errors import ComorbidError, ComorbidWarning, ModelError
from comorbid.memory import few_collections

if TYPE_CHECKING:
    from comorbid.calls import Call
    from comorbid.registry import Registry

_ORIGIN = "comorbid.origin"
_MORE = "Installed plugins may add commands; `comorbid plugins` lists them."


class _Commands(click.Group):
    """A group whose commands print comorbid's errors and warnings as text and exit 1.

    A name that is none of comorbid's own commands is looked for among those of the installed
    plugins, which are imported only then.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        return super().get_command(ctx, cmd_name) or _plugin_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        with _warned():
            try:
                return super().invoke(ctx)
            except ComorbidError as error:
                _fail(ctx, str(error))
            except (click.ClickException, click.exceptions.Exit, click.Abort):
                raise
            except Exception as error:
                if _ORIGIN not in ctx.meta:
                    raise
                _fail(ctx, f"{ctx.meta[_ORIGIN]} fails: {type(error).__name__}: {error}")


@contextlib.contextmanager
def _warned() -> Iterator[None]:
    """Print the warnings of a while as text when it is over."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ComorbidWarning)
        try:
            yield
        finally:
            for warning in caught:
                _echo(f"warning: {warning.message}", err=True)


def _fail(ctx: click.Context, message: str) -> None:
    _echo(f"error: {message}", err=True)
    ctx.exit(1)


def _plugin_command(ctx: click.Context, name: str) -> click.Command | None:
    """Return the command of this name that an installed plugin declares."""
    from comorbid.distributions import find_distribution, installed_plugins
    from comorbid.registry import registry_of

    found, broken = [], []
    for plugin, version in installed_plugins():
        try:
            registry = registry_of([find_distribution(f"{plugin}=={version}")])
        except ComorbidError as error:
            broken.append(f"warning: {error}")
        else:
            found += [entry for entry in registry.commands if entry.declaration.name == name]
    if len(found) > 1:
        both = " and ".join(entry.origin for entry in found)
        raise click.UsageError(f"{both} both have a command {name!r}; uninstall one of them")
    if not found:
        _echo("\n".join(broken), err=True, nl=bool(broken))
        return None
    (entry,) = found
    ctx.meta[_ORIGIN] = f"{entry.origin}, command {name!r}"
    if not isinstance(entry.declaration, click.Command):
        raise click.ClickException(f"{ctx.meta[_ORIGIN]} is no click.Command; ask its author")
    return entry.declaration


def _echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text that comes from files, plugins and names of files: a terminal only prints it."""
    click.echo(without_control(text), err=err, nl=nl)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_REPORT = click.Path(exists=True, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _say(line: str) -> None:
    _echo(line, err=True)


@click.group(cls=_Commands, epilog=_MORE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="comorbid")
def main() -> None:
    """Pool the associations of two conditions and build reports that can be verified."""


@main.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Read a table of studies and print what is impossible, inconsistent or missing.

    Exits with 1 if the table cannot be read or the audit finds an error.
    """
    from comorbid.audited.audit import audit
    from comorbid.studies.read import read_studies

    studies = read_studies(file)
    _say(f"studies: {len(studies)} rows read")
    found = audit(studies)
    _echo(found.summary())
    sys.exit(any(finding.severity == "error" for finding in found.findings))


@main.command()
@click.argument("file", type=_FILE)
@click.option("--measure", default="OR", show_default=True, help="Effect measure.")
@click.option("--method", default="REML", show_default=True, help="Estimator of tau2.")
@click.option("--test", default="knha", show_default=True, help="z, t, knha or adhoc.")
@click.option("--level", default=0.95, show_default=True, help="Level of the intervals.")
def pool(file: Path, measure: str, method: str, test: Any, level: float) -> None:
    """Pool the primary rows of a table of studies and print the result."""
    from comorbid.effects.build import effects
    from comorbid.effects.measures import find_measure
    from comorbid.models.fit import check_settings, find_estimator, pool as pool_effects
    from comorbid.studies.audit import audit
    from comorbid.studies.read import read_studies

    try:
        find_measure(measure)
        find_estimator(method)
        check_settings(test, level)
    except ModelError as error:
        raise click.UsageError(str(error)) from error
    studies = read_studies(file)
    _say(f"studies: {len(studies)} rows read")
    errors = [f for f in audit(studies).findings if f.severity == "error"]
    for finding in errors:
        _say(f"warning: the audit finds an error: {finding.found}")
    found = effects(studies, measure=measure)
    _say(f"effects: {found.k}")
    _echo(pool_effects(found, method=method, test=test, level=level).summary())


@main.command()
@click.argument("folder", type=_FOLDER)
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
        agrees = _renew(folder) if second_engine else True
        sys.exit(not (_build(folder, draft) and agrees))


@few_collections()
def _renew(folder: Path) -> bool:
    """Keep what a second engine makes of a report's fits; return whether it agrees."""
    from comorbid.report.renew import renew
    from comorbid.terminal import Progress

    with Progress(sys.stderr) as shown:
        found = renew(folder, progress=shown.line, step=shown.step)
    _echo(found.summary())
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
            _echo(line)
        for problem in report.failures:
            _say(f"error: {problem}")
        with shown:
            report.save(progress=shown.line)
    return not report.failures


def _watch(folder: Path, draft: bool) -> None:
    from comorbid.report.watch import next_change, seen

    try:
        while True:
            before = seen(folder)
            with _warned():
                try:
                    _build(folder, draft)
                except ComorbidError as error:
                    _say(f"error: {error}")
            _say("waiting for a change; Ctrl-C ends")
            _say(f"changed: {', '.join(next_change(folder, before))}")
    except KeyboardInterrupt:
        _say("ended")


@main.command()
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
            _echo(f"{path}:")
        try:
            with Press() as press, Progress(sys.stderr) as shown:
                from comorbid.report.verify import verify as verify_report

                found = verify_report(path, progress=shown.line, step=shown.step, press=press)
        except ComorbidError as error:
            _echo(f"error: {error}", err=True)
            failed = True
        else:
            _echo(found.summary())
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
        _echo(f"error: second engine: {error}", err=True)
        return False
    _echo(found.summary())
    return found.agrees


@main.command()
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
    _echo(found.summary())
    sys.exit(not found.same)


@main.command()
@click.argument("folder", type=_FOLDER, required=False)
@click.option("--trace", is_flag=True, help="Show each call with its time.")
def plugins(folder: Path | None, trace: bool) -> None:
    """List the installed plugins: name, version, hooks and what they declare.

    With FOLDER, those of the report in it; with --trace also every call, and how long it took: the
    hooks, and with FOLDER everything that a build of the report calls, comorbid's own included.
    """
    if folder is not None:
        _report_plugins(folder, trace)
        return
    from comorbid.calls import Calls
    from comorbid.distributions import installed_plugins
    from comorbid.registry import load_registry

    failed = False
    for name, version in installed_plugins():
        calls = Calls(_say)
        try:
            registry = load_registry([f"{name}=={version}"], calls)
        except ComorbidError as error:
            failed = True
            _echo(f"{name} {version}\n  cannot be used: {error}")
        else:
            _list_plugins(registry)
        if trace:
            _list_calls([call for call in calls.made if call.origin == f"{name}@{version}"])
    if not installed_plugins():
        _echo("no plugin is installed")
    sys.exit(failed)


def _report_plugins(folder: Path, trace: bool) -> None:
    """List the plugins of a report, and with a trace every call of its build."""
    from comorbid.calls import Calls
    from comorbid.registry import load_registry
    from comorbid.report.build import build_with
    from comorbid.report.definition import read_definition

    definition = read_definition(folder)
    calls = Calls(_say)
    try:
        registry = load_registry(definition.plugins, calls)
        _list_plugins(registry)
        if trace:
            report = build_with(definition, registry, calls)
            for id_ in definition.formats:
                report.render(id_)
    finally:
        if trace:
            _list_calls(calls.made)


def _list_plugins(registry: Registry) -> None:
    from comorbid.calls import is_core
    from comorbid.registry import hooks_of

    for found in registry.distributions:
        if not is_core(found.origin):
            _echo(f"{found.name} {found.version}")
            _echo(f"  hooks: {', '.join(hooks_of(found))}")
            for kind, ids in registry.ids_of(found.origin).items():
                _echo(f"  {kind}: {', '.join(ids)}")


def _list_calls(calls: list[Call]) -> None:
    for call in calls:
        _echo(f"  {1000 * call.seconds:10.1f} ms  {call.origin}, {call.what}")


@main.group()
def new() -> None:
    """Write the files of something new to start from."""


@new.command("review")
@click.argument("folder", type=click.Path(path_type=Path), metavar="DIR")
def new_review(folder: Path) -> None:
    """Write a report's folder that builds at once into DIR, which must be new or empty.

    The name of DIR becomes the id of the report: lower-case words with hyphens between.
    """
    import datetime

    from comorbid.starter import write_review

    for path in write_review(folder, date=datetime.date.today()):
        _say(f"written: {folder / path.name}")


@new.command("plugin")
@click.argument("name")
def new_plugin(name: str) -> None:
    """Write a working plugin with a passing test into the folder comorbid-NAME."""
    from comorbid.starter import write_plugin

    for path in write_plugin(name, Path.cwd()):
        _say(f"written: {path.relative_to(Path.cwd())}")
