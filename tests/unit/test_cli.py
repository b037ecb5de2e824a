from __future__ import annotations

import re
import shutil
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from comorbid.cli import main

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"
INPUTS = ("report.toml", "studies.csv", "treatments.csv", "references.bib", "second-engine.json")
STUDIES = REPORT / "studies.csv"
CLEAN = "study_id,measure,estimate,ci_low,ci_high\na,OR,2.00,1.00,4.00\nb,OR,3.00,1.50,6.00\n"


def run(*arguments: str | Path) -> Result:
    return CliRunner().invoke(main, [str(argument) for argument in arguments])


@pytest.fixture
def clean(tmp_path: Path) -> Path:
    path = tmp_path / "clean.csv"
    path.write_text(CLEAN, encoding="utf-8")
    return path


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    path = tmp_path / "broken.csv"
    path.write_text(CLEAN.replace("1.00,4.00", "4.00,1.00"), encoding="utf-8")
    return path


def test_check_of_clean_data_exits_0(clean: Path) -> None:
    result = run("check", clean)
    assert (result.exit_code, result.stdout.strip()) == (0, "nothing found")
    assert result.stderr == "studies: 2 rows read\n"


def test_one_row_is_one_row(tmp_path: Path) -> None:
    path = tmp_path / "one.csv"
    path.write_text("\n".join(CLEAN.splitlines()[:2]) + "\n", encoding="utf-8")
    assert run("check", path).stderr == "studies: 1 row read\n"


def test_check_that_finds_an_error_exits_1() -> None:
    result = run("check", STUDIES)
    assert result.exit_code == 1
    assert "error: impossible-interval (ghandour2004-1)" in result.stdout


@pytest.mark.parametrize("command", ["check", "pool"])
def test_unreadable_table_exits_1_without_a_traceback(command: str, broken: Path) -> None:
    result = run(command, broken)
    assert result.exit_code == 1
    assert "broken.csv, line 2, column ci_low" in result.stderr
    assert "Traceback" not in result.output


def test_pool_prints_the_result(clean: Path) -> None:
    result = run("pool", clean, "--method", "DL", "--test", "z")
    assert result.exit_code == 0
    assert "Random-effects model (k = 2; tau^2 estimator: DL; test: z)" in result.stdout
    assert result.stderr == "studies: 2 rows read\neffects: 2\n"


def test_pool_warns_of_what_the_audit_finds() -> None:
    result = run("pool", STUDIES)
    assert result.exit_code == 0
    assert "warning: the audit finds an error: Ghandour 2004" in result.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ("check",),
        ("check", "no-such-file.csv"),
        ("build", "no-such-folder"),
        ("pool", STUDIES, "--level", "high"),
        ("pool", STUDIES, "--colour"),
        ("pul", STUDIES),
    ],
)
def test_wrong_usage_exits_2(arguments: tuple[str | Path, ...]) -> None:
    assert run(*arguments).exit_code == 2


@pytest.mark.parametrize("arguments", [("--method", "REMLL"), ("--test", "x"), ("--level", "95")])
def test_wrong_setting_exits_2_and_lists_what_is_allowed(
    clean: Path, arguments: tuple[str, str]
) -> None:
    result = run("pool", clean, *arguments)
    assert result.exit_code == 2
    assert "use one of" in result.stderr or "give a proportion" in result.stderr
    assert "rows read" not in result.stderr


@pytest.mark.plugins
def test_build_and_verify(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    for name in INPUTS:
        shutil.copy(REPORT / name, folder)
    result = run("build", folder)
    assert result.exit_code == 0
    lines = [line for line in result.stderr.splitlines() if not line.startswith("waiting for")]
    stages = [line.split(":")[0] for line in lines]
    assert stages == [
        *("definition", "plugins", "studies", "results", "document", "html"),
        *("pdf", "written", "written", "written"),
    ]
    result = run("verify", folder)
    assert (result.exit_code, result.stdout) == (
        0,
        "inputs: agree\nnumbers: agree\ndocument: agree\nbytes: agree\n",
    )


def test_verify_without_a_lock_exits_1(tmp_path: Path) -> None:
    for name in INPUTS:
        shutil.copy(REPORT / name, tmp_path)
    result = run("verify", tmp_path)
    assert result.exit_code == 1
    assert "run comorbid build first" in result.stderr


def test_warnings_are_printed_as_text(tmp_path: Path) -> None:
    path = tmp_path / "studies.csv"
    text = "study_id,estimate_id,measure,estimate,se\na,a-1,OR,2,0.3\na,a-2,OR,3,0.4\n"
    path.write_text(text, encoding="utf-8")
    result = run("pool", path)
    assert result.exit_code == 0
    assert "warning: several rows about the same people" in result.stderr


@pytest.mark.plugins
def test_plugins_lists_hooks_and_ids() -> None:
    result = run("plugins")
    assert result.exit_code == 0
    assert "comorbid-migraine 1." in result.stdout
    hooks = "comorbid_analyses, comorbid_subgroups, comorbid_sections, comorbid_commands"
    assert f"  hooks: {hooks}" in result.stdout
    assert "  sections: migraine" in result.stdout
    assert "  commands: migraine" in result.stdout


CORE_ONLY = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["forest", "provenance"]
formats = ["html"]
"""


@pytest.fixture
def core_only(tmp_path: Path, clean: Path) -> Path:
    """A report on the clean table, without plugins."""
    folder = tmp_path / "core-only"
    folder.mkdir()
    (folder / "report.toml").write_text(CORE_ONLY, encoding="utf-8")
    shutil.copy(clean, folder / "studies.csv")
    return folder


@pytest.fixture
def plugged(
    tmp_path: Path, install: Callable[..., None], monkeypatch: pytest.MonkeyPatch
) -> Callable[[str, str], None]:
    """Install a plugin of this name and source for the time of a test."""
    site = tmp_path / "site"
    site.mkdir()
    monkeypatch.syspath_prepend(site)

    def plug(name: str, source: str) -> None:
        install(site, name, source)
        monkeypatch.delitem(sys.modules, name.replace("-", "_"), raising=False)

    return plug


COMMAND = """
import click
import comorbid as cb

@click.command("{name}")
@click.argument("word")
def command(word):
    "Say a word."
    if word == "fail":
        raise KeyError("k")
    if word == "data":
        raise cb.DataError("no such study")
    click.echo("it says " + word)

@cb.hookimpl
def comorbid_commands():
    return [command]
"""


def test_a_command_of_a_plugin(plugged: Callable[[str, str], None]) -> None:
    plugged("comorbid-talk1", COMMAND.format(name="talk-one"))
    result = run("talk-one", "hello")
    assert (result.exit_code, result.stdout) == (0, "it says hello\n")
    assert run("talk-one").exit_code == 2
    assert "Say a word." in run("talk-one", "--help").stdout
    assert "  commands: talk-one" in run("plugins").stdout


def test_a_command_of_a_plugin_that_fails_is_named(plugged: Callable[[str, str], None]) -> None:
    plugged("comorbid-talk2", COMMAND.format(name="talk-two"))
    result = run("talk-two", "fail")
    assert result.exit_code == 1
    assert result.stderr == "error: comorbid-talk2@1.0, command 'talk-two' fails: KeyError: 'k'\n"
    assert run("talk-two", "data").stderr == "error: no such study\n"


def test_help_and_core_commands_load_no_plugin(
    plugged: Callable[[str, str], None], clean: Path
) -> None:
    plugged("comorbid-talk3", "raise SystemExit('imported')")
    result = run("--help")
    commands = result.stdout.partition("Commands:")[2]
    assert "Compare two reports." in commands
    assert "..." not in commands  # each says what it does in one line
    assert result.exit_code == 0
    assert "`comorbid plugins` lists them" in result.stdout
    assert run("check", clean).exit_code == 0
    assert "comorbid_talk3" not in sys.modules


def test_an_unknown_command_says_which_plugins_could_not_be_asked(
    plugged: Callable[[str, str], None],
) -> None:
    plugged("comorbid-talk4", "raise RuntimeError('broken')")
    plugged("comorbid-talk5", COMMAND.format(name="talk-five"))
    assert run("talk-five", "hello").stderr == ""
    result = run("talk-six")
    assert result.exit_code == 2
    assert "warning: comorbid-talk4@1.0, import of comorbid_talk4 fails: Runtime" in result.stderr
    assert "No such command 'talk-six'" in result.stderr


def test_two_plugins_with_one_command(plugged: Callable[[str, str], None]) -> None:
    plugged("comorbid-talk7", COMMAND.format(name="talk"))
    plugged("comorbid-talk8", COMMAND.format(name="talk"))
    result = run("talk", "hello")
    assert result.exit_code == 2
    message = "comorbid-talk7@1.0 and comorbid-talk8@1.0 both have a command 'talk'; uninstall one"
    assert message in result.stderr


def test_what_only_looks_like_a_command(plugged: Callable[[str, str], None]) -> None:
    source = (
        "import types, comorbid as cb\n"
        "it = types.SimpleNamespace(name='look', callback=None, params=[], main=print)\n"
        "comorbid_commands = cb.hookimpl(lambda: [it])\n"
    )
    plugged("comorbid-talk9", source)
    result = run("look")
    assert result.exit_code == 1
    assert "comorbid-talk9@1.0, command 'look' is no click.Command" in result.stderr


def test_a_broken_plugin_is_listed_with_its_reason(plugged: Callable[[str, str], None]) -> None:
    plugged("comorbid-talk10", "raise RuntimeError('broken')")
    result = run("plugins", "--trace")
    assert result.exit_code == 1
    assert "comorbid-talk10 1.0\n  cannot be used: comorbid-talk10@1.0, import" in result.stdout
    assert " ms  comorbid-talk10@1.0, import of comorbid_talk10" in result.stdout


SLOW = """
import time
import comorbid as cb

def section(context):
    if (context.studies.frame["study_id"] == "bad").any():
        raise ValueError("bad")
    time.sleep(0.05)
    return [cb.Paragraph("text")]

@cb.hookimpl
def comorbid_sections():
    return [cb.Section("slow", "Slow", section)]
"""


@pytest.fixture
def slow(core_only: Path, plugged: Callable[[str, str], None], request: Any) -> Path:
    """The report with a section of a plugin that sleeps."""
    name = f"comorbid-slow-{abs(hash(request.node.name))}"
    plugged(name, SLOW)
    toml = CORE_ONLY.replace('"forest"', '"slow", "forest"') + f'plugins = ["{name}"]\n'
    (core_only / "report.toml").write_text(toml, encoding="utf-8")
    return core_only


def test_trace_of_a_report_shows_every_call_with_its_time(slow: Path) -> None:
    result = run("plugins", slow, "--trace")
    assert result.exit_code == 0, result.stderr
    calls = re.findall(r"^ +([\d.]+) ms  (\S+)@\S+, (.*)$", result.stdout, re.MULTILINE)
    names = [what for _, _, what in calls]
    for what in ("comorbid_sections", "analysis 'pool'", "section 'forest'", "renderer 'html'"):
        assert what in names
    ((time, name, _),) = [call for call in calls if call[2] == "section 'slow'"]
    assert name.startswith("comorbid-slow-")
    assert float(time) >= 50
    assert not (slow / "report.html").exists()


def test_plugins_of_a_report(slow: Path) -> None:
    result = run("plugins", slow)
    assert result.stdout.splitlines()[1:] == ["  hooks: comorbid_sections", "  sections: slow"]
    assert "comorbid-migraine" not in result.stdout


def test_draft_writes_the_pages_and_exits_1(slow: Path) -> None:
    studies = slow / "studies.csv"
    text = studies.read_text(encoding="utf-8").replace("\na,", "\nbad,")
    studies.write_text(text, encoding="utf-8")
    result = run("build", slow)
    assert result.exit_code == 1
    assert "section 'slow' fails: ValueError: bad" in result.stderr
    assert not (slow / "report.html").exists()
    result = run("build", "--draft", slow)
    assert result.exit_code == 1
    assert "error: comorbid-slow" in result.stderr
    page = (slow / "report.html").read_text(encoding="utf-8")
    assert "This section could not be built." in page
    assert not (slow / "results.json").exists()


def test_draft_of_a_report_that_is_whole_is_the_report(slow: Path) -> None:
    assert run("build", "--draft", slow).exit_code == 0
    assert "Draft" not in (slow / "report.html").read_text(encoding="utf-8")
    assert (slow / "results.json").exists()


def test_new_plugin(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = run("new", "plugin", "adults")
    assert result.exit_code == 0
    assert "written: comorbid-adults/comorbid_adults/__init__.py" in result.stderr
    result = run("new", "plugin", "adults")
    assert result.exit_code == 1
    assert "choose another name" in result.stderr


def test_nothing_that_is_printed_steers_the_terminal(tmp_path: Path) -> None:
    """The text of a lock, of a name of a file or of a plugin may hold an escape sequence."""
    folder = tmp_path / "a-report"
    assert run("new", "review", folder).exit_code == 0
    definition = (folder / "report.toml").read_text(encoding="utf-8")
    html = definition.replace('#formats = ["html", "pdf"]', 'formats = ["html"]')
    (folder / "report.toml").write_text(html, encoding="utf-8")
    assert run("build", folder).exit_code == 0
    lock = folder / "results.json"
    text = lock.read_text(encoding="utf-8").replace("restricted", "\\u001b]0;owned\\u0007")
    lock.write_text(text, encoding="utf-8")
    result = run("verify", folder)
    assert result.exit_code == 1
    assert "\N{REPLACEMENT CHARACTER}]0;owned\N{REPLACEMENT CHARACTER}" in result.stdout
    assert not {"\x1b", "\x07"} & set(result.output)
