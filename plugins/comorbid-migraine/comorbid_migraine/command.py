"""The command ``comorbid migraine``: the subgroup of one table, without a report."""

from __future__ import annotations

import click

import comorbid as cb
from comorbid_migraine.rows import MIGRAINE


@click.command("migraine")
@click.argument("file", type=click.Path(exists=True, dir_okay=False))
@click.option("--measure", default="OR", show_default=True, help="Effect measure.")
def command(file: str, measure: str) -> None:
    """Pool the migraine rows of a table of studies and compare them with the other studies."""
    studies = cb.read_studies(file)
    result = cb.against_rest(
        studies, where={"headache": MIGRAINE}, label="migraine", measure=measure
    )
    click.echo(result.summary())
