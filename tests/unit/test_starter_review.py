"""`comorbid new review`: what it writes works, says the truth, and keeps up with the code."""

from __future__ import annotations

import configparser
import csv
import dataclasses
import datetime
import re
import tomllib
from importlib import metadata, resources
from pathlib import Path

import pytest
from click.testing import CliRunner

import comorbid as cb
from comorbid.builtin import comorbid_sections
from comorbid.cli import main
from comorbid.report import definition
from comorbid.report.definition import Definition, read_definition
from comorbid.starter import write_review
from comorbid.studies.columns import CORE_COLUMNS
from comorbid.studies.table import Review

DATE = datetime.date(2026, 1, 31)
FILES = [
    "studies.csv",
    "data-dictionary.md",
    "report.toml",
    "references.bib",
    "tox.ini",
    "README.md",
]
# An option that is not set begins with # and no blank, unlike a comment.
NOT_SET = re.compile(r"^#(?=\S)", re.MULTILINE)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    home = tmp_path / "tea-and-sleep"
    assert [path.name for path in write_review(home, date=DATE)] == FILES
    return home


def read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def test_it_builds_and_verifies_at_once(folder: Path) -> None:
    report = cb.build(folder)
    assert report.definition.id == "tea-and-sleep"
    assert {path.name for path in report.save()} == {"report.html", "report.pdf", "results.json"}
    assert cb.verify(folder).agrees
    text = report.render("markdown").decode()
    assert "The association between headache and low back pain: a systematic review" in text
    assert text.startswith(
        "# Tea and sleep\n\nExample data, to be replaced: six studies of headache"
    )


def test_its_result_is_that_of_the_report_on_headache(folder: Path) -> None:
    """The same six rows and decisions: an odds ratio of 2.29 (1.88 to 2.80), as in the README."""
    assert "an odds ratio of 2.29 (95 % confidence interval 1.88 to 2.80)" in (
        cb.build(folder).render("markdown").decode()
    )


def test_the_rows_are_those_of_the_bundled_studies(folder: Path) -> None:
    data = resources.files("comorbid.studies") / "data/headache-back-pain/estimates.csv"
    with data.open(encoding="utf-8") as file:
        bundled = [row for row in csv.DictReader(file) if row["primary"] == "yes"]
    with (folder / "studies.csv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 6
    for row, source in zip(rows, bundled, strict=True):
        from_review = "review Table 3" in row["source_note"]
        assert row.pop("reference") == ("vivekanantham2019" if from_review else "")
        assert row == {name: source.get(name, "") for name in row}
        assert row["source_url"].startswith("https://")


def test_every_column_of_the_core_is_in_table_and_dictionary(folder: Path) -> None:
    dictionary = read(folder / "data-dictionary.md")
    header = read(folder / "studies.csv").partition("\n")[0].split(",")
    words = {"ai": "both", "bi": "back_pain_only", "ci": "headache_only", "di": "neither"}
    for column in CORE_COLUMNS:
        assert f"| `{column.name}` |" in dictionary
        assert column.description in dictionary
        assert words.get(column.name, column.name) in header


def test_every_key_of_a_definition_is_explained(folder: Path) -> None:
    """A key that is new in a definition is missing here until the template explains it."""
    values = tomllib.loads(NOT_SET.sub("", read(folder / "report.toml")))
    assert set(values) == set(definition._KEYS)
    assert set(values["review"]) == {field.name for field in dataclasses.fields(Review)}


def test_each_option_has_a_comment_before_it(folder: Path) -> None:
    """Of the options before the first part in brackets: `# words`, then `option = value`."""
    lines = read(folder / "report.toml").partition("\n[")[0].splitlines()
    options = [i for i, line in enumerate(lines) if re.match(r"#?[a-z]+ = ", line)]
    assert len(options) > 10
    commented = [
        i for i in options if lines[i - 1].startswith("# ") or lines[i].startswith("title")
    ]
    assert commented == options


def test_every_option_that_is_not_set_may_be_set(folder: Path) -> None:
    text = NOT_SET.sub("", read(folder / "report.toml"))
    (folder / "report.toml").write_text(text, encoding="utf-8")
    assert read_definition(folder).tables == {"treatments": "treatments.csv"}


def test_an_option_that_is_not_set_stands_with_its_default(folder: Path) -> None:
    values = tomllib.loads(NOT_SET.sub("", read(folder / "report.toml")))
    defaults = {field.name: field.default for field in dataclasses.fields(Definition)}
    before_the_parts = read(folder / "report.toml").partition("\n[")[0]
    for name in re.findall(r"^#([a-z]+) = ", before_the_parts, re.MULTILINE):
        if name not in ("plugins", "preset", "sides"):  # examples
            found = values[name]
            assert (tuple(found) if isinstance(found, list) else found) == defaults[name]


def test_comments_fit_a_screen(folder: Path) -> None:
    lines = read(folder / "report.toml").splitlines()
    assert max(len(line) for line in lines if line.startswith("# ")) <= 120


def test_all_choices_are_listed(folder: Path) -> None:
    text = read(folder / "report.toml")
    for section in comorbid_sections():
        assert section.id in text
    for choice in ("knha and adhoc", "html, markdown and pdf", "REML", "journal", "exclude"):
        assert choice in text


def test_tox_builds_and_verifies(folder: Path) -> None:
    tox = configparser.ConfigParser(interpolation=None)
    tox.read(folder / "tox.ini", encoding="utf-8")
    assert tox["testenv"]["deps"] == "{env:COMORBID:comorbid==" + metadata.version("comorbid") + "}"
    for name in ("build", "verify"):
        assert name in tox["tox"]["env_list"]
        assert tox[f"testenv:{name}"]["commands"] == f"comorbid {name} {{tox_root}}"


def test_the_readme_names_the_files_and_commands_that_there_are(folder: Path) -> None:
    text = read(folder / "README.md")
    for name in set(FILES) - {"README.md"}:
        assert f"`{name}`" in text
    lines = re.search(r"```sh\n(.*?)```", text, re.DOTALL)
    assert lines is not None
    for line in lines[1].splitlines():
        name, *arguments = line.partition("#")[0].split()[1:]
        command = main.commands[name]
        options = {option for entry in command.params for option in entry.opts}
        assert {entry for entry in arguments if entry.startswith("-")} <= options
    assert "$" not in text


def test_the_command(tmp_path: Path) -> None:
    done = CliRunner().invoke(main, ["new", "review", str(tmp_path / "a-review")])
    assert done.exit_code == 0
    assert done.stderr.splitlines()[0] == f"written: {tmp_path / 'a-review' / 'studies.csv'}"
    today = datetime.date.today()
    assert abs(read_definition(tmp_path / "a-review").date - today) <= datetime.timedelta(days=1)


def test_nothing_is_written_over(folder: Path) -> None:
    (folder / "studies.csv").write_text("mine", encoding="utf-8")
    with pytest.raises(cb.ReportError, match="is there already, and nothing in it is written over"):
        write_review(folder, date=DATE)
    assert read(folder / "studies.csv") == "mine"


def test_an_empty_folder_may_be_there_and_a_file_may_not(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    assert len(write_review(tmp_path / "empty", date=DATE)) == len(FILES)
    (tmp_path / "file").write_text("mine", encoding="utf-8")
    with pytest.raises(cb.ReportError, match="no folder can be made"):
        write_review(tmp_path / "file", date=DATE)


@pytest.mark.parametrize(
    "name", ["Tea", "tea and sleep", "tea_and_sleep", "1-tea", "tea-", "tee-für"]
)
def test_a_name_that_cannot_be_an_id(name: str, tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match="use lower-case words with hyphens between"):
        write_review(tmp_path / name, date=DATE)
    assert list(tmp_path.iterdir()) == []
