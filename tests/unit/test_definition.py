from __future__ import annotations

import datetime
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
