"""Commands that write the files of something new."""

from __future__ import annotations

from pathlib import Path

import click

from comorbid.cli.shell import say


@click.group(short_help="Start a new report or plugin.")
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
        say(f"written: {folder / path.name}")


@new.command("plugin")
@click.argument("name")
def new_plugin(name: str) -> None:
    """Write a working plugin with a passing test into the folder comorbid-NAME."""
    from comorbid.starter import write_plugin

    for path in write_plugin(name, Path.cwd()):
        say(f"written: {path.relative_to(Path.cwd())}")
