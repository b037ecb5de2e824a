"""The registry: finds the plugins that a report lists, checks them, and asks each what it declares.

The only importer of pluggy. Only listed plugins are imported; each hook is called one plugin at a
time, so that a failure is known by its distribution; nothing depends on the order of either.
"""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from importlib import metadata
from typing import Generic, TypeVar, cast

import pluggy
from packaging.requirements import InvalidRequirement, Requirement

from comorbid import hookspecs
from comorbid.contributions import (
    Analysis,
    Column,
    Declaration,
    Estimator,
    Measure,
    Section,
    Subgroup,
    problems_of,
)
from comorbid.errors import PluginError, Problem
from comorbid.studies.columns import CORE_COLUMNS, STUDIES

GROUP = "comorbid"
_KINDS: dict[str, type[Declaration]] = {
    "columns": Column,
    "measures": Measure,
    "estimators": Estimator,
    "analyses": Analysis,
    "subgroups": Subgroup,
    "sections": Section,
}
# Results of analyses and subgroups are locked side by side and share one set of ids.
_SHARED_IDS = {"subgroups": "analyses"}

hookimpl = pluggy.HookimplMarker(GROUP)
_hookspec = pluggy.HookspecMarker(GROUP)
for _name in _KINDS:
    _hookspec(getattr(hookspecs, f"comorbid_{_name}"))

D = TypeVar("D", bound=Declaration, covariant=True)


@dataclass(frozen=True, slots=True)
class Distribution:
    """An installed distribution that contributes, and the objects that implement its hooks."""

    name: str
    version: str
    plugins: tuple[object, ...]

    @property
    def origin(self) -> str:
        """``name@version``, as it is printed and locked."""
        return f"{self.name}@{self.version}"


@dataclass(frozen=True, slots=True)
class Declared(Generic[D]):
    """A declaration and the distribution, as ``name@version``, that made it."""

    declaration: D
    origin: str


@dataclass(frozen=True, slots=True)
class Registry:
    """Everything that comorbid and the listed plugins declare, by kind, sorted by id."""

    distributions: tuple[Distribution, ...]
    columns: tuple[Declared[Column], ...]
    measures: tuple[Declared[Measure], ...]
    estimators: tuple[Declared[Estimator], ...]
    analyses: tuple[Declared[Analysis], ...]
    subgroups: tuple[Declared[Subgroup], ...]
    sections: tuple[Declared[Section], ...]

    def find(self, kind: str, id: str) -> Declared[Declaration]:  # noqa: A002
        """Return the declaration of this kind and id; `PluginError` names those that exist."""
        known = {_id(entry.declaration): entry for entry in getattr(self, kind)}
        if id not in known:
            near = difflib.get_close_matches(id, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            raise PluginError(
                [Problem(f"no {kind[:-1]} {id!r}", f"{hint}use one of {', '.join(sorted(known))}")]
            )
        return cast(Declared[Declaration], known[id])


def load_registry(requirements: Sequence[str] = ()) -> Registry:
    """Load comorbid's own contributions and those of the plugins required.

    Parameters
    ----------
    requirements : sequence of str
        As in ``report.toml``: ``"comorbid-migraine >=1,<2"``. Nothing else is imported.

    Returns
    -------
    Registry

    Raises
    ------
    PluginError
        All problems at once: not installed, wrong version, fails on import, unknown hook, a hook
        that raises or returns the wrong type, an id that is taken.

    Examples
    --------
    >>> load_registry().find("estimators", "REML").origin.split("@")[0]
    'comorbid'
    """
    from comorbid import builtin

    found = [Distribution("comorbid", metadata.version("comorbid"), (builtin,))]
    problems: list[Problem] = []
    for requirement in requirements:
        try:
            found.append(find_distribution(requirement))
        except PluginError as error:
            problems.extend(error.problems)
    if problems:
        raise PluginError(problems)
    return registry_of(found)


def registry_of(distributions: Iterable[Distribution]) -> Registry:
    """Collect what these distributions declare; raise `PluginError` with all problems at once."""
    ordered = tuple(sorted(distributions, key=lambda entry: (entry.name != GROUP, entry.name)))
    problems: list[Problem] = []
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    for distribution in ordered:
        problems += _register(manager, distribution)
    if problems:
        raise PluginError(problems)
    declared = {kind: _collect(manager, ordered, kind, problems) for kind in _KINDS}
    problems += _taken_ids(declared)
    if problems:
        raise PluginError(problems)
    return Registry(distributions=ordered, **declared)  # type: ignore[arg-type]


def find_distribution(requirement: str) -> Distribution:
    """Find, check and import the one distribution that meets a requirement."""
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement as error:
        remedy = "write a name and versions, such as 'comorbid-migraine >=1,<2'"
        raise PluginError([Problem(f"plugin requirement {requirement!r}", remedy)]) from error
    try:
        found = metadata.distribution(wanted.name)
    except metadata.PackageNotFoundError as error:
        remedy = f"install it (python -m pip install {str(wanted)!r}) or take it off the list"
        raise PluginError([Problem(f"plugin {wanted.name} is not installed", remedy)]) from error
    name, version = found.metadata["Name"], found.version
    if not wanted.specifier.contains(version, prereleases=True):
        remedy = f"install a version that is {wanted.specifier}, or change the requirement"
        raise PluginError([Problem(f"plugin {name} is version {version}", remedy)])
    points = [point for point in found.entry_points if point.group == GROUP]
    if not points:
        remedy = f"it needs an entry point in the group {GROUP!r}; ask its author"
        raise PluginError([Problem(f"{name} {version} is no comorbid plugin", remedy)])
    return Distribution(name, version, tuple(_import(point, name, version) for point in points))


def installed_plugins() -> tuple[tuple[str, str], ...]:
    """Return name and version of every installed distribution with a comorbid entry point."""
    found = {
        (entry.metadata["Name"], entry.version)
        for entry in metadata.distributions()
        if any(point.group == GROUP for point in entry.entry_points)
    }
    return tuple(sorted(found))


def _import(point: metadata.EntryPoint, name: str, version: str) -> object:
    try:
        return point.load()
    except (Exception, SystemExit) as error:
        cause = f"{type(error).__name__}: {error}"
        remedy = "update or remove it, or take it off the list"
        raise PluginError(
            [Problem(f"plugin {name} {version} fails on import ({point.value}): {cause}", remedy)]
        ) from error


def _register(manager: pluggy.PluginManager, distribution: Distribution) -> list[Problem]:
    problems = []
    specified = {f"comorbid_{kind}" for kind in _KINDS}
    for plugin in distribution.plugins:
        for name, function in inspect.getmembers(plugin, callable):
            if not name.startswith("comorbid_"):
                continue
            if name not in specified:
                near = difflib.get_close_matches(name, sorted(specified), 1)
                hint = f"did you mean {near[0]}?" if near else f"use one of {sorted(specified)}"
                problems.append(Problem(f"{distribution.origin}: unknown hook {name}", hint))
            elif not hasattr(function, f"{GROUP}_impl"):
                remedy = "put @comorbid.hookimpl above it"
                problems.append(Problem(f"{distribution.origin}: {name} is not marked", remedy))
        try:
            manager.register(plugin, name=f"{distribution.origin}:{len(manager.get_plugins())}")
        except (pluggy.PluginValidationError, ValueError) as error:
            remedy = "a hook takes no argument; see plugins/README.md"
            problems.append(Problem(f"{distribution.origin}: {error}", remedy))
    return problems


def _collect(
    manager: pluggy.PluginManager,
    distributions: Sequence[Distribution],
    kind: str,
    problems: list[Problem],
) -> tuple[Declared[Declaration], ...]:
    """Call one hook, one plugin at a time; problems found are added to the list."""
    collected = []
    everyone = manager.get_plugins()
    for distribution in distributions:
        for plugin in distribution.plugins:
            hook = getattr(manager.hook, f"comorbid_{kind}")
            alone = manager.subset_hook_caller(hook.name, everyone - {plugin})
            where = f"{distribution.origin}, {hook.name}"
            if not hasattr(plugin, hook.name):
                continue
            try:
                returned = alone()
                entries = [entry for result in returned for entry in result]
            except Exception as error:  # noqa: BLE001 - whatever a plugin raises is reported
                cause = f"{type(error).__name__}: {error}"
                remedy = "update or remove the plugin, or take it off the list"
                problems.append(Problem(f"{where} fails: {cause}", remedy))
                continue
            if not returned:
                problems.append(Problem(f"{where} returns nothing", "return an iterable"))
            problems += _wrong(entries, kind, where)
            collected += [Declared(entry, distribution.origin) for entry in entries]
    valid = [entry for entry in collected if isinstance(entry.declaration, _KINDS[kind])]
    return tuple(sorted(valid, key=lambda entry: _id(entry.declaration)))


def _wrong(entries: Sequence[object], kind: str, where: str) -> list[Problem]:
    expected = _KINDS[kind]
    problems = []
    for entry in entries:
        if not isinstance(entry, expected):
            remedy = f"return {expected.__name__} values"
            problems.append(Problem(f"{where} returns a {type(entry).__name__}", remedy))
        else:
            label = f"{where}, {_id(entry)!r}"
            problems += [Problem(f"{label}: {problem}") for problem in problems_of(entry)]
    return problems


def _taken_ids(declared: dict[str, tuple[Declared[Declaration], ...]]) -> list[Problem]:
    owner = {("columns", column.name): "comorbid (a core column)" for column in CORE_COLUMNS}
    problems = []
    for kind, entries in declared.items():
        for entry in entries:
            key = (_SHARED_IDS.get(kind, kind), _id(entry.declaration))
            if key in owner:
                problems.append(
                    Problem(
                        f"{kind[:-1]} {key[1]!r} of {entry.origin} is already declared by "
                        f"{owner[key]}",
                        "use only one of the two plugins, or ask an author to rename it",
                    )
                )
            owner.setdefault(key, entry.origin)
    return problems


def _id(declaration: Declaration) -> str:
    """Return what a declaration is called; a column of a further table with its table."""
    if not isinstance(declaration, Column):
        return declaration.id
    own = declaration.table == STUDIES
    return declaration.name if own else f"{declaration.table}.{declaration.name}"


def hooks_of(distribution: Distribution) -> tuple[str, ...]:
    """Return the names of the hooks that a distribution implements."""
    return tuple(
        f"comorbid_{kind}"
        for kind in _KINDS
        if any(hasattr(plugin, f"comorbid_{kind}") for plugin in distribution.plugins)
    )


def declared_ids(registry: Registry, origin: str) -> dict[str, list[str]]:
    """Return, by kind, the ids that one distribution declares."""
    return {
        field.name: ids
        for field in fields(registry)
        if field.name != "distributions"
        and (
            ids := [
                _id(entry.declaration)
                for entry in getattr(registry, field.name)
                if entry.origin == origin
            ]
        )
    }
