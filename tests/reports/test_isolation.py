"""A plugin that a report does not list, and any order of anything, leave no trace in its files."""

from __future__ import annotations

import itertools
import os
import subprocess
import sys
import types
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.distributions import Distribution
from comorbid.registry import core, registry_of
from comorbid.report.build import build_with
from comorbid.report.definition import read_definition
from comorbid.testing import studies_csv

Install = Callable[..., None]
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
plugins = ["comorbid-used ==1.0"]
sections = ["summary", "forest", "used", "provenance"]
formats = ["html", "markdown", "pdf"]
"""
USED = """
import comorbid as cb

@cb.hookimpl
def comorbid_sections():
    return [cb.Section("used", "Used", lambda context: [cb.Paragraph("A section.")])]
"""
# Each takes what it can: ids of the core and of the plugin in use, the output, the process.
GREEDY = """
import warnings

import comorbid as cb

print("imported")
warnings.warn("imported", UserWarning)

@cb.hookimpl
def comorbid_sections():
    print("asked")
    return [cb.Section(id, "Mine", lambda context: []) for id in ("used", "summary", "forest")]
"""
BROKEN = {
    "raises": "raise RuntimeError('broken')",
    "exits": "import sys; sys.exit(3)",
    "is no Python": "this is no Python",
    "has a wrong hook": "import comorbid\n@comorbid.hookimpl\ndef comorbid_nothing(): ...",
    "needs what is not there": "import a_module_that_nobody_has",
}


def write_report(folder: Path) -> Path:
    folder.mkdir()
    (folder / "report.toml").write_text(TOML, encoding="utf-8")
    (folder / "studies.csv").write_text(studies_csv(4), encoding="utf-8")
    return folder


def built(folder: Path, *path: Path) -> dict[str, bytes]:
    """The files of a report, built in a new process with these folders of plugins on its path."""
    code = "import sys; sys.argv[0] = 'comorbid'; from comorbid.cli import main; main()"
    known = os.environ.get("PYTHONPATH", "")
    where = os.pathsep.join([*map(str, path), *([known] if known else [])])
    done = subprocess.run(
        [sys.executable, "-c", code, "build", str(folder)],
        env={**os.environ, "PYTHONPATH": where},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "asked" not in done.stdout + done.stderr
    assert "imported" not in done.stdout + done.stderr
    return {
        name: (folder / name).read_bytes()
        for name in ("report.html", "report.md", "report.pdf", "results.json")
    }


@pytest.mark.slow
def test_plugins_that_are_not_listed_leave_no_byte(tmp_path: Path, install: Install) -> None:
    """Without any, with one that works, and beside five that are broken in five ways."""
    used, greedy, broken = (tmp_path / name for name in ("used", "greedy", "broken"))
    install(used, "comorbid-used", USED)
    install(greedy, "comorbid-greedy", GREEDY)
    for number, source in enumerate(BROKEN.values()):
        install(broken, f"comorbid-broken-{number}", source)
    alone = built(write_report(tmp_path / "one"), used)
    assert b"A section." in alone["report.html"]
    installed = built(write_report(tmp_path / "two"), used, greedy)
    assert installed == alone
    beside_broken = built(write_report(tmp_path / "three"), broken, greedy, used)
    assert beside_broken == alone


def test_a_plugin_that_is_listed_and_broken_is_named(tmp_path: Path, install: Install) -> None:
    folder = write_report(tmp_path / "report")
    expected = {
        "raises": "fails: RuntimeError: broken",
        "exits": "fails: SystemExit: 3",
        "is no Python": "fails: SyntaxError",
        "has a wrong hook": "unknown hook comorbid_nothing",
        "needs what is not there": "fails: ModuleNotFoundError",
    }
    for number, (what, source) in enumerate(BROKEN.items()):
        name = f"comorbid-broken{number}"
        install(tmp_path / "site", name, source)
        toml = TOML.replace("comorbid-used ==1.0", name)
        (folder / "report.toml").write_text(toml, encoding="utf-8")
        with pytest.MonkeyPatch.context() as patch:
            patch.syspath_prepend(tmp_path / "site")
            with pytest.raises(cb.PluginError) as caught:
                cb.build(folder)
        assert f"{name}@1.0" in str(caught.value), what
        assert expected[what] in str(caught.value), what


# -- the order of everything ---------------------------------------------------------------------


class Mean:
    """A result: a mean."""

    def __init__(self, value: float) -> None:
        self.value = value

    def to_dict(self) -> dict[str, object]:
        return {"mean": self.value}


def contributor(letter: str) -> types.ModuleType:
    """A plugin that contributes one of everything, each called after its letter."""
    made = types.ModuleType(letter)

    def run(context: cb.Context) -> Mean:
        return Mean(float(context.effects.yi.mean()) + ord(letter))

    def build(context: cb.Context) -> tuple[cb.Block, ...]:
        found: Any = context.results[f"{letter}-mean"]
        names = [subgroup.label for subgroup in context.subgroups]
        return (cb.Paragraph(f"{letter} {found.value} {names}"),)

    hooks: dict[str, list[object]] = {
        "columns": [cb.Column(f"{letter}_column", "text")],
        "analyses": [cb.Analysis(f"{letter}-mean", f"Mean {letter}", run)],
        "subgroups": [
            cb.Subgroup(f"{letter}-women", f"{letter} women", {"sex": ("f",)}, "Why.", False)
        ],
        "sections": [
            cb.Section(letter, letter, build, needs=(f"{letter}-mean", f"{letter}-women"))
        ],
    }
    for name, declared in hooks.items():

        def hook(declared: list[object]) -> Callable[[], list[object]]:
            return cb.hookimpl(lambda: declared)

        setattr(made, f"comorbid_{name}", hook(declared))
    return made


def test_no_order_reaches_a_number_or_a_page(tmp_path: Path) -> None:
    """Of distributions, of entry points in one, and of the calls that pluggy makes."""
    toml = TOML.replace('"used"', '"b", "a", "c"').replace('plugins = ["comorbid-used ==1.0"]', "")
    folder = write_report(tmp_path / "report")
    (folder / "report.toml").write_text(toml, encoding="utf-8")
    studies = studies_csv(4, sex=["f", "m", "f", "m"])
    (folder / "studies.csv").write_text(studies, encoding="utf-8")
    definition = read_definition(folder)
    plugins = [contributor(letter) for letter in "abc"]
    pages = set()
    for order in itertools.permutations(plugins):
        one_each = [Distribution(plugin.__name__, "1", (plugin,)) for plugin in order]
        registry = registry_of([*one_each, core()])
        report = build_with(definition, registry, Calls())
        pages.add((report.html, str(report.lock), report.render("markdown")))
    assert len(pages) == 1
    together = {
        build_with(
            definition, registry_of([core(), Distribution("all", "1", order)]), Calls()
        ).html
        for order in itertools.permutations(plugins)
    }
    assert len(together) == 1


# What the core's own analyses require.
OPTIONS = """
[analyses.subgroups]
by = "n"

[analyses.meta-regression]
formula = "~ n"

[analyses.burden]
condition1 = "one"
p1 = 0.2
source1 = "a register"
condition2 = "two"
p2 = 0.1
source2 = "a survey"
"""


def test_the_core_alone_builds_a_report_of_all_its_sections(tmp_path: Path) -> None:
    """In a process of its own, which imports no plugin, whether one is installed or not."""
    folder = write_report(tmp_path / "report")
    sections = [entry.declaration.id for entry in registry_of([core()]).sections]
    toml = TOML.replace('plugins = ["comorbid-used ==1.0"]', "")
    toml = toml.replace('["summary", "forest", "used", "provenance"]', str(sections))
    toml = toml.replace(', "pdf"]', "]") + OPTIONS
    (folder / "report.toml").write_text(toml, encoding="utf-8")
    code = (
        "import sys, comorbid as cb; cb.build(sys.argv[1]).save(); print(cb.verify(sys.argv[1])); "
        "print([name for name in sys.modules if name.startswith('comorbid_')])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *(f"{level}: agree" for level in ("inputs", "numbers", "document", "bytes")),
        "[]",
    ]
