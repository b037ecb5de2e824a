"""Further tables of a report: read like the study table, declared by plugins, locked as inputs."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid import builtin, registry
from comorbid.declarations import id_of
from comorbid.registry import Distribution, registry_of
from comorbid.report import build, verify
from comorbid.studies.further import read_table
from comorbid.studies.read import read_studies

COLUMNS = (
    cb.Column("study_id", "text", required=True, description="the study", table="treatments"),
    cb.Column("people", "count", description="the number of people", table="treatments"),
    cb.Column("blind", "flag", description="whether it was blind", table="treatments"),
    cb.Column(
        "dose",
        "number",
        description="the dose in mg",
        check=lambda values: values > 0,
        table="treatments",
    ),
)
GOOD = "study_id,people,blind,dose,drug\na,10,yes,2.5,x\nb,,no,,\n"
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["treatments"]
plugins = ["treatments"]

[tables]
treatments = "treatments.csv"
"""
STUDIES = "study_id,measure,estimate,ci_low,ci_high\na,OR,2.0,1.0,4.0\nb,OR,3.0,1.5,6.0\n"


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], cb.DataTable]:
    def read(text: str) -> cb.DataTable:
        path = tmp_path / "treatments.csv"
        path.write_text(text, encoding="utf-8")
        return read_table(path, name="treatments", columns=COLUMNS)

    return read


def test_values_are_of_the_declared_kinds(table: Callable[[str], cb.DataTable]) -> None:
    found = table(GOOD)
    frame = found.frame
    assert frame["study_id"].tolist() == ["a", "b"]
    assert frame["people"].isna().tolist() == [False, True]
    assert frame["blind"].tolist() == [True, False]
    assert frame["dose"].iloc[0] == 2.5
    assert frame["drug"].tolist() == ["x", ""]
    assert (found.name, len(found), found.lines) == ("treatments", 2, (2, 3))
    assert found.sha256 == hashlib.sha256(GOOD.encode()).hexdigest()
    assert "2 rows of study_id, people, blind, dose, drug" in repr(found)


def test_a_table_does_not_change(table: Callable[[str], cb.DataTable]) -> None:
    found = table(GOOD)
    frame = found.frame
    frame.loc[0, "dose"] = 99.0
    del frame["people"]
    assert found.frame["dose"].iloc[0] == 2.5
    assert "people" in found.frame
    with pytest.raises(AttributeError):
        found.name = "other"  # type: ignore[misc]


def test_all_problems_at_once_with_line_column_value_and_remedy(
    table: Callable[[str], cb.DataTable],
) -> None:
    with pytest.raises(cb.DataError) as caught:
        table("study_id,people,blind,doses\n,1.5,perhaps,-1\na,3,yes,2\nb,4,no\n")
    lines = [str(problem).partition("treatments.csv, ")[2] for problem in caught.value.problems]
    assert lines == [
        "line 1, column doses: the name 'doses' is nearly dose; rename it to dose; if it holds "
        "something else, give it a name less alike",
        "line 2, column study_id: study_id is missing; give the study",
        "line 2, column people: '1.5' is not a whole number from 0 up; give the number of people "
        "(plain digits, no thousands separators), or leave the cell empty",
        "line 2, column blind: 'perhaps' is not yes or no; give whether it was blind (yes, no, "
        "true, false, 1 or 0)",
        "line 2, column dose: '-1' is not acceptable as dose; give the dose in mg (plain digits, "
        "a point before the decimals, no thousands separators), or leave the cell empty",
        "line 4: the row has 3 cells, the header 4 (separator: comma); give every row a cell "
        "under each name, empty where nothing is known",
    ]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("people\n1\n", "there is no column study_id among 'people'; add it: the study"),
        ("", "the file is empty; give a header, then one row for each line of the table"),
        ("study_id\n", "a header and no rows"),
        ("study_id,study_id\na,b\n", "the header names study_id twice"),
    ],
)
def test_wrong_headers(table: Callable[[str], cb.DataTable], text: str, message: str) -> None:
    with pytest.raises(cb.DataError, match=message):
        table(text)


def test_words_of_two_by_two_tables_mean_nothing_here(
    table: Callable[[str], cb.DataTable],
) -> None:
    assert table("study_id,both\na,1\n").frame["both"].tolist() == [1.0]


def test_columns_of_another_table_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text(GOOD, encoding="utf-8")
    with pytest.raises(cb.PluginError, match="column n is of the table studies, not treatments"):
        read_table(path, name="treatments", columns=[cb.Column("n", "count")])
    with pytest.raises(cb.PluginError, match="column dose is of the table treatments"):
        read_studies(path, columns=COLUMNS[-1:])
    with pytest.raises(ValueError, match="a table has a name such as"):
        cb.Column("n", "count", table="My Table")


class Treatments:
    """A plugin with a table, and a section that shows what it got."""

    reads: tuple[str, ...] = ("treatments",)
    table = "treatments"

    @cb.hookimpl
    def comorbid_columns(self) -> tuple[cb.Column, ...]:
        return COLUMNS

    @cb.hookimpl
    def comorbid_sections(self) -> tuple[cb.Section, ...]:
        return (cb.Section("treatments", "Treatments", self._section, tables=self.reads),)

    def _section(self, context: cb.Context) -> tuple[cb.Block, ...]:
        return (cb.Paragraph(", ".join(context.tables[self.table].frame["study_id"])),)


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A report with one further table; its plugin is given, not installed."""
    for name, text in {
        "report.toml": TOML,
        "studies.csv": STUDIES,
        "treatments.csv": GOOD,
    }.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    use(monkeypatch, Treatments())
    return tmp_path


def use(monkeypatch: pytest.MonkeyPatch, *plugins: object) -> None:
    core = Distribution("comorbid", "0", (builtin,))
    given = [Distribution(f"p{i}", "1", (plugin,)) for i, plugin in enumerate(plugins)]

    def load(*_arguments: object) -> registry.Registry:
        return registry_of([core, *given])

    for module in (build, verify):
        monkeypatch.setattr(module, "load_registry", load)


def edit(folder: Path, before: str, after: str) -> None:
    path = folder / "report.toml"
    path.write_text(path.read_text(encoding="utf-8").replace(before, after), encoding="utf-8")


def test_a_section_reads_its_table_and_the_lock_holds_its_hash(folder: Path) -> None:
    report = cb.build(folder)
    assert report.document.sections[0].blocks == (cb.Paragraph("a, b"),)
    inputs: Any = report.lock["inputs"]
    assert inputs["treatments.csv"] == hashlib.sha256(GOOD.encode()).hexdigest()


def test_verify_names_a_changed_table(folder: Path) -> None:
    cb.build(folder).save()
    assert cb.verify(folder).agrees
    (folder / "treatments.csv").write_text(GOOD.replace("10", "11"), encoding="utf-8")
    assert [line.split(":")[0] for line in cb.verify(folder).inputs] == ["treatments.csv"]


def test_table_that_no_plugin_knows(folder: Path) -> None:
    edit(folder, "treatments =", "treatment =")
    edit(folder, '["treatments"]\nplugins', '["provenance"]\nplugins')
    with pytest.raises(cb.ReportError) as caught:
        cb.build(folder)
    assert "no plugin in use declares a column of the table 'treatment'" in str(caught.value)
    assert "did you mean 'treatments'?" in str(caught.value)


def test_section_whose_table_the_report_lacks(folder: Path) -> None:
    edit(folder, '[tables]\ntreatments = "treatments.csv"', "")
    with pytest.raises(cb.ReportError) as caught:
        cb.build(folder)
    assert str(caught.value) == (
        "report.toml: p0@1, 'treatments' reads the table 'treatments', which is missing; "
        'add treatments = "treatments.csv" under [tables], or leave out what reads it'
    )


def test_missing_file(folder: Path) -> None:
    (folder / "treatments.csv").unlink()
    with pytest.raises(cb.ComorbidError, match=r"treatments\.csv: cannot read"):
        cb.build(folder)


def test_a_section_gets_only_the_tables_it_names(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Silent(Treatments):
        reads = ()

    use(monkeypatch, Silent())
    with pytest.raises(cb.ReportError, match=r"treatments is not among its tables, \(\)"):
        cb.build(folder)


def test_columns_of_two_tables_may_share_a_name(monkeypatch: pytest.MonkeyPatch) -> None:
    class Other:
        @cb.hookimpl
        def comorbid_columns(self) -> tuple[cb.Column, ...]:
            return (cb.Column("dose", "number"), cb.Column("n", "count", table="trials"))

    found = registry_of(
        [Distribution("a", "1", (Treatments(),)), Distribution("b", "1", (Other(),))]
    )
    names = [id_of(entry.declaration) for entry in found.columns]
    assert names == [
        "dose",
        *("treatments.blind", "treatments.dose", "treatments.people", "treatments.study_id"),
        "trials.n",
    ]
    with pytest.raises(cb.PluginError, match=r"column 'treatments\.dose' of b@1 is already"):
        registry_of([Distribution(name, "1", (Treatments(),)) for name in "ab"])


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ('treatments = "../t.csv"', "table treatments is '../t.csv'; give the name of a file"),
        ('treatments = "/t.csv"', "table treatments is '/t.csv'"),
        ('treatments = "C:t.csv"', "table treatments is 'C:t.csv'"),
        ("treatments = 1", "table treatments is 1"),
        ('Treatments = "t.csv"', "a table is called 'Treatments'; use lower-case words"),
        ('studies = "t.csv"', "a table is called 'studies'"),
    ],
)
def test_wrong_tables_in_the_definition(folder: Path, line: str, message: str) -> None:
    edit(folder, 'treatments = "treatments.csv"', line)
    with pytest.raises(cb.ReportError) as caught:
        cb.build(folder)
    assert message in str(caught.value)
