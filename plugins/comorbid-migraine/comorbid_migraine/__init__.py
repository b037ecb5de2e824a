"""The migraine subgroup: people with migraine against the studies of other headache."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, cast

import comorbid as cb

if TYPE_CHECKING:
    import click

SUBGROUP = cb.Subgroup(
    id="migraine",
    label="migraine",
    where={"headache": ("migraine",)},
    rationale=(
        "The press release on the review (University of Warwick, 22 September 2019) speaks of a "
        "stronger association in people with migraine. This subgroup looks at whether the public "
        "figures show one. Rows on migraine together with tension-type headache are not taken."
    ),
    prespecified=False,
)


@cb.hookimpl
def comorbid_subgroups() -> Iterable[cb.Subgroup]:
    """Declare the migraine subgroup."""
    return (SUBGROUP,)


@cb.hookimpl
def comorbid_sections() -> Iterable[cb.Section]:
    """Declare the migraine section."""
    return (cb.Section("migraine", "Migraine", _section, needs=("migraine",)),)


@cb.hookimpl
def comorbid_commands() -> Iterable[click.Command]:
    """Declare the command ``comorbid migraine``."""
    from comorbid_migraine.command import command

    return (command,)


def _section(context: cb.Context) -> Sequence[cb.Block]:
    result = cast(cb.AgainstRest, context.results["migraine"])
    return (cb.Paragraph(_question(result)), *cb.subgroup_blocks(result))


def _question(result: cb.AgainstRest) -> str:
    opening = (
        "The press release on the review (University of Warwick, 22 September 2019) says that the "
        "association is stronger in people with migraine. "
    )
    if result.k == 0:
        return f"{opening}No row of the study table is about migraine."
    studies = "One study has" if result.k == 1 else f"{result.k} studies have"
    return f"{opening}{studies} a public estimate for migraine; the data are examined here."
