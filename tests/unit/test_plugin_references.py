"""Papers that a plugin brings with its sections and analyses, and how they are done in Methods."""

from __future__ import annotations

import sys
import types
from pathlib import Path
from typing import Any

import pytest

import comorbid as cb
from comorbid.calls import Calls
from comorbid.declarations import problems_of
from comorbid.document.blocks import References
from comorbid.report.build import Report, build_with
from comorbid.report.definition import read_definition
from comorbid.testing import build_section, registry, studies_csv

ENTRY = "@article{%s, author={Doe, Jane}, title={T}, journal={J}, year={2000}, doi={10.1000/%s}}\n"
TOML = """
id = "r"
title = "T"
date = 2026-01-31
data = "studies.csv"
sections = ["methods", "mine"]
formats = ["markdown"]
"""


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A package with a bibliography of its own, as an installed plugin has it."""
    home = tmp_path / "site" / "comorbid_mine"
    home.mkdir(parents=True)
    (home / "__init__.py").write_text("", encoding="utf-8")
    entries = ENTRY % ("doe2000", "1") + ENTRY % ("unused", "2")
    (home / "references.bib").write_text(entries, encoding="utf-8")
    monkeypatch.delitem(sys.modules, "comorbid_mine", raising=False)
    monkeypatch.syspath_prepend(str(tmp_path / "site"))
    return "comorbid_mine:references.bib"


class Found:
    def to_dict(self) -> dict[str, object]:
        return {}


def plugin(resource: str, cited: str = "doe2000") -> Any:
    made: Any = types.ModuleType("mine")
    methods = ("It is done so ", cb.Cite(cited), ".")
    analysis = cb.Analysis("mine", "Mine", lambda _: Found(), methods=methods, references=resource)
    blocks = (cb.Paragraph(("As there ", cb.Cite(cited), ".")),)
    section = cb.Section("mine", "Mine", lambda _: blocks, needs=("mine",), references=resource)
    made.comorbid_analyses = cb.hookimpl(lambda: (analysis,))
    made.comorbid_sections = cb.hookimpl(lambda: (section,))
    return made


def built(folder: Path, plugin: Any, more: str = "") -> Report:
    (folder / "studies.csv").write_text(studies_csv(), encoding="utf-8")
    (folder / "report.toml").write_text(more + TOML, encoding="utf-8")
    return build_with(read_definition(folder), registry(plugin), Calls())


def test_they_stand_in_the_references_and_the_analysis_in_methods(
    tmp_path: Path, package: str
) -> None:
    document = built(tmp_path, plugin(package)).document
    methods, mine, references = document.sections
    assert "Mine" in str(methods.blocks)
    assert "It is done so" in str(methods.blocks)
    (listed,) = (block for block in references.blocks if isinstance(block, References))
    keys = [entry.key for entry in listed.entries]
    assert "doe2000" in keys
    assert "unused" not in keys
    assert len(mine.blocks) == 1


def test_the_kit_knows_them(package: str) -> None:
    assert len(build_section("mine", plugin(package))) == 1


def test_a_key_of_another_paper_is_refused_with_its_file(tmp_path: Path, package: str) -> None:
    (tmp_path / "own.bib").write_text(ENTRY % ("doe2000", "3"), encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"own.bib, line 1: the key 'doe2000' stands for"):
        built(tmp_path, plugin(package), 'references = "own.bib"\n')
    bundled = tmp_path / "site" / "comorbid_mine" / "references.bib"
    bundled.write_text(ENTRY % ("higgins2002", "4"), encoding="utf-8")
    with pytest.raises(cb.ReportError, match=r"comorbid_mine:references.bib.*'higgins2002' stands"):
        built(tmp_path, plugin(package, "higgins2002"))


def test_the_same_paper_may_stand_in_two_files(tmp_path: Path, package: str) -> None:
    (tmp_path / "own.bib").write_text(ENTRY % ("doe2000", "1"), encoding="utf-8")
    assert built(tmp_path, plugin(package), 'references = "own.bib"\n').document.sections


def test_a_file_that_is_not_there_is_a_problem_of_the_declaration(package: str) -> None:
    for wrong, said in (
        ("comorbid_mine:other.bib", "does not exist; is it among the package's data?"),
        ("references.bib", "is no resource; write 'package:path'"),
    ):
        for declared in (
            cb.Section("a", "A", lambda _: (), references=wrong),
            cb.Analysis("a", "A", lambda _: Found(), references=wrong),
        ):
            (problem,) = problems_of(declared)
            assert problem.startswith("references: ")
            assert said in problem
    assert problems_of(cb.Section("a", "A", lambda _: (), references=package)) == []
    (problem,) = problems_of(cb.Section("a", "A", lambda _: (), references=3))  # type: ignore[arg-type]
    assert problem == "references is 3, not text"


def test_a_citation_of_nothing_is_still_a_failure(tmp_path: Path, package: str) -> None:
    with pytest.raises(cb.ReportError, match="nobody1900"):
        built(tmp_path, plugin(package, "nobody1900"))


@pytest.mark.plugins
def test_what_the_plugins_of_this_repository_bring_prints() -> None:
    from comorbid.document.bibliography import read_bibliography
    from comorbid.themes import resource

    for name in ("comorbid_chronic_daily_headache", "comorbid_treatments"):
        content = resource(f"{name}:references.bib").read_bytes()
        entries = read_bibliography(content, source=name)
        assert len(entries) >= 4
        assert all(entries[key].doi.startswith("10.") for key in entries)
