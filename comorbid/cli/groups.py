"""The command for a long table: a pool for each of its groups."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import click

from comorbid.cli.shell import echo
from comorbid.errors import ModelError

_IN = click.Path(exists=True, path_type=Path)
_OUT = click.Path(dir_okay=False, path_type=Path)


def _names(context: click.Context, option: click.Parameter, value: str) -> list[str]:
    return [name.strip() for name in value.split(",") if name.strip()]


def _renamed(
    context: click.Context, option: click.Parameter, values: tuple[str, ...]
) -> dict[str, str]:
    pairs = [value.partition("=") for value in values]
    if not all(name and column for name, _, column in pairs):
        raise click.BadParameter("give INPUT=COLUMN, such as yi=log_or")
    return {name.strip(): column.strip() for name, _, column in pairs}


@click.command("pool-many", short_help="Pool every group of a Parquet file.")
@click.argument("table", type=_IN, metavar="IN")
@click.argument("out", type=_OUT, metavar="OUT")
@click.option(
    "--by", required=True, callback=_names, help="Key columns, with commas: exposure,outcome."
)
@click.option(
    "--column",
    "columns",
    multiple=True,
    callback=_renamed,
    help="An input that is named otherwise, such as yi=log_or; once for each.",
)
@click.option("--measure", default="GEN", show_default=True, help="Effect measure.")
@click.option("--method", default="REML", show_default=True, help="Estimator of tau2.")
@click.option("--test", default="knha", show_default=True, help="z, t, knha or adhoc.")
@click.option("--level", default=0.95, show_default=True, help="Level of the intervals.")
@click.option(
    "--adjust",
    default="BH",
    show_default=True,
    help="How p-values are adjusted over all groups: BH, storey or none.",
)
def pool_many(
    table: Path, out: Path, by: list[str], columns: dict[str, str], adjust: Any, **settings: Any
) -> None:
    """Pool every group of IN, a Parquet file or a folder of them, into the Parquet file OUT.

    IN has one row an estimate: the keys, and yi with vi or sei (analysis scale), or what the
    measure is computed from, such as ai, bi, ci, di. OUT gets one row a group; one that is there is
    replaced at the end. A run that was ended goes on where it was when the command is given again.
    """
    from comorbid.effects.measures import find_measure
    from comorbid.many.pool_many import pool_many as pool_groups
    from comorbid.models.settings import check_settings, find_estimator
    from comorbid.terminal import Progress

    try:
        find_measure(settings["measure"])
        find_estimator(settings["method"])
        check_settings(settings["test"], settings["level"])
    except ModelError as error:
        raise click.UsageError(str(error)) from error
    with Progress(sys.stderr) as shown:
        found = pool_groups(
            table, by=by, columns=columns, out=out, adjust=adjust, step=shown.step, **settings
        )
    echo(found.summary())
