"""Commands for a table of studies: check and pool."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from comorbid.cli.shell import echo, say
from comorbid.cli.special import load_less
from comorbid.errors import ModelError
from comorbid.memory import few_collections

if TYPE_CHECKING:
    from comorbid.studies.table import Studies

_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)


@click.command(short_help="Check a table of studies.")
@click.argument("file", type=_FILE)
@few_collections()
def check(file: Path) -> None:
    """Read a table of studies and print what is impossible, inconsistent or missing.

    Exits with 1 if the table cannot be read or the audit finds an error.
    """
    load_less()
    from comorbid.audited.audit import audit
    from comorbid.studies.read import read_studies

    studies = read_studies(file)
    say(_read(studies))
    found = audit(studies)
    echo(found.summary())
    gc.freeze()  # this process ends, and need not look through all that it made
    sys.exit(any(finding.severity == "error" for finding in found.findings))


@click.command(short_help="Pool a table of studies.")
@click.argument("file", type=_FILE)
@click.option("--measure", default="OR", show_default=True, help="Effect measure.")
@click.option("--method", default="REML", show_default=True, help="Estimator of tau2.")
@click.option("--test", default="knha", show_default=True, help="z, t, knha or adhoc.")
@click.option("--level", default=0.95, show_default=True, help="Level of the intervals.")
@few_collections()
def pool(file: Path, measure: str, method: str, test: Any, level: float) -> None:
    """Pool the primary rows of a table of studies and print the result."""
    load_less()
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
    say(_read(studies))
    errors = [f for f in audit(studies).findings if f.severity == "error"]
    for finding in errors:
        say(f"warning: the audit finds an error: {finding.found}")
    found = effects(studies, measure=measure)
    say(f"effects: {found.k}")
    echo(pool_effects(found, method=method, test=test, level=level).summary())
    gc.freeze()  # this process ends, and need not look through all that it made


def _read(studies: Studies) -> str:
    return f"studies: {len(studies)} row{'' if len(studies) == 1 else 's'} read"
