"""The treatments plugin as it is installed: what it declares, and its section in the report."""

from __future__ import annotations

from importlib import metadata
from pathlib import Path

import pytest

import comorbid as cb
from comorbid.registry import load_registry

REPORT = Path(__file__).parents[2] / "reports" / "headache-back-pain"


def test_declares_columns_an_analysis_and_a_section() -> None:
    origin = f"comorbid-treatments@{metadata.version('comorbid-treatments')}"
    registry = load_registry(["comorbid-treatments >=1,<2"])
    assert registry.find("analyses", "treatments").origin == origin
    assert registry.find("sections", "treatments").origin == origin
    columns = {entry.declaration.table for entry in registry.columns if entry.origin == origin}
    assert columns == {"treatments"}


def test_numbers_of_the_headache_report() -> None:
    """Tilbrook 2011, yoga against usual care: 1.57 (0.42 to 2.71), the one trial of its kind."""
    report = cb.build(REPORT)
    assert report.lock["inputs"]["treatments.csv"]  # type: ignore[index]
    values = report.lock["results"]["treatments"]["values"]  # type: ignore[index]
    fit = values["results"]["fit"]
    yoga = fit["network"]["treatments"].index("yoga (12-class programme)")
    assert fit["network"]["treatments"][0] == "usual care"
    assert fit["estimate"][yoga][0] == pytest.approx(1.57)
    assert fit["se"][yoga][0] == pytest.approx((2.71 - 0.42) / 2 / 1.959963984540054)
    assert len(values["unpooled"]) == 5
    (section,) = (s for s in report.document.sections if s.id == "treatments")
    assert "none of them measured headache" in str(section.blocks[0])
