"""The command line: check, pool, pool-many, build, verify, diff, plugins, new, and of plugins.

Exit 0 done, 1 failed, 2 wrong usage.
"""

from __future__ import annotations

import click

from comorbid.cli.groups import pool_many
from comorbid.cli.listing import plugins
from comorbid.cli.reports import build, diff, verify
from comorbid.cli.shell import Commands
from comorbid.cli.starting import new
from comorbid.cli.tables import check, pool

_MORE = "Installed plugins may add commands; `comorbid plugins` lists them."


@click.group(cls=Commands, epilog=_MORE, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="comorbid")
def main() -> None:
    """Pool the associations of two conditions and build reports that can be verified."""


for command in (check, pool, pool_many, build, verify, diff, plugins, new):
    main.add_command(command)
