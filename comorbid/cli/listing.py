"""The command that lists plugins: what is installed, or what a report uses."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from comorbid.cli.shell import FOLDER, echo, say
from comorbid.errors import ComorbidError

if TYPE_CHECKING:
    from comorbid.calls import Call
    from comorbid.registry import Registry


@click.command(short_help="List the installed plugins.")
@click.argument("folder", type=FOLDER, required=False)
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
        calls = Calls(say)
        try:
            registry = load_registry([f"{name}=={version}"], calls)
        except ComorbidError as error:
            failed = True
            echo(f"{name} {version}\n  cannot be used: {error}")
        else:
            _list_plugins(registry)
        if trace:
            _list_calls([call for call in calls.made if call.origin == f"{name}@{version}"])
    if not installed_plugins():
        echo("no plugin is installed")
    sys.exit(failed)


def _report_plugins(folder: Path, trace: bool) -> None:
    """List the plugins of a report, and with a trace every call of its build."""
    from comorbid.calls import Calls
    from comorbid.registry import load_registry
    from comorbid.report.build import build_with
    from comorbid.report.definition import read_definition

    definition = read_definition(folder)
    calls = Calls(say)
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
            echo(f"{found.name} {found.version}")
            echo(f"  hooks: {', '.join(hooks_of(found))}")
            for kind, ids in registry.ids_of(found.origin).items():
                echo(f"  {kind}: {', '.join(ids)}")


def _list_calls(calls: list[Call]) -> None:
    for call in calls:
        echo(f"  {1000 * call.seconds:10.1f} ms  {call.origin}, {call.what}")
