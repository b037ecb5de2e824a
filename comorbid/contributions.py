"""Contributions: what comorbid's own parts and plugins may declare, as frozen values.

A declaration says what it is and names a function; the function runs later, under the engine's
control, on values that it cannot change.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from comorbid.document.blocks import Block
from comorbid.effects.measures import Measure
from comorbid.effects.overrides import Override
from comorbid.effects.scales import SCALES
from comorbid.effects.table import Effects
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import Test
from comorbid.studies.columns import Column
from comorbid.studies.further import DataTable
from comorbid.studies.table import Studies

__all__ = [
    "Analysis",
    "Column",
    "Context",
    "DataTable",
    "Declaration",
    "Estimator",
    "Measure",
    "Provenance",
    "Result",
    "Section",
    "Settings",
    "Subgroup",
    "problems_of",
]

_KEBAB = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")


class Result(Protocol):
    """What an analysis returns: a table for readers and a dictionary for the lock."""

    def to_dict(self) -> dict[str, object]:
        """Return numbers in full precision, text, lists and dictionaries of them."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How the report pools: measure, estimator of tau2, test and level of intervals."""

    measure: Measure
    method: Estimator
    test: Test
    level: float


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a report's numbers come from.

    ``inputs`` maps each file name to its sha256, ``software`` each package to its version,
    ``plugins`` lists ``name@version`` of every plugin used.
    """

    inputs: Mapping[str, str]
    software: Mapping[str, str]
    plugins: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Context:
    """What an analysis or a section gets: values to read, nothing to change.

    Parameters
    ----------
    studies : Studies
        The whole study table.
    effects : Effects
        The main pool's effects, overrides applied.
    settings : Settings
        How the report pools.
    overrides : tuple of Override
        The decisions in force.
    subgroups : tuple of Subgroup
        The subgroups in use.
    provenance : Provenance
        Inputs, software and plugins.
    results : mapping of str to result
        Results by id: only those named in ``needs``.
    tables : mapping of str to DataTable
        The report's further tables by name: only those named in ``tables`` of the analysis or
        section.
    """

    studies: Studies
    effects: Effects
    settings: Settings
    overrides: tuple[Override, ...]
    subgroups: tuple[Subgroup, ...]
    provenance: Provenance
    results: Mapping[str, Result]
    tables: Mapping[str, DataTable]


@dataclass(frozen=True, slots=True)
class Analysis:
    """A computation whose result is locked under its id.

    Parameters
    ----------
    id : str
        Kebab-case, unique among analyses and subgroups.
    label : str
        Name as printed.
    run : callable
        ``run(context) -> result`` with ``to_dict()``; formats no text.
    needs : tuple of str
        Ids of the results it reads.
    tables : tuple of str
        Names of the further tables it reads; a report that uses it must have them.
    """

    id: str
    label: str
    run: Callable[[Context], Result]
    needs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Subgroup:
    """A subgroup of the studies, declared as data, so that it can be printed and locked.

    Parameters
    ----------
    id : str
        Kebab-case, unique among analyses and subgroups; the result has this id.
    label : str
        Name as printed: ``"migraine"``.
    where : mapping of str to sequence of str
        Columns of the study table and the values that belong: ``{"headache": ("migraine",)}``.
    rationale : str
        Why it is looked at; printed in Methods.
    prespecified : bool
        Whether it was decided on before the data were seen.
    """

    id: str
    label: str
    where: Mapping[str, Sequence[str]]
    rationale: str
    prespecified: bool


@dataclass(frozen=True, slots=True)
class Section:
    """A section of the report.

    Parameters
    ----------
    id : str
        Kebab-case, unique among sections; the name used in ``report.toml``.
    title : str
        Heading as printed.
    build : callable
        ``build(context) -> iterable of blocks``: reads results, does no I/O, writes no HTML.
    needs : tuple of str
        Ids of the results it reads.
    tables : tuple of str
        Names of the further tables it reads; a report that uses it must have them.
    """

    id: str
    title: str
    build: Callable[[Context], Sequence[Block]]
    needs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()


Declaration = Column | Measure | Estimator | Analysis | Subgroup | Section


def problems_of(declaration: Declaration) -> list[str]:
    """Return what is wrong with a declaration's own fields; empty when nothing is.

    Examples
    --------
    >>> problems_of(Section(id="My Section", title="", build=len))
    ["id 'My Section' is not kebab-case, such as 'my-section'", 'title is empty']
    """
    problems = []
    kebab_ids = Analysis | Subgroup | Section
    if isinstance(declaration, kebab_ids) and not _KEBAB.fullmatch(declaration.id):
        kebab = re.sub(r"[^a-z0-9]+", "-", declaration.id.lower()).strip("-") or "a-name"
        problems.append(f"id {declaration.id!r} is not kebab-case, such as {kebab!r}")
    for name in ("label", "title", "rationale"):
        if getattr(declaration, name, "given").strip() == "":
            problems.append(f"{name} is empty")
    for name in ("run", "build", "effect", "tau2"):
        if not callable(getattr(declaration, name, len)):
            problems.append(f"{name} is no function")
    if isinstance(declaration, Measure) and declaration.scale not in SCALES:
        problems.append(f"scale is {declaration.scale!r}; use one of {', '.join(SCALES)}")
    if isinstance(declaration, Subgroup) and not declaration.where:
        problems.append("where is empty; name a column and its values")
    return problems
