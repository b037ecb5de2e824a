"""The files at the top agree with each other, and what the README prints is what happens."""

from __future__ import annotations

import ast
import configparser
import importlib.metadata
import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
CONTRIBUTING = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
PLUGINS = sorted(path.parent for path in ROOT.glob("plugins/*/pyproject.toml"))


def ini(name: str) -> configparser.ConfigParser:
    """One of the ini files at the top."""
    parser = configparser.ConfigParser(interpolation=None)
    parser.read_string((ROOT / name).read_text(encoding="utf-8"))
    return parser


SETUP = ini("setup.cfg")
TOX = ini("tox.ini")


def lines(text: str) -> list[str]:
    """The lines of an ini value that say something."""
    return [line for line in map(str.strip, text.splitlines()) if line and not line.startswith("#")]


def required() -> dict[str, Requirement]:
    """What setup.cfg requires, also for extras, by canonical name."""
    named = SETUP["options"]["install_requires"], *SETUP["options.extras_require"].values()
    found = [Requirement(line) for text in named for line in lines(text)]
    return {canonicalize_name(requirement.name): requirement for requirement in found}


def pins(text: list[str]) -> dict[str, str]:
    """Versions of `name==version` lines by canonical name."""
    pairs = [line.split("==") for line in text]
    return {canonicalize_name(name): version for name, version in pairs}


def readme_command(name: str) -> str:
    """The code block of the README that .ci/run takes for a command."""
    found = re.findall(rf"^<!-- ci:{name} -->\n```sh\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    assert len(found) == 1
    return str(found[0]).strip()


def env_list() -> list[str]:
    """The environments that `tox run` runs."""
    return [name.strip() for name in TOX["tox"]["env_list"].split(",")]


def is_environment(name: str) -> bool:
    """Whether tox.ini defines an environment, by a section or as a Python version."""
    return TOX.has_section(f"testenv:{name}") or re.fullmatch(r"py3\d\d", name) is not None


# -- the two commands ----------------------------------------------------------------------------


def test_readme_opens_with_two_commands_of_one_line() -> None:
    report, test = readme_command("report"), readme_command("test")
    assert "\n" not in report
    assert "\n" not in test
    assert report == f"{test} -e reports"
    assert test.endswith(".venv/bin/tox run")
    assert README.index("ci:report") < README.index("ci:test") < README.index("\n## ")


@pytest.fixture
def rehearsal(tmp_path: Path) -> Path:
    """A repository with the real .ci/run, whose commands only write down their turn."""
    (tmp_path / ".ci").mkdir()
    shutil.copy(ROOT / ".ci" / "run", tmp_path / ".ci" / "run")
    (tmp_path / "README.md").write_text(
        README.replace(readme_command("report"), "echo report >> turns").replace(
            readme_command("test"), "echo test >> turns"
        ),
        encoding="utf-8",
    )
    tox = tmp_path / ".venv" / "bin" / "tox"
    tox.parent.mkdir(parents=True)
    tox.write_text('#!/bin/sh\necho "tox $*" >> turns\n', encoding="utf-8")
    tox.chmod(0o755)
    lock = tmp_path / "reports" / "one" / "results.json"
    lock.parent.mkdir(parents=True)
    lock.write_text("{}", encoding="utf-8")
    subprocess.run(["git", "init", "--quiet"], cwd=tmp_path, check=True)
    subprocess.run(["git", "add", "reports"], cwd=tmp_path, check=True)
    return tmp_path


def run_ci(repository: Path) -> subprocess.CompletedProcess[str]:
    """Run a repository's .ci/run from elsewhere, with nothing to read on standard input."""
    return subprocess.run(
        ["bash", str(repository / ".ci" / "run")],
        cwd="/",
        env={key: value for key, value in os.environ.items() if not key.startswith("GIT_")},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )


def test_ci_runs_the_commands_of_the_readme_in_order(rehearsal: Path) -> None:
    done = run_ci(rehearsal)
    assert done.returncode == 0, done.stderr
    turns = (rehearsal / "turns").read_text(encoding="utf-8").splitlines()
    assert turns == ["test", "report", "tox run -e verify"]
    assert "+ echo test >> turns" in done.stdout


def test_ci_stops_at_the_first_failure(rehearsal: Path) -> None:
    readme = rehearsal / "README.md"
    broken = readme.read_text(encoding="utf-8").replace("echo test >> turns", "exit 3")
    readme.write_text(broken, encoding="utf-8")
    assert run_ci(rehearsal).returncode == 3
    assert not (rehearsal / "turns").exists()


def test_ci_fails_without_a_command_to_run(rehearsal: Path) -> None:
    (rehearsal / "README.md").write_text("# empty\n", encoding="utf-8")
    done = run_ci(rehearsal)
    assert done.returncode == 1
    assert "no command to run" in done.stderr


def test_ci_fails_when_a_lock_differs_from_the_committed_one(rehearsal: Path) -> None:
    (rehearsal / "reports" / "one" / "results.json").write_text('{"k": 7}', encoding="utf-8")
    done = run_ci(rehearsal)
    assert done.returncode == 1
    assert '+{"k": 7}' in done.stdout


# -- setup.cfg, pyproject.toml, tox.ini ----------------------------------------------------------


def test_pyproject_leaves_what_the_distribution_is_to_setup_cfg() -> None:
    assert "project" not in PYPROJECT
    assert "setuptools" not in PYPROJECT["tool"]


def test_installed_version_is_that_of_setup_cfg_and_has_its_changes() -> None:
    version = SETUP["metadata"]["version"]
    assert importlib.metadata.version("comorbid") == version
    assert f"\n## [{version}]" in (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")


def test_python_versions_agree() -> None:
    tested = [name for name in env_list() if name.startswith("py3")]
    listed = re.findall(r"Python :: 3\.(\d+)", SETUP["metadata"]["classifiers"])
    assert tested == [f"py3{minor}" for minor in listed]
    assert SETUP["options"]["python_requires"] == f">=3.{listed[0]}"
    assert PYPROJECT["tool"]["ruff"]["target-version"] == tested[0]
    assert PYPROJECT["tool"]["mypy"]["python_version"] == f"3.{listed[0]}"


def test_pinned_versions_satisfy_the_requirements() -> None:
    pinned = pins(lines((ROOT / "reports" / "constraints.txt").read_text(encoding="utf-8")))
    for name, requirement in required().items():
        assert pinned[name] in requirement.specifier, name


def test_lowest_installs_exactly_the_lower_bounds() -> None:
    bounds = {name: str(wanted.specifier) for name, wanted in required().items()}
    file = ROOT / TOX["testenv:lowest"]["constraints"]
    lowest = pins(lines(file.read_text(encoding="utf-8")))
    assert bounds == {name: f">={version}" for name, version in lowest.items()}


def imported_by(module: Path) -> set[str]:
    """Top-level names of the packages that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(module.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name.partition(".")[0] for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names


def test_every_package_imported_is_required() -> None:
    modules = list((ROOT / "comorbid").rglob("*.py"))
    imported = {canonicalize_name(name) for module in modules for name in imported_by(module)}
    assert {"numpy", "pandas"} <= imported
    # comorbid.testing is for the tests of plugins, which pytest runs.
    assert imported - {"comorbid", "pytest"} - required().keys() == set()


def test_every_environment_is_defined_and_explained() -> None:
    assert len(set(env_list())) == len(env_list())
    assert [name for name in env_list() if not is_environment(name)] == []
    sections = {name.removeprefix("testenv:") for name in TOX.sections() if ":" in name}
    explained = set(
        re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\| (`.*?) \|", CONTRIBUTING)))
    )
    assert sections <= explained
    assert [name for name in explained if not is_environment(name)] == []


def test_every_environment_named_in_the_texts_exists() -> None:
    texts = README + CONTRIBUTING + (ROOT / ".ci" / "run").read_text(encoding="utf-8")
    named = set(re.findall(r"tox run -e (\w+)", texts))
    assert {"reports", "verify"} <= named
    assert [name for name in named if not is_environment(name)] == []


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda path: str(path.name))
def test_every_plugin_is_among_the_layers_and_checks_itself(plugin: Path) -> None:
    package = plugin.name.replace("-", "_")
    tests = [path.read_text(encoding="utf-8") for path in plugin.glob("tests/test_*.py")]
    assert any(f"check_plugin({package}" in test for test in tests)
    assert package in PYPROJECT["tool"]["importlinter"]["root_packages"]
    for contract in PYPROJECT["tool"]["importlinter"]["contracts"][-2:]:
        assert package in contract["source_modules"] + contract["forbidden_modules"]


def test_plugins_are_found_by_folder() -> None:
    assert PLUGINS
    for environment in ("testenv", "testenv:type", "testenv:plugins", "testenv:dist"):
        settings = TOX[environment]
        commands = settings.get("commands_pre", "") + settings.get("commands", "")
        assert "plugins.py each" in commands
        assert "comorbid-" not in commands


# -- what the README shows -----------------------------------------------------------------------


@pytest.fixture(scope="module")
def example(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, dict[str, Any]]]:
    """The folder and the names that the README's Python example leaves behind."""
    folder = tmp_path_factory.mktemp("readme")
    shutil.copytree(ROOT / "reports" / "headache-back-pain", folder / "reports/headache-back-pain")
    code = "".join(re.findall(r"^```python\n(.*?)^```$", README, re.DOTALL | re.MULTILINE))
    names: dict[str, Any] = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        exec(compile(code, "README.md", "exec"), names)
        yield folder, names


@pytest.mark.slow
def test_python_example_gives_the_figures_of_the_readme(
    example: tuple[Path, dict[str, Any]],
) -> None:
    # metafor 5.0-1, rma(yi, vi, method="REML", test="knha") on the same six estimates
    pooled = example[1]["fit"].on_scale()
    shown = [f"{value:.2f}" for value in (pooled.estimate, *pooled.ci, *pooled.pi)]
    assert shown == ["2.29", "1.88", "2.80", "1.43", "3.69"]
    prose = " ".join(README.split())
    low, high, predicted_low, predicted_high = shown[1:]
    assert f"an odds ratio of {shown[0]} (95 % interval {low} to {high})" in prose
    assert f"anywhere from {predicted_low} to {predicted_high}" in prose


@pytest.mark.slow
def test_python_example_writes_its_files(example: tuple[Path, dict[str, Any]]) -> None:
    folder = example[0]
    assert (folder / "forest.svg").read_text(encoding="utf-8").count("<svg") == 1
    report = folder / "reports" / "headache-back-pain"
    assert (report / "report.pdf").read_bytes().startswith(b"%PDF-")


def test_command_table_lists_the_commands() -> None:
    from comorbid.cli import main

    assert set(re.findall(r"^\| `comorbid ([\w-]+)", README, re.MULTILINE)) == set(main.commands)


def test_sample_definition_is_one_that_comorbid_reads(tmp_path: Path) -> None:
    from comorbid.report.definition import read_definition

    (sample,) = re.findall(r"^```toml\n(.*?)^```$", README, re.DOTALL | re.MULTILINE)
    (tmp_path / "report.toml").write_text(sample, encoding="utf-8")
    (tmp_path / "studies.csv").write_text("id\n", encoding="utf-8")
    definition = read_definition(tmp_path)
    assert definition.plugins == ("comorbid-migraine >=1,<2",)
    assert [override.estimate for override in definition.overrides] == ["ghandour2004-1"]


def test_links_between_the_texts_lead_somewhere() -> None:
    targets = re.findall(r"\]\((?!https?:)([^)#]+)\)", README + CONTRIBUTING)
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


# -- every text file -----------------------------------------------------------------------------

NOT_OURS = {"__pycache__", "build"}
PATH_OF_A_MACHINE = re.compile(r"/(?:home|root|Users|work|tmp/w)/")
REGISTRY = re.compile(
    r"pypi\.org|pythonhosted\.org|registry\.npmjs\.org|deb\.debian\.org|anaconda\.org|crates\.io"
)


def is_ours(folder: str) -> bool:
    """Whether a folder is part of the project, not left behind by a tool."""
    hidden = folder.startswith(".") and folder != ".ci"
    return not hidden and folder not in NOT_OURS and not folder.endswith(".egg-info")


def text_files() -> Iterator[tuple[str, str]]:
    """Name and content of every text file of the project."""
    for folder, folders, names in os.walk(ROOT):
        folders[:] = [name for name in folders if is_ours(name)]
        for name in names:
            path = Path(folder, name)
            try:
                yield path.relative_to(ROOT).as_posix(), path.read_text(encoding="utf-8")
            except UnicodeDecodeError:
                continue


@pytest.mark.parametrize("pattern", [PATH_OF_A_MACHINE, REGISTRY], ids=["path", "registry"])
def test_no_text_names_a_place_that_only_we_have(pattern: re.Pattern[str]) -> None:
    found = [(name, hit.group()) for name, text in text_files() for hit in pattern.finditer(text)]
    assert found == []


def test_the_texts_are_really_searched() -> None:
    names = {name for name, _ in text_files()}
    assert {"README.md", ".ci/run", "comorbid/__init__.py"} <= names
    assert PATH_OF_A_MACHINE.search("/".join(["", "home", "me"]) + "/")
    assert REGISTRY.search(".".join(["https://pypi", "org"]))
