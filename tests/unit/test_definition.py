from __future__ import annotations

import datetime
import os
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.report.definition import read_definition

MINIMAL = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["summary"]
"""


def definition(folder: Path, text: str) -> object:
    (folder / "report.toml").write_text(text, encoding="utf-8")
    return read_definition(folder)


def test_defaults(tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text(MINIMAL, encoding="utf-8")
    found = read_definition(tmp_path)
    assert (found.measure, found.method, found.test, found.level) == ("OR", "REML", "knha", 0.95)
    assert found.date == datetime.date(2026, 1, 31)
    assert found.inputs == ("report.toml", "studies.csv")
    assert found.overrides == found.plugins == ()


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('titel = "x"', "unknown key 'titel'; did you mean 'title'?"),
        ('paper = "a5"', "paper is 'a5'; give one of A4, letter"),
        ('test = "hk"', "test is 'hk'; give one of z, t, knha, adhoc"),
        ("level = 95", "level is 95; give a proportion"),
        ('plugins = "comorbid-migraine"', "plugins is 'comorbid-migraine'; give a list"),
        ("subtitle = 3", "subtitle is 3; give some text"),
        ('override = "x"', "give tables headed [[override]]"),
        ("[[override]]\nestimate = 'a'", "override 1 has estimate; give estimate, use and reason"),
        ("deviation = 'x'", "give tables headed [[deviation]]"),
        ("[[deviation]]\nwhat = 'x'", "deviation 1 has what; give what and why, each as text"),
        ("[[deviation]]\nwhat = 'x'\nwhy = ' '", "deviation 1 has what, why; give what and why"),
        (
            "[[override]]\nestimate = 'a'\nuse = 'count'\nreason = 'r'",
            "override of a: use is 'count'; use one of counts",
        ),
        ("[review]\ntitle = 'x'", "column review: authors is missing"),
    ],
)
def test_problems_are_named(tmp_path: Path, line: str, message: str) -> None:
    with pytest.raises(cb.ReportError) as caught:
        definition(tmp_path, MINIMAL + line)
    assert message in str(caught.value)
    assert str(tmp_path / "report.toml") in str(caught.value)


@pytest.mark.parametrize("data", ["../studies.csv", "/etc/passwd", "a\\\\b.csv", ""])
def test_data_cannot_leave_the_folder(tmp_path: Path, data: str) -> None:
    with pytest.raises(cb.ReportError, match="data is"):
        definition(tmp_path, MINIMAL.replace("studies.csv", data))


def add_inputs(folder: Path) -> str:
    """A definition with a file of every kind, all of which are there."""
    for name in ("studies.csv", "more.csv", "own.bib"):
        (folder / name).write_text("x", encoding="utf-8")
    text = MINIMAL + 'references = "own.bib"\n[tables]\nmore = "more.csv"\n'
    assert definition(folder, text)
    return text


@pytest.mark.parametrize("name", ["studies.csv", "more.csv", "own.bib"])
@pytest.mark.parametrize(
    "outside",
    [
        *("../x.csv", "a/../../x.csv", "/etc/passwd", "//server/share/x.csv", "."),
        *("C:x.csv", "C:/x.csv", "C:\\\\x.csv", "..\\\\x.csv", "\\\\\\\\server\\\\share\\\\x.csv"),
    ],
)
def test_no_file_is_named_outside_the_folder(name: str, outside: str, tmp_path: Path) -> None:
    text = add_inputs(tmp_path)
    with pytest.raises(cb.ReportError, match="the name of a file inside the folder"):
        definition(tmp_path, text.replace(name, outside))


@pytest.mark.parametrize("name", ["studies.csv", "more.csv", "own.bib"])
def test_a_symbolic_link_cannot_lead_out_of_the_folder(name: str, tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    text = add_inputs(folder)
    (tmp_path / "secret").write_text("secret", encoding="utf-8")
    (folder / name).unlink()
    try:
        (folder / name).symlink_to(tmp_path / "secret")
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(cb.ReportError, match=f"{name}: leads out of the report's folder; put the"):
        definition(folder, text)


def test_a_linked_folder_cannot_lead_out_either(tmp_path: Path) -> None:
    folder, other = tmp_path / "report", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    (other / "studies.csv").write_text("secret", encoding="utf-8")
    try:
        (folder / "data").symlink_to(other)
    except OSError:
        pytest.skip("no symbolic links here")
    with pytest.raises(cb.ReportError, match="leads out of the report's folder"):
        definition(folder, MINIMAL.replace("studies.csv", "data/studies.csv"))


def test_a_link_inside_the_folder_and_a_linked_report_are_fine(tmp_path: Path) -> None:
    folder = tmp_path / "report"
    folder.mkdir()
    add_inputs(folder)
    (folder / "studies.csv").rename(folder / "studies-2.csv")
    try:
        (folder / "studies.csv").symlink_to("studies-2.csv")
        (tmp_path / "link").symlink_to(folder)
    except OSError:
        pytest.skip("no symbolic links here")
    assert read_definition(tmp_path / "link").data == "studies.csv"


def test_a_pipe_is_no_study_table(tmp_path: Path) -> None:
    if not hasattr(os, "mkfifo"):
        pytest.skip("no named pipes here")
    os.mkfifo(tmp_path / "studies.csv")
    with pytest.raises(cb.ReportError, match=r"studies\.csv: is no ordinary file"):
        definition(tmp_path, MINIMAL)


@pytest.mark.parametrize(
    ("line", "where"),
    [
        ('subtitle = "a\\u001b[31mb"', "subtitle"),
        ('[[override]]\nestimate = "a"\nuse = "counts"\nreason = "\\u0008"', "override 1 reason"),
        ('[review]\ntitle = "\\u009b"', "review title"),
        ('"\\u0007" = 1', "the key '\\x07'"),
    ],
)
def test_control_characters(line: str, where: str, tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        definition(tmp_path, MINIMAL + line)
    assert f"{where} has the control character U+" in str(caught.value)


def test_deviations_are_read(tmp_path: Path) -> None:
    text = MINIMAL + "[[deviation]]\nwhat = 'One database.'\nwhy = 'No access to others.'"
    (tmp_path / "report.toml").write_text(text, encoding="utf-8")
    (found,) = read_definition(tmp_path).deviations
    assert (found.what, found.why) == ("One database.", "No access to others.")


def test_all_problems_at_once(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        definition(tmp_path, 'id = 1\ndate = "today"\nsections = ["a", "a"]\n')
    messages = " ".join(problem.message for problem in caught.value.problems)
    for part in ("no 'title'", "no 'data'", "id is 1", "date is 'today'", "sections is"):
        assert part in messages


@pytest.mark.parametrize(
    ("content", "message"), [(b"id = ", "Invalid value"), (b"\xff\xfe", "decode")]
)
def test_not_toml(tmp_path: Path, content: bytes, message: str) -> None:
    (tmp_path / "report.toml").write_bytes(content)
    with pytest.raises(cb.ReportError, match=message):
        read_definition(tmp_path)


def test_no_definition(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError, match=r"name a folder that has a report.toml"):
        read_definition(tmp_path)
