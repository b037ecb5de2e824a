"""The command line: check, pool, build, verify, plugins. Exit 0 done, 1 failed, 2 wrong usage."""

from __future__ import annotations

import sys
import warnings
from pathlib import Path
from typing import Any

import click

from comorbid.errors import ComorbidError, ComorbidWarning, ModelError


class _Commands(click.Group):
    """A group whose commands print comorbid's errors and warnings as text and exit 1."""

    def invoke(self, ctx: click.Context) -> Any:
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always", ComorbidWarning)
            try:
                return super().invoke(ctx)
            except ComorbidError as error:
                click.echo(f"error: {error}", err=True)
                ctx.exit(1)
            finally:
                for warning in caught:
                    click.echo(f"warning: {warning.message}", err=True)


_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
_FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)


def _say(line: str) -> None:
    click.echo(line, err=True)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="comorbid")
def main() -> None:
    """Pool the associations of two conditions and build reports that can be verified."""


@main.command()
@click.argument("file", type=_FILE)
def check(file: Path) -> None:
    """Read a table of studies and print what is impossible, inconsistent or missing.

    Exits with 1 if the table cannot be read or the audit finds an error.
    """
    from comorbid.studies.audit import audit
    from comorbid.studies.read import read_studies

    studies = read_studies(file)
    _say(f"studies: {len(studies)} rows read")
    found = audit(studies)
    click.echo(found.summary())
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
    click.echo(pool_effects(found, method=method, test=test, level=level).summary())


@main.command()
@click.argument("folder", type=_FOLDER)
def build(folder: Path) -> None:
    """Build the report in FOLDER: report.pdf, report.html and results.json."""
    from comorbid.report.build import build as build_report

    report = build_report(folder, progress=_say)
    for difference in report.moved:
        click.echo(f"moved: {difference}")
    report.save(progress=_say)


@main.command()
@click.argument("folder", type=_FOLDER)
def verify(folder: Path) -> None:
    """Compute the numbers of the report in FOLDER again and compare them with its lock."""
    from comorbid.report.verify import verify as verify_report

    found = verify_report(folder, progress=_say)
    click.echo(found.summary())
    sys.exit(not found.agrees)


@main.command()
def plugins() -> None:
    """List the installed plugins: name, version, hooks and what they declare."""
    from comorbid.registry import declared_ids, hooks_of, installed_plugins, load_registry

    failed = False
    for name, version in installed_plugins():
        try:
            registry = load_registry([f"{name}=={version}"])
        except ComorbidError as error:
            failed = True
            click.echo(f"{name} {version}\n  cannot be used: {error}")
            continue
        found = next(entry for entry in registry.distributions if entry.name == name)
        click.echo(f"{name} {version}")
        click.echo(f"  hooks: {', '.join(hooks_of(found))}")
        for kind, ids in declared_ids(registry, found.origin).items():
            click.echo(f"  {kind}: {', '.join(ids)}")
    if not installed_plugins():
        click.echo("no plugin is installed")
    sys.exit(failed)
