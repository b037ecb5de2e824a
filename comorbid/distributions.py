"""Distributions: the installed plugins, found by requirement, checked by version and imported."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from importlib import metadata

from packaging.requirements import InvalidRequirement, Requirement

from comorbid.calls import CORE as CORE, Calls
from comorbid.errors import PluginError, Problem

GROUP = "comorbid"
"""The entry-point group by which plugins are found."""


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


def find_distribution(requirement: str, calls: Calls | None = None) -> Distribution:
    """Find, check and import the one distribution that meets a requirement."""
    try:
        wanted = Requirement(requirement)
    except InvalidRequirement as error:
        remedy = "write a name and versions, such as 'comorbid-migraine >=1,<2'"
        raise PluginError([Problem(f"plugin requirement {requirement!r}", remedy)]) from error
    try:
        found = metadata.distribution(wanted.name)
    except metadata.PackageNotFoundError as error:
        near = difflib.get_close_matches(wanted.name, dict(installed_plugins()), 1)
        hint = f"did you mean {near[0]!r}? Otherwise " if near else ""
        remedy = f"{hint}install it (python -m pip install {str(wanted)!r}) or take it off the list"
        raise PluginError([Problem(f"plugin {wanted.name} is not installed", remedy)]) from error
    name, version = found.metadata["Name"], found.version
    if not wanted.specifier.contains(version, prereleases=True):
        remedy = f"install a version that is {wanted.specifier}, or change the requirement"
        raise PluginError([Problem(f"plugin {name} is version {version}", remedy)])
    _check_core_version(found)
    points = [point for point in found.entry_points if point.group == GROUP]
    if not points:
        remedy = f"it needs an entry point in the group {GROUP!r}; ask its author"
        raise PluginError([Problem(f"{name} {version} is no comorbid plugin", remedy)])
    calls = calls or Calls()
    origin = f"{name}@{version}"
    loaded = [calls.make(origin, f"import of {point.value}", point.load) for point in points]
    return Distribution(name, version, tuple(loaded))


def installed_plugins() -> tuple[tuple[str, str], ...]:
    """Return name and version of every installed distribution with a comorbid entry point.

    What an interrupted installation left behind, without a name, is none.
    """
    found = {
        (entry.metadata["Name"], entry.version)
        for entry in metadata.distributions()
        if _has_name(entry) and any(point.group == GROUP for point in entry.entry_points)
    }
    return tuple(sorted(found))


def _has_name(entry: metadata.Distribution) -> bool:
    try:
        return bool(entry.metadata["Name"])
    except FileNotFoundError:  # of importlib_metadata, which finds distributions once imported
        return False


def _check_core_version(found: metadata.Distribution) -> None:
    """Raise if a plugin asks for another comorbid: pip lets it be installed all the same."""
    here = metadata.version(CORE)
    for line in found.requires or ():
        needed = Requirement(line)
        if needed.name == CORE and not needed.specifier.contains(here, prereleases=True):
            message = f"plugin {found.metadata['Name']} {found.version} needs {needed}"
            remedy = f"this is comorbid {here}; install versions that fit together"
            raise PluginError([Problem(message, remedy)])
