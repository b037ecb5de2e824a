"""Do something with every plugin of the repository, found by folder.

`plugins.py each COMMAND ...` runs a command once a plugin, with the words FOLDER (plugins/x-y),
NAME (x-y) and PACKAGE (the folder of the package x_y) replaced; `plugins.py path COMMAND ...` runs it
once, with the source tree and every plugin on PYTHONPATH; `plugins.py installed` checks that all are
imported from the environment and not from the source tree, and `plugins.py absent` that none is
installed.
"""

from __future__ import annotations

import importlib
import os
import subprocess
import sys
from importlib import metadata
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def plugin_folders() -> list[Path]:
    """Folders that define a plugin, in the order of their names."""
    return sorted(definition.parent for definition in ROOT.glob("plugins/*/pyproject.toml"))


def package_of(plugin: Path) -> str:
    """Name of a plugin's package."""
    return plugin.name.replace("-", "_")


def filled(word: str, plugin: Path) -> str:
    """A word of a command for one plugin."""
    folder = plugin.relative_to(ROOT).as_posix()
    for name, value in {
        "FOLDER": folder,
        "NAME": plugin.name,
        "PACKAGE": f"{folder}/{package_of(plugin)}",
    }.items():
        word = word.replace(name, value)
    return word


def run_each(command: list[str]) -> None:
    """Run a command for one plugin after the other; stop at the first failure."""
    for plugin in plugin_folders():
        words = [filled(word, plugin) for word in command]
        print("+", *words, flush=True)
        subprocess.run(words, cwd=ROOT, check=True)


def run_with_path(command: list[str]) -> None:
    """Run a command with the source tree and every plugin on PYTHONPATH."""
    path = os.pathsep.join(map(str, [ROOT, *plugin_folders()]))
    subprocess.run(command, cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, check=True)


def check_installed() -> None:
    """Every plugin, and comorbid, must come from the environment."""
    for package in ("comorbid", *map(package_of, plugin_folders())):
        file = Path(str(importlib.import_module(package).__file__))
        print(package, file)
        if not file.is_relative_to(sys.prefix):
            sys.exit(f"{package} is imported from {file}, not from {sys.prefix}")


def check_absent() -> None:
    """No distribution may have an entry point in the group comorbid."""
    found = [point.value for point in metadata.entry_points(group="comorbid")]
    if found:
        sys.exit(f"plugins are installed: {', '.join(found)}")


def main() -> None:
    """Do what the first argument says; exit 1 where it fails or there is no plugin."""
    task, *command = sys.argv[1:]
    if not plugin_folders():
        sys.exit(f"no folder in {ROOT / 'plugins'} has a pyproject.toml")
    try:
        match task:
            case "each":
                run_each(command)
            case "path":
                run_with_path(command)
            case "installed":
                check_installed()
            case "absent":
                check_absent()
            case _:
                sys.exit(f"{task}: use each, path, installed or absent")
    except subprocess.CalledProcessError as error:
        sys.exit(f"{' '.join(error.cmd)} ended with exit code {error.returncode}")


if __name__ == "__main__":
    main()
