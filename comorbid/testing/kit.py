"""Reports in memory: from plugin objects and tables as text to sections, nothing installed."""

from __future__ import annotations

import csv
import datetime
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

import numpy as np

from comorbid.calls import Calls
from comorbid.distributions import Distribution
from comorbid.document.blocks import Block
from comorbid.document.document import Document
from comorbid.errors import DataError, PluginError, Problem
from comorbid.registry import Registry, core, registry_of
from comorbid.report.compose import compose
from comorbid.report.context import bibliography_of, columns_by_table, make_context
from comorbid.report.definition import Definition
from comorbid.report.plan import make_plan
from comorbid.report.results import Computed, raise_together, run
from comorbid.studies.columns import STUDIES
from comorbid.studies.further import table_from_bytes
from comorbid.studies.read import studies_from_bytes

_DATE = datetime.date(2026, 1, 31)
_SEED = 20260131


def studies_csv(k: int = 5, **columns: Sequence[object]) -> str:
    """Return a study table of k studies as the text of a CSV file.

    The odds ratios are simulated, with a fixed seed: their logs come from N(0.7, 0.04 + v). They
    say nothing about the world.

    Parameters
    ----------
    k : int
        Number of studies, one row each.
    **columns : sequences of length k
        Further columns, or other values for those that are there.

    Returns
    -------
    str

    Examples
    --------
    >>> print(studies_csv(2, headache=["migraine", "any"]))
    study_id,measure,estimate,ci_low,ci_high,n,headache
    study-1,OR,1.84,1.04,3.27,1202,migraine
    study-2,OR,2.64,1.79,3.88,1149,any
    <BLANKLINE>
    """
    wrong = [name for name, values in columns.items() if len(values) != k]
    if wrong:
        raise DataError([Problem(f"{name} needs {k} values, one a study") for name in wrong])
    random = np.random.default_rng(_SEED)
    se = random.uniform(0.1, 0.4, size=k)
    logs = random.normal(0.7, np.sqrt(0.04 + se**2))
    low, high = logs - 1.959964 * se, logs + 1.959964 * se
    table: dict[str, Sequence[object]] = {
        "study_id": [f"study-{i + 1}" for i in range(k)],
        "measure": ["OR"] * k,
        "estimate": [f"{value:.2f}" for value in np.exp(logs)],
        "ci_low": [f"{value:.2f}" for value in np.exp(low)],
        "ci_high": [f"{value:.2f}" for value in np.exp(high)],
        "n": random.integers(200, 2000, size=k).tolist(),
        **columns,
    }
    return csv_text(table)


def csv_text(columns: Mapping[str, Sequence[object]]) -> str:
    """Return columns of equal length as the text of a CSV file."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(columns)
    writer.writerows(zip(*columns.values(), strict=True))
    return text.getvalue()


def registry(*plugins: object) -> Registry:
    """Return the registry of comorbid and these plugins, without installing them.

    Parameters
    ----------
    *plugins : modules or other objects
        Each with marked hooks; named after the module or class, version 0.

    Returns
    -------
    Registry

    Raises
    ------
    PluginError
        With everything that is wrong with the plugins.

    Examples
    --------
    >>> registry().find("sections", "summary").declaration.title
    'Summary'
    """
    names = [_name(plugin) for plugin in plugins]
    found = [core()]
    for i, (name, plugin) in enumerate(zip(names, plugins, strict=True)):
        again = names[:i].count(name)  # as of two objects of one class
        found.append(Distribution(f"{name}-{again + 1}" if again else name, "0", (plugin,)))
    return registry_of(found)


def build_section(
    id: str,  # noqa: A002
    *plugins: object,
    studies: str | None = None,
    tables: Mapping[str, str] | None = None,
    options: Mapping[str, Mapping[str, object]] | None = None,
) -> tuple[Block, ...]:
    """Build one section as a report would, without files and without installing anything.

    Parameters
    ----------
    id : str
        Of the section.
    *plugins : modules or other objects
        That declare it and what it needs.
    studies : str, optional
        The study table as the text of a CSV file; by default `studies_csv` with 5 studies.
    tables : mapping of str to str, optional
        Further tables, each as the text of a CSV file.
    options : mapping of str to mapping, optional
        Options of analyses by id, as ``[analyses.ID]`` in ``report.toml`` gives them.

    Returns
    -------
    tuple of Block

    Raises
    ------
    ComorbidError
        As `build` raises it.

    Examples
    --------
    >>> [type(block).__name__ for block in build_section("forest")]
    ['Figure', 'Paragraph', 'Paragraph']
    """
    found = registry(*plugins)
    text = studies or studies_csv()
    _, document = build_document([id], found, text, tables or {}, options or {})
    return document.sections[0].blocks


def build_document(
    sections: Sequence[str],
    declared: Registry,
    studies: str,
    tables: Mapping[str, str],
    options: Mapping[str, Mapping[str, object]],
) -> tuple[Computed, Document]:
    """Compute and compose a report in memory; nothing that fails is left out."""
    definition = Definition(
        folder=Path(),
        id="test",
        title="Test",
        date=_DATE,
        data="studies.csv",
        sections=tuple(sections),
        tables=MappingProxyType({name: f"{name}.csv" for name in tables}),
        analyses=MappingProxyType(dict(options)),
    )
    calls = Calls()
    plan = make_plan(definition, declared)
    columns = columns_by_table(declared.columns, calls)
    if unknown := sorted(set(tables) - set(columns)):
        raise PluginError([Problem(f"no plugin declares the table {name!r}") for name in unknown])
    context = make_context(
        plan,
        calls,
        studies=studies_from_bytes(
            studies.encode(), source="studies.csv", columns=columns.get(STUDIES, ())
        ),
        tables={
            name: table_from_bytes(
                text.encode(), source=f"{name}.csv", name=name, columns=columns[name]
            )
            for name, text in tables.items()
        },
        inputs={},
        bibliography=bibliography_of(plan),
    )
    computed = run(plan, context, calls)
    raise_together(computed.failed.values())
    document, _ = compose(computed, calls)
    return computed, document


def _name(plugin: object) -> str:
    return str(getattr(plugin, "__name__", type(plugin).__name__)).replace("_", "-")
