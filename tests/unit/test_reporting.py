"""`[reporting]`: what a report says of its protocol and studies, and what it does not say."""

from __future__ import annotations

from pathlib import Path

import pytest

import comorbid as cb
from comorbid.contributions import REPORTING
from comorbid.testing import studies_csv

TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["methods", "deviations"]
formats = ["markdown"]
"""


def printed(folder: Path, lines: str = "") -> list[str]:
    (folder / "studies.csv").write_text(studies_csv(3), encoding="utf-8")
    (folder / "report.toml").write_text(TOML + lines, encoding="utf-8")
    report = cb.build(folder)
    assert report.lock is not None
    return list(report.lock["document"]["lines"])


def test_without_it_methods_names_what_is_not_given(tmp_path: Path) -> None:
    lines = printed(tmp_path)
    at = lines.index("### Protocol and selection of studies")
    assert lines[at + 2] == (
        "Not given: registration, protocol, amendments to registration or protocol, search and "
        "selection of studies and studies that might be expected and are not included."
    )
    assert "No protocol of this analysis is named, and no deviation is declared." in lines


def test_what_is_given_is_printed_with_its_numbers_and_the_rest_named(tmp_path: Path) -> None:
    own = (
        '[reporting]\nregistration = "PROSPERO 2018 CRD42018086557."\n'
        'selection = "Of 1,211 records 14 studies were left."\nprotocol = "See the register."\n'
    )
    lines = printed(tmp_path, own)
    at = lines.index("### Protocol and selection of studies")
    assert lines[at + 2 : at + 5] == [
        "- **Registration.** PROSPERO 2018 CRD42018086557.",
        "- **Protocol.** See the register.",
        "- **Search and selection of studies.** Of 1,211 records 14 studies were left.",
    ]
    assert lines[at + 6] == (
        "Not given: amendments to registration or protocol and studies that might be expected and "
        "are not included."
    )
    assert "No deviation is declared." in lines


def test_with_all_of_it_nothing_is_lacking(tmp_path: Path) -> None:
    own = "".join(f'{key} = "Words."\n' for key in REPORTING)
    assert not any(
        line.startswith("Not given") for line in printed(tmp_path, f"[reporting]\n{own}")
    )


def test_what_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    with pytest.raises(cb.ReportError) as caught:
        printed(
            tmp_path, '[reporting]\nregistraton = "x"\nprotocol = " "\nexcluded = 3\nmore = "y"\n'
        )
    assert [problem.message for problem in caught.value.problems] == [
        "[reporting] has 'registraton'",
        "[reporting]: protocol is ' '",
        "[reporting]: excluded is 3",
        "[reporting] has 'more'",
    ]
    assert caught.value.problems[0].remedy == "did you mean 'registration'?"


def test_it_is_a_table(tmp_path: Path) -> None:
    (tmp_path / "report.toml").write_text(f'{TOML}reporting = "x"\n', encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"give a table headed \[reporting\]"):
        cb.build(tmp_path)
