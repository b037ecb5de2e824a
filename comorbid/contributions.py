"""Contributions: what comorbid's own parts and plugins may declare, as frozen values.

A declaration says what it is and names a function; the function runs later, under the engine's
control, on values that it cannot change.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Protocol, runtime_checkable

from comorbid.document.bibliography import Bibliography
from comorbid.document.blocks import Block, Inline
from comorbid.document.document import Document
from comorbid.effects.measures import Measure
from comorbid.effects.overrides import Override
from comorbid.effects.table import Effects
from comorbid.engines import SecondEngine
from comorbid.models.estimators import Estimator
from comorbid.models.kernel import Test
from comorbid.models.presets import Preset
from comorbid.options import Option
from comorbid.studies.columns import Column
from comorbid.studies.further import DataTable
from comorbid.studies.table import Studies
from comorbid.themes import Theme

__all__ = [
    "Absent",
    "Analysis",
    "Column",
    "Command",
    "Context",
    "DataTable",
    "Declaration",
    "Estimator",
    "InUse",
    "Measure",
    "Option",
    "Provenance",
    "Renderer",
    "Result",
    "Section",
    "Settings",
    "Subgroup",
    "Theme",
]


class Result(Protocol):
    """What an analysis returns: a table for readers and a dictionary for the lock."""

    def to_dict(self) -> dict[str, object]:
        """Return numbers in full precision, text, lists and dictionaries of them."""


@dataclass(frozen=True, slots=True)
class Absent:
    """A result that there is none of.

    An analysis that needs it is not run and is absent for the same reason; a section that needs it
    says the reason in place of what it would say.

    Parameters
    ----------
    reason : str
        Why there is none: a sentence, printed in the report and locked.

    Examples
    --------
    >>> import comorbid as cb
    >>> def run(context):
    ...     if "year" not in context.effects.moderators:
    ...         return cb.Absent("The study table has no years.")
    ...     return cb.regress(context.effects, "~ year")
    >>> cb.Analysis("my-years", "Years", run).id
    'my-years'
    """

    reason: str

    def to_dict(self) -> dict[str, object]:
        """Return the reason."""
        return {"absent": self.reason}


@dataclass(frozen=True, slots=True)
class Settings:
    """How the report pools: measure, estimator of tau2, test and level of intervals.

    ``preset`` is the one whose conventions the report follows, if it names one, ``sides`` what
    values below and above no effect mean, if the report says so.
    """

    measure: Measure
    method: Estimator
    test: Test
    level: float
    preset: Preset | None = None
    sides: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Deviation:
    """What was done otherwise than the protocol says, and why, as a report declares it."""

    what: str
    why: str


REPORTING = ("registration", "protocol", "amendments", "selection", "excluded")
"""What a report can say under ``[reporting]``: items 24a, 24b, 24c, 16a and 16b of PRISMA 2020."""


@dataclass(frozen=True, slots=True)
class Provenance:
    """Where a report's numbers come from.

    ``inputs`` maps each file name to its sha256, ``software`` each package to its version,
    ``plugins`` lists ``name@version`` of every plugin used, ``second_engine`` is how far the fits
    are from those of R's metafor, if the report keeps them.
    """

    inputs: Mapping[str, str]
    software: Mapping[str, str]
    plugins: tuple[str, ...]
    second_engine: SecondEngine | None = None


@dataclass(frozen=True, slots=True)
class InUse:
    """What a report uses: its sections and analyses, with the options in force by analysis."""

    sections: tuple[Section, ...]
    analyses: tuple[Analysis, ...]
    options: Mapping[str, Mapping[str, Any]]


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
    deviations : tuple of Deviation
        What the report declares to be otherwise than its protocol says.
    subgroups : tuple of Subgroup
        The subgroups in use.
    provenance : Provenance
        Inputs, software and plugins.
    results : mapping of str to result
        Results by id: only those named in ``needs``.
    tables : mapping of str to DataTable
        The report's further tables by name: only those named in ``tables`` of the analysis or
        section.
    options : mapping of str to value
        The analysis' own options, by name; empty for a section.
    bibliography : mapping of str to Reference
        What can be cited, by key: comorbid's own entries and the report's.
    in_use : InUse
        The sections and analyses of the report.
    reporting : mapping of str to str
        What the report says of its protocol and of how its studies were found, by `REPORTING`.

    Examples
    --------
    >>> import comorbid as cb
    >>> def note(context):
    ...     pooled = context.results["pool"]
    ...     return [cb.Note(f"{len(context.studies)} rows; {pooled.k} pooled.", kind="information")]
    >>> cb.Section("my-note", "Note", note, needs=("pool",)).needs
    ('pool',)
    """

    studies: Studies
    effects: Effects
    settings: Settings
    overrides: tuple[Override, ...]
    deviations: tuple[Deviation, ...]
    subgroups: tuple[Subgroup, ...]
    provenance: Provenance
    results: Mapping[str, Result]
    tables: Mapping[str, DataTable]
    options: Mapping[str, Any]
    bibliography: Bibliography
    in_use: InUse
    reporting: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


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
    options : tuple of Option
        What a report can set under ``[analyses.ID]``.
    methods : str or tuple
        What it does, for the section Methods: sentences, or a tuple of strings and runs such as
        `Cite`.
    references : str
        Resource with what ``methods`` cites beside comorbid's own bibliography: a BibTeX file,
        ``"my_package:references.bib"``.

    Examples
    --------
    >>> import comorbid as cb
    >>> def run(context):
    ...     return cb.rank_test(context.results["pool"])
    >>> cb.Analysis("my-rank-test", "rank test", run, needs=("pool",)).id
    'my-rank-test'
    """

    id: str
    label: str
    run: Callable[[Context], Result]
    needs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    options: tuple[Option, ...] = ()
    methods: str | tuple[Inline, ...] = ""
    references: str = ""


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

    Examples
    --------
    >>> import comorbid as cb
    >>> subgroup = cb.Subgroup("cluster", "cluster headache", {"headache": ("cluster",)},
    ...                        rationale="Its pain is of another kind.", prespecified=False)
    >>> subgroup.where["headache"]
    ('cluster',)
    """

    id: str
    label: str
    where: Mapping[str, Sequence[str]]
    rationale: str
    prespecified: bool

    def __post_init__(self) -> None:
        where = {
            name: (values,) if isinstance(values, str) else tuple(values)
            for name, values in self.where.items()
        }
        object.__setattr__(self, "where", MappingProxyType(where))


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
    constants : tuple of str
        What it prints with a number in it that is computed from nothing, such as ``"at least 10"``
        or ``"2x2"``: every other number must be the rounding of a value that it may read.
    references : str
        Resource with what it cites beside comorbid's own bibliography, as of an `Analysis`.

    Examples
    --------
    >>> import comorbid as cb
    >>> def build(context):
    ...     return [cb.Paragraph(f"{context.results['pool'].k} studies were pooled.")]
    >>> cb.Section("my-section", "How many", build, needs=("pool",)).title
    'How many'
    """

    id: str
    title: str
    build: Callable[[Context], Sequence[Block]]
    needs: tuple[str, ...] = ()
    tables: tuple[str, ...] = ()
    constants: tuple[str, ...] = ()
    references: str = ""


@dataclass(frozen=True, slots=True)
class Renderer:
    """A form in which a report is written, such as HTML.

    Parameters
    ----------
    id : str
        Kebab-case, unique among renderers; the name used in ``report.toml``.
    suffix : str
        Of the file, ``".html"``: the report is written to ``report.html``.
    render : callable
        ``render(document, theme) -> bytes``: the same document and theme give the same bytes.

    Examples
    --------
    >>> import comorbid as cb
    >>> def titles(document, theme):
    ...     return ", ".join(section.title for section in document.sections).encode()
    >>> cb.Renderer("titles", ".txt", titles).suffix
    '.txt'
    """

    id: str
    suffix: str
    render: Callable[[Document, Theme], bytes]


@runtime_checkable
class Command(Protocol):
    """A command of the command line: a ``click.Command``, which has these and more."""

    name: str | None
    callback: Callable[..., object] | None
    params: list[Any]

    def main(self, args: Sequence[str] | None = None, prog_name: str | None = None) -> object:
        """Run it."""


Declaration = (
    Column | Measure | Estimator | Analysis | Subgroup | Section | Theme | Renderer | Command
)
