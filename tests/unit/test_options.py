"""Options of analyses: declared, set in the definition, checked together, locked."""

from __future__ import annotations

import types
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid.declarations import problems_of
from comorbid.report.options import read_options
from comorbid.testing import build_section, check_plugin, registry, studies_csv
from comorbid.testing.conformance import conformance_checks
from comorbid.testing.kit import build_document

OPTIONS = (
    cb.Option("size", "number", "how many people are drawn", default=1000.0),
    cb.Option("by", "names", "columns of the study table", required=True),
    cb.Option("p", "numbers", "a prevalence"),
    cb.Option("source", "text", "where it stands", default="none"),
)


class Seen:
    """A result that holds the options that its analysis saw."""

    def __init__(self, options: Any) -> None:
        self.options = dict(options)

    def to_dict(self) -> dict[str, object]:
        return self.options


def plugin(run: Any = lambda context: Seen(context.options)) -> types.ModuleType:
    made = types.ModuleType("one")
    analysis = cb.Analysis("drawn", "Drawn", run, options=OPTIONS)
    section = cb.Section("drawn", "Drawn", build, needs=("drawn",))
    made.comorbid_analyses = cb.hookimpl(lambda: (analysis,))  # type: ignore[attr-defined]
    made.comorbid_sections = cb.hookimpl(lambda: (section,))  # type: ignore[attr-defined]
    return made


def build(context: cb.Context) -> tuple[cb.Block, ...]:
    assert not context.options
    return (cb.Paragraph(repr(context.results["drawn"].to_dict())),)


def read(given: dict[str, dict[str, Any]], *, use: bool = True) -> Any:
    declared = registry(plugin()).analyses
    needed = [e for e in declared if e.declaration.id == "drawn"] if use else []
    return read_options(given, declared=declared, needed=needed)


def test_an_analysis_gets_its_options_and_the_defaults() -> None:
    (found,) = build_section("drawn", plugin(), options={"drawn": {"by": "year", "p": [0.2, 1]}})
    seen = {"size": 1000.0, "by": ("year",), "p": (0.2, 1.0), "source": "none"}
    assert found == cb.Paragraph(repr(seen))


def test_what_is_wrong_is_said_at_once_with_the_nearest_name() -> None:
    given: dict[str, dict[str, Any]] = {
        "drwn": {"size": 1},
        "pool": {"size": 1},
        "drawn": {"sice": 1, "size": "many", "p": [0.2, "x"], "source": 3},
    }
    with pytest.raises(cb.ReportError) as caught:
        read(given)
    assert [str(problem) for problem in caught.value.problems] == [
        "report.toml: [analyses.drwn]: no analysis 'drwn'; did you mean 'drawn'?",
        "report.toml: [analyses.drawn]: no by, columns of the study table; "
        'give a name, or a list such as ["year"]',
        "report.toml: [analyses.pool]: unknown option 'size'; it takes no options",
        "report.toml: [analyses.drawn]: unknown option 'sice'; did you mean 'size'?",
        "report.toml: [analyses.drawn]: size is 'many'; give a number",
        "report.toml: [analyses.drawn]: p is [0.2, 'x']; "
        "give a number, or a list such as [0.2, 0.18, 0.22]",
        "report.toml: [analyses.drawn]: source is 3; give some text",
    ]


def test_options_of_an_analysis_that_is_not_in_use_are_checked_and_required_of_none() -> None:
    assert read({}, use=False) == {}
    with pytest.raises(cb.ReportError, match="size is True; give a number"):
        read({"drawn": {"size": True}}, use=False)


@pytest.mark.parametrize("value", [True, "0.2", float("nan"), float("inf"), [0.2], []])
def test_no_number(value: object) -> None:
    with pytest.raises(cb.ReportError, match="size is"):
        read({"drawn": {"by": "year", "size": value}})


@pytest.mark.parametrize("value", [1, [], [1], ["a", "a"], " ", [""]])
def test_no_names(value: object) -> None:
    with pytest.raises(cb.ReportError, match="by is"):
        read({"drawn": {"by": value}})


def test_an_option_that_is_not_declared_cannot_be_read() -> None:
    made = plugin(lambda context: Seen({"x": context.options["other"]}))
    with pytest.raises(cb.ReportError, match="other is not among its options"):
        build_section("drawn", made, options={"drawn": {"by": "year"}})


def test_the_lock_records_the_options_in_use() -> None:
    given = {"drawn": {"by": "year", "size": 5}}
    computed, _ = build_document(["drawn", "forest"], registry(plugin()), studies_csv(), {}, given)
    settings: Any = computed.lock()["settings"]
    own = {"by": ["year"], "p": None, "size": 5.0, "source": "none"}
    assert settings["analyses"] == {"drawn": own}


def test_declarations_are_checked() -> None:
    def problems(*options: Any) -> list[str]:
        return problems_of(cb.Analysis("a", "A", Seen, options=options))

    assert problems(*OPTIONS) == []
    assert problems("by") == ["options is ('by',), not a tuple of Option"]
    assert problems(cb.Option("My option", "text", "")) == [
        "option 'My option' is not a lower-case name, such as 'min_people'"
    ]
    assert problems(OPTIONS[0], OPTIONS[0]) == 2 * ["option 'size' is there twice"]
    assert problems(cb.Option("a", "int", ""))[0].startswith(  # type: ignore[arg-type]
        "option 'a' is of kind 'int'; use one of text,"
    )
    assert problems(cb.Option("a", "number", "", required=True, default=1.0)) == [
        "option 'a' has the default 1.0; give none, as it is required"
    ]
    assert problems(cb.Option("a", "numbers", "", default=1.0))[0].startswith(
        "option 'a' has the default 1.0; give a number, or a list"
    )


test_conformance = check_plugin(plugin(), options={"drawn": {"by": "year"}})


def test_the_kit_says_which_option_it_needs() -> None:
    check = conformance_checks(plugin())["section drawn, k = 1"]
    with pytest.raises(cb.ReportError, match="no by, columns of the study table"):
        check()


TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["forest"]
formats = ["markdown"]
"""


def test_the_definition_wants_tables(tmp_path: Path) -> None:
    (tmp_path / "studies.csv").write_text(studies_csv(), encoding="utf-8")
    for wrong in ("analyses = 3", "[analyses]\npool = 3"):
        (tmp_path / "report.toml").write_text(TOML + wrong, encoding="utf-8")
        with pytest.raises(cb.ReportError, match=r"give tables headed \[analyses.ID\]"):
            cb.build(tmp_path)
    (tmp_path / "report.toml").write_text(f"{TOML}[analyses.pol]\nx = 1\n", encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"no analysis 'pol'; did you mean 'pool'\?"):
        cb.build(tmp_path)


@pytest.mark.parametrize("unused", ["[analyses.burden]\np1 = 0.2", "[analyses.subgroups]"])
def test_options_that_no_section_uses_are_refused(tmp_path: Path, unused: str) -> None:
    (tmp_path / "studies.csv").write_text(studies_csv(), encoding="utf-8")
    (tmp_path / "report.toml").write_text(f"{TOML}{unused}\n", encoding="utf-8")
    with pytest.raises(cb.ReportError) as caught:
        cb.build(tmp_path)
    assert str(caught.value) == (
        f"report.toml: {unused.splitlines()[0]}: no section of the report uses it; "
        "add a section that does, or leave its options out"
    )
