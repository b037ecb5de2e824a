"""Page one when decisions differ from those of the committed report."""

from __future__ import annotations

import dataclasses
import io
import re
import shutil
import types
from pathlib import Path

import pytest
from pypdf import PdfReader

import comorbid as cb
from comorbid import builtin
from comorbid.document.sections.summary import _largest, _range
from comorbid.registry import Distribution, registry_of
from comorbid.studies.review import Coverage

pytestmark = pytest.mark.plugins  # the report lists one

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("report.toml", "studies.csv", "treatments.csv", "references.bib"):
        shutil.copy(REPORT / name, tmp_path)
    # The tables are edited, and what metafor gives for the committed ones is no longer about them.
    path = tmp_path / "report.toml"
    text = re.sub("second_engine = .*\n", "", path.read_text(encoding="utf-8"))
    path.write_text(text, encoding="utf-8")
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


def test_a_study_with_most_of_the_people_is_named() -> None:
    """With 51 of 100 people, not with half of them, and not where it is the only study."""
    table = cb.read_studies(REPORT / "studies.csv")
    rows = cb.effects(table, measure="OR")
    random, common = cb.pool(rows), cb.pool(rows, method="EE")
    yoon = rows.studies.index("yoon2013")

    def said(studies: int, share: float, fit: cb.Fit = random) -> str:
        found = Coverage(studies, 3, 100, 200, 0.5, largest="yoon2013", largest_share=share)
        return _largest(found, table, fit)

    weight = round(float(random.weights[yoon]))
    assert said(2, 0.51) == (
        f"Yoon 2013 alone has 51 % of them and {weight} % of the weight: shares of people say "
        "little of what missing studies would change. "
    )
    assert said(2, 0.5) == said(1, 1.0) == ""
    ghandour = Coverage(2, 3, 100, 200, 0.5, largest="ghandour2004", largest_share=0.95)
    assert common.weights[rows.studies.index("ghandour2004")] > 90  # its interval as printed
    assert _largest(ghandour, table, common) == "Ghandour 2004 alone has 95 % of them. "


@pytest.mark.parametrize(
    ("lowest", "says"),
    [(1.55, ", of which 8.00 lies outside"), (1.2, ", of which 1.20 and 8.00 lie outside")],
)
def test_what_of_the_range_of_the_review_is_not_expected(lowest: float, says: str) -> None:
    table = cb.datasets.headache_back_pain()
    assert table.review is not None
    assert table.review.lowest_odds_ratio is not None
    least = dataclasses.replace(table.review.lowest_odds_ratio, estimate=lowest, ci=(0.9, 2.1))
    review = dataclasses.replace(table.review, lowest_odds_ratio=least)
    counts = [cb.Override(i, use="counts", reason="r") for i in ("ghandour2004-1", "swain2014-1")]
    fit = cb.pool(cb.effects(table, measure="OR", overrides=counts))
    assert f"{says} the prediction interval." in _range(fit, review)


def test_a_decision_about_a_row_outside_the_pool_says_so(folder: Path) -> None:
    text = page_one(folder, 'estimate = "yoon2013-2"\nuse = "reported"\nreason = "Yes."')
    assert "taken as printed (a row that is not in the main pool). Yes." in text


def test_page_one_is_one_page_and_begins_with_the_prediction(folder: Path) -> None:
    report = cb.build(folder)
    first = PdfReader(io.BytesIO(report.pdf())).pages[0]
    page = " ".join(first.extract_text().split())
    summary = report.document.sections[0]
    assert isinstance(summary.blocks[1], cb.Figure)
    assert page.index("95 % prediction interval") < page.index("The average over the 6 studies")
    assert "6 of 14 studies, 92 % of participants" in page
    # 404,206 of 423,634
    assert "Swain 2014 alone has 95 % of them and 29 % of the weight" in page
    assert "Swain 2014 (swain2014-1): computed from its 2x2 counts" in page
    last = summary.blocks[-1]
    assert isinstance(last, cb.Paragraph)
    assert str(last.text)[-60:] in page


def test_a_report_of_no_study_says_so_in_every_section(folder: Path) -> None:
    """All six studies are left out by decisions; what other rows can say stands."""
    path = folder / "report.toml"
    text = path.read_text(encoding="utf-8")
    start, end = text.index("# A decision"), text.index("# What the review")
    ids = cb.effects(cb.datasets.headache_back_pain()).ids
    out = "".join(
        f'[[override]]\nestimate = "{id_}"\nuse = "exclude"\nreason = "A test."\n\n' for id_ in ids
    )
    path.write_text(text[:start] + out + text[end:], encoding="utf-8")
    report = cb.build(folder)
    said = {section.id: str(section.blocks) for section in report.document.sections}
    reason = "No study is pooled: none of the table's 13 rows is a primary row with an effect and"
    for name in (
        "summary",
        "summary-of-findings",
        "methods",
        "studies",
        "forest",
        "heterogeneity",
        "funnel",
    ):
        assert reason in said[name], name
        assert "6 are left out by decisions" in said[name]
    assert "Error: impossible interval" in said["audit"]
    results = report.lock["results"]
    assert isinstance(results, dict)
    assert results["pool"]["values"] == results["heterogeneity"]["values"]
    assert reason in results["pool"]["values"]["absent"]


@pytest.mark.parametrize("content", ["", "{", "{}", '{"format": 1, "results": []}'])
def test_a_broken_lock_is_replaced_with_a_warning(folder: Path, content: str) -> None:
    edit = folder / "report.toml"
    text = edit.read_text(encoding="utf-8")
    edit.write_text(f'formats = ["html"]\n{text}', encoding="utf-8")  # quick
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
    sections = [rf'"{name}",\s' for name in ("migraine", "chronic-daily-headache", "treatments")]
    for needs_a_plugin in (*sections, 'treatments = "treatments.csv"'):
        text, count = re.subn(needs_a_plugin, "", text)
        assert count == 1
    path.write_text(text, encoding="utf-8")
    with pytest.raises(cb.PluginError, match="x@1, measure 'XX' fails: ZeroDivisionError"):
        cb.build(folder)
