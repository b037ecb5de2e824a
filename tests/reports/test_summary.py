"""Page one when decisions differ from those of the committed report."""

from __future__ import annotations

import shutil
import types
from pathlib import Path

import pytest

import comorbid as cb
from comorbid import builtin
from comorbid.registry import Distribution, registry_of

pytestmark = pytest.mark.plugins  # the report lists one

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.toml", "studies.csv", "treatments.csv"):
        shutil.copy(REPORT / name, tmp_path)
    return tmp_path


def page_one(folder: Path, override: str) -> str:
    path = folder / "report.toml"
    text = path.read_text(encoding="utf-8")
    path.write_text(text.replace("[review]", f"[[override]]\n{override}\n\n[review]"))
    return str(cb.build(folder).document.sections[0])


def test_coverage_is_that_of_the_studies_pooled(folder: Path) -> None:
    """Without Yoon's 9,944 people 413,690 of 460,195 are left: 90 %."""
    text = page_one(folder, 'estimate = "yoon2013-1"\nuse = "exclude"\nreason = "No."')
    assert "5 of 14 studies, 90 % of participants" in text
    assert "413,690 of 460,195" in text
    assert "Strong(text='Yoon 2013'), ' (yoon2013-1): left out. No.'" in text


def test_a_decision_about_a_row_outside_the_pool_says_so(folder: Path) -> None:
    text = page_one(folder, 'estimate = "yoon2013-2"\nuse = "reported"\nreason = "Yes."')
    assert "taken as printed (a row that is not in the main pool). Yes." in text


@pytest.mark.parametrize("content", ["", "{", "{}", '{"format": 1, "results": []}'])
def test_a_broken_lock_is_replaced_with_a_warning(folder: Path, content: str) -> None:
    (folder / "results.json").write_text(content, encoding="utf-8")
    with pytest.warns(cb.ComorbidWarning, match="a new lock is made"):
        report = cb.build(folder)
    report.save()
    assert cb.verify(folder).agrees


def test_a_measure_that_raises_is_named_with_its_plugin(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(rows: object) -> None:
        raise ZeroDivisionError("no people")

    measure = cb.Measure("XX", "an X", ("ai",), broken, "log", 0.0, "")  # type: ignore[arg-type]
    plugin = types.ModuleType("a_plugin")
    plugin.comorbid_measures = cb.hookimpl(lambda: [measure])  # type: ignore[attr-defined]
    sources = {"comorbid": ("0", builtin), "x": ("1", plugin)}
    loaded = registry_of(Distribution(name, *rest[:1], rest[1:]) for name, rest in sources.items())
    monkeypatch.setattr("comorbid.report.build.load_registry", lambda *arguments: loaded)
    path = folder / "report.toml"
    text = path.read_text(encoding="utf-8").replace('measure = "OR"', 'measure = "XX"')
    sections = '"migraine", "chronic-daily-headache", ', '"treatments", '
    for needs_a_plugin in (*sections, 'treatments = "treatments.csv"'):
        assert needs_a_plugin in text
        text = text.replace(needs_a_plugin, "")
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cb.PluginError, match="x@1, measure 'XX' fails: ZeroDivisionError"):
        cb.build(folder)
