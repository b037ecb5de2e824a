"""The migraine plugin as it is installed: what it declares, says and does not say."""

from __future__ import annotations

import re
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
    folder.mkdir(exist_ok=True)
    (folder / "report.toml").write_text(TOML, encoding="utf-8")
    (folder / "studies.csv").write_text(HEADER + rows, encoding="utf-8")
    section, *_ = cb.build(folder).document.sections  # references may follow
    return " ".join(
        f"{block.caption} {block.alt}" if isinstance(block, cb.Figure) else str(block)
        for block in section.blocks
    )


def many(headache: str, ratio: float) -> str:
    """Six studies of narrow intervals around one ratio."""
    rows = [
        f"{headache[:2]}{i},OR,{ratio * s:.3f},{0.8 * ratio * s:.3f},{1.25 * ratio * s:.3f},"
        for i, s in enumerate((0.9, 0.95, 1.0, 1.0, 1.05, 1.1))
    ]
    return "".join(f"{row}{headache}\n" for row in rows)


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
        (0, "No row of the study table is about migraine"),
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


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        (MIGRAINE[0], "too few to confirm or refute the statement"),
        ("".join(MIGRAINE), "the odds ratio in migraine is the higher: 2.76 (95 % confidence"),
        # exp(log 1.2 ± log(2.1 / 0.7) / 2) = 0.69 and 2.08
        (
            "m1,OR,1.2,0.7,2.1,migraine\n",
            "is the lower: 1.20 (95 % confidence interval 0.69 to 2.08) against 2.11 (95 % "
            "confidence interval ",
        ),
        ("m1,OR,1.2,0.01,200,migraine\n", "too few to confirm or refute the statement"),
    ],
)
def test_few_studies_conclude_nothing(tmp_path: Path, rows: str, expected: str) -> None:
    """Without heterogeneity the average is the mean weighted by 1/v: exp(1.016) = 2.76."""
    text = build(tmp_path, OTHER + rows)
    assert expected in text
    assert "agree with" not in text
    assert "contradict" not in text


@pytest.mark.parametrize(
    ("migraine", "expected"),
    [
        (4.0, "They agree with the statement: the odds ratio is 3.99 (95 % confidence"),
        (1.2, "They contradict the statement: the odds ratio is 1.20 (95 % confidence"),
        (2.02, "They do not show that the odds ratio in migraine differs: 2.02 (95 % confidence"),
    ],
)
def test_many_studies_in_each_direction(tmp_path: Path, migraine: float, expected: str) -> None:
    """The average is the geometric mean: 0.9979 times the ratio."""
    text = build(tmp_path, many("any", 2.0) + many("migraine", migraine))
    assert expected in text
    assert "against 2.00 (95 % confidence interval " in text


def test_only_migraine_leaves_nothing_to_compare_with(tmp_path: Path) -> None:
    text = build(tmp_path, "".join(MIGRAINE))
    assert "none is left to compare with: the statement cannot be examined" in text


def test_a_forest_plot_of_both_sides(tmp_path: Path) -> None:
    text = build(tmp_path, OTHER + "".join(MIGRAINE))
    assert "Forest plot of 4 studies in 2 subgroups by subgroup, odds ratio on a log axis." in text
    assert text.count("Forest plot") == 1
    assert "Forest plot of 2 studies" in build(tmp_path / "alone", "".join(MIGRAINE))
    assert "Forest plot" not in build(tmp_path / "none", OTHER)


def test_episodic_and_chronic_migraine_where_the_data_have_them(tmp_path: Path) -> None:
    assert "No row of the study table is about episodic or chronic migraine" in build(
        tmp_path / "0", OTHER + "".join(MIGRAINE)
    )
    kinds = (
        "e1,OR,1.5,1.1,2.1,episodic migraine\ne2,OR,1.7,1.1,2.6,episodic migraine\n"
        "c1,OR,4.0,2.0,8.0,chronic migraine\n"
    )
    text = build(tmp_path / "1", OTHER + kinds)
    assert "Episodic migraine has 2 studies, chronic migraine 1 study." in text
    assert "3 studies have a public estimate for migraine" in text
    assert "cannot tell whether the association differs in episodic migraine" in text
    assert "one study matches: not pooled" in text


def same_people(tmp_path: Path, migraine: float) -> str:
    header = HEADER.replace("\n", ",estimate_id,primary\n")
    rows = (
        "a,OR,1.7,1.2,2.5,any,a-1,yes\na,OR,1.9,0.8,4.5,chronic,a-2,no\n"
        f"a,OR,{migraine},0.5,9,migraine,a-3,no\na,OR,2.4,1.3,4.4,migraine+tension-type,a-4,no\n"
        "b,OR,2.0,1.5,2.7,any,b-1,yes\n"
    )
    tmp_path.mkdir(exist_ok=True)
    (tmp_path / "report.toml").write_text(TOML, encoding="utf-8")
    (tmp_path / "studies.csv").write_text(header + rows, encoding="utf-8")
    section, *_ = cb.build(tmp_path).document.sections  # references may follow
    return " ".join(str(block) for block in section.blocks)


@pytest.mark.parametrize(
    ("migraine", "expected"),
    [
        (1.2, "a: 1.20 for migraine, 1.70 to 1.90 in the 2 rows on other headache, which all lie"),
        (1.2, "which all lie higher"),
        (3.0, "which all lie lower"),
        (1.8, "so that neither is the higher throughout"),
    ],
)
def test_migraine_beside_the_other_rows_of_the_same_people(
    tmp_path: Path, migraine: float, expected: str
) -> None:
    text = same_people(tmp_path, migraine)
    assert expected in text
    assert "no test between them is given" in text


def test_no_sentence_speaks_of_causes(tmp_path: Path) -> None:
    text = build(tmp_path, many("any", 2.0) + many("migraine", 4.0))
    assert not re.search(r"\b(caus\w+|leads? to|due to|because of)\b", text)


def test_statement_of_the_review_is_examined_not_repeated(tmp_path: Path) -> None:
    text = build(tmp_path, OTHER + "".join(MIGRAINE))
    assert "says that the association is stronger in people with migraine" in text
    assert "cannot tell whether the association differs in migraine" in text


def test_numbers_of_the_headache_report() -> None:
    """Ashina 2018 1.2 (0.7-2.1) and Bejia 2005 2.55 (1.49-4.38): k = 2, Q on 1 df closed form."""
    report = cb.build(Path(__file__).parents[3] / "reports" / "headache-back-pain")
    values = report.lock["results"]["migraine"]["values"]  # type: ignore[index]
    assert values["fit"]["ids"] == ["ashina2018-3", "bejia2005-1"]
    assert values["fit"]["k"] == 2
    assert values["rest"]["k"] == 4
    (m1, m2), (s1, s2) = values["contrast"]["estimate"], values["contrast"]["se"]
    expected = (m1 - m2) ** 2 / (s1**2 + s2**2)
    assert values["contrast"]["q_between"] == pytest.approx(expected, rel=1e-12)
    rows = report.lock["results"]["migraine-within-studies"]["values"]  # type: ignore[index]
    assert rows["ids"] == [f"ashina2018-{i}" for i in range(1, 6)]


def test_all_rows_stand_beside_one_row_a_study(tmp_path: Path) -> None:
    rows = many("migraine", 2.0)
    assert "No study has several rows on migraine" in build(tmp_path, OTHER + rows)
    lines = [
        *OTHER.split(),
        *rows.splitlines(),
        *rows.replace(",migr", ",episodic migr").splitlines(),
    ]
    header = f"estimate_id,primary,{HEADER}".strip()
    seen: set[str] = set()
    table = [header]
    for i, line in enumerate(lines):
        study = line.partition(",")[0]
        table.append(f"{i},{'no' if study in seen else 'yes'},{line}")
        seen.add(study)
    (tmp_path / "studies.csv").write_text("\n".join(table), encoding="utf-8")
    section, *_ = cb.build(tmp_path).document.sections
    text = " ".join(str(block) for block in section.blocks)
    assert "6 studies have 12 rows on migraine; 6 have several" in text
    assert "Each average lies within the other's interval" in text
    assert "below 4 it cannot be relied on" not in text
    assert "robust interval" in text
