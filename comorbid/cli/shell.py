"""What every command shares: how errors, warnings and text are printed, and commands of plugins."""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import click

from comorbid.characters import without_control
from comorbid.errors import ComorbidError, ComorbidWarning

FOLDER = click.Path(exists=True, file_okay=False, path_type=Path)

_ORIGIN = "comorbid.origin"


class Commands(click.Group):
    """A group whose commands print comorbid's errors and warnings as text and exit 1.

    A name that is none of comorbid's own commands is looked for among those of the installed
    plugins, which are imported only then.
    """

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return the command of this name, of a plugin if comorbid has none."""
        return super().get_command(ctx, cmd_name) or _plugin_command(ctx, cmd_name)

    def invoke(self, ctx: click.Context) -> Any:
        """Run a command; comorbid's errors, and any of a plugin's command, become text."""
        with warned():
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
def warned() -> Iterator[None]:
    """Print the warnings of a while as text when it is over."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always", ComorbidWarning)
        try:
            yield
        finally:
            for warning in caught:
                echo(f"warning: {warning.message}", err=True)


def _fail(ctx: click.Context, message: str) -> None:
    echo(f"error: {message}", err=True)
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
        echo("\n".join(broken), err=True, nl=bool(broken))
        return None
    (entry,) = found
    ctx.meta[_ORIGIN] = f"{entry.origin}, command {name!r}"
    if not isinstance(entry.declaration, click.Command):
        raise click.ClickException(f"{ctx.meta[_ORIGIN]} is no click.Command; ask its author")
    return entry.declaration


def echo(text: str, *, err: bool = False, nl: bool = True) -> None:
    """Print text that comes from files, plugins and names of files: a terminal only prints it."""
    click.echo(without_control(text), err=err, nl=nl)


def say(line: str) -> None:
    """Print a line beside the output of a command."""
    echo(line, err=True)
