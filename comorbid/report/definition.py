"""The definition of a report: what ``report.toml`` says, checked."""

from __future__ import annotations

import datetime
import difflib
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath
from types import MappingProxyType
from typing import Any, cast, get_args

from comorbid.characters import control_character
from comorbid.contributions import Deviation
from comorbid.document.document import Paper
from comorbid.effects.overrides import Override
from comorbid.errors import Problem, ReportError
from comorbid.models.kernel import Test
from comorbid.models.presets import PRESETS, Preset, find_preset
from comorbid.report.definition_parts import deviations_of, overrides_of, reporting_of, review_of
from comorbid.studies.columns import STUDIES, TABLE_NAME
from comorbid.studies.review import Review

FILE = "report.toml"
_STRINGS = (
    *("id", "title", "subtitle", "data", "measure", "preset", "method", "test"),
    *("theme", "paper", "references", "second_engine"),
)
_LISTS = ("sections", "plugins", "formats", "sides")
_FULL_LISTS = {"sections": "section", "formats": "format"}
_PARSED = ("override", "deviation", "review", "reporting")
_REQUIRED = ("id", "title", "date", "data", "sections")
_KEYS = (
    *_STRINGS,
    "date",
    "level",
    *_LISTS,
    "tables",
    "analyses",
    "override",
    "deviation",
    "reporting",
    "review",
)


@dataclass(frozen=True, slots=True)
class Definition:
    """What a report is made of.

    Parameters
    ----------
    folder : Path
        Where the report lives.
    id, title, subtitle : str
        Name, and what is printed on page one.
    date : datetime.date
        The date the report stands for; a build reads no clock.
    data : str
        Name of the study table, in the folder.
    measure, method, test : str
        Ids, as in `effects` and `pool`; plugins may add to them. Method and test are the preset's
        where the definition gives none.
    preset : Preset or None
        Whose conventions the report follows.
    sides : tuple of str
        What values below and above no effect mean, for the forest plot; empty or two.
    reporting : mapping of str to str
        What the report says of its protocol and of how its studies were found, by `REPORTING`.
    level : float
        Of the intervals, a proportion.
    sections : tuple of str
        Ids of the sections, in the order printed.
    plugins : tuple of str
        Requirements: ``"comorbid-migraine >=1,<2"``.
    theme : str
        Id of the theme.
    paper : {"A4", "letter"}
        What the PDF is laid out for.
    formats : tuple of str
        Ids of the renderers, one file each.
    tables : mapping of str to str
        Further tables: name, and name of the file in the folder.
    analyses : mapping of str to mapping
        Options of analyses, by id, as ``[analyses.ID]`` gives them.
    overrides : tuple of Override
        Decisions about single estimates.
    references : str
        Name of the report's own bibliography, a BibTeX file in the folder; "" for none.
    deviations : tuple of Deviation
        What was done otherwise than a protocol says.
    review : Review or None
        The systematic review that the studies come from.
    second_engine : str
        Name of the file, in the folder, with what R's metafor makes of the fits; "" for none.
    """

    folder: Path
    id: str
    title: str
    date: datetime.date
    data: str
    sections: tuple[str, ...]
    subtitle: str = ""
    measure: str = "OR"
    method: str = "REML"
    test: Test = "knha"
    level: float = 0.95
    plugins: tuple[str, ...] = ()
    theme: str = "journal"
    paper: Paper = "A4"
    formats: tuple[str, ...] = ("html", "pdf")
    tables: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    analyses: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))
    overrides: tuple[Override, ...] = ()
    references: str = ""
    deviations: tuple[Deviation, ...] = ()
    preset: Preset | None = None
    review: Review | None = None
    second_engine: str = ""
    sides: tuple[str, ...] = ()
    reporting: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))

    @property
    def inputs(self) -> tuple[str, ...]:
        """Names of the files that the report is computed from."""
        others = filter(None, (self.references, self.second_engine))
        return (FILE, self.data, *self.tables.values(), *others)


def read_definition(folder: str | Path) -> Definition:
    """Read and check ``report.toml``.

    Parameters
    ----------
    folder : path
        The report's folder.

    Returns
    -------
    Definition

    Raises
    ------
    ReportError
        With all problems at once: no such file, no TOML, an unknown key (with the nearest one), a
        missing or wrong value.
    """
    path = Path(folder) / FILE
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError as error:
        remedy = f"name a folder that has a {FILE}"
        raise ReportError([Problem("no such file", remedy, file=str(path))]) from error
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise ReportError([Problem(str(error), "mend the file", file=str(path))]) from error
    problems = [*_key_problems(values), *_type_problems(values), *_control_problems(values)]
    parsed: dict[str, Any] = {k: v for k, v in values.items() if k not in _PARSED}
    if not problems and "preset" in values:
        preset = find_preset(values["preset"])
        parsed = {"method": preset.method, "test": preset.test, **parsed, "preset": preset}
    if not problems:
        parsed |= {name: tuple(parsed[name]) for name in _LISTS if name in parsed}
        parsed["tables"] = MappingProxyType(dict(values.get("tables", {})))
        parsed["overrides"] = overrides_of(values.get("override", []), problems)
        parsed["deviations"] = deviations_of(values.get("deviation", []), problems)
        parsed["reporting"] = reporting_of(values.get("reporting", {}), problems)
        if "review" in values:
            parsed["review"] = review_of(values["review"], problems)
    if problems:
        raise ReportError(
            [Problem(p.message, p.remedy, file=str(path), column=p.column) for p in problems]
        )
    definition = Definition(folder=Path(folder), **parsed)
    if outside := list(_outside(definition)):
        raise ReportError(outside)
    return definition


def _outside(definition: Definition) -> Iterator[Problem]:
    """Say which inputs lead out of the folder, as a symbolic link may, or are no ordinary file."""
    home = definition.folder.resolve()
    for name in definition.inputs:
        path = (definition.folder / name).resolve()
        if not path.is_relative_to(home):
            remedy = "put the file itself into the folder"
            yield Problem("leads out of the report's folder", remedy, file=str(home / name))
        elif path.exists() and not (path.is_file() or path.is_dir()):
            yield Problem("is no ordinary file", "put a file in its place", file=str(home / name))


def _control_problems(value: object, key: str = "") -> Iterator[Problem]:
    """Find text that no page can show, at any depth."""
    if isinstance(value, str) and (found := control_character(value)):
        yield Problem(f"{key} has the control character {found[0]}", "delete it")
    inner: Iterable[tuple[object, object]] = ()
    if isinstance(value, Mapping | list):
        inner = value.items() if isinstance(value, Mapping) else enumerate(value, start=1)
    for name, part in inner:
        yield from _control_problems(str(name), f"the key {name!r}" if key == "" else key)
        yield from _control_problems(part, f"{key} {name}".strip())


def _key_problems(values: Mapping[str, Any]) -> list[Problem]:
    problems = []
    for key in values:
        if key not in _KEYS:
            near = difflib.get_close_matches(key, _KEYS, 1)
            remedy = f"did you mean {near[0]!r}?" if near else f"use one of {', '.join(_KEYS)}"
            problems.append(Problem(f"unknown key {key!r}", remedy))
    problems += [
        Problem(f"no {key!r}", "add it; see the README for an example")
        for key in _REQUIRED
        if key not in values
    ]
    return problems


def _type_problems(values: Mapping[str, Any]) -> list[Problem]:
    problems = []

    def expect(key: str, good: bool, wanted: str) -> None:
        if key in values and not good:
            problems.append(Problem(f"{key} is {values[key]!r}", f"give {wanted}"))

    for key in _STRINGS:
        expect(key, isinstance(values.get(key), str) and bool(values[key].strip()), "some text")
    for key in _LISTS:
        entries = values.get(key)
        good = isinstance(entries, list) and all(isinstance(entry, str) for entry in entries)
        expect(key, good, 'a list of names, such as ["summary"]')
    date = values.get("date")
    is_date = isinstance(date, datetime.date) and not isinstance(date, datetime.datetime)
    expect("date", is_date and cast(datetime.date, date).year >= 1980, "a date, such as 2026-01-31")
    number = values.get("level")
    expect("level", isinstance(number, float) and 0 < number < 1, "a proportion, such as 0.95")
    for key, allowed in (("test", get_args(Test)), ("paper", get_args(Paper))):
        expect(key, values.get(key) in allowed, f"one of {', '.join(allowed)}")
    known = [preset.id for preset in PRESETS]
    expect("preset", values.get("preset") in known, f"one of {', '.join(known)}")
    for key, what in _FULL_LISTS.items():
        names = values.get(key)
        if isinstance(names, list):
            expect(key, bool(names), f"at least one {what}")
            repeated = sorted({str(name) for name in names if names.count(name) > 1})
            expect(key, not repeated, f"each once; {', '.join(repeated)} repeats")
    if isinstance(values.get("sides"), list):
        expect(
            "sides", len(values["sides"]) == 2, "two texts: for values below no effect, and above"
        )
    for key in ("data", "references", "second_engine"):
        name = values.get(key)
        if isinstance(name, str):
            expect(key, is_inside(name), "the name of a file inside the folder")
    for key in ("override", "deviation"):
        expect(key, _is_tables(values.get(key)), f"tables headed [[{key}]]")
    analyses = values.get("analyses")
    by_id = isinstance(analyses, dict) and all(isinstance(own, dict) for own in analyses.values())
    expect("analyses", by_id, "tables headed [analyses.ID]")
    for key in ("review", "reporting"):
        expect(key, isinstance(values.get(key), dict), f"a table headed [{key}]")
    return [*problems, *_table_problems(values.get("tables", {}))]


def is_inside(name: str) -> bool:
    """Whether a file name stays in the folder, on every system."""
    path = PurePosixPath(name)
    return not (
        path.is_absolute()
        or ".." in path.parts
        or "\\" in name
        or "\0" in name
        or PureWindowsPath(name).drive
        or not path.name
    )


def _table_problems(tables: object) -> list[Problem]:
    example = 'lines such as treatments = "treatments.csv" under [tables]'
    if not isinstance(tables, dict):
        return [Problem(f"tables is {tables!r}", f"give {example}")]
    problems = []
    for name, file in tables.items():
        if not TABLE_NAME.fullmatch(name) or name == STUDIES:
            remedy = "use lower-case words with hyphens between; the study table is data"
            problems.append(Problem(f"a table is called {name!r}", remedy))
        if not isinstance(file, str) or not is_inside(file):
            remedy = "give the name of a file inside the folder"
            problems.append(Problem(f"table {name} is {file!r}", remedy))
    return problems


def _is_tables(entries: object) -> bool:
    return isinstance(entries, list) and all(isinstance(entry, dict) for entry in entries)
