from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from comorbid.cli import main

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"
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


def test_build_and_verify(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    for name in ("report.toml", "studies.csv", "treatments.csv"):
        shutil.copy(REPORT / name, folder)
    result = run("build", folder)
    assert result.exit_code == 0
    stages = [line.split(":")[0] for line in result.stderr.splitlines()]
    assert stages == [
        *("definition", "plugins", "studies", "results", "document", "html"),
        *("pdf", "written", "written", "written"),
    ]
    result = run("verify", folder)
    assert (result.exit_code, result.stdout) == (0, "inputs: agree\nnumbers: agree\n")


def test_verify_without_a_lock_exits_1(tmp_path: Path) -> None:
    for name in ("report.toml", "studies.csv", "treatments.csv"):
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


def test_plugins_lists_hooks_and_ids() -> None:
    result = run("plugins")
    assert result.exit_code == 0
    assert "comorbid-migraine 1." in result.stdout
    assert "  hooks: comorbid_subgroups, comorbid_sections" in result.stdout
    assert "  sections: migraine" in result.stdout
