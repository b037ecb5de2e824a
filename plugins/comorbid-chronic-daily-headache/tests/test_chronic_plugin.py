"""The plugin as it is installed: what it declares, and what its section shows."""

from __future__ import annotations

import doctest
import importlib
import re
from importlib import metadata
from pathlib import Path

import pytest
from chronic_tables import ASHINA, OTHER, YOON, report, text

import comorbid as cb

NAME = "comorbid-chronic-daily-headache"


def test_the_section_is_made_by_this_version(tmp_path: Path) -> None:
    built = report(tmp_path, *ASHINA, *YOON, OTHER)
    origin = f"{NAME}@{metadata.version(NAME)}"
    results = built.lock["results"]
    assert {results[id_]["origin"] for id_ in ("chronic", "headache-days")} == {origin}
    assert results["chronic-against-episodic"]["origin"] == origin


def test_without_being_listed_it_does_not_exist(tmp_path: Path) -> None:
    report(tmp_path, OTHER)
    path = tmp_path / "report.toml"
    path.write_text(re.sub("plugins = .*", "", path.read_text()))
    with pytest.raises(cb.ReportError, match="no section 'chronic-daily-headache'"):
        cb.build(tmp_path)


@pytest.mark.parametrize(
    ("rows", "expected", "contrasts"),
    [
        ((), "there is nothing to compare", 0),
        (ASHINA, "One study has an estimate for chronic and one for episodic headache", 1),
        ((*ASHINA, *YOON), "With 2 studies these data cannot tell", 5),
    ],
)
def test_k_0_1_and_2(rows: tuple[str, ...], expected: str, contrasts: int, tmp_path: Path) -> None:
    found = text(report(tmp_path, *rows, OTHER))
    assert expected in found
    drawn = re.search(r"Plot of (\d+) estimates that are not pooled", found)
    assert (0 if drawn is None else int(drawn[1])) == 2 * contrasts
    assert ("cannot be estimated" in found) == (not rows)


def test_all_chronic_rows_stand_beside_one_row_a_study(tmp_path: Path) -> None:
    found = text(report(tmp_path, *ASHINA, *YOON, OTHER))
    assert "2 studies have 3 rows on chronic headache; 1 has several" in found
    assert "1.0 degrees of freedom. Below 4 it cannot be relied on" in found
    alone = text(report(tmp_path, *ASHINA, OTHER))
    assert "No study has several rows on chronic headache" in alone


def test_both_ends_of_the_covariance_are_drawn(tmp_path: Path) -> None:
    found = text(report(tmp_path, *ASHINA, OTHER))
    assert "a (2) / a, covariance 0: 1.12 (0.44 to 2.86)." in found
    assert "a (2) / a, covariance largest: 1.12 (0.50 to 2.50)." in found


def test_no_sentence_of_the_section_speaks_of_causes(tmp_path: Path) -> None:
    found = text(report(tmp_path, *ASHINA, *YOON, OTHER))
    assert not re.search(r"\b(caus\w+|leads? to|due to|because of)\b", found)


def test_a_definition_is_shown_where_the_table_has_one(tmp_path: Path) -> None:
    report(tmp_path, *ASHINA, OTHER)
    path = tmp_path / "studies.csv"
    lines = path.read_text().splitlines()
    words = ["headache_definition", "under 15 days", "15 or more days", "any", "any"]
    path.write_text("\n".join(f"{line},{word}" for line, word in zip(lines, words, strict=True)))
    found = text(cb.build(tmp_path))
    assert "'Definition'" in found
    assert "15 or more days" in found


@pytest.mark.parametrize(
    "module",
    ["covariance", "hamling", "rows", "dependence", "contrasts", "spread", "trend", "versions"],
)
def test_examples_in_docstrings_run(module: str) -> None:
    found = importlib.import_module(f"comorbid_chronic_daily_headache.{module}")
    assert doctest.testmod(found, optionflags=doctest.NORMALIZE_WHITESPACE).failed == 0
