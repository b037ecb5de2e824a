"""The migraine plugin as it is installed: what it declares, says and does not say."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.registry import load_registry

HEADER = "study_id,measure,estimate,ci_low,ci_high,headache\n"
OTHER = "o1,OR,2.0,1.5,2.7,any\no2,OR,2.5,1.5,4.2,any\n"
MIGRAINE = ("m1,OR,3.0,2.0,4.5,migraine\n", "m2,OR,2.5,1.6,3.9,migraine\n")
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["migraine"]
plugins = ["comorbid-migraine >=1,<2"]
"""


def build(folder: Path, rows: str) -> str:
    """The migraine section as text, of a report on these rows (made up for the wording only)."""
    (folder / "report.toml").write_text(TOML, encoding="utf-8")
    (folder / "studies.csv").write_text(HEADER + rows, encoding="utf-8")
    (section,) = cb.build(folder).document.sections
    return " ".join(str(block) for block in section.blocks)


def test_declares_a_subgroup_and_a_section() -> None:
    origin = f"comorbid-migraine@{metadata.version('comorbid-migraine')}"
    registry = load_registry(["comorbid-migraine >=1,<2"])
    assert registry.find("subgroups", "migraine").origin == origin
    assert registry.find("sections", "migraine").origin == origin


def test_without_being_listed_it_does_not_exist() -> None:
    with pytest.raises(cb.PluginError, match="no section 'migraine'"):
        load_registry().find("sections", "migraine")


@pytest.mark.parametrize(
    ("studies", "expected"),
    [
        (0, "No row of the study table is about migraine."),
        (1, "One study has a public estimate for migraine"),
        (2, "2 studies have a public estimate for migraine"),
    ],
)
def test_k_0_1_and_2_are_written_correctly(tmp_path: Path, studies: int, expected: str) -> None:
    text = build(tmp_path, OTHER + "".join(MIGRAINE[:studies]))
    assert expected in text
    assert ("these data cannot tell" in text) == (studies > 0)
    assert ("not pooled" in text) == (studies == 1)
    assert ("there is nothing to compare" in text) == (studies == 0)


def test_statement_of_the_review_is_examined_not_repeated(tmp_path: Path) -> None:
    text = build(tmp_path, OTHER + "".join(MIGRAINE))
    assert "says that the association is stronger in people with migraine" in text
    assert "cannot tell whether the association differs in migraine" in text


def test_numbers_of_the_headache_report() -> None:
    """Ashina 2018 1.2 (0.7-2.1) and Bejia 2005 2.55 (1.49-4.38): k = 2, Q on 1 df closed form."""
    report = cb.build(Path(__file__).parents[2] / "reports" / "headache-back-pain")
    values = report.lock["results"]["migraine"]["values"]  # type: ignore[index]
    assert values["fit"]["ids"] == ["ashina2018-3", "bejia2005-1"]
    assert values["fit"]["k"] == 2
    assert values["rest"]["k"] == 4
    (m1, m2), (s1, s2) = values["contrast"]["estimate"], values["contrast"]["se"]
    expected = (m1 - m2) ** 2 / (s1**2 + s2**2)
    assert values["contrast"]["q_between"] == pytest.approx(expected, rel=1e-12)
