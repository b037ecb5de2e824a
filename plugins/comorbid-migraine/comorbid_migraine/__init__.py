"""Migraine: people with migraine against the studies of other headache."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

import comorbid as cb

if TYPE_CHECKING:
    import click


ALL_ROWS = (
    "Where studies have several rows on migraine, all are averaged in a multilevel model with "
    "correlated sampling errors ",
    cb.Cite("pustejovsky2022"),
    " and, where there are enough studies for them, cluster-robust intervals (CR2) ",
    cb.Cite("tipton2015"),
    ".",
)


@cb.hookimpl
def comorbid_subgroups() -> Iterable[cb.Subgroup]:
    """Declare migraine, and episodic and chronic migraine."""
    from comorbid_migraine.rows import CHRONIC, EPISODIC, MIGRAINE

    return (
        cb.Subgroup(
            id="migraine",
            label="migraine",
            where={"headache": MIGRAINE},
            rationale=(
                "The press release on the review (University of Warwick, 22 September 2019) speaks "
                "of a stronger association in people with migraine. This subgroup looks at whether "
                "the public figures show one. Rows on migraine together with tension-type headache "
                "are not taken."
            ),
            prespecified=False,
        ),
        *(
            cb.Subgroup(
                id=kind.replace(" ", "-"),
                label=kind,
                where={"headache": (kind,)},
                rationale="A part of the migraine subgroup, looked at where studies report it.",
                prespecified=False,
            )
            for kind in (EPISODIC, CHRONIC)
        ),
    )


@cb.hookimpl
def comorbid_analyses() -> Iterable[cb.Analysis]:
    """Declare the comparison within studies, and the average of all rows."""
    from comorbid_migraine.rows import all_rows, within_studies

    label = "Migraine and other headache in the same people"
    methods = (
        "Of each study that has rows on migraine and on other headache all rows are shown, each "
        "with its own standard normal interval. They share people, so that no pool and no test is "
        "made of them."
    )
    return (
        cb.Analysis("migraine-within-studies", label, within_studies, methods=methods),
        cb.Analysis("migraine-all-rows", "All rows on migraine", all_rows, methods=ALL_ROWS),
    )


@cb.hookimpl
def comorbid_sections() -> Iterable[cb.Section]:
    """Declare the migraine section."""
    from comorbid_migraine.section import section

    kinds = ("episodic-migraine", "chronic-migraine")
    needs = ("migraine", "migraine-all-rows", "migraine-within-studies", *kinds)
    constants = ("22 September 2019",)
    return (cb.Section("migraine", "Migraine", section, needs=needs, constants=constants),)


@cb.hookimpl
def comorbid_commands() -> Iterable[click.Command]:
    """Declare the command ``comorbid migraine``."""
    from comorbid_migraine.command import command

    return (command,)
