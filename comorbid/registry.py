"""The registry: finds the plugins that a report lists, checks them, and asks each what it declares.

The only importer of pluggy. Only listed plugins are imported; each hook is called one plugin at a
time, so that a failure is known by its distribution; nothing depends on the order of either.
"""

from __future__ import annotations

import difflib
import importlib
import inspect
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from importlib import metadata
from typing import Any, Generic, TypeVar

import pluggy
from packaging.utils import canonicalize_name

from comorbid import hookspecs
from comorbid.calls import Calls
from comorbid.contributions import (
    Analysis,
    Column,
    Command,
    Declaration,
    Estimator,
    Measure,
    Renderer,
    Section,
    Subgroup,
    Theme,
)
from comorbid.declarations import id_of, problems_of
from comorbid.distributions import CORE, GROUP, Distribution, find_distribution
from comorbid.errors import PluginError, Problem, ProblemsError
from comorbid.studies.columns import CORE_COLUMNS

PREFIX = "comorbid_"
KINDS: dict[str, type[Any]] = {
    "columns": Column,
    "measures": Measure,
    "estimators": Estimator,
    "analyses": Analysis,
    "subgroups": Subgroup,
    "sections": Section,
    "themes": Theme,
    "renderers": Renderer,
    "commands": Command,
}
HOOKS = tuple(f"{PREFIX}{kind}" for kind in KINDS)
CORE_COMMANDS = ("build", "check", "diff", "new", "plugins", "pool", "pool-many", "verify")
"""Names of comorbid's own commands, which no plugin may take."""

# Results of analyses and subgroups are locked side by side and share one set of ids.
_SHARED_IDS = {"subgroups": "analyses"}
_MARK = f"{GROUP}_impl"

D = TypeVar("D", bound=Declaration, covariant=True)
F = TypeVar("F", bound=Callable[..., Any])

_hookspec = pluggy.HookspecMarker(GROUP)
for _name in HOOKS:
    _hookspec(getattr(hookspecs, _name))


def hookimpl(function: F) -> F:
    """Mark a function of a plugin as one of its hooks; it is used as a decorator.

    Parameters
    ----------
    function : callable
        Named after the hook, without parameters.

    Returns
    -------
    callable
        The function itself.

    Examples
    --------
    >>> @hookimpl
    ... def comorbid_columns():
    ...     return (Column("icd_code", "text", description="the code of the diagnosis"),)
    """
    return pluggy.HookimplMarker(GROUP)(function)


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
    themes: tuple[Declared[Theme], ...]
    renderers: tuple[Declared[Renderer], ...]
    commands: tuple[Declared[Command], ...]

    def find(self, kind: str, id: str) -> Declared[Any]:  # noqa: A002
        """Return the declaration of this kind and id; `PluginError` names those that exist."""
        known: dict[str, Declared[Any]]
        known = {id_of(entry.declaration): entry for entry in getattr(self, kind)}
        if id not in known:
            near = difflib.get_close_matches(id, known, 1)
            hint = f"did you mean {near[0]!r}? " if near else ""
            remedy = f"{hint}use one of {', '.join(sorted(known))}"
            raise PluginError([Problem(f"no {singular(kind)} {id!r}", remedy)])
        return known[id]

    def ids_of(self, origin: str) -> dict[str, list[str]]:
        """Return, by kind, the ids that one distribution declares."""
        found = {
            kind: [id_of(e.declaration) for e in getattr(self, kind) if e.origin == origin]
            for kind in KINDS
        }
        return {kind: ids for kind, ids in found.items() if ids}


def hooks_of(distribution: Distribution) -> tuple[str, ...]:
    """Return the names of the hooks that a distribution implements."""
    return tuple(h for h in HOOKS if any(hasattr(plugin, h) for plugin in distribution.plugins))


def singular(kind: str) -> str:
    """Return the word for one of a kind.

    Examples
    --------
    >>> singular("analyses"), singular("sections")
    ('analysis', 'section')
    """
    return "analysis" if kind == "analyses" else kind.removesuffix("s")


def load_registry(requirements: Sequence[str] = (), calls: Calls | None = None) -> Registry:
    """Load comorbid's own contributions and those of the plugins required.

    Parameters
    ----------
    requirements : sequence of str
        As in ``report.toml``: ``"comorbid-migraine >=1,<2"``. Nothing else is imported.
    calls : Calls, optional
        Makes and records the calls.

    Returns
    -------
    Registry

    Raises
    ------
    PluginError
        All problems at once: not installed, wrong version, listed twice, fails on import, unknown
        hook, a hook that raises or returns the wrong type, an id that is taken.

    Examples
    --------
    >>> load_registry().find("estimators", "REML").origin.split("@")[0]
    'comorbid'
    """
    calls = calls or Calls()
    found = [core()]
    problems: list[Problem] = []
    for requirement in requirements:
        try:
            found.append(find_distribution(requirement, calls))
        except PluginError as error:
            problems.extend(error.problems)
    if problems:
        raise PluginError(problems)
    return registry_of(found, calls)


def core() -> Distribution:
    """Return comorbid itself: its contributions are loaded by name, as a plugin's are."""
    builtin = importlib.import_module("comorbid.builtin")
    return Distribution(CORE, metadata.version(CORE), (builtin,))


def registry_of(distributions: Iterable[Distribution], calls: Calls | None = None) -> Registry:
    """Collect what these distributions declare; raise `PluginError` with all problems at once."""
    calls = calls or Calls()
    ordered = tuple(sorted(distributions, key=lambda entry: (entry.name != CORE, entry.name)))
    manager = pluggy.PluginManager(GROUP)
    manager.add_hookspecs(hookspecs)
    problems = _repeated(ordered)
    for distribution in ordered:
        problems += _wrong_hooks(distribution)
    if problems:
        raise PluginError(problems)
    for distribution in ordered:
        for plugin in distribution.plugins:
            manager.register(plugin, name=f"{distribution.origin}:{len(manager.get_plugins())}")
    declared = {kind: _collect(manager, ordered, kind, calls, problems) for kind in KINDS}
    problems += _taken_ids(declared)
    if problems:
        raise PluginError(problems)
    return Registry(distributions=ordered, **declared)  # type: ignore[arg-type]


def _repeated(distributions: Sequence[Distribution]) -> list[Problem]:
    """Return a problem for every distribution, and every object in one, that is there twice."""
    names = Counter(canonicalize_name(entry.name) for entry in distributions)
    problems = [
        Problem(f"plugin {name} is listed twice", "list it once")
        for name, times in names.items()
        if times > 1
    ]
    for entry in distributions:
        if len({id(plugin) for plugin in entry.plugins}) < len(entry.plugins):
            remedy = "it needs one entry point; ask its author"
            problems.append(Problem(f"{entry.origin}: two entry points name one object", remedy))
    return problems


def _wrong_hooks(distribution: Distribution) -> list[Problem]:
    """Return what is wrong with the names, marks and signatures of a distribution's hooks."""
    problems = []
    for plugin in distribution.plugins:
        for name, function in inspect.getmembers(plugin, callable):
            marked = isinstance(getattr(function, _MARK, None), dict)
            if not marked and not name.startswith(PREFIX):
                continue
            where = f"{distribution.origin}: "
            if name not in HOOKS:
                near = difflib.get_close_matches(name, HOOKS, 1)
                hint = f"did you mean {near[0]}?" if near else f"use one of {', '.join(HOOKS)}"
                problems.append(Problem(f"{where}unknown hook {name}", hint))
            elif not marked:
                remedy = "put @comorbid.hookimpl above it"
                problems.append(Problem(f"{where}{name} is not marked", remedy))
            elif parameters := ", ".join(inspect.signature(function).parameters):
                remedy = f"a hook takes no argument: write def {name}()"
                problems.append(Problem(f"{where}{name} takes {parameters}", remedy))
    return problems


def _collect(
    manager: pluggy.PluginManager,
    distributions: Sequence[Distribution],
    kind: str,
    calls: Calls,
    problems: list[Problem],
) -> tuple[Declared[Declaration], ...]:
    """Call one hook, one plugin at a time; problems found are added to the list."""
    hook = f"{PREFIX}{kind}"
    collected = []
    for distribution in distributions:
        for plugin in distribution.plugins:
            if not hasattr(plugin, hook):
                continue
            alone = manager.subset_hook_caller(hook, manager.get_plugins() - {plugin})
            try:
                entries = calls.make(distribution.origin, hook, _entries, alone)
            except ProblemsError as error:
                problems += error.problems
                continue
            problems += _wrong_entries(entries, kind, f"{distribution.origin}, {hook}")
            collected += [Declared(entry, distribution.origin) for entry in entries]
    valid = [entry for entry in collected if isinstance(entry.declaration, KINDS[kind])]
    return tuple(sorted(valid, key=lambda entry: id_of(entry.declaration)))


def _entries(alone: Callable[[], list[Iterable[Any]]]) -> list[Any]:
    """Return what one plugin's hook declares; pluggy drops a None."""
    returned = alone()
    if not returned:
        raise TypeError("it returns nothing; return an iterable of declarations")
    return list(returned[0])


def _wrong_entries(entries: Sequence[object], kind: str, where: str) -> list[Problem]:
    problems = []
    for entry in entries:
        if not isinstance(entry, KINDS[kind]):
            remedy = f"return {KINDS[kind].__name__} values"
            problems.append(Problem(f"{where} returns a {type(entry).__name__}", remedy))
        else:
            label = f"{where}, {id_of(entry)!r}"
            problems += [Problem(f"{label}: {problem}") for problem in problems_of(entry)]
    return problems


def _taken_ids(declared: dict[str, tuple[Declared[Declaration], ...]]) -> list[Problem]:
    owner = {("columns", column.name): "comorbid (a core column)" for column in CORE_COLUMNS}
    owner |= {("commands", name): "comorbid (a core command)" for name in CORE_COMMANDS}
    problems = []
    for kind, entries in declared.items():
        for entry in entries:
            key = (_SHARED_IDS.get(kind, kind), id_of(entry.declaration))
            if key in owner:
                problems.append(
                    Problem(
                        f"{singular(kind)} {key[1]!r} of {entry.origin} is already declared by "
                        f"{owner[key]}",
                        "use only one of the two plugins, or ask an author to rename it",
                    )
                )
            owner.setdefault(key, entry.origin)
    return problems
